"""The transparency log of a book over HTTP: checkpoint, tiles and proofs, for programs that trust nobody.

Checkpoint and tiles are as C2SP says, so any client of tlog-tiles can follow and verify the log. Everything
here is as of the last signed checkpoint; asking for the checkpoint signs where the log ends now.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ledger.errors import Refusal
from ledger.tlog import proof, signing, tiles, tree
from ledger.tlog.offline import OfflineProof
from ledger.tlog.signing import Signed
from ledger.tlog.tree import Connection
from ledger_api.access import MAY_READ
from ledger_api.answers import answer, answer_bytes
from ledger_api.parameters import BookPath, NoQuery, Position, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.services import services_of
from ledger_api.shapes.transparency import Consistency, Inclusion

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
_KEEP = {"Cache-Control": "private, max-age=31536000, immutable"}

router = APIRouter(tags=["Transparency"], dependencies=[MAY_READ])


class AtSize(BaseModel):
    """Of which tree."""

    model_config = ConfigDict(extra="forbid")

    size: Position | None = Field(None, description="Entries of the tree; the last one signed without it.")


class Extension(BaseModel):
    """Of which two trees."""

    model_config = ConfigDict(extra="forbid")

    old: Position = Field(description="Entries of the earlier tree.", examples=[5])
    size: Position | None = Field(None, description="Entries of the later one; the last signed without it.")


@router.get(
    "/v1/books/{book}/log/checkpoint",
    summary="Show the checkpoint",
    dependencies=[NoQuery],
    response_class=Response,
    responses={200: {"content": {TEXT: {"schema": {"type": "string"}}}}},
)
async def checkpoint(request: Request, book: BookPath) -> Response:
    """Give the checkpoint of all that is recorded now (C2SP tlog-checkpoint), and what witnesses signed."""
    transparency = services_of(request).transparency

    def work(connection: Connection) -> tuple[str, int]:
        signed = transparency.sign(connection, book)
        return signing.with_cosignatures(connection, book, signed), signed.checkpoint.size

    note, size = await transparency.run(work)
    return answer_bytes(request, note.encode(), size, media_type=TEXT)


@router.get(
    "/v1/books/{book}/log/keys",
    summary="List the keys that sign the log",
    dependencies=[NoQuery],
    response_class=Response,
    responses={200: {"content": {TEXT: {"schema": {"type": "string"}}}}},
)
async def keys(request: Request, book: BookPath) -> Response:
    """List the public keys as C2SP signed-note verifier keys, one a line, the one in force first."""
    transparency = services_of(request).transparency
    found = await transparency.run(lambda connection: transparency.keys(connection, book))
    return answer_bytes(request, "".join(f"{key}\n" for key in found).encode(), None, media_type=TEXT)


@router.get(
    "/v1/books/{book}/log/tile/{path:path}",
    summary="Read a tile, or a bundle of entries",
    dependencies=[NoQuery],
    response_class=Response,
    responses={200: {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def tile(
    request: Request,
    book: BookPath,
    path: Annotated[str, Path(description="As C2SP tlog-tiles says.", examples=["0/000", "entries/000.p/5"])],
) -> Response:
    """Give hashes of the tree, or the stored bytes of events, as far as a checkpoint covers them."""
    asked = tiles.read_path(path)
    transparency = services_of(request).transparency

    def work(connection: Connection) -> bytes | None:
        if asked is None:
            return None
        return tiles.read_tile(connection, book, asked, transparency.signed(connection, book).checkpoint.size)

    try:
        found = await transparency.run(work)
    except tiles.TooLong as error:
        raise NotFound("entry_too_long", str(error), tile=path) from error
    if found is None:
        raise NotFound("tile_unknown", f"no checkpoint covers a tile {path[:64]}", tile=path[:64])
    response = answer_bytes(request, found, None, media_type=BYTES)
    response.headers.update(_KEEP)
    return response


@router.get(
    "/v1/books/{book}/log/proof/inclusion/{position}",
    summary="Prove that an event is in the log",
    dependencies=[StrictQuery],
    responses={200: {"model": Inclusion}},
)
async def inclusion(
    request: Request, book: BookPath, position: Position, parameters: Annotated[AtSize, Query()]
) -> Response:
    """Give the hashes that lead from the event's leaf to the root of a tree (RFC 6962, 2.1.1)."""
    transparency = services_of(request).transparency

    def work(connection: Connection) -> dict[str, object]:
        size = _size(transparency.signed(connection, book), parameters.size)
        _refuse_outside(position, size)
        path = tree.proof(connection, book, proof.inclusion(position - 1, size))
        return {"position": position, "index": position - 1, "size": size, "hashes": [h.hex() for h in path]}

    found = await transparency.run(work)
    return answer(request, found, None)


@router.get(
    "/v1/books/{book}/log/proof/consistency",
    summary="Prove that the log only grew",
    dependencies=[StrictQuery],
    responses={200: {"model": Consistency}},
)
async def consistency(
    request: Request, book: BookPath, parameters: Annotated[Extension, Query()]
) -> Response:
    """Give the hashes that show that a later tree extends an earlier one (RFC 6962, 2.1.2)."""
    transparency = services_of(request).transparency

    def work(connection: Connection) -> dict[str, object]:
        size = _size(transparency.signed(connection, book), parameters.size)
        _refuse_outside(parameters.old, size)
        path = tree.proof(connection, book, proof.consistency(parameters.old, size))
        return {"old": parameters.old, "size": size, "hashes": [each.hex() for each in path]}

    found = await transparency.run(work)
    return answer(request, found, None)


@router.get(
    "/v1/books/{book}/log/proof/offline/{position}",
    summary="Take a proof away",
    dependencies=[NoQuery],
    response_class=Response,
    responses={200: {"content": {TEXT: {"schema": {"type": "string"}}}}},
)
async def offline(request: Request, book: BookPath, position: Position) -> Response:
    """Give a proof that needs nothing else: index, hashes and checkpoint in one file (C2SP tlog-proof)."""
    transparency = services_of(request).transparency

    def work(connection: Connection) -> bytes:
        signed = transparency.signed(connection, book)
        size = signed.checkpoint.size
        _refuse_outside(position, size)
        path = tree.proof(connection, book, proof.inclusion(position - 1, size))
        note = signing.with_cosignatures(connection, book, signed)
        return bytes(OfflineProof(position - 1, path, note.encode()))

    return answer_bytes(request, await transparency.run(work), None, media_type=TEXT)


def _size(signed: Signed, asked: int | None) -> int:
    size = signed.checkpoint.size
    if asked is None:
        return size
    if asked > size:
        raise Refusal("not_signed_yet", f"{size} events are signed, not {asked}", size=asked, signed=size)
    return asked


def _refuse_outside(position: int, size: int) -> None:
    if not 0 < position <= size:
        raise Refusal(
            "not_signed_yet",
            f"the {size} events signed hold none at {position}",
            position=position,
            size=size,
        )

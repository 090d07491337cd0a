"""Notes about a customer: the log says that there is one, and holds a hash; the text is in the vault.

The hash is of a random salt and the text. Without the salt a short text could be guessed from its hash, and
the text would outlive its erasure.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from ledger.errors import Conflict, Malformed, Refusal
from ledger.event import LEDGER
from ledger.note import NoteAdded
from ledger.sql import queries
from ledger_api.access import Posts, SeesPersons
from ledger_api.answers import JSON, link_next
from ledger_api.documents import media_type_of, read_body
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, CustomerPath, Name, NoQuery, Paged, ReadAsOf, StrictQuery
from ledger_api.posting import Asked, post_for
from ledger_api.problems import ERASED
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.services import Services, services_of
from ledger_api.shapes.notes import NoteKept, NotePage

_SQL = queries("ledger_api.reads", "notes.sql")

SOURCE = f"{LEDGER}/notes"
"""The CloudEvents source of notes that came to the address of notes."""
NOTE_BYTES_MAX = 16 * 1024
"""The text of one note, in bytes of UTF-8: a long letter."""
SALT_BYTES = 32
TEXT = "text/plain"
_NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Authorization"}

router = APIRouter(tags=["Customers"])


class NotesParameters(ReadAsOf, Paged):
    """Which part of the notes."""


@router.put(
    "/v1/books/{book}/customers/{customer}/notes/{note}",
    summary="Add a note",
    status_code=201,
    response_class=Response,
    dependencies=[NoQuery],
    openapi_extra={"requestBody": {"required": True, "content": {TEXT: {"schema": {"type": "string"}}}}},
    responses={
        201: {"model": NoteKept, "description": "It is kept."},
        200: {"model": NoteKept, "description": "It was kept before, with the same text."},
        409: {"description": "There is a note of that name with another text."},
        410: ERASED,
    },
)
async def put_note(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    note: Annotated[Name, Path(description="The note.", examples=["n-1"])],
    principal: Posts,
) -> Response:
    """Keep the text of a note in the vault, and record that there is one. A note is never changed.

    The text is kept first, under its hash: what the log names can be read, whatever is interrupted.
    """
    services = services_of(request)
    text = await _text(request)
    salt = secrets.token_bytes(SALT_BYTES)
    sha256 = hashlib.sha256(salt + text).hexdigest()
    await services.vault.put(book, customer, {_record(note, sha256): salt + text})
    asked = Asked(principal, book, customer)
    try:
        data = NoteAdded(note=note, sha256=sha256)
        receipt = await post_for(services, asked, "note.added", data, key=(SOURCE, f"{customer}/{sha256}"))
    except Refusal as refusal:
        if refusal.code != "note_exists":
            raise
        return await _kept_before(services, asked, note, _record(note, sha256), text, refusal)
    body = msgspec.json.encode({"note": note, "sha256": sha256, "position": receipt.position})
    headers = {**_NOT_KEPT, "Ledger-Position": str(receipt.position)}
    return Response(body, 201, headers, JSON)


async def _kept_before(
    services: Services, asked: Asked, note: str, unused: str, text: bytes, refusal: Refusal
) -> Response:
    """Answer a note that is there: the same text is the same note, another one a conflict."""
    sha256 = str(refusal.values["sha256"])
    await services.vault.put(asked.book, asked.customer, {unused: None})
    name = _record(note, sha256)
    kept = (await services.vault.get(asked.book, asked.customer, [name])).get(name)
    if kept is None or kept[SALT_BYTES:] != text:
        raise Conflict(refusal.code, refusal.detail, note=note)
    return Response(
        msgspec.json.encode({"note": note, "sha256": sha256, "position": None}), 200, _NOT_KEPT, JSON
    )


def _record(note: str, sha256: str) -> str:
    return f"note.{note}.{sha256}"


async def _text(request: Request) -> bytes:
    """Read the text of a note: UTF-8, not empty, not too long."""
    kind = media_type_of(request)
    if kind != TEXT:
        raise Refusal("media_type_unsupported", f"a note is sent as {TEXT}", media_type=kind[:100])
    taken = await read_body(request, NOTE_BYTES_MAX)
    try:
        empty = not taken.decode().strip()
    except UnicodeDecodeError:
        raise Malformed("utf8_invalid", "the note is not UTF-8") from None
    if empty:
        raise Malformed("text_length", "the note is empty")
    return taken


@router.get(
    "/v1/books/{book}/customers/{customer}/notes",
    summary="Read the notes about a customer",
    dependencies=[StrictQuery],
    responses={200: {"model": NotePage}, 410: ERASED},
)
async def list_notes(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    principal: SeesPersons,
    parameters: Annotated[NotesParameters, Query()],
) -> Response:
    """List notes with their texts, in the order in which they were added; 410 once they were erased.

    `text` is null for a note whose text is kept elsewhere. Of an earlier moment the notes are those that were
    there, with the texts that are kept.
    """
    del principal
    services = services_of(request)
    filters = {
        **parameters.model_dump(exclude={"limit", "page", "min_position"}),
        "book": book,
        "customer": customer,
    }
    after = services.pages.after("notes", filters, parameters.page) or [0]
    values = {**filters, "after_position": after[0], "limit": parameters.limit + 1}
    position, items = await items_at(
        services.reader, _SQL["notes"], ("contacts",), values, parameters, [customer]
    )
    token = None
    if len(items) > parameters.limit:
        items.pop()
        token = services.pages.token("notes", filters, [int(str(items[-1]["position"]))])
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    names = {str(item["note"]): _record(str(item["note"]), str(item["sha256"])) for item in items}
    kept = await services.vault.get(book, customer, list(names.values()))
    for item in items:
        text = kept.get(names[str(item["note"])])
        item["text"] = None if text is None else text[SALT_BYTES:].decode()
    body = msgspec.json.encode({"items": items, "next": token})
    headers = {**_NOT_KEPT, "Ledger-Position": str(position)}
    if token is not None:
        headers["Link"] = link_next(request, {"page": token})
    return Response(body, 200, headers, JSON)

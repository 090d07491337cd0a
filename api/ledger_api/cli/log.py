"""`billing-ledger log`: a book's signed log: its checkpoint, the keys that sign it, and witnesses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import ConfigurationError, LedgerError
from ledger_api.cli.output import Json, print_facts, print_rows

if TYPE_CHECKING:
    from ledger.tlog.signing import Signed
    from ledger.tlog.tree import Connection
    from ledger_api.files.proofs import Proven

app = typer.Typer(help="The signed log of a book.", no_args_is_help=True)

Book = Annotated[str, typer.Option(help="The book.")]


def register(to: typer.Typer) -> None:
    """Add the commands."""
    to.add_typer(app, name="log")


@app.command()
def checkpoint(book: Book = "main", json: Json = False) -> None:
    """Sign where the log ends now, and print the checkpoint and what witnesses signed: keep it elsewhere."""
    from ledger.tlog import signing  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    with runtime() as found, found.connect() as connection:
        signed = _sign(connection, book)
        note = signing.with_cosignatures(connection, book, signed)
    if json:
        facts = {
            "book": book,
            "size": signed.checkpoint.size,
            "root": signed.checkpoint.root.hex(),
            "note": note,
        }
        print_facts(facts, as_json=True)
    else:
        print(note, end="")


@app.command()
def keys(book: Book = "main", json: Json = False) -> None:
    """List the public keys that ever signed, the one in force first: whoever verifies needs them."""
    from ledger.tlog import signing  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.signed_log import key_path, origin_of  # noqa: PLC0415

    with runtime() as found, found.connect() as connection:
        if not signing.is_there(connection, book):
            raise ConfigurationError(f"there is no book {book}")
        signing.key_in_force(connection, key_path())
        lines = [str(verifier) for verifier in signing.verifiers(connection, origin_of(book))]
    if json:
        print_rows(("key",), [(line,) for line in lines], as_json=True)
    else:
        print("\n".join(lines))


@app.command("check-proof")
def check_proof(
    file: Annotated[Path, typer.Argument(help="The proof: a file .tlog-proof (C2SP tlog-proof).")],
    key: Annotated[
        list[str],
        typer.Option(
            help="A public key of the log that you kept, as its line or as a file of such lines. "
            "May be given several times."
        ),
    ],
    witness: Annotated[
        list[str] | None,
        typer.Option(
            help="A public key of a witness that you kept, given in the same way: one of them has to have "
            "signed too. May be given several times."
        ),
    ] = None,
    entry: Annotated[
        Path | None, typer.Option(help="The event that it is about: its bytes as they were recorded.")
    ] = None,
    leaf: Annotated[
        str | None,
        typer.Option(help="Or its leaf hash in hexadecimal, as the receipt of the message has it."),
    ] = None,
    json: Json = False,
) -> None:
    """Check, with no database, that an event is in a log that one of these keys signed.

    Ends with 5 when the proof does not hold: the event is another, the proof leads to another root, none of
    the keys signed its checkpoint, or witnesses are named and none of them did. Tells how many signatures it
    checked with which key, and how many nobody checked because they are of none of the keys.
    """
    from ledger_api.files.proofs import check_proof_file, read_leaf  # noqa: PLC0415

    if (entry is None) is (leaf is None):
        raise typer.BadParameter("say which event it is about: the file of its bytes as --entry, or --leaf")
    hashed = read_leaf(entry if entry is not None else str(leaf))
    proven = check_proof_file(file, hashed, key, witness or ())
    facts = {
        "log": proven.checkpoint.origin,
        "position": proven.position,
        "leaf": hashed.hex(),
        "size": proven.checkpoint.size,
        "root": proven.checkpoint.root.hex(),
        "signatures": _signatures(proven) if json else _told(proven),
    }
    print_facts(facts, as_json=json)


def _signatures(proven: Proven) -> dict[str, object]:
    checked = [
        {"key": each.key_name, "lines": each.lines, "witnessed_at": _moment(each.seconds)}
        for each in proven.signed
    ]
    return {"checked": checked, "not_checked": proven.unchecked}


def _told(proven: Proven) -> str:
    """Say of each key how many signatures it was checked with, and how many there are of other keys."""
    words = [
        f"{each.lines} by {each.key_name}" + ("" if each.seconds is None else f" at {_moment(each.seconds)}")
        for each in proven.signed
    ]
    return f"{', '.join(words)}; {proven.unchecked} not checked"


def _moment(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):  # a witness may sign any number
        return f"second {seconds}"


@app.command("rotate-key")
def rotate_key(json: Json = False) -> None:
    """Replace the key that signs: a new one in its file, the old one beside it. What that signed holds."""
    from ledger.tlog import signing  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.signed_log import key_path  # noqa: PLC0415

    with runtime() as found, found.connect() as connection:
        key = signing.rotate_key(connection, key_path())
    print_facts({"file": str(key_path()), "public_key": signing.public(key).hex()}, as_json=json)


@app.command()
def witness(
    url: Annotated[str, typer.Argument(help="Where the witness takes checkpoints, without /add-checkpoint.")],
    key: Annotated[str, typer.Option(help="The witness's public key, as its one line.")],
    book: Book = "main",
    json: Json = False,
) -> None:
    """Sign where the log ends now, have a witness sign it too, and keep what it signed."""
    from ledger.tlog.note import COSIGNATURE, BadNote, read_verifier  # noqa: PLC0415
    from ledger.tlog.witness import Witness, add_checkpoint  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    try:
        verifier = read_verifier(key)
    except BadNote as error:
        raise typer.BadParameter(str(error), param_hint="--key") from error
    if verifier.type != COSIGNATURE:
        raise typer.BadParameter("this is no key of a witness", param_hint="--key")
    with runtime() as found, found.connect() as connection:
        signed = _sign(connection, book)
        cosignature = add_checkpoint(connection, book, signed, Witness(url, verifier))
    facts = {
        "book": book,
        "size": signed.checkpoint.size,
        "witness": verifier.name,
        "line": str(cosignature.line).strip(),
    }
    print_facts(facts, as_json=json)


def _sign(connection: Connection, book: str) -> Signed:
    from ledger.tlog import signing  # noqa: PLC0415
    from ledger_api.signed_log import key_path, origin_of  # noqa: PLC0415

    try:
        signed = signing.sign(connection, book, origin_of(book), key_path())
    except LookupError as error:
        raise ConfigurationError(str(error)) from error
    if signed is None:
        raise LedgerError(f"nothing of {book} is signed yet, and the key that signs is not in {key_path()}")
    return signed

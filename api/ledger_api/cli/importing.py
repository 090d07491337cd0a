"""`billing-ledger import`: files of messages, posted through HTTP; or a whole log that was exported."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_api.cli import REFUSED
from ledger_api.cli.output import Json, print_json, print_rows, progress

if TYPE_CHECKING:
    from ledger_api.client.bulk import Lanes, Refused, Tally
    from ledger_api.files.mapping import RowMapping

STDIN = Path("-")


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command("import")(import_files)


def import_files(
    *,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Files to post, or a log; - reads standard input.")
    ],
    book: Annotated[str, typer.Option(help="The book to post to.")],
    mapping: Annotated[
        Path | None, typer.Option(help="The files are CSV: this TOML file says what rows mean.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A running ledger; without it, a service of our own.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Its API key (or BILLING_LEDGER_KEY).")] = None,
    lanes: Annotated[int, typer.Option(min=1, max=16, help="Connections to post over.")] = 2,
    home: Annotated[Path | None, typer.Option(help="Data folder of the embedded PostgreSQL.")] = None,
    log: Annotated[
        bool, typer.Option("--log", help="FILE is an exported log: make it the log of an empty book again.")
    ] = False,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="With --log: a checkpoint that you kept, which the file has to extend."),
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(help="With --checkpoint: the log's public key, or a file of its keys.")
    ] = None,
    json: Json = False,
) -> None:
    """Post files of messages: CloudEvents in JSON, one a line, or CSV with a mapping file.

    Messages keep their order for each customer, and whatever was recorded before is answered again and not
    recorded: importing a file twice changes nothing. Exit code 3 when a message was refused.

    With --log an exported log, verified first, becomes that of the book byte for byte, or nothing does. Only
    a --checkpoint shows that it was signed. Exit code 4: the book is not empty; 5: it is wrong, or no log.
    """
    from ledger_api.cli.connecting import Wants, connected, use_home  # noqa: PLC0415
    from ledger_api.client.bulk import Lanes  # noqa: PLC0415
    from ledger_api.files.mapping import RowMapping  # noqa: PLC0415

    use_home(home)
    _refuse_mixed(log=log, of_messages=(mapping, url, key), of_log=(checkpoint, public_key), files=files)
    if log:
        _refuse_missing(files)
        import_exported(files[0], book, checkpoint or [], public_key, as_json=json)
        return
    rows = None if mapping is None else RowMapping.read(mapping)
    _refuse_missing(files)
    tallies = {}
    with connected(url, key, Wants(book, "import", ("*",))) as client:
        for file in files:
            with Lanes(client, book, lanes) as posting:
                _post(file, rows, posting)
            tallies[str(file)] = posting.tally
    if json:
        print_json([{"file": file, **_facts(tally)} for file, tally in tallies.items()])
    else:
        for name, tally in tallies.items():
            _tell(name, tally)
    if any(tally.refused for tally in tallies.values()):
        raise typer.Exit(REFUSED)


def _refuse_mixed(
    *, log: bool, of_messages: Sequence[object], of_log: Sequence[object], files: Sequence[Path]
) -> None:
    """Refuse options that have no meaning for what is imported."""
    from ledger.errors import ConfigurationError  # noqa: PLC0415

    if log and any(of_messages):
        raise ConfigurationError("a log is not posted: --mapping, --url and --key have no meaning with --log")
    if log and len(files) > 1:
        raise ConfigurationError("--log takes one file: the whole log of one book")
    if not log and any(of_log):
        raise ConfigurationError("--checkpoint and --public-key are about an exported log: give --log too")


def import_exported(
    file: Path, book: str, checkpoints: Sequence[Path], key: str | None, *, as_json: bool
) -> None:
    """Verify and import an exported log, and tell how many events there are and the root over them."""
    from ledger.database import connect  # noqa: PLC0415
    from ledger.log.importing import import_log, refuse_used, refuse_wrong  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.files.checkpoints import read_checkpoint_file, read_keys  # noqa: PLC0415
    from ledger_api.files.importing import count_lines  # noqa: PLC0415

    keys = read_keys([key] if key is not None else [])
    outside = [read_checkpoint_file(path, keys, book) for path in checkpoints]
    with runtime() as found:
        with found.connect() as connection:
            refuse_used(connection, book)  # nobody waits for a verification to be told that
        with _readable_twice(file) as path, path.open("rb") as lines:
            events = count_lines(lines)
            with progress(f"Verifying {book}", events) as advance:
                refuse_wrong(path, advance)
            with (
                connect(found.conninfo, autocommit=False, statement_seconds_max=0) as connection,
                progress(f"Importing {book}", events) as advance,
            ):
                imported = import_log(connection, book, lines, outside, advance)
    sizes = sorted({each.size for each in outside if each.size})
    if as_json:
        print_json({"book": book, "events": imported.events, "root": imported.root.hex(),
                    "checkpoints": sizes, "signatures_checked": bool(sizes and keys)})  # fmt: skip
        return
    print(f"{imported.events:,} events of {book}, each line in canonical form and next to the one before it")
    print(f"root {imported.root.hex()}")
    for said in _held_to(sizes, imported.events, signed=bool(keys)):
        print(said)


@contextmanager
def _readable_twice(file: Path) -> Iterator[Path]:
    """Give the file; standard input, which can be read only once, is written to one for a while."""
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger.scratch import scratch  # noqa: PLC0415

    if file != STDIN:
        yield file
        return
    with scratch("billing-ledger-import-") as folder:
        path = folder / "log.ndjson"
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        yield path


def _held_to(sizes: Sequence[int], events: int, *, signed: bool) -> Iterator[str]:
    """Say how much of an imported log somebody vouches for; lines alone show only that they fit together."""
    if not sizes:
        yield "held to no checkpoint: only one kept elsewhere tells whether this is the log that was signed"
    for size in sizes:
        signature = "signed by a key given" if signed else "its signature not checked: no --public-key"
        yield f"extends the checkpoint at {size} ({signature})"
    if sizes and sizes[-1] < events:
        yield f"held to no checkpoint behind position {sizes[-1]}"


def _refuse_missing(files: list[Path]) -> None:
    """Refuse a list with a file that is not there before anything is posted."""
    from ledger.errors import ConfigurationError  # noqa: PLC0415

    for file in files:
        if file != STDIN and not file.is_file():
            raise ConfigurationError(f"there is no file {file}")


def _post(file: Path, mapping: RowMapping | None, lanes: Lanes) -> None:
    from ledger_api.files.importing import count_lines, post_file  # noqa: PLC0415

    if file == STDIN:
        with progress("Standard input", None, "lines") as read:
            post_file(sys.stdin.buffer, mapping, lanes, read)
            lanes.settle()
        return
    with file.open("rb") as lines, progress(file.name, count_lines(lines), "lines") as read:
        post_file(lines, mapping, lanes, read)
        lanes.settle()


def _facts(tally: Tally) -> dict[str, object]:
    return {
        "messages": tally.messages,
        "recorded": tally.recorded,
        "replayed": tally.replayed,
        "refused": tally.refused,
        "events": tally.events,
        "position": tally.position_last,
        "refusals": _refusals(tally),
    }


def _refusals(tally: Tally) -> list[Refused]:
    """List refusals, the most frequent first."""
    return sorted(tally.refusals.values(), key=lambda refused: -refused.count)


def _tell(file: str, tally: Tally) -> None:
    print(f"{file}: {tally.recorded:,} recorded ({tally.events:,} events), {tally.replayed:,} there already, "
          f"{tally.refused:,} refused")  # fmt: skip
    if tally.replayed and not tally.recorded and not tally.refused:
        print("Nothing is new: all of it was recorded before.")
    if tally.refused:
        rows = [(each.code, each.count, each.line, each.detail) for each in _refusals(tally)]
        print_rows(("refused", "messages", "first line", "because"), rows, as_json=False)

"""`billing-ledger import`: files of messages, posted through HTTP."""

from __future__ import annotations

import sys
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
        list[Path], typer.Argument(metavar="FILE…", help="Files to post; - reads standard input.")
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
    json: Json = False,
) -> None:
    """Post files of messages: CloudEvents in JSON, one a line, or CSV with a mapping file.

    Messages keep their order for each customer, and whatever was recorded before is answered again and not
    recorded: importing a file twice changes nothing. Exit code 3 when a message was refused.
    """
    from ledger_api.cli.connecting import Wants, connected, use_home  # noqa: PLC0415
    from ledger_api.client.bulk import Lanes  # noqa: PLC0415
    from ledger_api.files.mapping import RowMapping  # noqa: PLC0415

    use_home(home)
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

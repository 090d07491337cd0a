"""Export gives back the bytes that were hashed; import posts files and says what became of each line."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import orjson
import psycopg
import pytest
from tests.api.command import run

from ledger.database import connect
from ledger.errors import ConfigurationError, IntegrityError
from ledger.log import merkle
from ledger_api.client import message
from ledger_api.files.exporting import Lines, Span, export, head_of, prepare_resume

TRICKY = [
    'a\\b"c',
    "tab\tline\nreturn\r",
    "comma,semicolon;",
    "\u0001\u0002\u007f",
    "späti 🥨 \u2028",
    "\\.",
    "",
]


def fill(database: str, book: str, texts: list[str], *, without: int = 0) -> list[bytes]:
    """Write events straight into the log, as bytes that an encoder could have made; one may be missing."""
    states = []
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO ledger.head VALUES (%s, %s, '', now())", (book, len(texts)))
        for position, text in enumerate(texts, 1):
            state = orjson.dumps({"book": book, "data": {"text": text}, "position": position})
            states.append(state)
            if position != without:
                connection.execute(
                    "INSERT INTO ledger.event VALUES (%s, %s, 'book', %s, 'made.up', 's', %s,"
                    " NULL, NULL, NULL, NULL, now(), now(), 'p', %s, 1, %s, %s)",
                    (book, position, position, str(position), position, state, b"\0" * 32),
                )
    return states


def exported(database: str, span: Span) -> bytes:
    out = io.BytesIO()
    with connect(database, statement_seconds_max=0) as connection:
        told = export(connection, span, out, Lines(span.after))
    assert told.events == span.upto - span.after
    assert told.bytes == len(out.getvalue())
    assert told.sha256 == hashlib.sha256(out.getvalue()).hexdigest()
    return out.getvalue()


def test_the_lines_of_an_export_are_the_stored_bytes(database: str) -> None:
    states = fill(database, "b", TRICKY)
    fill(database, "other", ["x"])
    assert exported(database, Span("b", 0, len(TRICKY))) == b"".join(state + b"\n" for state in states)
    assert exported(database, Span("b", 2, 4)) == b"".join(state + b"\n" for state in states[2:4])
    assert exported(database, Span("b", 7, 7)) == b""


@pytest.mark.parametrize("kept", ["nothing", "a line", "a line and a half", "half a line", "everything"])
def test_an_interrupted_export_goes_on_where_its_file_ends(database: str, tmp_path: Path, kept: str) -> None:
    states = fill(database, "b", ["x" * 70_000, *TRICKY, "y" * 200_000])
    whole = b"".join(state + b"\n" for state in states)
    line = len(states[0]) + 1
    cut = {"nothing": 0, "a line": line, "a line and a half": line + 20, "half a line": line // 2}.get(
        kept, len(whole)
    )
    file = tmp_path / "log.ndjson"
    file.write_bytes(whole[:cut])

    with connect(database) as connection, file.open("a+b") as out:
        span = Span("b", 0, head_of(connection, "b").position)
        found = prepare_resume(out, span)
        told = export(connection, span._replace(after=found.position), out, found)

    assert file.read_bytes() == whole
    assert told.sha256 == hashlib.sha256(whole).hexdigest()
    assert told.root == merkle.root(merkle.extend([], 0, map(merkle.leaf_hash, states)))


def test_a_file_of_another_book_or_kind_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (
        b'{"book":"b","position":7}\n', b"dear diary", b'{"book":"c","data":{}}\n',
    ):  # fmt: skip
        file.write_bytes(content)
        with file.open("a+b") as out, pytest.raises(ConfigurationError, match="no export"):
            prepare_resume(out, Span("c", 0, 9))
        assert file.read_bytes() == content


def test_a_log_with_a_hole_is_not_exported_as_if_it_were_whole(database: str) -> None:
    fill(database, "b", TRICKY, without=3)
    with (
        connect(database) as connection,
        pytest.raises(IntegrityError, match="6 events behind position 0 up to 7"),
    ):
        export(connection, Span("b", 0, 7), io.BytesIO(), Lines())
    with connect(database) as connection, pytest.raises(ConfigurationError, match="no book c"):
        head_of(connection, "c")


def lines(customers: int) -> list[bytes]:
    """Make a small book's worth of messages."""
    opened = {"name": "B", "currency": "EUR", "time_zone": "UTC"}
    made = [message("book.opened", id_="b", source="s", time_="2025-01-01T00:00:00Z", data=opened)]
    for number in range(customers):
        customer = f"c{number}"
        made += [
            message(
                "customer.opened", id_=f"{customer}/o", source="s", time_="2025-01-02T00:00:00Z",
                data={"currency": "EUR"}, subject=customer,
            ),
            message(
                "charge.posted", id_=f"{customer}/c", source="s", time_="2025-01-03T00:00:00Z",
                data={"charge": "1", "service": "ä", "currency": "EUR", "net": 1000 + number},
                subject=customer,
            ),
        ]  # fmt: skip
    return made


def test_a_file_is_imported_once_and_what_is_refused_is_told_by_its_line(
    database: str, tmp_path: Path
) -> None:
    file = tmp_path / "messages.ndjson"
    unknown = message("charge.posted", id_="x", source="s", time_="2025-01-03T00:00:00Z", subject="nobody",
                      data={"charge": "1", "service": "x", "currency": "EUR", "net": 1})  # fmt: skip
    file.write_bytes(b"\n".join([*lines(20), b"", b"{nonsense", unknown, unknown]) + b"\n")

    first = run(database, "import", file, "--book", "b", "--json")
    assert first.code == 3
    assert re.fullmatch(r"messages\.ndjson: 45 of 45 lines, [0-9,]+/s, 0 s left\n", first.err)
    (told,) = orjson.loads(first.out)
    assert (told["recorded"], told["replayed"], told["refused"], told["events"]) == (41, 0, 3, 41)
    refusals = {refused["code"]: (refused["count"], refused["line"]) for refused in told["refusals"]}
    assert refusals == {"customer_unknown": (2, 44), "json_invalid": (1, 43)}

    second = run(database, "import", file, "--book", "b")
    assert second.code == 3
    assert b"0 recorded (0 events), 41 there already, 3 refused" in second.out
    assert b"customer_unknown\t2\t44\tthere is no customer nobody" in second.out

    third = run(database, "import", "-", "--book", "b", given=b"\n".join(lines(20)))
    assert third.code == 0
    assert b"Nothing is new" in third.out

    status = run(database, "export", "--book", "b", tmp_path / "log.ndjson", "--json")
    assert orjson.loads(status.out)["events"] == 41


def test_rows_of_csv_are_imported_through_a_mapping(database: str, tmp_path: Path) -> None:
    assert run(database, "import", "-", "--book", "b", given=b"\n".join(lines(2))).code == 0
    table, mapping = tmp_path / "table.csv", tmp_path / "mapping.toml"
    table.write_text("Ref,Customer,Amount\nr1,c0,12.5\nr2,c1,0.005\nr3,c1,7\n", encoding="utf-8")
    mapping.write_text(
        'row = "{Ref}"\nsource = "s"\n[[message]]\ntype = "charge.posted"\nsubject = "{Customer}"\n'
        'time = 2025-02-01T00:00:00Z\n[message.data]\ncharge = "{row}"\nservice = "x"\ncurrency = "EUR"\n'
        'net = { column = "Amount", as = "minor", currency = "EUR" }\n',
        encoding="utf-8",
    )
    ran = run(database, "import", table, "--mapping", mapping, "--book", "b", "--json")
    assert ran.code == 3
    (told,) = orjson.loads(ran.out)
    assert (told["recorded"], told["refused"]) == (2, 1)
    (refused,) = told["refusals"]
    assert (refused["code"], refused["line"]) == ("row_unreadable", 3)
    assert "more than 2 decimals" in refused["detail"]

    ran = run(database, "export", "--book", "b", "--after", "5")
    assert [orjson.loads(line)["data"]["net"] for line in ran.out.splitlines()] == [1250, 700]
    assert "2 events of b, sha256 " + hashlib.sha256(ran.out).hexdigest() in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "missing.ndjson", "--book", "b"), "there is no file missing.ndjson"),
        (("import", "-", "--book", "b", "--url", "http://127.0.0.1:1"), "wants an API key"),
        (("export", "--book", "b"), "there is no book b"),
        (("export", "--book", "b", "--resume"), "name the file"),
    ],
)
def test_what_is_missing_is_said_in_one_line(database: str, arguments: tuple[str, ...], said: str) -> None:
    ran = run(database, *arguments)
    assert ran.code == 4
    assert said in ran.err
    assert ran.err.count("\n") == 1

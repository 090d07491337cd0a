"""Export gives back the bytes that were hashed; import posts files and says what became of each line."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import orjson
import psycopg
import pytest

from ledger.database import connect
from ledger.errors import ConfigurationError, IntegrityError
from ledger_api.log_export import Span, export, head_of, prepare_resume

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
        told = export(connection, span, out, hashlib.sha256())
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

    found = prepare_resume(file, "b")
    with connect(database) as connection, file.open("ab") as out:
        told = export(connection, Span("b", found.position, head_of(connection, "b")), out, found.digest)

    assert file.read_bytes() == whole
    assert told.sha256 == hashlib.sha256(whole).hexdigest()


def test_a_file_of_another_book_or_kind_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (b'{"book":"b","position":7}\n', b"dear diary", b'{"book":"c","data":{}}\n'):
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match="no export"):
            prepare_resume(file, "c")
        assert file.read_bytes() == content


def test_a_log_with_a_hole_is_not_exported_as_if_it_were_whole(database: str) -> None:
    fill(database, "b", TRICKY, without=3)
    with (
        connect(database) as connection,
        pytest.raises(IntegrityError, match="6 events behind position 0 up to 7"),
    ):
        export(connection, Span("b", 0, 7), io.BytesIO(), hashlib.sha256())
    with connect(database) as connection, pytest.raises(ConfigurationError, match="no book c"):
        head_of(connection, "c")

"""A customer is erased over HTTP: at once for readers, for good in what is stored, and whoever is killed."""

from __future__ import annotations

import base64
import hashlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from tests.api.command import run
from tests.api.live import Caller, Live, open_book, problem, serving
from tests.api.mailing import Box, delivering
from tests.ledger.asks import (
    charge,
    chargeback,
    close,
    erase,
    evidence,
    issue,
    pay,
    resolve,
    verification_policy,
)

from ledger.embedded import Embedded
from ledger.embedded.programs import installed
from ledger_migrations import apply

PERSON = b'{"name":"Aurelia Quistgaard","email":"aurelia.quistgaard@example.com"}'
TRACES = (b"Quistgaard", b"quistgaard@example")
NOTE = b"Ms Quistgaard asked for the letter of Aurelia Quistgaard."
FILE = b"%PDF-1.7 the receipt of Aurelia Quistgaard\n" * 100
ADDRESS = "/customers/alice/person"


@pytest.fixture
def own(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Live]:
    """Run a service of the test's own, which may be killed."""
    with fresh_database() as database, serving(database) as live:
        yield live


def with_person(live: Live) -> Caller:
    """Open a book with Alice in it, of whom something is kept."""
    caller = open_book(live, live.client(live.key()[1]))
    caller.tell(("customer.opened", {"currency": "EUR"}))
    headers = {"content-type": "application/json"}
    answer = caller.client.put(caller.at + ADDRESS, content=PERSON, headers=headers)
    assert answer.status_code == 204, answer.text
    return caller


def records(database: str, book: str) -> tuple[int, int]:
    """Count the keys and the records of a book in the vault."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM vault.key WHERE book = %(book)s),"
            " (SELECT count(*) FROM vault.record WHERE book = %(book)s)",
            {"book": book},
        ).fetchone()
    assert row is not None
    return row


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that comes by itself."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_an_erased_customer_is_gone_for_readers_at_once_and_from_the_vault_soon(live: Live) -> None:
    alice = with_person(live)
    assert alice.read(ADDRESS)["name"] == "Aurelia Quistgaard"
    alice.tell(close())
    alice.tell(erase())
    assert problem(alice.get(ADDRESS)) == (410, "person_erased")
    answer = alice.client.put(
        alice.at + ADDRESS, content=PERSON, headers={"content-type": "application/json"}
    )
    assert problem(answer) == (410, "person_erased")
    until(lambda: records(live.database, alice.book) == (0, 0))
    shown = alice.read("/customers/alice", min_position=alice.head)
    assert (shown["status"], shown["erased_at"] is None) == ("erased", False)
    assert [item["customer"] for item in alice.walk("/customers", status="erased")] == ["alice"]


def test_killed_between_the_event_and_the_deletion_it_erases_when_it_starts_again(own: Live) -> None:
    alice = with_person(own)
    alice.tell(close())
    question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'gone_key'"
    with (
        psycopg.connect(own.database) as holding,
        psycopg.connect(own.database, autocommit=True) as looking,
    ):
        holding.execute("LOCK TABLE vault.erasure IN SHARE MODE")  # it deletes, and cannot finish
        alice.tell(erase())
        until(lambda: looking.execute(question).fetchone() == (1,))
        own.stop(signal.SIGKILL)
        holding.rollback()
        until(lambda: looking.execute(question).fetchone() == (0,))
    assert records(own.database, alice.book) == (1, 2)
    own.start()
    until(lambda: records(own.database, alice.book) == (0, 0))
    assert problem(alice.get(ADDRESS)) == (410, "person_erased")


def test_no_trace_of_a_person_is_in_any_file_but_the_vaults_and_none_after_erasing(tmp_path: Path) -> None:
    """Not in tables, write-ahead log, server log, dumps, exports, our own log; and all of it verifies."""
    tmp_path.chmod(0o755)
    with Embedded(tmp_path / "home").running() as database:
        apply(database)
        box = Box()
        with delivering(box), serving(database, log_level="info") as live:
            alice = with_person(live)
            for ask in (charge("c1", 500), issue(), pay("p1", 500), verification_policy("one_time_code")):
                alice.tell(ask)
            keep_note_and_evidence(alice)
            alice.tell(close())
            send_code(alice)
            assert box.letters[-1].rcpt_tos == ["aurelia.quistgaard@example.com"]
            assert codes(database, alice.book) == 1
            alice.read("/invoices", min_position=alice.head)
            assert alice.read(ADDRESS)["name"] == "Aurelia Quistgaard"
            before = everything(tmp_path, database, alice.book)
            assert traces(before) == []
            assert all(b"INV-1" in before[name] for name in ("dump", "export"))
            alice.tell(erase())
            until(lambda: records(database, alice.book) == (0, 0))
            after = everything(tmp_path, database, alice.book)
            assert traces(after) == []
            assert codes(database, alice.book) == 0
            assert problem(alice.get("/customers/alice/notes")) == (410, "person_erased")
            assert b"customer.erased" in after["dump"]
            assert run(database, "verify", "--book", alice.book).code == 0
            live.stop()
            assert b"answered" in live.log
            assert traces({"log": live.log}) == []


def keep_note_and_evidence(caller: Caller) -> None:
    """Write a note, and settle a dispute by a file."""
    caller.tell(chargeback("cb", "p1", 100, respond_by="2999-01-01"))
    client, at = caller.client, f"{caller.at}/customers/alice"
    kept = client.put(f"{at}/notes/n1", content=NOTE, headers={"content-type": "text/plain"})
    assert kept.status_code == 201, kept.text
    file = client.put(
        f"{at}/disputes/cb/evidence?min_position={caller.head}", content=FILE,
        headers={"content-type": "application/pdf"},
    )  # fmt: skip
    assert file.status_code == 201, file.text
    caller.tell(evidence("cb", sha256=hashlib.sha256(FILE).hexdigest(), size=len(FILE)))
    caller.tell(resolve("cb", "won"))
    notes = caller.read("/customers/alice/notes", min_position=caller.head)["items"]
    assert [note["text"] for note in notes] == [NOTE.decode()]


def send_code(caller: Caller) -> None:
    """Send a one-time code, which then waits to be told."""
    answer = caller.client.post(
        f"{caller.at}/customers/alice/verifications", content=b"{}",
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text


def codes(database: str, book: str) -> int:
    """Count the one-time codes that are under way."""
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM vault.code WHERE book = %s", (book,)).fetchone()
    assert row is not None
    return int(row[0])


def everything(folder: Path, database: str, book: str) -> dict[str, bytes]:
    """Gather all that is stored anywhere, after what is in memory was written: by name."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    files = {str(path): path.read_bytes() for path in (folder / "home").rglob("*") if path.is_file()}
    assert any("pg_wal" in name for name in files)
    dump = subprocess.run([installed() / "pg_dump", "--dbname", database], capture_output=True, check=True)
    export = folder / "export.ndjson"
    assert run(database, "export", export, "--book", book).code == 0
    return {**files, "dump": dump.stdout, "export": export.read_bytes()}


def traces(contents: dict[str, bytes]) -> list[str]:
    """Name what holds a trace of the person, as text, in hexadecimal, or in base 64 at any offset."""
    wanted = [
        form
        for trace in TRACES
        for form in (
            trace.lower(),
            trace.hex().encode(),
            trace.lower().hex().encode(),
            *(base64.b64encode(b" " * skip + trace)[4:-4].lower() for skip in range(3)),
        )
    ]
    return [name for name, content in contents.items() if any(form in content.lower() for form in wanted)]


def test_the_search_for_traces_finds_them() -> None:
    for content in (
        b"... Aurelia QUISTGAARD ...",
        "Aurelia Quistgaard".encode().hex().encode(),  # noqa: UP012 - as bytes
        base64.b64encode(b"Aurelia Quistgaard <x>"),
        base64.b64encode(b"!Aurelia Quistgaard <x>"),
        base64.b64encode(b"!!Aurelia Quistgaard <x>"),
    ):
        assert traces({"x": content}) == ["x"], content

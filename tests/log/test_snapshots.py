"""Snapshots save reading and never show: kept, lost, old or of other rules, the answers are the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from tests.log.posting import BOOK, ISSUE, charge, message, opening, pay, post, read_log, said, writer
from tests.log.test_states import CUSTOMERS, batches, essence, history

from ledger.log import snapshots
from ledger.log.outcome import Outcome
from ledger.log.writer import Writer
from ledger.message import Message


def kept(conninfo: str) -> dict[str, int]:
    """Tell which streams have a snapshot, and as of which version."""
    with psycopg.connect(conninfo) as conn:
        return dict(conn.execute("SELECT stream, version FROM ledger.snapshot").fetchall())


def busy(name: str, events: int) -> list[Message]:
    """Give a customer some charges."""
    return [message(charge(f"{name}-{n}"), f"{name} {n}", name) for n in range(events)]


def test_a_long_history_is_kept_when_the_customer_is_forgotten(database: str) -> None:
    with writer(database, cached_events_max=20) as works:
        post(works, *opening("alice", "bob"))
        post(works, *busy("alice", snapshots.EVENTS_MIN))
        post(works, *busy("bob", 3))
    assert kept(database) == {"customer/alice": snapshots.EVENTS_MIN + 1}


def test_what_is_remembered_is_kept_when_the_writer_stops(database: str) -> None:
    with writer(database) as works:
        post(works, *opening(), *busy("alice", snapshots.EVENTS_MIN))
        assert kept(database) == {}
    assert kept(database) == {"customer/alice": snapshots.EVENTS_MIN + 1}


def test_who_only_passes_is_forgotten_at_once_and_who_was_known_is_not(database: str) -> None:
    """What is forgotten shows in what is kept then: a run over all customers drives nobody out."""
    with writer(database) as works:
        post(works, *opening("alice", "bob"), *busy("alice", 40), *busy("bob", 40))
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("TRUNCATE ledger.snapshot")

    async def pass_by(works: Writer) -> list[Outcome]:
        bills = [message(ISSUE, f"bill {name}", name) for name in ("alice", "bob")]
        return await works.submit_soon(BOOK, bills, asyncio.get_running_loop(), passing=True)

    with writer(database) as works:
        post(works, message(charge("known"), "known", "bob"))
        assert [outcome[:8] for outcome in said(asyncio.run(pass_by(works)))] == ["recorded"] * 2
        post(works, message(charge("known"), "known again", "bob"))  # behind what the writer keeps
        assert kept(database) == {"customer/alice": 42}


def test_a_snapshot_and_what_came_after_it_are_the_whole_history(database: str) -> None:
    with writer(database) as works:
        post(works, *opening(), *busy("alice", 40), message(ISSUE, "first"))
    with writer(database) as works:
        assert said(post(works, message(charge("one-more"), "one more"))) == ["recorded 44"]
    with writer(database) as works:
        assert (
            said(post(works, message(ISSUE, "second"), message(pay("all", 4_100), "all")))[0][:8]
            == "recorded"
        )
    log = read_log(database)
    assert [event.type for event in log.events[-4:]] == [
        "invoice.issued", "payment.received", "allocation.made", "allocation.made",
    ]  # fmt: skip
    assert kept(database)["customer/alice"] < log.events[-1].version


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM ledger.snapshot",
        "UPDATE ledger.snapshot SET program = 'other rules', state = 'nonsense'",
        "DELETE FROM ledger.snapshot WHERE stream < 'customer/customer-4'",
    ],
)
def test_answers_do_not_depend_on_snapshots(
    database: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "EVENTS_MIN", 1)
    sent = history(4, 300)
    answers: list[str] = []
    for n, batch in enumerate(batches(5, sent)):
        with writer(database, cached_events_max=n % 3) as works:
            answers += said(post(works, *batch))
        if n % 4 == 0:
            with psycopg.connect(database, autocommit=True) as conn:
                conn.execute(change.encode())
    assert set(kept(database)) <= {f"customer/{name}" for name in CUSTOMERS}
    assert len(kept(database)) > 4
    _compare(database, sent, answers)


def _compare(database: str, sent: list[Message], answers: list[str]) -> None:
    """Post the same to an empty log of the same database, with a writer that forgets nothing."""
    before = essence(database)
    with psycopg.connect(database, autocommit=True) as conn:
        for table in ("event", "head"):
            conn.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL".encode())
            conn.execute(f"TRUNCATE ledger.{table}".encode())
        conn.execute("TRUNCATE ledger.snapshot")
    again: list[str] = []
    with writer(database) as works:
        for batch in batches(5, sent):
            again += said(post(works, *batch))
    assert again == answers
    assert essence(database) == before


def test_other_rules_have_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a rule stands: a noun with several modules is a package."""
    assert len(snapshots.program()) == 16
    monkeypatch.setattr(snapshots, "files", lambda _: tmp_path)
    (tmp_path / "noun").mkdir()
    names = set()
    for file in ("rule.py", "noun/rule.py"):
        for rule in ("one", "another"):
            (tmp_path / file).write_text(rule)
            names.add(snapshots.program.__wrapped__())
    assert len(names) == 4

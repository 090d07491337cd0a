"""The demo: the same year for the same seed, real billing, and nothing new when it is played again."""

from __future__ import annotations

import itertools
from collections import Counter

import orjson
import psycopg
import pytest
from tests.api.command import run
from tests.api.in_memory import InMemoryLedger, InRole

from ledger_api.demo import diary, people, story
from ledger_api.demo.biography import OF_CUSTOMER
from ledger_api.demo.keeping import LEAD
from ledger_api.demo.story import Story

CUSTOMERS = 60
SEED = 9
"""A year in which somebody never pays."""


def a_story(ledger: InMemoryLedger, seed: int = SEED, customers: int = CUSTOMERS) -> Story:
    return Story(ledger, InRole(ledger, "lead", LEAD), "b", seed, customers)


def play(ledger: InMemoryLedger, seed: int = SEED) -> Story:
    told = a_story(ledger, seed)
    told.play(lambda _: None)
    return told


@pytest.fixture(scope="module")
def ledger() -> InMemoryLedger:
    """Hold the demo's year in a ledger."""
    ledger = InMemoryLedger()
    play(ledger)
    return ledger


def test_the_same_seed_tells_the_same_year(ledger: InMemoryLedger) -> None:
    again, other = InMemoryLedger(), InMemoryLedger()
    play(again)
    play(other, seed=8)
    assert again.events == ledger.events
    assert other.events != ledger.events


def test_the_year_has_everything_that_billing_has(ledger: InMemoryLedger) -> None:
    types = Counter(event.type for event in ledger.events)
    assert types["customer.opened"] == CUSTOMERS
    assert types["period.closed"] == people.MONTHS - 1
    wanted = {"agreement.changed", "charge.posted", "charge.reversed", "discount.granted", "invoice.issued"}
    wanted |= {"payment.received", "payment.failed", "allocation.made", "dispute.opened", "dispute.resolved"}
    wanted |= {"debt.written_off", "debt.recovered", "customer.billed", "trial.assigned", "discount.offered"}
    wanted |= {"discount.accepted", "discount.refused", "discount.requested", "discount.approved"}
    wanted |= {"contact.arrived", "contact.answered", "contact.ended", "note.added"}
    assert wanted <= types.keys()
    assert (
        types["contact.arrived"] == types["contact.ended"] > types["contact.answered"] > types["note.added"]
    )
    assert types["invoice.issued"] > 9 * types["dispute.opened"] > 0


def test_what_is_played_again_is_answered_and_not_recorded(ledger: InMemoryLedger) -> None:
    before = list(ledger.events)
    told = a_story(ledger)
    assert told.is_there()
    tally = told.play(lambda _: None)
    assert (tally.recorded, tally.events) == (0, 0)
    assert tally.replayed > 1_500
    assert ledger.events == before


def test_an_interrupted_year_is_played_on(ledger: InMemoryLedger) -> None:
    class TooLateError(Exception):
        pass

    left = itertools.count(CUSTOMERS * 4, -1)

    def stop(_: int) -> None:
        if next(left) == 0:
            raise TooLateError

    interrupted = InMemoryLedger()
    begun = a_story(interrupted)
    assert not begun.is_there()
    with pytest.raises(TooLateError):
        begun.play(stop)
    assert 0 < len(interrupted.events) < len(ledger.events)
    assert not a_story(interrupted).is_there()
    play(interrupted)
    assert interrupted.events == ledger.events


def test_another_demo_in_the_same_book_is_refused_at_its_opening(ledger: InMemoryLedger) -> None:
    tally = a_story(ledger, 8, 3).play(lambda _: None)
    assert tally.refusals["key_conflict"].detail == "opened differs at /data/name"


def test_the_feed_is_read_page_by_page(ledger: InMemoryLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "FEED_LIMIT", 7)
    head = len(ledger.events)
    assert [event.position for event in story.feed(ledger, "b", 0)] == list(range(1, head + 1))
    assert [event.position for event in story.feed(ledger, "b", 3, 20)] == list(range(4, 21))
    closings = [event.id for event in story.feed(ledger, "b", 0, type_="period.closed")]
    assert closings == [story.closing_id(diary.month_of(number)) for number in range(2, people.MONTHS + 1)]


def cared(database: str) -> list[tuple[str, int | bool]]:
    """Tell what care did: a caller is verified twice, once wrongly, and there is something of all else."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT type, count(*) FROM ledger.event WHERE book = 'demo'"
            " AND type IN ('caller.verified', 'contact.answered', 'trial.assigned')"
            " GROUP BY type ORDER BY type"
        ).fetchall()
    return [(type_, count if type_ == "caller.verified" else count > 0) for type_, count in rows]


def test_the_command_plays_the_year_through_http_and_sums_it_up(database: str) -> None:
    first = run(database, "demo", "--customers", "20", "--json")
    assert first.code == 0, first.err
    assert "answered" not in first.err, "the service's log does not belong on the user's terminal"
    told = orjson.loads(first.out)
    assert told["doubts"] == []
    assert told["customers"]["open"] + told["customers"].get("closed", 0) == 20
    assert {each["difference"] for each in told["money"].values()} == {0}
    euro = told["money"]["EUR"]
    assert euro["invoiced"] == euro["paid"] + euro["credited"] + euro["written_off"] + euro["outstanding"]
    assert euro["invoiced"] > euro["outstanding"] > 0
    assert told["run"]["events"] == told["position"]
    assert [each["balance"] for each in told["life"]] == [each.balance for each in OF_CUSTOMER]

    assert cared(database) == [("caller.verified", 2), ("contact.answered", True), ("trial.assigned", True)]

    again = run(database, "demo", "--customers", "20")
    assert again.code == 0
    assert b"is there already: nothing new was recorded" in again.out
    assert "zero behind every step ✓".encode() in again.out
    assert "✓".encode() in again.out

    other = run(database, "demo", "--customers", "21", "--json")
    assert other.code == 4
    assert "choose another with --book" in other.err

"""From the voucher to the books and back: a posting names its event, an event its cause and who it was."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import psycopg
import pytest
from psycopg.rows import class_row
from tests.api.live import Caller, Json, Live


class Posting(NamedTuple):
    """What the journal has of a posting."""

    position: int
    account: str
    customer: str
    invoice: str | None
    currency: str
    amount: int


@pytest.fixture(scope="module")
def journal(live: Live, told: Caller) -> list[Posting]:
    """Hold every posting of the book."""
    statement = (
        "SELECT position, account, customer, invoice, currency, amount FROM journal.posting WHERE book = %s"
    )
    with psycopg.connect(live.database) as owner, owner.cursor(row_factory=class_row(Posting)) as rows:
        return rows.execute(statement, [told.book]).fetchall()


def test_every_posting_leads_to_the_event_that_is_its_voucher(
    journal: list[Posting], events: list[Json]
) -> None:
    assert len({each.position for each in journal}) > 100
    for each in journal:
        event = events[each.position - 1]
        assert event["position"] == each.position
        assert (event["subject"], event["data"]["currency"]) == (each.customer, each.currency)
        assert event["data"].get("invoice", each.invoice) == each.invoice


@pytest.mark.parametrize(
    ("type_", "account", "measure"),
    [
        ("invoice.issued", "receivable", "amount"),
        ("credit_note.issued", "credit_notes", "net"),
        ("payment.received", "cash", "amount"),
    ],
)
def test_every_voucher_leads_to_its_entry_in_the_journal(
    journal: list[Posting], events: list[Json], type_: str, account: str, measure: str
) -> None:
    posted = Counter[int]()
    for each in journal:
        posted[each.position] += each.amount if each.account == account else 0
    vouchers = [event for event in events if event["type"] == type_]
    assert vouchers
    for event in vouchers:
        assert posted[event["position"]] == event["data"][measure] != 0


def test_every_event_names_its_cause_and_who_it_was(events: list[Json]) -> None:
    """The first event of a decision has the message's own source and identifier; the others lead to it."""
    followed = 0
    for event in events:
        cause = events[event["causation"] - 1]
        assert cause["causation"] == cause["position"]
        assert 0 <= event["position"] - cause["position"] < cause["decisionsize"]
        assert event["principal"] == cause["principal"] != ""
        assert event["recordedtime"] == cause["recordedtime"]
        assert cause["source"] != "ledger"
        assert cause["id"]
        if event != cause:
            followed += 1
            assert event["source"] == "ledger"
            assert event.get("subject") == cause.get("subject")
    assert followed > 20

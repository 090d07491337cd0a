"""From event to postings: every event's entry sums to zero, whatever it holds, and is the one of docs/domain.md, Entries."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import decider
from ledger.errors import Malformed
from ledger.event import Data, Event
from ledger.posting_rules import (
    DEFAULT_ACCOUNTS,
    DEFAULT_RULES,
    MEASURES,
    PostingRule,
    postings,
    refuse_unbalanced,
)

SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
AMOUNTS = st.integers(0, 10**12)
PERIOD = {"from": "2026-01-15", "to": "2026-03-10"}
TEXTS: dict[str, object] = {
    "charge": "c1", "service": "mobile", "currency": "EUR", "reason": "r", "invoice": "INV-1", "credit_note": "CN-1",
    "sequence": 1, "rounding": "r", "amount": 1, "payment": "p1", "refund": "r1", "dispute": "d1", "issued_on": "2026-01-01", "due_on": "2026-01-01",
    "lines": [], "taxes": [], "discounts": [], "charges": [], "taken": [], "source": {"payment": "p1"},
}  # fmt: skip


def event(type_: str, **data: object) -> Event:
    """Any event of a type: the numbers given, everything else as short as it may be."""
    shape = decider.EVENTS[type_]
    fields = {field.encode_name for field in msgspec.structs.fields(shape) if field.required} | data.keys()
    whole = {name: data.get(name, TEXTS.get(name)) for name in fields}
    if "series" in fields:
        whole["series"] = type_.partition(".")[0]
    if type_ == "dispute.opened":
        whole["kind"] = "chargeback"
    if type_ == "dispute.resolved":
        whole |= {"kind": "chargeback", "outcome": "won"}
    return Event(
        book="b", causation=1, data=msgspec.convert(whole, shape, str_keys=True), decisionsize=1, id="1", position=1,
        principal="p", recordedtime=SOME_TIME, source="s", specversion="1.0", subject="alice", time=SOME_TIME,
        type=type_, version=1,
    )  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> Event:
    """An event that moves money, with any numbers that its own identities allow."""
    type_ = draw(st.sampled_from(sorted(MEASURES)))
    shape = decider.EVENTS[type_]
    names = {field.encode_name for field in msgspec.structs.fields(shape)}
    numbers = {name: draw(AMOUNTS) for name in MEASURES[type_] if name in names}
    if type_.startswith("invoice."):
        numbers["net"], numbers["discount"] = (
            max(numbers["net"], numbers["discount"]),
            min(numbers["net"], numbers["discount"]),
        )
        numbers["amount"] = numbers["net"] - numbers["discount"] + numbers["tax"]
    if type_.startswith("debt."):
        numbers["net"], numbers["tax"] = draw(AMOUNTS), draw(AMOUNTS)
        numbers["amount"] = max(1, numbers["net"] + numbers["tax"])
        numbers["net"] = numbers["amount"] - numbers["tax"]
    if type_.startswith("credit_note."):
        numbers["net"], numbers["tax"] = draw(AMOUNTS), draw(AMOUNTS)
        numbers["to_receivable"], numbers["to_disputed"], numbers["to_credit"] = draw(AMOUNTS), 0, 0
        numbers["amount"] = numbers["net"] + numbers["tax"]
        numbers["to_receivable"] = min(numbers["to_receivable"], numbers["amount"])
        numbers["to_disputed"] = draw(st.integers(0, numbers["amount"] - numbers["to_receivable"]))
        numbers["to_credit"] = numbers["amount"] - numbers["to_receivable"] - numbers["to_disputed"]
    if type_.startswith(("payment.", "allocation.", "refund.")):
        numbers["amount"] = max(1, numbers["amount"])
    if type_.startswith("charge."):
        numbers = {"net": draw(AMOUNTS)}
        if draw(st.booleans()):
            return event(type_, **numbers, period=PERIOD)
    return event(type_, **numbers)


@given(events())
def test_every_entry_sums_to_zero(event: Event) -> None:
    assert sum(posting.amount for posting in postings(DEFAULT_RULES, event)) == 0


@pytest.mark.parametrize(
    ("type_", "data", "entry"),
    [
        ("charge.posted", {"net": 5}, {"unbilled": 5, "revenue": -5}),
        ("charge.posted", {"net": 5, "period": PERIOD}, {"unbilled": 5, "deferred_revenue": 0, "revenue": -5}),
        ("charge.posted", {"quantity": "3", "unit_price": "0.5"}, {"unbilled": 2, "revenue": -2}),
        ("charge.reversed", {"net": 5}, {"unbilled": -5, "revenue": 5}),
        ("invoice.issued", {"amount": 110, "net": 105, "discount": 5, "tax": 10},
         {"receivable": 110, "discounts": 5, "unbilled": -105, "tax_payable": -10}),
        ("invoice.voided", {"amount": 110, "net": 105, "discount": 5, "tax": 10},
         {"receivable": -110, "discounts": -5, "unbilled": 105, "tax_payable": 10}),
        ("payment.received", {"amount": 7}, {"cash": 7, "customer_credit": -7}),
        ("payment.returned", {"amount": 7, "fee": 2}, {"cash": -9, "customer_credit": 7, "dispute_fees": 2}),
        ("payment.failed", {"amount": 7}, {}),
        ("allocation.made", {"amount": 7}, {"customer_credit": 7, "receivable": -7}),
        ("allocation.undone", {"amount": 7}, {"customer_credit": -7, "receivable": 7}),
        ("credit_note.issued", {"amount": 12, "net": 10, "tax": 2, "to_receivable": 3, "to_disputed": 4, "to_credit": 5},
         {"credit_notes": 10, "tax_payable": 2, "receivable": -3, "disputed": -4, "customer_credit": -5}),
        ("credit_note.voided", {"amount": 12, "net": 10, "tax": 2, "to_receivable": 3, "to_disputed": 4, "to_credit": 5},
         {"credit_notes": -10, "tax_payable": -2, "receivable": 3, "disputed": 4, "customer_credit": 5}),
        ("debt.written_off", {"amount": 12, "net": 10, "tax": 2}, {"bad_debt": 10, "tax_payable": 2, "receivable": -12}),
        ("debt.recovered", {"amount": 12, "net": 10, "tax": 2}, {"bad_debt": -10, "tax_payable": -2, "receivable": 12}),
        ("refund.issued", {"amount": 7}, {"customer_credit": 7, "cash": -7}),
        ("dispute.opened", {"amount": 9, "held": 7}, {"disputed": 7, "receivable": -7}),
        ("dispute.opened", {"amount": 9, "charged_back": 9, "fee": 1}, {"customer_credit": 9, "cash": -10, "dispute_fees": 1}),
        ("dispute.resolved", {"amount": 0, "released": 7}, {"disputed": -7, "receivable": 7}),
        ("dispute.resolved", {"amount": 0, "restored": 9, "fee_returned": 1}, {"customer_credit": -9, "cash": 10, "dispute_fees": -1}),
        ("discount.revoked", {"discount": "x1"}, {}),
    ],
)  # fmt: skip
def test_the_entry_of_each_event(type_: str, data: dict[str, object], entry: dict[str, int]) -> None:
    """docs/domain.md, Entries, row by row."""
    sums: dict[str, int] = {}
    for posting in postings(DEFAULT_RULES, event(type_, **data)):
        sums[posting.account] = sums.get(posting.account, 0) + posting.amount
    assert sums == entry


def test_every_default_rule_names_an_account_of_the_default_chart_and_a_recorded_event() -> None:
    accounts = {account.account for account in DEFAULT_ACCOUNTS}
    assert {rule.account for rule in DEFAULT_RULES} <= accounts
    assert {rule.event for rule in DEFAULT_RULES} <= decider.EVENTS.keys()


def test_every_measure_is_the_amount_column_or_a_field_of_the_event() -> None:
    for type_, measures in MEASURES.items():
        names = {field.encode_name for field in msgspec.structs.fields(decider.EVENTS[type_])}
        assert measures <= names | {"amount"}


def test_the_default_rules_balance_and_miss_no_posting() -> None:
    refuse_unbalanced(DEFAULT_RULES)
    for place in range(len(DEFAULT_RULES)):
        with pytest.raises(Malformed, match=r"^rules_unbalanced: "):
            refuse_unbalanced(DEFAULT_RULES[:place] + DEFAULT_RULES[place + 1 :])


def test_a_measure_tied_to_others_may_be_posted_by_them() -> None:
    """Net and tax together are the amount of a credit note: either way balances."""
    signed: tuple[tuple[Literal[1, -1], str], ...] = ((1, "amount"), (-1, "net"), (-1, "tax"))
    rules = [
        PostingRule(event="credit_note.issued", part="now", account="cash", sign=sign, measure=measure)
        for sign, measure in signed
    ]
    refuse_unbalanced(rules)


def test_dates_of_a_period_reach_the_rules_as_they_were_posted() -> None:
    data = event("charge.posted", net=5, period=PERIOD).data
    assert isinstance(data, Data)
    assert data.period.to == date(2026, 3, 10)  # type: ignore[attr-defined]

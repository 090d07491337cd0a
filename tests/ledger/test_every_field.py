"""What may be given or left out: recorded as it was given, and left out where it was left out.

With the other tests of the rules, every field is recorded here once with each: the golden lines come of them.
"""

from __future__ import annotations

import msgspec
import pytest
from tests.ledger import asks
from tests.ledger.table import untaxed
from tests.ledger.world import Ask, World

from ledger.event import Event, encode_canonical
from ledger.posting_rules import DEFAULT_ACCOUNTS, DEFAULT_RULES

SELLER = {
    "name": "Acme GmbH", "vat_id": "DE123456789", "phone": "+49 30 1234567",
    "address": {"lines": ["Am Ring 1"], "city": "Berlin", "region": "Berlin", "country": "DE"},
    "bank": {"iban": "DE89370400440532013000"},
}  # fmt: skip
ROLE = {"role": "agent", "percent": "10"}
TERMS = {
    "currency": "EUR", "payment_days": 30, "billing_day": 15, "locale": "de",
    "tax_treatment": "reverse_charge", "segment": "gold", "credit_limit": 50_000,
}  # fmt: skip
OWN = {
    "name": "Own", "currency": "EUR", "time_zone": "Europe/Berlin", "invoice_prefix": "R-",
    "credit_note_prefix": "G-", "accounts": DEFAULT_ACCOUNTS,
    "rules": DEFAULT_RULES,
    "tax_rates": [{"category": "standard", "rate": "19", "from": "2020-01-01"}],
}  # fmt: skip


def plain(given: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(given))


def data_of(event: Event) -> dict[str, object]:
    return msgspec.json.decode(encode_canonical(event.data), type=dict[str, object])


@pytest.mark.parametrize(
    "ask",
    [
        ("customer.changed", TERMS),
        ("customer.changed", {"segment": "gold"}),
        asks.pay("p", 5, reference="RF18 5390 0754 7034"),
        ("policy.changed", {"policy": "write_off", "from": "2026-01-01", "write_off": {}}),
        ("policy.changed", {"policy": "seller", "from": "2026-01-01", "seller": SELLER}),
        ("policy.changed", {"policy": "verification", "from": "2026-01-01", "verification": {"methods": ["password"]}}),
        asks.verification_policy("one_time_code", within_minutes=90, code_minutes=5, valid_minutes=20),
        asks.discount_policy({**ROLE, "per_customer": {"days": 30, "grants": 3}}),
        ("trial.registered", {**asks.trial("t")[1], "arms": [{"arm": "a", "share": "80", "description": "A letter"}]}),
    ],
)  # fmt: skip
def test_a_fact_is_recorded_with_what_was_given_and_nothing_else(ask: Ask) -> None:
    (event, *_) = untaxed().post(ask)
    assert (event.type, data_of(event)) == (ask[0], plain(ask[1]))


@pytest.mark.parametrize("terms", [TERMS, {"currency": "EUR"}])
def test_a_customer_is_opened_with_the_terms_that_were_given(terms: dict[str, object]) -> None:
    (event,) = World().post(("customer.opened", terms))
    assert data_of(event) == terms


def test_a_book_that_brings_sets_of_its_own_is_filled_with_nothing() -> None:
    (event,) = World(**OWN).events
    assert data_of(event) == plain(OWN)


@pytest.mark.parametrize("given", [{"reason": "because"}, {}])
def test_a_reason_that_may_be_left_out_is_recorded_where_it_was_given(given: dict[str, str]) -> None:
    world = untaxed()
    world.post(
        asks.discount_policy({**ROLE, "invoices": 3}, {"role": "lead", "percent": "50", "approves": True})
    )
    world.acts("anna", "agent")
    world.post(asks.offer_off("x1", "5", invoices=1))
    world.post(asks.percent_off("x2", "20", invoices=1))
    (refused,) = world.post(("discount.refuse", {"discount": "x1", **given}))
    world.acts("tom", "lead")
    (approved, _) = world.post(("discount.approve", {"discount": "x2", **given}))
    assert [event.type for event in (refused, approved)] == ["discount.refused", "discount.approved"]
    for event in (refused, approved):
        assert data_of(event).get("reason") == given.get("reason")


@pytest.mark.parametrize("given", [{"contact": "k1"}, {}])
def test_a_code_is_sent_within_a_contact_or_without_one(given: dict[str, str]) -> None:
    world = untaxed()
    world.post(asks.verification_policy())
    world.post(asks.arrive("k1"))
    world.post(asks.answer("k1"))
    (event,) = world.post(("verification.start", given))
    assert data_of(event).get("contact") == given.get("contact")

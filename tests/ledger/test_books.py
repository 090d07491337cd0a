"""Books, customers and agreements: their terms, their time, and who may be dated when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.ledger import asks
from tests.ledger.asks import charge, issue
from tests.ledger.table import judge, rows, taxed, untaxed
from tests.ledger.world import START, Ask, World

from ledger import decider
from ledger.book import BookOpened
from ledger.credit_note import CreditNoteIssued
from ledger.errors import Refusal
from ledger.posting_rules import DEFAULT_ACCOUNTS, DEFAULT_RULES

BOOK = {"name": "Other", "currency": "EUR", "time_zone": "Europe/Berlin"}
RULES = [
    {"event": "refund.issued", "part": "now", "account": "customer_credit", "sign": 1, "measure": "amount"},
    {"event": "refund.issued", "part": "now", "account": "clearing", "sign": -1, "measure": "amount"},
]
CLEARING: Ask = ("account.added", {"account": "clearing", "name": "Clearing", "kind": "asset"})


def policy(rules: Sequence[object], from_: str = "2026-02-01") -> Ask:
    return "policy.changed", {"policy": "posting_rules", "rules": rules, "from": from_}


def closed(through: str) -> Ask:
    return "period.closed", {"through": through}


def rate(category: str, percent: str, from_: str) -> Ask:
    return "tax_rate.changed", {"category": category, "rate": percent, "from": from_}


@rows(
    ("a book is opened once", [], ("book.opened", BOOK), ["! book_exists /type"]),
    ("in a currency that there is", [], ("book.opened", {**BOOK, "currency": "EUX"}), ["! currency_unknown /data/currency"]),
    ("in a time zone that there is", [], ("book.opened", {**BOOK, "time_zone": "Europe/Atlantis"}), ["! time_zone_unknown /data/time_zone"]),
    ("with a prefix for each series", [], ("book.opened", {**BOOK, "credit_note_prefix": "INV-"}), ["! prefix_taken /data/credit_note_prefix"]),
    ("what is filled in is the ledger's to say", [], ("book.opened", {**BOOK, "filled": ["rules"]}), ["! field_not_allowed /data/filled"]),
    ("rules that balance", [], ("book.opened", {**BOOK, "rules": RULES[:1]}), ["! rules_unbalanced /data/rules"]),
    ("rules on accounts of its chart", [], ("book.opened", {**BOOK, "rules": RULES}), ["! account_unknown /data/rules/1/account"]),
    ("untaxed is untaxed", [], ("book.opened", {**BOOK, "tax_rates": [{"category": "exempt", "rate": "5", "from": "2020-01-01"}]}),
     ["! tax_category_untaxed /data/tax_rates/0/category"]),
    ("an account is added", [], CLEARING, ["account.added account=clearing"]),
    ("once", [CLEARING], CLEARING, ["! account_exists /data/account"]),
    ("not one of the chart", [], ("account.added", {"account": "cash", "name": "Cash", "kind": "asset"}), ["! account_exists /data/account"]),
    ("a policy changes", [CLEARING], policy(RULES), ["policy.changed policy=posting_rules"]),
    ("to accounts that there are", [], policy(RULES), ["! account_unknown /data/rules/1/account"]),
    ("to rules that balance", [CLEARING], policy(RULES[:1]), ["! rules_unbalanced /data/rules"]),
    ("to measures that there are", [], policy([{**RULES[0], "measure": "tip"}]), ["! measure_unknown /data/rules/0/measure"]),
    ("of events that move money", [], policy([{**RULES[0], "event": "customer.opened"}]), ["! measure_unknown /data/rules/0/measure"]),
    ("not for closed periods", [CLEARING, closed("2026-01-20")], policy(RULES, "2026-01-20"), ["! period_closed /data/from"]),
    ("for open ones", [CLEARING, closed("2026-01-20")], policy(RULES, "2026-01-21"), ["policy.changed"]),
    ("a rate changes", [], rate("standard", "25", "2026-03-01"), ["tax_rate.changed category=standard rate=25"]),
    ("a category begins", [], rate("luxury", "40", "2026-01-01"), ["tax_rate.changed"]),
    ("an untaxed one has no rate", [], rate("reverse_charge", "40", "2026-01-01"), ["! tax_category_untaxed /data/category"]),
    ("a rate is a decimal", [], rate("luxury", "-4", "2026-01-01"), ["! text_not_allowed /data/rate"]),
    ("a period is closed", [], closed("2026-01-30"), ["period.closed through=2026-01-30"]),
    ("when it is over", [], closed("2026-01-31"), ["! period_not_over /data/through"]),
    ("once", [closed("2026-01-30")], closed("2026-01-30"), ["! period_closed /data/through"]),
    ("and the next", [closed("2026-01-20")], closed("2026-01-30"), ["period.closed"]),
)  # fmt: skip
def test_book(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


def agreement(from_: str, *services: dict[str, object]) -> Ask:
    usual = {"service": "mobile", "unit_price": 1999, "interval": "month"}
    return "agreement.changed", {"from": from_, "services": [{**usual, **service} for service in services]}


CLOSED: Ask = ("customer.closed", {"by": "customer", "reason": "price"})


@rows(
    ("a customer is opened once", [], ("customer.opened", {"currency": "EUR"}), ["! customer_exists /subject"]),
    ("terms change", [], ("customer.changed", {"payment_days": 30}), ["customer.changed payment_days=30 currency=None"]),
    ("something changes", [], ("customer.changed", {}), ["! nothing_changed /data"]),
    ("not after the end", [CLOSED], ("customer.changed", {"payment_days": 30}), ["! customer_closed /subject"]),
    ("a customer ends", [], CLOSED, ["customer.closed by=customer reason=price"]),
    ("once", [CLOSED], CLOSED, ["! customer_closed /subject"]),
    ("what was delivered is still billed", [charge("c1", 5), CLOSED], issue(), ["invoice.issued"]),
    ("and still paid", [charge("c1", 5), CLOSED, issue()], asks.pay("p1", 6), ["payment.received", "allocation.made"]),
    ("a locale is a language and a country", [], ("customer.changed", {"locale": "english"}), ["! text_not_allowed /data/locale"]),
    ("personal data is no term", [], ("customer.changed", {"email": "a@example.com"}), ["! field_unknown /data/email"]),
    ("an agreement changes", [], agreement("2026-03-01", {}), ["agreement.changed from=2026-03-01 services.0.quantity=1"]),
    ("to nothing", [], agreement("2026-03-01"), ["agreement.changed services="]),
    ("a service once", [], agreement("2026-03-01", {}, {}), ["! service_repeated /data/services/1/service"]),
    ("taxed in a category of the book", [], agreement("2026-03-01", {"tax_category": "luxury"}), ["! tax_category_unknown /data/services/0/tax_category"]),
    ("not after the end", [CLOSED], agreement("2026-03-01", {}), ["! customer_closed /subject"]),
)  # fmt: skip
def test_customer(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


def test_a_book_that_brings_no_sets_of_its_own_records_those_of_the_ledger() -> None:
    data = World().events[0].data
    assert isinstance(data, BookOpened)
    assert (data.rules, data.accounts) == (list(DEFAULT_RULES), list(DEFAULT_ACCOUNTS))
    assert list(data.filled or ()) == ["accounts", "rules", "tax_rates"]


def test_what_is_before_a_book_or_a_customer_is_refused() -> None:
    world = World()
    with pytest.raises(Refusal, match=r"^customer_unknown: "):
        world.post(charge("c1", 5))
    world.book = None
    for ask in (charge("c1", 5), closed("2025-01-01"), ("customer.opened", {"currency": "EUR"})):
        with pytest.raises(Refusal, match=r"^book_unknown: "):
            world.post(ask)


def test_the_subject_is_there_exactly_when_a_message_is_about_a_customer() -> None:
    world = untaxed()
    for ask, subject, code in (
        (charge("c1", 5), None, "subject_missing"),
        (CLEARING, "alice", "subject_not_allowed"),
    ):
        message = world.read(ask)._replace(subject=subject)
        with pytest.raises(Refusal) as caught:
            decider.decide(world.book, world.alice, message, world.now)
        assert (caught.value.code, caught.value.pointer) == (code, "/subject")


SOME: dict[str, Ask] = {
    "account.added": CLEARING,
    "agreement.changed": agreement("2026-03-01", {}),
    "allocation.make": asks.allocate("p2", "INV-1", 1),
    "allocation.undo": asks.undo("p1", "INV-1", 1),
    "caller.verify": asks.verify("passed"),
    "charge.posted": charge("c9", 5),
    "charge.reverse": asks.reverse("c2"),
    "contact.answered": asks.answer("k1"),
    "contact.arrived": asks.arrive("k2"),
    "contact.ended": asks.end("k1", "abandoned"),
    "credit_note.issue": asks.credit("INV-1", (1, 1)),
    "customer.bill": asks.bill("2026-01-31"),
    "discount.accept": asks.accept("x3"),
    "discount.approve": asks.approve("x4"),
    "discount.decline": asks.decline("x4"),
    "discount.withdraw": asks.take_back("x4"),
    "credit_note.void": asks.void_note("CN-1"),
    "customer.changed": ("customer.changed", {"payment_days": 30}),
    "customer.closed": CLOSED,
    "customer.erase": asks.erase(),
    "customer.opened": ("customer.opened", {"currency": "EUR"}),
    "debt.recover": asks.recover("INV-1", 1, "p8"),
    "debt.write_off": asks.write_off("INV-1", 1),
    "discount.grant": asks.percent_off("x2", "5"),
    "discount.offer": asks.offer_off("x2", "5", "2026-03-31"),
    "discount.refuse": asks.refuse("x3"),
    "discount.revoke": asks.revoke("x1"),
    "dispute.assign": asks.assign("d1", "ann"),
    "dispute.escalate": asks.escalate("d1"),
    "dispute.open": asks.complain("d2", "INV-1", 1),
    "dispute.resolve": asks.resolve("d1", "rejected"),
    "dispute.submit_evidence": asks.evidence("d1"),
    "dispute.withdraw": asks.withdraw("d3"),
    "invoice.issue": issue(),
    "invoice.void": asks.void("INV-2"),
    "note.added": asks.note("n1"),
    "payment.failed": asks.fail("p9", 5),
    "payment.received": asks.pay("p9", 5),
    "payment.returned": asks.bounce("p1", 1),
    "period.closed": closed("2026-01-20"),
    "policy.changed": policy([{**RULES[0], "account": "cash"}, {**RULES[1], "account": "cash"}]),
    "refund.issue": asks.refund("r1", 1),
    "reminder.send": asks.remind("INV-1"),
    "trial.assign": asks.take_part("t1"),
    "trial.registered": asks.trial("t2", ("a", "80")),
    "tax_rate.changed": rate("standard", "25", "2026-03-01"),
    "verification.start": asks.send_code(),
}
"""A message of each type but book.opened and what only the ledger posts, accepted by the world of `busy`."""
BUSY = [
    ("customer.changed", {"payment_days": 0}),
    asks.percent_off("x1", "5"), charge("c1", 500), issue(), asks.pay("p1", 100), asks.hold("p2", 100),
    asks.complain("d1", "INV-1", 50), charge("c3", 5, currency="USD"), issue(currency="USD"), charge("c2", 50),
    asks.discount_policy({"role": "trainee"}, {"role": "lead", "percent": "25", "approves": True}, without_role="lead"),
    asks.offer_off("x3", "5", "2026-03-31"), asks.trial("t1", ("a", "80")),
    asks.credit("INV-1", (1, 1)), asks.write_off("INV-1", 9),
    asks.verification_policy(), asks.dunning_policy((1, "reminder", 0)), asks.arrive("k1"), asks.chargeback("d3", "p1", 1),
]  # fmt: skip


def busy(type_: str) -> tuple[World, str]:
    world = untaxed()
    for ask in BUSY:
        world.post(ask)
    world.now += timedelta(days=2)  # the invoices are overdue
    world.acts("anna", "trainee")
    world.post(asks.percent_off("x4", "20"))
    if type_ != "discount.withdraw":  # by who asked, and nobody else
        world.acts("principal")
    for ask in (SOME["customer.opened"], CLOSED):
        world.post(ask, customer="carol")
    return world, {"customer.opened": "bob", "customer.erase": "carol"}.get(type_, "alice")


def test_there_is_an_example_of_every_message() -> None:
    assert SOME.keys() | {"book.opened", "dispute.lapse"} == decider.DECODERS.keys()


@pytest.mark.parametrize("type_", sorted(SOME))
def test_every_message_is_accepted_at_its_time(type_: str) -> None:
    world, customer = busy(type_)
    assert world.post(SOME[type_], customer=customer)


@pytest.mark.parametrize("type_", sorted(SOME))
def test_no_message_is_dated_more_than_a_day_ahead_but_agreements(type_: str) -> None:
    """docs/domain.md, Time."""
    world, customer = busy(type_)
    ahead = world.now + timedelta(days=1, minutes=2)
    if type_ == "agreement.changed":
        assert world.post(SOME[type_], at=ahead)
        return
    with pytest.raises(Refusal) as caught:
        world.post(SOME[type_], at=ahead, customer=customer)
    assert (caught.value.code, caught.value.pointer) == ("time_ahead", "/time")


@pytest.mark.parametrize("type_", sorted(SOME))
def test_no_message_is_dated_in_a_closed_period(type_: str) -> None:
    """The period ends with a day in the book's time zone: 23:00 UTC is midnight in Berlin [docs/domain.md, Time]."""
    world, customer = busy(type_)
    world.post(closed("2026-01-15"))
    with pytest.raises(Refusal) as caught:
        world.post(SOME[type_], at=datetime(2026, 1, 15, 22, 59, 59, tzinfo=UTC), customer=customer)
    assert (caught.value.code, caught.value.pointer) == ("period_closed", "/time")


def test_the_first_instant_after_a_closed_period_is_open() -> None:
    world = untaxed()
    world.post(closed("2026-01-15"))
    assert world.post(charge("c1", 5), at=datetime(2026, 1, 15, 23, 0, tzinfo=UTC))


def test_a_service_period_does_not_reach_into_closed_periods() -> None:
    """Its revenue would be recognised there, and change what was closed."""
    world = untaxed()
    world.post(closed("2026-01-15"))
    for begins, refused in (("2026-01-15", True), ("2026-01-16", False)):
        ask = charge(f"c{begins}", 5, period={"from": begins, "to": "2026-02-15"})
        if refused:
            with pytest.raises(Refusal, match=r"^period_closed: "):
                world.post(ask)
        else:
            assert world.post(ask)


@pytest.mark.parametrize(
    "type_",
    ["allocation.make", "allocation.undo", "charge.reverse", "credit_note.issue", "credit_note.void", "debt.recover",
     "debt.write_off", "discount.accept", "discount.approve", "discount.decline", "discount.refuse", "discount.revoke",
     "discount.withdraw", "dispute.open", "dispute.resolve", "invoice.void", "refund.issue", "trial.assign"],
)  # fmt: skip
def test_no_command_is_dated_before_what_it_acts_on(type_: str) -> None:
    """The balances of every day make sense."""
    world, _ = busy(type_)
    with pytest.raises(Refusal) as caught:
        world.post(SOME[type_], at=START + timedelta(hours=1))
    assert (caught.value.code, caught.value.pointer) == ("dated_before", "/time")


def test_late_charges_of_before_the_end_are_billed() -> None:
    world = untaxed()
    left = world.post(CLOSED)[0].time
    assert world.post(charge("c1", 5), at=left)
    with pytest.raises(Refusal, match=r"^customer_closed: "):
        world.post(charge("c2", 5), at=left + timedelta(seconds=1))


def test_a_rate_change_never_changes_an_issued_invoice() -> None:
    world = taxed()
    for ask in (charge("c1", 100), issue(), rate("standard", "50", "2020-01-01")):
        world.post(ask)
    note = world.post(asks.credit("INV-1", (1, 100)))[0].data
    assert isinstance(note, CreditNoteIssued)
    assert msgspec.to_builtins(note.taxes) == [{"category": "standard", "rate": "20", "base": 100, "tax": 20}]

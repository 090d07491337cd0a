"""What changed since the invoice before: each part names the event by which it began, changed or ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from tests.api.explained import hold_sums, texts
from tests.api.live import Caller, Json, Live, open_book
from tests.ledger.asks import agree, amount_off, bill, charge, close, percent_off, revoke, service
from tests.ledger.world import Ask

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
FEBRUARY, MARCH = AT + timedelta(days=30), AT + timedelta(days=58)
TAXES = [
    {"category": "standard", "rate": "20", "from": "2020-01-01"},
    {"category": "reduced", "rate": "10", "from": "2020-01-01"},
]
DSL, TV = service("dsl", 3100), service("tv", 310)
BOTH = agree("2026-01-01", DSL, TV)


class Row(NamedTuple):
    """What is agreed in January and what happens in February; which part of the second bill says what."""

    first: tuple[Ask, ...]
    then: tuple[Ask, ...]
    part: tuple[str, str]
    kind: str
    type: str
    day: str
    which: int = -1
    """Which event of that type: the first, or the last."""


ROWS = {
    "from a day on with less": Row(
        (BOTH,), (agree("2026-02-01", DSL),),
        ("service", "tv"), "dropped", "agreement.changed", "2026-02-01",
    ),
    "in the middle of the interval": Row(
        (BOTH,), (agree("2026-02-15", DSL),),
        ("service", "tv"), "dropped", "agreement.changed", "2026-02-15",
    ),
    "for the same day again without it": Row(
        (BOTH,), (agree("2026-01-01", DSL),),
        ("service", "tv"), "dropped", "agreement.changed", "2026-01-01",
    ),
    "left out, and left out again": Row(
        (BOTH,), (agree("2026-02-01", DSL), agree("2026-02-10", service("dsl", 4000))),
        ("service", "tv"), "dropped", "agreement.changed", "2026-02-01", 1,
    ),
    "nothing agreed any more": Row(
        (BOTH, charge("c1", 100)), (agree("2026-02-01"), charge("c2", 100)),
        ("service", "tv"), "agreement_ended", "agreement.changed", "2026-02-01",
    ),
    "the last day of its own": Row(
        (agree("2026-01-01", DSL, service("tv", 310, to="2026-01-31")),), (),
        ("service", "tv"), "fixed_end", "agreement.changed", "2026-01-31",
    ),
    "the customer left": Row(
        (BOTH,), (close(), charge("c2", 100)),
        ("service", "tv"), "closed", "customer.closed", "2026-02-01",
    ),
    "another price": Row(
        (BOTH,), (agree("2026-02-01", service("dsl", 4000), TV),),
        ("service", "dsl"), "agreed", "agreement.changed", "2026-02-01",
    ),
    "another quantity": Row(
        (BOTH,), (agree("2026-02-01", service("dsl", 3100, quantity="2"), TV),),
        ("service", "dsl"), "agreed", "agreement.changed", "2026-02-01",
    ),
    "new": Row(
        (agree("2026-01-01", DSL),), (agree("2026-02-01", DSL, TV),),
        ("service", "tv"), "agreed", "agreement.changed", "2026-02-01",
    ),
    "a month that began in the middle was followed by a whole one": Row(
        (agree("2026-01-01", DSL), agree("2026-01-15", DSL, TV)), (),
        ("service", "tv"), "agreed", "agreement.changed", "2026-01-15",
    ),
    "a new discount": Row(
        (BOTH,), (percent_off("ten", "10"),),
        ("discount", "ten"), "granted", "discount.granted", "2026-02-01",
    ),
    "revoked": Row(
        (BOTH, percent_off("ten", "10")), (revoke("ten"),),
        ("discount", "ten"), "revoked", "discount.revoked", "2026-02-01",
    ),
    "expired": Row(
        (BOTH, percent_off("ten", "10", until="2026-02-15")), (),
        ("discount", "ten"), "expired", "discount.granted", "2026-02-15",
    ),
    "used up by number": Row(
        (BOTH, percent_off("ten", "10", invoices=1)), (),
        ("discount", "ten"), "used_up", "invoice.issued", "2026-02-01", 0,
    ),
    "used up by amount": Row(
        (BOTH, amount_off("sorry", 100, invoices=1)), (),
        ("discount", "sorry"), "used_up", "invoice.issued", "2026-02-01", 0,
    ),
    "a percentage that came to its bound": Row(
        (BOTH, percent_off("ten", "10", at_most=341, currency="EUR")), (),
        ("discount", "ten"), "used_up", "invoice.issued", "2026-02-01", 0,
    ),
    "the rest of it": Row(
        (agree("2026-01-01", TV), amount_off("sorry", 400, invoices=1)), (),
        ("discount", "sorry"), "used_up", "invoice.issued", "2026-03-01",
    ),
    "its service was dropped": Row(
        (BOTH, percent_off("tele", "50", scope={"service": "tv"})), (agree("2026-02-01", DSL),),
        ("discount", "tele"), "out_of_scope", "agreement.changed", "2026-02-01",
    ),
    "its charge was billed": Row(
        (BOTH, charge("c1", 100), percent_off("once", "50", scope={"charge": "c1"})), (),
        ("discount", "once"), "out_of_scope", "discount.granted", "2026-01-02",
    ),
    "an earlier discount takes all": Row(
        (BOTH, percent_off("ten", "10")), (percent_off("all", "100", scope={"service": "dsl"}),
                                           percent_off("tv", "100", scope={"service": "tv"})),
        ("discount", "ten"), "nothing_left", "discount.granted", "2026-01-02", 0,
    ),
    "another rate": Row(
        (BOTH,), (("tax_rate.changed", {"category": "standard", "rate": "25", "from": "2026-02-01"}),),
        ("tax", "standard"), "rate", "tax_rate.changed", "2026-02-01",
    ),
    "taxed in another way": Row(
        (BOTH,), (("customer.changed", {"tax_treatment": "exempt"}),),
        ("tax", "standard"), "treatment", "customer.changed", "2026-02-01",
    ),
}  # fmt: skip


def billed_twice(live: Live, book: Caller, first: tuple[Ask, ...], then: tuple[Ask, ...]) -> Caller:
    """Bill January and February of a customer, in a book of their own."""
    caller = open_book(live, book.client, tax_rates=TAXES)
    caller.tell(("customer.opened", {"currency": "EUR", "locale": "en-GB"}), at=AT)
    for asks, at, through, bills_at in (
        (first, AT, "2026-01-31", FEBRUARY), (then, FEBRUARY, "2026-02-28", MARCH),
    ):  # fmt: skip
        for ask in asks:
            caller.tell(ask, at=at)
        caller.tell(bill(through), at=bills_at)
    return caller


def parts(told: Json) -> dict[tuple[str, str], Json]:
    return {(part["kind"], part["name"]): part for part in told["changes"]["parts"]}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_each_part_names_the_event_behind_it(live: Live, book: Caller, row: Row) -> None:
    caller = billed_twice(live, book, row.first, row.then)
    told = caller.read("/invoices/INV-2/explain", min_position=caller.head)
    hold_sums(told)
    (cause,) = parts(told)[row.part]["causes"]
    assert (cause["kind"], cause["type"], cause["day"]) == (row.kind, row.type, row.day)
    event = [each for each in caller.walk_feed() if each["type"] == row.type][row.which]
    named = (cause["position"], cause["id"], cause["principal"], cause["occurred_at"])
    assert named == (event["position"], event["id"], event["principal"], event["time"])
    assert cause["invoice"] == (event["data"]["invoice"] if row.kind == "used_up" else None)


def test_what_goes_on_but_is_not_due_is_not_told_as_ended(live: Live, book: Caller) -> None:
    yearly = service("domain", 1200, interval="year", billed="advance")
    caller = open_book(live, book.client, tax_rates=TAXES)
    caller.tell(("customer.opened", {"currency": "EUR", "locale": "en-GB"}), at=AT)
    caller.tell(agree("2026-01-01", DSL, yearly), at=AT)
    for through, at in (("2026-01-31", FEBRUARY), ("2026-02-28", MARCH)):
        caller.tell(bill(through), at=at)
    told = caller.read("/invoices/INV-2/explain", min_position=caller.head)
    part = parts(told)["service", "domain"]
    assert (part["because"], part["causes"]) == (["not_due"], [])
    assert "None of it is due on this invoice." in [each["text"] for each in told["sentences"]]


def test_a_use_that_a_void_gave_back_does_not_use_a_discount_up(live: Live, book: Caller) -> None:
    caller = billed_twice(live, book, (BOTH, percent_off("ten", "10", invoices=2)), ())
    caller.tell(("invoice.void", {"invoice": "INV-2", "reason": "mistake"}), at=MARCH)
    caller.tell(("invoice.issue", {}), at=MARCH)
    caller.tell(charge("c3", 500), at=MARCH)
    caller.tell(("invoice.issue", {}), at=MARCH)
    (cause,) = parts(caller.read("/invoices/INV-4/explain", min_position=caller.head))["discount", "ten"][
        "causes"
    ]
    assert (cause["kind"], cause["invoice"]) == ("used_up", "INV-3")


AT_MOST = {
    "en": "On all invoices together it takes off no more than €3.00.",
    "da": "På alle fakturaer tilsammen trækker den højst 3,00 € fra.",
    "de": "Auf allen Rechnungen zusammen nimmt er höchstens 3,00 € weg.",
    "es": "En todas las facturas juntas resta como máximo 3,00 €.",
    "el": "Σε όλα τα τιμολόγια μαζί αφαιρεί το πολύ 3,00 €.",
    "et": "Kõigil arvetel kokku on see kõige rohkem 3,00 €.",
}


def test_a_percentage_that_its_bound_cut_short_says_so(live: Live, book: Caller) -> None:
    caller = billed_twice(live, book, (BOTH, percent_off("ten", "10", at_most=300, currency="EUR")), ())
    head = caller.head
    for language, sentence in AT_MOST.items():
        told = caller.read("/invoices/INV-1/explain", min_position=head, language=language)
        (discount,) = told["discounts"]
        assert (discount["percent"], discount["at_most"], discount["amount"]) == ("10", 300, 300)
        assert sentence in [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(told)]


DROPPED = (
    ("en", "What is agreed from 1 February 2026 on leaves it out.",
     "Event {position} says so, which tester recorded as of 1 February 2026."),
    ("da", "Det er ikke med i det, der er aftalt fra 1. februar 2026.",
     "Det fremgår af hændelse {position}, som tester registrerede pr. 1. februar 2026."),
    ("de", "Was ab dem 1. Februar 2026 vereinbart ist, enthält es nicht mehr.",
     "Das sagt Ereignis {position}, aufgezeichnet von tester zum 1. Februar 2026."),
    ("es", "Lo acordado a partir del 1 de febrero de 2026 ya no lo incluye.",
     "Así consta en el evento {position}, que registró tester con fecha del 1 de febrero de 2026."),
    ("el", "Όσα έχουν συμφωνηθεί από τις 1 Φεβρουαρίου 2026 δεν το περιλαμβάνουν.",
     "Το αναφέρει το συμβάν {position}. Το καταχώρισε: tester, με ημερομηνία 1 Φεβρουαρίου 2026."),  # noqa: RUF001 - Greek
    ("et", "Alates kuupäevast 1. veebruar 2026 kehtiv kokkulepe seda enam ei sisalda.",
     "Seda ütleb sündmus {position}. Salvestaja: tester, kuupäevaga 1. veebruar 2026."),
)  # fmt: skip


def test_the_event_is_told_in_every_language(live: Live, book: Caller) -> None:
    caller = billed_twice(live, book, (BOTH,), (agree("2026-02-01", DSL),))
    position = next(
        each["position"] for each in reversed(caller.walk_feed()) if each["type"] == "agreement.changed"
    )
    head = caller.head
    for language, why, event in DROPPED:
        told = caller.read("/invoices/INV-2/explain", min_position=head, language=language)
        place = [part["name"] for part in told["changes"]["parts"]].index("tv")
        said = [each["text"] for each in told["sentences"] if each["about"] == f"/changes/parts/{place}"]
        assert said[1:] == [why, event.format(position=position)]

"""What holds of every explanation: parts sum to their whole, and differences name their cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from tests.api.live import Caller, Json, Live, open_book
from tests.ledger.asks import agree, bill, service
from tests.ledger.world import Ask

from ledger.charge import ChargePosted, ChargeReversed
from ledger.discounts.discount import DiscountGranted, DiscountRevoked
from ledger.event import Event
from ledger.invoice import InvoiceIssued

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
FEBRUARY, MARCH = AT + timedelta(days=30), AT + timedelta(days=58)
TAXES = [
    {"category": "standard", "rate": "20", "from": "2020-01-01"},
    {"category": "reduced", "rate": "10", "from": "2020-01-01"},
]
DSL, TV = service("dsl", 3100), service("tv", 310)
BOTH = agree("2026-01-01", DSL, TV)


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


def texts(told: Json) -> list[str]:
    return [sentence["text"] for sentence in told["sentences"]]


def hold_sums(told: Json) -> None:
    """Hold every whole of an explained invoice to the sum of its parts."""
    lines = told["lines"]
    assert sum(line["net"] for line in lines) == told["net"]
    assert sum(line["discount"] for line in lines) == told["discount"]
    assert sum(each["amount"] for each in told["discounts"]) == told["discount"]
    for each in told["discounts"]:
        shares = [share for line in lines for share in line["discounts"]]
        mine = sum(share["amount"] for share in shares if share["discount"] == each["discount"])
        assert mine == each["amount"]
    for line in lines:
        assert line["amount"] == line["net"] - line["discount"]
        assert sum(share["amount"] for share in line["discounts"]) == line["discount"]
    for tax in told["taxes"]:
        of_rate = [
            line
            for line in lines
            if (line["tax"]["category"], line["tax"]["rate"]) == (tax["category"], tax["rate"])
        ]
        assert sum(line["amount"] for line in of_rate) == tax["base"]
    assert sum(tax["tax"] for tax in told["taxes"]) == told["tax"]
    assert told["net"] - told["discount"] + told["tax"] == told["total"]
    assert told["total"] + sum(each["amount"] for each in told["settlements"]) == told["due"]
    assert sum(each["amount"] for each in told["disputes"]) <= told["due"]
    if told["changes"]:
        assert sum(part["amount"] for part in told["changes"]["parts"]) == told["changes"]["amount"]
        assert told["changes"]["total"] + told["changes"]["amount"] == told["total"]


def hold_balance(caller: Caller, customer: str, told: Json, **moment: int) -> None:
    """Hold an explained balance to the balance, and to its own parts."""
    for balance in told["balances"]:
        due = sum(each["due"] for each in balance["invoices"])
        left = sum(each["left"] for each in balance["sources"])
        assert (
            due - left
            == balance["balance"]
            == balance["receivable"] + balance["disputed"] - balance["credit"]
        )
        assert sum(each["disputed"] for each in balance["invoices"]) == balance["disputed"]
        for each in balance["invoices"]:
            assert each["total"] + sum(one["amount"] for one in each["settlements"]) == each["due"]
            assert sum(one["amount"] for one in each["disputes"]) == each["disputed"]
    said = [(each["currency"], each["balance"]) for each in told["balances"]]
    shown = caller.read(f"/customers/{customer}/balance", **moment)["balances"]
    assert [each for each in said if each[1]] == [
        (each["currency"], each["balance"]) for each in shown if each["balance"]
    ]


def hold_causes(told: Json, events: Sequence[Event]) -> None:
    """Hold each difference to reasons that were recorded by then, and are about what differs."""
    if told["changes"] is None:
        return
    billed = {line["charge"]: line["line"] for line in told["lines"]}
    for part in told["changes"]["parts"]:
        of = f"{told['invoice']} at {told['position']}: {part}"
        assert part["causes"] or part["because"], of
        assert "not_recorded" not in part["because"], of
        for cause in part["causes"]:
            event = events[cause["position"] - 1]
            assert (cause["type"], cause["id"]) == (event.type, event.id), of
            assert event.position < told["position"] or cause["kind"] == "used_up", of
            assert event.position <= told["position"], of
            assert event.type in TYPES[cause["kind"]].split(), of
        kinds = {cause["kind"] for cause in part["causes"]}
        if part["kind"] == "charge":
            _hold_charges(part, told, billed, events)
        elif part["change"] != "changed" and part["kind"] != "tax":
            assert kinds or part["because"] == ["not_due"], of
            assert kinds <= KINDS[part["kind"], part["change"]], of
            assert "agreed" in kinds or (part["kind"], part["change"]) != ("service", "added"), of
        if part["kind"] == "discount":
            _hold_discount(part, told, events)


TYPES = {
    "agreed": "agreement.changed", "dropped": "agreement.changed", "agreement_ended": "agreement.changed",
    "fixed_end": "agreement.changed", "closed": "customer.closed",
    "posted": "charge.posted", "billed": "charge.posted", "lowered": "charge.reversed",
    "granted": "discount.granted", "revoked": "discount.revoked", "used_up": "invoice.issued",
    "expired": "discount.granted", "granted_later": "discount.granted", "nothing_left": "discount.granted",
    "rounded_away": "discount.granted", "out_of_scope": "discount.granted agreement.changed customer.closed",
    "rate": "tax_rate.changed book.opened customer.opened customer.changed",
    "treatment": "customer.opened customer.changed",
}  # fmt: skip
"""Of each kind of cause, the types of the events that may be one."""

KINDS = {
    ("service", "added"): {"agreed", "dropped", "agreement_ended", "fixed_end", "closed", "lowered"},
    ("service", "ended"): {"dropped", "agreement_ended", "fixed_end", "closed"},
    ("discount", "added"): {"granted"},
    ("discount", "ended"): {
        "used_up", "revoked", "expired", "granted_later", "out_of_scope", "nothing_left", "rounded_away",
    },
}  # fmt: skip
"""Why something may begin, or end; what begins may end within its first interval."""


def _hold_charges(part: Json, told: Json, billed: dict[str, int], events: Sequence[Event]) -> None:
    """Hold charges to what posted them: each line of this invoice, and what only the one before bills."""
    posted: dict[str, list[str]] = {"posted": [], "billed": [], "lowered": []}
    for cause in part["causes"]:
        data = events[cause["position"] - 1].data
        assert isinstance(data, ChargePosted | ChargeReversed)
        posted[cause["kind"]].append(data.charge)
        assert cause["invoice"] == (told["changes"]["invoice"] if cause["kind"] == "billed" else None)
    assert sorted(billed[charge] for charge in posted["posted"]) == part["lines"]
    assert not billed.keys() & set(posted["billed"])
    assert bool(posted["billed"]) is (part["change"] != "added")
    assert set(posted["lowered"]) <= {*posted["posted"], *posted["billed"]}


def _hold_discount(part: Json, told: Json, events: Sequence[Event]) -> None:
    """Hold why a discount is not used to what its events say, worked out from the terms alone."""
    before = events[: told["position"] - 1]
    (granted,) = (
        event for event in before
        if isinstance(event.data, DiscountGranted) and event.data.discount == part["name"]
        and event.subject == told["customer"]
    )  # fmt: skip
    assert isinstance(granted.data, DiscountGranted)
    scope, issued = granted.data.scope, events[told["position"] - 1]
    lines = [
        line for line in told["lines"]
        if scope is None or scope.charge == line["charge"] or scope.service == line["service"]
    ]  # fmt: skip
    left = sum(line["amount"] for line in lines)
    until, percent = granted.data.until, granted.data.percent
    in_time = granted.time <= issued.time and (until is None or str(until) >= told["issued_on"])
    for cause in part["causes"]:
        named = events[cause["position"] - 1].data
        holds = {
            "granted": granted.data == named,
            "granted_later": issued.time < granted.time,
            "expired": until is not None and str(until) < told["issued_on"],
            "revoked": isinstance(named, DiscountRevoked) and named.discount == part["name"],
            "used_up": isinstance(named, InvoiceIssued) and part["name"] in str(named.discounts),
            "out_of_scope": in_time and not lines,
            "nothing_left": in_time and bool(lines) and left == 0,
            "rounded_away": in_time and lines != [] and 2 * left * Fraction(percent or 100) < 100,
        }
        assert holds[cause["kind"]], (cause, granted)

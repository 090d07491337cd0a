"""What changed since the invoice before where no one event says it all: amounts, parts taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.api.explained import AT, BOTH, DSL, FEBRUARY, MARCH, TAXES, TV, billed_twice, hold_sums, parts
from tests.api.live import Caller, Live, open_book
from tests.ledger.asks import (
    agree,
    amount_off,
    bill,
    charge,
    complain_of_charge,
    issue,
    percent_off,
    resolve,
    service,
)
from tests.ledger.world import Ask


def taxed(treatment: str) -> Ask:
    return "customer.changed", {"tax_treatment": treatment}


BECAUSE: dict[str, tuple[tuple[Ask, ...], tuple[Ask, ...], tuple[str, str], list[str]]] = {
    "a percentage of more": (
        (BOTH, percent_off("ten", "10")), (agree("2026-01-15", service("dsl", 4000), TV),),
        ("discount", "ten"), ["amounts"],
    ),
    "an amount that finds less": (
        (agree("2026-01-01", TV), amount_off("each", 400)), (agree("2026-02-01", service("tv", 200)),),
        ("discount", "each"), ["amounts"],
    ),
    "two months on the first bill": (
        (agree("2025-12-01", DSL),), (),
        ("service", "dsl"), ["intervals"],
    ),
    "taxed on less": (
        (agree("2025-12-01", DSL),), (),
        ("tax", "standard"), ["amounts"],
    ),
    "nothing taxed so any more, and the customer taxed as before": (
        (BOTH, charge("c1", 100, tax_category="reduced")),
        (taxed("exempt"), taxed("standard")),
        ("tax", "reduced"), ["amounts"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("first", "then", "part", "because"), BECAUSE.values(), ids=BECAUSE.keys())
def test_where_only_amounts_differ_no_event_is_named(
    live: Live,
    book: Caller,
    first: tuple[Ask, ...],
    then: tuple[Ask, ...],
    part: tuple[str, str],
    because: list[str],
) -> None:
    caller = billed_twice(live, book, first, then)
    told = caller.read("/invoices/INV-2/explain", min_position=caller.head)
    hold_sums(told)
    found = parts(told)[part]
    assert (found["because"], found["causes"]) == (because, [])


def test_an_invoice_dated_before_the_grant_of_a_discount_names_the_grant(live: Live, book: Caller) -> None:
    caller = open_book(live, book.client, tax_rates=TAXES)
    caller.tell(("customer.opened", {"currency": "EUR"}), at=AT)
    for name in ("c1", "c2"):
        caller.tell(charge(name, 100), at=AT if name == "c2" else FEBRUARY)
    granted = caller.tell(percent_off("ten", "10"), at=FEBRUARY)["events"][0]["position"]
    caller.tell(issue(), at=FEBRUARY)
    caller.tell(charge("c3", 100), at=AT)
    caller.tell(issue(), at=FEBRUARY - timedelta(seconds=1))
    (cause,) = parts(caller.read("/invoices/INV-2/explain", min_position=caller.head))["discount", "ten"][
        "causes"
    ]
    assert (cause["kind"], cause["position"], cause["day"]) == ("granted_later", granted, "2026-02-01")


def test_what_began_and_ended_on_one_bill_names_both(live: Live, book: Caller) -> None:
    """One agreement says both, from which day on and until which."""
    brief = agree("2026-02-10", DSL, service("tv", 310, to="2026-02-20"))
    caller = billed_twice(live, book, (agree("2026-01-01", DSL),), (brief,))
    told = caller.read("/invoices/INV-2/explain", min_position=caller.head)
    causes = parts(told)["service", "tv"]["causes"]
    assert [(each["kind"], each["day"]) for each in causes] == [
        ("agreed", "2026-02-10"), ("fixed_end", "2026-02-20"),
    ]  # fmt: skip
    assert len({each["position"] for each in causes}) == 1


def test_charges_of_now_and_of_the_bill_before_are_both_named(live: Live, book: Caller) -> None:
    first, then = (BOTH, charge("c1", 100), charge("c2", 50)), (charge("c3", 300),)
    caller = billed_twice(live, book, first, then)
    told = caller.read("/invoices/INV-2/explain", min_position=caller.head)
    part = parts(told)["charge", "mobile"]
    assert (part["change"], part["because"]) == ("changed", ["amounts"])
    assert [(each["kind"], each["day"], each["invoice"]) for each in part["causes"]] == [
        ("posted", "2026-02-01", None), ("billed", "2026-01-02", "INV-1"), ("billed", "2026-01-02", "INV-1"),
    ]  # fmt: skip


def test_a_charge_of_which_a_part_was_taken_back_says_so(live: Live, book: Caller) -> None:
    upheld = (complain_of_charge("d1", "c1"), resolve("d1", "partly_upheld", net=40))
    caller = billed_twice(live, book, (BOTH,), (charge("c1", 100), *upheld))
    told = caller.read("/invoices/INV-2/explain", min_position=caller.head)
    part = parts(told)["charge", "mobile"]
    assert part["after"] == 60
    assert [(each["kind"], each["type"]) for each in part["causes"]] == [
        ("posted", "charge.posted"), ("lowered", "charge.reversed"),
    ]  # fmt: skip


def test_so_do_days_of_a_service_that_went_back_to_wait_for_an_invoice(live: Live, book: Caller) -> None:
    """Void, its charges wait again, and a complaint about one of them is upheld in part."""
    caller = billed_twice(live, book, (BOTH,), ())
    days = next(
        each["data"]["charge"] for each in reversed(caller.walk_feed())
        if each["type"] == "charge.posted" and each["data"]["service"] == "dsl"
    )  # fmt: skip
    caller.tell(("invoice.void", {"invoice": "INV-2", "reason": "mistake"}), at=MARCH)
    for ask in (complain_of_charge("d1", days), resolve("d1", "partly_upheld", net=1000), issue()):
        caller.tell(ask, at=MARCH)
    told = caller.read("/invoices/INV-3/explain", min_position=caller.head)
    hold_sums(told)
    part = parts(told)["service", "dsl"]
    assert (part["change"], part["before"], part["after"], part["because"]) == ("changed", 3100, 2100, [])
    assert [(each["kind"], each["type"]) for each in part["causes"]] == [("lowered", "charge.reversed")]


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


def test_what_is_agreed_anew_but_not_due_is_not_told_as_ended(live: Live, book: Caller) -> None:
    anew = agree("2026-02-20", DSL, service("tv", 310, interval="quarter"))
    caller = billed_twice(live, book, (BOTH,), (agree("2026-02-01", DSL), anew))
    part = parts(caller.read("/invoices/INV-2/explain", min_position=caller.head))["service", "tv"]
    assert (part["change"], part["because"], part["causes"]) == ("ended", ["not_due"], [])


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

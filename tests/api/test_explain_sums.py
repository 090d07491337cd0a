"""Explained balances; and parts that sum to their whole, whatever happened, now and then."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import httpx
from tests.api.explained import hold_balance, hold_sums, texts
from tests.api.live import Caller, Live, open_book, problem
from tests.ledger.asks import charge, complain, credit, hold, issue, pay
from tests.log.posting import writer
from tests.projections.histories import post_lives

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_a_balance_is_what_is_due_less_what_is_left(live: Live, book: Caller) -> None:
    caller = open_book(live, book.client)
    caller.tell(("customer.opened", {"currency": "EUR", "locale": "en-GB"}), at=AT)
    for number in (1, 2):
        caller.tell(charge(f"c{number}", 1000 * number), at=AT)
        caller.tell(issue(), at=AT)
    caller.tell(pay("p1", 400, ("INV-1", 400)), at=AT)
    caller.tell(complain("d1", "INV-2", 300), at=AT)
    caller.tell(credit("INV-2", (1, 150)), at=AT)
    caller.tell(hold("p2", 70), at=AT)
    caller.tell(charge("c3", 5), at=AT)
    told = caller.read("/customers/alice/balance/explain", min_position=caller.head)
    (balance,) = told["balances"]
    assert (balance["balance"], balance["disputed"], balance["credit"], balance["unbilled"]) == (
        2380,
        300,
        70,
        5,
    )
    found = [(each["invoice"], each["paid"], each["credited"], each["due"]) for each in balance["invoices"]]
    assert found == [("INV-1", 400, 0, 600), ("INV-2", 0, 150, 1850)]
    assert [(each["name"], each["left"]) for each in balance["sources"]] == [("p2", 70)]
    assert texts(told) == [
        "In all, €23.80 has to be paid.",
        "Invoice INV-1 of 2 January 2026 came to €10.00. €6.00 of it is due on 16 January 2026.",
        "€4.00 of it has been paid.",
        "Invoice INV-2 of 2 January 2026 came to €20.00. €18.50 of it is due on 16 January 2026.",
        "€1.50 of it has been credited.",
        "€3.00 has been in dispute since 2 January 2026, under d1.",
        "Of payment p2 of 2 January 2026 over €0.70, €0.70 is left as credit.",
        "Besides, €0.05 before discounts and tax has not been billed yet.",
    ]


def test_nobody_who_is_not_there_is_explained(book: Caller) -> None:
    assert problem(book.get("/invoices/INV-99/explain")) == (404, "invoice_unknown")
    assert problem(book.get("/customers/nobody/balance/explain")) == (404, "customer_unknown")
    book.tell(("customer.opened", {"currency": "EUR", "locale": "da"}), customer="new", at=AT)
    told = book.read("/customers/new/balance/explain", min_position=book.head)
    assert (told["balances"], told["language"]) == ([], "da")
    assert texts(told) == ["Der er endnu ikke faktureret eller betalt noget."]


def test_parts_sum_to_the_whole_now_and_at_any_position(live: Live, client: httpx.Client) -> None:
    """Of every invoice and balance of lives in which everything happens, and of those of positions by lot."""
    with writer(live.database) as works:
        head = post_lives(works, "explained", 8)
    caller = Caller(live, client, "explained")
    caller.read("/reports/trial-balance", min_position=head)
    events = caller.walk_feed()
    owners = {each["data"]["invoice"]: each for each in events if each["type"] == "invoice.issued"}
    for number in owners:
        hold_sums(caller.read(f"/invoices/{number}/explain", min_position=head))
    for customer in {each["subject"] for each in owners.values()}:
        hold_balance(caller, customer, caller.read(f"/customers/{customer}/balance/explain"))
    lot = random.Random(7)  # noqa: S311 - a lot that can be drawn again
    for issued in lot.sample(sorted(owners.values(), key=lambda each: str(each["position"])), 12):
        customer, number = issued["subject"], issued["data"]["invoice"]
        places = [each["position"] for each in events if each.get("subject") == customer]
        later = [position for position in places if position >= issued["position"]]
        moment = {"as_of_position": lot.choice(later)}
        hold_sums(caller.read(f"/invoices/{number}/explain", **moment))
        told = caller.read(f"/customers/{customer}/balance/explain", **moment)
        hold_balance(caller, customer, told, **moment)

"""What holds of every explanation: parts sum to their whole."""

from __future__ import annotations

from collections.abc import Sequence

from tests.api.live import Caller, Json

from ledger.event import Event


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
    """Hold the events named for a difference to those recorded before; no service ends without one."""
    for part in told["changes"]["parts"] if told["changes"] else ():
        for cause in part["causes"]:
            event = events[cause["position"] - 1]
            assert (cause["type"], cause["id"]) == (event.type, event.id)
            assert event.position <= told["position"]
        if (part["kind"], part["change"]) == ("service", "ended"):
            assert part["causes"] or part["because"] == ["not_due"]

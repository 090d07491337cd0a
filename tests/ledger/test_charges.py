"""Charges: posted once, never negative, reversed only while unbilled."""

from __future__ import annotations

from collections.abc import Sequence

from tests.ledger.asks import charge, complain_of_charge, issue, reverse, void
from tests.ledger.table import judge, rows, taxed
from tests.ledger.world import Ask

USAGE = {"charge": "u1", "service": "data", "currency": "EUR"}
CLOSED: Ask = ("customer.closed", {"by": "customer", "reason": "moved"})


@rows(
    ("a charge is recorded as posted", [], charge("c1", 1000), ["charge.posted charge=c1 net=1000 quantity=None"]),
    ("a charge may be free", [], charge("c1", 0), ["charge.posted net=0"]),
    ("a charge is never negative", [], charge("c1", -1), ["! number_out_of_range /data/net"]),
    ("a charge is posted once", [charge("c1", 5)], charge("c1", 5), ["! charge_exists /data/charge"]),
    ("a billed charge is not posted again", [charge("c1", 5), issue()], charge("c1", 5), ["! charge_exists /data/charge"]),
    ("a reversed charge is not posted again", [charge("c1", 5), reverse("c1")], charge("c1", 5), ["! charge_exists /data/charge"]),
    ("a charge has a tax category of the book", [], charge("c1", 5, tax_category="luxury"), ["! tax_category_unknown /data/tax_category"]),
    ("a charge is in a currency that there is", [], charge("c1", 5, currency="EUX"), ["! currency_unknown /data/currency"]),
    ("a charge may be in another currency than the customer's", [], charge("c1", 5, currency="JPY"), ["charge.posted currency=JPY"]),
    ("a charge has a net or what it is computed of", [], ("charge.posted", USAGE), ["! field_missing /data/net"]),
    ("a quantity needs a unit price", [], ("charge.posted", {**USAGE, "quantity": "2"}), ["! field_missing /data/unit_price"]),
    ("a unit price needs a quantity", [], ("charge.posted", {**USAGE, "unit_price": 2}), ["! field_missing /data/quantity"]),
    ("a net is not said twice", [], ("charge.posted", {**USAGE, "quantity": 2, "unit_price": 2, "net": 4}), ["! field_not_allowed /data/net"]),
    ("a product may be too large", [], ("charge.posted", {**USAGE, "quantity": "999999999999999", "unit_price": 2}), ["! amount_too_large /data/quantity"]),
    ("a price is no float", [], ("charge.posted", {**USAGE, "quantity": "2", "unit_price": 0.5}), ["! field_type_wrong /data/unit_price"]),
    ("a quantity is a plain decimal", [], ("charge.posted", {**USAGE, "quantity": "1e3", "unit_price": 2}), ["! text_not_allowed /data/quantity"]),
    ("a period ends after it begins", [], charge("c1", 5, period={"from": "2026-02-01", "to": "2026-01-31"}), ["! period_backwards /data/period/to"]),
    ("a period may be one day", [], charge("c1", 5, period={"from": "2026-02-01", "to": "2026-02-01"}), ["charge.posted"]),
    ("a period is of ten years at most", [], charge("c1", 5, period={"from": "2026-02-01", "to": "2056-02-01"}), ["! period_too_long /data/period/to"]),
    ("a period is of this age", [], charge("c1", 5, period={"from": "0001-02-01", "to": "0001-02-01"}), ["! time_out_of_range /data/period/from"]),
    ("no charge after the customer left", [CLOSED], charge("c1", 5), ["! customer_closed /subject"]),
)  # fmt: skip
def test_posting(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


@rows(
    ("the whole net is mirrored", [charge("c1", 5)], reverse("c1"), ["charge.reversed charge=c1 net=5 currency=EUR"]),
    ("a period is mirrored too", [charge("c1", 5, period={"from": "2026-01-01", "to": "2026-01-31"})], reverse("c1"),
     ["charge.reversed net=5 period.from=2026-01-01 period.to=2026-01-31"]),
    ("only what was posted", [], reverse("c1"), ["! charge_unknown /data/charge"]),
    ("only once", [charge("c1", 5), reverse("c1")], reverse("c1"), ["! charge_reversed /data/charge"]),
    ("not when billed: that is credited", [charge("c1", 5), issue()], reverse("c1"), ["! charge_billed /data/charge"]),
    ("again when the invoice is void", [charge("c1", 5), issue(), void("INV-1")], reverse("c1"), ["charge.reversed net=5"]),
    ("not while in dispute", [charge("c1", 5), complain_of_charge("d1", "c1")], reverse("c1"), ["! charge_disputed /data/charge"]),
)  # fmt: skip
def test_reversing(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


def test_a_usage_charge_holds_its_rounded_net_in_the_amount_column() -> None:
    """The event keeps quantity and price as posted; 3 x 0.5 is rounded half away from zero to 2."""
    world = taxed()
    event = world.post(("charge.posted", {**USAGE, "quantity": "3", "unit_price": "0.5"}))[0]
    assert event.data.columns() == (None, "EUR", 2)
    assert world.alice.unbilled["u1"].net == 2

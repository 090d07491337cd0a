"""The vectors of other billing systems that each must hold, to the cent. Every test names its source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.ledger.asks import (
    amount_off,
    charge,
    chargeback,
    credit,
    issue,
    pay,
    refund,
    resolve,
    void,
)
from tests.ledger.world import World, opened

from ledger import money
from ledger.errors import Refusal


def billed(*totals: int, **book: object) -> World:
    """Alice with one invoice of each total, INV-1, INV-2 … in this order."""
    world = opened(**book)
    for number, total in enumerate(totals, start=1):
        world.post(charge(f"c{number}", total))
        world.post(issue(expected_total=total))
    return world


@pytest.mark.parametrize(
    ("paid", "dues", "credit_left"), [(1200, (0, 0), 0), (1000, (0, 200), 0), (1500, (0, 0), 300)]
)
def test_one_payment_covers_invoices_oldest_first(paid: int, dues: tuple[int, int], credit_left: int) -> None:
    """Kill Bill integration tests, invoice payment: invoices 7.00 and 5.00; pay 12, 10, 15."""
    world = billed(700, 500)
    world.post(pay("p1", paid))
    assert (world.due("INV-1"), world.due("INV-2")) == dues
    assert world.alice.credit("EUR") == credit_left
    assert world.balance() == 1200 - paid


def test_a_chargeback_won_restores_the_balance() -> None:
    """Kill Bill TestInvoicePayment: 249.95, pay 10 -> 239.95; chargeback 10 -> 249.95; won -> 239.95."""
    world = billed(24995)
    steps = [(pay("p1", 1000), 23995), (chargeback("d1", "p1"), 24995), (resolve("d1", "won"), 23995)]
    for ask, due in steps:
        world.post(ask)
        assert (world.due("INV-1"), world.balance()) == (due, due)


def test_refund_out_of_the_payment_reopens_and_a_credit_note_with_its_refund_does_not() -> None:
    """Kill Bill TestInvoiceDao: 20 paid, refund 7 out of the payment -> 7 due; credit note 7 and refund -> 0."""
    world = billed(2000)
    world.post(pay("p1", 2000))
    world.post(refund("r1", 700, "p1"))
    assert (world.due("INV-1"), world.balance()) == (700, 700)

    world = billed(2000)
    world.post(pay("p1", 2000))
    world.post(credit("INV-1", (1, 700)))
    assert (world.due("INV-1"), world.alice.credit("EUR")) == (0, 700)
    world.post(refund("r1", 700))
    assert (world.due("INV-1"), world.alice.credit("EUR"), world.balance()) == (0, 0, 0)


def test_void_only_after_a_full_refund_of_what_was_paid() -> None:
    """Kill Bill TestInvoiceVoid: 249.95 partly paid: void refused; refunded in full out of the payment, then void."""
    world = billed(24995)
    world.post(pay("p1", 1000))
    with pytest.raises(Refusal, match=r"^invoice_allocated: "):
        world.post(void("INV-1"))
    world.post(refund("r1", 1000, "p1"))
    world.post(void("INV-1"))
    assert (world.balance(), world.alice.credit("EUR"), world.due("INV-1")) == (0, 0, 0)
    invoice = world.alice.invoice("INV-1")
    assert invoice is not None
    assert (invoice.void, invoice.total) == (True, 24995)


def test_a_sum_is_split_by_largest_remainder() -> None:
    """Formance allotment test: 15 by 4/5, 2/25, 3/25 is 13, 1, 1 there; by largest remainder 12, 1, 2."""
    assert money.split(15, [20, 2, 3]) == [12, 1, 2]


def test_credit_notes_together_give_exactly_the_invoice() -> None:
    """Lago credit_note_rounding_spec: 76,900 @ 20 % = 92,280; net 72,686, then 4,214, sum to exactly 92,280."""
    world = opened(tax_rates=[{"category": "standard", "rate": "20", "from": "2020-01-01"}])
    world.post(charge("c1", 76900))
    world.post(issue(expected_total=92280))
    first = world.post(credit("INV-1", (1, 72686)))[0].data
    second = world.post(credit("INV-1", (1, 4214)))[0].data
    assert [(note.net, note.tax, note.amount) for note in (first, second)] == [  # type: ignore[attr-defined]
        (72686, 14537, 87223),
        (4214, 843, 5057),
    ]
    assert (world.due("INV-1"), world.balance()) == (0, 0)


def test_a_discount_is_spread_over_lines_before_tax() -> None:
    """Lago taxes_on_invoice_spec: 10,000 @10, 5,000 @0, 3,000 and 2,000 @20, discount 1,000; total 20,900."""
    rates = [{"category": f"at{rate}", "rate": rate, "from": "2020-01-01"} for rate in ("10", "0", "20")]
    world = opened(tax_rates=rates)
    for name, net, category in (
        ("c1", 10000, "at10"),
        ("c2", 5000, "at0"),
        ("c3", 3000, "at20"),
        ("c4", 2000, "at20"),
    ):
        world.post(charge(name, net, tax_category=category))
    world.post(amount_off("d1", 1000, invoices=1))
    issued = world.post(issue(expected_total=20900))[0].data
    assert [line.discount for line in issued.lines] == [500, 250, 150, 100]  # type: ignore[attr-defined]
    taxes = {tax.category: tax.tax for tax in issued.taxes}  # type: ignore[attr-defined]
    assert taxes == {"at10": 950, "at0": 0, "at20": 570 + 380}
    assert (issued.net, issued.discount, issued.tax) == (20000, 1000, 1900)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("base", "rate", "tax"), [(100000, "25", 25000), (-649134, "25", -162284), (214105, "14", 29975)]
)
def test_tax_is_rounded_half_away_from_zero(base: int, rate: str, tax: int) -> None:
    """EN 16931 BR-CO-17: 1000.00 @ 25 = 250.00; -6491.34 @ 25 = -1622.84; 2141.05 @ 14 = 299.75."""
    assert money.percent_of(base, rate) == tax


VECTORS = (
    ("Kill Bill integration tests, invoice payment", "test_vectors", "test_one_payment_covers_invoices_oldest_first"),
    ("Kill Bill TestInvoicePayment", "test_vectors", "test_a_chargeback_won_restores_the_balance"),
    ("Kill Bill TestInvoiceDao", "test_vectors",
     "test_refund_out_of_the_payment_reopens_and_a_credit_note_with_its_refund_does_not"),
    ("Kill Bill TestInvoiceVoid", "test_vectors", "test_void_only_after_a_full_refund_of_what_was_paid"),
    ("Formance allotment test", "test_vectors", "test_a_sum_is_split_by_largest_remainder"),
    ("Lago credit_note_rounding_spec", "test_vectors", "test_credit_notes_together_give_exactly_the_invoice"),
    ("Lago taxes_on_invoice_spec", "test_vectors", "test_a_discount_is_spread_over_lines_before_tax"),
    ("EN 16931 BR-CO-17", "test_vectors", "test_tax_is_rounded_half_away_from_zero"),
    ("TigerBeetle create_transfer tests", "test_repeats", "test_the_first_differing_field_is_named"),
    ("TigerBeetle create_transfer tests", "log/test_writer", "test_an_atomic_batch_with_a_refusal_leaves_no_trace"),
    ("Blnk invariant fuzz", "test_random_histories", "test_the_invariants_hold_after_every_message_of_any_history"),
)  # fmt: skip
"""All vectors of other systems: the source that the test names, where it stands, and the test."""


@pytest.mark.parametrize(("source", "file", "test"), VECTORS)
def test_every_vector_is_a_test_that_names_its_source(source: str, file: str, test: str) -> None:
    folder = Path(__file__).parent
    path = folder.parent / f"{file}.py" if "/" in file else folder / f"{file}.py"
    functions = [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)]
    (found,) = (each for each in functions if each.name == test)
    assert source in (ast.get_docstring(found) or "")

"""Credit notes: exact caps, exact tax, and where the money goes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given as given_any
from hypothesis import strategies as st
from tests.ledger.asks import amount_off, charge, complain, credit, issue, pay, undo, void
from tests.ledger.table import RATES, judge, rows, taxed
from tests.ledger.world import Ask, opened

from ledger.errors import Refusal

BILLED = [charge("c1", 1000), charge("c2", 500, tax_category="reduced"), issue()]
"""INV-1: 1,000 at 20 % and 500 at 10 %, in all 1,750."""


@rows(
    ("receivable first", BILLED, credit("INV-1", (1, 100)),
     ["credit_note.issued credit_note=CN-1 sequence=1 invoice=INV-1 net=100 tax=20 amount=120 to_receivable=120 to_disputed=0 to_credit=0"]),
    ("each line at its own rate", BILLED, credit("INV-1", (2, 100), (1, 100)),
     ["credit_note.issued net=200 tax=30 taxes.0.category=reduced taxes.0.tax=10 taxes.1.tax=20"]),
    ("what was paid becomes credit", [*BILLED, pay("p1", 1700)], credit("INV-1", (1, 100)),
     ["credit_note.issued to_receivable=50 to_disputed=0 to_credit=70"]),
    ("then what is disputed, before credit", [*BILLED, complain("d1", "INV-1", 1700)], credit("INV-1", (1, 100)),
     ["credit_note.issued to_receivable=50 to_disputed=70 to_credit=0"]),
    ("a series of its own", [*BILLED, credit("INV-1", (1, 1))], credit("INV-1", (1, 1)), ["credit_note.issued credit_note=CN-2 sequence=2"]),
    ("never above a line's net", BILLED, credit("INV-1", (1, 1001)), ["! credit_exceeds_line /data/lines/0/net"]),
    ("nor with earlier notes", [*BILLED, credit("INV-1", (1, 600))], credit("INV-1", (2, 1), (1, 401)), ["! credit_exceeds_line /data/lines/1/net"]),
    ("to the cent", [*BILLED, credit("INV-1", (1, 600))], credit("INV-1", (1, 400)), ["credit_note.issued amount=480"]),
    ("a line's share of the discounts is off first", [amount_off("x1", 150, invoices=1), *BILLED], credit("INV-1", (1, 901)),
     ["! credit_exceeds_line /data/lines/0/net"]),
    ("only lines that there are", BILLED, credit("INV-1", (3, 1)), ["! line_unknown /data/lines/0"]),
    ("a line once", BILLED, credit("INV-1", (1, 1), (1, 1)), ["! line_repeated /data/lines/1"]),
    ("at least one line", BILLED, credit("INV-1"), ["! list_length /data/lines"]),
    ("not of nothing", BILLED, credit("INV-1", (1, 0)), ["! number_out_of_range /data/lines/0/net"]),
    ("only an invoice that there is", [], credit("INV-1", (1, 1)), ["! invoice_unknown /data/invoice"]),
    ("not a void one", [*BILLED, void("INV-1")], credit("INV-1", (1, 1)), ["! invoice_void /data/invoice"]),
    ("a paid one as well", [*BILLED, pay("p1", 1750)], credit("INV-1", (1, 1000), (2, 500)), ["credit_note.issued amount=1750 to_credit=1750"]),
    ("one that is open again", [*BILLED, pay("p1", 1750), undo("p1", "INV-1", 50)], credit("INV-1", (1, 100)), ["credit_note.issued to_receivable=50 to_credit=70"]),
)  # fmt: skip
def test_issuing(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


@given_any(
    lines=st.lists(
        st.tuples(st.integers(1, 2000), st.sampled_from(["standard", "reduced"])), min_size=1, max_size=4
    ),
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900)), max_size=6),
    discount=st.integers(1, 700),
)
def test_notes_over_all_lines_are_exactly_the_invoice(
    lines: list[tuple[int, str]], steps: list[tuple[int, int]], discount: int
) -> None:
    """Whatever notes come before, one over the rest leaves nothing due, and their taxes are the invoice's."""
    world = opened(tax_rates=RATES)
    world.post(amount_off("x1", discount, invoices=1))
    for number, (net, category) in enumerate(lines):
        world.post(charge(f"c{number}", net, tax_category=category))
    issued = world.post(issue())[0].data.columns()
    for line, net in steps:
        try:
            world.post(credit("INV-1", (line + 1, net)))
        except Refusal as refusal:
            assert refusal.code in {"credit_exceeds_line", "line_unknown"}  # noqa: PT017 - both may happen here
    invoice = world.alice.invoice("INV-1")
    assert invoice is not None
    rest = [(place, line.creditable) for place, line in enumerate(invoice.lines, start=1) if line.creditable]
    if rest:
        world.post(credit("INV-1", *rest))
    notes = [event.data.columns().amount or 0 for event in world.events if event.type == "credit_note.issued"]
    assert sum(notes) == issued.amount
    assert world.due("INV-1") == 0

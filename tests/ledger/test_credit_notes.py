"""Credit notes: exact caps, exact tax, and where the money goes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
from hypothesis import given as given_any
from hypothesis import strategies as st
from tests.ledger.asks import (
    amount_off,
    charge,
    complain,
    credit,
    issue,
    pay,
    refund,
    resolve,
    undo,
    void,
    void_note,
)
from tests.ledger.table import RATES, judge, rows, taxed
from tests.ledger.world import Ask, opened

from ledger.errors import Refusal

BILLED = [charge("c1", 1000), charge("c2", 500, tax_category="reduced"), issue()]
"""INV-1: 1,000 at 20 % and 500 at 10 %, in all 1,750."""
TWICE = [*BILLED, complain("d1", "INV-1", 500), complain("d2", "INV-1", 600)]
"""Of INV-1 650 are receivable still."""


@rows(
    ("receivable first", BILLED, credit("INV-1", (1, 100)),
     ["credit_note.issued credit_note=CN-1 sequence=1 invoice=INV-1 net=100 tax=20 amount=120 to_receivable=120 to_disputed=0 to_credit=0"]),
    ("each line at its own rate", BILLED, credit("INV-1", (2, 100), (1, 100)),
     ["credit_note.issued net=200 tax=30 taxes.0.category=reduced taxes.0.tax=10 taxes.1.tax=20"]),
    ("what was paid becomes credit", [*BILLED, pay("p1", 1700)], credit("INV-1", (1, 100)),
     ["credit_note.issued to_receivable=50 to_disputed=0 to_credit=70"]),
    ("then what is disputed, before credit", [*BILLED, complain("d1", "INV-1", 1700)], credit("INV-1", (1, 100)),
     ["credit_note.issued to_receivable=50 to_disputed=70 to_credit=0 disputes.0.dispute=d1 disputes.0.amount=70"]),
    ("out of several disputes, the oldest first", TWICE, credit("INV-1", (1, 1000)),
     ["credit_note.issued to_receivable=650 to_disputed=550 disputes.0.dispute=d1 disputes.0.amount=500 disputes.1.dispute=d2 disputes.1.amount=50"]),
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


NOTED = [*BILLED, credit("INV-1", (1, 100))]
PAID = [*BILLED, pay("p1", 1750), credit("INV-1", (1, 100))]


@rows(
    ("it is due again", NOTED, void_note("CN-1"),
     ["credit_note.voided credit_note=CN-1 invoice=INV-1 net=100 tax=20 amount=120 to_receivable=120 to_disputed=0 to_credit=0 lines.0.net=100"]),
    ("its credit is gone", PAID, void_note("CN-1"), ["credit_note.voided to_receivable=0 to_credit=120"]),
    ("not once that is used", [*PAID, charge("c3", 100), issue()], void_note("CN-1"), ["! credit_note_used /data/credit_note"]),
    ("nor sent back", [*PAID, refund("x", 1)], void_note("CN-1"), ["! credit_note_used /data/credit_note"]),
    ("but again when that is undone", [*PAID, charge("c3", 100), issue(), ("allocation.undo", {"source": {"credit_note": "CN-1"}, "invoice": "INV-2", "amount": 120})],
     void_note("CN-1"), ["credit_note.voided to_credit=120"]),
    ("back into the dispute that it was taken out of", [*BILLED, complain("d1", "INV-1", 1700), credit("INV-1", (1, 100))], void_note("CN-1"),
     ["credit_note.voided to_receivable=50 to_disputed=70 disputes.0.dispute=d1 disputes.0.amount=70"]),
    ("back into several", [*TWICE, credit("INV-1", (1, 1000))], void_note("CN-1"),
     ["credit_note.voided to_receivable=650 to_disputed=550 disputes.0.amount=500 disputes.1.dispute=d2 disputes.1.amount=50"]),
    ("into what is open of them still", [*TWICE, credit("INV-1", (1, 1000)), resolve("d1", "rejected")], void_note("CN-1"),
     ["credit_note.voided to_receivable=1150 to_disputed=50 disputes.0.dispute=d2 disputes.0.amount=50"]),
    ("which is over: receivable", [*BILLED, complain("d1", "INV-1", 1700), credit("INV-1", (1, 100)), resolve("d1", "rejected")], void_note("CN-1"),
     ["credit_note.voided to_receivable=120 to_disputed=0"]),
    ("not what settles a dispute", [*BILLED, complain("d1", "INV-1", 120), resolve("d1", "upheld", (1, 100))], void_note("CN-1"), ["! credit_note_settles /data/credit_note"]),
    ("once", [*NOTED, void_note("CN-1")], void_note("CN-1"), ["! credit_note_void /data/credit_note"]),
    ("only one that there is", BILLED, void_note("CN-1"), ["! credit_note_unknown /data/credit_note"]),
    ("numbers are not used again", [*NOTED, void_note("CN-1")], credit("INV-1", (1, 1000)), ["credit_note.issued credit_note=CN-2 amount=1200"]),
    ("then the invoice can be void too", [*NOTED, void_note("CN-1")], void("INV-1"), ["invoice.voided"]),
    ("a void one is no source", [*PAID, void_note("CN-1"), charge("c3", 100), issue()],
     ("allocation.make", {"source": {"credit_note": "CN-1"}, "invoice": "INV-2", "amount": 1}), ["! allocation_exceeds_source /data/amount"]),
)  # fmt: skip
def test_voiding(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


def test_issued_and_voided_leaves_the_very_state() -> None:
    world = taxed()
    for ask in BILLED:
        world.post(ask)
    before, balances = msgspec.json.encode(world.alice.invoice("INV-1")), +world.balances["alice"]
    world.post(credit("INV-1", (1, 333), (2, 77)))
    world.post(void_note("CN-1"))
    assert msgspec.json.encode(world.alice.invoice("INV-1")) == before
    assert +world.balances["alice"] == balances


ANY = {"credit_exceeds_line", "line_unknown", "credit_note_unknown", "credit_note_void"}
"""What random notes may be refused for."""


@given_any(
    lines=st.lists(
        st.tuples(st.integers(1, 2000), st.sampled_from(["standard", "reduced"])), min_size=1, max_size=4
    ),
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900)), max_size=8),
    voids=st.lists(st.integers(1, 6), max_size=3),
    discount=st.integers(1, 700),
)
def test_notes_over_all_lines_are_exactly_the_invoice(
    lines: list[tuple[int, str]], steps: list[tuple[int, int]], voids: list[int], discount: int
) -> None:
    """Whatever notes come before, voided or not, one over the rest makes their taxes exactly the invoice's."""
    world = opened(tax_rates=RATES)
    world.post(amount_off("x1", discount, invoices=1))
    for number, (net, category) in enumerate(lines):
        world.post(charge(f"c{number}", net, tax_category=category))
    issued = world.post(issue())[0].data.columns()
    notes = (credit("INV-1", (line + 1, net)) for line, net in steps)
    for ask in (*itertools.islice(notes, 5), *(void_note(f"CN-{number}") for number in voids), *notes):
        try:
            world.post(ask)
        except Refusal as refusal:
            assert refusal.code in ANY  # noqa: PT017 - each may happen here
    invoice = world.alice.invoice("INV-1")
    assert invoice is not None
    rest = [(place, line.creditable) for place, line in enumerate(invoice.lines, start=1) if line.creditable]
    if rest:
        world.post(credit("INV-1", *rest))
    live = {"credit_note.issued": 1, "credit_note.voided": -1}
    noted = [live.get(event.type, 0) * (event.data.columns().amount or 0) for event in world.events]
    assert sum(noted) == issued.amount
    assert world.due("INV-1") == 0

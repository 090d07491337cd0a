"""Debt that is written off, with the tax in it and without, and what is made good of it after all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import given as given_any
from hypothesis import strategies as st
from tests.ledger.asks import (
    allocate,
    amount_off,
    bounce,
    charge,
    chargeback,
    complain,
    credit,
    hold,
    issue,
    pay,
    recover,
    refund,
    resolve,
    void,
    void_note,
    write_off,
)
from tests.ledger.table import RATES, judge, rows, taxed
from tests.ledger.world import START, Ask, World, opened

from ledger.errors import Refusal

RELIEF: Ask = (
    "policy.changed",
    {"policy": "write_off", "from": "2026-01-01", "write_off": {"tax_relief": True}},
)
BILLED = [charge("c1", 1000), charge("c2", 500, tax_category="reduced"), issue()]
"""INV-1: 1,000 at 20 % and 500 at 10 %, in all 1,750."""
GONE = [*BILLED, write_off("INV-1")]


@rows(
    ("all that is receivable", BILLED, write_off("INV-1"), ["debt.written_off invoice=INV-1 amount=1750 net=1750 tax=0"]),
    ("a part", BILLED, write_off("INV-1", 100), ["debt.written_off amount=100"]),
    ("what is paid is not given up", [*BILLED, pay("p1", 1000)], write_off("INV-1"), ["debt.written_off amount=750"]),
    ("nor what is in dispute", [*BILLED, complain("d1", "INV-1", 700)], write_off("INV-1"), ["debt.written_off amount=1050"]),
    ("not more than is receivable", [*BILLED, complain("d1", "INV-1", 700)], write_off("INV-1", 1051), ["! write_off_exceeds_receivable /data/amount"]),
    ("nothing of nothing", [*BILLED, pay("p1", 1750)], write_off("INV-1"), ["! nothing_receivable /data/invoice"]),
    ("once", GONE, write_off("INV-1", 1), ["! nothing_receivable /data/invoice"]),
    ("all in dispute", [*BILLED, complain("d1", "INV-1")], write_off("INV-1", 1), ["! nothing_receivable /data/invoice"]),
    ("only an invoice that there is", [], write_off("INV-1"), ["! invoice_unknown /data/invoice"]),
    ("not a void one", [*BILLED, void("INV-1")], write_off("INV-1"), ["! invoice_void /data/invoice"]),
    ("with relief each group's tax comes back", [RELIEF, *BILLED], write_off("INV-1"),
     ["debt.written_off amount=1750 net=1500 tax=250 taxes.0.tax=200 taxes.0.base=1000 taxes.1.tax=50 taxes.1.base=500"]),
    ("in a part its share", [RELIEF, *BILLED], write_off("INV-1", 175), ["debt.written_off net=150 tax=25 taxes.0.tax=20 taxes.1.tax=5"]),
    ("of what is paid in part the share of the rest", [RELIEF, *BILLED, pay("p1", 875)], write_off("INV-1"), ["debt.written_off net=750 tax=125"]),
    ("what is credited has no tax left", [RELIEF, *BILLED, credit("INV-1", (1, 1000))], write_off("INV-1"),
     ["debt.written_off amount=550 net=500 tax=50 taxes.0.category=reduced"]),
    ("what was credited and is due again is untaxed", [RELIEF, *BILLED, pay("p1", 1750), credit("INV-1", (1, 1000)), refund("x", 1750, "p1")],
     write_off("INV-1"), ["debt.written_off amount=1750 tax=50 net=1700"]),
    ("a policy counts from its day on",
     [("policy.changed", {"policy": "write_off", "from": "2026-06-01", "write_off": {"tax_relief": True}}), *BILLED],
     write_off("INV-1"), ["debt.written_off tax=0"]),
)  # fmt: skip
def test_writing_off(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


@rows(
    ("a part, as a payment that is used on it", GONE, recover("INV-1", 750, "r1", method="transfer"),
     ["debt.recovered invoice=INV-1 amount=750 net=750 tax=0", "payment.received payment=r1 amount=750 method=transfer",
      "allocation.made source.payment=r1 invoice=INV-1 amount=750"]),
    ("another part", [*GONE, recover("INV-1", 750, "r1")], recover("INV-1", 1000, "r2"),
     ["debt.recovered amount=1000", "payment.received payment=r2", "allocation.made amount=1000"]),
    ("never more than is written off", [*GONE, recover("INV-1", 750, "r1")], recover("INV-1", 1001, "r2"), ["! recovery_exceeds_written_off /data/amount"]),
    ("nothing of what was not written off", BILLED, recover("INV-1", 1), ["! recovery_exceeds_written_off /data/amount"]),
    ("the tax is owed again", [RELIEF, *GONE], recover("INV-1", 175), ["debt.recovered net=150 tax=25", "payment.received", "allocation.made"]),
    ("what was given up without relief comes back without", [*GONE, RELIEF], recover("INV-1", 175), ["debt.recovered net=175 tax=0", "payment.received", "allocation.made"]),
    ("out of money that is here already", [*GONE, pay("p1", 300)], recover("INV-1", 300, source={"payment": "p1"}),
     ["debt.recovered amount=300", "allocation.made source.payment=p1 amount=300"]),
    ("not out of what is used", [*GONE, pay("p1", 300)], recover("INV-1", 301, source={"payment": "p1"}), ["! allocation_exceeds_source /data/amount"]),
    ("only out of a source that there is", GONE, recover("INV-1", 1, source={"credit_note": "CN-1"}), ["! credit_note_unknown /data/source/credit_note"]),
    ("by one or the other", GONE, ("debt.recover", {**recover("INV-1", 1)[1], "source": {"payment": "p1"}}), ["! recovery_not_one /data/payment"]),
    ("nothing new was paid then", GONE, recover("INV-1", 1, source={"payment": "p1"}, method="cash"), ["! field_not_allowed /data/method"]),
    ("a payment once", [*GONE, pay("p1", 1)], recover("INV-1", 1, "p1"), ["! payment_exists /data/payment"]),
    ("in the invoice's currency", GONE, recover("INV-1", 1, currency="USD"), ["! currency_mismatch /data/currency"]),
    ("in the source's currency", [*GONE, pay("p1", 5, currency="USD")], recover("INV-1", 1, source={"payment": "p1"}), ["! currency_mismatch /data/currency"]),
    ("of an invoice that there is", [], recover("INV-1", 1), ["! invoice_unknown /data/invoice"]),
)  # fmt: skip
def test_recovering(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


@rows(
    ("a payment goes by it", [*GONE, charge("c3", 100), issue()], pay("p1", 500), ["payment.received", "allocation.made invoice=INV-2 amount=120"]),
    ("a payment meant for it stays credit", GONE, pay("p1", 500, ("INV-1", 500)), ["payment.received"]),
    ("nothing can be allocated to it", [*GONE, hold("p1", 500)], allocate("p1", "INV-1", 1), ["! allocation_exceeds_due /data/amount"]),
    ("it is not voided", GONE, void("INV-1"), ["! invoice_written_off /data/invoice"]),
    ("a credit note takes it back: nobody paid it", [RELIEF, *GONE], credit("INV-1", (1, 100)),
     ["debt.recovered amount=120 net=100 tax=20 credit_note=CN-1", "credit_note.issued to_receivable=120 to_credit=0"]),
    ("after what is receivable", [*BILLED, write_off("INV-1", 1700)], credit("INV-1", (1, 100)),
     ["debt.recovered amount=70", "credit_note.issued to_receivable=120"]),
    ("what was paid becomes credit", [*BILLED, pay("p1", 1000), write_off("INV-1")], credit("INV-1", (1, 1000)),
     ["debt.recovered amount=750", "credit_note.issued to_receivable=750 to_credit=450"]),
    ("relief of a credited line is owed again", [RELIEF, *BILLED, write_off("INV-1", 875)], credit("INV-1", (1, 1000)),
     ["debt.recovered amount=600 net=500 tax=100 taxes.0.category=standard", "credit_note.issued amount=1200 to_receivable=1200 to_credit=0"]),
    ("an upheld complaint too", [RELIEF, *BILLED, complain("d1", "INV-1", 1200, lines=[1]), write_off("INV-1")], resolve("d1", "upheld"),
     ["dispute.resolved released=0", "debt.recovered amount=377 tax=63", "credit_note.issued to_disputed=1200 to_receivable=0"]),
    ("a refund owes it again beside", [*BILLED, pay("p1", 1000), write_off("INV-1")], refund("x", 400, "p1"), ["refund.issued", "allocation.undone amount=400"]),
    ("so does a bounce", [*BILLED, pay("p1", 1000), write_off("INV-1")], bounce("p1", 400), ["payment.returned", "allocation.undone amount=400"]),
    ("and that can be given up as well", [*BILLED, pay("p1", 1000), write_off("INV-1"), chargeback("d1", "p1")], write_off("INV-1"), ["debt.written_off amount=1000"]),
    ("what a won chargeback would pay is given up", [*BILLED, pay("p1", 1000), write_off("INV-1"), chargeback("d1", "p1"), write_off("INV-1")],
     resolve("d1", "won"), ["dispute.resolved restored=1000"]),
)  # fmt: skip
def test_what_meets_debt_that_is_written_off(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


def test_nothing_is_made_good_before_it_was_given_up() -> None:
    world = taxed()
    for ask in BILLED:
        world.post(ask, at=START)
    world.post(write_off("INV-1"))
    for early in (recover("INV-1", 1), credit("INV-1", (1, 100))):
        try:
            world.post(early, at=START)
        except Refusal as refusal:
            assert refusal.code == "dated_before"  # noqa: PT017 - both have to refuse
        else:
            raise AssertionError(early)


def _books(world: World) -> Counter[str]:
    return Counter({account: amount for (account, _), amount in world.balances["alice"].items() if amount})


@given_any(
    lines=st.lists(st.tuples(st.integers(1, 500), st.sampled_from(["standard", "reduced", "exempt"])), min_size=1, max_size=4),
    paid=st.integers(0, 300),
    steps=st.lists(st.tuples(st.sampled_from(["off", "back", "note", "unnote"]), st.integers(1, 400)), max_size=9),
    discount=st.integers(1, 200),
)  # fmt: skip
def test_relief_in_any_parts_is_exactly_the_tax_that_is_owed(
    lines: list[tuple[int, str]], paid: int, steps: list[tuple[str, int]], discount: int
) -> None:
    """Whatever is given up, made good and credited in between: all of it credited in the end, nothing is left."""
    world = opened(tax_rates=RATES)
    for ask in (RELIEF, amount_off("x1", discount, invoices=1)):
        world.post(ask)
    for number, (net, category) in enumerate(lines):
        world.post(charge(f"c{number}", net, tax_category=category))
    world.post(issue())
    world.post(pay("p1", paid + 1, ("INV-1", paid + 1)))
    for place, (step, amount) in enumerate(steps):
        asked = {
            "off": write_off("INV-1", amount),
            "back": recover("INV-1", amount, f"r{place}"),
            "note": credit("INV-1", (1 + amount % len(lines), amount)),
            "unnote": void_note("CN-1"),
        }[step]
        try:
            world.post(asked)
        except Refusal as refusal:
            assert refusal.detail  # noqa: PT017 - a limit that was met, or nothing to act on
    invoice = world.alice.invoice("INV-1")
    assert invoice is not None
    rest = [(place, line.creditable) for place, line in enumerate(invoice.lines, start=1) if line.creditable]
    if rest:
        world.post(credit("INV-1", *rest))
    books = _books(world)
    assert (books["tax_payable"], books["bad_debt"], books["receivable"]) == (0, 0, 0)
    assert books["revenue"] + books["discounts"] + books["credit_notes"] == 0
    assert books["cash"] == -books["customer_credit"]

"""Disputes: what they hold, what they give back, and what they never pass."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import pytest
from tests.ledger.asks import (
    bounce,
    charge,
    chargeback,
    complain,
    complain_of_charge,
    credit,
    hold,
    inquire,
    issue,
    pay,
    refund,
    resolve,
    void,
)  # fmt: skip
from tests.ledger.table import judge, rows, taxed
from tests.ledger.world import Ask

BILLED = [charge("c1", 1000), charge("c2", 500, tax_category="reduced"), issue()]
"""INV-1: 1,000 at 20 % and 500 at 10 %, in all 1,750."""
PAID = [*BILLED, charge("c3", 100), issue(), pay("p1", 1900)]
"""INV-1 of 1,750 and INV-2 of 120 paid, 30 left as credit."""


@rows(
    ("all of an invoice", BILLED, complain("d1", "INV-1"), ["dispute.opened dispute=d1 kind=complaint invoice=INV-1 currency=EUR amount=1750 held=1750"]),
    ("a part of it", BILLED, complain("d1", "INV-1", 50), ["dispute.opened amount=50 held=50"]),
    ("some of its lines, gross", BILLED, complain("d1", "INV-1", lines=[2]), ["dispute.opened amount=550 held=550 lines=2"]),
    ("the part already paid moves nothing", [*BILLED, pay("p1", 1700)], complain("d1", "INV-1", 60), ["dispute.opened amount=60 held=50"]),
    ("nor does a paid invoice", PAID, complain("d1", "INV-1", 60), ["dispute.opened amount=60 held=0"]),
    ("never above the total", BILLED, complain("d1", "INV-1", 1751), ["! dispute_exceeds_invoice /data/amount"]),
    ("less credit notes", [*BILLED, credit("INV-1", (1, 1000))], complain("d1", "INV-1", 551), ["! dispute_exceeds_invoice /data/amount"]),
    ("less open complaints", [*BILLED, complain("d1", "INV-1", 750)], complain("d2", "INV-1", 1001), ["! dispute_exceeds_invoice /data/amount"]),
    ("less upheld ones, once", [*BILLED, complain("d1", "INV-1", lines=[2]), resolve("d1", "upheld")], complain("d2", "INV-1"),
     ["dispute.opened amount=1200"]),
    ("a rejected amount is free again", [*BILLED, complain("d1", "INV-1"), resolve("d1", "rejected")], complain("d2", "INV-1"), ["dispute.opened amount=1750"]),
    ("never above the lines named", BILLED, complain("d1", "INV-1", 551, lines=[2]), ["! dispute_exceeds_invoice /data/amount"]),
    ("of nothing more", [*BILLED, complain("d1", "INV-1")], complain("d2", "INV-1"), ["! dispute_exceeds_invoice /data/amount"]),
    ("only lines that there are", BILLED, complain("d1", "INV-1", lines=[3]), ["! line_unknown /data/lines/0"]),
    ("a line once", BILLED, complain("d1", "INV-1", lines=[1, 1]), ["! line_repeated /data/lines/1"]),
    ("only an invoice that there is", [], complain("d1", "INV-1"), ["! invoice_unknown /data/invoice"]),
    ("not a void one", [*BILLED, void("INV-1")], complain("d1", "INV-1"), ["! invoice_void /data/invoice"]),
    ("opened once", [*BILLED, complain("d1", "INV-1", 5)], complain("d1", "INV-1", 5), ["! dispute_exists /data/dispute"]),
    ("nor again when resolved", [*BILLED, complain("d1", "INV-1", 5), resolve("d1", "withdrawn")], complain("d1", "INV-1", 5), ["! dispute_exists /data/dispute"]),
    ("in the invoice's currency", BILLED, complain("d1", "INV-1", 5, currency="USD"), ["! currency_mismatch /data/currency"]),
    ("about one thing", BILLED, complain("d1", "INV-1", charge="c1"), ["! dispute_not_about_one /data/invoice"]),
    ("about something", BILLED, inquire("d1"), ["! dispute_not_about_one /data/invoice"]),
    ("not about a payment: that is a chargeback", PAID, complain("d1", "INV-1", payment="p1"), ["! field_not_allowed /data/payment"]),
    ("without a fee", BILLED, complain("d1", "INV-1", fee=5), ["! field_not_allowed /data/fee"]),
    ("about an unbilled charge, net", [charge("c1", 80)], complain_of_charge("d1", "c1"), ["dispute.opened charge=c1 amount=80 held=0"]),
    ("not about a billed one", BILLED, complain_of_charge("d1", "c1"), ["! charge_billed /data/charge"]),
    ("not about an unknown one", [], complain_of_charge("d1", "c1"), ["! charge_unknown /data/charge"]),
    ("one at a time about a charge", [charge("c1", 80), complain_of_charge("d1", "c1")], complain_of_charge("d2", "c1"), ["! charge_disputed /data/charge"]),
    ("not above the charge", [charge("c1", 80)], complain_of_charge("d1", "c1", amount=81), ["! dispute_exceeds_charge /data/amount"]),
    ("an inquiry about an invoice moves nothing", BILLED, inquire("d1", invoice="INV-1"), ["dispute.opened kind=inquiry amount=1750 held=0"]),
    ("nor one about a payment", PAID, inquire("d1", payment="p1"), ["dispute.opened kind=inquiry amount=1900 charged_back=0"]),
    ("an inquiry names no lines", BILLED, inquire("d1", invoice="INV-1", lines=[1]), ["! field_not_allowed /data/lines"]),
)  # fmt: skip
def test_complaints_and_inquiries(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


@rows(
    ("the rest first, with its fee", PAID, chargeback("d1", "p1", 30, fee=15), ["dispute.opened kind=chargeback amount=30 charged_back=30 fee=15 held=0"]),
    ("then allocations, newest first, as far as needed", PAID, chargeback("d1", "p1", 200),
     ["dispute.opened", "allocation.undone invoice=INV-2 amount=120 dispute=d1", "allocation.undone invoice=INV-1 amount=50"]),
    ("all of it", PAID, chargeback("d1", "p1"), ["dispute.opened amount=1900", "allocation.undone", "allocation.undone amount=1750"]),
    ("never more than the payment", PAID, chargeback("d1", "p1", 1901), ["! chargeback_exceeds_payment /data/amount"]),
    ("together", [*PAID, chargeback("d1", "p1", 1000)], chargeback("d2", "p1", 901), ["! chargeback_exceeds_payment /data/amount"]),
    ("a lost one stays counted", [*PAID, chargeback("d1", "p1", 1000), resolve("d1", "lost")], chargeback("d2", "p1", 901), ["! chargeback_exceeds_payment /data/amount"]),
    ("a won one does not", [*PAID, chargeback("d1", "p1", 1000), resolve("d1", "won")], chargeback("d2", "p1", 1900),
     ["dispute.opened", "allocation.undone", "allocation.undone"]),
    ("recorded though refunded: overdrawn", [*PAID, refund("r1", 1900, "p1")], chargeback("d1", "p1"), ["dispute.opened charged_back=1900"]),
    ("recorded though bounced", [*PAID, bounce("p1", 1900)], chargeback("d1", "p1"), ["dispute.opened charged_back=1900"]),
    ("only of what was received", [], chargeback("d1", "p1"), ["! payment_unknown /data/payment"]),
    ("not about an invoice", PAID, chargeback("d1", "p1", invoice="INV-1"), ["! field_not_allowed /data/invoice"]),
)  # fmt: skip
def test_chargebacks(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


OPEN = [*BILLED, complain("d1", "INV-1", 1200)]
LINE = [*BILLED, complain("d1", "INV-1", lines=[2])]
CHARGE = [charge("c1", 80), complain_of_charge("d1", "c1")]
BACK = [*PAID, chargeback("d1", "p1", 200, fee=15)]


@rows(
    ("rejected: all is receivable again", OPEN, resolve("d1", "rejected"), ["dispute.resolved dispute=d1 kind=complaint outcome=rejected amount=0 released=1200"]),
    ("withdrawn as well", OPEN, resolve("d1", "withdrawn"), ["dispute.resolved released=1200"]),
    ("upheld: a credit note out of what is disputed", LINE, resolve("d1", "upheld"),
     ["dispute.resolved amount=550 released=0", "credit_note.issued invoice=INV-1 net=500 tax=50 to_disputed=550 to_receivable=0 dispute=d1"]),
    ("upheld in part: the rest is receivable again", LINE, resolve("d1", "partly_upheld", (2, 100)),
     ["dispute.resolved amount=110 released=440", "credit_note.issued amount=110 to_disputed=110"]),
    ("upheld when paid: credit", [*PAID, complain("d1", "INV-1", lines=[2])], resolve("d1", "upheld"),
     ["dispute.resolved released=0", "credit_note.issued to_disputed=0 to_credit=550"]),
    ("upheld and more was paid than is held", [*BILLED, pay("p1", 1700), complain("d1", "INV-1", lines=[2])], resolve("d1", "upheld"),
     ["dispute.resolved released=0", "credit_note.issued to_disputed=50 to_receivable=0 to_credit=500"]),
    ("the ledger finds the nets of a gross amount", OPEN, resolve("d1", "upheld"), ["dispute.resolved amount=1200", "credit_note.issued amount=1200 to_disputed=1200"]),
    ("where there are such nets", [charge("c1", 10, tax_category="new", period={"from": "2026-06-01", "to": "2026-06-01"}), issue(), complain("d1", "INV-1", 11), resolve("d1", "withdrawn"),
      complain("d2", "INV-1", 10)], resolve("d2", "upheld"), ["! lines_needed /data/lines"]),
    ("credit pays what is receivable again", [*OPEN, pay("p1", 1750)], resolve("d1", "rejected"),
     ["dispute.resolved released=1200", "allocation.made source.payment=p1 invoice=INV-1 amount=1200 automatic=True"]),
    ("and the part of it that is", [*LINE, pay("p1", 1750)], resolve("d1", "partly_upheld", (2, 100)),
     ["dispute.resolved released=440", "credit_note.issued", "allocation.made amount=440"]),
    ("not more than was complained about", LINE, resolve("d1", "partly_upheld", (1, 600)), ["! credit_exceeds_dispute /data/lines"]),
    ("not more than the line", OPEN, resolve("d1", "partly_upheld", (2, 600)), ["! credit_exceeds_line /data/lines/0/net"]),
    ("a part is not the whole", LINE, resolve("d1", "upheld", (2, 100)), ["! outcome_not_matching /data/outcome"]),
    ("the whole is not a part", LINE, resolve("d1", "partly_upheld", (2, 500)), ["! outcome_not_matching /data/outcome"]),
    ("a part has to be said", LINE, resolve("d1", "partly_upheld"), ["! part_not_said /data/lines"]),
    ("lines that there are", LINE, resolve("d1", "partly_upheld", (9, 5)), ["! line_unknown /data/lines/0"]),
    ("rejecting credits nothing", LINE, resolve("d1", "rejected", (2, 5)), ["! field_not_allowed /data/lines"]),
    ("a complaint is not won", LINE, resolve("d1", "won"), ["! outcome_not_allowed /data/outcome"]),
    ("a dispute that there is", [], resolve("d1", "won"), ["! dispute_unknown /data/dispute"]),
    ("resolved once", [*OPEN, resolve("d1", "rejected")], resolve("d1", "rejected"), ["! dispute_resolved /data/dispute"]),
    ("a charge upheld is reversed", CHARGE, resolve("d1", "upheld"), ["dispute.resolved charge=c1 amount=80", "charge.reversed charge=c1 net=80"]),
    ("in part", CHARGE, resolve("d1", "partly_upheld", net=30), ["dispute.resolved amount=30", "charge.reversed net=30"]),
    ("and billed for the rest", [*CHARGE, resolve("d1", "partly_upheld", net=30)], issue(), ["invoice.issued net=50"]),
    ("a rejected one is billed", [*CHARGE, resolve("d1", "rejected")], issue(), ["invoice.issued net=80"]),
    ("not above the charge", CHARGE, resolve("d1", "partly_upheld", net=81), ["! credit_exceeds_dispute /data/net"]),
    ("lines are an invoice's", CHARGE, resolve("d1", "upheld", (1, 80)), ["! resolution_not_fitting /data/lines"]),
    ("a chargeback won: allocated again as it was", BACK, resolve("d1", "won"),
     ["dispute.resolved outcome=won restored=200 fee_returned=0", "allocation.made invoice=INV-1 amount=50 dispute=d1", "allocation.made invoice=INV-2 amount=120"]),
    ("as far as still due", [*BACK, pay("p2", 150)], resolve("d1", "won"),
     ["dispute.resolved restored=200", "allocation.made source.payment=p1 invoice=INV-2 amount=20"]),
    ("the fee comes back only when said", BACK, resolve("d1", "won", fee_returned=15), ["dispute.resolved fee_returned=15", "allocation.made", "allocation.made"]),
    ("never more than was charged", BACK, resolve("d1", "won", fee_returned=16), ["! fee_exceeds_charged /data/fee_returned"]),
    ("lost: nothing more moves", BACK, resolve("d1", "lost"), ["dispute.resolved outcome=lost amount=0 restored=0"]),
    ("withdrawn is not yet won", BACK, resolve("d1", "withdrawn"), ["! outcome_not_allowed /data/outcome"]),
    ("an inquiry ends", [*BILLED, inquire("d1", invoice="INV-1")], resolve("d1", "withdrawn"), ["dispute.resolved kind=inquiry released=0"]),
    ("an inquiry has no fee", [*BILLED, inquire("d1", invoice="INV-1")], resolve("d1", "won", fee_returned=5), ["! resolution_not_fitting /data/fee_returned"]),
)  # fmt: skip
def test_resolutions(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


@pytest.mark.parametrize("amount", [1, 30, 31, 150, 151, 1899, 1900])
def test_a_chargeback_won_restores_exactly_the_earlier_balances(amount: int) -> None:
    """If nothing else happened meanwhile [docs/domain.md, Disputes]: each account, each invoice, each source."""
    world = taxed()
    for ask in PAID:
        world.post(ask)
    before = deepcopy((world.alice.source("p1"), world.alice.invoice("INV-1"), world.alice.invoice("INV-2")))
    balances = +world.balances["alice"], -world.balances["alice"]
    world.post(chargeback("d1", "p1", amount))
    assert world.balance() == amount - 30
    world.post(resolve("d1", "won"))
    assert (world.alice.source("p1"), world.alice.invoice("INV-1"), world.alice.invoice("INV-2")) == before
    assert (+world.balances["alice"], -world.balances["alice"]) == balances


def test_a_credit_note_lowers_what_other_complaints_hold_the_oldest_first() -> None:
    world = taxed()
    for ask in (
        *BILLED,
        complain("d1", "INV-1", 700),
        complain("d2", "INV-1", 1000),
        credit("INV-1", (1, 500)),
    ):
        world.post(ask)
    assert [world.alice.disputes[name].held for name in ("d1", "d2")] == [150, 1000]
    world.post(resolve("d1", "rejected"))
    assert world.due("INV-1") == 1150


def test_held_credit_waits_for_a_dispute_about_another_invoice() -> None:
    """Money that someone said to keep as credit pays what is released: the debt is undisputed now."""
    world = taxed()
    for ask in (*BILLED, complain("d1", "INV-1"), hold("p1", 2000)):
        world.post(ask)
    world.post(resolve("d1", "rejected"))
    assert (world.due("INV-1"), world.alice.credit("EUR")) == (0, 250)

"""Disputes while they are open: assigned, answered with evidence, escalated, withdrawn, followed up."""

from __future__ import annotations

from collections.abc import Sequence

from tests.ledger.asks import (
    assign,
    charge,
    chargeback,
    complain,
    escalate,
    evidence,
    inquire,
    issue,
    pay,
    resolve,
    withdraw,
)  # fmt: skip
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import Ask

from ledger.disputes.handling import EVIDENCE_FILES_MAX

PAID = [charge("c1", 1000), issue(), pay("p1", 1000), pay("p2", 50)]
COMPLAINT = [*PAID, complain("d1", "INV-1", 300)]
CHARGEBACK = [*PAID, chargeback("d1", "p1", 400, fee=15)]
INQUIRY = [*PAID, inquire("q1", payment="p1")]


@rows(
    ("to somebody", COMPLAINT, assign("d1", "ann"), ["dispute.assigned dispute=d1 assignee=ann"]),
    ("to somebody else", [*COMPLAINT, assign("d1", "ann")], assign("d1", "bob"), ["dispute.assigned assignee=bob"]),
    ("back to the queue", [*COMPLAINT, assign("d1", "ann")], assign("d1"), ["dispute.assigned assignee=None"]),
    ("to whom it was before", [*COMPLAINT, assign("d1", "ann"), assign("d1")], assign("d1", "ann"), ["dispute.assigned assignee=ann"]),
    ("an inquiry too", INQUIRY, assign("q1", "ann"), ["dispute.assigned dispute=q1"]),
    ("not twice to the same", [*COMPLAINT, assign("d1", "ann")], assign("d1", "ann"), ["! assignee_unchanged /data/assignee"]),
    ("nor to the queue that it is in", COMPLAINT, assign("d1"), ["! assignee_unchanged /data/assignee"]),
    ("to a name", COMPLAINT, assign("d1", "Ann Doe"), ["! text_not_allowed /data/assignee"]),
    ("a dispute that there is", PAID, assign("d9", "ann"), ["! dispute_unknown /data/dispute"]),
    ("an open one", [*COMPLAINT, resolve("d1", "rejected")], assign("d1", "ann"), ["! dispute_resolved /data/dispute"]),
)  # fmt: skip
def test_assigning(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


FULL = [*CHARGEBACK, *(evidence("d1", file) for file in range(EVIDENCE_FILES_MAX))]


@rows(
    ("a file", CHARGEBACK, evidence("d1"), [f"dispute.evidence_submitted dispute=d1 name=receipt-1.pdf media_type=application/pdf size=101 sha256={1:064x}"]),
    ("another one", [*CHARGEBACK, evidence("d1")], evidence("d1", 2), ["dispute.evidence_submitted size=102"]),
    ("of a complaint", COMPLAINT, evidence("d1"), ["dispute.evidence_submitted"]),
    ("of an inquiry", INQUIRY, evidence("q1"), ["dispute.evidence_submitted dispute=q1"]),
    ("each file once", [*CHARGEBACK, evidence("d1")], evidence("d1", name="other.pdf"), ["! evidence_exists /data/sha256"]),
    ("of a dispute that there is", PAID, evidence("d1"), ["! dispute_unknown /data/dispute"]),
    ("while it is open", [*CHARGEBACK, resolve("d1", "lost")], evidence("d1"), ["! dispute_resolved /data/dispute"]),
    ("not more than anybody reads", FULL, evidence("d1", EVIDENCE_FILES_MAX), ["! evidence_too_many /data/dispute"]),
    ("with a hash", CHARGEBACK, evidence("d1", sha256="0" * 63), ["! text_not_allowed /data/sha256"]),
    ("in lower case", CHARGEBACK, evidence("d1", sha256="A" * 64), ["! text_not_allowed /data/sha256"]),
    ("with a media type", CHARGEBACK, evidence("d1", media_type="pdf"), ["! text_not_allowed /data/media_type"]),
    ("not an empty one", CHARGEBACK, evidence("d1", size=0), ["! number_out_of_range /data/size"]),
)  # fmt: skip
def test_evidence(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


@rows(
    ("a complaint", COMPLAINT, escalate("d1"), ["dispute.escalated dispute=d1 to=head_of_care level=1 reason=not_solved respond_by=None lapsed=None"]),
    ("again", [*COMPLAINT, escalate("d1")], escalate("d1", to="board", respond_by="2026-03-01"), ["dispute.escalated to=board level=2 respond_by=2026-03-01"]),
    ("to somebody", COMPLAINT, ("dispute.escalate", {"dispute": "d1", "reason": "r"}), ["! field_missing /data/to"]),
    ("not a chargeback: the bank decides", CHARGEBACK, escalate("d1"), ["! dispute_of_other_kind /data/dispute"]),
    ("nor an inquiry", INQUIRY, escalate("q1"), ["! dispute_of_other_kind /data/dispute"]),
    ("an open one", [*COMPLAINT, resolve("d1", "rejected")], escalate("d1"), ["! dispute_resolved /data/dispute"]),
    ("until a day of a calendar", COMPLAINT, escalate("d1", respond_by="9999-12-31"), ["! time_out_of_range /data/respond_by"]),
    ("opened until a day of a calendar", PAID, complain("d1", "INV-1", respond_by="9999-12-31"), ["! time_out_of_range /data/respond_by"]),
)  # fmt: skip
def test_escalating(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


@rows(
    ("is recorded", CHARGEBACK, withdraw("d1"), ["dispute.withdrawn dispute=d1 reason=misunderstanding"]),
    ("and not yet won: it may be lost", [*CHARGEBACK, withdraw("d1")], resolve("d1", "lost"), ["dispute.resolved outcome=lost restored=0"]),
    ("or won", [*CHARGEBACK, withdraw("d1")], resolve("d1", "won"), ["dispute.resolved restored=400", "allocation.made amount=400"]),
    ("evidence still has to go in", [*CHARGEBACK, withdraw("d1")], evidence("d1"), ["dispute.evidence_submitted"]),
    ("once", [*CHARGEBACK, withdraw("d1")], withdraw("d1"), ["! dispute_withdrawn /data/dispute"]),
    ("not of a complaint: that ends by it", COMPLAINT, withdraw("d1"), ["! dispute_of_other_kind /data/dispute"]),
    ("not after the end", [*CHARGEBACK, resolve("d1", "lost")], withdraw("d1"), ["! dispute_resolved /data/dispute"]),
)  # fmt: skip
def test_a_chargeback_withdrawn(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


ABOUT_INVOICE = [*PAID, inquire("q1", invoice="INV-1")]


@rows(
    ("and the inquiry is lost by it", INQUIRY, chargeback("d1", "p1", 400, inquiry="q1"),
     ["dispute.opened kind=chargeback inquiry=q1 charged_back=400",
      "dispute.resolved dispute=q1 kind=inquiry outcome=lost amount=0 reason=became_chargeback", "allocation.undone amount=400"]),
    ("one about an invoice too", ABOUT_INVOICE, chargeback("d1", "p1", 400, inquiry="q1"), ["dispute.opened", "dispute.resolved invoice=INV-1", "allocation.undone"]),
    ("not one about another payment", INQUIRY, chargeback("d1", "p2", inquiry="q1"), ["! inquiry_not_fitting /data/inquiry"]),
    ("not a complaint", COMPLAINT, chargeback("d2", "p1", inquiry="d1"), ["! inquiry_not_fitting /data/inquiry"]),
    ("one that there is", PAID, chargeback("d1", "p1", inquiry="q1"), ["! dispute_unknown /data/inquiry"]),
    ("one that is open", [*INQUIRY, resolve("q1", "won")], chargeback("d1", "p1", inquiry="q1"), ["! dispute_resolved /data/inquiry"]),
    ("a complaint follows none", INQUIRY, complain("d1", "INV-1", inquiry="q1"), ["! field_not_allowed /data/inquiry"]),
)  # fmt: skip
def test_an_inquiry_that_becomes_a_chargeback(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


def test_nothing_of_this_moves_money() -> None:
    world = untaxed()
    for ask in CHARGEBACK:
        world.post(ask)
    before = dict(world.balances["alice"])
    for ask in (assign("d1", "ann"), evidence("d1"), withdraw("d1"), assign("d1")):
        world.post(ask)
    assert dict(world.balances["alice"]) == before

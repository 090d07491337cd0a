"""Complaints, chargebacks, credit notes and refunds: the desks of customer service and of the bank."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import NamedTuple

from ledger_api.demo.diary import Diary, later
from ledger_api.demo.known import Invoice, Known, Line
from ledger_api.demo.people import Person

CHARGEBACK_FEE: dict[str, int] = {"EUR": 1_500, "GBP": 1_300, "JPY": 2_400}
COMPLAINTS = ("service_outage", "unknown_charge", "wrong_quantity", "price_not_agreed")
OUTCOMES = {"upheld": 36, "partly_upheld": 26, "rejected": 28, "withdrawn": 10}
NEVER_RESOLVED = 0.12
"""The share of complaints that nobody gets round to within the year."""


class Pending(NamedTuple):
    """A dispute that waits for its outcome; `invoice` is None for a chargeback."""

    dispute: str
    resolve_on: date
    invoice: Invoice | None
    lines: list[Line]
    """The lines that the complaint is about."""


class Care:
    """One customer's dealings with customer service through the year."""

    def __init__(self, person: Person, known: Known, random: Random) -> None:
        self._person = person
        self._known = known
        self._random = random
        self._pending: list[Pending] = []

    def open_about(self, diary: Diary, invoice: Invoice) -> None:
        """Decide whether an invoice that has just arrived leads to a complaint, a question, a credit note."""
        chance = self._random.random()
        if invoice.total == 0:
            return
        if chance < 0.022:
            self._complain(diary, invoice, "complaint")
        elif chance < 0.027:
            self._complain(diary, invoice, "inquiry")
        elif chance < 0.032:
            self._credit(diary, invoice)

    def write(self, diary: Diary) -> None:
        """Note one month of refunds, chargebacks and outcomes."""
        self._refund(diary)
        self._charge_back(diary)
        self._err(diary)
        for pending in [each for each in self._pending if each.resolve_on <= diary.month.last]:
            self._pending.remove(pending)
            self._resolve(diary, pending)

    def _complain(self, diary: Diary, invoice: Invoice, kind: str) -> None:
        random = self._random
        day = diary.month.day(random.randint(2, 9))
        dispute, lines = diary.name("D"), invoice.lines
        about: dict[str, object] = {"dispute": dispute, "kind": kind, "invoice": invoice.number}
        if kind == "complaint" and len(lines) > 1 and random.random() < 0.6:
            lines = [random.choice(lines)]
            about["lines"] = [lines[0].line]
        diary.add(day, 10, "care", "dispute.open", about | {"reason": random.choice(COMPLAINTS)})
        if random.random() >= NEVER_RESOLVED:
            self._pending.append(Pending(dispute, later(day, random.randint(2, 25)), invoice, lines))
        invoice.contested = kind == "complaint"

    def _resolve(self, diary: Diary, pending: Pending) -> None:
        day = max(pending.resolve_on, diary.month.first)
        outcome = self._random.choices([*OUTCOMES], [*OUTCOMES.values()])[0]
        resolved: dict[str, object] = {"dispute": pending.dispute}
        if pending.invoice is None:
            resolved |= {"outcome": self._random.choice(("won", "lost")), "reason": "scheme_decision"}
        elif not pending.invoice.contested:
            resolved |= {"outcome": "withdrawn", "reason": "explained"}
        else:
            pending.invoice.contested = False
            resolved |= {"outcome": outcome, "reason": "reviewed"}
            if outcome == "partly_upheld":
                line = pending.lines[0]
                resolved["lines"] = [{"line": line.line, "net": self._part_of(line)}]
        diary.add(day, 16, "care", "dispute.resolve", resolved)

    def _part_of(self, line: Line) -> int:
        return max(1, (line.net - line.discount) * self._random.randint(10, 60) // 100)

    def _credit(self, diary: Diary, invoice: Invoice) -> None:
        line = self._random.choice(invoice.lines)
        note = {"invoice": invoice.number, "lines": [{"line": line.line, "net": self._part_of(line)}]}
        day = diary.month.day(self._random.randint(5, 20))
        diary.add(day, 11, "care", "credit_note.issue", note | {"reason": "service_outage"})

    def _refund(self, diary: Diary) -> None:
        """Send credit back to who asks for it, before anything else can use it."""
        person, credit = self._person, self._known.credit
        gone = person.left is not None and person.left < diary.month.number
        if credit > 0 and self._random.random() < (0.9 if gone else 0.15):
            refund = {"refund": diary.name("R"), "currency": person.currency, "amount": credit}
            diary.add(diary.month.day(2), 8, "care", "refund.issue", refund)

    def _charge_back(self, diary: Diary) -> None:
        """Let the bank call back a card payment of an earlier month; nobody wins or loses that quickly."""
        person, payments = self._person, self._known.payments
        if person.method != "card" or not payments or self._random.random() >= 0.004:
            return
        payment, amount = payments[-1]
        day = diary.month.day(self._random.randint(3, 20))
        dispute = diary.name("B")
        data = {
            "dispute": dispute,
            "kind": "chargeback",
            "payment": payment,
            "currency": person.currency,
            "amount": amount,
            "fee": CHARGEBACK_FEE[person.currency],
            "reason": self._random.choice(("fraudulent", "not_recognised", "not_as_described")),
            "respond_by": later(day, 20).isoformat(),
        }
        diary.add(day, 7, "bank", "dispute.open", data)
        self._pending.append(Pending(dispute, later(day, self._random.randint(10, 40)), None, []))

    def _err(self, diary: Diary) -> None:
        """Make the mistakes that upstream systems make; the ledger refuses each and says why."""
        person, chance = self._person, self._random.random()
        day = diary.month.day(22)
        if chance < 0.0006:
            amount = max(self._known.credit, 0) + 100_000
            refund = {"refund": diary.name("R"), "currency": person.currency, "amount": amount}
            diary.add(day, 10, "care", "refund.issue", refund)
        elif chance < 0.0012:
            about = {
                "dispute": diary.name("D"),
                "kind": "complaint",
                "invoice": "INV-99999999",
                "reason": "typing_error",
            }
            diary.add(day, 10, "care", "dispute.open", about)
        elif chance < 0.002:
            charge = {
                "charge": diary.name("X"),
                "service": "requests",
                "currency": person.currency,
                "net": 100,
            }
            diary.add_about(f"X{person.customer[1:]}", day, 10, "rating", "charge.posted", charge)

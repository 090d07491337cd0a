"""How a customer of the demo pays: in time, late, in parts, too much, several at once, or not at all.

What is paid is what the ledger says is due; only the day and the habit are the customer's.
"""

from __future__ import annotations

from datetime import date
from random import Random

from ledger_api.demo.diary import Diary, later
from ledger_api.demo.known import Invoice, Known
from ledger_api.demo.people import Person

ROUND_UP: dict[str, int] = {"EUR": 1_000, "GBP": 1_000, "JPY": 1_000}
"""Who pays too much rounds up to a multiple of this, in minor units."""
RETURN_FEE: dict[str, int] = {"EUR": 350, "GBP": 300, "JPY": 550}
"""What the bank takes for a payment that it calls back."""
FIRST_DAY = 4
"""Nobody pays on the first days of a month: refunds go out then."""


class Payer:
    """One customer's payments through the year."""

    def __init__(self, person: Person, known: Known, random: Random) -> None:
        self._person = person
        self._known = known
        self._random = random

    def promise(self, invoice: Invoice) -> None:
        """Decide when an invoice that has just arrived will be paid, in percent of what is then due."""
        random, due = self._random, invoice.due_on
        in_time = later(due, -random.randint(0, 7))
        match self._person.habit:
            case "prompt" | "over":
                invoice.promises = [(in_time, 100)]
            case "late":
                invoice.promises = [(later(due, random.randint(3, 45)), 100)]
            case "partial":
                invoice.promises = [
                    (in_time, random.randint(30, 70)),
                    (later(due, random.randint(20, 45)), 100),
                ]
            case "quarterly":
                ends = (due.month + 2) // 3 * 3
                invoice.promises = [(due.replace(month=ends, day=20), 100)]
            case "never":
                invoice.promises = [(in_time, 100)] if random.random() < 0.25 else []

    def write(self, diary: Diary) -> None:
        """Note the payments of one month."""
        self._break_promises(diary)
        kept = [
            (max(day, diary.month.day(FIRST_DAY)), share, invoice)
            for invoice in self._known.invoices.values()
            for day, share in invoice.promises
            if day <= diary.month.last
        ]
        if self._person.habit == "quarterly":
            self._pay_together(diary, [invoice for _, _, invoice in kept])
        else:
            self._pay_each(diary, kept)
        for _, _, invoice in kept:
            invoice.promises = [promise for promise in invoice.promises if promise[0] > diary.month.last]

    def _break_promises(self, diary: Diary) -> None:
        """Look again at what is due without a promise: a payment came back, a complaint was turned down."""
        for invoice in self._known.invoices.values():
            forgotten = invoice.payable > 0 and not invoice.promises and invoice.due_on < diary.month.first
            if forgotten and self._person.habit != "never" and self._random.random() < 0.6:
                invoice.promises = [(diary.month.day(self._random.randint(8, 24)), 100)]

    def _pay_each(self, diary: Diary, kept: list[tuple[date, int, Invoice]]) -> None:
        paid: dict[str, int] = {}
        for day, share, invoice in sorted(kept, key=lambda each: each[:2]):
            left = invoice.payable - paid.get(invoice.number, 0)
            amount = max(1, left * share // 100)
            if left <= 0:
                continue
            paid[invoice.number] = paid.get(invoice.number, 0) + amount
            if self._person.habit == "over" and self._random.random() < 0.4:
                unit = ROUND_UP[self._person.currency]
                amount = (amount // unit + 1) * unit
            self._pay(diary, day, amount, invoice.number)

    def _pay_together(self, diary: Diary, invoices: list[Invoice]) -> None:
        """One transfer over several invoices, saying which."""
        parts = [{"invoice": each.number, "amount": each.payable} for each in invoices if each.payable > 0]
        if parts:
            total = sum(each.payable for each in invoices if each.payable > 0)
            payment = self._payment(diary, total) | {"allocations": parts}
            diary.add(diary.month.day(20), 9, "bank", "payment.received", payment)

    def _pay(self, diary: Diary, day: date, amount: int, number: str) -> None:
        random, method = self._random, self._person.method
        if method == "card" and random.random() < 0.015:
            failed = {key: value for key, value in self._payment(diary, amount).items() if key != "method"}
            diary.add(day, 6, "bank", "payment.failed", failed | {"reason": "card_declined"})
        payment = self._payment(diary, amount) | {"reference": number}
        diary.add(day, 9, "bank", "payment.received", payment)
        if random.random() < 0.004:
            self._pay_again(diary, later(day, 1), amount)
        returned_on = later(day, random.randint(2, 6))
        if method == "direct_debit" and random.random() < 0.012 and diary.month.holds(returned_on):
            returned = {key: payment[key] for key in ("payment", "currency", "amount")}
            returned |= {"fee": RETURN_FEE[self._person.currency], "reason": "insufficient_funds"}
            diary.add(returned_on, 8, "bank", "payment.returned", returned)

    def _pay_again(self, diary: Diary, day: date, amount: int) -> None:
        """Pay the same a second time by mistake, and get that payment back."""
        payment = self._payment(diary, amount)
        diary.add(day, 9, "bank", "payment.received", payment)
        refund = {"refund": diary.name("R"), "currency": self._person.currency, "amount": amount}
        diary.add(later(day, 1), 14, "care", "refund.issue", refund | {"payment": payment["payment"]})

    def _payment(self, diary: Diary, amount: int) -> dict[str, object]:
        person = self._person
        return {
            "payment": diary.name("P"),
            "currency": person.currency,
            "amount": amount,
            "method": person.method,
        }

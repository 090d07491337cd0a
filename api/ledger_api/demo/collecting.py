"""What becomes of debt that nobody pays: given up after a quarter, and sometimes paid after all."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from ledger_api.demo.diary import Diary
from ledger_api.demo.known import Known
from ledger_api.demo.people import Person

OVERDUE = timedelta(days=90)
"""How long after its due date an invoice of somebody who never pays is given up."""
GIVING_UP_DAY = 3
"""Before anybody pays in a month, so that what is due is what was due when the month began."""
RECOVERED = 0.15
"""The chance, each month, that a debt collector brings a part of it."""


class Collector:
    """One customer's dealings with the collections desk through the year.

    It draws lots of its own, so that what else happens in the year does not depend on it.
    """

    def __init__(self, person: Person, known: Known, random: Random) -> None:
        self._person = person
        self._known = known
        self._random = random

    def write(self, diary: Diary) -> None:
        """Note what is given up, and what comes back, in one month."""
        if self._person.habit != "never":
            return
        for invoice in self._known.invoices.values():
            if invoice.written_off > 0 and self._random.random() < RECOVERED:
                amount = max(1, invoice.written_off * self._random.randint(20, 100) // 100)
                paid = {"payment": diary.name("P"), "currency": self._person.currency, "amount": amount}
                day = diary.month.day(self._random.randint(5, 20))
                about = {"invoice": invoice.number, "method": "collector"}
                diary.add(day, 12, "care", "debt.recover", about | paid)
            elif invoice.payable > 0 and invoice.due_on + OVERDUE < diary.month.first:
                given_up = {"invoice": invoice.number, "reason": "uncollectible"}
                diary.add(diary.month.day(GIVING_UP_DAY), 12, "care", "debt.write_off", given_up)

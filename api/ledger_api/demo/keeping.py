"""Keeping customers: a trial of an offer, its answers, and who decides on what agents ask for."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ledger_api.client import message
from ledger_api.demo.diary import Diary, Month, later
from ledger_api.demo.known import Known
from ledger_api.demo.people import Person

TRIAL = "ten-percent"
FIRST_MONTH = 3
"""The plan of the trial is recorded in February, before anybody takes part."""
TAKES_PART = 0.03
"""The chance, each month, that a customer who takes no part yet is one of those whom the trial is about."""
ACCEPTED = 0.6
APPROVED = 0.75
DECIDED_ON_DAY = 2

LEAD = "lead"
AUTHORITY: dict[str, object] = {
    "without_role": "agent",
    "roles": [
        {"role": "agent", "percent": "20", "amounts": [
            {"currency": "EUR", "amount": 2_000}, {"currency": "GBP", "amount": 1_800},
            {"currency": "JPY", "amount": 3_200}]},
        {"role": LEAD, "percent": "50", "approves": True},
    ],
}  # fmt: skip
"""Who may grant what: an agent 20 percent, as the upstream systems do, whose key has no role."""
PLAN: dict[str, object] = {
    "trial": TRIAL,
    "question": "Does an offer of 10 percent for three months keep customers?",
    "arms": [{"arm": "offer", "share": "60"}],
    "hold_out_share": "40",
    "measure": "kept",
    "seed": "harbour",
    "end": "2999-12-31",
}


class Keeper:
    """One customer's part in it. It draws lots of its own."""

    def __init__(self, person: Person, known: Known, random: Random) -> None:
        self._person = person
        self._known = known
        self._random = random
        self._takes_part = False

    def write(self, diary: Diary) -> None:
        """Note one month: who is drawn, and what becomes of the offer to whom it was made."""
        month, person, known = diary.month, self._person, self._known
        if month.number >= (person.left or month.number + 1) or month.number < FIRST_MONTH:
            return
        if known.arm == "offer":
            self._offer(diary)
        elif not self._takes_part and person.joined < month.number and self._random.random() < TAKES_PART:
            self._takes_part = True
            diary.add(month.day(5), 9, "care", "trial.assign", {"trial": TRIAL})

    def _offer(self, diary: Diary) -> None:
        self._known.arm = ""
        day, name = diary.month.day(6), diary.name("K")
        terms = {"kind": "percent", "percent": "10", "invoices": 3, "reason": "retention", "campaign": TRIAL}
        offer = {"discount": name, **terms, "offered_until": diary.month.last.isoformat()}
        diary.add(day, 9, "care", "discount.offer", offer)
        answer_on = later(day, self._random.randint(1, 14))
        if self._random.random() < ACCEPTED:
            diary.add(answer_on, 10, "care", "discount.accept", {"discount": name})
        else:
            diary.add(answer_on, 10, "care", "discount.refuse", {"discount": name, "reason": "not_wanted"})

    def decide(self, month: Month) -> Iterator[bytes]:
        """Give a second person's decisions on what was asked for in the month before."""
        asked, self._known.requested = self._known.requested, []
        if month.number > (self._person.left or month.number):
            return
        for number, name in enumerate(asked):
            approved = self._random.random() < APPROVED
            data = {"discount": name} if approved else {"discount": name, "reason": "not_needed"}
            yield message(
                "discount.approve" if approved else "discount.decline",
                id_=f"{self._person.customer}/{month.name}/decision-{number}", source="care",
                time_=f"{month.day(DECIDED_ON_DAY)}T09:00:00Z", data=data, subject=self._person.customer,
            )  # fmt: skip

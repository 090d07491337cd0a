"""What a customer of the demo takes: the agreement, charges by use, discounts."""

from __future__ import annotations

from datetime import date
from random import Random

from ledger_api.demo.diary import Diary, later
from ledger_api.demo.people import PLANS, SEGMENTS, Person, Plan

SETUP: dict[str, int] = {"EUR": 4_900, "GBP": 4_200, "JPY": 7_900}
"""Charged once when a larger plan begins."""
HANDBOOK: dict[str, int] = {"EUR": 1_450, "GBP": 1_250, "JPY": 2_300}
"""A printed handbook: a book, so taxed at the reduced rate."""
GOODWILL: dict[str, int] = {"EUR": 1_000, "GBP": 900, "JPY": 1_600}


class Services:
    """One customer's services through the year."""

    def __init__(self, person: Person, random: Random) -> None:
        self._person = person
        self._random = random
        self._plan = person.plan
        self._welcome = ""

    def write(self, diary: Diary) -> None:
        """Note what happens in one month, from joining to leaving; nothing before or after."""
        month, person = diary.month, self._person
        if month.number == person.joined:
            self._join(diary)
        if person.joined <= month.number <= (person.left or month.number):
            self._charge(diary)
            self._discount(diary)
        if person.left == month.number:
            reason = self._random.choice(("price", "moved", "unused", "competitor"))
            diary.add(month.last, 21, "crm", "customer.closed", {"by": "customer", "reason": reason})

    def _join(self, diary: Diary) -> None:
        person, day = self._person, diary.month.day(self._person.joined_day)
        terms: dict[str, object] = {
            "currency": person.currency,
            "payment_days": person.payment_days,
            "billing_day": 1,
            "locale": person.locale,
            "tax_treatment": person.tax_treatment,
            "segment": SEGMENTS[person.plan],
        }
        diary.add(day, 7, "crm", "customer.opened", terms)
        self._agree(diary, day, day)
        if person.plan >= 2:
            self._post(diary, person.joined_day, "setup", "Setting up", SETUP[person.currency])
        if person.joined > 1 and self._random.random() < 0.4:
            self._welcome = diary.name("W")
            welcome = {"kind": "percent", "percent": self._random.choice(("10", "15", "20")), "invoices": 3}
            welcome |= {"reason": "welcome", "campaign": f"welcome-{diary.month.first:%Y}"}
            diary.add(day, 10, "crm", "discount.grant", {"discount": self._welcome, **welcome})

    def _agree(self, diary: Diary, said_on: date, from_: date) -> None:
        plan, currency = PLANS[self._plan], self._person.currency
        services = [
            {
                "service": plan.service,
                "description": plan.description,
                "unit_price": plan.monthly[currency],
                "interval": "month",
                "tax_category": "standard",
            }
        ]
        agreement = {"from": from_.isoformat(), "services": services}
        diary.add(said_on, 8, "crm", "agreement.changed", agreement)

    def _charge(self, diary: Diary) -> None:
        """Charge what was used; now and then take a mistake back. The plan is billed by its agreement."""
        month, person, random = diary.month, self._person, self._random
        plan = PLANS[self._plan]
        self._meter(diary, plan)
        if random.random() < 0.02:
            self._post(
                diary,
                random.randint(25, 27),
                "handbook",
                "Handbook, printed",
                HANDBOOK[person.currency],
                "reduced",
            )
        if random.random() < 0.006:
            charge = self._post(diary, 25, plan.service, plan.description, plan.monthly[person.currency])
            wrong = {"charge": charge, "reason": "posted_twice"}
            diary.add(month.day(26), 15, "rating", "charge.reverse", wrong)
        if self._plan < len(PLANS) - 1 and month.number > person.joined and random.random() < 0.015:
            self._plan += 1
            self._agree(diary, month.last, later(month.last, 1))

    def _meter(self, diary: Diary, plan: Plan) -> None:
        for meter in plan.meters:
            quantity = self._random.randint(*meter.quantities)
            data = {
                "charge": diary.name("U"),
                "service": meter.service,
                "description": meter.description,
                "currency": self._person.currency,
                "quantity": str(quantity),
                "unit_price": meter.unit_price,
            }
            diary.add(diary.month.last, 4, "rating", "charge.posted", data)

    def _post(
        self, diary: Diary, day: int, service: str, description: str, net: int, category: str = "standard"
    ) -> str:
        charge = diary.name("F")
        data: dict[str, object] = {
            "charge": charge,
            "service": service,
            "description": description,
            "currency": self._person.currency,
            "net": net,
            "tax_category": category,
        }
        diary.add(diary.month.day(day), 12, "rating", "charge.posted", data)
        return charge

    def _discount(self, diary: Diary) -> None:
        """Grant something for staying, or for trouble; sometimes the welcome was a mistake and is revoked."""
        month, random = diary.month, self._random
        if self._welcome and random.random() < 0.03:
            revoked = {"discount": self._welcome, "reason": "not_a_new_customer"}
            self._welcome = ""
            diary.add(month.day(27), 11, "crm", "discount.revoke", revoked)
        granted: dict[str, object] = {"discount": diary.name("G")}
        if random.random() < 0.008:
            granted |= {"kind": "percent", "percent": "25", "scope": {"service": PLANS[self._plan].service}}
            granted |= {"invoices": 2, "reason": "retention"}
        elif random.random() < 0.012:
            currency = self._person.currency
            granted |= {"kind": "fixed", "amount": GOODWILL[currency], "currency": currency}
            granted |= {"invoices": 1, "reason": "goodwill"}
        else:
            return
        diary.add(month.day(random.randint(25, 27)), 14, "crm", "discount.grant", granted)

"""Who the demo's customers are: what they take, how they pay, when they come and when they go."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Literal, NamedTuple

YEAR = 2025
MONTHS = 12

Habit = Literal["prompt", "late", "partial", "over", "quarterly", "never"]
"""How a customer pays: in time; late; half in time and the rest later; more than is asked; all open invoices
of a quarter at once; not at all after the first months.
"""


class Meter(NamedTuple):
    """What is charged by use: the unit price in minor units, and how much a month uses, from and to."""

    service: str
    description: str
    unit_price: str
    quantities: tuple[int, int]


class Plan(NamedTuple):
    """What is charged by the month, in minor units of each currency, and what by use."""

    service: str
    description: str
    monthly: Mapping[str, int]
    meters: tuple[Meter, ...]


REQUESTS = Meter("requests", "Requests served", "0.0125", (8_000, 240_000))
STORAGE = Meter("storage", "Storage, GB-days", "0.35", (300, 9_000))
TRAFFIC = Meter("traffic", "Traffic, GB", "1.9", (5, 700))

PLANS: tuple[Plan, ...] = (
    Plan("plan-start", "Start, monthly", {"EUR": 990, "GBP": 890, "JPY": 1_600}, ()),
    Plan("plan-team", "Team, monthly", {"EUR": 2_900, "GBP": 2_500, "JPY": 4_700}, (REQUESTS,)),
    Plan("plan-pro", "Pro, monthly", {"EUR": 7_900, "GBP": 6_900, "JPY": 12_800}, (REQUESTS, STORAGE)),
    Plan(
        "plan-scale",
        "Scale, monthly",
        {"EUR": 24_900, "GBP": 21_900, "JPY": 39_800},
        (REQUESTS, STORAGE, TRAFFIC),
    ),
)
SEGMENTS = ("single", "small", "medium", "large")
"""The segment that goes with each plan."""

_PLAN_WEIGHTS = (46, 31, 17, 6)
_HABITS: Mapping[Habit, int] = {"prompt": 62, "late": 16, "partial": 6, "over": 5, "quarterly": 7, "never": 4}
_CURRENCIES: Mapping[str, int] = {"EUR": 86, "GBP": 10, "JPY": 4}
_LOCALES: Mapping[str, str] = {"EUR": "de", "GBP": "en", "JPY": "ja"}


class Person(NamedTuple):
    """One customer. Months are numbered from 1; `left` is the last month with charges, None for who stays."""

    customer: str
    currency: str
    locale: str
    tax_treatment: str
    payment_days: int
    plan: int
    habit: Habit
    method: str
    joined: int
    joined_day: int
    left: int | None

    @property
    def months(self) -> int:
        """In how many months of the year the customer is charged."""
        return (self.left or MONTHS) - self.joined + 1


def draw(number: int, random: Random) -> Person:
    """Draw one customer, the `number`-th, counted from 1. Six of ten are there when the year begins."""
    currency = random.choices([*_CURRENCIES], [*_CURRENCIES.values()])[0]
    plan = random.choices(range(len(PLANS)), _PLAN_WEIGHTS)[0]
    joined = 1 if random.random() < 0.6 else random.randint(1, MONTHS)
    leaves = random.randint(joined + 1, MONTHS) if joined < MONTHS and random.random() < 0.12 else None
    treatment = "standard"
    if plan >= 2 and random.random() < 0.12:
        treatment = "reverse_charge" if currency != "EUR" else "exempt"
    return Person(
        customer=f"C{number:05d}",
        currency=currency,
        locale=_LOCALES[currency],
        tax_treatment=treatment,
        payment_days=30 if plan == 3 else 14,
        plan=plan,
        habit=random.choices([*_HABITS], [*_HABITS.values()])[0],
        method=random.choice(("card", "direct_debit", "transfer", "transfer")),
        joined=joined,
        joined_day=1 if joined == 1 else random.randint(2, 24),
        left=leaves,
    )

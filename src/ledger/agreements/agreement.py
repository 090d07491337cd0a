"""Agreements: the services that a customer takes from a date on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from ledger.book import Book, refuse_closed_period
from ledger.customer import refuse_closed
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import Day, Decimal, Text, refuse_far_day
from ledger.message import Message
from ledger.money import AMOUNT_MAX, decimal_text, net_of
from ledger.parts import Agreement, Interval, Taken, Terms
from ledger.state import Customer


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One service of an agreement. The unit price is that of a whole interval, in the customer's currency."""

    service: Text
    description: Text | None = None
    quantity: Decimal = "1"
    unit_price: Decimal
    interval: Interval
    tax_category: Text = "standard"
    billed: Literal["advance", "arrears"] = "arrears"
    to: Day | None = None

    @property
    def terms(self) -> Terms:
        """What a day of it costs, in the one way of writing that equal prices share."""
        quantity, unit_price = decimal_text(self.quantity), decimal_text(self.unit_price)
        return Terms(quantity, unit_price, self.interval, self.tax_category)


class AgreementChanged(Data, frozen=True, kw_only=True):
    """From a date on these are all the services that the customer takes; none ends the agreement."""

    from_: Day = msgspec.field(name="from")
    services: list[Service]

    def __post_init__(self) -> None:
        refuse_far_day(self.from_, "/data/from")
        refuse_misshapen(self.services)
        for place, service in enumerate(self.services):
            if service.to is not None and service.to < self.from_:
                raise Malformed(
                    "period_backwards", f"the service ends on {service.to}, before it begins on {self.from_}",
                    pointer=f"/data/services/{place}/to", begins=self.from_.isoformat(),
                    ends=service.to.isoformat(),
                )  # fmt: skip


def refuse_misshapen(services: Sequence[Service]) -> None:
    """Refuse a service that stands twice, and a price that no amount can be."""
    seen: set[str] = set()
    for place, service in enumerate(services):
        pointer = f"/data/services/{place}"
        if service.service in seen:
            raise Malformed(
                "service_repeated", f"the service {service.service} stands twice in the agreement",
                pointer=f"{pointer}/service", service=service.service,
            )  # fmt: skip
        seen.add(service.service)
        price = net_of(service.quantity, service.unit_price)
        if price > AMOUNT_MAX:
            raise Malformed(
                "amount_too_large",
                f"{service.quantity} times {service.unit_price} is {price}, more than {AMOUNT_MAX}",
                pointer=f"{pointer}/quantity", amount=str(price), amount_max=AMOUNT_MAX,
            )  # fmt: skip
        if service.to is not None:
            refuse_far_day(service.to, f"{pointer}/to")


def change(
    book: Book, customer: Customer, message: Message, data: AgreementChanged, _: datetime
) -> list[Draft]:
    """Decide on `agreement.changed`; it may be dated ahead, and back into open periods.

    [docs/domain.md, Time; Agreements]
    """
    for place, service in enumerate(data.services):
        if service.tax_category not in book.taxes.rates:
            raise Refusal(
                "tax_category_unknown", f"the book has no tax category {service.tax_category}",
                pointer=f"/data/services/{place}/tax_category", tax_category=service.tax_category,
            )  # fmt: skip
    refuse_closed_period(book, message)
    book.refuse_closed_day(data.from_, "/data/from")
    refuse_closed(customer, message)
    return [Draft(message.type, data)]


def evolve_changed(customer: Customer, event: Event, data: AgreementChanged) -> None:
    """Let these services count from their day on, in place of what was agreed for the same day."""
    agreement = Agreement(data.from_, [taken_of(each) for each in data.services], event.position)
    days = [each.from_ for each in customer.agreements]
    place = bisect_left(days, data.from_)
    customer.agreements[place : place + (data.from_ in days[place : place + 1])] = [agreement]


def taken_of(service: Service) -> Taken:
    """Take what billing needs of a service."""
    return Taken(service.service, service.description, service.terms, service.to, service.billed == "advance")

"""Agreements: the services that a customer takes from a date on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from ledger.book import Book, refuse_closed_period
from ledger.customer import refuse_closed
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Draft
from ledger.fields import Day, Decimal, Text, refuse_far_day
from ledger.message import Message
from ledger.state import Customer


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One service of an agreement. The unit price is that of a whole interval, in the customer's currency."""

    service: Text
    description: Text | None = None
    quantity: Decimal = "1"
    unit_price: Decimal
    interval: Literal["month", "quarter", "year"]
    tax_category: Text = "standard"


class AgreementChanged(Data, frozen=True, kw_only=True):
    """From a date on these are all the services that the customer takes; none ends the agreement."""

    from_: Day = msgspec.field(name="from")
    services: list[Service]

    def __post_init__(self) -> None:
        refuse_far_day(self.from_, "/data/from")
        seen: set[str] = set()
        for place, service in enumerate(self.services):
            if service.service in seen:
                raise Malformed(
                    "service_repeated", f"the service {service.service} stands twice in the agreement",
                    pointer=f"/data/services/{place}/service", service=service.service,
                )  # fmt: skip
            seen.add(service.service)


def change(
    book: Book, customer: Customer, message: Message, data: AgreementChanged, _: datetime
) -> list[Draft]:
    """Decide on `agreement.changed`; it may be dated ahead [docs/domain.md, Time]."""
    for place, service in enumerate(data.services):
        if service.tax_category not in book.taxes.rates:
            raise Refusal(
                "tax_category_unknown", f"the book has no tax category {service.tax_category}",
                pointer=f"/data/services/{place}/tax_category", tax_category=service.tax_category,
            )  # fmt: skip
    refuse_closed_period(book, message)
    refuse_closed(customer, message)
    return [Draft(message.type, data)]

"""Charges: goods or services delivered, not yet billed. Never negative; a billed charge is credited, not reversed."""

from __future__ import annotations

from datetime import datetime

from ledger.book import Book, refuse_undatable
from ledger.customer import Customer
from ledger.errors import Malformed, Refusal
from ledger.event import Columns, Data, Draft, Event
from ledger.fields import (
    CurrencyCode,
    Decimal,
    Name,
    Net,
    Period,
    Price,
    Text,
    refuse_field,
    require_currency,
    require_field,
)
from ledger.message import Message
from ledger.money import AMOUNT_MAX, net_of
from ledger.state import Unbilled


class ChargePosted(Data, frozen=True, kw_only=True):
    """A charge: its net amount, or a quantity and a unit price of which the net is computed."""

    charge: Name
    service: Text
    description: Text | None = None
    currency: CurrencyCode
    net: Net | None = None
    quantity: Decimal | None = None
    unit_price: Price | None = None
    tax_category: Text = "standard"
    period: Period | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if self.quantity is None and self.unit_price is None:
            require_field(self.net, "net", "a charge says its net, or its quantity and unit price")
            return
        require_field(self.quantity, "quantity", "a unit price needs a quantity")
        require_field(self.unit_price, "unit_price", "a quantity needs a unit price")
        net = self.net_amount()
        if net > AMOUNT_MAX:
            raise Malformed(
                "amount_too_large", f"{self.quantity} × {self.unit_price} is {net}, more than {AMOUNT_MAX}",
                pointer="/data/quantity", amount=net, amount_max=AMOUNT_MAX,
            )  # fmt: skip
        refuse_field(self.net, "net", "it is computed of the quantity and the unit price")

    def net_amount(self) -> int:
        """The net in minor units: as posted, or quantity × unit price rounded half away from zero."""
        if self.net is not None:
            return self.net
        return net_of(self.quantity or 0, self.unit_price or 0)

    def columns(self) -> Columns:
        """The amount column holds the net, computed where it was not posted."""
        return Columns(None, self.currency, self.net if self.net is not None else self.net_amount())


def post(book: Book, customer: Customer, message: Message, now: datetime) -> list[Draft]:
    """Decide on `charge.posted`: its tax category is known, and no charge of this name was posted before."""
    data: ChargePosted = message.data  # type: ignore[assignment]
    if data.tax_category not in book.taxes.rates:
        raise Refusal(
            "tax_category_unknown", f"the book has no tax category {data.tax_category}",
            pointer="/data/tax_category", tax_category=data.tax_category,
        )  # fmt: skip
    refuse_undatable(book, message, now)
    if data.charge in customer.unbilled or data.charge in customer.charges:
        raise Refusal(
            "charge_exists",
            f"the charge {data.charge} was posted before",
            pointer="/data/charge",
            charge=data.charge,
        )
    return [Draft(message.type, data)]


def evolve_posted(customer: Customer, event: Event) -> None:
    """The charge waits for an invoice."""
    data: ChargePosted = event.data  # type: ignore[assignment]
    customer.unbilled[data.charge] = Unbilled(
        data.charge, data.service, data.description, data.currency, data.net_amount(), data.quantity, data.unit_price,
        data.tax_category, data.period, event.time,
    )  # fmt: skip

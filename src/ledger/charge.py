"""Charges: goods or services delivered, not yet billed. Never negative; once billed they are credited."""

from __future__ import annotations

from datetime import date, datetime

from ledger.book import Book, refuse_undatable
from ledger.customer import refuse_closed
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import (
    CurrencyCode,
    Decimal,
    Name,
    Net,
    Period,
    Text,
    refuse_field,
    require_currency,
    require_field,
)  # fmt: skip
from ledger.message import Message
from ledger.money import AMOUNT_MAX, net_of
from ledger.parts import Unbilled
from ledger.references import refuse_dated_before
from ledger.state import Customer


class ChargePosted(Data, frozen=True, kw_only=True):
    """A charge: its net amount, or a quantity and a unit price of which the net is computed."""

    charge: Name
    service: Text
    description: Text | None = None
    currency: CurrencyCode
    net: Net | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    tax_category: Text = "standard"
    period: Period | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if self.quantity is None and self.unit_price is None:
            if self.net is None:
                require_field(self.net, "net", "a charge says its net, or its quantity and unit price")
            return
        require_field(self.quantity, "quantity", "a unit price needs a quantity")
        require_field(self.unit_price, "unit_price", "a quantity needs a unit price")
        refuse_field(self.net, "net", "it is computed of the quantity and the unit price")
        net = self.amount
        if net > AMOUNT_MAX:
            raise Malformed(
                "amount_too_large",
                f"{self.quantity} times {self.unit_price} is {net}, more than {AMOUNT_MAX}",
                pointer="/data/quantity", amount=str(net), amount_max=AMOUNT_MAX,
            )  # fmt: skip

    @property
    def amount(self) -> int:
        """The net in minor units: as posted, or quantity times price, rounded half away from zero."""
        if self.net is not None:
            return self.net
        return net_of(self.quantity or 0, self.unit_price or 0)

    def repeated(self) -> tuple[None, str, int]:
        """Repeat the net in the amount column, computed where it was not posted."""
        return None, self.currency, self.net if self.net is not None else self.amount


class ChargeReverse(Data, frozen=True, kw_only=True):
    """Take back a charge that no invoice bills."""

    charge: Name
    reason: Text


class ChargeReversed(Decided, frozen=True, kw_only=True):
    """A charge was taken back: the whole of it, or the part that a complaint was upheld for."""

    _amount = "net"
    charge: Name
    currency: CurrencyCode
    net: Net
    reason: Text
    period: Period | None = None
    service: Text | None = None


def post(book: Book, customer: Customer, message: Message, data: ChargePosted, now: datetime) -> list[Draft]:
    """Decide on `charge.posted`: its tax category is known, and no charge of this name was posted before."""
    if data.tax_category not in book.taxes.rates:
        raise Refusal(
            "tax_category_unknown", f"the book has no tax category {data.tax_category}",
            pointer="/data/tax_category", tax_category=data.tax_category,
        )  # fmt: skip
    refuse_undatable(book, message, now)
    if data.period is not None:
        book.refuse_closed_day(data.period.from_, "/data/period/from")
    if customer.closed_at is not None:
        refuse_closed(customer, message)
    if data.charge in customer.unbilled or data.charge in customer.charges:
        raise Refusal(
            "charge_exists",
            f"the charge {data.charge} was posted before",
            pointer="/data/charge",
            charge=data.charge,
        )
    return [Draft(message.type, data)]


def reverse(
    book: Book, customer: Customer, message: Message, data: ChargeReverse, now: datetime
) -> list[Draft]:
    """Decide on `charge.reverse`: only what is unbilled [docs/domain.md, Credit notes]."""
    found = find_unbilled(customer, data.charge)
    refuse_undatable(book, message, now)
    charge = refuse_not_unbilled(customer, data.charge, found)
    refuse_dated_before(message, f"charge {charge.charge}", charge.occurred_at)
    if charge.dispute is not None:
        raise Refusal(
            "charge_disputed", f"the charge {charge.charge} is in dispute {charge.dispute}: resolve that",
            pointer="/data/charge", charge=charge.charge, dispute=charge.dispute,
        )  # fmt: skip
    return [Draft("charge.reversed", reversal(charge, charge.net, data.reason))]


def reversal(charge: Unbilled, net: int, reason: str) -> ChargeReversed:
    """Mirror a charge, or so much of its net."""
    return ChargeReversed(
        charge=charge.charge, currency=charge.currency, net=net, reason=reason, period=charge.period,
        service=charge.service,
    )  # fmt: skip


def find_unbilled(customer: Customer, name: str, pointer: str = "/data/charge") -> Unbilled | None:
    """Return a charge, None when it is billed or reversed; refuse one that was never posted."""
    charge = customer.unbilled.get(name)
    if charge is None and name not in customer.charges:
        raise Refusal("charge_unknown", f"the customer has no charge {name}", pointer=pointer, charge=name)
    return charge


def refuse_not_unbilled(
    customer: Customer, name: str, found: Unbilled | None, pointer: str = "/data/charge"
) -> Unbilled:
    """Return a charge that is unbilled, or refuse: the state stage of what `find_unbilled` looked up."""
    if found is not None:
        return found
    invoice = customer.charges[name]
    if not invoice:
        raise Refusal("charge_reversed", f"the charge {name} is reversed", pointer=pointer, charge=name)
    raise Refusal(
        "charge_billed", f"the charge {name} is billed by invoice {invoice}: credit that",
        pointer=pointer, charge=name, invoice=invoice,
    )  # fmt: skip


def nothing_to_bill(currency: str, through: date | datetime) -> Refusal:
    """Say that there is nothing to make an invoice of."""
    return Refusal(
        "nothing_to_bill", f"nothing in {currency} is unbilled through {through.isoformat()}",
        currency=currency, through=through.isoformat(),
    )  # fmt: skip


def evolve_posted(customer: Customer, event: Event, data: ChargePosted) -> None:
    """Let the charge wait for an invoice."""
    customer.unbilled[data.charge] = unbilled(data, event.time)


def unbilled(data: ChargePosted, occurred_at: datetime) -> Unbilled:
    """Take what an invoice needs of a charge."""
    return Unbilled(
        data.charge, data.service, data.description, data.currency,
        data.net if data.net is not None else data.amount,
        data.quantity, data.unit_price, data.tax_category, data.period, occurred_at,
    )  # fmt: skip


def evolve_reversed(customer: Customer, _: Event, data: ChargeReversed) -> None:
    """Take the charge, or a part of it, off what waits for an invoice."""
    charge = customer.unbilled[data.charge]
    if data.net == charge.net:
        del customer.unbilled[data.charge]
        customer.charges[data.charge] = ""
        return
    charge.net -= data.net
    charge.quantity = charge.unit_price = None  # they would no longer multiply to the net

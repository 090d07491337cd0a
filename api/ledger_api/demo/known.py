"""What the ledger has answered about one customer of the demo: its invoices, what is due on each, its credit.

It is folded from the events that the feed gives, never computed from what was sent: the demo pays what the
ledger says is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import msgspec


class Line(msgspec.Struct):
    """One line of an invoice: its net, and the part of the discounts that falls on it (minor units)."""

    line: int
    net: int
    discount: int = 0


class EventData(msgspec.Struct):
    """What the demo reads of the data of any event, in minor units; what an event has not is 0 or empty."""

    name: str = ""
    arm: str = ""
    discount: str | int = ""
    """The name of a discount; of an invoice, how much they took off it."""
    invoice: str = ""
    payment: str = ""
    amount: int = 0
    due_on: date | None = None
    lines: msgspec.Raw = msgspec.Raw(b"[]")
    to_receivable: int = 0
    to_disputed: int = 0
    to_credit: int = 0
    held: int = 0
    released: int = 0
    charged_back: int = 0
    restored: int = 0


class Event(msgspec.Struct):
    """One event of the feed. `subject` is "" in the book's own stream."""

    id: str
    position: int
    type: str
    data: EventData
    subject: str = ""


_read_lines = msgspec.json.Decoder(list[Line]).decode


@dataclass(slots=True)
class Invoice:
    """An invoice as far as the ledger has told. `due` includes `held`, the part that is in dispute."""

    number: str
    due_on: date
    lines: list[Line]
    total: int
    due: int
    held: int = 0
    contested: bool = False
    """Whether the customer complains about it, and pays none of it meanwhile."""
    written_off: int = 0
    """What is given up of it, and no longer part of `due`."""
    seen: bool = False
    """Whether the customer has looked at it: decided once what becomes of it."""
    promises: list[tuple[date, int]] = field(default_factory=list)
    """What the customer means to pay when, in percent of what is then due."""

    @property
    def payable(self) -> int:
        """What the customer is to pay now, in minor units."""
        return 0 if self.contested else self.due - self.held


@dataclass(slots=True)
class Known:
    """One customer's invoices by number, its payments with their amounts, and its credit in minor units."""

    invoices: dict[str, Invoice] = field(default_factory=dict)
    payments: list[tuple[str, int]] = field(default_factory=list)
    credit: int = 0
    arm: str = ""
    """The arm of the trial that was drawn, until it was acted on."""
    requested: list[str] = field(default_factory=list)
    """Discounts that wait for a second person."""

    def learn(self, event: Event) -> None:
        """Take one event in."""
        data = event.data
        invoice = self.invoices.get(data.invoice)
        match event.type:
            case "invoice.issued":
                if data.due_on is None:
                    raise ValueError(f"position {event.position} issues an invoice without a due date")
                self.invoices[data.invoice] = Invoice(
                    data.invoice, data.due_on, _read_lines(data.lines), data.amount, data.amount
                )
            case "payment.received":
                self.payments.append((data.payment, data.amount))
                self.credit += data.amount
            case "trial.assigned":
                self.arm = data.arm
            case "discount.requested":
                self.requested.append(str(data.discount))
            case "payment.returned" | "refund.issued":
                self.credit -= data.amount
            case "dispute.opened":
                self.credit -= data.charged_back
                if invoice:
                    invoice.held += data.held
            case "dispute.resolved":
                self.credit += data.restored
                if invoice:
                    invoice.held -= data.released
            case _ if invoice:
                self._learn_of(invoice, event.type, data)

    def _learn_of(self, invoice: Invoice, type_: str, data: EventData) -> None:
        match type_:
            case "allocation.made":
                invoice.due -= data.amount
                self.credit -= data.amount
            case "allocation.undone":
                invoice.due += data.amount
                self.credit += data.amount
            case "debt.written_off":
                invoice.due -= data.amount
                invoice.written_off += data.amount
            case "debt.recovered":
                invoice.due += data.amount
                invoice.written_off -= data.amount
            case "credit_note.issued":
                invoice.due -= data.to_receivable + data.to_disputed
                invoice.held -= data.to_disputed
                self.credit += data.to_credit

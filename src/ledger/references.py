"""The references stage: what a message names must exist, and be of the message's currency."""

from __future__ import annotations

from datetime import datetime

from ledger.errors import Refusal
from ledger.message import Message
from ledger.parts import Contact, Dispute, Invoice, Source
from ledger.state import Customer


def find_invoice(customer: Customer, number: str, pointer: str = "/data/invoice") -> Invoice:
    """Return an invoice of this customer, the void ones included."""
    invoice = customer.invoice(number)
    if invoice is None:
        raise Refusal(
            "invoice_unknown", f"the customer has no invoice {number}", pointer=pointer, invoice=number
        )
    return invoice


def find_payment(customer: Customer, payment: str, pointer: str = "/data/payment") -> Source:
    """Return a payment that was received from this customer."""
    source = customer.source(payment)
    if source is None:
        raise Refusal(
            "payment_unknown",
            f"no payment {payment} was received from the customer",
            pointer=pointer,
            payment=payment,
        )
    return source


def find_credit_note(customer: Customer, number: str, pointer: str) -> Source:
    """Return the credit that a credit note of this customer left."""
    source = customer.source(credit_note_key(number))
    if source is None:
        raise Refusal(
            "credit_note_unknown",
            f"the customer has no credit note {number}",
            pointer=pointer,
            credit_note=number,
        )
    return source


def find_source(customer: Customer, payment: str | None, credit_note: str | None) -> Source:
    """Return the payment or the credit note that a message names as a source."""
    if payment is not None:
        return find_payment(customer, payment, "/data/source/payment")
    return find_credit_note(customer, credit_note or "", "/data/source/credit_note")


def find_dispute(customer: Customer, dispute: str, pointer: str = "/data/dispute") -> Dispute | None:
    """Return an open dispute, None when it is resolved already."""
    if dispute not in customer.disputes and dispute not in customer.resolved:
        raise Refusal(
            "dispute_unknown", f"the customer has no dispute {dispute}", pointer=pointer, dispute=dispute
        )
    return customer.disputes.get(dispute)


def refuse_resolved(customer: Customer, dispute: str, pointer: str = "/data/dispute") -> Dispute:
    """Return an open dispute that was found; refuse one that has ended."""
    if dispute in customer.resolved:
        raise Refusal(
            "dispute_resolved", f"the dispute {dispute} is resolved already: {customer.resolved[dispute]}",
            pointer=pointer, dispute=dispute, outcome=customer.resolved[dispute],
        )  # fmt: skip
    return customer.disputes[dispute]


def find_contact(customer: Customer, contact: str) -> Contact | None:
    """Return a contact that goes on, None when it has ended."""
    if contact not in customer.contacts and contact not in customer.ended_contacts:
        raise Refusal(
            "contact_unknown",
            f"no contact {contact} of the customer has arrived",
            pointer="/data/contact",
            contact=contact,
        )
    return customer.contacts.get(contact)


def credit_note_key(number: str) -> str:
    """Key of a credit note among the sources; no payment has a name with a stroke in it."""
    return f"credit_note/{number}"


def refuse_currency(
    what: str, currency: str, brought_by: str, brought: str, pointer: str = "/data/currency"
) -> None:
    """Refuse amounts of different currencies that would meet in one sum [docs/domain.md, Money]."""
    if currency != brought:
        raise Refusal(
            "currency_mismatch", f"{what} is {currency}, {brought_by} is {brought}",
            pointer=pointer, of=what, currency=currency, brought_by=brought_by, brought=brought,
        )  # fmt: skip


def refuse_void(invoice: Invoice, pointer: str = "/data/invoice") -> None:
    """Refuse to touch a void invoice; it is only there to be read."""
    if invoice.void:
        raise Refusal(
            "invoice_void", f"invoice {invoice.number} is void", pointer=pointer, invoice=invoice.number
        )


def refuse_dated_before(message: Message, what: str, occurred_at: datetime) -> None:
    """Refuse a command that is dated before what it acts on: no balance of any day may make no sense."""
    if message.time < occurred_at:
        raise Refusal(
            "dated_before",
            f"{message.type} is dated {message.time.isoformat()}, {what} {occurred_at.isoformat()}",
            pointer="/time", time=message.time.isoformat(), of=what, occurred=occurred_at.isoformat(),
        )  # fmt: skip

"""The catalogue: every type of message and event, the shape of its data, and the rules that it stands for.

Each noun's own module holds its shapes and rules; here they are only listed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar, cast

import msgspec

from ledger import (
    allocation,
    charge,
    contact,
    credit_note,
    credit_note_void,
    debt,
    erasure,
    invoice,
    note,
    payment,
    policy,
    refund,
    reminder,
    tax,
    trial,
    verification,
)  # fmt: skip
from ledger import book as books
from ledger import customer as customers
from ledger.agreements import agreement, billing
from ledger.book import Book
from ledger.discounts import discount
from ledger.discounts import offer as discount_offer
from ledger.discounts import request as discount_request
from ledger.disputes import deadline, dispute, handling, opening, resolution
from ledger.event import Data, Draft, Event
from ledger.message import Decode, Message
from ledger.state import Customer
from ledger.trial_plan import TrialRegistered

D = TypeVar("D", bound=Data)
_DecideBook = Callable[[Book, Message, D, datetime], list[Draft]]
_DecideCustomer = Callable[[Book, Customer, Message, D, datetime], list[Draft]]
_EvolveBook = Callable[[Book, Event, D], None]
_EvolveCustomer = Callable[[Customer, Event, D], None]


class _OfBook(NamedTuple):
    data: type[Data]
    decide: _DecideBook[Data]


class _OfCustomer(NamedTuple):
    data: type[Data]
    decide: _DecideCustomer[Data]


class _ToCustomer(NamedTuple):
    data: type[Data]
    evolve: _EvolveCustomer[Data] | None


def _of_book(data: type[D], decide: _DecideBook[D]) -> _OfBook:
    """Pair a message's data with its rules; the pair is type-checked, the table of all pairs cannot be."""
    return _OfBook(data, cast(_DecideBook[Data], decide))


def _of_customer(data: type[D], decide: _DecideCustomer[D]) -> _OfCustomer:
    return _OfCustomer(data, cast(_DecideCustomer[Data], decide))


def _to_customer(data: type[D], evolve: _EvolveCustomer[D] | None = None) -> _ToCustomer:
    """Pair an event's data with what it changes; None where no rule needs to know of it."""
    return _ToCustomer(data, cast(_EvolveCustomer[Data], evolve))


def _to_book(evolve: _EvolveBook[D]) -> _EvolveBook[Data]:
    return cast(_EvolveBook[Data], evolve)


FACTS_OF_BOOK: dict[str, _OfBook] = {
    "account.added": _of_book(books.AccountAdded, books.add_account),
    "period.closed": _of_book(books.PeriodClosed, books.close_period),
    "policy.changed": _of_book(policy.PolicyChanged, policy.change),
    "tax_rate.changed": _of_book(tax.TaxRateChanged, books.change_rate),
    "trial.registered": _of_book(TrialRegistered, trial.register),
}
FACTS_OF_CUSTOMER: dict[str, _OfCustomer] = {
    "agreement.changed": _of_customer(agreement.AgreementChanged, agreement.change),
    "charge.posted": _of_customer(charge.ChargePosted, charge.post),
    "contact.answered": _of_customer(contact.ContactAnswered, contact.answer),
    "contact.arrived": _of_customer(contact.ContactArrived, contact.arrive),
    "contact.ended": _of_customer(contact.ContactEnded, contact.end),
    "customer.changed": _of_customer(customers.CustomerChanged, customers.change),
    "customer.closed": _of_customer(customers.CustomerClosed, customers.close),
    "note.added": _of_customer(note.NoteAdded, note.add),
    "payment.failed": _of_customer(payment.PaymentFailed, payment.fail),
    "payment.received": _of_customer(payment.PaymentReceived, payment.receive),
    "payment.returned": _of_customer(payment.PaymentReturned, payment.return_),
}
"""Facts are recorded under their own type, as they were posted.

`book.opened` and `customer.opened` are the two others: nothing is there yet when they are decided.
"""

COMMANDS: dict[str, _OfCustomer] = {
    "allocation.make": _of_customer(allocation.AllocationMake, allocation.make),
    "allocation.undo": _of_customer(allocation.AllocationUndo, allocation.undo),
    "caller.verify": _of_customer(verification.CallerVerify, verification.verify),
    "charge.reverse": _of_customer(charge.ChargeReverse, charge.reverse),
    "credit_note.issue": _of_customer(credit_note.CreditNoteIssue, credit_note.issue),
    "credit_note.void": _of_customer(credit_note_void.CreditNoteVoid, credit_note_void.void),
    "customer.bill": _of_customer(billing.CustomerBill, billing.bill),
    "debt.recover": _of_customer(debt.DebtRecover, debt.recover),
    "debt.write_off": _of_customer(debt.DebtWriteOff, debt.write_off),
    "customer.erase": _of_customer(erasure.CustomerErase, erasure.erase),
    "discount.accept": _of_customer(discount_offer.DiscountAccept, discount_offer.accept),
    "discount.approve": _of_customer(discount_request.DiscountApprove, discount_request.approve),
    "discount.decline": _of_customer(discount_request.DiscountDecline, discount_request.decline),
    "discount.grant": _of_customer(discount.DiscountGrant, discount.grant),
    "discount.offer": _of_customer(discount_offer.DiscountOffer, discount_offer.offer),
    "discount.refuse": _of_customer(discount_offer.DiscountRefuse, discount_offer.refuse),
    "discount.revoke": _of_customer(discount.DiscountRevoke, discount.revoke),
    "discount.withdraw": _of_customer(discount_request.DiscountWithdraw, discount_request.withdraw),
    "dispute.assign": _of_customer(handling.DisputeAssign, handling.assign),
    "dispute.escalate": _of_customer(handling.DisputeEscalate, handling.escalate),
    "dispute.lapse": _of_customer(deadline.DisputeLapse, deadline.lapse),
    "dispute.open": _of_customer(dispute.DisputeOpen, opening.open_),
    "dispute.resolve": _of_customer(dispute.DisputeResolve, resolution.resolve),
    "dispute.submit_evidence": _of_customer(handling.DisputeSubmitEvidence, handling.submit_evidence),
    "dispute.withdraw": _of_customer(handling.DisputeWithdraw, handling.withdraw),
    "invoice.issue": _of_customer(invoice.InvoiceIssue, invoice.issue),
    "invoice.void": _of_customer(invoice.InvoiceVoid, invoice.void),
    "refund.issue": _of_customer(refund.RefundIssue, refund.issue),
    "reminder.send": _of_customer(reminder.ReminderSend, reminder.send),
    "trial.assign": _of_customer(trial.TrialAssign, trial.assign),
    "verification.start": _of_customer(verification.VerificationStart, verification.start),
}
"""Commands lead to events of other types, and all are about a customer."""

TO_CUSTOMER: dict[str, _ToCustomer] = {
    "agreement.changed": _to_customer(agreement.AgreementChanged, agreement.evolve_changed),
    "allocation.made": _to_customer(allocation.AllocationMade, allocation.evolve_made),
    "allocation.undone": _to_customer(allocation.AllocationUndone, allocation.evolve_undone),
    "caller.verified": _to_customer(verification.CallerVerified, verification.evolve_verified),
    "charge.posted": _to_customer(charge.ChargePosted, charge.evolve_posted),
    "charge.reversed": _to_customer(charge.ChargeReversed, charge.evolve_reversed),
    "contact.answered": _to_customer(contact.ContactAnswered, contact.evolve_answered),
    "contact.arrived": _to_customer(contact.ContactArrived, contact.evolve_arrived),
    "contact.ended": _to_customer(contact.ContactEnded, contact.evolve_ended),
    "credit_note.issued": _to_customer(credit_note.CreditNoteIssued, credit_note.evolve_issued),
    "credit_note.voided": _to_customer(credit_note_void.CreditNoteVoided, credit_note_void.evolve_voided),
    "customer.billed": _to_customer(billing.CustomerBilled, billing.evolve_billed),
    "customer.changed": _to_customer(customers.CustomerChanged, customers.evolve_changed),
    "customer.closed": _to_customer(customers.CustomerClosed, customers.evolve_closed),
    "debt.recovered": _to_customer(debt.DebtRecovered, debt.evolve_recovered),
    "debt.written_off": _to_customer(debt.DebtWrittenOff, debt.evolve_written_off),
    "customer.erased": _to_customer(erasure.CustomerErased, erasure.evolve_erased),
    "discount.accepted": _to_customer(discount_offer.DiscountAccepted),
    "discount.approved": _to_customer(discount_request.DiscountApproved),
    "discount.declined": _to_customer(discount_request.DiscountDeclined, discount_request.evolve_declined),
    "discount.granted": _to_customer(discount.DiscountGranted, discount.evolve_granted),
    "discount.offered": _to_customer(discount_offer.DiscountOffered, discount_offer.evolve_offered),
    "discount.refused": _to_customer(discount_offer.DiscountRefused, discount_offer.evolve_refused),
    "discount.requested": _to_customer(discount.DiscountRequested, discount.evolve_requested),
    "discount.revoked": _to_customer(discount.DiscountRevoked, discount.evolve_revoked),
    "discount.withdrawn": _to_customer(discount_request.DiscountWithdrawn, discount_request.evolve_withdrawn),
    "dispute.assigned": _to_customer(handling.DisputeAssigned, handling.evolve_assigned),
    "dispute.escalated": _to_customer(handling.DisputeEscalated, handling.evolve_escalated),
    "dispute.evidence_submitted": _to_customer(handling.DisputeEvidenceSubmitted, handling.evolve_evidence),
    "dispute.opened": _to_customer(dispute.DisputeOpened, dispute.evolve_opened),
    "dispute.resolved": _to_customer(dispute.DisputeResolved, dispute.evolve_resolved),
    "dispute.withdrawn": _to_customer(handling.DisputeWithdrawn, handling.evolve_withdrawn),
    "invoice.issued": _to_customer(invoice.InvoiceIssued, invoice.evolve_issued),
    "invoice.voided": _to_customer(invoice.InvoiceVoided, invoice.evolve_voided),
    "note.added": _to_customer(note.NoteAdded, note.evolve_added),
    "payment.failed": _to_customer(payment.PaymentFailed),
    "payment.received": _to_customer(payment.PaymentReceived, payment.evolve_received),
    "payment.returned": _to_customer(payment.PaymentReturned, payment.evolve_returned),
    "refund.issued": _to_customer(refund.RefundIssued, refund.evolve_issued),
    "reminder.sent": _to_customer(reminder.ReminderSent, reminder.evolve_sent),
    "trial.assigned": _to_customer(trial.TrialAssigned, trial.evolve_assigned),
    "verification.started": _to_customer(verification.VerificationStarted, verification.evolve_started),
}
"""What each event changes of its customer."""

TO_BOOK: dict[str, _EvolveBook[Data]] = {
    "account.added": _to_book(books.evolve_account),
    "credit_note.issued": _to_book(credit_note.evolve_number),
    "invoice.issued": _to_book(invoice.evolve_number),
    "period.closed": _to_book(books.evolve_closed),
    "policy.changed": _to_book(policy.evolve_changed),
    "tax_rate.changed": _to_book(books.evolve_rate),
    "trial.registered": _to_book(trial.evolve_registered),
}
"""What events change of the book: its own, and those of customers that take a number."""

OPENED: dict[str, type[Data]] = {
    "book.opened": books.BookOpened,
    "customer.opened": customers.CustomerOpened,
}
MESSAGES: dict[str, type[Data]] = OPENED | {
    type_: rule.data
    for table in (FACTS_OF_BOOK, FACTS_OF_CUSTOMER, COMMANDS)
    for type_, rule in table.items()
}
EVENTS: dict[str, type[Data]] = OPENED | {
    type_: rule.data for table in (FACTS_OF_BOOK, TO_CUSTOMER) for type_, rule in table.items()
}
"""All that is recorded, and the shape of its data."""


def _decoder(data: type[Data]) -> Decode:
    return msgspec.json.Decoder(data).decode


DECODERS: dict[str, Decode] = {type_: _decoder(data) for type_, data in MESSAGES.items()}
"""Of each message type, the strict decoder of its data."""

OF_BOOK = frozenset({"book.opened", *FACTS_OF_BOOK})
"""Message types that go to the book's own stream and have no subject."""

EVENT_DECODERS: dict[str, Decode] = {type_: _decoder(data) for type_, data in EVENTS.items()}
"""Of each event type, the decoder of its data."""

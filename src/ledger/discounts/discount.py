"""Discounts: granted within an authority, asked for beyond it, and revoked. `use.py` uses them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.charge import find_unbilled, refuse_not_unbilled
from ledger.customer import refuse_closed
from ledger.discounts import authority
from ledger.discounts.authority import Authority, Exceeded
from ledger.discounts.terms import RecordedTerms, Terms, asked, recorded, worth_of
from ledger.errors import Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Day, Name, Text
from ledger.message import Message
from ledger.parts import Discount, PendingDiscount, Unbilled
from ledger.references import refuse_currency, refuse_dated_before
from ledger.state import Customer


class DiscountGrant(Terms, frozen=True, kw_only=True):
    """Grant a discount: `percent` of what is left, or a fixed `amount`.

    `invoices` is on how many invoices it is used, absent for ever. A fixed discount for one invoice may be
    used up over several; one for more takes its amount off each. One in percent takes off `at_most` that much
    in all, if it says so. Where the book has a policy
    `discount_authority`, what goes beyond the authority of the key's role is a request to a second person.
    """


class DiscountGranted(RecordedTerms, frozen=True, kw_only=True):
    """A discount may be used on invoices from now on."""

    authority: Authority | None = None


class DiscountRequested(RecordedTerms, frozen=True, kw_only=True):
    """A discount beyond its asker's authority waits for the decision of a second person.

    With `offered_until` it is to be offered to the customer when it is approved, else it is granted.
    """

    authority: Authority
    exceeds: Exceeded
    offered_until: Day | None = None


class DiscountRevoke(Data, frozen=True, kw_only=True):
    """Let a discount not be used any more; what it lowered stays lowered."""

    discount: Name
    reason: Text


class DiscountRevoked(Decided, frozen=True, kw_only=True):
    """A discount is not used any more."""

    discount: Name
    reason: Text


def grant(
    book: Book, customer: Customer, message: Message, data: DiscountGrant, now: datetime
) -> list[Draft]:
    """Decide on `discount.grant`: granted within the authority, else requested of a second person."""
    refuse_ungrantable(book, customer, message, data, now)
    held = authority.held(book, customer, message, data, now)
    if held is None:
        return [Draft("discount.granted", recorded(DiscountGranted, data))]
    exceeds = authority.exceeded(held, customer, data)
    if exceeds is None:
        return [Draft("discount.granted", recorded(DiscountGranted, data, authority=held.authority))]
    return [request(data, held.authority, exceeds)]


def request(data: Terms, authority_: Authority, exceeds: Exceeded, **offer: object) -> Draft:
    """Ask a second person for what is beyond an authority."""
    return Draft(
        "discount.requested",
        recorded(DiscountRequested, data, authority=authority_, exceeds=exceeds, **offer),
    )


def refuse_ungrantable(book: Book, customer: Customer, message: Message, data: Terms, now: datetime) -> None:
    """Refuse what nobody could grant: its charge must wait, its currency be one that it can be used in."""
    found = _find_charge(customer, data)
    if data.currency is not None:
        _refuse_unusable(customer, data.currency, found)
    authority.find_criterion(book, data, now)
    refuse_undatable(book, message, now)
    refuse_closed(customer, message)
    taken = (customer.discounts, customer.pending_discounts, customer.ended_discounts)
    if any(data.discount in names for names in taken):
        raise Refusal(
            "discount_exists", f"the customer has a discount {data.discount} already",
            pointer="/data/discount", discount=data.discount,
        )  # fmt: skip
    refuse_charge_gone(customer, data)


def refuse_charge_gone(customer: Customer, data: Terms) -> None:
    """Refuse a discount on a charge that waits for no invoice any more."""
    if data.scope is not None and data.scope.charge is not None:
        refuse_not_unbilled(customer, data.scope.charge, _find_charge(customer, data), "/data/scope/charge")


def _find_charge(customer: Customer, data: Terms) -> Unbilled | None:
    of_charge = None if data.scope is None else data.scope.charge
    return None if of_charge is None else find_unbilled(customer, of_charge, "/data/scope/charge")


def _refuse_unusable(customer: Customer, currency: str, charge: Unbilled | None) -> None:
    if charge is not None:
        refuse_currency(f"charge {charge.charge}", charge.currency, "discount", currency)
    elif currency not in customer.currencies():
        refuse_currency("the customer", customer.currency, "discount", currency)


def revoke(
    book: Book, customer: Customer, message: Message, data: DiscountRevoke, now: datetime
) -> list[Draft]:
    """Decide on `discount.revoke`: once. An issued invoice keeps what the discount took off it.

    Who granted it may; so may whoever could grant as much [docs/domain.md, Authority].
    """
    discount = customer.discounts.get(data.discount)
    if discount is None:
        raise unknown(data.discount)
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"discount {data.discount}", discount.granted_at)
    if discount.revoked:
        raise Refusal(
            "discount_revoked", f"the discount {data.discount} is revoked already",
            pointer="/data/discount", discount=data.discount,
        )  # fmt: skip
    if discount.granted_by != message.principal:
        authority.refuse_revoking(book, message, discount, now)
    return [Draft("discount.revoked", DiscountRevoked(discount=data.discount, reason=data.reason))]


def unknown(discount: str) -> Refusal:
    """Refuse a discount that the customer does not have, or not any more."""
    return Refusal(
        "discount_unknown", f"the customer has no discount {discount}", pointer="/data/discount",
        discount=discount,
    )  # fmt: skip


def evolve_granted(customer: Customer, event: Event, data: DiscountGranted) -> None:
    """Keep the discount for the invoices to come."""
    used_up = data.kind == "fixed" and data.invoices == 1
    offered = customer.pending_discounts.pop(data.discount, None)
    granted_by = offered.principal if offered is not None and offered.kind == "offer" else event.principal
    customer.discounts[data.discount] = Discount(
        data.discount, data.percent, data.amount, data.currency,
        None if data.scope is None else data.scope.charge, None if data.scope is None else data.scope.service,
        event.time, data.until,
        uses_left=None if used_up else data.invoices, amount_left=data.amount if used_up else data.at_most,
        recorded_at=event.recordedtime, worth=worth_of(data), granted_by=granted_by,
    )  # fmt: skip


def evolve_requested(customer: Customer, event: Event, data: DiscountRequested) -> None:
    """Let the request wait for a second person."""
    customer.pending_discounts[data.discount] = pending("request", event, data, data.offered_until)


def pending(
    kind: Literal["request", "offer"], event: Event, data: RecordedTerms, until: Day | None
) -> PendingDiscount:
    """Pack what waits for a decision."""
    return PendingDiscount(
        kind,
        event.principal,
        event.time,
        event.recordedtime,
        _pack(asked(data)),
        worth_of(data),
        data.currency,
        until,
    )


def pending_of(
    book: Book,
    customer: Customer,
    message: Message,
    discount: str,
    kind: Literal["request", "offer"],
    now: datetime,
) -> tuple[PendingDiscount, Terms]:
    """Find the request or the offer that a message answers, and its terms.

    Refuses one that is decided or not there, and a message that is dated where it may not be, or before it.
    """
    waiting = customer.pending_discounts.get(discount)
    if waiting is not None and waiting.kind == kind:
        refuse_undatable(book, message, now)
        of = f"the offer {discount}" if kind == "offer" else f"the request for {discount}"
        refuse_dated_before(message, of, waiting.asked_at)
        return waiting, _unpack(waiting.terms)
    if waiting is None and discount not in customer.discounts and discount not in customer.ended_discounts:
        raise unknown(discount)
    raise Refusal(
        "discount_not_waiting", f"no {kind} for {discount} waits for a decision",
        pointer="/data/discount", discount=discount, kind=kind,
    )  # fmt: skip


def evolve_revoked(customer: Customer, _: Event, data: DiscountRevoked) -> None:
    """Let the discount rest."""
    customer.discounts[data.discount].revoked = True


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Terms).decode

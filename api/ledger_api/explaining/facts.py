"""What the queries of reads/explain.sql find: an invoice as it was recorded, and the events that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ledger.agreements.agreement import Service
from ledger.agreements.billing import BilledService
from ledger.discounts.use import DiscountUsed
from ledger.invoice import InvoiceIssued
from ledger_api.shapes.explain import Cause, CauseKind, DiscountShare, InDispute, Said, Settlement


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """An event, by its position."""

    position: int
    occurred_at: datetime
    recorded_at: datetime
    principal: str

    @property
    def said(self) -> Said:
        """Lay out who recorded it and when."""
        return Said(
            position=self.position, occurred_at=self.occurred_at, recorded_at=self.recorded_at,
            principal=self.principal,
        )  # fmt: skip


class Event(Fact, frozen=True, kw_only=True):
    """An event that may be why something differs, with its type and the id it was posted under."""

    type: str
    id: str

    def cause(self, kind: CauseKind, day: date, invoice: str | None = None) -> Cause:
        """Lay it out as why something differs; `day` is the one that counts."""
        return Cause(
            kind=kind, type=self.type, id=self.id, day=day, invoice=invoice, position=self.position,
            occurred_at=self.occurred_at, recorded_at=self.recorded_at, principal=self.principal,
        )  # fmt: skip


class ChargeFact(Event, frozen=True, kw_only=True):
    """A charge.posted, or the charge.reversed that took a part of one back before it was billed."""

    charge: str


class AgreementFact(Event, frozen=True, kw_only=True):
    """An agreement.changed; `begins` is the day from which these are all the services."""

    begins: date
    services: list[Service]


class RateFact(Event, frozen=True, kw_only=True):
    """What says a rate of tax; `begins` is the day from which it counts, where a tax_rate.changed says it."""

    begins: date | None = None


class TreatmentFact(Event, frozen=True, kw_only=True):
    """A customer.opened or customer.changed that says how the customer is taxed."""

    treatment: str


class RevokedFact(Event, frozen=True, kw_only=True):
    """A discount.revoked."""

    discount: str


class UseFact(Event, frozen=True, kw_only=True):
    """An invoice.issued that used a discount: this one, or one that was not void when this was issued."""

    discount: str
    invoice: str
    amount: int


class Policy(msgspec.Struct, frozen=True):
    """A policy.changed of the authority to grant."""

    position: int
    begins: date


class Step(Event, frozen=True, kw_only=True):
    """What was recorded of a discount."""

    kind: Literal["requested", "approved", "offered", "accepted", "granted"]
    data: dict[str, object]


class Agreed(msgspec.Struct, frozen=True):
    """Days of a service, and the position of the customer.billed that made a charge of them."""

    billed: int
    service: BilledService


class Earlier(msgspec.Struct, frozen=True):
    """The customer's invoice before."""

    position: int
    data: InvoiceIssued


class Settled(msgspec.Struct, frozen=True):
    """What changed the due of an invoice."""

    kind: Literal["payment", "credit", "credit_note", "write_off", "void"]
    amount: int
    position: int
    occurred_at: datetime
    payment: str | None
    credit_note: str | None
    reason: str | None

    @property
    def part(self) -> Settlement:
        """Lay it out."""
        return Settlement(**msgspec.structs.asdict(self))


class Held(msgspec.Struct, frozen=True):
    """What a dispute keeps apart."""

    dispute: str
    amount: int
    position: int
    opened_at: datetime

    @property
    def part(self) -> InDispute:
        """Lay it out."""
        return InDispute(**msgspec.structs.asdict(self))


class InvoiceFacts(msgspec.Struct, frozen=True):
    """One row of the query `invoice`."""

    invoice: str
    customer: str
    state: Literal["open", "paid", "credited", "written_off", "void"]
    due: int
    position: int
    issued_at: datetime
    locale: str
    time_zone: str
    issued: InvoiceIssued
    before: Earlier | None
    charges: list[ChargeFact] | None
    agreed: list[Agreed] | None
    agreements: list[AgreementFact] | None
    steps: list[Step] | None
    policies: list[Policy] | None
    rates: list[RateFact] | None
    settlements: list[Settled] | None
    disputes: list[Held] | None
    through: date | None = None
    """The day through which the customer.bill that made this invoice billed; None of an invoice.issue."""
    closed: Event | None = None
    treatments: list[TreatmentFact] | None = None
    revoked: list[RevokedFact] | None = None
    uses: list[UseFact] | None = None
    lowered: list[ChargeFact] | None = None

    def day_of(self, event: Fact) -> date:
        """Tell the day of the book on which an event occurred."""
        return event.occurred_at.astimezone(ZoneInfo(self.time_zone)).date()

    def agreed_of(self) -> Mapping[str, Agreed]:
        """Tell of each charge that an agreement led to, by its name, which days and price it is for."""
        return {each.service.charge: each for each in self.agreed or ()}


def shares_of(issued: InvoiceIssued) -> list[list[DiscountShare] | None]:
    """Tell of each line what each discount took off it: as recorded, or all of it where there is only one.

    None where several took something off, in an event that does not say which one how much.
    """
    used: Sequence[DiscountUsed] = issued.discounts
    if len(used) == 1:
        (only,) = used
        return [
            [DiscountShare(discount=only.discount, amount=line.discount)] if line.discount else []
            for line in issued.lines
        ]
    if used and not all(each.lines for each in used):
        return [None if line.discount else [] for line in issued.lines]
    shares: list[list[DiscountShare] | None] = [[] for _ in issued.lines]
    for each in used:
        for number, amount in each.lines:
            of_line = shares[number - 1]
            if of_line is not None:
                of_line.append(DiscountShare(discount=each.discount, amount=amount))
    return shares

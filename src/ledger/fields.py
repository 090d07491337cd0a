"""The kinds of fields that messages and events are made of, and shape rules that concern several fields.

A shape rule that msgspec cannot say in a type is called from `__post_init__`, so it holds for whatever is
read: a message from outside as much as an event from the log.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import msgspec

from ledger.errors import Malformed
from ledger.money import AMOUNT_MAX, EXPONENTS

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
"""Text a person reads on one line; `read_message` refuses control characters in every text."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@~-]*\Z")]
"""An identifier that may stand in a URL as it is: a customer, a charge, a payment, an invoice number."""
Amount = Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_MAX)]
"""Minor units of a currency, positive: the type of the message says the direction."""
Net = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX)]
"""Minor units of a currency where nothing is an answer too: a free charge, a part that is not there."""
CurrencyCode = Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
"""ISO 4217; `require_currency` tells whether there is such a one."""
Decimal = (
    Annotated[str, msgspec.Meta(max_length=28, pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z")] | Net
)
"""An exact decimal, not negative: an integer, or text of 15 digits before the point and 12 after it at most.
Unit prices (in minor units; below one is normal for usage), quantities, and rates in percent."""
Percent = (
    Annotated[str, msgspec.Meta(max_length=16, pattern=r"^(0|[1-9][0-9]?|100)(\.[0-9]{1,12})?\Z")]
    | Annotated[int, msgspec.Meta(ge=0, le=100)]
)
Position = Annotated[int, msgspec.Meta(ge=1)]
"""Place of an event in its book's log."""
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256, in lower-case hexadecimal."""
Day = date
"""A calendar date in the book's time zone, `YYYY-MM-DD`."""
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)
"""Nothing is dated outside these: every day and instant between them can be said in every time zone."""
_FIRST_DAY, _FAR_DAY = EARLIEST.date(), LATEST.date()
PERIOD_DAYS_MAX = 3_700
"""The longest service period, ten years: a charge is recognised by month, in so many entries at most."""


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The days on which a service is delivered, both included."""

    from_: Day = msgspec.field(name="from")
    to: Day

    def __post_init__(self) -> None:
        begins, ends = self.from_, self.to
        if _FIRST_DAY <= begins <= ends < _FAR_DAY and (ends - begins).days < PERIOD_DAYS_MAX:
            return
        if ends < begins:
            raise Malformed(
                "period_backwards", f"the period ends on {ends}, before it begins on {begins}",
                pointer="/data/period/to", begins=begins.isoformat(), ends=ends.isoformat(),
            )  # fmt: skip
        if (ends - begins).days >= PERIOD_DAYS_MAX:
            raise Malformed(
                "period_too_long", f"the period from {begins} to {ends} has more than {PERIOD_DAYS_MAX} days",
                pointer="/data/period/to", begins=begins.isoformat(), ends=ends.isoformat(),
                days_max=PERIOD_DAYS_MAX,
            )  # fmt: skip
        refuse_far_day(begins, "/data/period/from")
        refuse_far_day(ends, "/data/period/to")


def refuse_far_day(day: date, pointer: str) -> None:
    """Refuse a day that no calendar of a business has."""
    if not EARLIEST.year <= day.year < LATEST.year:
        raise Malformed(
            "time_out_of_range", f"{day} is not between {EARLIEST.year} and {LATEST.year - 1}",
            pointer=pointer, day=day.isoformat(),
        )  # fmt: skip


def in_utc(instant: datetime, pointer: str) -> datetime:
    """Bring an instant to UTC, as which instants are compared and stored."""
    if not EARLIEST <= instant < LATEST:
        raise Malformed(
            "time_out_of_range",
            f"{instant.isoformat()} is not between {EARLIEST.year} and {LATEST.year - 1}",
            pointer=pointer, time=instant.isoformat(),
        )  # fmt: skip
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def require_currency(currency: str | None) -> None:
    """Refuse a currency that ISO 4217 does not have; None is for the caller who may leave it out."""
    if currency is not None and currency not in EXPONENTS:
        raise Malformed(
            "currency_unknown",
            f"{currency} is no currency of ISO 4217",
            pointer="/data/currency",
            currency=currency,
        )


def require_field(value: object, field: str, why: str) -> None:
    """Refuse a message that leaves out a field which another of its fields makes necessary."""
    if value is None:
        raise Malformed("field_missing", f"{field} is missing: {why}", pointer=f"/data/{field}", field=field)


def refuse_field(value: object, field: str, why: str) -> None:
    """Refuse a message that brings a field which another of its fields makes meaningless."""
    if value is not None:
        raise Malformed(
            "field_not_allowed", f"{field} has no meaning here: {why}", pointer=f"/data/{field}", field=field
        )

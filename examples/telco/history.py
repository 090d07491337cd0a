"""IBM's telco customer churn table as the messages that a billing ledger would have got.

README.md beside this file says what is made of each column, and why. Everything is a pure function of the
table: the same file leads to the same messages.
"""

from __future__ import annotations

import calendar
import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from ledger_api.client import message

BOOK = "telco"
CURRENCY = "USD"
SOURCE = "telco"
LAST_MONTH = (2025, 12)
"""The table has no dates: every customer's months end with this one."""
TENURE_MONTHS_MAX = 72
PAYMENT_DAYS = 14

ADD_ONS: Mapping[str, tuple[str, int]] = {
    "MultipleLines": ("multiple-lines", 500),
    "OnlineSecurity": ("online-security", 500),
    "OnlineBackup": ("online-backup", 500),
    "DeviceProtection": ("device-protection", 500),
    "TechSupport": ("tech-support", 500),
    "StreamingTV": ("streaming-tv", 1_000),
    "StreamingMovies": ("streaming-movies", 1_000),
}
"""Column -> service and its list price in cents; the table has no prices, these are close to what made it."""
PHONE_BESIDE_INTERNET = 2_000
"""List price in cents of a telephone line that comes with an internet connection."""


class Row(NamedTuple):
    """What the history needs of one line of the table, in cents; `total` is None where the cell is empty."""

    customer: str
    tenure: int
    contract: str
    method: str
    monthly: int
    total: int | None
    churned: bool
    services: list[dict[str, str | int]]


class Month(NamedTuple):
    """One calendar month, with its days written out once for all customers."""

    name: str
    first: str
    last: str
    due: date


def cents(text: str) -> int:
    """Read dollars as cents, exactly: `"29.85"` is 2985. Raises ValueError for a part of a cent."""
    amount = Decimal(text) * 100
    if amount != int(amount):
        raise ValueError(f"{text} is no whole number of cents")
    return int(amount)


def read_rows(path: Path) -> list[Row]:
    """Read the table in its own order."""
    with path.open(newline="", encoding="utf-8") as file:
        return [read_row(cells) for cells in csv.DictReader(file)]


def read_row(cells: Mapping[str, str]) -> Row:
    """Read one line of the table."""
    monthly = cents(cells["MonthlyCharges"])
    total = cells["TotalCharges"].strip()
    return Row(
        customer=cells["customerID"],
        tenure=int(cells["tenure"]),
        contract=cells["Contract"],
        method=cells["PaymentMethod"],
        monthly=monthly,
        total=cents(total) if total else None,
        churned=cells["Churn"] == "Yes",
        services=services_of(cells, monthly),
    )


def services_of(cells: Mapping[str, str], monthly: int) -> list[dict[str, str | int]]:
    """List a customer's services; their prices add up to MonthlyCharges, the main one taking the rest."""
    prices = {service: price for column, (service, price) in ADD_ONS.items() if cells[column] == "Yes"}
    internet = cells["InternetService"]
    if internet == "No":
        main = "phone"
    else:
        main = "internet-fibre" if internet == "Fiber optic" else "internet-dsl"
        if cells["PhoneService"] == "Yes":
            prices["phone"] = PHONE_BESIDE_INTERNET
    prices = {main: monthly - sum(prices.values()), **prices}
    return [
        {"service": service, "unit_price": price, "interval": "month", "tax_category": "standard"}
        for service, price in prices.items()
    ]


def charges(tenure: int, monthly: int, total: int | None) -> list[int]:
    """Split TotalCharges over the months: MonthlyCharges each, the last one taking the difference.

    A charge is never negative or zero. Where the months before have already passed the total, the last
    charge is one cent and what is missing is taken from the month before it, then from the one before that,
    and so on, each down to one cent: the charges then show the time at a lower price where it is least
    wrong, at the end. Raises ValueError where even a cent a month is more than the total.
    """
    if tenure == 0 or total is None:
        if tenure or total:
            raise ValueError(f"a tenure of {tenure} months with a total of {total}")
        return []
    nets = [monthly] * (tenure - 1) + [total - monthly * (tenure - 1)]
    missing = max(0, 1 - nets[-1])
    nets[-1] += missing
    for month in range(tenure - 2, -1, -1):
        taken = min(missing, nets[month] - 1)
        nets[month] -= taken
        missing -= taken
    if missing:
        raise ValueError(f"{total} cents cannot be spread over {tenure} months")
    return nets


def months(count: int = TENURE_MONTHS_MAX) -> list[Month]:
    """List the last `count` months up to LAST_MONTH."""
    year, month = LAST_MONTH
    last = year * 12 + month - 1
    return [_month(*divmod(index, 12)) for index in range(last - count + 1, last + 1)]


def _month(year: int, month_from_0: int) -> Month:
    first = date(year, month_from_0 + 1, 1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return Month(f"{first:%Y-%m}", first.isoformat(), last.isoformat(), first + timedelta(days=PAYMENT_DAYS))


def history(row: Row, calendar_: Sequence[Month]) -> Iterator[bytes]:
    """Tell the life of one customer as messages, in the order in which they happened."""
    nets = charges(row.tenure, row.monthly, row.total)
    lived = calendar_[len(calendar_) - row.tenure :]
    since = lived[0].first if lived else calendar_[-1].last
    terms = {"currency": CURRENCY, "payment_days": PAYMENT_DAYS, "billing_day": 1, "segment": row.contract}
    yield _message(row, "customer.opened", "opened", f"{since}T00:00:00Z", terms)
    yield _message(
        row, "agreement.changed", "agreement", f"{since}T00:00:00Z", {"from": since, "services": row.services}
    )
    for month, net in zip(lived, nets, strict=True):
        yield from _bill(row, month, net)
        if not (row.churned and month is lived[-1]):
            yield _pay(row, month, net)
    if row.churned:
        closed = {"by": "customer", "reason": "churned"}
        yield _message(row, "customer.closed", "closed", f"{lived[-1].last}T20:00:00Z", closed)


def _bill(row: Row, month: Month, net: int) -> Iterator[bytes]:
    charge = {
        "charge": f"{row.customer}-{month.name}",
        "service": "monthly",
        "currency": CURRENCY,
        "net": net,
        "tax_category": "standard",
        "period": {"from": month.first, "to": month.last},
    }
    yield _message(row, "charge.posted", f"charge/{month.name}", f"{month.first}T01:00:00Z", charge)
    yield _message(
        row, "invoice.issue", f"invoice/{month.name}", f"{month.first}T06:00:00Z", {"expected_total": net}
    )


def _pay(row: Row, month: Month, amount: int) -> bytes:
    paid_on = month.due + timedelta(days=days_after_due(row, month))
    payment = {
        "payment": f"{row.customer}-{month.name}",
        "currency": CURRENCY,
        "amount": amount,
        "method": row.method,
    }
    return _message(row, "payment.received", f"payment/{month.name}", f"{paid_on}T12:00:00Z", payment)


def days_after_due(row: Row, month: Month) -> int:
    """Say how late a month is paid: always before the next invoice, and the same every time.

    Automatic methods pay on the due date. A mailed check takes three to nine days longer. Of the electronic
    checks, which the customer has to think of, half come up to four days early, and half up to eleven days
    late.
    """
    if "automatic" in row.method:
        return 0
    chance = crc32(f"{row.customer}/{month.name}".encode())
    if row.method == "Mailed check":
        return 3 + chance % 7
    return -(chance // 2 % 5) if chance % 2 else chance // 2 % 12


def _message(row: Row, type_: str, name: str, time: str, data: Mapping[str, object]) -> bytes:
    return message(
        type_, id_=f"{row.customer}/{name}", source=SOURCE, time_=time, data=data, subject=row.customer
    )


def opening() -> bytes:
    """Open the book: one currency, and no tax, since the table's charges are what its customers paid."""
    data = {
        "name": "Telco (IBM sample data)",
        "currency": CURRENCY,
        "time_zone": "UTC",
        "tax_rates": [{"category": "standard", "rate": "0", "from": months()[0].first}],
    }
    return message(
        "book.opened", id_="opened", source=SOURCE, time_=f"{months()[0].first}T00:00:00Z", data=data
    )

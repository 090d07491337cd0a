"""What became of the demo, as the ledger's own reads tell it, for a person to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

import msgspec

from ledger.money import EXPONENTS
from ledger_api.client import Client, Page
from ledger_api.client.bulk import Refused
from ledger_api.demo.biography import CURRENCY, Biography


class _Invoice(msgspec.Struct):
    currency: str
    state: str
    total: int
    allocated: int
    credited: int
    written_off: int
    due: int
    disputed: int


class _Customer(msgspec.Struct):
    status: str


class _Dispute(msgspec.Struct):
    kind: str
    state: str


class _Account(msgspec.Struct):
    account: str
    currency: str
    balance: int


class _Difference(msgspec.Struct):
    currency: str
    difference: int


class _TrialBalance(msgspec.Struct):
    accounts: list[_Account]
    totals: list[_Difference]


_read_invoices = msgspec.json.Decoder(Page[_Invoice]).decode
_read_customers = msgspec.json.Decoder(Page[_Customer]).decode
_read_disputes = msgspec.json.Decoder(Page[_Dispute]).decode
_read_trial_balance = msgspec.json.Decoder(_TrialBalance).decode


@dataclass(slots=True)
class Money:
    """The sums of one currency, in minor units. `outstanding` is all that is due, `disputed` a part of it."""

    invoiced: int = 0
    paid: int = 0
    credited: int = 0
    written_off: int = 0
    outstanding: int = 0
    disputed: int = 0
    credit_held: int = 0
    difference: int = 0
    """What the trial balance is off by: zero."""


@dataclass(slots=True)
class Standing:
    """Where a book stands, by its reads."""

    book: str
    position: int
    customers: dict[str, int]
    invoices: dict[str, int]
    disputes: dict[str, int]
    money: dict[str, Money]
    doubts: list[str] = field(default_factory=list)
    """Where two reads contradict each other: nowhere."""
    life: Biography | None = None
    """The life of one customer, in a book of its own."""


@dataclass(slots=True)
class Run:
    """What a run of the demo sent, and how long it took. Times in seconds."""

    messages: int
    recorded: int
    replayed: int
    events: int
    seconds: float
    refusals: list[Refused]
    projected_seconds: float = 0
    """From the last answer until the read models had everything."""


def read_standing(client: Client, book: str, position: int) -> Standing:
    """Read where a book stands at or behind a position."""
    path, at = f"/v1/books/{book}", {"min_position": position}
    balance = _read_trial_balance(client.get(f"{path}/reports/trial-balance", at).body)
    customers = client.items(f"{path}/customers", at, _read_customers)
    disputes = client.items(f"{path}/disputes", at, _read_disputes)
    standing = Standing(
        book=book,
        position=position,
        customers=dict(Counter(each.status for each in customers)),
        invoices={},
        disputes=dict(Counter(f"{each.kind} {each.state}" for each in disputes)),
        money={each.currency: Money(difference=each.difference) for each in balance.totals},
    )  # fmt: skip
    states: Counter[str] = Counter()
    for invoice in client.items(f"{path}/invoices", at, _read_invoices):
        states[invoice.state] += 1
        _add(standing.money.setdefault(invoice.currency, Money()), invoice)
    standing.invoices = dict(states)
    _compare(standing, balance)
    return standing


def _add(money: Money, invoice: _Invoice) -> None:
    if invoice.state != "void":
        money.invoiced += invoice.total
    money.paid += invoice.allocated
    money.credited += invoice.credited
    money.written_off += invoice.written_off
    money.outstanding += invoice.due
    money.disputed += invoice.disputed


def _compare(standing: Standing, balance: _TrialBalance) -> None:
    """Hold the journal's accounts to what the invoices say."""
    accounts = {(each.currency, each.account): each.balance for each in balance.accounts}
    for currency, money in standing.money.items():
        receivable, disputed = (accounts.get((currency, name), 0) for name in ("receivable", "disputed"))
        money.credit_held = -accounts.get((currency, "customer_credit"), 0)
        if (receivable + disputed, disputed) != (money.outstanding, money.disputed):
            standing.doubts.append(
                f"{currency}: the journal has {receivable + disputed} receivable, {disputed} of it disputed; "
                f"the invoices have {money.outstanding}, {money.disputed} of it disputed"
            )
        if money.difference:
            standing.doubts.append(f"{currency}: the trial balance is off by {money.difference}")


def as_json(standing: Standing, run: Run | None) -> dict[str, object]:
    """Give the summary for programs; amounts in minor units."""
    life = (
        None
        if standing.life is None
        else msgspec.to_builtins([each._asdict() for each in standing.life.steps])
    )
    return {**asdict(standing), "life": life, "run": None if run is None else asdict(run)}


def as_text(standing: Standing, run: Run | None) -> str:
    """Write the summary for a person."""
    facts = _counts(standing) + ([] if run is None else _sent(run))
    lines = [f"{name:<10} {said}" for name, said in facts]
    told = [] if standing.life is None else _life_lines(standing.life)
    doubts = [f"✗ {doubt}" for doubt in standing.doubts]
    return "\n".join(["", *lines, "", *_money_lines(standing), *told, *doubts])


def _life_lines(life: Biography) -> list[str]:
    """Tell one customer's life, each step with the balance that it left."""
    steps = [f"{each.on}  {each.says:<56}{shown(each.balance, CURRENCY):>9}" for each in life.steps]
    zero = [] if life.doubts else ["The trial balance is zero behind every step ✓"]
    return [
        "",
        f"The life of one customer, in the book {life.book}, and the balance in {CURRENCY}:",
        *steps,
        *zero,
    ]


def _counts(standing: Standing) -> list[tuple[str, str]]:
    invoices = ", ".join(f"{count:,} {state}" for state, count in sorted(standing.invoices.items()))
    disputes = ", ".join(f"{count:,} {kind}" for kind, count in sorted(standing.disputes.items()))
    gone = standing.customers.get("closed", 0)
    return [
        ("Customers", f"{sum(standing.customers.values()):,}, {gone:,} of them gone"),
        ("Invoices", f"{sum(standing.invoices.values()):,}: {invoices}"),
        ("Disputes", disputes or "none"),
        ("Log", f"{standing.position:,} events in the book {standing.book}"),
    ]


def _sent(run: Run) -> list[tuple[str, str]]:
    refused = ", ".join(f"{each.count:,} {each.code}" for each in run.refusals)
    messages = f"{run.messages:,}: {run.recorded:,} recorded, {run.replayed:,} answered again"
    rate = f"{run.events / run.seconds:,.0f} events/s" if run.seconds else ""
    readable = f"readable after {run.projected_seconds * 1000:,.0f} ms more"
    return [
        ("Messages", f"{messages}, {sum(each.count for each in run.refusals):,} refused"),
        ("Refused", refused or "nothing"),
        ("Time", f"{run.seconds:.1f} s: {rate} through HTTP, {readable}"),
    ]


def _money_lines(standing: Standing) -> list[str]:
    """Write a column for each currency."""
    columns = []
    for currency, money in standing.money.items():
        sums = (
            money.invoiced,
            money.paid,
            money.credited,
            money.written_off,
            money.outstanding,
            money.disputed,
            money.credit_held,
        )
        balance = f"{shown(money.difference, currency)} {'✓' if money.difference == 0 else '✗'}"
        columns.append([currency, *(f"{shown(amount, currency)}  " for amount in sums), balance])
    names = (
        "",
        "Invoiced",
        "Paid",
        "Credited",
        "Written off",
        "Outstanding",
        "  in dispute",
        "Credit held",
        "Trial balance",
    )
    widths = [max(map(len, column)) for column in columns]
    return [
        f"{name:<14}" + "".join(f"{cell:>{width + 3}}" for cell, width in zip(row, widths, strict=True))
        for name, *row in zip(names, *columns, strict=True)
    ]


def shown(amount: int, currency: str) -> str:
    """Write minor units for a person: 1234567 EUR is 12,345.67."""
    digits = EXPONENTS[currency]
    whole, part = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole:,}" + (f".{part:0{digits}}" if digits else "")

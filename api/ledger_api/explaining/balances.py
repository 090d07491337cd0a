"""A balance laid out and told: what is due of open invoices, less what is left of sources of credit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

import msgspec

from ledger_api.explaining.facts import Held, Settled
from ledger_api.explaining.telling import tell_settled
from ledger_api.shapes.explain import (
    CreditSource,
    ExplainedBalance,
    ExplainedCurrency,
    OpenInvoice,
    Sentence,
)
from ledger_api.tongue import Tongue


class InvoiceFact(msgspec.Struct, frozen=True):
    """An open invoice."""

    invoice: str
    position: int
    issued_on: date
    due_on: date
    total: int
    paid: int
    credited: int
    written_off: int
    disputed: int
    due: int
    settlements: list[Settled]
    disputes: list[Held]


class SourceFact(msgspec.Struct, frozen=True):
    """A source of credit with something left, or overdrawn."""

    kind: Literal["payment", "credit_note"]
    name: str
    position: int
    occurred_at: datetime
    amount: int
    allocated: int
    refunded: int
    returned: int
    charged_back: int
    left: int


class CurrencyFact(msgspec.Struct, frozen=True):
    """A balance in one currency."""

    currency: str
    balance: int
    receivable: int
    disputed: int
    credit: int
    unbilled: int
    invoices: list[InvoiceFact] | None
    sources: list[SourceFact] | None


class BalanceFacts(msgspec.Struct, frozen=True):
    """The row of the query `balance`."""

    locale: str
    time_zone: str
    balances: list[CurrencyFact] | None


def explained(customer: str, facts: BalanceFacts) -> ExplainedBalance:
    """Lay out a customer's balances; the sentences are still to be told."""
    return ExplainedBalance(
        customer=customer,
        balances=[_currency(each) for each in facts.balances or ()],
        language="",
        sentences=[],
    )


def _currency(facts: CurrencyFact) -> ExplainedCurrency:
    return ExplainedCurrency(
        currency=facts.currency,
        balance=facts.balance,
        receivable=facts.receivable,
        disputed=facts.disputed,
        credit=facts.credit,
        unbilled=facts.unbilled,
        invoices=[_invoice(each) for each in facts.invoices or ()],
        sources=[CreditSource(**msgspec.structs.asdict(each)) for each in facts.sources or ()],
    )


def _invoice(fact: InvoiceFact) -> OpenInvoice:
    fields = msgspec.structs.asdict(fact)
    fields["settlements"] = [each.part for each in fact.settlements]
    fields["disputes"] = [each.part for each in fact.disputes]
    return OpenInvoice(**fields)


def tell_balance(tongue: Tongue, explained_: ExplainedBalance) -> list[Sentence]:
    """Tell what is to be paid, and what it is made of."""
    told: list[tuple[str, str]] = []
    for place, balance in enumerate(explained_.balances):
        told += _balance(tongue, balance, f"/balances/{place}")
    if not told:
        told.append(("", tongue.say("no_balance")))
    return [Sentence(about=about, text=text) for about, text in told]


def _balance(tongue: Tongue, balance: ExplainedCurrency, at: str) -> Iterator[tuple[str, str]]:
    currency = balance.currency
    key = "owed" if balance.balance > 0 else "credit" if balance.balance < 0 else "zero"
    yield at, tongue.say(f"balance_{key}", amount=tongue.money(abs(balance.balance), currency))
    for place, invoice in enumerate(balance.invoices):
        yield from _open(tongue, invoice, currency, f"{at}/invoices/{place}")
    for place, source in enumerate(balance.sources):
        yield f"{at}/sources/{place}", tongue.say(
            "overdrawn" if source.left < 0 else f"left_of_{source.kind}",
            name=source.name, day=tongue.day(source.occurred_at),
            amount=tongue.money(source.amount, currency), left=tongue.money(abs(source.left), currency),
        )  # fmt: skip
    if balance.unbilled:
        yield f"{at}/unbilled", tongue.say("unbilled", amount=tongue.money(balance.unbilled, currency))


def _open(tongue: Tongue, invoice: OpenInvoice, currency: str, at: str) -> Iterator[tuple[str, str]]:
    yield (
        at,
        tongue.say(
            "open",
            invoice=invoice.invoice,
            day=tongue.day(invoice.issued_on),
            total=tongue.money(invoice.total, currency),
            due=tongue.money(invoice.due, currency),
            due_on=tongue.day(invoice.due_on),
        ),
    )
    sums = (("paid", invoice.paid), ("credited", invoice.credited), ("given_up", invoice.written_off))
    for key, amount in sums:
        if amount:
            yield at, tongue.say(key, amount=tongue.money(amount, currency))
    yield from tell_settled(tongue, [], invoice.disputes, currency, at)

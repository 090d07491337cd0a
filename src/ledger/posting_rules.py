"""From event to postings: the chart of accounts and the rules that every book starts with.

Both are data of the book. They stand in its `book.opened` and change by `account.added` and `policy.changed`;
what is here is only the set that a book gets which brings none of its own. A rule is one posting: `sign`
times the `measure` of the event on `account` (debit is positive). The rules of one event sum to zero because
its measures are tied by the identities below, never because of a value that they happen to have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from ledger.errors import Malformed
from ledger.event import Data, Event
from ledger.fields import Name, Text

AccountKind = Literal["asset", "liability", "income", "expense"]
Part = Literal["now", "deferred", "period"]


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place in the chart of accounts. A contra account (discounts) is of the kind that it lowers."""

    account: Name
    name: Text
    kind: AccountKind


class PostingRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One posting of one type of event.

    `measure` names the field of the event's data that holds the minor units, an absent field counting as 0;
    `amount` is the amount column. `part` says when: `now` on the occurred date. A charge with a service
    period has instead `deferred` on the occurred date and `period` once for each calendar month that the
    period touches, with that month's part of the amount.
    """

    event: Text
    part: Part
    account: Name
    sign: Literal[1, -1]
    measure: Name


_ACCOUNTS: tuple[tuple[str, str, AccountKind], ...] = (
    ("cash", "Cash at bank and payment processors", "asset"),
    ("receivable", "Receivable from customers", "asset"),
    ("disputed", "Receivable in dispute", "asset"),
    ("unbilled", "Delivered, not yet billed", "asset"),
    ("customer_credit", "Credit held for customers", "liability"),
    ("tax_payable", "Tax collected", "liability"),
    ("deferred_revenue", "Billed or promised, not yet delivered", "liability"),
    ("revenue", "Revenue", "income"),
    ("discounts", "Discounts granted", "income"),
    ("credit_notes", "Credit notes", "income"),
    ("dispute_fees", "Fees for chargebacks and returned payments", "expense"),
    ("bad_debt", "Debt written off", "expense"),
)

DEFAULT_ACCOUNTS: tuple[Account, ...] = tuple(
    Account(account=account, name=name, kind=kind) for account, name, kind in _ACCOUNTS
)

_TABLE = """
charge.posted      now       unbilled         + amount          revenue          - amount
charge.posted      deferred  unbilled         + amount          deferred_revenue - amount
charge.posted      period    deferred_revenue + amount          revenue          - amount
charge.reversed    now       revenue          + amount          unbilled         - amount
charge.reversed    deferred  deferred_revenue + amount          unbilled         - amount
charge.reversed    period    revenue          + amount          deferred_revenue - amount
invoice.issued     now       receivable       + amount          discounts        + discount
invoice.issued     now       unbilled         - net             tax_payable      - tax
invoice.voided     now       unbilled         + net             tax_payable      + tax
invoice.voided     now       receivable       - amount          discounts        - discount
credit_note.issued now       credit_notes     + net             tax_payable      + tax
credit_note.issued now       receivable       - to_receivable   disputed         - to_disputed
credit_note.issued now       customer_credit  - to_credit
credit_note.voided now       tax_payable      - tax             credit_notes     - net
credit_note.voided now       receivable       + to_receivable   disputed         + to_disputed
credit_note.voided now       customer_credit  + to_credit
payment.received   now       cash             + amount          customer_credit  - amount
payment.returned   now       customer_credit  + amount          cash             - amount
payment.returned   now       dispute_fees     + fee             cash             - fee
allocation.made    now       customer_credit  + amount          receivable       - amount
allocation.undone  now       receivable       + amount          customer_credit  - amount
refund.issued      now       customer_credit  + amount          cash             - amount
dispute.opened     now       disputed         + held            receivable       - held
dispute.opened     now       customer_credit  + charged_back    cash             - charged_back
dispute.opened     now       dispute_fees     + fee             cash             - fee
dispute.resolved   now       receivable       + released        disputed         - released
dispute.resolved   now       cash             + restored        customer_credit  - restored
dispute.resolved   now       cash             + fee_returned    dispute_fees     - fee_returned
debt.written_off   now       bad_debt         + net             tax_payable      + tax
debt.written_off   now       receivable       - amount
debt.recovered     now       receivable       + amount
debt.recovered     now       bad_debt         - net             tax_payable      - tax
"""


def _rules(table: str) -> tuple[PostingRule, ...]:
    rules = []
    for row in table.split("\n"):
        event, part, *postings = row.split() or ("", "")
        rules += [
            PostingRule(event=event, part=msgspec.convert(part, Part), account=account, measure=measure,
                        sign=1 if sign == "+" else -1)
            for account, sign, measure in zip(*[iter(postings)] * 3, strict=True)
        ]  # fmt: skip
    return tuple(rules)


DEFAULT_RULES = _rules(_TABLE)

_OF_INVOICE = {"amount": {"net": 1, "discount": -1, "tax": 1}}
_OF_NOTE = {
    "amount": {"net": 1, "tax": 1},
    "to_receivable": {"net": 1, "tax": 1, "to_disputed": -1, "to_credit": -1},
}
_OF_DEBT = {"amount": {"net": 1, "tax": 1}}
_TIES: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "invoice.issued": _OF_INVOICE,
    "invoice.voided": _OF_INVOICE,
    "credit_note.issued": _OF_NOTE,
    "credit_note.voided": _OF_NOTE,
    "debt.written_off": _OF_DEBT,
    "debt.recovered": _OF_DEBT,
}
"""What always holds between the measures of one event, as each tied measure in terms of the free ones."""

MEASURES: Mapping[str, frozenset[str]] = {
    event: frozenset(rule.measure for rule in DEFAULT_RULES if rule.event == event)
    | frozenset(_TIES.get(event, ()))
    for event in {rule.event for rule in DEFAULT_RULES}
}
"""What can be measured of each type of event that moves money."""


def refuse_unbalanced(rules: Sequence[PostingRule]) -> None:
    """Refuse rules that name what no event has, or whose postings would not sum to zero for every event."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for place, rule in enumerate(rules):
        if rule.measure not in MEASURES.get(rule.event, ()):
            raise Malformed(
                "measure_unknown", f"there is no {rule.measure} to be measured of {rule.event}",
                pointer=f"/data/rules/{place}/measure", event=rule.event, measure=rule.measure,
            )  # fmt: skip
        free = _TIES.get(rule.event, {}).get(rule.measure, {rule.measure: 1})
        of_part = sums.setdefault((rule.event, rule.part), {})
        for measure, factor in free.items():
            of_part[measure] = of_part.get(measure, 0) + rule.sign * factor
    for (event, part), of_part in sums.items():
        left = {measure: factor for measure, factor in of_part.items() if factor}
        if left:
            raise Malformed(
                "rules_unbalanced", f"the {part} postings of {event} do not sum to zero: {left} is left over",
                pointer="/data/rules", event=event, part=part, left=left,
            )  # fmt: skip


Unposted = Mapping[str, frozenset[str]]
"""Of types of events, the measures that a set of rules would leave out of the journal."""


def unposted(rules: Iterable[PostingRule]) -> Unposted:
    """Tell what a set of rules has no rule for. Of measures that are tied, one that is named is enough."""
    named: dict[str, set[str]] = {}
    for rule in rules:
        named.setdefault(rule.event, set()).add(rule.measure)
    return {
        event: left
        for event, measures in MEASURES.items()
        if (left := measures - named.get(event, set())) and not (event in _TIES and event in named)
    }


class Posting(NamedTuple):
    """One signed amount on one account, debit positive."""

    account: str
    currency: str
    amount: int


def postings(rules: Iterable[PostingRule], event: Event) -> list[Posting]:
    """Apply the rules to one event, a service period as a whole; postings of nothing are left out.

    The journal does the same in SQL, and by month; this is for tests, for verifying, and for reading.
    """
    columns = event.data.columns()
    parts = {"now"} if getattr(event.data, "period", None) is None else {"deferred", "period"}
    found = []
    for rule in rules:
        if rule.event != event.type or rule.part not in parts:
            continue
        measured = measure_of(event.data, rule.measure)
        if measured:
            found.append(Posting(rule.account, columns.currency or "", rule.sign * measured))
    return found


def measure_of(data: Data, measure: str) -> int | None:
    """Measure an event, in minor units."""
    measured: int | None = data.columns().amount if measure == "amount" else getattr(data, measure)
    return measured

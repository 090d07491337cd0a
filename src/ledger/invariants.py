"""What must hold of every state at every position: named functions that say what they found wrong.

Each yields one sentence for each thing that contradicts it, and nothing when all is well. They look at
everything, settled parts too, so they are for tests and for verifying a book, never for a decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from ledger import relief
from ledger.event import Event
from ledger.money import percent_of
from ledger.parts import Invoice, Run
from ledger.posting_rules import PostingRule, postings
from ledger.state import Customer


class Whole:
    """A customer with every invoice and source unpacked: once, however many look at them.

    `touched` are the invoices of which anything was credited or given up, or that could say so wrongly.
    """

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.invoices = list(customer.invoices())
        self.sources = list(customer.sources())
        self.touched = [invoice for invoice in self.invoices if _touched(invoice)]


def _touched(invoice: Invoice) -> bool:
    if invoice.credited or invoice.written_off or invoice.notes or invoice.total < 0:
        return True
    for line in invoice.lines:
        if line.credited or line.net < 0:
            return True
    for group in invoice.taxes:
        if group.credited_base or group.credited_tax or group.relieved_base or group.relieved_tax:
            return True
        if "-" in group.rate:
            return True
    return False


def due_is_never_negative(whole: Whole) -> Iterator[str]:
    """Find invoices with less than nothing due, in dispute or outside."""
    for invoice in whole.invoices:
        if invoice.receivable < 0 or invoice.disputed < 0:
            yield f"{invoice.number} has {invoice.receivable} receivable and {invoice.disputed} disputed"


def due_is_total_less_what_lowered_it(whole: Whole) -> Iterator[str]:
    """Find a due that is not total less allocated, credited, written off; what became credit lowered none."""
    over = Counter[str]()
    for source in whole.sources:
        if source.key.startswith("credit_note/"):
            over["credit"] += source.amount
    lowered = 0
    for invoice in whole.invoices:
        if not invoice.void:
            lowered += invoice.total - invoice.allocated - invoice.credited - invoice.written_off
            lowered -= invoice.receivable + invoice.disputed
    if lowered != -over["credit"]:
        yield f"{-lowered} was credited of invoices beyond their due, credit notes left {over['credit']}"


def no_source_is_over_allocated(whole: Whole) -> Iterator[str]:
    """Find sources with more or less left than was not taken, or below zero by more than a bank took back."""
    for source in whole.sources:
        amounts = [amount for _, amount in source.allocations]
        allocated = sum(amounts)
        if source.left != source.refundable - allocated:
            yield f"{source.key} has {source.left} left, not {source.refundable} less {allocated} allocated"
        if source.left < 0 and (allocated or source.returned + source.charged_back == 0):
            yield f"{source.key} is overdrawn by {-source.left} with {allocated} allocated"
        if amounts and min(amounts) < 1:
            yield f"{source.key} has an allocation that is not positive"


def allocations_are_seen_from_both_sides(whole: Whole) -> Iterator[str]:
    """Find invoices that say another allocated sum than their sources."""
    allocated: dict[str, int] = {}
    for source in whole.sources:
        for number, amount in source.allocations:
            allocated[number] = allocated.get(number, 0) + amount
    for invoice in whole.invoices:
        if invoice.allocated != allocated.pop(invoice.number, 0):
            yield f"{invoice.number} has {invoice.allocated} allocated, its sources say otherwise"
    for number, amount in allocated.items():
        yield f"{amount} is allocated to {number}, which is not there"


def credit_stays_within_lines(whole: Whole) -> Iterator[str]:
    """Find lines credited above their net, and tax groups that do not agree with their lines."""
    for invoice in whole.touched:
        for place, line in enumerate(invoice.lines, start=1):
            if not 0 <= line.credited <= line.net:
                yield f"line {place} of {invoice.number} is credited {line.credited} of {line.net}"
        yield from _credited_tax(invoice)


def _credited_tax(invoice: Invoice) -> Iterator[str]:
    credited = 0
    for group in invoice.taxes:
        key = group.category, group.rate
        lines = [line for line in invoice.lines if (line.category, line.rate) == key]
        noted = [tax for note in invoice.notes for tax in note.taxes if (tax.category, tax.rate) == key]
        base, tax = sum(line.credited for line in lines), sum(each.tax for each in noted)
        whole = sum(line.net for line in lines)
        whole_tax = percent_of(whole, group.rate)
        said = f"{invoice.number}: {group.category} is credited {group.credited_base} + {group.credited_tax}"
        if {base, sum(each.base for each in noted)} != {group.credited_base} or tax != group.credited_tax:
            yield f"{said}, its lines and credit notes {base} + {tax}"
        if tax > whole_tax or (base == whole and tax != whole_tax):
            yield f"{said} of {whole} + {whole_tax}"
        credited += base + tax
    if credited != invoice.credited:
        yield f"{invoice.number} is credited {invoice.credited}, its lines and taxes {credited}"
    if credited > invoice.total:
        yield f"{invoice.number} is credited {credited}, more than its total of {invoice.total}"


def relief_stays_within_what_was_billed(whole: Whole) -> Iterator[str]:
    """Find tax groups of which more is credited and relieved than was billed, and write-offs below zero."""
    for invoice in whole.touched:
        given_up = relief.given_up(invoice)
        if min(given_up) < 0:
            yield f"{invoice.number} has {invoice.written_off} written off, in parts {given_up}"
        if not invoice.void and any(relief.excess(invoice, ())):
            yield f"{invoice.number} is credited and relieved beyond what was billed: {given_up} relieved"


def disputed_is_what_complaints_hold(whole: Whole) -> Iterator[str]:
    """Find invoices in dispute by another sum than open complaints hold, and charges kept off for none."""
    held = Counter[str]()
    for dispute in whole.customer.disputes.values():
        if dispute.kind == "complaint" and dispute.invoice is not None:
            held[dispute.invoice] += dispute.held
    for invoice in whole.invoices:
        of_complaints = held.get(invoice.number, 0)
        if invoice.disputed != of_complaints:
            yield f"{invoice.number} has {invoice.disputed} disputed, its complaints hold {of_complaints}"
        for name in invoice.disputes:
            if name not in whole.customer.disputes:
                yield f"{invoice.number} waits for dispute {name}, which is not open"
    for charge in whole.customer.unbilled.values():
        if charge.dispute is not None and charge.dispute not in whole.customer.disputes:
            yield f"charge {charge.charge} waits for dispute {charge.dispute}, which is not open"


def chargebacks_stay_within_payments(whole: Whole) -> Iterator[str]:
    """Find payments whose chargebacks together pass them, or were won twice."""
    for source in whole.sources:
        if not 0 <= source.charged_back <= source.amount:
            yield f"{source.charged_back} of {source.key} is charged back, it was {source.amount}"


def every_charge_is_in_one_place(whole: Whole) -> Iterator[str]:
    """Find charges that are not exactly one of unbilled, on one line of one invoice, and reversed."""
    billed = {line.charge.charge: invoice.number for invoice in whole.invoices for line in invoice.lines}
    said = {charge: number for charge, number in whole.customer.charges.items() if number}
    if billed != said:
        yield f"charges on invoices differ from charges billed: {sorted(billed.items() ^ said.items())}"
    twice = whole.customer.unbilled.keys() & whole.customer.charges.keys()
    if twice:
        yield f"charges both unbilled and done with: {sorted(twice)}"
    for charge in whole.customer.unbilled.values():
        if charge.net < 0:
            yield f"charge {charge.charge} is {charge.net}"


def no_day_of_a_service_is_billed_twice(whole: Whole) -> Iterator[str]:
    """Find days of a service that two charges bill, and charges that bill days and were never posted."""
    for service, runs in whole.customer.runs.items():
        last: Run | None = None
        for run in sorted(runs, key=lambda each: each.from_):
            if last is not None and run.from_ <= last.to:
                yield f"{service} is billed from {run.from_} by {run.charge}, to {last.to} by {last.charge}"
            if run.net < 0 or run.days < 1:
                yield f"{run.charge} bills {service} from {run.from_} to {run.to} for {run.net}"
            if run.charge not in whole.customer.unbilled and run.charge not in whole.customer.charges:
                yield f"{run.charge} bills {service} and was never posted"
            last = run


def discounts_stay_within_their_grant(whole: Whole) -> Iterator[str]:
    """Find discounts used more often, or for more, than granted."""
    for discount in whole.customer.discounts.values():
        if discount.uses_left is not None and discount.uses_left < 0:
            yield f"discount {discount.discount} was used too often: {discount.uses_left} left"
        if discount.amount_left is not None and not 0 <= discount.amount_left <= (discount.worth or 0):
            yield f"discount {discount.discount} has {discount.amount_left} of {discount.worth} left"


def settled_is_kept_apart(whole: Whole) -> Iterator[str]:
    """Find settled invoices and sources among the open ones, or in both."""
    for invoice in whole.customer.open_invoices.values():
        if not (invoice.due or invoice.disputes):
            yield f"{invoice.number} is among the open invoices with nothing due"
    for source in whole.customer.open_sources.values():
        if source.left == 0:
            yield f"{source.key} is among the open sources with nothing left"
    twice = (whole.customer.open_invoices.keys() & whole.customer.settled_invoices.keys()) | (
        whole.customer.open_sources.keys() & whole.customer.spent_sources.keys()
    )
    if twice:
        yield f"both open and settled: {sorted(twice)}"


OF_CUSTOMER: tuple[Callable[[Whole], Iterator[str]], ...] = (
    due_is_never_negative,
    due_is_total_less_what_lowered_it,
    no_source_is_over_allocated,
    allocations_are_seen_from_both_sides,
    credit_stays_within_lines,
    relief_stays_within_what_was_billed,
    disputed_is_what_complaints_hold,
    chargebacks_stay_within_payments,
    every_charge_is_in_one_place,
    no_day_of_a_service_is_billed_twice,
    discounts_stay_within_their_grant,
    settled_is_kept_apart,
)
"""What holds of one customer's state."""


def broken(customer: Customer) -> Iterator[tuple[str, str]]:
    """Find all that one customer's state breaks: names of invariants, and what each says."""
    whole = Whole(customer)
    for each in OF_CUSTOMER:
        for said in each(whole):
            yield each.__name__, said


def every_event_balances(event: Event, rules: Iterable[PostingRule]) -> Iterator[str]:
    """Find an event whose postings do not sum to zero."""
    total = sum(posting.amount for posting in postings(rules, event))
    if total:
        yield f"the postings of {event.type} at position {event.position} sum to {total}"


def postings_agree_with_state(customer: Customer, balances: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Find balances (account, currency) by postings, on the default chart, that a customer's state denies."""
    stated = Counter[tuple[str, str]]()
    for invoice in customer.open_invoices.values():
        stated["receivable", invoice.currency] += invoice.receivable
        stated["disputed", invoice.currency] += invoice.disputed
    for source in customer.open_sources.values():
        stated["customer_credit", source.currency] -= source.left
    for charge in customer.unbilled.values():
        stated["unbilled", charge.currency] += charge.net
    for account, currency in {(a, c) for a, c in balances if a in STATED} | stated.keys():
        booked = balances.get((account, currency), 0)
        state = stated[account, currency]
        if booked != state:
            yield f"{account} in {currency} is {booked} by the postings, {state} by the state"


STATED = frozenset({"receivable", "disputed", "customer_credit", "unbilled"})
"""The accounts of the default chart that a customer's state speaks of."""


class Placed(Protocol):
    """What has a place in the log, and may take a number."""

    @property
    def position(self) -> int:
        """Its place."""

    @property
    def data(self) -> object:
        """What may have a `series` and a `sequence`."""


def numbers_have_no_gaps(events: Iterable[Placed]) -> Iterator[str]:
    """Find gaps in the numbers of invoices and credit notes, each series in position order."""
    last: dict[str, int] = {}
    for event in events:
        said = gap(event, last)
        if said is not None:
            yield said


def gap(event: Placed, last: dict[str, int]) -> str | None:
    """Say so when an event takes another number than the next one of its series; None when all is well.

    `last` are the numbers that were taken last, of each series; the event's becomes one of them.
    """
    series = getattr(event.data, "series", None)
    if series is None:
        return None
    sequence = getattr(event.data, "sequence", None)
    before = last.get(series, 0)
    last[series] = sequence or 0
    if sequence == before + 1:
        return None
    return f"position {event.position} takes {series} {sequence} after {before}"

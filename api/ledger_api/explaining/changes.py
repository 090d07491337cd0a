"""What is different from the customer's invoice before, and why; they sum to the difference of totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from ledger.invoice import InvoiceIssued, InvoiceLine
from ledger_api.explaining.causes import Causes
from ledger_api.explaining.discount_causes import DiscountCauses
from ledger_api.explaining.facts import Agreed, InvoiceFacts
from ledger_api.shapes.explain import Because, Cause, Change, Changes


class _Billed(NamedTuple):
    """A line, and the agreed price that it is of."""

    line: InvoiceLine
    agreed: Agreed | None


class _Pair(NamedTuple):
    """What both invoices say of the same thing."""

    before: list[_Billed]
    after: list[_Billed]


def changes_of(facts: InvoiceFacts) -> Changes | None:
    """Compare an invoice with the one before; None of the first."""
    if facts.before is None:
        return None
    before, after, causes = facts.before.data, facts.issued, Causes(facts)
    services = list(_of_services(before, after, facts.agreed_of(), causes))
    ended = {each.name: each.causes for each in services if (each.kind, each.change) == ("service", "ended")}
    parts = [
        *services,
        *_of_discounts(before, after, DiscountCauses(facts, ended)),
        *_of_taxes(before, after, causes),
    ]
    return Changes(
        invoice=before.invoice,
        position=facts.before.position,
        issued_on=before.issued_on,
        total=before.amount,
        amount=after.amount - before.amount,
        parts=parts,
    )


def _of_services(
    before: InvoiceIssued, after: InvoiceIssued, agreed: Mapping[str, Agreed], causes: Causes
) -> Iterator[Change]:
    """Compare the nets of each service that is agreed, and of the charges of each other one."""
    pairs: dict[tuple[str, bool], _Pair] = {}
    for invoice, place in ((after, 1), (before, 0)):
        for line in invoice.lines:
            of_line = agreed.get(line.charge)
            pair = pairs.setdefault((line.service, of_line is not None), _Pair([], []))
            pair[place].append(_Billed(line, of_line))
    for (service, is_agreed), pair in pairs.items():
        net_before, net_after = _net(pair.before), _net(pair.after)
        because: list[Because] = list(_because(pair)) if pair.before and pair.after else []
        if net_before == net_after and not because and pair.before and pair.after:
            continue
        if is_agreed:
            by = _of_agreed(service, pair, causes)
            if not (by or because):
                because = ["not_recorded"] if pair.after else ["not_due"]
        else:
            then, now = ([each.line.charge for each in billed] for billed in pair)
            by = causes.of_charges(then, now, before.invoice)
        yield Change(
            kind="service" if is_agreed else "charge",
            name=service,
            before=net_before,
            after=net_after,
            amount=net_after - net_before,
            change="changed" if pair.before and pair.after else "added" if pair.after else "ended",
            because=because,
            causes=by,
            description=(pair.after or pair.before)[-1].line.description,
            lines=[each.line.line for each in pair.after],
            positions=sorted(_positions(pair.after)),
        )


def _net(billed: Iterable[_Billed]) -> int:
    return sum(each.line.net for each in billed)


def _positions(billed: Iterable[_Billed]) -> set[int]:
    return {
        each.agreed.service.agreement_position
        for each in billed
        if each.agreed is not None and each.agreed.service.agreement_position is not None
    }


def _of_agreed(service: str, pair: _Pair, causes: Causes) -> list[Cause]:
    """Name the events behind a service that is new, billed otherwise, or not billed any more."""
    before = [each.agreed for each in pair.before if each.agreed]
    after = [each.agreed for each in pair.after if each.agreed]
    return causes.of_terms(before, after) if after else causes.of_end(service, before)


def _because(pair: _Pair) -> Iterator[Because]:
    """Say in what the lines of a service differ: terms, the share of the interval, how many intervals."""
    if any(each.agreed is None for each in (*pair.before, *pair.after)):
        if _net(pair.before) != _net(pair.after):
            yield "amounts"
        return
    before = [each.agreed.service for each in pair.before if each.agreed]
    after = [each.agreed.service for each in pair.after if each.agreed]
    if {(one.unit_price, one.interval) for one in before} != {
        (one.unit_price, one.interval) for one in after
    }:
        yield "price"
    if {one.quantity for one in before} != {one.quantity for one in after}:
        yield "quantity"
    if {one.tax_category for one in before} != {one.tax_category for one in after}:
        yield "tax_category"
    if any(one.days != one.interval_days for one in (*before, *after)):
        yield "days"
    elif len(before) != len(after):
        yield "intervals"


def _of_discounts(before: InvoiceIssued, after: InvoiceIssued, causes: DiscountCauses) -> Iterator[Change]:
    """Compare what each discount takes off; one that goes on may only have more or less to lower."""
    then = {each.discount: each.amount for each in before.discounts}
    now = {each.discount: each.amount for each in after.discounts}
    for name in {**now, **then}:
        taken_before, taken = -then.get(name, 0), -now.get(name, 0)
        if taken_before == taken:
            continue
        change = _kind(name, then, now)
        if change == "ended":
            by = causes.of_end(name)
        elif change == "added":
            by = causes.of_grant(name)
        else:
            by = causes.of_use(name) if taken > taken_before else []
        yield Change(
            kind="discount", change=change, name=name, before=taken_before, after=taken,
            amount=taken - taken_before, because=["amounts"] if change == "changed" and not by else [],
            causes=by,
        )  # fmt: skip


def _of_taxes(before: InvoiceIssued, after: InvoiceIssued, causes: Causes) -> Iterator[Change]:
    """Compare the tax of each category; where its rate changed that is said, and no part is guessed."""
    then, now = _by_category(before), _by_category(after)
    for category in {**now, **then}:
        tax_before, rates_before = then.get(category, (0, ()))
        tax_after, rates_after = now.get(category, (0, ()))
        changed = category in then and category in now and rates_before != rates_after
        if changed:
            by = causes.of_rates(category, (each.rate_position for each in before.lines))
        else:
            by = [] if category in then and category in now else causes.of_treatment()
        if tax_before != tax_after or changed:
            yield Change(
                kind="tax",
                name=category,
                before=tax_before,
                after=tax_after,
                amount=tax_after - tax_before,
                change=_kind(category, then, now),
                because=["rate"] if changed else [] if by else ["amounts"],
                causes=by,
                rate_before=rates_before[0] if len(rates_before) == 1 else None,
                rate_after=rates_after[0] if len(rates_after) == 1 else None,
            )


def _by_category(issued: InvoiceIssued) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Sum the tax of each category, with its rates."""
    found: dict[str, tuple[int, tuple[str, ...]]] = {}
    for tax in issued.taxes:
        so_far, rates = found.get(tax.category, (0, ()))
        found[tax.category] = so_far + tax.tax, (*rates, tax.rate)
    return found


def _kind(
    name: str, then: Mapping[str, object], now: Mapping[str, object]
) -> Literal["added", "ended", "changed"]:
    return "changed" if name in then and name in now else "added" if name in now else "ended"

"""Relief: which tax is in debt that is given up, and in debt that is made good again.

Debt is split over *cells*: of each tax group of its invoice the net and the tax, then one for what has no tax
in it. A part takes of every cell by what that holds, by largest remainder; so all parts together take exactly
the whole, group by group, and no relief is ever more than the tax that is owed [docs/domain.md, Debt].
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.money import percent_of, split
from ledger.parts import Invoice
from ledger.tax import Tax

Cells = list[int]
"""Net and tax of each group, in the order of the invoice's groups, and last what is untaxed."""


def owed(invoice: Invoice) -> Cells:
    """Tell what can still be given up of each group; what is due beyond that has no tax left in it."""
    whole, gone = _billed(invoice), _gone(invoice)
    cells = [one - other for one, other in zip(whole, gone, strict=True)]
    return [*cells, max(0, invoice.due - sum(cells))]


def given_up(invoice: Invoice) -> Cells:
    """Tell what is written off of each group; what was written off without relief counts as untaxed."""
    cells = [part for group in invoice.taxes for part in (group.relieved_base, group.relieved_tax)]
    return [*cells, invoice.written_off - sum(cells)]


def excess(invoice: Invoice, credited: Iterable[Tax]) -> Cells:
    """Tell how much of what is written off a credit note takes the ground from, group by group.

    Of a group, what is credited and what is relieved may together not pass what was billed.
    """
    note = {(tax.category, tax.rate): (tax.base, tax.tax) for tax in credited}
    parts = (part for group in invoice.taxes for part in note.get((group.category, group.rate), (0, 0)))
    whole, gone = _billed(invoice), _gone(invoice)
    over = [max(0, taken + more - all_) for taken, more, all_ in zip(gone, parts, whole, strict=True)]
    return [*over, 0]


def part_of(cells: Cells, amount: int) -> Cells:
    """Take so much out of cells, of each by what it holds."""
    return split(amount, cells)


def taxes_of(invoice: Invoice, cells: Cells) -> tuple[Tax, ...]:
    """Say cells as taxes: base and tax of each group that has any."""
    pairs = zip(invoice.taxes, cells[:-1:2], cells[1:-1:2], strict=True)
    return tuple(
        Tax(category=group.category, rate=group.rate, base=base, tax=tax)
        for group, base, tax in pairs
        if base or tax
    )


def move(invoice: Invoice, taxes: Iterable[Tax], sign: int) -> None:
    """Add what is relieved to its groups (1), or take it back (-1)."""
    for tax in taxes:
        group = invoice.tax_group(tax.category, tax.rate)
        group.relieved_base += sign * tax.base
        group.relieved_tax += sign * tax.tax


def _billed(invoice: Invoice) -> Cells:
    bases = dict.fromkeys(((group.category, group.rate) for group in invoice.taxes), 0)
    for line in invoice.lines:
        bases[line.category, line.rate] += line.net
    return [part for (_, rate), base in bases.items() for part in (base, percent_of(base, rate))]


def _gone(invoice: Invoice) -> Cells:
    return [
        part
        for group in invoice.taxes
        for part in (group.credited_base + group.relieved_base, group.credited_tax + group.relieved_tax)
    ]

"""From gross to net: which nets of which lines come, with tax, to exactly the amount of a complaint."""

from __future__ import annotations

from ledger.credit_note import CreditedLine
from ledger.money import percent_of, ratio, split
from ledger.parts import Invoice, TaxGroup
from ledger.tax import cumulated_tax


class _Group:
    """The lines of one tax group, and how much of their gross is asked for."""

    def __init__(self, group: TaxGroup) -> None:
        self.tax = group
        self.lines: list[CreditedLine] = []
        self.net = 0

    @property
    def creditable(self) -> int:
        return sum(line.net for line in self.lines)

    def gross(self, net: int) -> int:
        """Gross of so much net; it grows by at least one with each minor unit."""
        return net + cumulated_tax(self.tax.rate, self.tax.credited_base, self.tax.credited_tax, net)

    def take(self, gross: int) -> int:
        """Take the most net that its gross allows; return the gross that it comes to."""
        numerator, power = ratio(self.tax.rate)
        ahead = max(0, self.tax.credited_tax - percent_of(self.tax.credited_base, self.tax.rate))
        net = min(self.creditable, (gross + ahead) * 100 * power // (100 * power + numerator) + 1)
        while net > 0 and self.gross(net) > gross:
            net -= 1
        self.net = net
        return self.gross(net) if net else 0

    def parts(self) -> list[CreditedLine]:
        shares = split(self.net, [line.net for line in self.lines])
        return [
            CreditedLine(line=line.line, net=net) for line, net in zip(self.lines, shares, strict=True) if net
        ]


def lines_for_gross(invoice: Invoice, lines: list[CreditedLine], gross: int) -> list[CreditedLine] | None:
    """Split a gross amount over lines by what can be credited of them; None where no nets come to it exactly.

    Each tax group gets its share by largest remainder. What rounding leaves over in one group, another one
    takes.
    """
    groups: dict[tuple[str, str], _Group] = {}
    for line in lines:
        of = invoice.lines[line.line - 1]
        group = groups.setdefault((of.category, of.rate), _Group(invoice.tax_group(of.category, of.rate)))
        group.lines.append(line)
    wholes = [group.gross(group.creditable) for group in groups.values()]
    if not groups or gross > sum(wholes):
        return None
    over = 0
    for group, share in zip(groups.values(), split(gross, wholes), strict=True):
        over += share - group.take(share)
    for group in groups.values():
        before = group.gross(group.net) if group.net else 0
        over -= group.take(before + over) - before
    if over:
        return None
    return sorted((part for group in groups.values() for part in group.parts()), key=lambda part: part.line)

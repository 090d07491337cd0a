"""One customer's money, by docs/domain.md alone: balances, what is due of each invoice, credit, refusals.

What is not money the model does not decide, but takes from what the ledger recorded: the terms of a discount,
which days of an agreement became charges, which lines come to a complaint's amount, which part of a debt is
tax. Everything that follows from them it computes by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.parts import Charge, Discount, Dispute, Invoice, Line, Note, Source, rounded, shared

Data = Mapping[str, Any]
ZONE = ZoneInfo("Europe/Berlin")
PAYMENT_DAYS = 14
UNTAXED = ("exempt", "reverse_charge")


class Holdings:
    """What a customer has, what it comes to on the accounts, and the moves that rules are made of."""

    def __init__(self, rates: Iterable[Data]) -> None:
        self.rates = [(each["category"], each["from"], Fraction(each["rate"]) / 100) for each in rates]
        self.accounts: Counter[tuple[str, str]] = Counter()
        self.charges: dict[str, Charge] = {}
        self.invoices: dict[str, Invoice] = {}
        self.sources: dict[str, Source] = {}
        self.notes: dict[str, Note] = {}
        self.discounts: dict[str, Discount] = {}
        self.scopes: dict[str, str] = {}
        """Of discounts that a second person decides on, the charge that they are for."""
        self.disputes: dict[str, Dispute] = {}
        self.treatment = "standard"
        self.note_count = 0

    def book(self, currency: str, **amounts: int) -> None:
        """Post an entry: it sums to zero."""
        assert sum(amounts.values()) == 0, amounts
        for account, amount in amounts.items():
            self.accounts[account, currency] += amount

    def credit(self, currency: str) -> int:
        """What we owe the customer; below zero it is overdrawn."""
        return sum(source.left for source in self.sources.values() if source.currency == currency)

    def rate_of(self, charge: Charge) -> tuple[str, Fraction]:
        """Category and rate on the supply date; the customer's treatment puts itself in place of it."""
        if self.treatment != "standard":
            return self.treatment, Fraction(0)
        if charge.category in UNTAXED:
            return charge.category, Fraction(0)
        dated = [each for each in self.rates if each[0] == charge.category]
        in_force = [each for each in dated if each[1] <= charge.supplied.isoformat()]
        return charge.category, max(enumerate(in_force), key=lambda each: (each[1][1], each[0]))[1][2]

    def take_in(self, data: Data, at: datetime) -> None:
        """Post a charge: unbilled +net, revenue -net; by the end of its period all of it is earned."""
        net = data.get("net")
        if net is None:
            net = rounded(Fraction(data["quantity"]) * Fraction(data["unit_price"]))
        period = data.get("period")
        day = at.astimezone(ZONE).date()
        supplied = day if period is None else day.fromisoformat(str(period["to"]))
        self.charges[data["charge"]] = Charge(
            data["charge"], data["service"], net, data["currency"], data.get("tax_category", "standard"), at,
            supplied,
        )  # fmt: skip
        self.book(data["currency"], unbilled=net, revenue=-net)

    def take_off(self, charge: Charge, net: int) -> None:
        """Mirror so much of a charge."""
        charge.net -= net
        if charge.net == 0:
            charge.place = "reversed"
        self.book(charge.currency, unbilled=-net, revenue=net)

    def bill(self, charges: list[Charge], at: datetime, settle: bool = True) -> Invoice:
        """Issue the invoice of these charges, and let credit pay it."""
        sequence = len(self.invoices) + 1
        nets, used = self._discounted(charges, at)
        lines = [
            Line(charge.name, charge.net, net, *self.rate_of(charge))
            for charge, net in zip(charges, nets, strict=True)
        ]
        due_on = at.astimezone(ZONE).date() + timedelta(days=PAYMENT_DAYS)
        invoice = Invoice(f"INV-{sequence}", sequence, charges[0].currency, at, due_on, lines, used)
        invoice.total = invoice.receivable = sum(nets) + sum(invoice.taxes().values())
        self.invoices[invoice.number] = invoice
        for charge in charges:
            charge.place = invoice.number
        self._enter(invoice, 1)
        if settle:
            self.settle(invoice.currency)
        return invoice

    def _enter(self, invoice: Invoice, sign: int) -> None:
        gross = sum(line.gross_net for line in invoice.lines)
        net = sum(line.net for line in invoice.lines)
        self.book(
            invoice.currency, receivable=sign * invoice.total, discounts=sign * (gross - net),
            unbilled=-sign * gross, tax_payable=-sign * (invoice.total - net),
        )  # fmt: skip
        for name, amount in invoice.discounts:
            discount = self.discounts[name]
            discount.uses = None if discount.uses is None else discount.uses - sign
            discount.left = None if discount.left is None else discount.left - sign * amount

    def _discounted(self, charges: list[Charge], at: datetime) -> tuple[list[int], list[tuple[str, int]]]:
        """Narrow scope first, then wide, then by grant time; each of what is left, by share of the nets."""
        nets, used = [charge.net for charge in charges], []
        usable = [
            each
            for each in self.discounts.values()
            if not each.revoked and each.at <= at and at.astimezone(ZONE).date() <= each.until
            and each.uses != 0 and each.left != 0
        ]  # fmt: skip
        for discount in sorted(usable, key=lambda each: (not each.charge, not each.service, each.at)):
            fits = [
                discount.charge in (None, charge.name) and discount.service in (None, charge.service)
                and discount.currency in (None, charge.currency)
                for charge in charges
            ]  # fmt: skip
            bases = [net if fit else 0 for net, fit in zip(nets, fits, strict=True)]
            fixed = discount.amount if discount.left is None else discount.left
            percent = discount.percent
            amount = min(fixed, sum(bases)) if percent is None else rounded(sum(bases) * percent)
            amount = amount if discount.left is None else min(amount, discount.left)
            if amount:
                shares = shared(amount, bases)
                nets = [net - share for net, share in zip(nets, shares, strict=True)]
                used.append((discount.name, amount))
        return nets, used

    def unbill(self, invoice: Invoice) -> None:
        """Void: mirror the entry, give the charges back to unbilled and the discounts to use."""
        self._enter(invoice, -1)
        invoice.void, invoice.receivable = True, 0
        for line in invoice.lines:
            self.charges[line.charge].place = "unbilled"

    def allocate(self, source: Source, invoice: Invoice, amount: int) -> None:
        """Use so much of a source on an invoice."""
        source.left -= amount
        if source.used and source.used[-1][0] == invoice.number:
            amount_before = source.used.pop()[1]
            source.used.append((invoice.number, amount_before + amount))
        else:
            source.used.append((invoice.number, amount))
        invoice.receivable -= amount
        invoice.allocated += amount
        self.book(source.currency, customer_credit=amount, receivable=-amount)

    def undo(self, source: Source, invoice: Invoice, amount: int) -> None:
        """Take so much of a source off an invoice, the newest first."""
        source.left += amount
        invoice.receivable += amount
        invoice.allocated -= amount
        self.book(source.currency, customer_credit=-amount, receivable=amount)
        for place in reversed(range(len(source.used))):
            number, used = source.used[place]
            if number == invoice.number and amount:
                taken = min(used, amount)
                source.used[place] = number, used - taken
                amount -= taken
        source.used = [each for each in source.used if each[1]]

    def settle(self, currency: str) -> None:
        """Oldest source to oldest invoice, and never more than the credit there is in all."""
        dues = sorted(
            (each for each in self.invoices.values() if each.currency == currency and each.receivable > 0),
            key=lambda each: (each.due_on, each.at, each.sequence),
        )
        credit = self.credit(currency)
        purses = [each for each in self.sources.values() if each.currency == currency and each.left > 0]
        for source in sorted(purses, key=lambda each: (each.at, each.order)):
            for invoice in dues:
                amount = min(source.left, invoice.receivable, credit)
                if amount > 0:
                    self.allocate(source, invoice, amount)
                    credit -= amount

    def hold(self, key: str, currency: str, amount: int, at: datetime) -> Source:
        """Keep a new source of credit."""
        self.sources[key] = Source(key, currency, amount, at, len(self.sources), amount)
        return self.sources[key]

    def send_back(self, source: Source, amount: int) -> list[tuple[str, int]]:
        """Take money out of a payment: its rest first, then its allocations are undone, newest first."""
        missing, undone = amount - max(source.left, 0), []
        source.left -= amount
        source.gone += amount
        self.book(source.currency, customer_credit=amount, cash=-amount)
        for number, used in reversed(list(source.used)):
            taken = min(used, missing)
            if taken > 0:
                self.undo(source, self.invoices[number], taken)
                undone.append((number, taken))
                missing -= taken
        return undone

    def owe_again(self, invoice: Invoice, told: Data) -> None:
        """Mirror so much of a write-off: which of it is tax, the ledger tells."""
        amount, tax = told["amount"], told.get("tax", 0)
        assert 0 <= tax <= amount <= invoice.written_off
        invoice.receivable += amount
        invoice.written_off -= amount
        self.book(invoice.currency, bad_debt=tax - amount, tax_payable=-tax, receivable=amount)

    def credit_lines(
        self, invoice: Invoice, lines: list[tuple[int, int]], at: datetime, dispute: str | None = None
    ) -> Note:
        """Credit an invoice: what a settled dispute holds, receivable, other disputes; the rest is credit."""
        taxes = invoice.note_taxes(lines)
        net, tax = sum(net for _, net in lines), sum(taxes.values())
        gross, held = net + tax, 0 if dispute is None else self.disputes[dispute].held
        of_dispute = min(gross, held)
        to_receivable = min(gross - of_dispute, invoice.receivable)
        to_disputed = of_dispute + min(gross - of_dispute - to_receivable, invoice.disputed - of_dispute)
        to_credit = gross - to_receivable - to_disputed
        assert to_credit == 0 or invoice.written_off == 0, "nobody paid what is written off"
        for number, part in lines:
            invoice.lines[number - 1].credited += part
        for group, part in taxes.items():
            invoice.credited_tax[group] = invoice.credited_tax.get(group, 0) + part
        invoice.receivable -= to_receivable
        invoice.disputed -= to_disputed
        self.book(
            invoice.currency, credit_notes=net, tax_payable=tax, receivable=-to_receivable,
            disputed=-to_disputed, customer_credit=-to_credit,
        )  # fmt: skip
        self.note_count += 1
        number_ = f"CN-{self.note_count}"
        self.notes[number_] = Note(
            invoice.number, lines, taxes, to_receivable, to_disputed, to_credit, dispute
        )
        invoice.notes.append(number_)
        self.hold(number_, invoice.currency, to_credit, at)
        return self.notes[number_]

    def complaints(self, invoice: Invoice) -> list[Dispute]:
        """The open complaints about an invoice, oldest first."""
        return [
            each
            for each in self.disputes.values()
            if each.kind == "complaint" and each.invoice == invoice.number
        ]

    def give_way(self, invoice: Invoice) -> None:
        """Let complaints hold no more than is in dispute, the oldest giving way first."""
        excess = sum(each.held for each in self.complaints(invoice)) - invoice.disputed
        for each in self.complaints(invoice):
            lowered = max(0, min(each.held, excess))
            each.held -= lowered
            excess -= lowered

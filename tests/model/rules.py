"""What each message does to a customer's money, and when it is refused: docs/domain.md, Rules and Entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from tests.model.money import ZONE, Data, Holdings
from tests.model.parts import Charge, Denied, Invoice, Source

Told = list[tuple[str, Data]]
"""Type and data of the events that a message led to; none when the ledger refused it."""


def deny(holds: bool, code: str) -> None:
    """Refuse when a rule is broken."""
    if holds:
        raise Denied(code)


def find(parts: Mapping[str, Any], name: str, code: str) -> Any:
    """Look something up that has to be there."""
    deny(name not in parts, code)
    return parts[name]


class Model(Holdings):
    """One customer of one book."""

    def source(self, named: Data) -> Source:
        """Find a payment or a credit note."""
        if "payment" in named:
            return self.payment(named["payment"])
        source: Source = find(self.sources, named["credit_note"], "credit_note_unknown")
        return source

    def payment(self, name: str) -> Source:
        """Find a payment."""
        deny(name in self.notes, "payment_unknown")
        source: Source = find(self.sources, name, "payment_unknown")
        return source

    def invoice(self, name: str, void: bool = False) -> Invoice:
        """Find an invoice; one that is void only where the caller says so."""
        invoice: Invoice = find(self.invoices, name, "invoice_unknown")
        deny(invoice.void and not void, "invoice_void")
        return invoice

    def waiting(self, name: str) -> Charge:
        """Find a charge that is unbilled and not in dispute."""
        charge: Charge = find(self.charges, name, "charge_unknown")
        deny(charge.place != "unbilled", "charge_billed")
        deny(charge.dispute is not None, "charge_disputed")
        return charge

    def credited(self, invoice: Invoice) -> int:
        """Gross of all live credit notes of an invoice."""
        notes = [self.notes[name] for name in invoice.notes]
        return sum(sum(net for _, net in note.lines) + sum(note.taxes.values()) for note in notes)

    def billable(self, currency: str, through: datetime) -> list[Charge]:
        """Charges that an invoice bills: unbilled, occurred by then, not in dispute."""
        charges = [
            each for each in self.charges.values() if each.place == "unbilled" and each.dispute is None
        ]
        charges = [each for each in charges if each.currency == currency and each.at <= through]
        return sorted(charges, key=lambda each: each.at)


def post_charge(model: Model, data: Data, at: datetime, _: Told) -> None:
    deny(data["charge"] in model.charges, "charge_exists")
    model.take_in(data, at)


def reverse_charge(model: Model, data: Data, _: datetime, __: Told) -> None:
    charge = model.waiting(data["charge"])
    model.take_off(charge, charge.net)


def issue(model: Model, data: Data, at: datetime, _: Told) -> None:
    charges = model.billable(data.get("currency", "EUR"), at)
    deny(not charges, "nothing_to_bill")
    model.bill(charges, at)


def void(model: Model, data: Data, _: datetime, __: Told) -> None:
    invoice = model.invoice(data["invoice"])
    deny(invoice.allocated != 0, "invoice_allocated")
    deny(model.credited(invoice) != 0, "invoice_credited")
    deny(invoice.written_off != 0, "invoice_written_off")
    deny(bool(model.complaints(invoice)), "invoice_disputed")
    model.unbill(invoice)
    if data.get("reverse_charges"):
        for line in invoice.lines:
            model.take_off(model.charges[line.charge], line.gross_net)


def bill(model: Model, data: Data, at: datetime, told: Told) -> None:
    """Bill services and charges: which days became charges, and which lines are credited, the ledger tells."""
    through = date.fromisoformat(data["through"])
    month_ends = (through + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    end = datetime.combine(month_ends + timedelta(days=1), time(0), ZONE) - timedelta(microseconds=1)
    currency = data.get("currency", "EUR")
    before = model.billable(currency, end)
    deny(not told and not before, "nothing_to_bill")
    agreed = []
    for type_, fact in told:
        if type_ == "charge.posted":
            model.take_in(fact, at)
            agreed.append(model.charges[fact["charge"]])
        elif type_ == "charge.reversed":
            model.take_off(model.charges[fact["charge"]], fact["net"])
        elif type_ == "debt.recovered":
            model.owe_again(model.invoice(fact["invoice"]), fact)
        elif type_ == "credit_note.issued":
            _credit(model, model.invoice(fact["invoice"]), _lines(fact), at)
    charges = agreed + [each for each in before if each.place == "unbilled"]
    if charges:
        model.bill(charges, at)


def _lines(data: Data) -> list[tuple[int, int]]:
    return [(each["line"], each["net"]) for each in data["lines"]]


def _credit(
    model: Model, invoice: Invoice, lines: list[tuple[int, int]], at: datetime, dispute: str | None = None
) -> None:
    """Credit lines, and let the complaints hold no more than is in dispute still."""
    model.credit_lines(invoice, lines, at, dispute)
    model.give_way(invoice)


def credit_note(model: Model, data: Data, at: datetime, told: Told) -> None:
    invoice = model.invoice(data["invoice"])
    lines = _lines(data)
    deny(any(number > len(invoice.lines) for number, _ in lines), "line_unknown")
    deny(any(net > invoice.lines[number - 1].left for number, net in lines), "credit_exceeds_line")
    for type_, fact in told:
        if type_ == "debt.recovered":
            model.owe_again(invoice, fact)
    _credit(model, invoice, lines, at)


def void_note(model: Model, data: Data, _: datetime, __: Told) -> None:
    """Mirror a note; what it took out of a dispute goes back there as far as a complaint is open."""
    number = data["credit_note"]
    note, source = find(model.notes, number, "credit_note_unknown"), model.sources[number]
    invoice = model.invoices[note.invoice]
    deny(number not in invoice.notes, "credit_note_void")
    deny(note.dispute is not None, "credit_note_settles")
    deny(source.left != note.to_credit, "credit_note_used")
    net, tax = sum(net for _, net in note.lines), sum(note.taxes.values())
    to_disputed = min(note.to_disputed, sum(each.amount - each.held for each in model.complaints(invoice)))
    to_receivable = net + tax - to_disputed - note.to_credit
    for line, part in note.lines:
        invoice.lines[line - 1].credited -= part
    for group, part in note.taxes.items():
        invoice.credited_tax[group] -= part
    invoice.receivable += to_receivable
    invoice.disputed += to_disputed
    for each in model.complaints(invoice):
        more = min(to_disputed, each.amount - each.held)
        each.held += more
        to_disputed -= more
    invoice.notes.remove(number)
    source.amount = source.left = 0
    model.book(
        source.currency, credit_notes=-net, tax_payable=-tax, receivable=to_receivable,
        disputed=net + tax - to_receivable - note.to_credit, customer_credit=note.to_credit,
    )  # fmt: skip


def pay(model: Model, data: Data, at: datetime, _: Told) -> None:
    asked = data.get("allocations")
    for each in asked or ():
        invoice = find(model.invoices, each["invoice"], "invoice_unknown")
        deny(invoice.currency != data["currency"], "currency_mismatch")
    deny(data["payment"] in model.sources, "payment_exists")
    source = model.hold(data["payment"], data["currency"], data["amount"], at)
    model.book(source.currency, cash=source.amount, customer_credit=-source.amount)
    if asked is None:
        model.settle(source.currency)
    for each in asked or ():
        invoice = model.invoices[each["invoice"]]
        if amount := min(each["amount"], invoice.receivable):
            model.allocate(source, invoice, amount)


def bounce(model: Model, data: Data, _: datetime, __: Told) -> None:
    source = model.payment(data["payment"])
    deny(source.currency != data["currency"], "currency_mismatch")
    fee = data.get("fee", 0)
    model.send_back(source, data["amount"])
    model.book(source.currency, dispute_fees=fee, cash=-fee)


def fail(model: Model, data: Data, _: datetime, __: Told) -> None:
    deny(data["payment"] in model.sources, "payment_exists")


def allocate(model: Model, data: Data, _: datetime, __: Told) -> None:
    source, invoice = model.source(data["source"]), model.invoice(data["invoice"], void=True)
    deny(source.currency != invoice.currency, "currency_mismatch")
    deny(invoice.void, "invoice_void")
    deny(data["amount"] > source.left, "allocation_exceeds_source")
    deny(data["amount"] > invoice.receivable, "allocation_exceeds_due")
    model.allocate(source, invoice, data["amount"])


def undo(model: Model, data: Data, _: datetime, __: Told) -> None:
    source, invoice = model.source(data["source"]), model.invoice(data["invoice"])
    used = sum(amount for number, amount in source.used if number == invoice.number)
    deny(data["amount"] > used, "undo_exceeds_allocation")
    model.undo(source, invoice, data["amount"])


def refund(model: Model, data: Data, _: datetime, __: Told) -> None:
    amount = data["amount"]
    if "payment" in data:
        source = model.payment(data["payment"])
        deny(source.currency != data["currency"], "currency_mismatch")
        deny(amount > source.amount - source.gone, "refund_exceeds_payment")
        model.send_back(source, amount)
        return
    deny(amount > model.credit(data["currency"]), "refund_exceeds_credit")
    purses = [each for each in model.sources.values() if each.currency == data["currency"] and each.left > 0]
    for source in sorted(purses, key=lambda each: (each.at, each.order)):
        if taken := min(source.left, amount):
            model.send_back(source, taken)
            amount -= taken


def write_off(model: Model, data: Data, _: datetime, told: Told) -> None:
    invoice = model.invoice(data["invoice"])
    deny(invoice.receivable == 0, "nothing_receivable")
    amount = data.get("amount", invoice.receivable)
    deny(amount > invoice.receivable, "write_off_exceeds_receivable")
    ((_type, fact),) = told
    tax = fact.get("tax", 0)
    owed = sum(invoice.taxes().values()) - sum(invoice.credited_tax.values())
    assert 0 <= tax <= min(amount, owed), "no more tax comes back than is owed"
    invoice.receivable -= amount
    invoice.written_off += amount
    model.book(invoice.currency, bad_debt=amount - tax, tax_payable=tax, receivable=-amount)


def recover(model: Model, data: Data, at: datetime, told: Told) -> None:
    source = None if "source" not in data else model.source(data["source"])
    invoice = model.invoice(data["invoice"], void=True)
    deny(invoice.currency != data["currency"], "currency_mismatch")
    deny(source is not None and source.currency != data["currency"], "currency_mismatch")
    deny(invoice.void, "invoice_void")
    deny(source is None and data["payment"] in model.sources, "payment_exists")
    deny(data["amount"] > invoice.written_off, "recovery_exceeds_written_off")
    deny(source is not None and data["amount"] > source.left, "allocation_exceeds_source")
    fact = next(fact for type_, fact in told if type_ == "debt.recovered")
    assert fact["amount"] == data["amount"]
    model.owe_again(invoice, fact)
    if source is None:
        source = model.hold(data["payment"], data["currency"], data["amount"], at)
        model.book(source.currency, cash=source.amount, customer_credit=-source.amount)
    model.allocate(source, invoice, data["amount"])


def change_customer(model: Model, data: Data, _: datetime, __: Told) -> None:
    model.treatment = data.get("tax_treatment", model.treatment)


def change_rate(model: Model, data: Data, _: datetime, __: Told) -> None:
    model.rates.append((data["category"], data["from"], Fraction(data["rate"]) / 100))


Rule = Callable[[Model, Data, datetime, Told], None]

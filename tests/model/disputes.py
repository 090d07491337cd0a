"""What disputes do to a customer's money, and the table of all messages: docs/domain.md, Disputes."""

from __future__ import annotations

from datetime import datetime

from tests.model import discounts, rules
from tests.model.money import Data
from tests.model.parts import Denied, Dispute, Invoice
from tests.model.rules import Model, Rule, Told, deny, find


def _within(data: Data, limit: int, code: str) -> int:
    amount: int = data.get("amount", limit)
    deny(not 1 <= amount <= limit, code)
    return amount


def open_(model: Model, data: Data, _: datetime, __: Told) -> None:
    """Open a dispute: a complaint holds what is due of it, a chargeback takes the money out of its payment."""
    kind, name = data["kind"], data["dispute"]
    if "charge" in data:
        charge = model.waiting(data["charge"])
        amount = _within(data, charge.net, "dispute_exceeds_charge")
        charge.dispute = name
        model.disputes[name] = Dispute(kind, amount, charge=charge.name)
    elif "payment" in data:
        source = model.payment(data["payment"])
        amount = _within(data, source.amount - source.charged_back, "chargeback_exceeds_payment")
        dispute = Dispute(kind, amount, payment=source.key, fee=data.get("fee", 0))
        if kind == "chargeback":
            model.disputes.pop(data.get("inquiry", ""), None)
            source.charged_back += amount
            dispute.undone = model.send_back(source, amount)
            model.book(source.currency, dispute_fees=dispute.fee, cash=-dispute.fee)
        model.disputes[name] = dispute
    else:
        _about_invoice(model, data)


def _about_invoice(model: Model, data: Data) -> None:
    """A complaint is at most the total less live credit notes and other open complaints, and its lines."""
    invoice = model.invoice(data["invoice"])
    numbers = data.get("lines")
    deny(any(number > len(invoice.lines) for number in numbers or ()), "line_unknown")
    limit = invoice.total - model.credited(invoice)
    dispute = Dispute(data["kind"], 0, invoice=invoice.number)
    if dispute.kind == "complaint":
        limit -= sum(each.amount for each in model.complaints(invoice))
        if numbers is not None:
            limit = min(limit, _gross(invoice, numbers))
        dispute.amount = _within(data, limit, "dispute_exceeds_invoice")
        dispute.held = min(dispute.amount, invoice.receivable)
        invoice.receivable -= dispute.held
        invoice.disputed += dispute.held
        model.book(invoice.currency, disputed=dispute.held, receivable=-dispute.held)
    else:
        dispute.amount = _within(data, limit, "dispute_exceeds_invoice")
    model.disputes[data["dispute"]] = dispute


def _gross(invoice: Invoice, numbers: list[int]) -> int:
    lines = [(number, invoice.lines[number - 1].left) for number in numbers if invoice.lines[number - 1].left]
    return sum(net for _, net in lines) + sum(invoice.note_taxes(lines).values())


def resolve(model: Model, data: Data, at: datetime, told: Told) -> None:
    """End a dispute by its outcome."""
    dispute: Dispute = find(model.disputes, data["dispute"], "dispute_unknown")
    upheld = data["outcome"] in ("upheld", "partly_upheld")
    if dispute.kind == "chargeback":
        _decide_chargeback(model, data, dispute)
    elif dispute.charge is not None:
        charge = model.charges[dispute.charge]
        net = data.get("net", dispute.amount) if upheld else 0
        deny(net > dispute.amount, "credit_exceeds_dispute")
        deny(upheld and (net == dispute.amount) is not (data["outcome"] == "upheld"), "outcome_not_matching")
        charge.dispute = None
        if upheld:
            model.take_off(charge, net)
    elif upheld:
        _uphold(model, data, at, told, dispute)
    elif dispute.kind == "complaint":
        _release(model, model.invoices[dispute.invoice or ""], dispute, dispute.held)
    model.disputes.pop(data["dispute"])


def _release(model: Model, invoice: Invoice, dispute: Dispute, amount: int) -> None:
    """Let what a complaint held be receivable again, and let credit pay that."""
    dispute.held = 0
    invoice.receivable += amount
    invoice.disputed -= amount
    model.book(invoice.currency, disputed=-amount, receivable=amount)
    if amount:
        model.settle(invoice.currency)


def _uphold(model: Model, data: Data, at: datetime, told: Told, dispute: Dispute) -> None:
    """Credit the lines that are said; without them those that the ledger found, which come to the amount."""
    invoice = model.invoices[dispute.invoice or ""]
    notes = [fact for type_, fact in told if type_ == "credit_note.issued"]
    if "lines" not in data and not notes:
        raise Denied("it depends on which lines the ledger would find")
    lines = [(each["line"], each["net"]) for each in data.get("lines") or notes[0]["lines"]]
    deny(any(number > len(invoice.lines) for number, _ in lines), "line_unknown")
    deny(any(net > invoice.lines[number - 1].left for number, net in lines), "credit_exceeds_line")
    gross = sum(net for _, net in lines) + sum(invoice.note_taxes(lines).values())
    deny(gross > dispute.amount, "credit_exceeds_dispute")
    deny((gross == dispute.amount) is not (data["outcome"] == "upheld"), "outcome_not_matching")
    for type_, fact in told:
        if type_ == "debt.recovered":
            model.owe_again(invoice, fact)
    released = dispute.held - min(dispute.held, gross)
    model.credit_lines(invoice, lines, at, data["dispute"])
    dispute.held = released
    _release(model, invoice, dispute, released)
    dispute.kind = "settled"
    model.give_way(invoice)


def _decide_chargeback(model: Model, data: Data, dispute: Dispute) -> None:
    """Won: the money comes back and is allocated again as far as still due; lost: nothing more moves."""
    returned = data.get("fee_returned", 0)
    deny(returned > dispute.fee, "fee_exceeds_charged")
    source = model.sources[dispute.payment or ""]
    model.book(source.currency, cash=returned, dispute_fees=-returned)
    if data["outcome"] != "won":
        return
    source.left += dispute.amount
    source.gone -= dispute.amount
    source.charged_back -= dispute.amount
    model.book(source.currency, cash=dispute.amount, customer_credit=-dispute.amount)
    for number, undone in reversed(dispute.undone):
        invoice = model.invoices[number]
        amount = min(undone, invoice.receivable, source.left)
        if amount > 0:
            model.allocate(source, invoice, amount)


def lapse(model: Model, data: Data, _: datetime, told: Told) -> None:
    """A chargeback whose deadline passed is lost; a complaint is escalated, and stays open."""
    if any(type_ == "dispute.resolved" for type_, _fact in told):
        del model.disputes[data["dispute"]]


RULES: dict[str, Rule | None] = {
    "allocation.make": rules.allocate,
    "allocation.undo": rules.undo,
    "charge.posted": rules.post_charge,
    "charge.reverse": rules.reverse_charge,
    "credit_note.issue": rules.credit_note,
    "credit_note.void": rules.void_note,
    "customer.bill": rules.bill,
    "customer.changed": rules.change_customer,
    "debt.recover": rules.recover,
    "debt.write_off": rules.write_off,
    "discount.accept": discounts.grant,
    "discount.approve": discounts.grant,
    "discount.grant": discounts.grant,
    "discount.revoke": discounts.revoke,
    "dispute.lapse": lapse,
    "dispute.open": open_,
    "dispute.resolve": resolve,
    "invoice.issue": rules.issue,
    "invoice.void": rules.void,
    "payment.failed": rules.fail,
    "payment.received": rules.pay,
    "payment.returned": rules.bounce,
    "refund.issue": rules.refund,
    "tax_rate.changed": rules.change_rate,
}
"""What moves money, and what decides how much."""

MOVES_NOTHING = frozenset({
    "account.added", "agreement.changed", "book.opened", "caller.verify", "contact.answered", "contact.arrived",
    "contact.ended", "customer.closed", "customer.erase", "customer.opened", "discount.decline",
    "discount.offer", "discount.refuse", "discount.withdraw", "dispute.assign", "dispute.escalate", "dispute.submit_evidence",
    "dispute.withdraw", "note.added", "period.closed", "policy.changed", "reminder.send", "trial.assign",
    "trial.registered", "verification.start",
})  # fmt: skip
"""What leaves every balance as it is."""

"""An invoice told in sentences: the whole, lines, discounts, taxes, what became of it, what changed."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.invoice import ROUNDING
from ledger.tax import EXEMPT, REVERSE_CHARGE
from ledger_api.explaining.changing import tell_changes
from ledger_api.shapes.explain import (
    DiscountStep,
    ExplainedDiscount,
    ExplainedInvoice,
    ExplainedLine,
    ExplainedTax,
    InDispute,
    Sentence,
    Settlement,
)
from ledger_api.tongue import Tongue

WORDS = "ledger_api.explaining"
"""The package that has the words, a file for each language."""


def tell_invoice(tongue: Tongue, invoice: ExplainedInvoice) -> list[Sentence]:
    """Tell an invoice, in the order in which somebody would ask."""
    currency = invoice.currency
    told = [("", text) for text in _whole(tongue, invoice)]
    for place, line in enumerate(invoice.lines):
        told += [(f"/lines/{place}", text) for text in _line(tongue, line, currency)]
    for place, discount in enumerate(invoice.discounts):
        told += [(f"/discounts/{place}", text) for text in _discount(tongue, discount, currency)]
    for place, tax in enumerate(invoice.taxes):
        told += [(f"/taxes/{place}", text) for text in _tax(tongue, tax, currency)]
    if invoice.rounding == ROUNDING and invoice.tax:
        told.append(("/rounding", tongue.say("rounding")))
    told += tell_settled(tongue, invoice.settlements, invoice.disputes, currency)
    if invoice.state != "void":
        due = tongue.money(invoice.due, currency)
        told.append(("/due", tongue.say("due", due=due) if invoice.due else tongue.say("settled")))
    told += tell_changes(tongue, invoice.changes, currency)
    return [Sentence(about=about, text=text) for about, text in told]


def _whole(tongue: Tongue, invoice: ExplainedInvoice) -> Iterator[str]:
    def money(amount: int) -> str:
        return tongue.money(amount, invoice.currency)

    yield tongue.say(
        "invoice_void" if invoice.state == "void" else "invoice",
        invoice=invoice.invoice, day=tongue.day(invoice.issued_on), total=money(invoice.total),
        due_on=tongue.day(invoice.due_on),
    )  # fmt: skip
    yield tongue.say(
        "sum_discounted" if invoice.discount else "sum",
        net=money(invoice.net), discount=money(invoice.discount), tax=money(invoice.tax),
    )  # fmt: skip


def _line(tongue: Tongue, line: ExplainedLine, currency: str) -> Iterator[str]:
    if line.begins_on is not None and line.ends_on is not None:
        begins, ends = tongue.day(line.begins_on), tongue.day(line.ends_on)
        when = tongue.say("when_period", begins=begins, ends=ends)
    else:
        when = tongue.say("when_day", day=tongue.day(line.tax.supplied_on))
    what = line.description or line.service
    net = tongue.money(line.net, currency)
    yield tongue.say("line", line=str(line.line), what=what, when=when, net=net)
    if line.agreed is not None:
        agreed = line.agreed
        yield tongue.say(
            "agreed_before" if agreed.begins is None else "agreed",
            day="" if agreed.begins is None else tongue.day(agreed.begins),
            quantity=tongue.number(agreed.quantity), price=tongue.money_each(agreed.unit_price, currency),
            per=tongue.say(f"per_{agreed.interval}"),
        )  # fmt: skip
        if agreed.days != agreed.interval_days:
            yield tongue.say("part", days=str(agreed.days), all_days=str(agreed.interval_days))
    elif line.quantity is not None and line.unit_price is not None:
        quantity, price = tongue.number(line.quantity), tongue.money_each(line.unit_price, currency)
        yield tongue.say("priced", quantity=quantity, price=price)
    if line.discounts is None:
        yield tongue.say("line_discounts", amount=tongue.money(line.discount, currency))
    for share in line.discounts or ():
        amount = tongue.money(share.amount, currency)
        yield tongue.say("line_discount", discount=share.discount, amount=amount)


def _discount(tongue: Tongue, discount: ExplainedDiscount, currency: str) -> Iterator[str]:
    amount = tongue.money(discount.amount, currency)
    if discount.percent is not None:
        percent = tongue.percent(discount.percent)
        yield tongue.say("discount_percent", discount=discount.discount, percent=percent, amount=amount)
        if discount.at_most is not None:
            yield tongue.say("discount_at_most", at_most=tongue.money(discount.at_most, currency))
    else:
        yield tongue.say("discount_fixed", discount=discount.discount, amount=amount)
    before = None
    for step in discount.steps:
        # What follows from an approval or an acceptance by itself was done by the same person at once.
        if (before, step.kind) not in {
            ("approved", "granted"), ("approved", "offered"), ("accepted", "granted"),
        }:  # fmt: skip
            yield _step(tongue, step)
        before = step.kind


def _step(tongue: Tongue, step: DiscountStep) -> str:
    day = tongue.day(step.occurred_at)
    if step.role is None or step.policy_from is None or step.kind in {"requested", "accepted"}:
        return tongue.say(step.kind, who=step.principal, day=day)
    since = tongue.day(step.policy_from)
    return tongue.say(f"{step.kind}_as", who=step.principal, day=day, role=step.role, since=since)


def _tax(tongue: Tongue, tax: ExplainedTax, currency: str) -> Iterator[str]:
    base = tongue.money(tax.base, currency)
    if tax.category in {EXEMPT, REVERSE_CHARGE}:
        yield tongue.say(f"tax_{tax.category}", base=base)
        return
    yield tongue.say("tax", rate=tongue.percent(tax.rate), base=base, tax=tongue.money(tax.tax, currency))
    if tax.since is not None:
        yield tongue.say("tax_since", day=tongue.day(tax.since))


def tell_settled(
    tongue: Tongue, settlements: list[Settlement], disputes: list[InDispute], currency: str, at: str = ""
) -> Iterator[tuple[str, str]]:
    """Tell what changed the due of an invoice, and what of it is in dispute; `at` points to the invoice."""
    for place, each in enumerate(settlements):
        if (key := _KEYS.get((each.kind, each.amount > 0))) is not None:
            amount, day = tongue.money(abs(each.amount), currency), tongue.day(each.occurred_at)
            name = each.payment or each.credit_note or ""
            yield f"{at}/settlements/{place}", tongue.say(key, amount=amount, day=day, name=name)
    for place, dispute in enumerate(disputes):
        amount, day = tongue.money(dispute.amount, currency), tongue.day(dispute.opened_at)
        yield f"{at}/disputes/{place}", tongue.say("dispute", amount=amount, day=day, name=dispute.dispute)


_KEYS = {
    ("payment", False): "payment",
    ("payment", True): "payment_undone",
    ("credit", False): "credit",
    ("credit", True): "credit_undone",
    ("credit_note", False): "credit_note",
    ("write_off", False): "written_off",
    ("write_off", True): "owed_again",
}
"""How a settlement is told: its kind, and whether it raised the due. That it is void is told before."""

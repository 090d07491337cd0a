"""An invoice laid out: lines with their derivation, discounts, taxes, and what became of its due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from ledger.invoice import InvoiceLine
from ledger.money import decimal_text
from ledger_api.explaining.changes import changes_of
from ledger_api.explaining.facts import Agreed, AgreementFact, ChargeFact, InvoiceFacts, Step, shares_of
from ledger_api.shapes.explain import (
    AgreedPrice,
    DiscountShare,
    DiscountStep,
    ExplainedDiscount,
    ExplainedInvoice,
    ExplainedLine,
    ExplainedTax,
    LineTax,
)


def explained(facts: InvoiceFacts) -> ExplainedInvoice:
    """Lay out an invoice; its sentences are still to be told."""
    issued = facts.issued
    return ExplainedInvoice(
        invoice=facts.invoice,
        customer=facts.customer,
        currency=issued.currency,
        state=facts.state,
        issued_on=issued.issued_on,
        due_on=issued.due_on,
        position=facts.position,
        rounding=issued.rounding,
        net=issued.net,
        discount=issued.discount,
        tax=issued.tax,
        total=issued.amount,
        due=facts.due,
        lines=list(_lines(facts)),
        discounts=list(_discounts(facts)),
        taxes=list(_taxes(facts)),
        settlements=[each.part for each in facts.settlements or ()],
        disputes=[each.part for each in facts.disputes or ()],
        changes=changes_of(facts),
        language="",
        sentences=[],
    )


def _lines(facts: InvoiceFacts) -> Iterator[ExplainedLine]:
    charges = {each.charge: each for each in facts.charges or ()}
    agreements = {each.position: each for each in facts.agreements or ()}
    agreed = facts.agreed_of()
    for line, shares in zip(facts.issued.lines, shares_of(facts.issued), strict=True):
        yield _line(line, charges.get(line.charge), _price(agreed.get(line.charge), agreements), shares)


def _line(
    line: InvoiceLine,
    charge: ChargeFact | None,
    price: AgreedPrice | None,
    shares: list[DiscountShare] | None,
) -> ExplainedLine:
    return ExplainedLine(
        kind="agreed" if price else "charged" if line.unit_price is None else "priced",
        line=line.line,
        service=line.service,
        description=line.description,
        charge=line.charge,
        charged=charge.said if charge else None,
        agreed=price,
        quantity=_text(line.quantity),
        unit_price=_text(line.unit_price),
        begins_on=line.period.from_ if line.period else None,
        ends_on=line.period.to if line.period else None,
        net=line.net,
        discount=line.discount,
        amount=line.net - line.discount,
        discounts=shares,
        tax=LineTax(
            category=line.tax_category, rate=line.rate, supplied_on=line.supplied_on,
            position=line.rate_position,
        ),
    )  # fmt: skip


def _price(agreed: Agreed | None, agreements: Mapping[int, AgreementFact]) -> AgreedPrice | None:
    if agreed is None:
        return None
    service = agreed.service
    agreement = agreements.get(service.agreement_position or 0)
    return AgreedPrice(
        agreement=agreement.said if agreement else None,
        begins=agreement.begins if agreement else None,
        billed=agreed.billed,
        quantity=decimal_text(service.quantity),
        unit_price=decimal_text(service.unit_price),
        interval=service.interval,
        days=service.days,
        interval_days=service.interval_days,
    )


def _text(decimal: str | int | None) -> str | None:
    return None if decimal is None else decimal_text(decimal)


def _discounts(facts: InvoiceFacts) -> Iterator[ExplainedDiscount]:
    steps: dict[str, list[Step]] = {}
    for step in facts.steps or ():
        steps.setdefault(str(step.data["discount"]), []).append(step)
    for used in facts.issued.discounts:
        of_discount = steps.get(used.discount, [])
        terms = of_discount[0].data if of_discount else {}
        percent, fixed, at_most = terms.get("percent"), terms.get("amount"), terms.get("at_most")
        yield ExplainedDiscount(
            discount=used.discount,
            amount=used.amount,
            percent=None if percent is None else decimal_text(str(percent)),
            fixed=fixed if isinstance(fixed, int) else None,
            at_most=at_most if isinstance(at_most, int) else None,
            reason=_word(terms, "reason"),
            criterion=_word(terms, "criterion"),
            campaign=_word(terms, "campaign"),
            steps=[_step(step, facts) for step in of_discount],
        )


def _step(step: Step, facts: InvoiceFacts) -> DiscountStep:
    authority, exceeds = step.data.get("authority"), step.data.get("exceeds")
    role = from_ = policy = None
    if isinstance(authority, dict):
        role, from_ = str(authority["role"]), date.fromisoformat(str(authority["policy_from"]))
        policy = max(
            (each.position for each in facts.policies or ()
             if each.begins == from_ and each.position < step.position),
            default=None,
        )  # fmt: skip
    return DiscountStep(
        position=step.position,
        occurred_at=step.occurred_at,
        recorded_at=step.recorded_at,
        principal=step.principal,
        kind=step.kind,
        role=role,
        policy_from=from_,
        policy=policy,
        exceeds=str(exceeds["limit"]) if isinstance(exceeds, dict) else None,
    )


def _word(terms: Mapping[str, object], field: str) -> str | None:
    value = terms.get(field)
    return None if value is None else str(value)


def _taxes(facts: InvoiceFacts) -> Iterator[ExplainedTax]:
    rates = {each.position: each for each in facts.rates or ()}
    for tax in facts.issued.taxes:
        positions = {
            line.rate_position: None
            for line in facts.issued.lines
            if (line.tax_category, line.rate) == (tax.category, tax.rate)
        }
        said = [rates[position] for position in positions if position in rates]
        yield ExplainedTax(
            category=tax.category,
            rate=tax.rate,
            base=tax.base,
            tax=tax.tax,
            said=[each.said for each in said],
            since=said[0].begins if len(said) == 1 else None,
        )

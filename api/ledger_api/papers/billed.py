"""What stands on an invoice and on a credit note."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ledger_api.papers.paper import (
    Addressing,
    Column,
    Paper,
    Row,
    Sum,
    Table,
    blank,
    code_of,
    plain,
    reason_of,
)
from ledger_api.papers.vouchers import Billed, CreditNote, Invoice, Line, TaxGroup
from ledger_api.tongue import Tongue


def invoice_paper(to: Addressing, invoice: Invoice) -> Paper:
    """Write an invoice, with what settled it so far."""
    tongue = to.tongue
    facts = [
        ("number", invoice.number),
        ("issued_on", tongue.day(invoice.issued_on)),
        ("due_on", tongue.day(invoice.due_on)),
        ("customer", invoice.customer),
        ("reference", invoice.number),
    ]
    notes = _tax_notes(tongue, invoice.taxes)
    if invoice.voided_at is None:
        notes.append(_to_pay(tongue, invoice))
    return replace(
        _paper(to, invoice, "invoice"),
        facts=[(tongue.say(key), value) for key, value in facts],
        tables=[_lines(tongue, invoice)],
        settled=_settled(tongue, invoice),
        notes=notes,
    )  # fmt: skip


def credit_note_paper(to: Addressing, note: CreditNote) -> Paper:
    """Write a credit note, with where its amount went."""
    tongue = to.tongue
    facts = [
        ("number", note.number),
        ("issued_on", tongue.day(note.issued_on)),
        ("for_invoice", note.invoice),
        ("customer", note.customer),
        ("reason", reason_of(tongue, note.reason)),
    ]
    rows = [
        Row(
            [_number(line), plain(line.description or line.service), tongue.percent(line.rate), amount],
            tongue.say("credited_line", line=_number(line), invoice=note.invoice),
            carried,
        )
        for line, amount, carried in _carried(tongue, note)
    ]
    columns = [
        Column(tongue.say("line")),
        Column(tongue.say("description"), wide=True),
        Column(tongue.say("rate"), right=True),
        Column(tongue.say("amount", currency=note.currency), right=True),
    ]
    went = [("lowers_due", note.lowers_due), ("left_as_credit", note.left_as_credit)]
    sums = [
        *_net_and_taxes(tongue, note),
        *(Sum(tongue.say(key), tongue.money(amount, note.currency)) for key, amount in went if amount),
    ]
    return replace(
        _paper(to, note, "credit_note"),
        facts=[(tongue.say(key), value) for key, value in facts],
        tables=[Table(columns, rows, sums)],
        notes=_tax_notes(tongue, note.taxes),
    )  # fmt: skip


def _paper(to: Addressing, voucher: Billed, kind: str) -> Paper:
    paper = blank(to, voucher.customer, f"{to.tongue.say(kind)} {voucher.number}", voucher.issued_at)
    if voucher.voided_at is None:
        return paper
    reason, day = reason_of(to.tongue, voucher.void_reason or ""), to.tongue.day(voucher.voided_at)
    notice = to.tongue.say("void_notice", day=day, reason=reason)
    return replace(paper, watermark=to.tongue.say("void"), notice=notice)


def _lines(tongue: Tongue, invoice: Invoice) -> Table:
    discounted = bool(invoice.discount)
    rows = []
    for line, amount, carried in _carried(tongue, invoice):
        cells = [
            _number(line),
            plain(line.description or line.service),
            "" if line.quantity is None else tongue.number(line.quantity),
            "" if line.unit_price is None else tongue.price(line.unit_price, invoice.currency),
            *([tongue.amount(-line.discount, invoice.currency) if line.discount else ""] * discounted),
            tongue.percent(line.rate),
            amount,
        ]
        rows.append(Row(cells, _supplied(tongue, line), carried))
    columns = [
        Column(tongue.say("line")),
        Column(tongue.say("description"), wide=True),
        Column(tongue.say("quantity"), right=True),
        Column(tongue.say("unit_price"), right=True),
        *([Column(tongue.say("discount"), right=True)] * discounted),
        Column(tongue.say("rate"), right=True),
        Column(tongue.say("amount", currency=invoice.currency), right=True),
    ]
    return Table(columns, rows, _net_and_taxes(tongue, invoice))


def _number(line: Line) -> str:
    return str(line.line)


def _supplied(tongue: Tongue, line: Line) -> str:
    if line.begins_on is not None and line.ends_on is not None:
        return tongue.say("period", from_=tongue.short_day(line.begins_on), to=tongue.short_day(line.ends_on))
    return tongue.say("supplied_on", day=tongue.short_day(line.supplied_on))


def _carried(tongue: Tongue, voucher: Billed) -> Iterable[tuple[Line, str, str]]:
    """Go through the lines with their amounts after discount, and with the sum of these so far."""
    carried = 0
    for line in voucher.lines:
        amount = line.net - line.discount
        carried += amount
        yield line, tongue.amount(amount, voucher.currency), tongue.amount(carried, voucher.currency)


def _net_and_taxes(tongue: Tongue, voucher: Billed) -> list[Sum]:
    currency = voucher.currency
    sums = [Sum(tongue.say("net"), tongue.money(voucher.net, currency))]
    if voucher.discount:
        sums.append(Sum(tongue.say("discounts"), tongue.money(-voucher.discount, currency)))
        after = voucher.net - voucher.discount
        sums.append(Sum(tongue.say("after_discounts"), tongue.money(after, currency)))
    sums += [
        Sum(_tax_title(tongue, group, currency), tongue.money(group.tax, currency)) for group in voucher.taxes
    ]
    sums.append(Sum(tongue.say("total"), tongue.money(voucher.total, currency), strong=True))
    return sums


def _tax_title(tongue: Tongue, group: TaxGroup, currency: str) -> str:
    base = tongue.money(group.base, currency)
    code = code_of(group.category, group.rate)
    if code == "S":
        return tongue.say("tax_of", rate=tongue.percent(group.rate), base=base)
    return f"{tongue.say(f'category_{code}')} ({base})"


def _tax_notes(tongue: Tongue, taxes: Iterable[TaxGroup]) -> list[str]:
    codes = {code_of(group.category, group.rate) for group in taxes}
    return [tongue.say(f"note_{code}") for code in ("E", "AE") if code in codes]


def _settled(tongue: Tongue, invoice: Invoice) -> Table | None:
    """Write what lowered the due, and what is left of it; None while nothing did."""
    currency, rows = invoice.currency, []

    def row(day: str, what: str, amount: int) -> None:
        rows.append(Row([day and tongue.short_day(day), what, tongue.amount(-amount, currency)]))

    for used in invoice.allocations:
        what = (
            tongue.say("credit_used", credit_note=used.credit_note)
            if used.credit_note is not None
            else tongue.say("payment", payment=used.payment or "")
        )
        if used.amount < 0:
            what = tongue.say("taken_back", what=what)
        row(used.occurred_at, what, used.amount)
    if invoice.credited:
        live = [note for note in invoice.credit_notes if note.voided_at is None]
        names = ", ".join(note.credit_note for note in live)
        row(
            live[-1].issued_at if live else "", tongue.say("credited_by", credit_note=names), invoice.credited
        )
    if invoice.written_off:
        row("", tongue.say("written_off"), invoice.written_off)
    if not rows or invoice.voided_at is not None:
        return None
    columns = [
        Column(tongue.say("date")),
        Column(tongue.say("settled"), wide=True),
        Column(tongue.say("change"), right=True),
    ]
    due = Sum(tongue.say("due"), tongue.money(invoice.due, currency), strong=True)
    return Table(columns, rows, [due])


def _to_pay(tongue: Tongue, invoice: Invoice) -> str:
    if invoice.due:
        return tongue.say(
            "please_pay", amount=tongue.money(invoice.due, invoice.currency),
            day=tongue.day(invoice.due_on), reference=invoice.number,
        )  # fmt: skip
    return tongue.say("paid" if invoice.state == "paid" and invoice.total else "nothing_due")

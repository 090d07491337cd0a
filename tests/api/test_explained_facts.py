"""What older events do not say: it is told so, and not filled in."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from ledger.agreements.billing import BilledService
from ledger.discounts.use import DiscountUsed
from ledger.fields import Period
from ledger.invoice import InvoiceIssued, InvoiceLine
from ledger_api.explaining.facts import Agreed, Earlier, InvoiceFacts, shares_of
from ledger_api.explaining.invoices import explained
from ledger_api.explaining.telling import WORDS, tell_invoice
from ledger_api.tongue import Tongue

DAY, AT = date(2026, 1, 31), datetime(2026, 1, 31, 12, tzinfo=UTC)


def line(number: int, discount: int) -> InvoiceLine:
    return InvoiceLine(
        line=number, charge=f"c{number}", service="calls", net=1000, discount=discount,
        tax_category="standard", rate="0", supplied_on=DAY,
    )  # fmt: skip


def issued(*discounts: DiscountUsed) -> InvoiceIssued:
    taken = sum(each.amount for each in discounts)
    return InvoiceIssued(
        invoice="INV-1", series="invoice", sequence=1, currency="EUR", issued_on=DAY, due_on=DAY,
        lines=[line(1, taken), line(2, 0)], discounts=list(discounts), taxes=[], net=2000, discount=taken,
        tax=0, amount=2000 - taken, rounding="category-half-away",
    )  # fmt: skip


def test_of_several_discounts_without_lines_nobody_guesses_which_one_it_was() -> None:
    older = issued(DiscountUsed(discount="a", amount=300), DiscountUsed(discount="b", amount=50))
    assert shares_of(older) == [None, []]
    facts = InvoiceFacts(
        "INV-1", "alice", "open", 1650, 9, AT, "en", "Europe/Berlin", older, None, *[None] * 8
    )  # fmt: skip
    told = explained(facts)
    assert [each.discounts for each in told.lines] == [None, []]
    assert [each.tax.position for each in told.lines] == [None, None]
    said = [each.text for each in tell_invoice(Tongue(WORDS, None, "en", "Europe/Berlin"), told)]
    assert "Discounts take off €3.50. Which one took off how much was not recorded." in said


def test_no_agreement_is_guessed_for_a_service_that_is_new() -> None:
    period = Period(from_=date(2026, 1, 1), to=DAY)
    days = BilledService(
        charge="c2", service="calls", quantity="1", unit_price="1000", interval="month",
        tax_category="standard", period=period, days=31, interval_days=31, net=1000,
    )  # fmt: skip
    bare = msgspec.structs.replace(issued(), lines=[])
    billed = msgspec.structs.replace(issued(), lines=[line(2, 0)])
    facts = InvoiceFacts(
        "INV-2", "alice", "open", 1000, 9, AT, "en", "Europe/Berlin", billed, Earlier(4, bare), None,
        [Agreed(8, days)], *[None] * 6,
    )  # fmt: skip
    told = explained(facts)
    assert told.changes is not None
    ((because, causes),) = ((each.because, each.causes) for each in told.changes.parts)
    assert (because, causes) == (["not_recorded"], [])
    said = [each.text for each in tell_invoice(Tongue(WORDS, None, "en", "Europe/Berlin"), told)]
    assert "Which event says so was not recorded." in said


def test_of_a_single_one_the_lines_say_it_in_older_events_too() -> None:
    (first, second) = shares_of(issued(DiscountUsed(discount="a", amount=300)))
    assert first is not None
    assert [(each.discount, each.amount) for each in first] == [("a", 300)]
    assert second == []

"""The third pass: every customer's history folded anew, and held to the named invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from ledger import invariants
from ledger.book import Book
from ledger.customer import Customer
from ledger.decider import evolve_book, evolve_customer, read_event
from ledger.errors import IntegrityError
from ledger.event import Event
from ledger.posting_rules import DEFAULT_RULES, postings
from ledger.verify.findings import Finding, Part, part
from ledger.verify.leaves import SQL, Connection, stream

NAMES = (
    *(each.__name__ for each in invariants.OF_CUSTOMER),
    invariants.postings_agree_with_state.__name__,
    invariants.every_event_balances.__name__,
)
"""What is held of every customer and event here, by name."""


def check_share(connection: Connection, book: str, upto: int, share: int, shares: int) -> Part:
    """Hold one share of the customers, all of their events up to a position, to the invariants."""
    findings: list[Finding] = []
    count = 0
    customer: Customer | None = None
    balances = Counter[tuple[str, str]]()
    last: Event | None = None
    values = {"book": book, "upto": upto, "share": share, "shares": shares}
    for event in _events(connection, "streams_between", values, findings):
        if last is not None and event.subject != last.subject:
            findings += _held(customer, balances, last)
            customer, balances = None, Counter()
        customer = evolve_customer(customer, event)
        found = postings(_RULES.get(event.type, ()), event)
        for posting in found:
            balances[posting.account, posting.currency] += posting.amount
        if sum(posting.amount for posting in found):
            findings += [
                Finding(f"every_event_balances: {said}", event.position)
                for said in invariants.every_event_balances(event, DEFAULT_RULES)
            ]
        last = event
        count += 1
    if last is not None:
        findings += _held(customer, balances, last)
    return part(count, findings)


def _events(
    connection: Connection, query: str, values: dict[str, object], findings: list[Finding]
) -> Iterator[Event]:
    for (state,) in stream(connection, query, ("bytea",), **values):
        try:
            yield read_event(state)
        except (IntegrityError, msgspec.MsgspecError) as error:
            findings.append(Finding(f"an event of {values['book']} cannot be read: {error}"))


def _held(customer: Customer | None, balances: Counter[tuple[str, str]], last: Event) -> Iterator[Finding]:
    if customer is None:
        yield Finding(f"customer {last.subject} has events but was never opened", last.position)
        return
    checks = ((each.__name__, each(customer)) for each in invariants.OF_CUSTOMER)
    agree = invariants.postings_agree_with_state
    for name, said in (*checks, (agree.__name__, agree(customer, balances))):
        for sentence in said:
            yield Finding(f"{name}: customer {last.subject}: {sentence}", last.position)


_RULES = {
    type_: [rule for rule in DEFAULT_RULES if rule.event == type_]
    for type_ in {r.event for r in DEFAULT_RULES}
}


def check_numbers(connection: Connection, book: str, upto: int) -> Part:
    """Hold the numbers of invoices and credit notes to their series, and the book's history to its rules."""
    findings: list[Finding] = []
    counted = Counter[str]()
    events = _counting(_events(connection, "numbered", {"book": book, "upto": upto}, findings), counted)
    findings += [Finding(f"numbers_have_no_gaps: {said}") for said in invariants.numbers_have_no_gaps(events)]
    state: Book | None = None
    for (raw,) in connection.execute(SQL["book_stream"], {"book": book, "upto": upto}):
        state = evolve_book(state, read_event(raw))
    if state is None and upto:
        findings.append(Finding("the book has events but was never opened", 1))
    return part(counted.total(), findings)


def _counting(events: Iterator[Event], counted: Counter[str]) -> Iterator[Event]:
    for event in events:
        counted[event.type] += 1
        yield event

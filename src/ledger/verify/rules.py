"""The third pass: every customer's history folded anew, and held to the named invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from ledger import invariants
from ledger.book import Book
from ledger.customer import Customer
from ledger.decider import evolve_book, evolve_customer, read_event
from ledger.errors import IntegrityError
from ledger.event import Event
from ledger.log.store import COPY_TYPES, Row
from ledger.posting_rules import DEFAULT_RULES, postings
from ledger.verify import rows
from ledger.verify.findings import Finding, Part, part
from ledger.verify.leaves import SQL, Connection, stream

NAMES = (
    *(each.__name__ for each in invariants.OF_CUSTOMER),
    invariants.postings_agree_with_state.__name__,
    invariants.every_event_balances.__name__,
)
"""What is held of every customer and event here, by name."""


class Share(msgspec.Struct, frozen=True):
    """What a share of the customers shows: of their rows' columns, and of the invariants."""

    columns: Part
    held: Part

    @property
    def looked_at(self) -> int:
        """How many events."""
        return self.held.count


_IMPOSSIBLE = (AssertionError, LookupError, AttributeError, TypeError, ValueError, ArithmeticError)
"""How folding ends where an event is about what was never there: no rule recorded it so."""


class Held:
    """Folds customers one after the other, and holds each to the invariants when it is done with them."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.count = 0
        self._customer: Customer | None = None
        self._balances = Counter[tuple[str, str]]()
        self._last: Event | None = None
        self._broken = False

    def take(self, event: Event) -> None:
        """Fold the next event; all of one customer come next to each other, in order."""
        if self._last is not None and event.subject != self._last.subject:
            self.finish()
        self._evolve(event)
        found = postings(_RULES.get(event.type, ()), event)
        for posting in found:
            self._balances[posting.account, posting.currency] += posting.amount
        if sum(posting.amount for posting in found):
            self.findings += [
                Finding(f"every_event_balances: {said}", event.position)
                for said in invariants.every_event_balances(event, DEFAULT_RULES)
            ]
        self._last = event
        self.count += 1

    def _evolve(self, event: Event) -> None:
        """Fold the event; of a customer whose history does not hang together, the rest is left alone."""
        if self._broken:
            return
        try:
            self._customer = evolve_customer(self._customer, event)
        except _IMPOSSIBLE as error:
            self._broken = True
            said = f"{event.type} at position {event.position} does not follow from what is before it"
            self.findings.append(Finding(f"{said} ({type(error).__name__} {error})".strip(), event.position))

    def finish(self) -> None:
        """Hold the last customer to the invariants."""
        if self._last is not None and not self._broken:
            self.findings += _held(self._customer, self._balances, self._last)
        self._customer, self._balances, self._last = None, Counter(), None
        self._broken = False


def check_share(connection: Connection, book: str, upto: int, since: int, share: int, shares: int) -> Share:
    """Hold one share of the customers, all of their events up to a position, to the invariants.

    On the way, the columns of each row are compared with its bytes.
    """
    wrong: list[Finding] = []
    held = Held()
    values = {"book": book, "upto": upto, "since": since, "share": share, "shares": shares}
    for columns in stream(connection, "streams_between", COPY_TYPES, **values):
        event = rows.read(Row(*columns), wrong)
        if event is not None:
            held.take(event)
    held.finish()
    return Share(part(held.count, wrong), part(held.count, held.findings))


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


class _Number(msgspec.Struct, frozen=True):
    series: str | None = None
    sequence: int | None = None


class Numbered(msgspec.Struct, frozen=True):
    """Of an event that takes a number of a series: its place, and the number."""

    position: int
    data: _Number


def check_numbers(connection: Connection, book: str, upto: int) -> Part:
    """Hold the numbers of invoices and credit notes to their series, and the book's history to its rules."""
    values: dict[str, object] = {"book": book, "upto": upto}
    found = check_series(state for (state,) in stream(connection, "numbered", ("bytea",), **values))
    findings = found.findings
    state: Book | None = None
    for (raw,) in connection.execute(SQL["book_stream"], values):
        try:
            state = evolve_book(state, read_event(raw))
        except (IntegrityError, msgspec.MsgspecError, *_IMPOSSIBLE) as error:
            findings.append(Finding(f"an event of the book itself cannot be read: {error}"))
    if state is None and upto:
        findings.append(Finding("the book has events but was never opened", 1))
    return part(found.count, findings)


def check_series(states: Iterable[bytes]) -> Part:
    """Hold the numbers that events take, in order, to their series."""
    findings: list[Finding] = []
    count = 0

    def numbered() -> Iterator[Numbered]:
        nonlocal count
        for state in states:
            count += 1
            try:
                yield _NUMBERED.decode(state)
            except msgspec.MsgspecError as error:
                findings.append(Finding(f"an event that takes a number cannot be read: {error}"))

    findings += [
        Finding(f"numbers_have_no_gaps: {said}") for said in invariants.numbers_have_no_gaps(numbered())
    ]
    return part(count, findings)


_NUMBERED = msgspec.json.Decoder(Numbered)

"""A book and its customers in memory: messages go in as bytes, events come out of bytes, as in the log.

After every message, accepted or refused, the named invariants are checked, and a decision must have changed
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from ledger import decider, invariants, verification
from ledger.book import Book
from ledger.errors import Refusal
from ledger.event import Event, encode_canonical
from ledger.message import Message, read_message
from ledger.posting_rules import DEFAULT_RULES, postings
from ledger.refusals import REFUSALS
from ledger.state import Customer

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = "alice"

Ask = tuple[str, Mapping[str, object]]
"""A message's type and data."""


RESERVED = {"caller.verify": verification.SOURCE, "verification.start": verification.SOURCE}
"""The sources of messages that only the ledger posts."""


def envelope(ask: Ask, *, key: str, at: datetime, customer: str | None, source: str = "") -> bytes:
    type_, data = ask
    source = source or RESERVED.get(type_, "test")
    attributes: dict[str, object] = {"specversion": "1.0", "id": key, "source": source, "type": type_}
    if customer is not None:
        attributes["subject"] = customer
    return msgspec.json.encode({**attributes, "time": at, "data": data})


class World:
    """One book whose clock moves a minute with each message, unless a message says when it occurred."""

    def __init__(self, **book: object) -> None:
        self.now = START
        self.book: Book | None = None
        self.customers: dict[str, Customer | None] = {}
        self.events: list[Event] = []
        self.balances: dict[str, Counter[tuple[str, str]]] = {}
        self.versions = Counter[str | None]()
        self.checking = True
        self.principal: str = "principal"
        self.role: str | None = None
        self.post(("book.opened", {"name": "Book", "currency": "EUR", "time_zone": "Europe/Berlin", **book}))

    def read(
        self, ask: Ask, *, at: datetime | None = None, customer: str = ALICE, key: str | None = None
    ) -> Message:
        """Read a message as it would come over the wire."""
        subject = None if ask[0] in decider.OF_BOOK else customer
        key = key or f"m{len(self.events) + 1}"
        return read_message(
            envelope(ask, key=key, at=at or self.now, customer=subject),
            decider.DECODERS,
            self.principal,
            self.role,
        )

    def acts(self, principal: str, role: str | None = None) -> None:
        """From now on messages come from this principal, in this role."""
        self.principal, self.role = principal, role

    def post(self, ask: Ask, *, at: datetime | None = None, customer: str = ALICE) -> list[Event]:
        """Post a message; return the events it led to, or raise its refusal."""
        self.now += timedelta(minutes=1)
        return self.take(self.read(ask, at=at, customer=customer))

    def take(self, message: Message) -> list[Event]:
        """Decide a message and let the events that it led to change the states."""
        customer = self.customers.get(message.subject or "")
        before = _snapshot(self.book, customer)
        try:
            drafts = decider.decide(self.book, customer, message, self.now)
        except Refusal as refusal:
            _check(refusal)
            raise
        finally:
            assert _snapshot(self.book, customer) == before, f"deciding {message.type} changed the state"
        return self._record(message, drafts)

    def _record(self, message: Message, drafts: list[decider.Draft]) -> list[Event]:
        recorded = []
        causation = len(self.events) + 1
        for place, draft in enumerate(drafts):
            self.versions[message.subject] += 1
            event = Event(
                book="book",
                causation=causation,
                data=draft.data,
                decisionsize=len(drafts),
                id=message.id if place == 0 else str(causation + place),
                position=causation + place,
                principal=message.principal,
                recordedtime=self.now,
                source=message.source if place == 0 else "ledger",
                specversion="1.0",
                subject=message.subject,
                time=draft.occurred_at or message.time,
                type=draft.type,
                version=self.versions[message.subject],
            )
            state = encode_canonical(event)
            read = decider.read_event(state)
            assert encode_canonical(read) == state
            self._apply(read)
            recorded.append(read)
        assert decider.first_difference(recorded[0], message) is None
        self._check(message.subject)
        return recorded

    def _apply(self, event: Event) -> None:
        self.events.append(event)
        self.book = decider.evolve_book(self.book, event)
        if event.subject is not None:
            self.customers[event.subject] = decider.evolve_customer(self.customers.get(event.subject), event)
            balances = self.balances.setdefault(event.subject, Counter())
            assert not list(invariants.every_event_balances(event, DEFAULT_RULES))
            for posting in postings(DEFAULT_RULES, event):
                balances[posting.account, posting.currency] += posting.amount

    def _check(self, subject: str | None) -> None:
        customer = self.customers.get(subject or "")
        if customer is None or not self.checking:
            return
        wrong = [said for _, said in invariants.broken(customer)]
        wrong += invariants.postings_agree_with_state(customer, self.balances[subject or ""])
        wrong += invariants.numbers_have_no_gaps(self.events)
        assert not wrong, wrong

    @property
    def alice(self) -> Customer:
        """The customer that tests are about unless they say otherwise."""
        customer = self.customers[ALICE]
        assert customer is not None
        return customer

    def due(self, number: str) -> int:
        """Tell what is due of an invoice."""
        invoice = self.alice.invoice(number)
        assert invoice is not None
        return invoice.due

    def balance(self, currency: str = "EUR") -> int:
        """A customer's balance: the sum of their postings on receivable, disputed and customer_credit."""
        balances = self.balances[ALICE]
        return sum(balances[account, currency] for account in ("receivable", "disputed", "customer_credit"))


def _check(refusal: Refusal) -> None:
    """Every refusal is in the table, and its values can be sent."""
    assert refusal.code in REFUSALS
    msgspec.json.encode(refusal.values)


def _snapshot(book: Book | None, customer: Customer | None) -> bytes:
    return msgspec.msgpack.encode([book, customer])


def opened(**book: object) -> World:
    """A world with Alice in it."""
    world = World(**book)
    world.post(("customer.opened", {"currency": "EUR"}))
    return world

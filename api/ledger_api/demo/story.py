"""The demo's year, played month by month against a ledger.

Each month goes in two rounds: what customers and their banks do, then the invoices. Between months the demo
reads the events that its messages led to, and pays what the ledger says is due. It reads no further than its
own receipts go, and receipts are the same for ever: so the same seed plays the same year, and what was
recorded already (by a demo that was interrupted, say) is answered as a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import msgspec

from ledger.errors import ConfigurationError
from ledger_api.client import Client, ClientError, message
from ledger_api.client.bulk import Lanes, Tally
from ledger_api.demo.care import Care
from ledger_api.demo.collecting import Collector
from ledger_api.demo.desk import POLICY, Desk
from ledger_api.demo.diary import Diary, Month, month_of
from ledger_api.demo.keeping import AUTHORITY, PLAN, Keeper
from ledger_api.demo.known import Event, Known
from ledger_api.demo.paying import Payer
from ledger_api.demo.people import MONTHS, Person, draw
from ledger_api.demo.service import Services

SOURCES = ("bank", "billing", "care", "crm", "rating")
"""The upstream systems of the demo: what its API key may post as."""
TIME_ZONE = "Europe/Berlin"
REPEATED = 0.004
"""The share of messages that reach the ledger twice."""
FEED_LIMIT = 1_000
"""Events asked for in one page of the feed."""

_OF_BOOK: tuple[tuple[int, str, str, str, dict[str, object]], ...] = (
    (1, "2025-01-02", "policy.changed", "relief", {
        "policy": "write_off", "from": "2025-01-01", "write_off": {"tax_relief": True}}),
    (1, "2025-01-02", "policy.changed", "authority", {
        "policy": "discount_authority", "from": "2025-01-01", "discount_authority": AUTHORITY}),
    (1, "2025-01-02", "policy.changed", "verification", POLICY),
    (2, "2025-02-03", "trial.registered", "trial", PLAN),
    (6, "2025-06-02", "tax_rate.changed", "reduced", {
        "category": "reduced", "rate": "9", "from": "2025-07-01"}),
)  # fmt: skip
"""In which month, on which day, what changes of the book: type, key and data."""

Progress = Callable[[int], None]
"""Told how many more customer-months are done."""


class Life:
    """One customer from joining to the year's end."""

    def __init__(self, number: int, seed: int) -> None:
        self._random = Random(f"{seed}/{number}")  # noqa: S311 - a made-up year wants no secrets
        self.person = draw(number, self._random)
        self.known = Known()
        self._services = Services(self.person, self._random)
        self._payer = Payer(self.person, self.known, self._random)
        self._care = Care(self.person, self.known, self._random)
        debts = Random(f"{seed}/{number}/debts")  # noqa: S311 - a made-up year wants no secrets
        self._collector = Collector(self.person, self.known, debts)
        lots = Random(f"{seed}/{number}/keeping")  # noqa: S311 - a made-up year wants no secrets
        self.keeper = Keeper(self.person, self.known, lots)
        calls = Random(f"{seed}/{number}/desk")  # noqa: S311 - a made-up year wants no secrets
        self._desk = Desk(self.person, calls)

    def write(self, month: Month) -> list[bytes]:
        """Give the messages of one month."""
        diary = Diary(self.person.customer, month, self._random)
        self._services.write(diary)
        for invoice in self.known.invoices.values():
            if not invoice.seen:
                invoice.seen = True
                self._payer.promise(invoice)
                self._care.open_about(diary, invoice)
        self._payer.write(diary)
        self._care.write(diary)
        self._collector.write(diary)
        self.keeper.write(diary)
        return [*diary.messages(REPEATED), *self._desk.messages(month)]


class Size(NamedTuple):
    """How large a demo is, known before it begins."""

    customers: int
    customer_months: int


class Story:
    """A demo: its customers, and the ledger that it plays against."""

    def __init__(self, client: Client, lead: Client, book: str, seed: int, customers: int) -> None:
        self._client = client
        self._lead = lead
        self._book = book
        self._seed = seed
        self._lives = [Life(number, seed) for number in range(1, customers + 1)]
        self._of_customer = {life.person.customer: life.known for life in self._lives}
        self._learned = 0
        """The position up to which the lives know the ledger's answers."""

    @property
    def size(self) -> Size:
        """How much there is to do."""
        return Size(len(self._lives), sum(MONTHS - life.person.joined + 1 for life in self._lives))

    def play(self, progress: Progress) -> Tally:
        """Play the whole year and tell what became of the messages."""
        with (
            Lanes(self._client, self._book, lanes=1) as lanes,
            Lanes(self._lead, self._book, lanes=1) as leads,
        ):
            lanes.send(self._opening(), None)
            for number in range(1, MONTHS + 1):
                month = month_of(number)
                for raw in self._of_book(month):
                    lanes.send(raw, None)
                for life in self._lives:
                    for raw in life.keeper.decide(month):
                        leads.send(raw, life.person.customer)
                leads.settle()
                for life in self._lives:
                    if life.person.joined <= number:
                        for raw in life.write(month):
                            lanes.send(raw, life.person.customer)
                        progress(1)
                for life in self._lives:
                    if life.person.joined <= number <= (life.person.left or number):
                        lanes.send(_billing(life.person, month), life.person.customer)
                if number > 1:
                    lanes.send(_closing(month), None)
                lanes.settle()
                self._learn(lanes.tally.position_last)
            lanes.tally.add(leads.tally)
            return lanes.tally

    @property
    def somebody(self) -> Person:
        """One of the customers, to try things with."""
        return self._lives[0].person

    @property
    def name(self) -> str:
        """The name of the book, by which this demo knows its own."""
        return f"Harbour Cloud (demo of {len(self._lives):,} customers, seed {self._seed})"

    def is_there(self) -> bool:
        """Tell whether the ledger holds this year to its end: the key of its last message stands in the log.

        Raises `ConfigurationError` when the book is another one's.
        """
        try:
            first = next(feed(self._client, self._book, 0, 1), None)
            if first is not None and first.data.name != self.name:
                raise ConfigurationError(
                    f"the book {self._book} is there already and is another one: {first.data.name}; "
                    "choose another with --book, or another data folder with --home"
                )
            last = closing_id(month_of(MONTHS))
            closed = feed(self._client, self._book, 0, type_="period.closed")
            return any(event.id == last for event in closed)
        except ClientError as error:
            if error.code == "book_unknown":
                return False
            raise

    def _opening(self) -> bytes:
        data = {
            "name": self.name,
            "currency": "EUR",
            "time_zone": TIME_ZONE,
            "tax_rates": [
                {"category": "standard", "rate": "19", "from": "2020-01-01"},
                {"category": "reduced", "rate": "7", "from": "2020-01-01"},
            ],
        }
        return message("book.opened", id_="opened", source="billing", time_="2024-12-30T08:00:00Z", data=data)

    def _of_book(self, month: Month) -> Iterator[bytes]:
        """Say what the book's own rules are: policies, a trial's plan, in June a rate from July on."""
        for number, day, type_, id_, data in _OF_BOOK:
            if month.number == number:
                yield message(type_, id_=id_, source="billing", time_=f"{day}T08:00:00Z", data=data)

    def _learn(self, upto: int) -> None:
        """Read the events from where the last month ended up to the last receipt."""
        for event in feed(self._client, self._book, self._learned, upto):
            known = self._of_customer.get(event.subject)
            if known is not None:
                known.learn(event)
        self._learned = upto


def _billing(person: Person, month: Month) -> bytes:
    return message(
        "customer.bill", id_=f"{person.customer}/{month.name}/bill", source="billing",
        time_=f"{month.last}T20:00:00Z", data={"through": month.last.isoformat()}, subject=person.customer,
    )  # fmt: skip


def _closing(month: Month) -> bytes:
    """Close the month before: from now on nothing may be dated in it."""
    through = month_of(month.number - 1).last
    return message(
        "period.closed", id_=closing_id(month), source="billing", time_=f"{month.last}T21:00:00Z",
        data={"through": through.isoformat()},
    )  # fmt: skip


def closing_id(month: Month) -> str:
    """Give the key under which a month sees the one before it closed."""
    return f"closed-in-{month.name}"


class _Page(msgspec.Struct):
    items: list[Event]
    next: int
    head: int


_read_page = msgspec.json.Decoder(_Page).decode


def head_of(client: Client, book: str) -> int:
    """Say where the log of a book ends."""
    return _read_page(client.get(f"/v1/books/{book}/events", {"limit": 1}).body).head


def feed(
    client: Client, book: str, after: int, upto: int | None = None, type_: str | None = None
) -> Iterator[Event]:
    """Read the events of a book, or those of one type, behind one position up to another."""
    while upto is None or after < upto:
        limit = FEED_LIMIT if upto is None else min(FEED_LIMIT, upto - after)
        asked: dict[str, str | int] = {"after": after, "limit": limit}
        if type_ is not None:
            asked["type"] = type_
        page = _read_page(client.get(f"/v1/books/{book}/events", asked).body)
        yield from page.items
        after = page.next
        if after >= page.head:
            return

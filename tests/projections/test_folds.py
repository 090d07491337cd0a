"""A fold gives the same rows however the positions are split, and these are what the rules say."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg import sql
from tests.ledger import asks
from tests.ledger.table import untaxed
from tests.ledger.test_random_histories import Histories
from tests.ledger.world import START, Ask
from tests.log.posting import read_log, writer
from tests.projections.histories import OPEN_BOOK, message, post, post_lives
from tests.projections.rows import Beside, folding

from ledger import decider
from ledger.database import connect
from ledger.errors import Refusal
from ledger.event import LEDGER, Event, encode_canonical
from ledger.log.importing import import_log
from ledger.log.writer import Writer
from ledger.posting_rules import DEFAULT_RULES, postings
from ledger.state import Customer

OUT_OF_BALANCE = sql.SQL("SELECT count(*) FROM {balances}.trial_balance WHERE difference <> 0")
MOVED = sql.SQL(
    "SELECT position, account, currency, sum(amount)::bigint FROM {journal}.posting WHERE book = %(book)s"
    " GROUP BY position, account, currency"
)
DUE = sql.SQL("SELECT invoice, due, disputed, written_off FROM {invoices}.invoice WHERE book = %(book)s")
LEFT = sql.SQL(
    "SELECT payment, unallocated FROM {invoices}.payment WHERE book = %(book)s"
    " UNION ALL SELECT 'credit_note/' || credit_note, unallocated FROM {invoices}.credit_note"
    " WHERE book = %(book)s"
)
HOLDING = sql.SQL(
    "SELECT customer, dispute, sum(amount)::bigint FROM {invoices}.holding WHERE book = %(book)s"
    " GROUP BY customer, dispute HAVING sum(amount) <> 0"
)
LAPSED = sql.SQL("SELECT state, outcome, level, lapsed::text FROM {disputes}.dispute WHERE book = %(book)s")
SALES = sql.SQL("SELECT count(*) FROM {journal}.posting WHERE account = 'sales-1'")
BALANCES = sql.SQL(
    "SELECT customer, currency, receivable, disputed, customer_credit, unbilled"
    " FROM {balances}.customer_balance WHERE book = %(book)s"
)


class Ledger:
    """A log, and three sets of read models: folded event by event, in ranges, and all at once."""

    def __init__(self, conninfo: str, works: Writer) -> None:
        self.conninfo = conninfo
        self.works = works
        self.books = (f"book {number}" for number in itertools.count(1))
        self._folding = folding(conninfo)
        connection, cursors = next(self._folding)
        self.singly, self.split, self.whole = (
            Beside(connection, cursors, suffix) for suffix in ("@singly", "@split", "@whole")
        )

    def close(self) -> None:
        """Close the connections."""
        next(self._folding, None)

    def hold(self, book: str, cuts: list[int], *, follows: bool = True) -> None:
        """Fold a book in all three ways and compare everything; see if it follows from the default rules."""
        stored = read_log(self.conninfo, book)
        head = stored.head.position
        rows = self.singly.fold(book, range(1, head + 1), self._balances)
        assert self.split.fold(book, sorted({head, *(cut for cut in cuts if cut < head)})) == rows
        assert self.whole.fold(book, [head]) == rows
        if follows:
            self._follows_from_the_rules(book, stored.events)

    def _balances(self, position: int) -> None:
        assert self.singly.one(OUT_OF_BALANCE) == 0, f"out of balance at {position}"

    def _follows_from_the_rules(self, book: str, events: list[Event]) -> None:
        """The SQL of the folds and the rules in Python share no code."""
        moved: Counter[tuple[int, str, str]] = Counter()
        customers: dict[str, Customer | None] = {}
        for event in events:
            for posting in postings(DEFAULT_RULES, event):
                moved[event.position, posting.account, posting.currency] += posting.amount
            if event.subject is not None:
                customers[event.subject] = decider.evolve_customer(customers.get(event.subject), event)
        expected = {key: amount for key, amount in moved.items() if amount}
        found = {(position, account, currency): amount
                 for position, account, currency, amount in self.whole.all(MOVED, book=book)
                 if amount}  # fmt: skip
        assert found == expected
        held = {(name, dispute): held for name, dispute, held in self.whole.all(HOLDING, book=book)}
        assert held == {
            (name, dispute.dispute): dispute.held
            for name, state in customers.items()
            if state is not None
            for dispute in state.disputes.values()
            if dispute.held
        }
        states = [customer for customer in customers.values() if customer is not None]
        invoices = [invoice for customer in states for invoice in customer.invoices()]
        assert {invoice: tuple(amounts) for invoice, *amounts in self.whole.all(DUE, book=book)} == {
            invoice.number: (0 if invoice.void else invoice.due, invoice.disputed, invoice.written_off)
            for invoice in invoices
        }
        if len(states) == 1:  # payments are named per customer
            assert dict(self.whole.all(LEFT, book=book)) == {
                source.key: source.left for source in states[0].sources()
            }
            sums = Counter[tuple[str, str]]()
            for (_, account, currency), amount in expected.items():
                sums[account, currency] += amount
            accounts = ("receivable", "disputed", "customer_credit", "unbilled")
            for _, currency, *amounts in self.whole.all(BALANCES, book=book):
                assert amounts == [sums[account, currency] for account in accounts]


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    with writer(database) as works:
        made = Ledger(database, works)
        yield made
        made.close()


@pytest.mark.parametrize("kind", ["chargeback", "complaint"])
def test_a_deadline_that_passed_is_folded_alike_however_the_log_is_cut(ledger: Ledger, kind: str) -> None:
    """By an imported log: its clock went past the day, which that of a log that is written now does not."""
    world = untaxed()
    told = (
        asks.charge("c", 900), asks.issue(), asks.pay("p", 300),
        asks.chargeback("d", "p", 200, respond_by="2026-02-10") if kind == "chargeback"
        else asks.complain("d", "INV-1", 400, respond_by="2026-02-10"),
    )  # fmt: skip
    for ask in told:
        world.post(ask)
    world.now = datetime(2026, 2, 12, tzinfo=UTC)
    world.acts(LEDGER)
    (event,) = world.post(asks.lapse("d", "2026-02-10"))
    assert event.type == ("dispute.resolved" if kind == "chargeback" else "dispute.escalated")
    book = next(ledger.books)
    with connect(ledger.conninfo, autocommit=False) as connection:
        events = (msgspec.structs.replace(each, book=book) for each in world.events)
        import_log(connection, book, (encode_canonical(each) + b"\n" for each in events))
    ledger.hold(book, [event.position - 1])
    (lapsed,) = ledger.whole.all(LAPSED, book=book)
    how = ("resolved", "lost", 0) if kind == "chargeback" else ("open", None, 1)
    assert lapsed == (*how, "2026-02-10")


BY_THE_CLOCK = {"code_limit", "verification_locked"}
"""What is refused by how soon it is recorded: the world's clock moves on, that of the log hardly does."""


class RecordedHistories(Histories):
    """A random history that is posted to a real log as well, and folded when it ends."""

    ledger: ClassVar[Ledger]

    def __init__(self) -> None:
        super().__init__()
        self.asked = [(OPEN_BOOK, START), (("customer.opened", {"currency": "EUR"}), START)]
        self.cuts: list[int] = []

    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        super().ask(ask, back)
        self.asked.append((ask, self.world.now - back))
        if len(self.asked) % 7 == 3:
            self.cuts.append(len(self.world.events))

    def teardown(self) -> None:
        super().teardown()
        book = next(self.ledger.books)
        messages = [message(ask, f"m{place}", at) for place, (ask, at) in enumerate(self.asked)]
        outcomes = post(self.ledger.works, book, messages)
        refused = {each.code for each in outcomes if isinstance(each, Refusal)}
        if not refused & BY_THE_CLOCK:
            recorded = sum(len(each.events) for each in outcomes if not isinstance(each, Exception))
            assert recorded == len(self.world.events)
        self.ledger.hold(book, self.cuts)


def test_any_history_in_any_ranges_gives_the_same_rows_and_balances_at_every_position(ledger: Ledger) -> None:
    RecordedHistories.ledger = ledger
    run_state_machine_as_test(
        RecordedHistories,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 13, 50])
def test_lives_that_touch_every_table_give_the_same_rows_in_ranges_of_any_size(
    ledger: Ledger, size: int
) -> None:
    post_lives(ledger.works, "lives", 7)
    head = post_lives(ledger.works, "lives", 3, first=8)
    ledger.hold("lives", list(range(size, head, size)), follows=False)
    rows = ledger.whole.fold("lives", [])
    empty = [table for table, found in rows.items() if not found]
    assert not empty, f"the history does not touch {empty}"
    services = 3 + 1 + 2  # of the three customers, each charged for its first days
    assert ledger.whole.one(SALES) == 3 * 8 + services, "a book's own rules count once they are recorded"


def test_the_database_refuses_what_does_not_balance_and_any_change(ledger: Ledger) -> None:
    post_lives(ledger.works, "lives", 1)
    ledger.whole.fold("lives", [3])
    row = "('lives', {}, {}, 'cash', NULL, NULL, 'EUR', {}, '2026-01-01', now(), now())"
    insert = 'INSERT INTO "journal@whole".posting VALUES '

    def entry(*postings: tuple[int, int, int]) -> sql.SQL:
        return sql.SQL(insert + ", ".join(row.format(*posting) for posting in postings))

    with psycopg.connect(ledger.conninfo, autocommit=True) as connection:
        for unbalanced in (entry((9, 1, 5)), entry((9, 1, 5), (9, 2, -4)), entry((9, 1, 5), (10, 1, -5))):
            with pytest.raises(psycopg.errors.CheckViolation) as caught:
                connection.execute(unbalanced)
            assert caught.value.diag.constraint_name == "entry_balances"
        connection.execute(entry((9, 1, 5), (9, 2, -5)))
        for change in ("UPDATE {} SET amount = 1", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL(change).format(sql.Identifier("journal@whole", "posting")))

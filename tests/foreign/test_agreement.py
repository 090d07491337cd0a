"""Programs that we did not write add our journals up: the same balances at any date, or a complaint."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.api.command import run
from tests.conftest import Fresh
from tests.foreign import programs
from tests.foreign.histories import journals, random_histories, record
from tests.foreign.programs import CLOCKS, FOUND, Foreign, Hledger, Sums
from tests.log.posting import chance_of, read_log, writer
from tests.projections.histories import post_lives
from tests.projections.running import folded, projecting, until
from tests.tlog.test_signing import as_superuser

from ledger.database import connect
from ledger.entries import Journal
from ledger.verify.book import verify_book
from ledger_api.files.account_names import AccountNames
from ledger_api.files.journals import Clock

ZONE = ZoneInfo("Europe/Berlin")
HISTORIES = 3
DATES = 20


@pytest.fixture(scope="module")
def recorded(fresh_database: Fresh) -> Iterator[tuple[str, list[str]]]:
    """Give a database with random histories in it, and their books."""
    with fresh_database() as database:
        yield database, [record(database, events) for events in random_histories(HISTORIES)]


def test_the_programs_that_are_demanded_are_there() -> None:
    assert not set(programs.DEMANDED) & set(programs.MISSING)


@pytest.mark.parametrize("program", FOUND, ids=str)
def test_balances_agree_at_random_dates_on_both_clocks(
    recorded: tuple[str, list[str]], program: Foreign, tmp_path: Path
) -> None:
    database, books = recorded
    for book in books:
        made = journals(database, book, program.name, tmp_path)
        assert [program.complaint(journal) for journal in made.values()] == [""] * len(made)
        days = _days(database, book)
        compared = 0
        for clock in CLOCKS:
            for day in days:
                expected = _ours(database, book, {clock: day})
                assert _by_account(program.balances(made, day, clock)) == expected, (book, clock, day)
                compared += bool(expected)
        assert compared > DATES, "the dates lie within the history"


@pytest.mark.parametrize("program", [each for each in FOUND if isinstance(each, Hledger)], ids=str)
def test_balances_agree_on_both_clocks_together(
    recorded: tuple[str, list[str]], program: Hledger, tmp_path: Path
) -> None:
    """What was known on one day of what had happened by another."""
    database, books = recorded
    journal = journals(database, books[-1], program.name, tmp_path)["occurred"]
    days = _days(database, books[-1])
    for occurred, known in zip(days, days[1:] + days[:1], strict=True):
        found = program.both(journal, occurred, known)
        expected = _ours(database, books[-1], {"occurred": occurred, "recorded": known})
        assert _by_account(found) == expected, (occurred, known)


@pytest.mark.parametrize("program", FOUND, ids=str)
def test_the_balance_of_each_customer_and_what_is_due_of_each_invoice_agree(
    database: str, program: Foreign, tmp_path: Path
) -> None:
    with writer(database) as works:
        head = post_lives(works, "lives", 9)
    with projecting(database):
        until(lambda: folded(database, "lives", head))
    found = program.balances(
        journals(database, "lives", program.name, tmp_path), date(2999, 1, 1), "occurred"
    )
    journal = Journal()
    for event in read_log(database, "lives").events:
        list(journal.entries(event))
    names = AccountNames(journal.accounts)
    with connect(database) as connection:
        customers = connection.execute(
            "SELECT customer, currency, customer_credit, unbilled FROM balances.customer_balance"
        ).fetchall()
        invoices = connection.execute(
            "SELECT customer, invoice, currency, due, disputed FROM invoices.invoice WHERE voided_at IS NULL"
        ).fetchall()
    assert customers
    assert invoices
    for customer, currency, credit, unbilled in customers:
        assert found[names.of("customer_credit", customer, None), currency] == credit
        assert found[names.of("unbilled", customer, None), currency] == unbilled
    for customer, invoice, currency, due, disputed in invoices:
        assert found[names.of("receivable", customer, invoice), currency] == due - disputed
        assert found[names.of("disputed", customer, invoice), currency] == disputed


def test_one_flipped_byte_is_found_by_verify_and_by_every_program(
    recorded: tuple[str, list[str]], tmp_path: Path
) -> None:
    database, books = recorded
    book = books[-1]
    for seed in range(3):
        position, at, before, after = _a_digit(database, book, seed)
        _flip(database, book, position, at, after)
        report = verify_book(database, book, processes=1)
        assert not report.passed
        assert report.first_position == position
        for program in FOUND:
            made = journals(database, book, program.name, tmp_path)
            assert all(program.complaint(journal) for journal in made.values()), (program.name, position)
        assert run(database, "export", "--book", book).code == 5, "its lines do not come to the root"
        _flip(database, book, position, at, before)
    assert verify_book(database, book, processes=1).passed


@pytest.mark.parametrize(
    ("type_", "digit"),
    [
        ("dispute.opened", rb'"data":\{"amount":[0-9]*([0-9])'),
        ("payment.received", rb'"time":"[0-9]{4}-[0-9]{2}-[01]([1-8])T'),
    ],
)
def test_what_is_not_posted_is_found_by_verify_alone(
    recorded: tuple[str, list[str]], tmp_path: Path, type_: str, digit: bytes
) -> None:
    """So says docs/auditors.md: an amount that is not posted, and another day of the same month."""
    database, books = recorded
    book, row, found = next(
        (book, row, found)
        for book in books
        for row in read_log(database, book).rows
        if row.type == type_ and (found := re.search(digit, row.state))
    )
    before = found[1].decode()
    _flip(database, book, row.position, found.start(1), str(int(before) % 9 + 1))
    report = verify_book(database, book, processes=1)
    assert (report.passed, report.first_position) == (False, row.position)
    for program in FOUND:
        made = journals(database, book, program.name, tmp_path)
        assert [program.complaint(journal) for journal in made.values()] == [""] * len(made), program.name
    _flip(database, book, row.position, found.start(1), before)
    assert verify_book(database, book, processes=1).passed


def _amounts_of(amount: int | None) -> list[bytes]:
    return [f'"{field}":{amount}'.encode() for field in ("amount", "net")]


def _a_digit(database: str, book: str, seed: int) -> tuple[int, int, str, str]:
    """Choose a digit of an amount in the stored bytes: position, place, what it is, and what it becomes."""
    choice = chance_of(seed)
    kinds = ("payment.received", "charge.posted", "allocation.made")
    rows = [row for row in read_log(database, book).rows if row.type in kinds and (row.amount or 0) > 0]
    said = [(row, each) for row in rows for each in _amounts_of(row.amount) if each in row.state]
    row, amount = choice.choice(said)
    # The last one: the amounts of a payment's allocations stand before its own.
    at = row.state.rindex(amount) + len(amount) - 1
    digit = chr(row.state[at])
    return row.position, at, digit, str(int(digit) + 1 if digit < "9" else 1)


def _flip(database: str, book: str, position: int, at: int, digit: str) -> None:
    place = f"overlay(state placing '{digit}'::bytea from {at + 1})"
    where = f"book = '{book}' AND position = {position}"
    as_superuser(database, f"UPDATE ledger.event SET state = {place} WHERE {where}")  # noqa: S608


def _days(database: str, book: str) -> list[date]:
    """Choose dates of which most lie within the history."""
    events = read_log(database, book).events
    first, last = events[0].time.date(), events[-1].recordedtime.date()
    return [
        first + timedelta(days=random.Random(f"{book} {n}").randint(0, (last - first).days))  # noqa: S311
        for n in range(DATES)
    ]


def _ours(database: str, book: str, upto: dict[Clock, date]) -> dict[tuple[str, str], int]:
    """Our balances as of dates, by account of the chart and currency; those of nothing left out."""
    known = None
    if "recorded" in upto:
        known = datetime.combine(upto["recorded"] + timedelta(days=1), time.min, ZONE).astimezone(UTC)
        known -= timedelta(microseconds=1)
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT kind, account, currency, balance FROM journal.trial_balance_as_of(%s, NULL, %s, %s)",
            (book, known, upto.get("occurred")),
        ).fetchall()
    return {
        (AccountNames({account: kind}).of(account, None, None), currency): int(balance)
        for kind, account, currency, balance in rows
        if balance
    }


def _by_account(sums: Sums) -> dict[tuple[str, str], int]:
    """Add up what a program says of accounts by customer and invoice."""
    whole = Sums()
    for (account, currency), amount in sums.items():
        whole[":".join(account.split(":")[:2]), currency] += amount
    return {key: amount for key, amount in whole.items() if amount}

"""Reports as of any moment are what a fold in Python over the events says, and tie to the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, LiteralString

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg import sql
from tests.log.posting import read_log, writer
from tests.projections.report_model import AGES, Reports
from tests.projections.test_folds import Ledger, RecordedHistories


def _as_of(query: LiteralString) -> sql.SQL:
    moment: LiteralString = "(%(book)s, as_of_position => %(position)s, as_of_occurred => %(day)s)"
    return sql.SQL(query.replace("(moment)", moment))


AGING = _as_of("SELECT * FROM {reports}.aging_as_of(moment)")
REVENUE = _as_of("SELECT * FROM {reports}.revenue_as_of(moment)")
TAX = _as_of("SELECT * FROM {reports}.tax_as_of(moment)")
INCOME = _as_of(
    "SELECT t.currency, (-sum(t.balance))::bigint FROM {journal}.trial_balance_as_of(moment) t"
    " WHERE t.kind = 'income' GROUP BY t.currency"
)
BALANCE = _as_of(
    "SELECT t.currency, sum(t.balance)::bigint FROM {journal}.trial_balance_as_of(moment) t"
    " WHERE t.account = ANY (%(accounts)s) GROUP BY t.currency"
)
NOW = (
    sql.SQL(
        "SELECT count(*) FROM (SELECT * FROM {reports}.aging EXCEPT"
        " SELECT b.book, a.* FROM {journal}.book b CROSS JOIN LATERAL {reports}.aging_as_of(b.book) a) d"
    ),
    sql.SQL("SELECT count(*) FROM {reports}.revenue WHERE net <> recognised - discounts - credited"),
    sql.SQL("SELECT count(*) FROM {reports}.tax WHERE payable <> tax - credited_tax - relieved_tax"),
)
"""The views of now say what the functions say, and their columns add up."""


class Reporting(Ledger):
    """A log whose books are reported on, at some moments of each."""

    def hold(self, book: str, cuts: list[int], *, follows: bool = True) -> None:
        """Compare every report, at some positions and days; `follows` has no meaning here."""
        assert follows
        events = read_log(self.conninfo, book).events
        head = len(events)
        self.whole.fold(book, [head])
        last = max(event.time for event in events).date()
        for place, position in enumerate([*cuts[:2], head]):
            for day in (last - timedelta(days=1), last + timedelta(days=(20, 50, 120)[place])):
                self._compare(book, Reports(events, position, day), position, day)
        for query in NOW:
            assert self.whole.one(query) == 0, query

    def _compare(self, book: str, reports: Reports, position: int, day: date) -> None:
        asked = {"book": book, "position": position, "day": day}
        self._compare_aging(reports, asked)
        revenue: Counter[tuple[str, ...]] = Counter()
        income: Counter[str] = Counter()
        for month, service, currency, recognised, discounts, credited, net in self.whole.all(
            REVENUE, **asked
        ):
            for kind, amount in (
                ("recognised", recognised),
                ("discounts", discounts),
                ("credited", credited),
            ):
                revenue[month.isoformat(), service, currency, kind] = amount
            income[currency] += net
        assert _nonzero(revenue) == _nonzero(reports.revenue)
        assert _nonzero(income) == _nonzero(Counter(dict(self.whole.all(INCOME, **asked))))
        tax: Counter[tuple[str, ...]] = Counter()
        payable: Counter[str] = Counter()
        for month, category, rate, currency, *amounts, due in self.whole.all(TAX, **asked):
            for kind, base, part in zip(
                ("invoiced", "credited", "relieved"), amounts[::2], amounts[1::2], strict=True
            ):
                tax[month.isoformat(), category, f"{rate}", currency, kind, "base"] = base
                tax[month.isoformat(), category, f"{rate}", currency, kind, "tax"] = part
            payable[currency] += due
        assert _nonzero(tax) == _nonzero(reports.tax)
        booked = self.whole.all(BALANCE, **asked, accounts=["tax_payable"])
        assert _nonzero(payable) == _nonzero(Counter({currency: -amount for currency, amount in booked}))

    def _compare_aging(self, reports: Reports, asked: dict[str, object]) -> None:
        found = {}
        totals: Counter[str] = Counter()
        for customer, currency, *ages, disputed, total in self.whole.all(AGING, **asked):
            found[customer, currency] = dict(zip((*AGES, "disputed"), (*ages, disputed), strict=True))
            assert sum(found[customer, currency].values()) == total
            totals[currency] += total
        assert {key: _nonzero(ages) for key, ages in found.items()} == {
            key: _nonzero(ages) for key, ages in reports.aging.items()
        }
        booked = self.whole.all(BALANCE, **asked, accounts=["receivable", "disputed"])
        assert _nonzero(totals) == _nonzero(Counter(dict(booked)))


def _nonzero(counter: Mapping[Any, int]) -> dict[Any, int]:
    return {key: amount for key, amount in counter.items() if amount}


class ReportedHistories(RecordedHistories):
    """A random history that is posted to a real log, and reported on when it ends."""


@pytest.fixture
def reporting(database: str) -> Iterator[Reporting]:
    with writer(database) as works:
        made = Reporting(database, works)
        yield made
        made.close()


def test_every_report_of_any_history_as_of_any_moment_is_what_its_events_say(reporting: Reporting) -> None:
    ReportedHistories.ledger = reporting
    run_state_machine_as_test(
        ReportedHistories,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

"""What trials found: intervals against published figures, and sums against the events."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.conftest import Fresh
from tests.ledger import asks
from tests.ledger.world import START, Ask
from tests.log.posting import writer
from tests.projections.histories import OPEN_BOOK, message, post
from tests.projections.rows import Connection
from tests.projections.running import cursors, projecting, until

from ledger.database import connect
from ledger.errors import Refusal
from ledger_projections.installing import install_missing

ENDED = datetime(2026, 12, 31, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def connection(fresh_database: Fresh) -> Iterator[Connection]:
    """Give read models that nothing was folded into."""
    with fresh_database() as database, connect(database) as made:
        install_missing(made)
        yield made


def fill(connection: Connection, trial: str, arms: dict[str, tuple[int, int]]) -> None:
    """Make up a trial: of each arm, how many are kept out of how many."""
    connection.execute(
        "INSERT INTO trials.trial VALUES ('b', %s, '?', 'kept', '{}', '1', '2026-12-31', %s, %s, 'p', 1)",
        (trial, ENDED, START),
    )
    for place, (arm, (kept, customers)) in enumerate(arms.items(), start=1):
        connection.execute("INSERT INTO trials.trial_arm VALUES ('b', %s, %s, %s, 1)", (trial, place, arm))
        for number in range(customers):
            closed_at = None if number < kept else START + timedelta(days=number)
            connection.execute(
                "INSERT INTO trials.assignment VALUES ('b', %s, %s, %s, %s, %s, 1)",
                (f"{arm}-{number}", trial, arm, START, closed_at),
            )


@pytest.mark.parametrize(
    ("kept", "customers", "low", "high"),
    [
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_the_interval_of_a_share(
    connection: Connection, kept: int, customers: int, low: str, high: str
) -> None:
    """Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3."""
    trial = f"single {kept}"
    fill(connection, trial, {"hold_out": (kept, customers)})
    row = connection.execute(
        "SELECT kept_low, kept_high, difference FROM trials.retention WHERE trial = %s", (trial,)
    ).fetchone()
    assert row == (Decimal(low), Decimal(high), None)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), "0.0524", "0.3339"),
        ((9, 10), (3, 10), "0.1705", "0.8090"),
        ((10, 10), (0, 10), "0.6075", "1.0000"),
        ((5, 56), (0, 29), "-0.0381", "0.1926"),
    ],
)
def test_the_interval_of_a_difference(
    connection: Connection, one: tuple[int, int], other: tuple[int, int], low: str, high: str
) -> None:
    """Newcombe, Interval estimation for the difference between proportions, 1998, table II, method 10."""
    trial = f"difference {one[0]}"
    fill(connection, trial, {"a": one, "hold_out": other})
    row = connection.execute(
        "SELECT difference_low, difference_high FROM trials.retention WHERE trial = %s AND arm = 'a'",
        (trial,),
    ).fetchone()
    assert row == (Decimal(low), Decimal(high))


def test_an_arm_that_nobody_is_in_has_no_share(connection: Connection) -> None:
    fill(connection, "empty", {"a": (0, 0), "hold_out": (1, 2)})
    rows = connection.execute(
        "SELECT kept, kept_share, kept_low, difference FROM trials.retention"
        " WHERE trial = 'empty' ORDER BY place"
    ).fetchall()
    assert rows == [(0, None, None, None), (1, Decimal("0.5000"), Decimal("0.0945"), None)]


def test_who_ends_after_the_trial_is_kept(connection: Connection) -> None:
    fill(connection, "late", {"hold_out": (0, 2)})
    connection.execute(
        "UPDATE trials.assignment SET closed_at = %s WHERE trial = 'late' AND customer = 'hold_out-0'",
        (ENDED,),
    )
    row = connection.execute("SELECT kept, closed FROM trials.retention WHERE trial = 'late'").fetchone()
    assert row == (1, 1)


def _life(chance: random.Random, numbers: Iterator[int]) -> Iterator[Ask]:
    yield "customer.opened", {"currency": "EUR"}
    yield asks.charge("before", chance.randint(1, 900))
    yield asks.issue()
    next(numbers)
    yield asks.take_part("stay")
    yield asks.percent_off("x", str(chance.randint(1, 100)), campaign="c")
    for charge in range(chance.randint(0, 3)):
        yield asks.charge(f"c{charge}", chance.randint(2, 900))
        yield asks.issue()
        number = next(numbers)
        if chance.random() < 0.2:
            yield asks.void(f"INV-{number}")
            yield asks.issue()
            next(numbers)
    if chance.random() < 0.5:
        yield "customer.closed", {"by": "customer", "reason": "moved"}


def test_what_customers_were_billed_since_is_what_the_events_say(database: str) -> None:
    """Summed up here from the events alone; a bill of before, and one that is void, does not count."""
    chance, numbers = random.Random(7), iter(range(1, 10_000))  # noqa: S311 - a history, no secret
    opening = [
        message(OPEN_BOOK, "book", START),
        message(asks.trial("stay", ("a", "50"), hold_out="50", end="2999-12-31"), "trial", START),
    ]
    messages = list(opening)
    for customer in range(40):
        at = START + timedelta(days=10, minutes=customer)
        for place, ask in enumerate(_life(chance, numbers)):
            messages.append(message(ask, f"{customer}-{place}", at + timedelta(hours=place), f"c-{customer}"))
    with writer(database) as works:
        outcomes = post(works, "main", messages)
    assert not [each for each in outcomes if isinstance(each, Refusal)]
    with connect(database) as conn:
        install_missing(conn)
    with projecting(database):
        until(lambda: min(cursors(database, "main").values()) == outcomes[-1].events[-1].position)  # type: ignore[union-attr]
    arms: dict[str, str] = {}
    billed: dict[str, tuple[str, int, int]] = {}
    left = set()
    with connect(database) as conn:
        rows = conn.execute(
            "SELECT type, customer, ledger.data_of(state) FROM ledger.event ORDER BY position"
        ).fetchall()
        for type_, customer, data in rows:
            if type_ == "trial.assigned":
                arms[customer] = data["arm"]
            elif type_ == "invoice.issued" and customer in arms:
                billed[data["invoice"]] = (arms[customer], data["net"] - data["discount"], data["discount"])
            elif type_ == "invoice.voided":
                del billed[data["invoice"]]
            elif type_ == "customer.closed":
                left.add(customer)
        found = conn.execute("SELECT arm, billed, discount FROM trials.revenue ORDER BY arm").fetchall()
        kept = conn.execute("SELECT arm, customers, closed FROM trials.retention ORDER BY arm").fetchall()
        campaign = conn.execute("SELECT granted, customers, kept FROM discounts.campaign_outcome").fetchall()
    names = ("a", "hold_out")
    sums = {arm: [0, 0] for arm in names}
    for arm, net, discount in billed.values():
        sums[arm][0] += net
        sums[arm][1] += discount
    assert found == [(arm, *sums[arm]) for arm in names]
    assert kept == [
        (arm, sum(of == arm for of in arms.values()), sum(arms[customer] == arm for customer in left))
        for arm in names
    ]
    assert campaign == [(40, 40, 40 - len(left))]

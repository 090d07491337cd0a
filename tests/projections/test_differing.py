"""What changed between two moments, and by which events."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta

import orjson
from tests.api.command import run
from tests.ledger.asks import amount_off, charge, complain, issue, offer_off, pay, percent_off, revoke, void
from tests.ledger.world import START, Ask, World
from tests.log.posting import writer
from tests.projections.histories import OPEN_BOOK, message, post, post_lives
from tests.projections.running import folded, projecting, until

from ledger.database import connect
from ledger.event import encode_canonical
from ledger.log.importing import import_log
from ledger_projections.differing import Change, differences

OPEN: Ask = ("customer.opened", {"currency": "EUR"})
STORY = (OPEN, charge("a", 1_000), issue(), pay("p", 400), complain("d", "INV-1", 100), charge("b", 50))


def test_every_change_names_the_events_that_made_it(database: str) -> None:
    with writer(database) as works, projecting(database):
        asks = [message(ask, f"k{place}", START) for place, ask in enumerate(STORY)]
        post(works, "main", [message(OPEN_BOOK, "book", START), *asks, message(OPEN, "other", START, "bob")])
        until(lambda: folded(database, "main", 9))
    ran = run(database, "diff", "4", "9", "--book", "main", "--json")
    assert ran.code == 0, ran.err
    told = orjson.loads(ran.out)
    assert (told["from"], told["to"]) == (4, 9)
    changes = {
        (c["noun"], c["item"], c["field"]): (c["before"], c["after"], c["events"]) for c in told["changes"]
    }
    total = changes["invoice", "INV-1", "due"][0]
    assert changes == {
        ("account", "cash", "balance"): (0, 400, [5]),
        ("account", "receivable", "balance"): (total, total - 500, [6, 7]),
        ("account", "disputed", "balance"): (0, 100, [7]),
        ("account", "revenue", "balance"): (-1000, -1050, [8]),
        ("account", "unbilled", "balance"): (0, 50, [8]),
        ("customer", "alice", "balance"): (total, total - 400, [5]),
        ("customer", "bob", "status"): (None, "open", [9]),
        ("customer", "bob", "currency"): (None, "EUR", [9]),
        ("customer", "bob", "payment_days"): (None, 14, [9]),
        ("customer", "bob", "billing_day"): (None, 1, [9]),
        ("customer", "bob", "locale"): (None, "en", [9]),
        ("customer", "bob", "tax_treatment"): (None, "standard", [9]),
        ("payment", "p", "amount"): (None, 400, [5]),
        ("invoice", "INV-1", "due"): (total, total - 400, [6]),
        ("invoice", "INV-1", "disputed"): (0, 100, [7]),
        ("dispute", "d", "state"): (None, "open", [7]),
        ("dispute", "d", "held"): (None, 100, [7]),
    }
    shown = run(database, "diff", "4", "9", "--book", "main")
    assert f"customer\talice\talice\tbalance\t{total:,}\t{total - 400:,}\tEUR\t5" in shown.out.decode()
    assert orjson.loads(run(database, "diff", "9", "9", "--book", "main", "--json").out)["changes"] == []
    assert run(database, "diff", "9", "4", "--book", "main").code == 4
    assert run(database, "diff", "1", "2999-01-01", "--book", "main").code == 4


def test_a_discount_is_changed_by_what_grants_uses_and_gives_back_that_one(database: str) -> None:
    story: list[tuple[Ask, str]] = [
        (OPEN, "alice"), (percent_off("ten", "10", invoices=2), "alice"), (amount_off("sorry", 50), "alice"),
        (charge("a", 1_000), "alice"), (issue(), "alice"), (revoke("sorry"), "alice"),
        (charge("b", 1_000), "alice"), (issue(), "alice"), (void("INV-2"), "alice"),
        (percent_off("new", "5"), "alice"),
    ]  # fmt: skip
    with writer(database) as works, projecting(database):
        asks = [message(ask, f"k{place}", START, who) for place, (ask, who) in enumerate(story)]
        post(works, "main", [message(OPEN_BOOK, "book", START), *asks])
        until(lambda: folded(database, "main", 11))
    ran = run(database, "diff", "5", "11", "--book", "main", "--json")
    assert ran.code == 0, ran.err
    assert sorted(
        (c["item"], c["field"], c["before"], c["after"], c["events"])
        for c in orjson.loads(ran.out)["changes"] if c["noun"] == "discount"
    ) == [
        ("new", "state", None, "granted", [11]),
        ("sorry", "state", "granted", "revoked", [7]),
        ("sorry", "uses", 0, 1, [6]),
        ("ten", "uses", 0, 1, [6, 9, 10]),
    ]  # fmt: skip
    ran = run(database, "diff", "8", "10", "--book", "main", "--json")
    assert [c for c in orjson.loads(ran.out)["changes"] if c["noun"] == "discount"] == []


SETTLED = {"paid", "credited", "written_off", "used_up"}
FOLLOWS = {"invoice": "due", "discount": "uses"}
"""An invoice is paid by all that lowered its due, not only by the last part; so is a discount used up."""
Figure = tuple[str, str | None, str, str, str | None]


def changed(database: str, before: int, after: int) -> dict[Figure, Change]:
    """Compare two moments: every figure comes once, no event is left out, what is not there yet is None."""
    told = asyncio.run(differences(database, "main", before, after))
    assert {position for change in told for position in change.events} == set(range(before + 1, after + 1))
    figures = [change for change in told if change.noun != "event"]
    found = {(c.noun, c.customer, c.item, c.field, c.currency): c for c in figures}
    assert len(found) == len(figures)
    return {figure: c._replace(before=c.before or None, after=c.after or None) for figure, c in found.items()}


def test_steps_add_up_and_every_change_is_by_the_events_that_made_it(database: str) -> None:
    with writer(database) as works, projecting(database):
        head = post_lives(works, "main", 1)
        head = post_lives(works, "main", 2, first=2)
        until(lambda: folded(database, "main", head))
    middle = head // 2
    steps = {position: changed(database, position - 1, position) for position in range(middle + 1, head + 1)}
    made = defaultdict[Figure, list[int]](list)
    values: dict[Figure, tuple[object, object]] = {}
    for position, step in steps.items():
        for figure, change in step.items():
            assert change.events == [position], change
            made[figure].append(position)
            first, last = values.get(figure, (change.before, change.before))
            assert last == change.before, change
            values[figure] = first, change.after
    whole = changed(database, middle, head)
    differing = {figure: value for figure, value in values.items() if value[0] != value[1]}
    assert {figure: (c.before, c.after) for figure, c in whole.items()} == differing
    for figure, change in whole.items():
        events = set(change.events)
        assert events >= set(made[figure]), change
        follows = FOLLOWS.get(figure[0]) if figure[3] == "state" and change.after in SETTLED else None
        moved = made[(*figure[:3], follows, None)] if follows else []
        assert events <= {*made[figure], *moved}, change


def test_what_time_alone_does_is_no_change(database: str) -> None:
    """An offer expires and an invoice is overdue while others act, or the same customer does."""
    world = World()
    for ask in (OPEN, offer_off("offer", "5", "2026-02-14"), charge("z", 1_000), issue()):
        world.post(ask)
    world.now += timedelta(days=60)
    world.post(OPEN, customer="bob")
    world.post(("customer.changed", {"payment_days": 20}))
    with connect(database, autocommit=False) as connection:
        import_log(connection, "book", [encode_canonical(event) + b"\n" for event in world.events], ())
    run(database, "rebuild")
    head = len(world.events)

    def named(before: int, after: int) -> set[tuple[str, str]]:
        told = asyncio.run(differences(database, "book", before, after))
        assert all(change.events for change in told)
        return {(change.item, change.field) for change in told if change.noun != "customer"}

    assert [named(head - 2, head - 1), named(head - 1, head), named(head - 2, head)] == [set()] * 3
    assert ("offer", "state") in named(2, head)


def test_an_event_that_no_figure_shows_is_told_with_what_it_says(database: str) -> None:
    with writer(database) as works, projecting(database):
        head = post_lives(works, "main", 1)
        until(lambda: folded(database, "main", head))
    ran = run(database, "diff", "1", "6", "--book", "main", "--json")
    told = orjson.loads(ran.out)["changes"]
    assert [(c["noun"], c["item"], c["before"], c["events"]) for c in told] == [
        *(("event", "policy.changed", None, [position]) for position in range(2, 6)),
        ("event", "trial.registered", None, [6]),
    ]
    assert orjson.loads(told[-1]["after"])["trial"] == "stay"
    shown = run(database, "diff", "4", "6", "--book", "main").out.decode()
    assert shown.splitlines()[1].split("\t")[:4] == ["event", "policy.changed", "", "says"]
    assert shown.splitlines()[1].endswith("…\t\t5")


def test_it_waits_for_nothing_that_is_not_folded(database: str) -> None:
    with writer(database) as works:
        post(works, "main", [message(OPEN_BOOK, "book", START), message(OPEN, "k", START)])
    run(database, "rebuild")
    with writer(database) as works:
        post(works, "main", [message(charge("a", 5), "c", START)])
    ran = run(database, "diff", "1", "3", "--book", "main")
    assert (ran.code, "the journal is folded up to 2 of 3" in ran.err) == (4, True)

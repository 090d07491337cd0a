"""What changed between two moments, and by which events."""

from __future__ import annotations

import orjson
from tests.api.command import run
from tests.ledger.asks import amount_off, charge, complain, issue, pay, percent_off, revoke, void
from tests.ledger.world import START, Ask
from tests.log.posting import writer
from tests.projections.histories import OPEN_BOOK, message, post
from tests.projections.running import folded, projecting, until

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
        ("customer", "alice", "balance"): (total, total - 400, [5, 6, 7]),
        ("customer", "bob", "status"): (None, "open", [9]),
        ("invoice", "INV-1", "due"): (total, total - 400, [6, 7]),
        ("invoice", "INV-1", "disputed"): (0, 100, [6, 7]),
        ("dispute", "d", "state"): (None, "open", [7]),
        ("dispute", "d", "held"): (None, 100, [7]),
    }
    shown = run(database, "diff", "4", "9", "--book", "main")
    assert f"customer\talice\talice\tbalance\t{total:,}\t{total - 400:,}\tEUR\t5 6 7" in shown.out.decode()
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
        ("sorry", "state", "granted", "revoked", [6, 7]),
        ("sorry", "uses", 0, 1, [6]),
        ("ten", "uses", 0, 1, [6, 9, 10]),
    ]  # fmt: skip
    ran = run(database, "diff", "8", "10", "--book", "main", "--json")
    assert [c for c in orjson.loads(ran.out)["changes"] if c["noun"] == "discount"] == []


def test_it_waits_for_nothing_that_is_not_folded(database: str) -> None:
    with writer(database) as works:
        post(works, "main", [message(OPEN_BOOK, "book", START), message(OPEN, "k", START)])
    run(database, "rebuild")
    with writer(database) as works:
        post(works, "main", [message(charge("a", 5), "c", START)])
    ran = run(database, "diff", "1", "3", "--book", "main")
    assert (ran.code, "the journal is folded up to 2 of 3" in ran.err) == (4, True)

"""`billing-ledger rebuild`, in processes of its own."""

from __future__ import annotations

import orjson
from tests.api.command import run
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.rows import NAMES, read_rows
from tests.projections.running import cursors, folded, projecting, until

from ledger_projections.readmodel import named
from ledger_projections.rebuilding import Rebuild


def test_it_rebuilds_and_tells(database: str) -> None:
    with writer(database) as works, projecting(database):
        position = post_lives(works, "lives", 3)
        until(lambda: folded(database, "lives", position))
    followed = read_rows(database)
    ran = run(database, "rebuild", "--json")
    assert ran.code == 0
    told = orjson.loads(ran.out)
    assert (told["read_models"], told["resumed"]) == (list(NAMES), [])
    assert told["events_folded"] == position * len(NAMES)
    assert "Rebuilding journal, invoices," in ran.err
    assert read_rows(database) == followed

    with Rebuild(database, named(["journal"])):
        pass
    ran = run(database, "rebuild", "journal")
    assert ran.code == 0
    assert "Going on with journal, balances, reports and trials" in ran.err
    assert ran.out.splitlines()[0].split() == b"read_models journal, balances, reports, trials".split()
    assert set(cursors(database, "lives").values()) == {position}


def test_it_says_what_it_does_not_do(database: str) -> None:
    unknown = run(database, "rebuild", "ledgers")
    assert unknown.code == 2
    assert "there is no read model ledgers; there are journal, invoices," in " ".join(unknown.err.split())
    with Rebuild(database, named(["balances"])):
        refused = run(database, "rebuild", "balances", "--json")
    assert refused.code == 4
    assert "balances is being rebuilt by another process" in refused.err

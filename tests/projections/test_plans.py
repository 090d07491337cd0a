"""The planner has no choice: a fold reads its range of the log and finds rows by index, whatever it believes.

And what is rare in a log is found by the index that leaves out what is not.

Of folds it had one twice. Of tables made a moment ago it believed that they were empty, and went through a
whole range for every row of theirs; of a book that began a moment ago it believed the same, and read all of
it for every range.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import TupleRow
from tests.conftest import Fresh
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.running import cursors, projecting, until

from ledger.database import connect
from ledger.log import store
from ledger_projections import past
from ledger_projections.folding import SESSION, SQL
from ledger_projections.installing import install_missing
from ledger_projections.readmodel import READ_MODELS, ReadModel, search_path

RANGE = {"book": "young", "after": 100, "upto": 200}
TARGETS = {
    "customer",
    "agreement_service",
    "assignment",
    "billed",
    "discount",
    "discount_use",
    "dispute",
    "contact",
    "invoice",
    "payment",
    "credit_note",
}
"""Tables whose rows a fold changes: it finds them by what the range names."""


def scans(plan: dict[str, Any], once: bool = False) -> Iterator[dict[str, Any]]:
    """Walk over the nodes that read a table, with `Once` if that is asked once for all of a statement."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        yield {**plan, "Once": once}
    for part in plan.get("Plans", []):
        yield from scans(part, once or part.get("Subplan Name", "").startswith("InitPlan"))


def plan_of(connection: psycopg.Connection[TupleRow], statement: str) -> dict[str, Any]:
    row = connection.execute(("EXPLAIN (FORMAT JSON) " + statement).encode(), RANGE).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def check(database: str, model: ReadModel, columns: int) -> None:
    """Look at every statement of a fold, as the projector's session plans it: rows are found by `columns`."""
    with connect(database, autocommit=False) as connection:
        connection.execute(SESSION)
        connection.execute(search_path(model.name, [needed.name for needed in model.needs]))
        for fold in model.folds:
            for scan in scans(plan_of(connection, fold.statement)):
                # A bitmap's condition stands at its heap as what is checked again.
                condition = scan.get("Index Cond") or scan.get("Recheck Cond", "")
                table = scan["Relation Name"]
                if table in ("event", "posting"):
                    assert '"position" > ' in condition, (fold.name, scan)
                elif table in TARGETS and not scan["Once"]:
                    assert condition.count("= ANY (ARRAY[") >= columns, (fold.name, scan)
        assert "event_pkey" in str(plan_of(connection, SQL["types_present"]))


@pytest.fixture(scope="module")
def grown(fresh_database: Fresh) -> Iterator[str]:
    """A database with one large book, of which the planner does not know yet."""
    with fresh_database() as database:
        with connect(database) as connection:
            install_missing(connection)
        with writer(database) as works:
            post_lives(works, "grown", 40)
        yield database


@pytest.mark.parametrize("model", READ_MODELS, ids=lambda model: model.name)
def test_in_tables_that_were_just_made(grown: str, model: ReadModel) -> None:
    check(grown, model, columns=1)


@pytest.mark.parametrize("model", READ_MODELS, ids=lambda model: model.name)
def test_in_a_young_book_beside_a_large_one(grown: str, model: ReadModel) -> None:
    with projecting(grown):
        until(lambda: min(cursors(grown, "grown").values()) > 900)
    with psycopg.connect(grown, autocommit=True) as connection:
        connection.execute("ANALYZE")
        known = connection.execute("SELECT attname FROM pg_stats WHERE tablename = 'event'").fetchall()
        assert ("position",) in known
    check(grown, model, columns=2)


def bulk(said: str) -> list[str]:
    """Give the types that a text names, in the order of their names."""
    return sorted(re.findall(r"'(\w+\.\w+)'", said))


def test_types_are_found_by_the_index_that_leaves_out_the_same_as_the_question(grown: str) -> None:
    with connect(grown) as connection:
        connection.execute(SESSION)
        reads = list(scans(plan_of(connection, SQL["types_of"])))
        made = connection.execute("SELECT pg_get_indexdef('ledger.event_of_type'::regclass)").fetchone()
    assert {scan["Index Name"] for scan in reads if scan["Relation Name"] == "event"} == {"event_of_type"}
    assert made is not None
    for asked in (SQL["types_of"], past._SQL["copy_types"]):
        lists = re.findall(r"(?:NOT IN \(|ARRAY\[)(.+?)[)\]]", asked)
        assert [bulk(each) for each in lists] == [bulk(str(made[0]))] * 3


def test_a_writer_that_starts_finds_the_last_numbers_by_index(grown: str) -> None:
    """Also in a book that has no credit note: it does not go through all of it for that."""
    with connect(grown, autocommit=False) as connection:
        store.prepare(connection)
        statement = store._SQL["last_numbered"].replace("%(book)s", "$1")
        connection.execute(f"PREPARE last_numbered (text) AS {statement}".encode())
        row = connection.execute("EXPLAIN (FORMAT JSON) EXECUTE last_numbered ('grown')").fetchone()
    assert row is not None
    reads = list(scans(row[0][0]["Plan"]))
    assert [scan["Index Name"] for scan in reads] == ["event_of_type"] * 2
    for scan in reads:
        assert "book = $1" in scan["Index Cond"]
        assert "type = " in scan["Index Cond"]

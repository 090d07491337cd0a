"""What could not be compared never counts as compared; a cursor that would pass events by is named."""

from __future__ import annotations

import threading

import orjson
import pytest
from tests.api.command import Ran, run
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.tlog.test_signing import as_superuser
from tests.verify.test_read_models import BOOK, folded_book, found

from ledger_projections.readmodel import READ_MODELS
from ledger_projections.stopping import Stopping
from ledger_projections.verifying import check_read_models

__all__ = ["folded_book"]

SECONDS_MAX = 60
EDIT = "UPDATE balances.customer_balance SET receivable = receivable + 100 WHERE book = 'main';"
LEFT_OUT = {
    "of another version": (
        EDIT + "UPDATE ledger.read_model SET version = 'x' WHERE model = 'balances'",
        {"balances": "nothing: another version of the program made it, x, and it waits for its rebuild"},
    ),
    "not registered": (
        EDIT + "DELETE FROM ledger.read_model WHERE model = 'balances'",
        {"balances": "nothing: its schema is not registered as one of ours: rename or drop it first"},
    ),
    "not there": (
        "DELETE FROM ledger.read_model WHERE model = 'contacts'; DROP SCHEMA contacts CASCADE",
        {"contacts": "nothing: it is not built yet"},
    ),
    "standing still, and what is folded from it": (
        "UPDATE ledger.read_model SET state = 'stopped', error = 'no room' WHERE model = 'invoices'",
        {
            "invoices": "nothing: it stands still: no room",
            "dunning": "nothing: it is folded from invoices, which is not compared",
            "reports": "nothing: it is folded from invoices, which is not compared",
        },
    ),
}  # fmt: skip


def results(ran: Ran) -> dict[str, str]:
    """Tell how each check came out that did not pass."""
    checks = orjson.loads(ran.out)["checks"]
    return {each["name"]: each["result"] for each in checks if each["result"] != "passed"}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_not_compared_has_not_passed(folded_book: str, name: str) -> None:
    edit, expected = LEFT_OUT[name]
    as_superuser(folded_book, edit)
    checks = [check for check in check_read_models(folded_book, BOOK) if not check.passed]
    assert {check.name: check.compared for check in checks} == expected
    assert {check.result for check in checks} == {"not compared"}
    ran = run(folded_book, "verify", "--book", BOOK)
    names = ", ".join(check.name for check in checks)
    said = f"nothing is wrong in what was compared; NOT COMPARED: {names}; run billing-ledger rebuild, and verify again"
    assert (ran.code, said in ran.out.decode().splitlines()[-1]) == (1, True), ran.out.decode()


def test_a_rebuild_has_compared_what_was_not(folded_book: str) -> None:
    as_superuser(folded_book, LEFT_OUT["not registered"][0])
    ran = run(folded_book, "verify", "--book", BOOK, "--json")
    told = orjson.loads(ran.out)
    assert (ran.code, told["result"], told["passed"]) == (1, "not compared", False)
    assert results(ran) == {"balances": "not compared", "outside": "not given"}
    as_superuser(folded_book, "DROP SCHEMA balances CASCADE")
    assert run(folded_book, "rebuild").code == 0
    ran = run(folded_book, "verify", "--book", BOOK, "--json")
    told = orjson.loads(ran.out)
    assert (ran.code, told["result"], told["passed"]) == (0, "passed", True)
    assert results(ran) == {"outside": "not given"}


def test_a_book_just_imported_is_compared_after_a_rebuild(database: str) -> None:
    with writer(database) as works:
        post_lives(works, BOOK, 1)
    ran = run(database, "verify", "--book", BOOK, "--json")
    assert (ran.code, results(ran)) == (
        1,
        {"outside": "not given"} | dict.fromkeys([model.name for model in READ_MODELS], "not compared"),
    )
    assert run(database, "rebuild").code == 0
    assert run(database, "verify", "--book", BOOK).code == 0


def test_what_is_wrong_is_wrong_whatever_was_not_compared(folded_book: str) -> None:
    as_superuser(folded_book, EDIT + "UPDATE ledger.read_model SET version = 'x' WHERE model = 'contacts'")
    ran = run(folded_book, "verify", "--book", BOOK)
    assert ran.code == 5
    last = ran.out.decode().splitlines()[-1]
    assert last.startswith("NOT as it was recorded; NOT COMPARED: contacts; run billing-ledger rebuild")


@pytest.mark.parametrize(
    ("cursor", "position"),
    [
        ("balances", 50_000),
        ("balances", 2**62),
        ("balances@rebuild", 50_000),
        ("balances@rebuild", 2**62),
        ("contacts", 2**62),
    ],
)
def test_a_cursor_beyond_the_end_of_the_log_is_named(folded_book: str, cursor: str, position: int) -> None:
    as_superuser(
        folded_book,
        f"INSERT INTO ledger.cursor VALUES ('{cursor}/main', {position})"
        " ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id",
    )
    stopping = Stopping()
    timer = threading.Timer(SECONDS_MAX, stopping.set)  # folding on to there would take for ever
    timer.start()
    said = found(check_read_models(folded_book, BOOK, stopping=stopping))
    timer.cancel()
    assert list(said) == ["cursors"]
    assert said["cursors"].startswith(f"the cursor of {cursor} stands at {position}, the log ends at ")
    assert found(check_read_models(folded_book, "another")) == {}

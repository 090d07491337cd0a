"""Rebuilding over HTTP: begun at once, seen in the list of read models, and never two of one at a time."""

from __future__ import annotations

import time

from tests.api.live import Caller, Live, problem

from ledger.database import connect
from ledger_projections import locks


def versions_made(client_of: Caller) -> dict[str, str]:
    """Tell when each read model was made."""
    items = client_of.client.get("/v1/projections").json()["items"]
    return {item["name"]: item["changed_at"] for item in items}


def test_a_rebuild_is_begun_and_swapped_in(alice: Caller) -> None:
    charge = ("charge.posted", {"charge": "c", "service": "s", "currency": "EUR", "net": 700})
    position = alice.tell(charge)["events"][-1]["position"]
    before = alice.read("/customers/alice/balance", min_position=position)
    made = versions_made(alice)

    answer = alice.client.post("/v1/projections/journal/rebuild")
    rebuilt = {"read_models": ["journal", "balances", "reports", "trials"]}
    assert (answer.status_code, answer.json()) == (202, rebuilt)

    until = time.monotonic() + 60
    while True:
        assert alice.read("/customers/alice/balance", min_position=position) == before
        now = versions_made(alice)
        if now["balances"] != made["balances"] and not any("@" in name for name in now):
            break
        assert time.monotonic() < until, now
    assert now["journal"] != made["journal"]
    assert now["invoices"] == made["invoices"]


def test_what_cannot_be_rebuilt_is_refused(live: Live, alice: Caller) -> None:
    assert problem(alice.client.post("/v1/projections/nothing/rebuild")) == (404, "read_model_unknown")
    reader = live.client(live.key("read")[1])
    assert problem(reader.post("/v1/projections/disputes/rebuild")) == (403, "scope_missing")
    with connect(live.database) as other:
        assert locks.try_lock(other, locks.REBUILD, "disputes")
        answer = alice.client.post("/v1/projections/disputes/rebuild")
    assert problem(answer) == (409, "rebuild_running")

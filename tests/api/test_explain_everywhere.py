"""Explanations of random histories at every position: parts sum to their whole, causes are recorded."""

from __future__ import annotations

import httpx
import pytest
from tests.api.explained import hold_balance, hold_causes, hold_sums
from tests.api.live import Caller, Live
from tests.foreign.histories import random_histories

from ledger.database import connect
from ledger.event import Event, encode_canonical
from ledger.invoice import InvoiceIssued
from ledger.log.importing import import_log


@pytest.mark.parametrize(
    ("count", "positions_max"), [(1, 40), pytest.param(10, 1_000, marks=pytest.mark.soak)]
)
def test_every_balance_and_invoice_is_explained_at_every_position(
    live: Live, client: httpx.Client, count: int, positions_max: int
) -> None:
    explained = 0
    # Of many that are drawn, those in which the most different things happen.
    told = sorted(random_histories(12 * count), key=lambda events: len({each.type for each in events}))
    for whole in told[-count:]:
        events = [event for event in whole if event.causation + event.decisionsize <= positions_max + 1]
        with connect(live.database, autocommit=False) as connection:
            import_log(connection, events[0].book, (encode_canonical(event) + b"\n" for event in events))
        explained += explain_everywhere(Caller(live, client, events[0].book), events)
    assert explained > count


def explain_everywhere(caller: Caller, events: list[Event]) -> int:
    """Ask for each balance and invoice that there is, at each position; tells how many invoices."""
    caller.read("/reports/trial-balance", min_position=len(events))
    customers: dict[str, None] = {}
    issued: dict[str, None] = {}
    explained = 0
    for event in events:
        moment = {"as_of_position": event.position}
        if event.subject is not None:
            customers[event.subject] = None
        if isinstance(event.data, InvoiceIssued):
            issued[event.data.invoice] = None
        for customer in customers:
            told = caller.read(f"/customers/{customer}/balance/explain", **moment)
            hold_balance(caller, customer, told, **moment)
        for invoice in issued:
            told = caller.read(f"/invoices/{invoice}/explain", **moment)
            hold_sums(told)
            hold_causes(told, events)
            explained += 1
    return explained

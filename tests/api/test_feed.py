"""The event feed: pages, filters, single events, and the bytes as they were hashed."""

from __future__ import annotations

import hashlib

import psycopg
import pytest
from tests.api.live import NDJSON, Caller, Json, write
from tests.ledger.asks import charge


@pytest.fixture(scope="module")
def stored(told: Caller) -> list[tuple[int, bytes, bytes]]:
    """Hold the log as it is stored: position, bytes, leaf."""
    with psycopg.connect(told.live.database) as connection:
        return connection.execute(
            "SELECT position, state, leaf FROM ledger.event WHERE book = %s ORDER BY position", (told.book,)
        ).fetchall()


def pages(caller: Caller, limit: int, **filters: str | int) -> list[Json]:
    """Walk the feed by its links; each page says the same with `next`."""
    items: list[Json] = []
    address: str | None = f"{caller.at}/events?limit={limit}" + "".join(
        f"&{name}={value}" for name, value in filters.items()
    )
    while address is not None:
        answer = caller.client.get(address)
        page = answer.json()
        items += page["items"]
        link = answer.links.get("next")
        assert (link is None) is (page["next"] >= int(answer.headers["ledger-position"]))
        address = link["url"] if link else None
    return items


@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_the_pages_hold_every_event_once_in_order(told: Caller, limit: int) -> None:
    assert [event["position"] for event in pages(told, limit)] == list(range(1, told.head + 1))


@pytest.mark.parametrize("limit", [1, 3, 1_000])
@pytest.mark.parametrize(
    "filters",
    [
        {"type": "invoice.issued"},
        {"customer": "c-07"},
        {"customer": "c-07", "type": "payment.received"},
        {"customer": "nobody"},
        {"type": "nobody.knows"},
        {"as_of_position": 40},
        {"type": "charge.posted", "as_of_position": 40},
    ],
)
def test_filters_leave_out_and_add_nothing(told: Caller, limit: int, filters: dict[str, str | int]) -> None:
    def keep(event: Json) -> bool:
        return (
            filters.get("type") in (None, event["type"])
            and filters.get("customer") in (None, event.get("subject"))
            and event["position"] <= int(filters.get("as_of_position", told.head))
        )

    everything = pages(told, 1_000)
    assert pages(told, limit, **filters) == [event for event in everything if keep(event)]


def test_an_event_is_handed_out_as_the_bytes_that_were_hashed(
    told: Caller, stored: list[tuple[int, bytes, bytes]]
) -> None:
    for position, state, leaf in stored[:30]:
        answer = told.get(f"/events/{position}")
        assert answer.content == state
        assert hashlib.sha256(b"\x00" + answer.content).digest() == leaf
        assert answer.headers["etag"] == f'"{leaf.hex()}"'
        assert "immutable" in answer.headers["cache-control"]
    page = told.get("/events", limit=1_000).content
    assert page.startswith(b'{"items":[' + b",".join(state for _, state, _ in stored) + b"]")


def test_a_page_is_bounded_in_bytes_and_the_next_one_goes_on(alice: Caller) -> None:
    raws = [write(charge(f"c{number}", 5, description="\u00e4" * 255)) for number in range(2_000)]
    assert alice.post(b"\n".join(raws), NDJSON).status_code == 200
    service = {"description": "x" * 255, "quantity": 1, "unit_price": 1, "interval": "month"}
    for number in range(10):
        services = [{"service": f"service-{number}-{place}", **service} for place in range(300)]
        alice.tell(("agreement.changed", {"from": "2026-03-01", "services": services}))
    page = alice.get("/events", limit=1_000, after=2_002 - 990)
    assert 1_000_000 < len(page.content) < 1_200_000
    assert len(page.json()["items"]) < 1_000
    assert [event["position"] for event in pages(alice, 1_000)] == list(range(1, 2_013))


def test_a_read_of_the_feed_waits_for_a_position_too(alice: Caller) -> None:
    position = alice.tell(charge("a", 1))["events"][0]["position"]
    assert alice.read("/events", min_position=position)["head"] >= position

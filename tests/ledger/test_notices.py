"""Notices wake threads and event loops, and survive the loss of their connection."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from ledger.notices import CURSOR, LOG, Notices

SOON = 5
"""Seconds within which anything here happens, on however busy a machine."""


@pytest.fixture
def notices(database: str) -> Iterator[Notices]:
    heard = Notices(database)
    heard.start()
    wait_for_connection(heard)
    try:
        yield heard
    finally:
        heard.stop()


def wait_for_connection(notices: Notices) -> None:
    deadline = time.monotonic() + SOON
    while not notices.connected and time.monotonic() < deadline:
        time.sleep(0.01)
    assert notices.connected


def notify(database: str, channel: str, payload: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))


def test_a_thread_is_woken_by_its_position(database: str, notices: Notices) -> None:
    threading.Timer(0.1, notify, (database, LOG, "main 7")).start()
    assert notices.wait(LOG, "main", 7, SOON)
    assert notices.latest(LOG, "main") == 7


def test_a_position_that_was_heard_of_is_not_waited_for(database: str, notices: Notices) -> None:
    notify(database, LOG, "main 7")
    assert notices.wait(LOG, "main", 5, SOON)
    began = time.monotonic()
    assert notices.wait(LOG, "main", 6, SOON)
    assert time.monotonic() - began < 0.1


@pytest.mark.parametrize("payload", ["main 6", "other 7", "main seven", ""])
def test_another_notice_wakes_nobody(database: str, notices: Notices, payload: str) -> None:
    threading.Timer(0.05, notify, (database, LOG, payload)).start()
    threading.Timer(0.05, notify, (database, CURSOR, "main 7")).start()
    assert not notices.wait(LOG, "main", 7, 0.4)


def test_an_event_loop_is_woken_once_for_all_who_wait_on_it(database: str, notices: Notices) -> None:
    async def wait_for_all() -> list[bool]:
        waits = [notices.await_position(CURSOR, "main", position, SOON) for position in range(1, 201)]
        asyncio.get_running_loop().call_later(0.1, notify, database, CURSOR, "main 200")
        return await asyncio.gather(*waits)

    assert all(asyncio.run(wait_for_all()))


def test_a_wait_on_an_event_loop_ends_with_its_time_and_with_its_task(notices: Notices) -> None:
    async def wait_in_vain() -> bool:
        task = asyncio.create_task(notices.await_position(LOG, "main", 1, SOON))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await notices.await_position(LOG, "main", 1, 0.1)

    assert not asyncio.run(wait_in_vain())
    assert not any(notices._waiting.values())


def test_a_watch_hears_every_book(database: str, notices: Notices) -> None:
    with notices.watch(LOG) as watch:
        watch.wait(0)
        notify(database, LOG, "second 1")
        assert watch.wait(SOON)
        assert not watch.wait(0.05)


def test_a_killed_connection_is_made_anew_and_everybody_reads_again(database: str, notices: Notices) -> None:
    woken: list[bool] = []
    waiting = threading.Thread(target=lambda: woken.append(notices.wait(LOG, "main", 9, SOON)))
    waiting.start()
    with psycopg.connect(database, autocommit=True) as connection:
        killed = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'billing-ledger notices' AND datname = current_database()"
        ).fetchall()
    assert len(killed) == 1
    waiting.join(SOON)
    assert woken == [False]
    wait_for_connection(notices)
    notify(database, LOG, "main 9")
    assert notices.wait(LOG, "main", 9, SOON)


def test_a_database_that_is_not_there_is_tried_again_until_stop() -> None:
    nobody = Notices("host=127.0.0.1 port=1 dbname=nothing user=nobody")
    nobody.start()
    assert not nobody.wait(LOG, "main", 1, 0.2)
    assert nobody.alive
    assert not nobody.connected
    nobody.stop()
    assert not nobody.alive

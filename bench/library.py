"""`eventsourcing` as it comes: its own recorder and its own projection runner, on the same PostgreSQL."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, DomainEventProtocol, event
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import conninfo as libpq
from psycopg.sql import SQL


def environment(conninfo: str) -> dict[str, str]:
    """Lay out the library's own settings for a database."""
    parts = libpq.conninfo_to_dict(conninfo)
    with psycopg.connect(conninfo) as conn:
        password = conn.info.password  # wherever libpq found it: the library must be told
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts["port"]),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": password or "none",
    }


def appends_per_second(conninfo: str, seconds: float = 3, threads: int = 4) -> float:
    """One event an append, from several threads: what a request each would cost."""
    env = environment(conninfo)
    datastore = PostgresDatastore(
        env["POSTGRES_DBNAME"], env["POSTGRES_HOST"], env["POSTGRES_PORT"], env["POSTGRES_USER"],
        env["POSTGRES_PASSWORD"], pool_size=threads,
    )  # fmt: skip
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    counts = [0] * threads
    until = time.perf_counter() + seconds

    def work(n: int) -> None:
        while time.perf_counter() < until:
            recorder.insert_events([StoredEvent(uuid4(), 1, "charge.posted", b"x" * 400)])
            counts[n] += 1

    workers = [Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    datastore.close()
    return sum(counts) / seconds


class Customer(Aggregate):
    """The smallest aggregate that a balance can be made of."""

    def __init__(self) -> None:
        self.balance = 0

    @event("Charged")
    def charge(self, amount: int) -> None:
        """Owe more."""
        self.balance += amount


class Balances(PostgresTrackingRecorder):
    """The read model of the library's runner: one row a customer."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: str) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS library_balance"
                " (customer uuid PRIMARY KEY, amount bigint NOT NULL)"
            ).format()
        )

    def add(self, customer: object, amount: int, tracking: Tracking) -> None:
        """Add to a balance, in one transaction with the position."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO library_balance AS b VALUES (%s, %s)"
                " ON CONFLICT (customer) DO UPDATE SET amount = b.amount + excluded.amount",
                (customer, amount),
            )


class BalanceProjection(Projection[Balances]):
    """One event a call, one commit an event: the library's way."""

    @singledispatchmethod
    def process_event(self, _: DomainEventProtocol[UUID], tracking: Tracking) -> None:
        """Only charges matter."""
        self.view.insert_tracking(tracking)

    @process_event.register
    def charged(self, domain_event: Customer.Charged, tracking: Tracking) -> None:  # type: ignore[name-defined]
        """Fold one charge."""
        self.view.add(domain_event.originator_id, domain_event.amount, tracking)


def folds_per_second(conninfo: str, events: int = 3_000) -> float:
    """Project events with the library's own runner, from the first to the last."""
    env = environment(conninfo)
    app: Application[Any] = Application(env)
    customers = [Customer() for _ in range(50)]
    for _ in range(events // len(customers) - 1):
        for customer in customers:
            customer.charge(amount=100)
    app.save(*customers)
    last = app.recorder.max_notification_id()
    app.close()
    began = time.perf_counter()
    with ProjectionRunner(
        application_class=Application, projection_class=BalanceProjection, view_class=Balances, env=env
    ) as runner:
        runner.wait(last, timeout=120)
        took = time.perf_counter() - began
    return (last or 0) / took


def drop(conninfo: str) -> None:
    """Leave nothing behind."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(
            "DROP TABLE IF EXISTS library_events, stored_events, notification_tracking, library_balance"
            " CASCADE"
        )

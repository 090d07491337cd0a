"""A log that knows some customers, as far as the vault looks."""

from __future__ import annotations

import psycopg

from ledger.database import connect

NAME, NOTE = "person.name", "note.1"
SECRET = "Aurelia Quistgaard".encode()  # noqa: UP012 - what a dump must not have, as bytes


def open_customers(database: str, *customers: str) -> None:
    """Write into the log of book b that there are customers."""
    with connect(database) as connection:
        connection.execute("INSERT INTO ledger.head VALUES ('b', 0, '', now()) ON CONFLICT DO NOTHING")
        for position, customer in enumerate(customers, start=1):
            record(connection, position, "customer.opened", customer)


def ask_to_erase(database: str, customer: str, position: int) -> None:
    """Write into the log that a customer's personal data is to be erased."""
    with connect(database) as connection:
        record(connection, position, "customer.erased", customer)


def record(connection: psycopg.Connection, position: int, kind: str, customer: str) -> None:
    """Write one event into the log of book b."""
    connection.execute(
        "INSERT INTO ledger.event VALUES ('b', %(position)s, 'customer/' || %(customer)s,"
        " %(version)s, %(kind)s, 'test', %(position)s::text, %(customer)s, NULL, NULL, NULL, now(), now(),"
        " 'test', 1, 1, 'x', sha256('x'))",
        {
            "position": position,
            "kind": kind,
            "customer": customer,
            "version": 1 if kind == "customer.opened" else position,
        },
    )

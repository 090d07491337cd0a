"""The telco example: post the history of IBM's customers, and hold the ledger's own figures to the table.

    python examples/telco/telco.py telco-customer-churn.csv                  # on the ledger of this machine
    python examples/telco/telco.py telco-customer-churn.csv --url … --key …  # on a running one

`history.py` makes the messages. A second run records nothing, and says so. The exit code is 0 when every
customer's charges agree with the table to the cent.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

if not __package__:  # run as a script: let it find the file beside it
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.telco.history import BOOK, Row

from ledger_api.client import Client, Page


class _Customer(msgspec.Struct):
    customer: str
    segment: str


class _Invoice(msgspec.Struct):
    customer: str
    net: int
    allocated: int
    due: int


class _Difference(msgspec.Struct):
    currency: str
    difference: int


class _TrialBalance(msgspec.Struct):
    totals: list[_Difference]


_read_customers = msgspec.json.Decoder(Page[_Customer]).decode
_read_invoices = msgspec.json.Decoder(Page[_Invoice]).decode
_read_trial_balance = msgspec.json.Decoder(_TrialBalance).decode


@dataclass(slots=True)
class Sums:
    """Sums of a contract type in cents: the ledger's own, and what the table has."""

    customers: int = 0
    invoices: int = 0
    charged: int = 0
    paid: int = 0
    due: int = 0
    table: int = 0


def read_back(client: Client, rows: Sequence[Row], position: int) -> tuple[dict[str, Sums], list[str]]:
    """Read the ledger's figures by contract type, and say in sentences where they are not the table's."""
    path, at = f"/v1/books/{BOOK}", {"min_position": position}
    contracts = {
        each.customer: each.segment for each in client.items(f"{path}/customers", at, _read_customers)
    }
    sums: dict[str, Sums] = defaultdict(Sums)
    charged: Counter[str] = Counter()
    for invoice in client.items(f"{path}/invoices", at, _read_invoices):
        of = sums[contracts[invoice.customer]]
        of.invoices += 1
        of.charged += invoice.net
        of.paid += invoice.allocated
        of.due += invoice.due
        charged[invoice.customer] += invoice.net
    for contract in contracts.values():
        sums[contract].customers += 1
    wrong = []
    for row in rows:
        sums[row.contract].table += row.total or 0
        if (contracts.get(row.customer), charged[row.customer]) != (row.contract, row.total or 0):
            wrong.append(
                f"{row.customer}: the ledger has {contracts.get(row.customer)} with {charged[row.customer]} cents, "
                f"the table {row.contract} with {row.total or 0}"
            )
    balance = _read_trial_balance(client.get(f"{path}/reports/trial-balance", at).body)
    wrong += [f"the trial balance is off by {each.difference}" for each in balance.totals if each.difference]
    return dict(sorted(sums.items())), wrong

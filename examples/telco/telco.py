"""The telco example: post the history of IBM's customers, and hold the ledger's own figures to the table.

    python examples/telco/telco.py telco-customer-churn.csv                  # on the ledger of this machine
    python examples/telco/telco.py telco-customer-churn.csv --url … --key …  # on a running one

`history.py` makes the messages. A second run records nothing, and says so. The exit code is 0 when every
customer's charges agree with the table to the cent.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

if not __package__:  # run as a script: let it find the file beside it
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.telco.history import BOOK, CURRENCY, SOURCE, Row, history, months, opening, read_rows

from ledger.errors import LedgerError
from ledger_api.cli.connecting import Wants, connected
from ledger_api.cli.output import print_rows, progress
from ledger_api.client import Client, Page
from ledger_api.client.bulk import Lanes, Tally
from ledger_api.client.catching_up import catch_up
from ledger_api.demo.summary import shown


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


class _Account(msgspec.Struct):
    account: str
    balance: int


class _TrialBalance(msgspec.Struct):
    accounts: list[_Account]
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
                f"{row.customer}: the ledger has {contracts.get(row.customer)} with {charged[row.customer]} "
                f"cents, the table {row.contract} with {row.total or 0}"
            )
    balance = _read_trial_balance(client.get(f"{path}/reports/trial-balance", at).body)
    wrong += [f"the trial balance is off by {each.difference}" for each in balance.totals if each.difference]
    return dict(sorted(sums.items())), wrong + _journal_differences(balance, sums.values())


def _journal_differences(balance: _TrialBalance, sums: Collection[Sums]) -> list[str]:
    """Hold the journal, which knows charges by themselves, to the invoices and to the table."""
    accounts = {each.account: each.balance for each in balance.accounts}
    wanted = {
        "revenue": -sum(each.table for each in sums),
        "unbilled": 0,
        "receivable": sum(each.due for each in sums),
        "cash": sum(each.paid for each in sums),
    }
    return [
        f"the account {name} has {accounts.get(name, 0)} cents, it should have {amount}"
        for name, amount in wanted.items()
        if accounts.get(name, 0) != amount
    ]


def post(client: Client, rows: Sequence[Row]) -> tuple[Tally, float]:
    """Post all histories: what became of the messages, and the seconds that it took."""
    began = time.monotonic()
    calendar = months()
    messages = sum(2 + 3 * row.tenure for row in rows) + 1
    with progress("Posting", messages, "messages") as done, Lanes(client, BOOK, answered=done) as lanes:
        lanes.send(opening(), None)
        for row in rows:
            for message in history(row, calendar):
                lanes.send(message, row.customer)
    return lanes.tally, time.monotonic() - began


def show(tally: Tally, seconds: float, sums: dict[str, Sums], wrong: Sequence[str]) -> None:
    """Say what was posted, what the ledger has, and whether that is what the table has."""
    print(
        f"{tally.recorded:,} messages recorded ({tally.events:,} events), {tally.replayed:,} there already, "
        f"in {seconds:,.1f} s: {tally.messages / seconds:,.0f} messages/s, "
        f"{tally.events / seconds:,.0f} events/s."
    )
    if not tally.recorded and not tally.refused:
        print("Nothing is new: the whole history was recorded before.")
    for refused in tally.refusals.values():
        print(f"refused: {refused.count:,} {refused.code}, for example: {refused.detail}")
    whole = Sums(*(sum(getattr(each, name) for each in sums.values()) for name in Sums.__slots__))
    heading = ("contract", "customers", "invoices", "charged", "paid", "outstanding", "in the table", "")
    print_rows(heading, [_line(name, each) for name, each in {**sums, "all": whole}.items()], as_json=False)
    for sentence in wrong[:20]:
        print(sentence)
    print(
        f"{len(wrong):,} differences."
        if wrong
        else "Every customer agrees to the cent; the trial balance is zero."
    )


def _line(contract: str, sums: Sums) -> tuple[object, ...]:
    dollars = (shown(cents, CURRENCY) for cents in (sums.charged, sums.paid, sums.due, sums.table))
    return (contract, sums.customers, sums.invoices, *dollars, "✓" if sums.charged == sums.table else "✗")


def main(arguments: Sequence[str] | None = None) -> int:
    """Post and compare; 0 when the ledger agrees with the table, 3 when it refused something, 1 otherwise."""
    parser = argparse.ArgumentParser(description="IBM's telco customers as a ledger's history.")
    parser.add_argument("csv", type=Path, nargs="?", default=os.environ.get("TELCO_CSV"), help="or TELCO_CSV")
    parser.add_argument("--url", help="a running ledger; without it, a service of our own")
    parser.add_argument(
        "--key", help="its API key, for the book and the source telco (or BILLING_LEDGER_KEY)"
    )
    given = parser.parse_args(arguments)
    if given.csv is None:
        parser.error("name the table, as an argument or in TELCO_CSV")
    rows = read_rows(Path(given.csv))
    try:
        with connected(given.url, given.key, Wants(BOOK, "telco-example", (SOURCE,))) as client:
            tally, seconds = post(client, rows)
            catch_up(client, BOOK, tally.position_last, lambda waiting: print(waiting, file=sys.stderr))
            sums, wrong = read_back(client, rows, tally.position_last)
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 1
    show(tally, seconds, sums, wrong)
    return 3 if tally.refused else int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

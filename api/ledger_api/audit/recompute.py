"""Recompute an audit folder from its log, with nothing but Python: the root, and every posted balance.

Run it in the folder: python3 recompute.py. It shares no code with the ledger. It prints what it compared, and
ends with 1 when anything differs.
"""

from __future__ import annotations

import base64
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Figures = Mapping[tuple[str, ...], int]

OF_CUSTOMERS = ("receivable", "disputed", "customer_credit", "unbilled")


class Tree:
    """The complete subtrees of a growing Merkle tree (RFC 6962, 2.1), with their sizes."""

    def __init__(self) -> None:
        self._stack: list[tuple[bytes, int]] = []

    def add(self, line: bytes) -> None:
        """Add an entry; two subtrees of one size become one."""
        self._stack.append((sha256(b"\x00" + line).digest(), 1))
        while len(self._stack) > 1 and self._stack[-1][1] == self._stack[-2][1]:
            (left, size), (right, _) = self._stack[-2:]
            self._stack[-2:] = [(sha256(b"\x01" + left + right).digest(), 2 * size)]

    def root(self) -> bytes:
        """Hash the subtrees together, from the right."""
        hashes = [each for each, _ in self._stack]
        found = hashes.pop() if hashes else sha256(b"").digest()
        while hashes:
            found = sha256(b"\x01" + hashes.pop() + found).digest()
        return found


def months(begins: date, ends: date, amount: int) -> list[tuple[date, int]]:
    """Split an amount over the months of a period by days: largest remainder, ties by place."""
    parts: list[tuple[date, int]] = []
    first = begins
    while first <= ends:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = min(ends, following - timedelta(days=1))
        parts.append((last, (last - first).days + 1))
        first = following
    days = (ends - begins).days + 1
    shares = [amount * part // days for _, part in parts]
    order = sorted(range(len(parts)), key=lambda n: (-(amount * parts[n][1] % days), n))
    for n in order[: amount - sum(shares)]:
        shares[n] += 1
    return [(last, share) for (last, _), share in zip(parts, shares, strict=True)]


def entries(event: Json, rules: list[Json], day: date) -> Iterator[tuple[str, date, str, int]]:
    """Give the postings of an event: account, date, currency, amount (debit positive)."""
    data = event["data"]
    own = [rule for rule in rules if rule["event"] == event["type"]]
    period = data.get("period") if any(rule["part"] != "now" for rule in own) else None
    for rule in own:
        if (rule["part"] == "now") is not (period is None):
            continue
        amount = measured(event, rule["measure"])
        if rule["part"] == "period" and period is not None:
            begins, ends = (date.fromisoformat(period[name]) for name in ("from", "to"))
            for last, share in months(begins, ends, amount):
                yield rule["account"], last, data["currency"], rule["sign"] * share
        elif amount:
            yield rule["account"], day, data["currency"], rule["sign"] * amount


def measured(event: Json, measure: str) -> int:
    """Give what a rule measures; of a charge the net, of an invoice or a note the total."""
    data = event["data"]
    if measure != "amount":
        return int(data.get(measure) or 0)
    for name in ("net",) if event["type"].startswith("charge.") else ("amount", "total"):
        if data.get(name) is not None:
            return int(data[name])
    exact = Decimal(str(data.get("quantity", 1))) * Decimal(str(data["unit_price"]))
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def figures(about: Json, tree: Tree) -> tuple[Figures, Figures]:
    """Add up the log: balances of accounts by currency, and of customers by currency and account."""
    totals: dict[tuple[str, ...], int] = defaultdict(int)
    customers: dict[tuple[str, ...], int] = defaultdict(int)
    sets: list[tuple[str, int, list[Json]]] = []
    zone = ZoneInfo("UTC")
    until = date.fromisoformat(about["occurred_by"]) if about["occurred_by"] else date.max
    with Path("log.ndjson").open("rb") as log:
        for line in log:
            tree.add(line.rstrip(b"\n"))
            event = json.loads(line)
            data = event["data"]
            if event["type"] == "book.opened":
                zone = ZoneInfo(data["time_zone"])
            if event["type"] == "book.opened" or data.get("policy") == "posting_rules":
                sets.append((data.get("from", ""), len(sets), data["rules"]))
            day = datetime.fromisoformat(event["time"]).astimezone(zone).date()
            rules = max(each for each in sets if each[0] <= day.isoformat())[2]
            for account, dated, currency, amount in entries(event, rules, day):
                if dated <= until:
                    totals[account, currency] += amount
                    if account in OF_CUSTOMERS:
                        customers[event["subject"], currency, account] += amount
    return totals, customers


def main() -> int:
    """Recompute, compare, and say so."""
    tree = Tree()
    totals, customers = figures(json.loads(Path("about.json").read_text(encoding="utf-8")), tree)
    stated: Figures = {
        (row["account"], row["currency"]): int(row["balance"]) for row in rows("reports/trial-balance.csv")
    }
    wrong = compare("trial balance", totals, stated)
    owed: Figures = {
        (row["customer"], row["currency"], account): int(row[account])
        for row in rows("reports/customers.csv")
        for account in OF_CUSTOMERS
    }
    wrong += compare("balances of customers", customers, owed)
    signed = Path("checkpoint").read_text(encoding="utf-8").split("\n")[2]
    found = base64.b64encode(tree.root()).decode()
    print(f"root: {found}, {'as signed' if found == signed else f'NOT as signed: {signed}'}")
    return 0 if found == signed and not wrong else 1


def rows(path: str) -> list[dict[str, str]]:
    """Read a table."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def compare(what: str, computed: Figures, stated: Figures) -> int:
    """Compare figures, and print those that differ; tells how many."""
    names = [name for name in {*computed, *stated} if computed.get(name, 0) != stated.get(name, 0)]
    for name in sorted(names):
        print(f"{what}: {name} is {stated.get(name, 0)}, the events come to {computed.get(name, 0)}")
    print(f"{what}: {len(stated)} figures compared, {len(names)} differ")
    return len(names)


if __name__ == "__main__":
    sys.exit(main())

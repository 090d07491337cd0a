"""Recompute an audit folder from its log, with nothing but Python.

It adds up the root, the trial balance, what customers owe, every amount of every invoice, and what is due
by age.
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
ISSUED = ("net", "discount", "tax")
OF_INVOICES = (*ISSUED, "total", "allocated", "credited", "written_off", "disputed", "due")
LOWERS = {
    "allocation.made": ("allocated", 1),
    "allocation.undone": ("allocated", -1),
    "debt.written_off": ("written_off", 1),
    "debt.recovered": ("written_off", -1),
}
AGES = ((0, "not_due"), (30, "days_1_to_30"), (60, "days_31_to_60"), (90, "days_61_to_90"))
OF_AGING = (*(name for _, name in AGES), "days_over_90", "disputed", "total")


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


class Invoices:
    """Every invoice: what is left of it by the events about it, and what is posted on it."""

    def __init__(self) -> None:
        self._issued: dict[str, Json] = {}
        self._amounts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._posted: dict[tuple[str, str], int] = defaultdict(int)

    def post(self, invoice: str, account: str, amount: int) -> None:
        """Take a posting on an invoice."""
        self._posted[invoice, account] += amount

    def take(self, event: Json) -> None:
        """Take what an event does to an invoice."""
        data, kind = event["data"], event["type"]
        amounts = self._amounts[data["invoice"]]
        if kind == "invoice.issued":
            self._issued[data["invoice"]] = data | {"customer": event["subject"]}
            amounts.update({name: data.get(name) or 0 for name in ISSUED}, total=data["amount"])
        elif kind in LOWERS:
            name, sign = LOWERS[kind]
            amounts[name] += sign * data["amount"]
        elif kind in {"credit_note.issued", "credit_note.voided"}:
            sign = 1 if kind == "credit_note.issued" else -1
            amounts["credited"] += sign * (data.get("to_receivable", 0) + data.get("to_disputed", 0))
            amounts["disputed"] -= sign * data.get("to_disputed", 0)
        elif kind in {"dispute.opened", "dispute.resolved"}:
            amounts["disputed"] += (data.get("held") or 0) - (data.get("released") or 0)
        elif kind == "invoice.voided":
            amounts["void"] = 1

    def standing(self) -> Figures:
        """Give every amount of every invoice; nothing is due of one that is void."""
        found: dict[tuple[str, ...], int] = {}
        for invoice in self._issued:
            amounts = self._amounts[invoice]
            lowered = amounts["allocated"] + amounts["credited"] + amounts["written_off"]
            amounts["due"] = 0 if amounts["void"] else amounts["total"] - lowered
            found |= {(invoice, name): amounts[name] for name in OF_INVOICES}
        return found

    def aging(self, today: date) -> Figures:
        """Give what each customer owes, by how long it is past its due date; what is in dispute, apart."""
        found: dict[tuple[str, ...], int] = defaultdict(int)
        for (invoice, account), amount in self._posted.items():
            if invoice in self._issued and account in {"receivable", "disputed"}:
                data = self._issued[invoice]
                days = (today - date.fromisoformat(data["due_on"])).days
                age = next((name for last, name in AGES if days <= last), "days_over_90")
                owes = data["customer"], data["currency"]
                found[(*owes, "disputed" if account == "disputed" else age)] += amount
                found[(*owes, "total")] += amount
        return found


def add_up(about: Json, tree: Tree, invoices: Invoices) -> tuple[int, Figures, Figures]:
    """Read the log: how many lines, balances of accounts by currency, and of customers by account too."""
    totals: dict[tuple[str, ...], int] = defaultdict(int)
    customers: dict[tuple[str, ...], int] = defaultdict(int)
    sets: list[tuple[str, int, list[Json]]] = []
    zone, count = ZoneInfo("UTC"), 0
    until = date.fromisoformat(about["occurred_by"]) if about["occurred_by"] else date.max
    with Path("log.ndjson").open("rb") as log:
        for line in log:
            count += 1
            tree.add(line.rstrip(b"\n"))
            event = json.loads(line)
            data = event["data"]
            if event["type"] == "book.opened":
                zone = ZoneInfo(data["time_zone"])
            if event["type"] == "book.opened" or data.get("policy") == "posting_rules":
                sets.append((data.get("from", ""), len(sets), data["rules"]))
            day = datetime.fromisoformat(event["time"]).astimezone(zone).date()
            if data.get("invoice") and day <= until:
                invoices.take(event)
            rules = max(each for each in sets if each[0] <= day.isoformat())[2]
            for account, dated, currency, amount in entries(event, rules, day):
                if dated <= until:
                    totals[account, currency] += amount
                    if account in OF_CUSTOMERS:
                        customers[event["subject"], currency, account] += amount
                    if data.get("invoice"):
                        invoices.post(data["invoice"], account, amount)
    return count, totals, customers


def main() -> int:
    """Recompute, compare, and say so."""
    about = json.loads(Path("about.json").read_text(encoding="utf-8"))
    tree, invoices = Tree(), Invoices()
    lines, totals, customers = add_up(about, tree, invoices)
    wrong = compare("trial balance", totals, stated("trial-balance", ("account", "currency"), ("balance",)))
    owed = stated("customers", ("customer", "currency"), OF_CUSTOMERS)
    wrong += compare("balances of customers", customers, owed)
    wrong += compare("invoices", invoices.standing(), stated("invoices", ("invoice",), OF_INVOICES))
    due = stated("aging", ("customer", "currency"), OF_AGING)
    wrong += compare("due by age", invoices.aging(date.fromisoformat(about["today"])), due)
    _, size, root = Path("checkpoint").read_text(encoding="utf-8").split("\n")[:3]
    found = base64.b64encode(tree.root()).decode()
    same = (lines, found) == (int(size), root)
    said = "as the checkpoint says" if same else f"NOT as the checkpoint says: {root} of {size}"
    print(f"root: {found} of {lines} events, {said}")
    print("Who signed the checkpoint is not looked at here: README.md names the command that does.")
    return 0 if same and not wrong else 1


def stated(report: str, key: tuple[str, ...], amounts: tuple[str, ...]) -> Figures:
    """Read the amounts of a report, each by the row's key and its own name where there are several."""
    return {
        (*(row[name] for name in key), *((amount,) if len(amounts) > 1 else ())): int(row[amount])
        for row in rows(f"reports/{report}.csv")
        for amount in amounts
    }


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

"""The billing run: seconds per 1,000 customers over HTTP, and whether memory stays flat."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import orjson
from bench.figures import Figure
from bench.place import BOOK, Service, service

from ledger.database import connect
from ledger.decider import DECODERS
from ledger.log.writer import Writer
from ledger.message import read_message
from ledger.settings import Settings
from ledger_api.client import Client
from ledger_api.client.billing import Sums, pages

CUSTOMERS_MAX = 100_000
_PORT = 8_944
_BLOCK_CUSTOMERS = 1_000
_AT = "2026-01-02T12:00:00Z"
_SERVICES = [
    {"service": "fibre", "unit_price": 2_990, "interval": "month"},
    {"service": "phone", "unit_price": 490, "interval": "month", "billed": "advance"},
]


def billing(conninfo: str, events: int) -> list[Figure]:
    """Bill customers of an agreement of two services and one charge each, as many as fit into `events`.

    Three events lead to each invoice, and five come of it: billed, three charges of services, the invoice.
    The rate is that of the whole run as its caller sees it, the read models' lag at its beginning included;
    memory is that of the service's process.
    """
    customers = min(CUSTOMERS_MAX, events // 8)
    _fill(conninfo, customers)
    with service(conninfo, _PORT) as running:
        client = Client(f"http://127.0.0.1:{_PORT}", running.headers["authorization"].partition(" ")[2])
        first = _Run(client, running, "2026-01-31", dry_run=True)
        run = _Run(client, running, "2026-01-31", dry_run=False)
        again = _Run(client, running, "2026-01-31", dry_run=False)
    assert run.sums.done == customers, run.sums.facts()
    assert again.sums.done == 0
    thousands = customers / 1_000
    return [
        Figure(f"dry run over {customers:,} customers", first.seconds / thousands, "s per 1,000 customers"),
        Figure(f"billing run over {customers:,} customers", run.seconds / thousands, "s per 1,000 customers"),
        Figure("  its last tenth", run.last / run.first, "times its first tenth"),
        Figure("the same again, nobody due", again.seconds / thousands, "s per 1,000 customers"),
        Figure("memory of the service after the first tenth", run.memory_first, "MB"),
        Figure("memory of the service at the end", run.memory_last, "MB"),
    ]


class _Run:
    """One run to its end: its sums, its seconds, and how time and memory were at its ends."""

    def __init__(self, client: Client, running: Service, through: str, *, dry_run: bool) -> None:
        self.sums = Sums()
        seconds, memory = [], []
        began = time.perf_counter()
        last = began
        looked_at = 0
        for page in pages(client, BOOK, through, dry_run=dry_run):
            looked_at += page.looked_at
            now = time.perf_counter()
            seconds.append((now - last) / max(page.looked_at, 1))
            last = now
            memory.append(_resident_megabytes(running.pid))
            for result in page.results:
                self.sums.add(result)
            print(f"\r{looked_at:,} customers, {looked_at / (now - began):,.0f}/s   ",
                  end="", file=sys.stderr, flush=True)  # fmt: skip
        print(file=sys.stderr)
        self.seconds = time.perf_counter() - began
        tenth = max(1, len(seconds) // 10)
        full = seconds[:-1] or seconds  # the last page may be a short one
        self.first, self.last = sum(full[:tenth]) / tenth, sum(full[-tenth:]) / tenth
        self.memory_first, self.memory_last = memory[tenth - 1], memory[-1]


def _resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1_000


def _fill(conninfo: str, customers: int) -> None:
    """Write the customers with the ledger's own writer."""
    writer = Writer(lambda: connect(conninfo, application_name="billing-ledger bench"), Settings())
    writer.start()
    try:
        _write(writer, [_message("book.opened", "book", None, _OPENING)])
        for first in range(0, customers, _BLOCK_CUSTOMERS):
            _write(
                writer,
                [raw for n in range(first, min(first + _BLOCK_CUSTOMERS, customers)) for raw in _life(n)],
            )
            print(f"\rfilling: {first:,} of {customers:,} customers   ", end="", file=sys.stderr, flush=True)
    finally:
        writer.stop()
    print(file=sys.stderr)


_OPENING = {
    "name": "Bench",
    "currency": "EUR",
    "time_zone": "Europe/Berlin",
    "tax_rates": [{"category": "standard", "rate": "19", "from": "2020-01-01"}],
}


def _life(n: int) -> list[bytes]:
    customer = f"C-{n:06}"
    use = {
        "charge": "use",
        "service": "calls",
        "currency": "EUR",
        "quantity": str(n % 90),
        "unit_price": "1.5",
    }
    return [
        _message("customer.opened", f"o-{n}", customer, {"currency": "EUR"}),
        _message("agreement.changed", f"a-{n}", customer, {"from": "2026-01-01", "services": _SERVICES}),
        _message("charge.posted", f"u-{n}", customer, use),
    ]


def _message(type_: str, id_: str, subject: str | None, data: Mapping[str, object]) -> bytes:
    head = {
        "specversion": "1.0",
        "id": id_,
        "source": "/bench/billing",
        "type": type_,
        "time": _AT,
        "data": data,
    }
    return orjson.dumps(head if subject is None else {**head, "subject": subject})


def _write(writer: Writer, messages: list[bytes]) -> None:
    writer.submit(BOOK, [read_message(raw, DECODERS, "bench") for raw in messages]).result()

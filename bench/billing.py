"""The billing run: time per 1,000 customers, at its beginning and its end, and memory at its peak."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import orjson
from bench.figures import Figure
from bench.place import BOOK, Service, service

from ledger.database import connect
from ledger.decider import DECODERS
from ledger.log.writer import Writer
from ledger.message import read_message
from ledger.settings import Settings
from ledger_api.client import Client
from ledger_api.client.billing import CUSTOMERS_A_PAGE, Sums, pages
from ledger_api.client.catching_up import catch_up

CUSTOMERS_MAX = 100_000
_EVENTS_A_CUSTOMER = 100
"""Events asked for, to one customer: a million, as it is by default, is 10,000 customers."""
_PORT = 8_944
_URL = f"http://127.0.0.1:{_PORT}"
_THROUGH = "2026-01-31"
_LOOK_SECONDS = 0.05
_PAGE_THOUSANDS = CUSTOMERS_A_PAGE / 1_000
_BLOCK_CUSTOMERS = 1_000
_AT = "2026-01-02T12:00:00Z"
_SERVICES = [
    {"service": "fibre", "unit_price": 2_990, "interval": "month"},
    {"service": "phone", "unit_price": 490, "interval": "month", "billed": "advance"},
]


def billing(conninfo: str, events: int) -> list[Figure]:
    """Bill customers of an agreement of two services and one charge each: 10,000 of them, or as is asked for.

    Three events lead to each invoice, and five come of it: billed, two or three charges of services, the
    invoice. The dry run and the second run are the command itself, in a process of its own; of the real run
    the same client is timed page by page. All begin when the read models have come to the end of the log.
    """
    customers = min(CUSTOMERS_MAX, events // _EVENTS_A_CUSTOMER)
    customers = max(CUSTOMERS_A_PAGE, customers - customers % CUSTOMERS_A_PAGE)  # whole pages
    head = _fill(conninfo, customers)
    with service(conninfo, _PORT) as running:
        key = running.headers["authorization"].partition(" ")[2]
        client = Client(_URL, key)
        catch_up(client, BOOK, head, lambda said: print(said, file=sys.stderr))
        dry = _command(key, "--dry-run")
        run = _run(client, running)
        again = _command(key)
    assert dry.sums["billed"] == run.invoices == customers, (dry, run)
    assert again.sums["billed"] == 0, again
    thousands, a_thousand = customers / 1_000, "ms per 1,000 customers"
    return [
        Figure("customers billed", customers, "customers"),
        Figure("invoices issued", run.invoices, "invoices"),
        Figure("dry run", 1_000 * dry.seconds / thousands, a_thousand),
        Figure("billing run", 1_000 * run.seconds / thousands, a_thousand),
        *_tenths(run.page_seconds, a_thousand),
        Figure("  processor time of the service", 1_000 * sum(run.page_cpu_seconds) / thousands, a_thousand),
        *_tenths(run.page_cpu_seconds, a_thousand),
        Figure("second run, nobody due", 1_000 * again.seconds / thousands, a_thousand),
        Figure("peak memory of the service, behind the first tenth", _tenth(run.memory)[-1], "MB"),
        Figure("  behind the whole run", run.memory[-1], "MB"),
        Figure("peak memory of the command", max(dry.memory, again.memory), "MB"),
    ]


def _tenth(pages: list[float]) -> list[float]:
    return pages[: max(1, len(pages) // 10)]


def _tenths(page_seconds: list[float], a_thousand: str) -> list[Figure]:
    """Compare the ends of a run, whose pages are all full."""
    first, last = _tenth(page_seconds), _tenth(page_seconds[::-1])
    return [
        Figure("    of the first tenth", 1_000 * sum(first) / len(first) / _PAGE_THOUSANDS, a_thousand),
        Figure("    of the last tenth", 1_000 * sum(last) / len(last) / _PAGE_THOUSANDS, a_thousand),
    ]


class _Command(NamedTuple):
    """`billing-ledger bill`, run to its end: what it said, how long it took, its peak memory in MB."""

    sums: dict[str, object]
    seconds: float
    memory: float


def _command(key: str, *more: str) -> _Command:
    command = [sys.executable, "-c", "from ledger_api.cli import main; main()", "bill", "--book", BOOK]
    command += ["--through", _THROUGH, "--url", _URL, "--json", *more]
    began = time.perf_counter()
    memory = 0.0
    with subprocess.Popen(
        command, env={**os.environ, "BILLING_LEDGER_KEY": key}, stdout=subprocess.PIPE
    ) as process:
        while process.poll() is None:
            memory = max(memory, _peak_megabytes(process.pid))
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - began
        assert process.stdout is not None
        return _Command(orjson.loads(process.stdout.read()), seconds, memory)


class _Run(NamedTuple):
    """The real run, and of each page how long it took its caller and the service's processor.

    `memory` is the service's peak in MB behind each page.
    """

    invoices: int
    seconds: float
    page_seconds: list[float]
    page_cpu_seconds: list[float]
    memory: list[float]


def _run(client: Client, running: Service) -> _Run:
    run, sums = _Run(0, 0, [], [], []), Sums()
    began = last = time.perf_counter()
    cpu = _cpu_seconds(running.pid)
    for page in pages(client, BOOK, _THROUGH):
        for result in page.results:
            sums.add(result)
        if page.looked_at:
            now, cpu_now = time.perf_counter(), _cpu_seconds(running.pid)
            run.page_seconds.append(now - last)
            run.page_cpu_seconds.append(cpu_now - cpu)
            run.memory.append(_peak_megabytes(running.pid))
            last, cpu = now, cpu_now
            print(f"\rbilled: {sums.done:,} customers   ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    invoices = sum(invoices for invoices, _ in sums.totals.values())
    return run._replace(invoices=invoices, seconds=time.perf_counter() - began)


def _peak_megabytes(pid: int) -> float:
    """Read the most memory that a process has had; 0 of one that has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1_000 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def _cpu_seconds(pid: int) -> float:
    """Read how long a process has had a processor, in its own code and the system's."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _fill(conninfo: str, customers: int) -> int:
    """Write the customers with the ledger's own writer; gives the last position."""
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
    return 1 + 3 * customers


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

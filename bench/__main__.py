"""Run the benchmarks: `make bench`, or `python -m bench PART… [--json] [--events N]`.

Every ratio is between two measurements of the same run, on a PostgreSQL of its own with fsync on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from bench import (
    billing,
    deciding,
    deriving,
    documents,
    explaining,
    growing,
    library,
    place,
    posting,
    reading,
    verifying,
)  # fmt: skip
from bench.figures import Bar, Figure, against, show

PORT, SPARE_PORT = 8_941, 8_942


def _posting(conninfo: str, _: int) -> list[Figure]:
    with place.service(conninfo, PORT) as service:
        posting.open_book(service)
        singles = posting.singles(service, SPARE_PORT)
        return [*singles, *posting.bulk(service, conninfo), *_library_appends(conninfo, singles)]


def _library_appends(conninfo: str, singles: list[Figure]) -> list[Figure]:
    """Hold our single events, over HTTP, against the library's appends without HTTP."""
    as_it_comes = library.appends_per_second(conninfo)
    best = max(figure.value for figure in singles if figure.unit == "events/s")
    return [against("single events over HTTP", best, "events/s",
                    Bar(f"eventsourcing as it comes {as_it_comes:,.0f}/s", as_it_comes))]  # fmt: skip


def _reading(conninfo: str, _: int) -> list[Figure]:
    with place.service(conninfo, PORT) as service:
        posting.open_book(service)
        return reading.reads(service)


def _explaining(conninfo: str, _: int) -> list[Figure]:
    with place.service(conninfo, PORT) as service:
        posting.open_book(service)
        return explaining.explaining(service)


PARTS: dict[str, Callable[[str, int], list[Figure]]] = {
    "posting": _posting,
    "reading": _reading,
    "deciding": deciding.deciding,
    "deriving": deriving.deriving,
    "billing": billing.billing,
    "documents": documents.documents,
    "explain": _explaining,
}
"""What a run without arguments measures, each on a fresh database."""

LONG: dict[str, Callable[[str, int], list[Figure]]] = {
    "growing": growing.growth,
    "verifying": verifying.verifying,
}
"""What takes long, and is measured when asked for."""


def main() -> int:
    """Measure what was asked for, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Medians and ratios, in one table.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join([*PARTS, *LONG])}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--events", type=int, default=1_000_000, help="events of deriving, growing, billing and verifying"
    )
    asked = parser.parse_args()
    known = {**PARTS, **LONG}
    for part in asked.parts:
        if part not in known:
            parser.error(f"no part {part}: there are {', '.join(known)}")
    figures: list[Figure] = []
    with place.server() as server:
        for part in asked.parts or PARTS:
            print(f"measuring {part}…", file=sys.stderr)
            with place.database(server, f"bench_{part}") as conninfo:
                figures += known[part](conninfo, asked.events)
    show(figures, as_json=asked.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`billing-ledger demo`: a year of billing through the real API, and what became of it."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_api.cli.output import Json, print_json, progress

if TYPE_CHECKING:
    from ledger_api.cli.connecting import Service
    from ledger_api.cli.runtime import Runtime
    from ledger_api.demo.biography import Biography
    from ledger_api.demo.people import Person
    from ledger_api.demo.story import Story
    from ledger_api.demo.summary import Run


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(demo)


def demo(
    *,
    seed: Annotated[int, typer.Option(help="Another seed, another year.")] = 7,
    customers: Annotated[int, typer.Option(min=1, max=100_000, help="How many customers.")] = 2_000,
    book: Annotated[str, typer.Option(help="The book to play in.")] = "demo",
    serve: Annotated[
        bool, typer.Option("--serve", help="Leave the service running, with a key to try it.")
    ] = False,
    host: Annotated[str, typer.Option(help="Where to serve.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Where to serve; 0 takes a free port.")
    ] = 8_000,
    home: Annotated[Path | None, typer.Option(help="Data folder of the embedded PostgreSQL.")] = None,
    json: Json = False,
) -> None:
    """Play a year of a small company's billing, posted through HTTP, and sum it up.

    The same seed gives the same year; played again, nothing new is recorded.
    """
    from ledger.errors import IntegrityError  # noqa: PLC0415
    from ledger_api.cli.connecting import Wants, own_service, temporary_key, use_home  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.client import Client  # noqa: PLC0415
    from ledger_api.client.catching_up import catch_up  # noqa: PLC0415
    from ledger_api.demo.keeping import LEAD  # noqa: PLC0415
    from ledger_api.demo.story import SOURCES, Story, head_of  # noqa: PLC0415
    from ledger_api.demo.summary import as_json, as_text, read_standing  # noqa: PLC0415

    use_home(home)
    wants = Wants(book, "demo", (*SOURCES, VISITOR))
    decides = Wants(book, "lead", ("care",), LEAD)
    with (
        runtime() as found,
        own_service(host, port if serve else 0) as service,
        temporary_key(found, wants) as key,
        temporary_key(found, decides) as lead,
    ):
        client = Client(service.url, key)
        story = Story(client, Client(service.url, lead), book, seed, customers)
        run = _play(story)
        head, since = head_of(client, book), time.monotonic()
        catch_up(client, book, head, lambda waiting: print(waiting, file=sys.stderr))
        if run is not None:
            run.projected_seconds = time.monotonic() - since
        standing = read_standing(client, book, head)
        standing.life = _tell_a_life(found, service, f"{book}-life")
        standing.doubts += standing.life.doubts
        if run is not None:
            _care_today(found, service, book, story.somebody)
        if json:
            print_json(as_json(standing, run))
        else:
            if run is None:
                print(f"{story.name} is there already: nothing new was recorded.")
            print(as_text(standing, run))
        if standing.doubts:
            raise IntegrityError("; ".join(standing.doubts))
        if serve:
            _leave_running(service, key, book, story.somebody)


VISITOR = "visitor"
"""The source under which whoever tries the demo's key may post."""


def _play(story: Story) -> Run | None:
    """Play the year, unless it is there; None when there was nothing to do."""
    from ledger_api.demo.summary import Run  # noqa: PLC0415

    if story.is_there():
        return None
    began = time.monotonic()
    with progress("Playing the year", story.size.customer_months, "customer-months") as done:
        tally = story.play(done)
    seconds = time.monotonic() - began
    refusals = sorted(tally.refusals.values(), key=lambda refused: -refused.count)
    return Run(tally.messages, tally.recorded, tally.replayed, tally.events, seconds, refusals)


def _tell_a_life(found: Runtime, service: Service, book: str) -> Biography:
    """Let everybody in the life of one customer have a key of their own for as long as it is played."""
    from ledger_api.cli.connecting import Wants, temporary_key  # noqa: PLC0415
    from ledger_api.client import Client  # noqa: PLC0415
    from ledger_api.demo import biography  # noqa: PLC0415

    with ExitStack() as keys:
        clients = {}
        for who, role in biography.ROLES.items():
            wants = Wants(book, who, (biography.SOURCE,), role)
            clients[who] = Client(service.url, keys.enter_context(temporary_key(found, wants)))
        return biography.tell(clients, book)


def _care_today(found: Runtime, service: Service, book: str, person: Person) -> None:
    """Let an agent verify a caller: by a key of their own, now, since that goes by the ledger's clock."""
    from ledger_api.cli.connecting import Wants, temporary_key  # noqa: PLC0415
    from ledger_api.client import Client  # noqa: PLC0415
    from ledger_api.demo.desk import SOURCE, verify_caller  # noqa: PLC0415

    with temporary_key(found, Wants(book, "ann", (SOURCE,), "agent", persons=True)) as key:
        verify_caller(Client(service.url, key), book, person.customer)


def _leave_running(service: Service, key: str, book: str, person: Person) -> None:
    """Say what can be tried, and wait for Ctrl-C."""
    url = f"{service.url}/v1/books/{book}"
    print(f"""
The service runs at {service.url}, its documentation at {service.url}/docs. Try:

    KEY={key}
    curl -H "Authorization: Bearer $KEY" {url}/customers/{person.customer}/balance
    curl -H "Authorization: Bearer $KEY" '{url}/invoices?state=open&limit=5'
    curl -H "Authorization: Bearer $KEY" {url}/reports/trial-balance
    curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/cloudevents+json' {url}/events -d '{{
      "specversion": "1.0", "id": "try-1", "source": "{VISITOR}", "type": "payment.received",
      "subject": "{person.customer}", "time": "{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}",
      "data": {{"payment": "TRY-1", "currency": "{person.currency}", "amount": 1000}}}}'

Ctrl-C stops it; the key stops working then.""", flush=True)  # fmt: skip
    try:
        service.process.wait()
    except KeyboardInterrupt:
        print()

"""`billing-ledger rebuild`: read models folded anew from the log, beside the live ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger_api.cli.output import Json, print_facts, progress

if TYPE_CHECKING:
    from ledger_projections.readmodel import ReadModel


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(rebuild)


def rebuild(
    *,
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL…", help="Read models; all of them without any.")
    ] = None,
    lanes: Annotated[int, typer.Option(min=1, max=16, help="Read models to build side by side.")] = 2,
    json: Json = False,
) -> None:
    """Fold read models anew from the first event on, beside those in use, and swap them in at the end.

    Readers notice nothing. What is folded from a read model is rebuilt with it. A rebuild that was
    interrupted, however rudely, goes on where it stopped when it is called again.
    """
    from ledger_api import logs  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_projections.rebuilding import Rebuild  # noqa: PLC0415

    logs.configure("warning")
    chosen = _named(models)
    with runtime() as found, Rebuild(found.conninfo, chosen, lanes=lanes) as rebuilding:
        what = f"{'Going on with' if rebuilding.resumed else 'Rebuilding'} {_listed(rebuilding.models)}"
        with progress(what, rebuilding.events_left, "events") as advance:
            rebuilt = rebuilding.run(advance)
    facts = {
        "read_models": list(rebuilt.models) if json else ", ".join(rebuilt.models),
        "resumed": list(rebuilding.resumed) if json else ", ".join(rebuilding.resumed) or "none",
        "events_folded": rebuilt.events,
        "seconds": round(rebuilt.seconds, 3),
        "events_per_second": round(rebuilt.events / rebuilt.seconds),
        "swap_seconds": round(rebuilt.swap_seconds, 3),
    }
    print_facts(facts, as_json=json)


def _named(models: list[str] | None) -> tuple[ReadModel, ...]:
    """Look up the read models, or leave as from a wrong command line."""
    from ledger_projections.readmodel import READ_MODELS, named  # noqa: PLC0415

    try:
        return named(models or None)
    except KeyError as error:
        known = _listed([model.name for model in READ_MODELS])
        raise typer.BadParameter(f"there is no read model {error.args[0]}; there are {known}") from error


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))

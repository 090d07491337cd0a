"""`billing-ledger vault`: the master key of personal data."""

from __future__ import annotations

import typer

from ledger_api.cli.output import Json, print_facts, progress

app = typer.Typer(help="The vault of personal data.", no_args_is_help=True)


def register(to: typer.Typer) -> None:
    """Add the commands."""
    to.add_typer(app, name="vault")


@app.callback()
def _commands() -> None:
    """Keep the command's own name, although it is the only one."""


@app.command("rotate-key")
def rotate_key(json: Json = False) -> None:
    """Replace the master key: a new one in its file, the old one beside it. Services go on working."""
    from ledger.vault.master import count_keys, key_path, rotate_master  # noqa: PLC0415
    from ledger.vault.vault import ROLE  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    with runtime() as found, found.connect(ROLE) as connection:
        keys = count_keys(connection)
        with progress("wrapping", keys, "keys") as advance:
            master = rotate_master(connection, key_path(), advance)
    print_facts({"file": str(key_path()), "id": master.id.hex(), "keys_wrapped": keys}, as_json=json)

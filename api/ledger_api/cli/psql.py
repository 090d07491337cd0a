"""`billing-ledger psql`: PostgreSQL's own client on the ledger's database."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import ConfigurationError, LedgerError

if TYPE_CHECKING:
    from ledger_api.cli.runtime import Runtime


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(psql)


def psql(
    context: typer.Context,
    role: Annotated[
        str, typer.Option(help="The role to act as: ledger_service, ledger_finance, ledger_auditor, …")
    ] = "ledger_service",
    book: Annotated[
        str | None, typer.Option(help="The book that finance and auditors see; none without it.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Begin with transactions that may write.")] = False,
) -> None:
    """Open psql on the ledger's database, reading only. What follows is passed on: psql -- -c 'SELECT 1'."""
    from ledger.database import with_settings  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    with runtime() as found:
        conninfo = with_settings(
            found.conninfo, role=role, application_name="billing-ledger psql", statement_seconds_max=0
        )
        settings = {"default_transaction_read_only": "off" if write else "on"}
        if book is not None:
            settings["ledger.book"] = book.replace("\\", r"\\").replace(" ", r"\ ")
        command, secret = _command(found, conninfo, settings)
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for psql: it cancels a query
        code = subprocess.run([*command, *context.args], env={**os.environ, **secret}, check=False).returncode
    raise typer.Exit(code)


def _command(found: Runtime, conninfo: str, settings: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Tell the command line, and apart from it the password, which the list of processes must not show."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415

    parts = conninfo_to_dict(conninfo)
    password = parts.pop("password", None)
    chosen = (f"-c {name}={value}" for name, value in settings.items())
    parts["options"] = " ".join([str(parts["options"]), *chosen])
    command = [_program(found), "--dbname", make_conninfo("", **parts)]
    return command, {} if password is None else {"PGPASSWORD": str(password)}


def _program(found: Runtime) -> str:
    """Choose the psql on PATH (it can edit its line), unless it is older than the server; then our own."""
    from ledger.embedded.programs import installed  # noqa: PLC0415

    with found.connect() as connection:
        server = connection.info.server_version // 10_000
    on_path = shutil.which("psql")
    if on_path is not None:
        words = subprocess.run(
            [on_path, "--version"], capture_output=True, text=True, check=False
        ).stdout.split()
        if len(words) > 2 and int(words[2].split(".")[0]) >= server:
            return on_path
    try:
        return str(installed() / "psql")
    except ConfigurationError:
        if on_path is None:
            raise LedgerError("there is no psql here: install PostgreSQL's client programs") from None
        return on_path

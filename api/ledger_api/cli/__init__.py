"""The command line: `billing-ledger`.

Each command is a module beside this one with a function `register(app)`; `COMMANDS` names them. Only the
module of the command that was asked for is imported, and it imports what is heavy inside its functions.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

import ledger
from ledger.errors import ConfigurationError, IntegrityError, LedgerError, Refusal, Unavailable

COMMANDS = {
    "serve": "serve",
    "demo": "demo",
    "import": "importing",
    "export": "exporting",
    "remind": "reminding",
    "bill": "billing",
    "rebuild": "rebuild",
    "replay": "replay",
    "diff": "diff",
    "verify": "verify",
    "audit": "audit",
    "status": "status",
    "migrate": "migrate",
    "book": "book",
    "key": "key",
    "log": "log",
    "vault": "vault",
    "psql": "psql",
}
"""Command → its module here."""

DONE, FAILED, REFUSED, NOT_USABLE, CONTRADICTS = 0, 1, 3, 4, 5

EPILOG = """Exit codes: 0 done · 1 could not be done · 2 wrong use of the command line · 3 refused by a rule
of the ledger · 4 the database, the settings or the data folder are not usable (now) · 5 what is stored
contradicts itself · 130 interrupted (Ctrl-C) · 143 terminated."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and tell its exit code; a failure is one line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    try:
        _app(given)(args=given, prog_name="billing-ledger")
    except LedgerError as error:
        _complain(error, as_json="--json" in given)
        return exit_code(error)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else DONE
    return DONE


def exit_code(error: LedgerError) -> int:
    """Tell the exit code that stands for an error."""
    if isinstance(error, Refusal):
        return REFUSED
    if isinstance(error, ConfigurationError | Unavailable):
        return NOT_USABLE
    return CONTRADICTS if isinstance(error, IntegrityError) else FAILED


def _complain(error: LedgerError, *, as_json: bool) -> None:
    if as_json:
        import orjson  # noqa: PLC0415 - only when it is needed: every command starts through here

        code = error.code if isinstance(error, Refusal) else type(error).__name__
        line = orjson.dumps({"error": {"code": code, "detail": str(error)}}).decode()
    else:
        line = f"billing-ledger: {' '.join(str(error).split())}"
    print(line, file=sys.stderr)


def _terminate(number: int, _: FrameType | None) -> NoReturn:
    """Leave in an orderly way: the embedded server is stopped on the way out."""
    raise SystemExit(128 + number)


def _app(given: Sequence[str]) -> typer.Typer:
    """Build the application with the command asked for, or with all of them (for help and completion)."""
    app = typer.Typer(
        help="A billing ledger: an append-only log of events, and everything that follows from them.",
        epilog=EPILOG,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options)
    asked = next((word for word in given if not word.startswith("-")), None)
    for name in [asked] if asked in COMMANDS else COMMANDS:
        importlib.import_module(f"{__name__}.{COMMANDS[name]}").register(app)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        print(f"billing-ledger {ledger.__version__}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """Hold the options of the program itself; its help is the application's."""

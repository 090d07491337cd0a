"""Whether what answers is as this program makes it: read models, auditors' views, and who may read them.

All of it is made anew, empty, in a transaction that is rolled back, and both are read from PostgreSQL's
catalogues. Rows may be right, and yet a column has another one's name, or a view leaves some of them out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.errors import Unavailable
from ledger.sql import queries
from ledger.verify.findings import Check, Finding, check, part
from ledger_projections.folding import Target
from ledger_projections.installing import complete_schema, make_schema
from ledger_projections.readmodel import ReadModel, search_path
from ledger_projections.stopping import Stopping

_SQL = queries("ledger_projections", "definitions.sql")

BESIDE = "@definitions"
"""What ends the names of the schemas that are made to compare with."""
SHOWN_LETTERS = 120
"""How much of a definition a finding shows, from shortly before where it differs."""
BEFORE_LETTERS = 20
"""How much of what does not differ yet."""

AUDIT = "audit"
"""The schema of the views that auditors read; its owner is another one than who verifies."""

Connection = psycopg.Connection[TupleRow]
Definitions = Mapping[str, Mapping[str, str]]
"""What is there → its properties → how each reads."""


def check_definitions(connection: Connection, models: Sequence[ReadModel], stopping: Stopping) -> Check:
    """Hold live read models, each after those that it needs, and the auditors' views to how they are made.

    Raises `Unavailable` soon after `stopping` is set.
    """
    began = time.monotonic()
    try:
        with connection.transaction(force_rollback=True):
            count, findings = _compared(connection, models)
    except psycopg.OperationalError:
        if stopping.is_set():
            raise Unavailable("the verification was stopped") from None
        raise
    except psycopg.Error as error:
        said = f"what should be there cannot be made: {str(error).partition(chr(10))[0]}"
        count, findings = 0, [Finding(said)]
    compared = "what answers (tables, views, functions, rights) with how this version makes it"
    return check("definitions", compared, "objects", time.monotonic() - began, [part(count, findings)])


def _compared(connection: Connection, models: Sequence[ReadModel]) -> tuple[int, list[Finding]]:
    """Make all of it beside; gives how much there should be, and what differs."""
    count = 0
    findings: list[Finding] = []
    for model in models:
        target = Target(model, model.name + BESIDE, tuple(each.name + BESIDE for each in model.needs))
        make_schema(connection, target)
        complete_schema(connection, target)
        made = _definitions(connection, target)
        findings += _differences(model.name, _definitions(connection, Target.live(model)), made)
        count += len(made)
    made = _made_for_auditors(connection, AUDIT + BESIDE)
    findings += _differences(AUDIT, _definitions_for_auditors(connection, AUDIT), made)
    return count + len(made), findings


def _definitions(connection: Connection, target: Target) -> Definitions:
    connection.execute(search_path(target.schema, target.needed))
    return _read(connection, target.schema)


def _definitions_for_auditors(connection: Connection, schema: str) -> Definitions:
    """Read them without what depends on who owns them: that is not who verifies."""
    connection.execute(search_path(schema, ()))
    return {
        what: {name: said for name, said in properties.items() if name not in ("owner", "grants")}
        for what, properties in _read(connection, schema).items()
    }


def _made_for_auditors(connection: Connection, schema: str) -> Definitions:
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    connection.execute(search_path(schema, ()))
    connection.execute(_SQL["audit"])
    return _definitions_for_auditors(connection, schema)


def _read(connection: Connection, schema: str) -> Definitions:
    found: dict[str, dict[str, str]] = {}
    for what, name, said in connection.execute(_SQL["definitions"], {"schema": schema}):
        found.setdefault(what, {})[name] = said or ""
    return found


def _differences(schema: str, live: Definitions, made: Definitions) -> Iterator[Finding]:
    for what in sorted({*live, *made}):
        if what not in made:
            yield Finding(f"{schema}: {what} is there, and should not be")
        elif what not in live:
            yield Finding(f"{schema}: {what} is not there")
        else:
            for name, should in made[what].items():
                has = live[what].get(name, "")
                if has != should:
                    yield Finding(f"{schema}: {what} has the {name} {_from_where_they_differ(has, should)}")


def _from_where_they_differ(has: str, should: str) -> str:
    """Show two texts from where they differ."""
    pairs = enumerate(zip(has, should, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(has), len(should)))
    return f"{_shown(has, same)}, it should have {_shown(should, same)}"


def _shown(text: str, same: int) -> str:
    if len(text) <= SHOWN_LETTERS:
        return " ".join(text.split()) or "none"
    begins = max(0, same - BEFORE_LETTERS)
    ends = begins + SHOWN_LETTERS
    shown = " ".join(text[begins:ends].split())
    return f"{'…' if begins else ''}{shown}{'…' if ends < len(text) else ''}"

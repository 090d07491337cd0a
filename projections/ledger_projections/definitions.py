"""Whether what answers is as this program makes it: read models, auditors' views, and who may read them.

All of it is made anew, empty, in a transaction that is rolled back, and both are read from PostgreSQL's
catalogues. Rows may be right, and yet a column has another one's name, or a view leaves some of them out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.sql import queries
from ledger.verify.findings import Check, Finding, check, part
from ledger_projections.folding import Target
from ledger_projections.installing import complete_schema, make_schema
from ledger_projections.readmodel import ReadModel, search_path

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


class Defined(NamedTuple):
    """The check of definitions, and the read models in which something stands that reading them could run."""

    check: Check
    otherwise: frozenset[str]


def check_definitions(connection: Connection, models: Sequence[ReadModel]) -> Defined:
    """Hold live read models, each after those that it needs, and the auditors' views to how they are made.

    Only catalogues are read: no code that somebody put there is run.
    """
    began = time.monotonic()
    try:
        with connection.transaction(force_rollback=True):
            count, findings, otherwise = _compared(connection, models)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        said = f"what should be there cannot be made: {str(error).partition(chr(10))[0]}"
        count, findings, otherwise = 0, [Finding(said)], {model.name for model in models}
    compared = "what answers (tables, views, functions, rights) with how this version makes it"
    checked = check("definitions", compared, "objects", time.monotonic() - began, [part(count, findings)])
    return Defined(checked, frozenset(otherwise))


def _compared(connection: Connection, models: Sequence[ReadModel]) -> tuple[int, list[Finding], set[str]]:
    """Make all of it beside; gives how much there should be, what differs, and what reading could run."""
    count = 0
    findings: list[Finding] = []
    otherwise: set[str] = set()
    for model in models:
        target = Target(model, model.name + BESIDE, tuple(each.name + BESIDE for each in model.needs))
        make_schema(connection, target)
        complete_schema(connection, target)
        made = _definitions(connection, target)
        live = _definitions(connection, Target.live(model))
        findings += _differences(model.name, live, made)
        if not all(_runs_nothing(what, live, made) for what in {*live, *made}):
            otherwise.add(model.name)
        count += len(made)
    made = _made_for_auditors(connection, AUDIT + BESIDE)
    findings += _differences(AUDIT, _definitions_for_auditors(connection, AUDIT), made)
    return count + len(made), findings, otherwise


def _runs_nothing(what: str, live: Definitions, made: Definitions) -> bool:
    """Tell whether who reads runs nothing that somebody wrote, even where it is not as it is made.

    Triggers act on changes; rights and owners run nothing, nor does an index or a constraint that is gone.
    """
    kind = what.partition(" ")[0]
    if what not in live:
        return kind in ("trigger", "index", "constraint")
    has, should = live[what], made.get(what, {})
    differ = {name for name in {*has, *should} if has.get(name, "") != should.get(name, "")}
    return kind == "trigger" or differ <= {"owner", "grants"}


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

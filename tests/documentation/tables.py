"""Two pages of tables: the settings, and the read models as the comments in their own SQL describe them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

import psycopg
from psycopg.rows import TupleRow

from ledger.settings import GIB, KIB, MIB, PREFIX, Settings
from ledger_projections.installing import install_missing
from ledger_projections.readmodel import READ_MODELS

_MADE = "<!-- Written by: python -m tests.documentation -->"

_SETTINGS_HEAD = f"""\
# Settings

{_MADE}

Every limit is a variable of the environment. One that is no number or out of its bounds keeps the service
from starting, with a line that names it. Bytes are set as plain numbers
(`BILLING_LEDGER_BODY_BYTES_MAX=2097152`).

| variable | default | least | most | |
|---|---|---|---|---|
"""

_MODELS_HEAD = f"""\
# Read models

{_MADE}

What finance reads with SQL. Each read model is a schema; `ledger_finance` may read all of them and write
none. Amounts are whole minor units (cents for EUR). How to ask is shown in [finance.md](finance.md).

"""

_RELATIONS = """
SELECT c.relname, c.relkind = 'v', obj_description(c.oid, 'pg_class'), c.oid
FROM pg_class c
WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind IN ('r', 'v')
ORDER BY c.relkind, c.relname
"""
_CAST = re.compile(r"(?<=NULL)::[a-z ]+")
"""A default says its type, which stands before it already."""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
FROM pg_attribute a WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_FUNCTIONS = """
SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
    obj_description(p.oid, 'pg_proc')
FROM pg_proc p
WHERE p.pronamespace = to_regnamespace(%s) AND obj_description(p.oid, 'pg_proc') IS NOT NULL
ORDER BY p.proname
"""
_OF_THE_TABLE = """
SELECT col_description(d.refobjid, d.refobjsubid), d.refobjid
FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE r.ev_class = %s AND a.attname = %s AND d.refobjid <> r.ev_class AND d.refobjsubid > 0
ORDER BY d.refobjid
"""


def settings_as_markdown() -> str:
    """Write the page of settings."""
    rows = [
        f"| `{PREFIX}{limit.name.upper()}` | {_shown(limit.default, limit.name)} "
        f"| {_shown(limit.metadata['least'], limit.name)} | {_shown(limit.metadata['most'], limit.name)} "
        f"| {limit.metadata['why']} |"
        for limit in fields(Settings)
    ]
    return _SETTINGS_HEAD + "\n".join(rows) + "\n"


def _shown(value: object, name: str) -> str:
    number = float(str(value))
    if "bytes" in name:
        for size, unit in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
            if number >= size:
                return f"{number / size:g} {unit}"
    return f"{number:,.10g}".replace(",", " ")


def read_models_as_markdown(connection: psycopg.Connection[TupleRow]) -> str:
    """Write the page of read models, as a migrated database has them; those that are missing are made."""
    install_missing(connection)
    contents = "".join(f"- [{model.name}](#{model.name})\n" for model in READ_MODELS)
    return _MODELS_HEAD + contents + "".join(_model(connection, model.name) for model in READ_MODELS)


def _model(connection: psycopg.Connection[TupleRow], schema: str) -> str:
    parts = [f"\n## {schema}\n"]
    for name, is_view, meaning, oid in connection.execute(_RELATIONS, (schema,)).fetchall():
        parts.append(
            f"\n### {schema}.{name}\n\n{'View. ' if is_view else ''}{_said(meaning, schema, name)}\n"
        )
        parts.append("\n| column | type | |\n|---|---|---|\n")
        parts += _columns(connection, schema, name, oid)
    for name, arguments, result, meaning in connection.execute(_FUNCTIONS, (schema,)).fetchall():
        parts.append(f"\n### {schema}.{name}()\n\nFunction. {meaning}\n\n")
        parts.append(f"- takes `{_CAST.sub('', arguments)}`\n- gives `{result}`\n")
    return "".join(parts)


def _columns(connection: psycopg.Connection[TupleRow], schema: str, table: str, oid: int) -> Iterator[str]:
    for column, type_, said in connection.execute(_COLUMNS, (oid,)).fetchall():
        meaning = said or _meaning_in_table(connection, oid, column)
        yield f"| `{column}` | {type_} | {_said(meaning, schema, f'{table}.{column}')} |\n"


def _meaning_in_table(connection: psycopg.Connection[TupleRow], view: int, column: str) -> str | None:
    """Look up what a view's column means in the table, or view, that the view takes it from."""
    found = connection.execute(_OF_THE_TABLE, (view, column)).fetchall()
    said = next((meaning for meaning, _ in found if meaning is not None), None)
    below = (_meaning_in_table(connection, relation, column) for _, relation in found)
    return said or next((meaning for meaning in below if meaning is not None), None)


def _said(meaning: str | None, schema: str, name: str) -> str:
    if meaning is None:
        raise LookupError(f"{schema}.{name} has no COMMENT")
    return meaning

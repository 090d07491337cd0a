"""The pages of docs/ that are written from the code, by name."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow
from tests.documentation import events, tables

from ledger import refusals


def written_pages(connection: psycopg.Connection[TupleRow]) -> dict[str, str]:
    """Write all of them; the connection is the service's, to a migrated database."""
    return {
        "events.md": events.as_markdown(),
        "read-models.md": tables.read_models_as_markdown(connection),
        "refusals.md": refusals.as_markdown(),
        "settings.md": tables.settings_as_markdown(),
    }

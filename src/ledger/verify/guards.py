"""Guards: what keeps anybody from changing the log is as the migrations made it.

Whoever owns the database can take them away, change the log, and put them back; the other checks find what
was changed. This one finds the door that was left open.
"""

from __future__ import annotations

import time

from ledger.sql import queries
from ledger.verify.findings import Check, Finding, check, part
from ledger.verify.leaves import Connection

_SQL = queries(__package__ or "", "guards.sql")

COMPARED = (
    "triggers, functions, grants to write, owners and roles around the log with those of the migrations"
)


def check_guards(connection: Connection) -> Check:
    """Compare the catalogue with what the migrations leave; each difference is a sentence."""
    began = time.monotonic()
    findings = [Finding(said) for (said,) in connection.execute(_SQL["guards"])]
    return check("guards", COMPARED, "databases", time.monotonic() - began, [part(1, findings)])

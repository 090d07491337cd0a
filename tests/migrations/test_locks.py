"""Locks that an operator leaves to the ledger: nobody else takes them, and all that takes them still does."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from tests.documentation.snippets import snippets_of
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.running import folded, projecting, until
from tests.projections.test_past import DUE, FOREVER
from tests.vault.known import NAME, SECRET

from ledger.database import connect, with_settings
from ledger.tlog import signing
from ledger.vault import Vault
from ledger_migrations import apply
from ledger_projections.past import Past, ask, install_workspaces
from ledger_projections.rebuilding import Rebuild
from ledger_projections.verifying import check_read_models

BOOK = "main"
OTHERS = ("ledger_finance", "ledger_auditor", "ledger_verifier")


@pytest.fixture
def kept(database: str) -> str:
    """Do as the operators' guide says."""
    guide = Path(__file__).parent.parent.parent / "docs" / "operators.md"
    (snippet,) = [each for each in snippets_of(guide) if "advisory" in each.text]
    with psycopg.connect(database, autocommit=True) as boss:
        boss.execute(snippet.text.encode())
    return database


def test_locks_that_are_left_to_the_ledger_keep_nobody_who_only_reads_in_the_way(
    kept: str, tmp_path: Path
) -> None:
    for role in OTHERS:
        with connect(kept, role=role) as other:
            for taking in (
                "pg_advisory_lock(1)",
                "pg_try_advisory_lock(1, 1)",
                "pg_advisory_xact_lock_shared(1)",
            ):
                with pytest.raises(InsufficientPrivilege):
                    other.execute(f"SELECT {taking}".encode())
    assert apply(kept) == []
    with writer(kept) as works, projecting(kept):
        position = post_lives(works, BOOK, 2)
        until(lambda: folded(kept, BOOK, position))
    with closing(Vault(kept, tmp_path / "vault-key")) as vault:
        vault.put(BOOK, "customer-1", {NAME: SECRET})
        assert vault.get(BOOK, "customer-1", [NAME]) == {NAME: SECRET}
    with connect(kept) as connection:
        key = signing.key_in_force(connection, tmp_path / "log-key.pem")
        assert key is not None
        signed = signing.sign_head(connection, BOOK, "ledger.example/main", key)
        assert signed.checkpoint.size == position
        install_workspaces(connection)
    with Rebuild(kept) as rebuild:
        rebuild.run()
    assert all(check.passed for check in check_read_models(kept, BOOK))
    assert asyncio.run(_due(kept, Past(BOOK, position, **FOREVER))) != "[]"


async def _due(database: str, moment: Past) -> str:
    async with await psycopg.AsyncConnection.connect(with_settings(database), autocommit=True) as connection:
        return await ask(connection, 0, moment, DUE)

"""What the embedded PostgreSQL is started with."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from ledger.embedded import Embedded, cluster


def test_each_setting_of_the_server_says_why() -> None:
    assert all(setting.why.endswith(".") for setting in cluster.SETTINGS)
    with (
        TemporaryDirectory(prefix="ledger-") as folder,
        Embedded(Path(folder) / "home").running() as conninfo,
        psycopg.connect(conninfo) as connection,
    ):
        names = [setting.name for setting in cluster.SETTINGS]
        from_us = connection.execute(
            "SELECT name FROM pg_settings WHERE lower(name) = ANY(%s) AND source = 'command line'", (names,)
        ).fetchall()
        assert sorted(name.lower() for (name,) in from_us) == sorted(names)


@pytest.mark.parametrize(
    ("limit", "megabytes"), [("max", None), ("9223372036854771712", None), ("268435456", 64)]
)
def test_a_quarter_of_the_memory_is_kept_for_pages(
    limit: str, megabytes: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A container's limit counts, which is less than the memory of the machine that it runs on."""
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    monkeypatch.setattr(cluster, "_MEMORY_LIMITS", (tmp_path / "memory.max", tmp_path / "none"))
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = megabytes or min(cluster.SHARED_BUFFERS_MAX, machine // 4) >> 20
    assert f"shared_buffers={wanted}MB" in cluster.start_options(tmp_path, tmp_path, 5432)

"""Write the pages that are made from the code anew: python -m tests.documentation."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.documentation.pages import written_pages

from ledger.database import connect
from ledger.embedded import Embedded
from ledger_migrations import apply

DOCS = Path(__file__).parents[2] / "docs"

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home, Embedded(Path(home)).running() as conninfo:
        apply(conninfo)
        with connect(conninfo) as connection:
            pages = written_pages(connection)
    for name, text in pages.items():
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"docs/{name}")

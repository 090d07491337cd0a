"""The page that compares: each feature of ours names a test, and that test is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")


def test_every_row_names_a_test_that_is_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| feature")]
    assert len(rows) > 20
    for row in rows:
        feature, *_, named = (cell.strip() for cell in row.strip("|").split("|"))
        assert row.count("|") == 7, feature
        file, _, test = named.strip("`").partition("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {re.escape(test)}\(", source, re.MULTILINE), f"{feature}: {named}"

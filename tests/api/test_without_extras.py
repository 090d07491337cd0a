"""A service without the extra `pdf`: it says what is missing, and goes on with everything else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.api.live import open_book, problem, serving
from tests.ledger.asks import charge, issue


def test_a_document_as_pdf_is_answered_with_what_to_install(
    fresh_database: Callable[[], AbstractContextManager[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "typst.py").write_text("raise ImportError('no module named typst')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    with fresh_database() as database, serving(database) as live:
        caller = open_book(live, live.client(live.key()[1]))
        for ask in (("customer.opened", {"currency": "EUR"}), charge("c1", 500), issue()):
            caller.tell(ask)
        caller.read("/invoices/INV-1", min_position=caller.head)
        answer = caller.get("/invoices/INV-1.pdf")
        assert problem(answer) == (503, "pdf_not_installed")
        assert answer.json()["detail"] == "documents as PDF need the extra pdf: billing-ledger[pdf]"
        assert caller.get("/invoices/INV-1.html").status_code == 200
        assert problem(caller.get("/invoices/INV-1.pdf")) == (503, "pdf_not_installed")

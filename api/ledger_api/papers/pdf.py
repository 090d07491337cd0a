"""A document as PDF/A-3: set by Typst, byte for byte the same each time, with an e-invoice inside or without.

Typst ends with a panic on characters that none of its fonts has, so it gets none of those.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from ledger.errors import Refusal
from ledger_api.papers.hybrid import declare
from ledger_api.papers.paper import Paper

if TYPE_CHECKING:
    import typst

STANDARD: Literal["a-3b"] = "a-3b"
_UNSHOWN = re.compile(
    "[^ -~\u00a0-\u00ac\u00ae-\u024f\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u045f"
    "\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d"
    "\u1f80-\u1fb4\u1fb6-\u1fc4\u1fc6-\u1fd3\u1fd6-\u1fdb\u1fdd-\u1fef\u1ff2-\u1ff4\u1ff6-\u1ffe"
    "\u2010-\u2027\u202f-\u203a\u2044\u20a0-\u20bf\u2116\u2122\u2126\u2190-\u2193\u2212\u2248\u2260\u2264\u2265]"
)
"""What the fonts that come with Typst do not show: all but Latin, Greek and Cyrillic script and signs."""
_INSTEAD = "\u25a1"

LONG_ROWS = 50
"""Rows from which on what Typst remembers of a document is dropped at once: about 250 KB for each row."""
_REMEMBERED = 12
"""Typst forgets what the last ten documents did not use; as many blank ones make it do so."""

_threads = threading.local()


def as_pdf(paper: Paper, einvoice: bytes | None = None) -> bytes:
    """Set a document as PDF, in milliseconds: not on the event loop. Refuses without Typst."""
    inputs = {"paper": _shown(msgspec.json.encode(paper).decode())}
    if einvoice is not None:
        inputs["xml"] = einvoice.decode()
    compiler = _compiler()
    try:
        made = compiler.compile(
            _template("document.typ"),
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=[STANDARD],
            timestamp=int(paper.made_at.timestamp()),
        )
    except BaseException:  # a panic leaves the compiler locked for good
        del _threads.compiler
        raise
    assert isinstance(made, bytes)  # noqa: S101 - narrows the type: one document, one file
    if sum(len(table.rows) for table in paper.tables) >= LONG_ROWS:
        for _ in range(_REMEMBERED):
            compiler.compile(_template("blank.typ"), format="pdf", sys_inputs={})
    return made if einvoice is None else declare(made)


def _shown(text: str) -> str:
    return _UNSHOWN.sub(_INSTEAD, text)


def _compiler() -> typst.Compiler:
    """Give this thread's compiler: it takes one document at a time, and has the fonts read."""
    if not hasattr(_threads, "compiler"):
        try:
            import typst  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise Refusal(
                "pdf_not_installed", "documents as PDF need the extra pdf: billing-ledger[pdf]", extra="pdf"
            ) from error
        folder = _template("document.typ").parent
        _threads.compiler = typst.Compiler(root=folder, ignore_system_fonts=True)
    compiler: typst.Compiler = _threads.compiler
    return compiler


def _template(name: str) -> Path:
    """Find a template: a file beside this one, wherever the package is installed."""
    return Path(__file__).with_name(name)

"""A document as a page: one HTML file with its style sheet in it, that prints well and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from ledger_api.papers.paper import Paper

_FILES = files("ledger_api.papers")


@cache
def _style() -> str:
    return _FILES.joinpath("document.css").read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_FILES.joinpath("document.html").read_text(encoding="utf-8"))


@cache
def policy() -> str:
    """Write the Content-Security-Policy of a page: its one style sheet, and nothing else whatsoever."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def as_html(paper: Paper) -> bytes:
    """Set a document as HTML."""
    return _template().render(paper=paper, style=_style()).encode()

"""The documentation pages: written by the server from the description of the interface.

No script, no style sheet and no font from elsewhere: the pages work without a network, and their policy
forbids everything but the one style sheet that stands in them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from ledger.refusals import REFUSALS
from ledger_api.problem_codes import PROBLEM_CODES

router = APIRouter(include_in_schema=False)

Json = Mapping[str, object]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1c1e}
h1,h2{line-height:1.2}h2{margin-top:3rem;border-bottom:1px solid #d0d0d5}
section{margin:2rem 0}code,pre{font:13px/1.45 ui-monospace,monospace;background:#f4f4f6;border-radius:4px}
code{padding:.1em .3em}pre{padding:.8rem;overflow:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ececf0}
.method{font-weight:700;color:#0a5}details{margin:.5rem 0}summary{cursor:pointer}
@media(prefers-color-scheme:dark){body{background:#1c1c1e;color:#eee}code,pre{background:#2c2c30}h2,td,th{border-color:#444}}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@router.get("/docs")
async def show_docs(request: Request) -> Response:
    """Show the interface as a page for people; `/openapi.json` is the same for programs."""
    state = request.app.state
    if not hasattr(state, "docs"):
        description = request.app.openapi()
        state.docs = _page(str(description["info"]["title"]), "".join(_interface(description)))
    page: str = state.docs
    return _answer(page)


@router.get("/problems")
async def show_problems() -> Response:
    """Show what each code of a problem means; a problem's `type` points here."""
    meanings = dict(PROBLEM_CODES)
    for entry in REFUSALS.values():
        meanings.setdefault(entry.code, f"{entry.meaning} {entry.remedy}")
    rows = "".join(
        f'<tr id="{escape(code)}"><td><code>{escape(code)}</code></td><td>{escape(meaning)}</td></tr>'
        for code, meaning in sorted(meanings.items())
    )
    table = f"<table><tr><th>Code</th><th>Meaning</th></tr>{rows}</table>"
    return _answer(_page("Problems", f"<h1>Problems</h1>{table}"))


def _answer(page: str) -> Response:
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _interface(description: Json) -> Iterator[str]:
    info = cast(Json, description["info"])
    yield f"<h1>{escape(str(info['title']))} {escape(str(info['version']))}</h1>"
    yield _paragraphs(str(info.get("description", "")))
    yield '<p><a href="openapi.json">OpenAPI</a> · <a href="problems">problem codes</a></p>'
    paths = cast(Mapping[str, Mapping[str, Json]], description["paths"])
    by_tag: dict[str, list[str]] = {}
    for path, operations in paths.items():
        for method, operation in operations.items():
            tag = cast(list[str], operation.get("tags", ["Other"]))[0]
            by_tag.setdefault(tag, []).append(_operation(path, method, operation))
    for tag, parts in by_tag.items():
        yield f"<h2>{escape(tag)}</h2>" + "".join(parts)
    schemas = cast(Mapping[str, Mapping[str, Json]], description["components"])["schemas"]
    yield "<h2>Shapes</h2>"
    for name, schema in sorted(schemas.items()):
        title = f"<summary><code>{escape(name)}</code></summary>"
        yield f'<details id="{escape(name)}">{title}{_json(schema)}</details>'


def _operation(path: str, method: str, operation: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(str(p['name']))}</code></td><td>{escape(str(p['in']))}</td>"
        f"<td>{escape(str(p.get('description', '')))}</td></tr>"
        for p in cast(list[Json], operation.get("parameters", []))
    )
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(str(response.get('description', '')))}</td></tr>"
        for status, response in sorted(cast(Mapping[str, Json], operation["responses"]).items())
    )
    body = cast(Json, operation.get("requestBody", {}))
    examples = "".join(
        f"<p><code>{escape(kind)}</code></p>{_json(content['example'])}"
        for kind, content in cast(Mapping[str, Json], body.get("content", {})).items()
        if "example" in content
    )
    return (
        f'<section id="{escape(str(operation.get("operationId", "")))}"><h3>'
        f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code></h3>'
        f"<p><b>{escape(str(operation.get('summary', '')))}</b></p>"
        + _paragraphs(str(operation.get("description", "")))
        + (f"<table>{rows}</table>" if rows else "")
        + examples
        + f"<details><summary>Answers</summary><table>{answers}</table></details></section>"
    )


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())


def _json(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"

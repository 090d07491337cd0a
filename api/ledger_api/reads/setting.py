"""Setting documents: routes that answer with one, off the event loop.

A key with the scope person gets documents with name and address, and nobody keeps those; any other key gets
the customer's id in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from ledger_api.answers import answer_bytes
from ledger_api.keys import PERSON, Principal
from ledger_api.papers.html import as_html, policy
from ledger_api.papers.paper import Paper
from ledger_api.services import services_of
from ledger_api.tongue import Language

HTML, PDF, XML = "text/html", "application/pdf", "application/xml"

Route = TypeVar("Route", bound=Callable[..., object])

LanguageQuery = Annotated[
    Language | None, Field(description="The language that it is in; else the customer's own, or English.")
]


def documents_of(router: APIRouter) -> Callable[[str, str, str], Callable[[Route], Route]]:
    """Make what makes routes of this router: by address, type of the document, and summary."""

    def document(path: str, media_type: str, summary: str) -> Callable[[Route], Route]:
        responses: dict[int | str, dict[str, object]] = {
            200: {"description": summary, "content": {media_type: {"schema": {"type": "string"}}}}
        }
        return router.get(
            f"/v1/books/{{book}}/{path}", summary=summary, response_class=Response, responses=responses
        )

    return document


async def answer_page(
    request: Request, principal: Principal, position: int, paper: Callable[[], Paper]
) -> Response:
    """Set the document as a page and answer with it; the page loads nothing, and is told so."""
    response = await answer_document(request, principal, position, lambda: as_html(paper()), HTML)
    response.headers["Content-Security-Policy"] = policy()
    return response


async def answer_document(
    request: Request, principal: Principal, position: int, work: Callable[[], bytes], media_type: str
) -> Response:
    """Set the document and answer with it. With a person on it, it is nobody's to keep, and has no tag."""
    body = await services_of(request).press.run(work)
    if PERSON not in principal.scopes:
        return answer_bytes(request, body, position, media_type=media_type)
    headers = {"Cache-Control": "no-store", "Vary": "Authorization", "Ledger-Position": str(position)}
    return Response(body, headers=headers, media_type=media_type)

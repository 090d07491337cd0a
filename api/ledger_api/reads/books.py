"""Books: the legal entities of this ledger, as far as the key opens them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import Reads
from ledger_api.answers import answer, link_next
from ledger_api.moments import upto_position
from ledger_api.parameters import BookPath, Paged, Read, ReadAsOf, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.reading import Wanted
from ledger_api.services import services_of
from ledger_api.shapes.books import Book, Books

_SQL = queries("ledger_api.reads", "books.sql")

router = APIRouter(tags=["Books"], dependencies=[StrictQuery])


class BooksParameters(Paged):
    """Parameters of the list of books, which is of no one book and so of no position."""

    model_config = Read.model_config


@router.get("/v1/books", summary="List books", responses={200: {"model": Books}})
async def list_books(
    request: Request, principal: Reads, parameters: Annotated[BooksParameters, Query()]
) -> Response:
    """List the books that the key opens, in order of name."""
    services = services_of(request)
    after = services.pages.after("books", {"book": principal.book}, parameters.page) or [""]
    values = {"book": principal.book, "after": after[0], "limit": parameters.limit + 1}
    books = [
        dict(zip(Book.model_fields, row, strict=True))
        for row in await services.reader.rows(_SQL["books"], values)
    ]
    token = None
    if len(books) > parameters.limit:
        books.pop()
        token = services.pages.token("books", {"book": principal.book}, [str(books[-1]["book"])])
    response = answer(request, {"items": books, "next": token}, None)
    if token is not None:
        response.headers["Link"] = link_next(request, {"page": token})
    return response


@router.get("/v1/books/{book}", summary="Show a book", responses={200: {"model": Book}})
async def show_book(
    request: Request, book: BookPath, principal: Reads, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Show a book, and where its log ends (`position`), or where it ended.

    A book's own events count by position alone: `as_of_occurred` changes nothing.
    """
    del principal
    reader = services_of(request).reader
    upto = await upto_position(reader, book, parameters)
    wanted = Wanted(parameters.min_position, upto)
    position, items = await reader.items(_SQL["book"], ("journal",), {"book": book, "upto": upto}, wanted)
    if not items:
        raise NotFound("book_unknown", f"the book {book} is not opened", book=book)
    return answer(request, items[0], position)

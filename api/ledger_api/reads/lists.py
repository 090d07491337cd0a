"""One page of a list: the same for every list of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString, NamedTuple

from fastapi import Request
from starlette.responses import Response

from ledger_api.answers import answer_page
from ledger_api.pages import Key
from ledger_api.parameters import Paged, Read
from ledger_api.reading import Wanted
from ledger_api.services import services_of


class ListParameters(Read, Paged):
    """Parameters of a list that is kept as of now."""


class Listing(NamedTuple):
    """A list of rows in the order of its key.

    Its query takes `after_<column>` for each column of the key, and `limit`; the key maps each column to a
    value that comes before all others.
    """

    name: str
    query: LiteralString
    models: tuple[str, ...]
    key: Mapping[str, str | int]


async def list_rows(
    request: Request, listing: Listing, values: Mapping[str, object], parameters: ListParameters
) -> tuple[int, list[dict[str, object]], str | None]:
    """Read one page: the position it is as of, its rows, and the token of the next page."""
    services = services_of(request)
    filters = {**values, **parameters.model_dump(exclude={"limit", "page", "min_position"})}
    after = services.pages.after(listing.name, filters, parameters.page) or list(listing.key.values())
    behind = {f"after_{column}": value for column, value in zip(listing.key, after, strict=True)}
    asked = {**filters, **behind, "limit": parameters.limit + 1}
    position, items = await services.reader.items(
        listing.query, listing.models, asked, Wanted(parameters.min_position)
    )
    if len(items) <= parameters.limit:
        return position, items, None
    items.pop()
    key: Key = [_part(items[-1][column]) for column in listing.key]
    return position, items, services.pages.token(listing.name, filters, key)


async def list_page(
    request: Request, listing: Listing, values: Mapping[str, object], parameters: ListParameters
) -> Response:
    """Answer with one page."""
    position, items, token = await list_rows(request, listing, values, parameters)
    return answer_page(request, items, position, token)


def _part(value: object) -> str | int:
    return value if isinstance(value, int) else str(value)

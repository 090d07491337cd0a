"""One page of a list: the same for every list of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString, NamedTuple

from fastapi import Request
from starlette.responses import Response

from ledger_api.answers import answer_page
from ledger_api.moments import NOW, Moment, items_at, moment_of, past_of
from ledger_api.pages import Key
from ledger_api.parameters import Paged, ReadAsOf
from ledger_api.reading import Items, Reader, Wanted
from ledger_api.services import services_of
from ledger_projections.past import Question


class ListParameters(ReadAsOf, Paged):
    """Parameters of a list."""


class Listing(NamedTuple):
    """A list of rows in the order of its key.

    Its query takes `after_<column>` for each column of the key, and `limit`; the key maps each column to a
    value that comes before all others. `members` is a query that takes the same, and the moment as `upto`,
    `day`, `instant` and `today`: for every row that the list of the whole book has without any filter, its
    customer and its key. It asks live read models, of what never changes.
    """

    name: str
    query: LiteralString
    models: tuple[str, ...]
    key: Mapping[str, str | int]
    members: LiteralString


async def list_rows(
    request: Request, listing: Listing, values: Mapping[str, object], parameters: ListParameters
) -> tuple[int, list[dict[str, object]], str | None]:
    """Read one page: the position it is as of, its rows, and the token of the next page.

    Of a whole book as of an earlier moment a page has fewer rows when a filter leaves some of them out.
    """
    services = services_of(request)
    filters = {**parameters.model_dump(exclude={"limit", "page", "min_position"}), **values}
    after = services.pages.after(listing.name, filters, parameters.page) or list(listing.key.values())
    behind = {f"after_{column}": value for column, value in zip(listing.key, after, strict=True)}
    asked = {**filters, **behind, "limit": parameters.limit + 1}
    customer = filters.get("customer")
    moment = await moment_of(services.reader, str(values["book"]), parameters)
    if customer is None and moment != NOW:
        (position, items), last = await _members_at(services.reader, listing, asked, parameters, moment)
    else:
        position, items = await items_at(
            services.reader, listing.query, listing.models, asked, parameters, [str(customer)]
        )
        last = items[-2] if len(items) > parameters.limit else None
        items = items[: parameters.limit]
    if last is None:
        return position, items, None
    key: Key = [_part(last[column]) for column in listing.key]
    return position, items, services.pages.token(listing.name, filters, key)


async def _members_at(
    reader: Reader, listing: Listing, asked: Mapping[str, object], parameters: ListParameters, moment: Moment
) -> tuple[Items, dict[str, object] | None]:
    """Read one page of a whole book as of a moment: of those who are on it, and of nobody else, is asked.

    Gives the last one on the page too, unless the list ends there.
    """
    past = await past_of(reader, str(asked["book"]), moment, parameters.min_position)
    _, members = await reader.items(
        listing.members, listing.models, {**asked, **past._asdict()}, Wanted(upto=past.upto)
    )
    ends = len(members) <= parameters.limit
    members = members[: parameters.limit]
    if not members:
        return Items(past.upto, []), None
    customers = sorted({str(member["customer"]) for member in members})
    found = await reader.items_as_of(past, Question(customers, listing.models, listing.query, asked))
    on_page = {tuple(member[column] for column in listing.key) for member in members}
    items = [each for each in found.items if tuple(each[column] for column in listing.key) in on_page]
    return Items(found.position, items), None if ends else members[-1]


async def list_page(
    request: Request, listing: Listing, values: Mapping[str, object], parameters: ListParameters
) -> Response:
    """Answer with one page."""
    position, items, token = await list_rows(request, listing, values, parameters)
    return answer_page(request, items, position, token)


def _part(value: object) -> str | int:
    return value if isinstance(value, int) else str(value)

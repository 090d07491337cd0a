"""Whose something is that an address names by its number, recorded as looked at once it is found out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from fastapi import Request

from ledger_api.moments import upto_position
from ledger_api.parameters import ReadAsOf
from ledger_api.problems import NotFound
from ledger_api.reading import Wanted
from ledger_api.services import services_of


async def owner_of(
    request: Request,
    query: LiteralString,
    values: Mapping[str, object],
    parameters: ReadAsOf,
    unknown: NotFound,
) -> str:
    """Find whose invoice or credit note it is, by a query that takes `upto` too, and record the look.

    Raises `unknown` where there was no such number by then: nobody is asked again, as what is there a moment
    later would be shown without its customer in the record.
    """
    services = services_of(request)
    upto = await upto_position(services.reader, str(values["book"]), parameters)
    asked, wanted = {**values, "upto": upto}, Wanted(parameters.min_position, upto)
    _, items = await services.reader.items(query, ("invoices",), asked, wanted)
    owner = str(items[0]["customer"]) if items else None
    await services.looks.record_found(request, owner)
    if owner is None:
        raise unknown
    return owner

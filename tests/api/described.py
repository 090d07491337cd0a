"""Answers held to the description of the interface: a status that it does not name surprises callers."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import httpx

from ledger.settings import Settings
from ledger_api.app import create_app

NOTHING_THERE = (400, 404, 405)
"""How the interface answers where it has nothing, or nothing by that method: 400 when a body was brought."""


class _Operation(NamedTuple):
    """What the description says of one method at one address."""

    path: re.Pattern[str]
    statuses: dict[str, frozenset[str]]


@cache
def _operations() -> list[_Operation]:
    """Read the description; addresses without parameters come first, as they are the ones that are meant."""
    described = create_app(Settings(), "").openapi()["paths"]
    return [
        _Operation(
            re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)).replace("tile/[^/]+", "tile/.+")),
            {method.upper(): frozenset(operation["responses"]) for method, operation in methods.items()},
        )
        for path, methods in sorted(described.items(), key=lambda each: each[0].count("{"))
    ]


def hold_to_description(answer: httpx.Response) -> None:
    """Refuse an answer whose status is not described; where method and address are not, there is nothing."""
    said = f"{answer.request.method} {answer.url.path} answers {answer.status_code}"
    for path, statuses in _operations():
        described = statuses.get(answer.request.method)
        if described is not None and path.fullmatch(answer.url.path):
            assert str(answer.status_code) in described, f"{said}, which its description does not name"
            return
    if answer.url.path.startswith("/v1/"):  # beside it there are pages, and the description itself
        assert answer.status_code in NOTHING_THERE, f"{said}, and the description names no such thing"

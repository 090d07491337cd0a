"""Named queries: SQL lives in `.sql` files beside its one user.

A file holds statements, each under a line `-- name: what_it_does` and a line or more that say why.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_HEADING = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def queries(package: str, file: str) -> dict[str, LiteralString]:
    """Read the named queries of one file of a package, in the order in which they stand there.

    The cast to `LiteralString` happens here and nowhere else: the text comes from a file of ours, so no value
    of a caller can be in it.
    """
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    parts = _HEADING.split(text)
    return {
        name: cast(LiteralString, body.strip().rstrip(";"))
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


@cache
def script(package: str, file: str) -> LiteralString:
    """Read a whole file as one script of several statements."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    return cast(LiteralString, text)  # type: ignore[redundant-cast]  # mypy takes it for str, pyright does not

"""Reading a read model at one position: wait if asked to, then one statement that says where it stands.

Position and rows come from the *same statement*, and therefore from the same snapshot: two statements in one
transaction would not do, because a rebuild may swap the tables between them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg.errors import InvalidSchemaName, UndefinedColumn, UndefinedFunction, UndefinedTable
from psycopg_pool import PoolTimeout

from ledger.database import AsyncPool
from ledger.errors import Refusal, Unavailable
from ledger.notices import CURSOR, LOG, Notices
from ledger.sql import queries
from ledger_api.problems import NotFound
from ledger_projections import past
from ledger_projections.past import Past, Question

Item = dict[str, object]

_SQL = queries("ledger_api", "reading.sql")


class Items(NamedTuple):
    """What a question gives: the rows, and the position that they are as of."""

    position: int
    items: list[Item]


class Wanted(NamedTuple):
    """How far the read models must have come: to `min_position`, and to `upto`, which the answer is as of."""

    min_position: int | None = None
    upto: int | None = None

    @property
    def least(self) -> int:
        """The position that answers everything that is wanted."""
        return max(self.min_position or 0, self.upto or 0)


class Reader:
    """Asks read models. `wait_seconds_max` bounds how long a question waits for its `min_position`.

    `look_seconds` is how often it looks while it waits, in case that a notice was lost.
    """

    def __init__(
        self, pool: AsyncPool, notices: Notices, wait_seconds_max: float, look_seconds: float
    ) -> None:
        self._pool = pool
        self._notices = notices
        self._wait_seconds_max = wait_seconds_max
        self._look_seconds = look_seconds
        self._workspaces = asyncio.Queue[int]()
        for workspace in range(past.WORKSPACES):
            self._workspaces.put_nowait(workspace)

    async def items(
        self, query: LiteralString, models: Sequence[str], values: Mapping[str, object], wanted: Wanted
    ) -> Items:
        """Run a named query over read models that have come as far as is wanted.

        `values` holds `book` and what else the query takes. Raises `NotFound` for an unknown book, and the
        refusals `as_of_in_future` and `position_not_reached`.
        """
        statement = "".join(("WITH item AS (", query, ") ", _SQL["with_position"]))
        asked = {**values, "read_models": list(models)}
        row = await self._ask(statement, asked, wanted, CURSOR)
        position = int(str(row[0])) if wanted.upto is None else wanted.upto
        return Items(position, msgspec.json.decode(str(row[2])))

    async def items_as_of(self, when: Past, question: Question) -> Items:
        """Ask the read models as they were at a moment.

        As many questions are answered at once as there are workspaces; the others wait, but not for ever.
        """
        try:
            async with asyncio.timeout(past.TURN_SECONDS_MAX):
                workspace = await self._workspaces.get()
        except TimeoutError:
            raise Unavailable("too much is asked about earlier moments just now", 5) from None
        try:
            async with self._pool.connection() as conn:
                rows = await past.ask(conn, workspace, when, question)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database does not answer now") from error
        finally:
            self._workspaces.put_nowait(workspace)
        return Items(when.upto, msgspec.json.decode(rows))

    async def log_reached(self, book: str, position: int | None) -> None:
        """Wait until the log itself has come to a position."""
        if position:
            await self._ask(_SQL["log_position"], {"book": book}, Wanted(position), LOG)

    async def rows(
        self, query: LiteralString, values: Mapping[str, object], *, binary: bool = False
    ) -> list[tuple[object, ...]]:
        """Run a query that needs no read model: over the log, or over what does not change."""
        return await self._rows(query, values, binary=binary)

    async def _rows(
        self,
        query: LiteralString,
        values: Mapping[str, object],
        *,
        binary: bool = False,
        prepare: bool | None = None,
    ) -> list[tuple[object, ...]]:
        try:
            async with self._pool.connection() as conn:
                return await (await conn.execute(query, values, binary=binary, prepare=prepare)).fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database does not answer now") from error
        except (UndefinedTable, UndefinedColumn, UndefinedFunction, InvalidSchemaName) as error:
            raise Unavailable("the read models are not built yet", retry_after_seconds=5) from error

    async def _ask(
        self, statement: LiteralString, values: Mapping[str, object], wanted: Wanted, channel: str
    ) -> tuple[object, ...]:
        """Ask, and while the answer is not as of what is wanted, wait for a notice and ask again."""
        book = str(values["book"])
        row = await self._reached(statement, values, wanted)
        if row is not None:
            return row
        deadline = time.monotonic() + self._wait_seconds_max
        while (seconds := deadline - time.monotonic()) > 0:
            look = min(seconds, self._look_seconds)
            told = await self._notices.await_position(channel, book, wanted.least, look)
            row = await self._reached(statement, values, wanted)
            if row is not None:
                return row
            if told:  # of other read models: this one stands still, and would be asked without a pause
                await asyncio.sleep(look)
        raise Refusal(
            "position_not_reached",
            f"position {wanted.least} was not reached within {self._wait_seconds_max:g} seconds",
            min_position=wanted.least,
        )

    async def _reached(
        self, statement: LiteralString, values: Mapping[str, object], wanted: Wanted
    ) -> tuple[object, ...] | None:
        """Ask once; None when the answer is not yet as of what is wanted."""
        # Planned anew each time: which filters are given decides which index serves.
        (row,) = await self._rows(statement, values, prepare=False)
        position, head = row[0], row[1]
        if head is None:
            raise NotFound("book_unknown", f"there is no book {values['book']}", book=values["book"])
        refuse_future(str(values["book"]), wanted.upto, int(str(head)))
        return row if int(str(position)) >= wanted.least else None


def refuse_future(book: str, upto: int | None, head: int) -> None:
    """Refuse to answer as of a position that the log has not come to."""
    if upto is not None and upto > head:
        raise Refusal(
            "as_of_in_future", f"the log of {book} ends at position {head}",
            parameter="as_of_position", as_of_position=upto, head=head,
        )  # fmt: skip

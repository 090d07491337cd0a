"""A small client of the ledger's HTTP interface: one connection, kept alive.

Everything that it sends is idempotent, so a request whose answer was lost, or that the ledger was too busy
for, is simply sent again: what was recorded the first time comes back as a replay.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import orjson

from ledger.errors import LedgerError

ANSWER_WAIT_SECONDS_MAX = 120
"""Seconds to wait for an answer: a bulk body of some thousand messages on a busy disk may take a while."""
ATTEMPTS_MAX = 8
"""Times one request is sent before its failure is the caller's: with the pauses between them, about 30
seconds.
"""
STATUSES_TO_RETRY = (0, 429, 503)
"""What passes by itself: no answer at all, too many requests, and a ledger that is busy or starting."""
PAUSE_SECONDS_MAX = 8
"""Seconds between two attempts at most; the first pause is a tenth of a second, each next one is doubled."""

NDJSON = "application/x-ndjson"


PAGE_ITEMS = 1_000
"""Items asked for on one page of a list."""

T = TypeVar("T")


class ClientError(LedgerError):
    """The ledger did not answer a request with success. `status` is 0 where it did not answer at all.

    `code` is the refusal's code, or "" where the answer was no problem details.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code

    def __str__(self) -> str:
        return f"{self.code or self.status}: {self.args[0]}"


class Page(msgspec.Struct, Generic[T]):
    """One page of any list, as far as the reader's `T` wants to know its items."""

    items: list[T]
    next: str | None


class Answer(NamedTuple):
    """A successful answer: `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection to a ledger. Not for use by several threads at once: `twin` gives each its own."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClientError(0, "", f"{url} is no http address")
        self.url = url.rstrip("/")
        self._key = key
        self._prefix = parts.path.rstrip("/")
        connection = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = connection(parts.hostname, parts.port, timeout=ANSWER_WAIT_SECONDS_MAX)

    def twin(self) -> Client:
        """Open another connection to the same ledger with the same key."""
        return Client(self.url, self._key)

    def close(self) -> None:
        """Close the connection; using the client again opens it anew."""
        self._connection.close()

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Answer:
        """Read one address, or raise `ClientError`."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._request("GET", path + query, None, {})

    def items(
        self, path: str, parameters: Mapping[str, str | int], decode: Callable[[bytes], Page[T]]
    ) -> Iterator[T]:
        """Read a list to its end, page by page; `decode` reads one page of it."""
        asked = {"limit": PAGE_ITEMS, **parameters}
        while True:
            page = decode(self.get(path, asked).body)
            yield from page.items
            if page.next is None:
                return
            asked["page"] = page.next

    def put(self, path: str, body: bytes, content_type: str, reason: str) -> Answer:
        """Put what stands at an address, or raise `ClientError`; `reason` is why a person is looked at."""
        headers = {"Content-Type": content_type, **({"Ledger-Reason": reason} if reason else {})}
        return self._request("PUT", path, body, headers)

    def post(self, path: str, body: bytes, content_type: str) -> Answer:
        """Post one body, or raise `ClientError`. Only for what may be sent twice."""
        return self._request("POST", path, body, {"Content-Type": content_type})

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        pause = 0.1
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return self._request_once(method, path, body, headers)
            except ClientError as error:
                if error.status not in STATUSES_TO_RETRY or attempt == ATTEMPTS_MAX:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)
        raise AssertionError("the last attempt raises")

    def _request_once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        headers = {"Authorization": f"Bearer {self._key}", **headers}
        try:
            self._connection.request(method, self._prefix + path, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ClientError(0, "", f"no answer from {self.url}: {error or type(error).__name__}") from error
        if response.status >= 300:
            raise _error_of(response.status, content)
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, content
        )


def _error_of(status: int, content: bytes) -> ClientError:
    try:
        problem = orjson.loads(content)
        return ClientError(status, problem["code"], problem["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ClientError(status, "", f"the answer was {status} {content[:200].decode('utf-8', 'replace')}")


def message(
    type_: str, *, id_: str, source: str, time_: str, data: Mapping[str, object], subject: str | None = None
) -> bytes:
    """Write one message as a CloudEvent in JSON, on one line."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "type": type_,
        "source": source,
        "id": id_,
        "time": time_,
        "data": data,
    }
    if subject is not None:
        event["subject"] = subject
    return orjson.dumps(event)

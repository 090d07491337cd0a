"""Every way in which the ledger says no, on one screen.

A *refusal* is an answer to a message: it is named after the rule that the message breaks, carries the values
that broke it, and records nothing. An *error* is about the ledger's own running (its database, its settings).
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base of everything that the ledger raises on purpose."""


class Refusal(LedgerError):  # noqa: N818 - the word of the domain
    """A message that breaks a rule.

    `code` is stable and named after the rule; `detail` is one sentence with the values in it; `pointer` is
    the JSON pointer of the field at fault (RFC 6901), or "" where no single field is; `values` are the same
    values for programs.
    """

    __slots__ = ("code", "detail", "pointer", "values")

    def __init__(self, code: str, detail: str, *, pointer: str = "", **values: object) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.values = values

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Malformed(Refusal):
    """What was posted is not JSON, not a CloudEvent, or not of the shape that its type asks for."""


class Conflict(Refusal):
    """The idempotency key (`source`, `id`) is taken by a message with other content."""


class Unauthorised(Refusal):
    """The principal may not do this."""


class Unavailable(LedgerError):  # noqa: N818
    """The ledger cannot answer now; the same request may be sent again after `retry_after_seconds`."""

    def __init__(self, detail: str, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class ConfigurationError(LedgerError):
    """The settings, the database or the data folder are not usable; the message says what to do."""


class IntegrityError(LedgerError):
    """What is stored contradicts itself: the log, its tree or a read model was changed from outside."""

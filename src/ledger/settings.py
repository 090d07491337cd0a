"""Every limit of the ledger: its number, its unit in the name, and a sentence.

Each can be set in the environment as `BILLING_LEDGER_<NAME>`: `BILLING_LEDGER_BATCH_MESSAGES_MAX=500`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from ledger.errors import ConfigurationError

PREFIX = "BILLING_LEDGER_"
KIB, MIB, GIB = 2**10, 2**20, 2**30


def _limit(default: float, least: float, most: float, why: str) -> float:
    """Declare a limit: its default, the bounds within which it may be set, and its sentence."""
    chosen: float = field(default=default, metadata={"least": least, "most": most, "why": why})
    return chosen


def _count(default: int, least: int, most: int, why: str) -> int:
    """Declare a limit that is a whole number."""
    chosen: int = field(default=default, metadata={"least": least, "most": most, "why": why})
    return chosen


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The limits in force; `why` of each field's metadata is the sentence that says what it is for."""

    body_bytes_max: int = _count(
        1 * MIB, KIB, 16 * MIB, "The body of one message, or of any request but a batch or a bulk load."
    )
    batch_bytes_max: int = _count(
        16 * MIB, KIB, 256 * MIB, "The body of a batch: it is held in memory as a whole."
    )
    bulk_bytes_max: int = _count(
        1 * GIB, KIB, 64 * GIB, "The body of an NDJSON load: it is read in pieces and never held as a whole."
    )
    line_bytes_max: int = _count(256 * KIB, KIB, 16 * MIB, "One line of an NDJSON load: one message.")
    batch_messages_max: int = _count(
        10_000, 1, 100_000, "Messages in one batch; an atomic one is decided and committed as a whole."
    )
    queue_messages_max: int = _count(
        50_000, 1, 10_000_000, "Messages waiting for the writer; beyond it a post is answered 503."
    )
    key_messages_max: int = _count(
        20_000, 1, 10_000_000, "Messages of one API key that wait for the writer; one more is answered 429."
    )
    group_messages_max: int = _count(
        2_000, 1, 100_000, "Messages that one commit takes: more makes the first of them wait longer."
    )
    write_retry_seconds_max: float = _limit(
        10, 0, 300, "How long the writer tries to reach a lost database before it answers 503."
    )
    cached_events_max: int = _count(
        1_000_000,
        0,
        100_000_000,
        "Events whose states the writer remembers, at up to 0.5 KB each: bounds its memory, not its results.",
    )
    min_position_wait_seconds_max: float = _limit(
        10, 0, 300, "How long a read waits for the position it asks for before it is answered 504."
    )
    key_cache_seconds: float = _limit(
        5, 0, 3_600, "How long an API key is remembered: a revoked one stops working after at most this."
    )
    readers_max: int = _count(
        8, 1, 1_000, "Connections to the database that reads share; a read waits for a free one."
    )
    keys_cached_max: int = _count(10_000, 1, 10_000_000, "API keys remembered, working or not.")
    streams_max: int = _count(1_000, 0, 100_000, "Event streams open at a time; one more is answered 503.")
    stream_heartbeat_seconds: float = _limit(
        15, 0.1, 300, "Silence on an event stream after which it says that it is still there."
    )
    stream_stall_seconds_max: float = _limit(
        60, 0.1, 3_600, "How long the reader of an event stream may take nothing before it is let go."
    )
    ready_lag_events_max: int = _count(
        100_000, 0, 1_000_000_000, "Events a read model may be behind while the service counts as ready."
    )
    keep_alive_seconds: int = _count(75, 0, 3_600, "How long a connection without a request stays open.")
    drain_seconds_max: int = _count(
        30, 0, 3_600, "How long a service that stops waits for the answers under way."
    )
    evidence_bytes_max: int = _count(
        8 * MIB, KIB, 64 * MIB, "One file of evidence: it is held in memory while it is sealed."
    )
    documents_max: int = _count(
        64, 1, 10_000, "Documents being set as PDF or HTML, or waiting to be; one more is answered 503."
    )
    deadline_look_seconds_max: float = _limit(
        60, 0.1, 3_600, "How long the service sleeps at most before it looks for deadlines that have passed."
    )
    idle_poll_seconds: float = _limit(
        1, 0.01, 60, "How often a projector looks for events when no notification came: one may be lost."
    )


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment.

    Raises `ConfigurationError`, naming the variable, for a value that is no number or out of its bounds.
    Other variables with the prefix are not looked at: they belong to other parts.
    """
    chosen: dict[str, float] = {}
    for limit in fields(Settings):
        variable = PREFIX + limit.name.upper()
        if (text := environ.get(variable)) is not None:
            whole = isinstance(limit.default, int) and limit.type == "int"
            chosen[limit.name] = _number(
                variable, text, limit.metadata["least"], limit.metadata["most"], whole=whole
            )
    return Settings(**chosen)  # type: ignore[arg-type]  # _number gave an int wherever an int is wanted


def _number(variable: str, text: str, least: float, most: float, *, whole: bool) -> float:
    kind = "a whole number" if whole else "a number"
    try:
        value = int(text.replace("_", "")) if whole else float(text)
    except ValueError:
        raise ConfigurationError(f"{variable}={text!r} is not {kind}") from None
    if not least <= value <= most:
        raise ConfigurationError(
            f"{variable}={text} must be {kind} from {least:,} to {most:,}".replace(",", "_")
        )
    return value

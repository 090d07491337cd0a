"""Figures for Prometheus: what came in, what was recorded, how long it took, what waits."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)  # fmt: skip

from ledger.log.writer import Committed
from ledger_projections.engine import Cycle

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

POSTING_ROUTE = "/v1/books/{book}/events"
"""The route by which posted messages are counted: they pass no router."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)


class Metrics:
    """The figures of one process. Each method is safe in any thread."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "ledger_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "ledger_http_request_seconds",
            "From request to answer.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._events = Counter(
            "ledger_events_recorded", "Events recorded by this process.", registry=registry
        )
        self._replays = Counter(
            "ledger_messages_replayed", "Messages that were recorded before.", registry=registry
        )
        self._refusals = Counter(
            "ledger_refusals", "Messages and requests refused, by code.", ("code",), registry=registry
        )
        self._commit_messages = Histogram(
            "ledger_commit_messages",
            "Messages judged in one transaction.",
            buckets=_MESSAGES,
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "ledger_commit_seconds",
            "One transaction, from lock to commit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._lag = Gauge(
            "ledger_projection_lag_events", "Events a read model is behind, in the book where it is most.",
            ("read_model",), registry=registry,
        )  # fmt: skip
        self._stopped = Gauge(
            "ledger_projection_stopped_books", "Books in which a read model stands still.",
            ("read_model",), registry=registry,
        )  # fmt: skip
        self._folded = Counter("ledger_events_folded", "Events folded into read models.", registry=registry)
        self._cycle_seconds = Histogram(
            "ledger_fold_seconds", "One cycle of the projector.", buckets=_SECONDS, registry=registry
        )
        self._posts: dict[int, Counter] = {}
        self._post_seconds = self._request_seconds.labels(POSTING_ROUTE)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request: `route` is its pattern, never its address."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def posted(self, status: int, seconds: float) -> None:
        """Count a request that posted messages: like `answered`, without looking labels up each time."""
        posts = self._posts.get(status)
        if posts is None:
            posts = self._posts[status] = self._requests.labels("POST", POSTING_ROUTE, str(status))
        posts.inc()
        self._post_seconds.observe(seconds)

    def committed(self, figures: Committed) -> None:
        """Count a transaction of the writer."""
        self._events.inc(figures.events)
        self._replays.inc(figures.replays)
        self._commit_messages.observe(figures.messages)
        self._commit_seconds.observe(figures.seconds)

    def folded(self, cycle: Cycle) -> None:
        """Count a cycle of the projector."""
        self._folded.inc(cycle.events)
        self._cycle_seconds.observe(cycle.seconds)

    def refused(self, code: str) -> None:
        """Count a refusal."""
        self._refusals.labels(code).inc()

    def standing(self, model: str, lag: int, stopped_books: int) -> None:
        """Note how far a read model is behind, in events, and in how many books it stands still."""
        self._lag.labels(model).set(lag)
        self._stopped.labels(model).set(stopped_books)

    def standing_unknown(self) -> None:
        """Forget how read models stand: a figure of an hour ago would look like good news."""
        self._lag.clear()
        self._stopped.clear()

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Ask for a figure whenever the figures are read."""
        Gauge(name, meaning, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Write all figures in Prometheus' text format."""
        return generate_latest(self._registry)


_METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})

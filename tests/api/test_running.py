"""The service as its operators see it: health, figures, log, and how it stops."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import psycopg
import pytest
from tests.api.command import run
from tests.api.live import NDJSON, SINGLE, Caller, Live, open_book, problem, serving, write
from tests.ledger.asks import charge

from ledger_api.edge import SECURITY_HEADERS

ADDRESSES = (
    "/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems", "/v1/books", "/v1/projections",
    "/v1/books/nowhere", "/nothing",
)  # fmt: skip


def figure(live: Live, line: str) -> float:
    """Read one of the figures, 0 while there is none."""
    for each in live.client().get("/metrics").text.splitlines():
        if each.startswith(f"{line} "):
            return float(each.rpartition(" ")[2])
    return 0.0


def test_a_healthy_service_lives_and_is_ready(live: Live, alice: Caller) -> None:
    alice.read("/customers", min_position=2)
    client = live.client()
    assert client.get("/livez").json() == client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    assert ready["status"] == "ready"
    assert set(ready["checks"].values()) == {"ok"}
    assert {"writer", "projector", "notices", "database", "migrations", "lag"} <= ready["checks"].keys()


def test_every_answer_carries_the_security_headers_and_an_id(client: httpx.Client, alice: Caller) -> None:
    answers = [client.get(address) for address in ADDRESSES]
    posts = [
        alice.post(write(charge("a", 1))),
        alice.post(b"7"),
        alice.post(b"7", NDJSON),
        alice.post(b"", "x"),
    ]
    for answer in answers:
        for name, _ in SECURITY_HEADERS:
            assert len(answer.headers.get_list(name.decode())) == 1, (answer.url, name)
    answers += posts
    for answer in answers:
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert len(answer.headers.get_list("x-request-id")) == 1
        assert "server" not in answer.headers
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("given", "taken"), [("abc-1.2_3", True), ("a" * 64, True), ("a" * 65, False), ("a b", False)]
)
def test_the_caller_s_request_id_is_taken_over_when_it_is_a_plain_word(
    client: httpx.Client, alice: Caller, given: str, *, taken: bool
) -> None:
    headers = {"x-request-id": given, "content-type": SINGLE}
    for answer in (
        client.get("/v1/books", headers=headers),
        client.post(f"{alice.at}/events", content=b"7", headers=headers),
    ):
        assert (answer.headers["x-request-id"] == given) is taken


def test_figures_count_what_happens_and_name_nobody(live: Live, alice: Caller) -> None:
    posts = 'ledger_http_requests_total{method="POST",route="/v1/books/{book}/events",status="201"}'
    before = figure(live, posts), figure(live, "ledger_events_recorded_total")
    conflicts = figure(live, 'ledger_refusals_total{code="charge_exists"}')
    alice.tell(charge("a", 1))
    alice.post(write(charge("a", 1)))
    assert (figure(live, posts), figure(live, "ledger_events_recorded_total")) == (
        before[0] + 1,
        before[1] + 1,
    )
    assert figure(live, 'ledger_refusals_total{code="charge_exists"}') == conflicts + 1
    text = live.client().get("/metrics").text
    assert "alice" not in text
    assert f'"{alice.book}"' not in text
    figures = [line for line in text.splitlines() if not line.startswith("#")]
    wanted = re.compile(r'ledger_[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? [0-9.e+-]+')
    assert [line for line in figures if wanted.fullmatch(line) is None] == []


def test_a_service_that_stops_answers_what_is_under_way(database: str) -> None:
    with serving(database) as service:
        caller = open_book(service, service.client(service.key()[1]))
        caller.tell(("customer.opened", {"currency": "EUR"}))
        answers: list[httpx.Response] = []
        codes: list[int] = []

        def post() -> None:
            answers.append(caller.post(write(charge("a", 1))))

        with psycopg.connect(database) as connection:
            connection.execute("SELECT 1 FROM ledger.head FOR UPDATE")
            posting = threading.Thread(target=post)
            posting.start()
            time.sleep(0.3)
            stopping = threading.Thread(target=lambda: codes.append(service.stop(signal.SIGINT)))
            stopping.start()
            time.sleep(0.3)
        posting.join()
        stopping.join()
        assert [answer.status_code for answer in answers] == [201]
        assert codes == [0]
        assert service.log == b""
        with pytest.raises(httpx.ConnectError):
            service.client().get("/livez")
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT position FROM ledger.head").fetchall() == [(3,)]


def test_a_database_that_goes_away_is_a_503_and_comes_back(database: str) -> None:
    with serving(database, write_retry_seconds_max=0.2, key_cache_seconds=60) as service:
        caller = open_book(service, service.client(service.key()[1]))
        message = write(("customer.opened", {"currency": "EUR"}))
        name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
        other = psycopg.conninfo.make_conninfo(database, dbname="postgres")
        with psycopg.connect(other, autocommit=True) as administration:
            quoted = psycopg.sql.Identifier(str(name))
            allow = psycopg.sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
            administration.execute(allow.format(quoted, psycopg.sql.SQL("false")))
            administration.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            answer = caller.post(message)
            assert problem(answer) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert problem(caller.client.get("/readyz"))[0] == 503
            assert caller.client.get("/livez").status_code == 200
            administration.execute(allow.format(quoted, psycopg.sql.SQL("true")))
        give_up_at = time.monotonic() + 20
        while (answer := caller.post(message)).status_code == 503:
            assert time.monotonic() < give_up_at, answer.text
            time.sleep(0.1)
        assert answer.status_code == 201
        while (found := caller.get("/customers", min_position=2)).status_code == 503:
            assert time.monotonic() < give_up_at, found.text
            time.sleep(0.1)
        assert [each["customer"] for each in found.json()["items"]] == ["alice"]


def test_a_fault_is_logged_without_the_values_of_variables() -> None:
    program = """
from ledger_api import logs
logs.configure()
import structlog, sys
def fail(name): raise RuntimeError("broken")
try: fail(sys.argv[1])
except RuntimeError: structlog.get_logger().exception("failed", api_key_hash="abc", request_id="r-1")
"""
    command = [sys.executable, "-c", program, "Erika Mustermann"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "RuntimeError: broken" in done.stderr
    assert '"request_id": "r-1"' in done.stderr
    assert "Mustermann" not in done.stderr
    assert '"abc"' not in done.stderr


def test_an_address_that_is_taken_is_told_and_not_usable(live: Live, database: str) -> None:
    port = live.url.rpartition(":")[2]
    done = run(database, "serve", "--port", port)
    assert done.code == 4
    assert f"cannot listen on 127.0.0.1:{port}" in done.err

"""Every refusal becomes a problem, with a status from the one table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest

from ledger.errors import Conflict, Malformed, Refusal, Unauthorised, Unavailable
from ledger_api.problems import NotFound, problem_body, problem_headers


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Malformed("type_unknown", "no"), 400),
        (Unauthorised("key_missing", "no"), 401),
        (Unauthorised("key_unknown", "no"), 401),
        (Unauthorised("scope_missing", "no"), 403),
        (Unauthorised("source_not_allowed", "no"), 403),
        (NotFound("invoice_unknown", "no"), 404),
        (Conflict("key_conflict", "no"), 409),
        (Malformed("body_too_large", "no"), 413),
        (Malformed("media_type_unsupported", "no"), 415),
        (Refusal("invoice_unknown", "no"), 422),
        (Unavailable("no"), 503),
        (Refusal("position_not_reached", "no"), 504),
    ],
)
def test_a_refusal_has_the_status_of_its_code_or_its_class(error: Refusal | Unavailable, status: int) -> None:
    answered, body = problem_body(error, "r-1")
    problem = orjson.loads(body)
    assert answered == status == problem["status"]
    assert problem["request_id"] == "r-1"
    assert problem["type"] == f"/problems#{problem['code']}"


def test_a_problem_tells_rule_field_and_values() -> None:
    refusal = Refusal(
        "currency_mismatch", "invoice INV-7 is EUR, payment is USD", pointer="/data/currency", invoice="INV-7"
    )
    assert orjson.loads(problem_body(refusal, "r")[1]) == {
        "type": "/problems#currency_mismatch",
        "title": "Currency mismatch",
        "status": 422,
        "detail": "invoice INV-7 is EUR, payment is USD",
        "code": "currency_mismatch",
        "pointer": "/data/currency",
        "values": {"invoice": "INV-7"},
        "request_id": "r",
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**64, str(2**64)),
        (-(2**53), str(-(2**53))),
        (12, 12),
        (True, True),
        (None, None),
        (Decimal("0.10"), "0.10"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        ("\ud800", "?"),
        ("x" * 500, "x" * 199 + "…"),
        ({"a": [1, {2**70}]}, {"a": [1, [str(2**70)]]}),
    ],
)
def test_any_value_can_be_told(value: object, written: object) -> None:
    body = problem_body(Refusal("code", "detail \udfff", value=value), "r")[1]
    assert orjson.loads(body)["values"] == {"value": written}


def test_who_may_come_again_is_told_when() -> None:
    assert problem_headers(Unavailable("busy", retry_after_seconds=7)) == {"Retry-After": "7"}
    assert problem_headers(Unauthorised("key_missing", "no")) == {"WWW-Authenticate": 'Bearer realm="ledger"'}
    assert problem_headers(Refusal("invoice_void", "no")) == {}

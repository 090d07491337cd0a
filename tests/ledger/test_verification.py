"""Verification of callers: how each attempt went is recorded, and too many failures lock, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.ledger.asks import arrive, end, note, send_code, verification_policy, verify
from tests.ledger.table import rows, untaxed
from tests.ledger.world import Ask, World

from ledger.errors import Refusal
from ledger.verification import SOURCE

POLICY = verification_policy("password", "call_back", within_minutes=60, valid_minutes=30)


def tell(world: World, ask: Ask, source: str = SOURCE) -> list[str]:
    """Post as the address of verifications does; says what was recorded or why not."""
    world.now += timedelta(minutes=1)
    try:
        events = world.take(world.read(ask)._replace(source=source))
    except Refusal as refusal:
        return [f"! {refusal.code} {refusal.pointer}".strip()]
    return [event.type for event in events]


@rows(
    ("passed", [POLICY], verify("passed"), ["caller.verified"]),
    ("failed", [POLICY], verify("failed"), ["caller.verified"]),
    ("in a contact", [POLICY, arrive("k1")], verify("passed", "k1"), ["caller.verified"]),
    ("only one that there is", [POLICY], verify("passed", "k1"), ["! contact_unknown /data/contact"]),
    ("and that goes on", [POLICY, arrive("k1"), end("k1", "abandoned")], verify("passed", "k1"), ["! contact_ended /data/contact"]),
    ("by a method of the policy", [POLICY], verify("passed", method="document_number"), ["! method_not_agreed /data/method"]),
    ("by none without a policy", [], verify("passed"), ["! method_not_agreed /data/method"]),
    ("never by what anybody may know", [], verify("passed", method="biographical"), ["! choice_unknown /data/method"]),
    ("no policy allows that", [], verification_policy("password", "biographical"), ["! choice_unknown /data/verification/methods/1"]),
    ("locked after so many failures", [POLICY, *3 * [verify("failed")]], verify("failed"), ["! verification_locked"]),
    ("whatever is said", [POLICY, *3 * [verify("failed")]], verify("passed"), ["! verification_locked"]),
    ("by whatever method", [POLICY, *3 * [verify("failed")]], verify("passed", method="call_back"), ["! verification_locked"]),
    ("in whatever contact", [POLICY, arrive("k1"), arrive("k2"), *3 * [verify("failed", "k1")]], verify("failed", "k2"), ["! verification_locked"]),
    ("not before", [POLICY, *2 * [verify("failed")]], verify("failed"), ["caller.verified"]),
    ("what passed does not count", [POLICY, *5 * [verify("passed")]], verify("passed"), ["caller.verified"]),
    ("nor does it make up for a failure", [POLICY, *2 * [verify("failed")], verify("passed"), verify("failed")], verify("passed"), ["! verification_locked"]),
    ("a code is sent", [verification_policy()], send_code(), ["verification.started"]),
    ("not where codes are no method", [POLICY], send_code(), ["! method_not_agreed /data/method"]),
    ("nor while locked", [verification_policy(), *3 * [verify("failed")]], send_code(), ["! verification_locked"]),
    ("and not any number of them", [verification_policy(), *3 * [send_code()]], send_code(), ["! code_limit"]),
)  # fmt: skip
def test_an_attempt(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    world = untaxed()
    for ask in given:
        assert not tell(world, ask)[0].startswith("!")
    assert tell(world, when) == then


def test_nobody_says_how_an_attempt_went_but_the_ledger() -> None:
    world = untaxed()
    world.post(POLICY)
    for ask in (verify("passed"), send_code()):
        assert tell(world, ask, "ivr") == ["! type_reserved /type"]


def test_the_window_is_by_the_ledger_s_clock_and_moves() -> None:
    world = untaxed()
    tell(world, POLICY)
    for _ in range(3):
        tell(world, verify("failed"))
        world.now += timedelta(minutes=9)
    first = world.events[-3].recordedtime
    world.now = first + timedelta(minutes=58)
    assert tell(world, verify("passed")) == ["! verification_locked"]
    # A minute later the first failure is as old as the window; no date in a message changes that.
    assert tell(world, verify("failed")) == ["caller.verified"]
    assert tell(world, verify("passed")) == ["! verification_locked"]


def test_without_a_contact_it_stands_for_as_long_as_the_policy_says() -> None:
    world = untaxed()
    for ask in (POLICY, arrive("k1"), verify("passed"), verify("passed", "k1"), verify("failed")):
        tell(world, ask)
    alone, in_contact, failed = (event.data for event in world.events[-3:])
    recorded = world.events[-3].recordedtime
    assert getattr(alone, "valid_until") == recorded + timedelta(minutes=30)  # noqa: B009 - of any data
    assert getattr(in_contact, "valid_until") is None  # noqa: B009
    assert getattr(failed, "valid_until") is None  # noqa: B009


def test_a_note_is_added_once() -> None:
    world = untaxed()
    assert tell(world, note("n1"), "crm") == ["note.added"]
    assert tell(world, note("n1", "b"), "crm") == ["! note_exists /data/note"]
    assert tell(world, ("note.added", {"note": "n2", "sha256": "AB"}), "crm") == [
        "! text_not_allowed /data/sha256"
    ]


@pytest.mark.parametrize("minutes", [0, 1441])
def test_windows_are_bounded(minutes: int) -> None:
    assert tell(untaxed(), verification_policy(within_minutes=minutes)) == [
        "! number_out_of_range /data/verification/within_minutes"
    ]

"""What a verification says: each check, what it compared, how much, and what it found wrong."""

from __future__ import annotations

from typing import Literal

import msgspec

LeftOut = Literal["not compared", "not given"]
"""Why a check was not made. `not compared`: it could not be, so that nothing is known. `not given`: whoever
verifies gave nothing to compare with, and knows it."""
Result = Literal["passed", "wrong"] | LeftOut
"""How a check came out."""

Verdict = Literal["passed", "wrong", "not compared"]
"""What all checks come to."""

FINDINGS_MAX = 100
"""Findings that one check names; it counts the others."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, in one sentence with both values in it, and the position if there is one."""

    said: str
    position: int | None = None


class Check(msgspec.Struct, frozen=True):
    """One check: `compared` says what with what, `count` how many `unit` it looked at.

    `findings` are the first ones by position, `found` counts all of them. `left_out` says how it came out
    where nothing was compared, and `compared` then why.
    """

    name: str
    compared: str
    count: int
    unit: str
    seconds: float
    findings: list[Finding]
    found: int
    left_out: LeftOut | None = None

    @property
    def result(self) -> Result:
        """How it came out."""
        return "wrong" if self.found else self.left_out or "passed"

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong, and all was compared that there was to compare with."""
        return self.result in ("passed", "not given")

    @property
    def said(self) -> str:
        """How it came out, for people: how much is wrong."""
        return f"{self.found:,} wrong" if self.found else self.result

    @property
    def first_position(self) -> int | None:
        """The first position at which something is wrong, where findings have one."""
        return min((each.position for each in self.findings if each.position is not None), default=None)


def left_out(name: str, why: str, unit: str, result: LeftOut = "not compared") -> Check:
    """Say of a check that it was not made, and why: that it found nothing says nothing."""
    return Check(name, f"nothing: {why}", 0, unit, 0, [], 0, result)


class Part(msgspec.Struct, frozen=True):
    """What one range contributes to a check."""

    count: int
    findings: list[Finding]
    found: int


def part(count: int, findings: list[Finding]) -> Part:
    """Keep the first findings, and how many there are."""
    return Part(count, findings[:FINDINGS_MAX], len(findings))


def check(name: str, compared: str, unit: str, seconds: float, parts: list[Part]) -> Check:
    """Put the parts of one check together, in order of position."""
    findings = sorted(
        (finding for each in parts for finding in each.findings),
        key=lambda finding: (finding.position is None, finding.position or 0),
    )
    return Check(
        name, compared, sum(each.count for each in parts), unit, seconds, findings[:FINDINGS_MAX],
        sum(each.found for each in parts),
    )  # fmt: skip

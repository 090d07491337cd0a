"""What a verification says: each check, what it compared, how much, and what it found wrong."""

from __future__ import annotations

import msgspec

FINDINGS_MAX = 100
"""Findings that one check names; it counts the others."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, in one sentence with both values in it, and the position if there is one."""

    said: str
    position: int | None = None


class Check(msgspec.Struct, frozen=True):
    """One check: `compared` says what with what, `count` how many `unit` it looked at.

    `findings` are the first ones by position, `found` counts all of them.
    """

    name: str
    compared: str
    count: int
    unit: str
    seconds: float
    findings: list[Finding]
    found: int

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0

    @property
    def first_position(self) -> int | None:
        """The first position at which something is wrong, where findings have one."""
        return min((each.position for each in self.findings if each.position is not None), default=None)


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

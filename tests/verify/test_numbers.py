"""Numbers that are held to their series range by range are held as they would be all at once."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ledger import invariants
from ledger.verify.findings import FINDINGS_MAX
from ledger.verify.numbers import Numbered, Taking, put_together

NUMBERS = st.lists(st.tuples(st.sampled_from(["invoice", "credit_note"]), st.integers(1, 4)), max_size=12)


def states(numbers: list[tuple[str, int]]) -> list[bytes]:
    """Give the bytes of events that take these numbers."""
    return [
        msgspec.json.encode({"position": at, "data": {"series": series, "sequence": sequence}})
        for at, (series, sequence) in enumerate(numbers, start=1)
    ]


@given(NUMBERS, st.lists(st.integers(0, 12), max_size=3))
def test_ranges_find_what_the_whole_does(numbers: list[tuple[str, int]], cuts: list[int]) -> None:
    events = states(numbers)
    ranges = []
    for begin, end in pairwise([0, *sorted(cuts), len(events)]):
        taking = Taking()
        for state in events[begin:end]:
            taking.take(state)
        ranges.append(taking.finish())
    found = put_together(ranges)
    whole = [msgspec.json.decode(state, type=Numbered) for state in events]
    expected = [f"numbers_have_no_gaps: {said}" for said in invariants.numbers_have_no_gaps(whole)]
    assert sorted(finding.said for finding in found.findings) == sorted(expected)
    assert (found.count, found.found) == (len(events), len(expected))


def test_more_gaps_than_are_named_are_counted() -> None:
    ranges = []
    for begin in (0, 150):
        taking = Taking()
        for state in states([("invoice", 2 * number) for number in range(300)])[begin : begin + 150]:
            taking.take(state)
        ranges.append(taking.finish())
    found = put_together(ranges)
    assert (found.count, len(found.findings), found.found) == (300, FINDINGS_MAX, 300)


def test_a_number_that_cannot_be_read_is_named_and_missed() -> None:
    first, second, third = states([("invoice", 1), ("invoice", 2), ("invoice", 3)])
    taking = Taking()
    for state in (first, second.replace(b'"sequence":2', b'"sequence":"2"'), third):
        taking.take(state)
    unread, missed = put_together([taking.finish()]).findings
    assert unread.said.startswith(
        "an event that takes a number cannot be read: Expected `int | null`, got `str`"
    )
    assert missed.said == "numbers_have_no_gaps: position 3 takes invoice 3 after 1"

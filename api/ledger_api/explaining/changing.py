"""What changed since the invoice before, told in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ledger_api.shapes.explain import Cause, CauseKind, Change, Changes
from ledger_api.tongue import Tongue


def tell_changes(tongue: Tongue, changes: Changes | None, currency: str) -> Iterator[tuple[str, str]]:
    """Tell by how much the total differs, and each part of that with its reasons."""
    if changes is None:
        yield "/changes", tongue.say("first")
        return
    yield (
        "/changes",
        tongue.say(
            _direction(changes.amount),
            amount=tongue.money(abs(changes.amount), currency),
            invoice=changes.invoice,
            day=tongue.day(changes.issued_on),
        ),
    )
    for place, part in enumerate(changes.parts):
        for text in _part(tongue, part, currency):
            yield f"/changes/parts/{place}", text


def _direction(amount: int) -> str:
    return "more" if amount > 0 else "less" if amount < 0 else "same"


def _part(tongue: Tongue, part: Change, currency: str) -> Iterator[str]:
    what = part.description or part.name
    yield tongue.say(
        _key(part),
        what=what[:1].upper() + what[1:],
        discount=part.name,
        category=part.name,
        amount=tongue.money(abs(part.amount), currency),
        before=tongue.money(abs(part.before), currency),
        after=tongue.money(abs(part.after), currency),
    )
    for reason in part.because:
        if reason == "amounts":
            # Of charges, those that make it up say it all.
            if part.kind in ("discount", "tax"):
                yield tongue.say(f"because_amounts_{part.kind}")
        elif reason != "rate":
            yield tongue.say(f"because_{reason}")
        elif part.rate_before is None or part.rate_after is None:
            yield tongue.say("because_rates")
        else:
            before, after = tongue.percent(part.rate_before), tongue.percent(part.rate_after)
            yield tongue.say("because_rate", before=before, after=after)
    for kind, causes in groupby(part.causes, key=lambda each: each.kind):
        yield from _causes(tongue, kind, list(causes))


def _causes(tongue: Tongue, kind: CauseKind, causes: list[Cause]) -> Iterator[str]:
    """Tell each cause with its event; of many charges only how many, and which are the first and the last."""
    if kind in ("posted", "billed") and len(causes) > 1:
        days, positions = [each.day for each in causes], [each.position for each in causes]
        yield tongue.say(
            f"cause_{kind}_several", count=tongue.number(str(len(causes))), first=tongue.day(min(days)),
            last=tongue.day(max(days)), invoice=causes[0].invoice or "",
        )  # fmt: skip
        yield tongue.say("events", first=str(min(positions)), last=str(max(positions)))
        return
    for cause in causes:
        yield tongue.say(f"cause_{kind}", day=tongue.day(cause.day), invoice=cause.invoice or "")
        yield tongue.say(
            "event", position=str(cause.position), who=cause.principal, day=tongue.day(cause.occurred_at)
        )


def _key(part: Change) -> str:
    if part.kind == "tax":
        return f"tax_{_direction(part.amount)}"
    if part.change != "changed":
        return f"{part.kind}_{part.change}"
    kind = "discount" if part.kind == "discount" else "changed"
    return f"{kind}_{_direction(part.amount)}"

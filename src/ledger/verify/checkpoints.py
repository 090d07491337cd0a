"""Checkpoints: those signed here, those kept elsewhere, and what witnesses signed of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from ledger.tlog.checkpoint import Checkpoint, cosignatures, read_checkpoint
from ledger.tlog.note import (
    ED25519,
    BadNote,
    Note,
    Verifier,
    read_lines,
    read_note,
    read_verifier,
    verify_note,
)
from ledger.verify.findings import Check, Finding, check, left_out, part
from ledger.verify.leaves import SQL, Connection, Tree
from ledger.verify.notes import Subject


class Signed(NamedTuple):
    """What was signed, as it is stored: the columns beside the note repeat what it says."""

    size: int
    root: bytes
    key: bytes
    note: str


def read_signed(connection: Connection, subject: Subject) -> list[Signed]:
    """Read what was signed, up to the position that is verified."""
    rows_ = connection.execute(SQL["checkpoints"], subject.values, binary=True)
    return [Signed(size, bytes(root), bytes(key), str(note)) for size, root, key, note in rows_]


def last_size(signed: Sequence[Signed], subject: Subject) -> int:
    """Tell the last size that was signed and is there to be compared."""
    return max((each.size for each in signed if each.size <= subject.position), default=0)


def check_signed(signed: Sequence[Signed], tree: Tree) -> Check:
    """Hold each to its signature, to the columns beside it, and to the tree."""
    findings = []
    for size, root, key, raw in signed:
        try:
            note = read_note(raw.encode())
            checkpoint = read_checkpoint(note.text)
            verify_note(note, [Verifier(checkpoint.origin, ED25519, key)])
        except BadNote as error:
            findings.append(Finding(f"the checkpoint at {size} does not hold: {error}"))
            continue
        if (checkpoint.size, checkpoint.root) != (size, root):
            said = f"the checkpoint at {size} with the root {root.hex()} is signed for "
            findings.append(Finding(f"{said}{checkpoint.size} and {checkpoint.root.hex()}"))
        findings += _against(checkpoint, tree, "the checkpoint signed")
    compared = "signature, size and root of each checkpoint with the stored bytes"
    return check("checkpoints", compared, "checkpoints", 0, [part(len(signed), findings)])


def check_cosigned(connection: Connection, subject: Subject) -> Check:
    """Hold each cosignature to the key of its witness, and its time: it is handed out with the checkpoint."""
    rows = connection.execute(SQL["cosignatures"], subject.values).fetchall()
    findings = []
    for size, ends, witness, line, note, *times in rows:
        what = f"the cosignature at {size} of {witness.partition('+')[0]}"
        if size > ends:
            findings.append(Finding(f"{what} is behind the end of the log at {ends}", ends + 1))
        elif said := _amiss(note, line, witness, *times):
            findings.append(Finding(f"{what} {said}"))
    compared = "the signature of each witness with its key and the checkpoint, and its time with the clock"
    return check("cosignatures", compared, "cosignatures", 0, [part(len(rows), findings)])


def _amiss(
    note: str | None, line: str, witness: str, seen: float, signed_first: float, now: float
) -> str | None:
    """Say what is wrong with a cosignature, beside a checkpoint that was signed first at a time."""
    if note is None:
        return "does not hold"
    try:
        signed = Note(read_note(note.encode()).text, tuple(read_lines(line)))
        found = cosignatures(signed, [read_verifier(witness)])
    except BadNote:
        found = []
    if not found:
        return "does not hold"
    says = _instant(found[0].seconds)
    if found[0].seconds != seen:
        return f"is stored as of {_instant(seen)}, it says {says}"
    untimely = found[0].untimely(signed_first, now)
    if untimely == "early":
        return f"is of {says}, before there was the checkpoint, from {_instant(signed_first)} on"
    return None if untimely is None else f"is of {says}, which is still to come"


def _instant(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"second {seconds:.0f}"


def check_outside(outside: Sequence[Checkpoint], tree: Tree) -> Check:
    """Hold the tree to checkpoints that were kept elsewhere; without any it says so, and passes nothing."""
    if not outside:
        none = "no checkpoint that was kept outside was given"
        return left_out("outside", none, "checkpoints", "not given")
    findings = [said for each in outside for said in _against(each, tree, "the checkpoint kept outside")]
    compared = "the root of each checkpoint kept outside with the stored bytes"
    return check("outside", compared, "checkpoints", 0, [part(len(outside), findings)])


def _against(checkpoint: Checkpoint, tree: Tree, what: str) -> Iterator[Finding]:
    root = tree.roots.get(checkpoint.size)
    if checkpoint.size > tree.size:
        yield Finding(
            f"{what} at {checkpoint.size} is behind the end of the log at {tree.size}", tree.size + 1
        )
    elif root != checkpoint.root:
        computed = "" if root is None else root.hex()
        signed = checkpoint.root.hex()
        yield Finding(
            f"{what} at {checkpoint.size} has the root {signed}, the stored bytes come to {computed}"
        )

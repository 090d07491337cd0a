"""An exported log in an empty book again: the same rows and root, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.api.command import run
from tests.conftest import Fresh
from tests.ledger import asks
from tests.ledger.world import World
from tests.log.posting import opening, post, read_log, writer
from tests.projections.histories import post_lives

from ledger.database import connect
from ledger.decider import read_event
from ledger.errors import ConfigurationError, IntegrityError
from ledger.event import Event, encode_canonical
from ledger.log import merkle
from ledger.log.importing import Imported, import_log
from ledger.message import Message
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.note import Signer
from ledger.tlog.signing import origin_of
from ledger.verify.book import verify_book

BOOK = "book"


def told() -> World:
    """A small history: seven events, the last two of one decision."""
    world = World()
    world.post(("customer.opened", {"currency": "EUR"}))
    world.post(asks.charge("a", 1000))
    world.post(asks.charge("b", 500))
    world.post(asks.issue())
    world.post(asks.pay("p", 700))
    assert [event.decisionsize for event in world.events] == [1, 1, 1, 1, 1, 2, 2]
    return world


def lines_of(events: list[Event]) -> list[bytes]:
    return [encode_canonical(event) + b"\n" for event in events]


def bring(database: str, lines: list[bytes], *outside: Checkpoint) -> Imported:
    with connect(database, autocommit=False) as connection:
        return import_log(connection, BOOK, lines, outside)


def root_of(lines: list[bytes]) -> bytes:
    return merkle.root(merkle.extend([], 0, (merkle.leaf_hash(line[:-1]) for line in lines)))


def test_what_is_exported_and_imported_is_the_same_log(
    database: str, fresh_database: Fresh, tmp_path: Path
) -> None:
    with writer(database) as works:
        post_lives(works, "main", 6)
    before = read_log(database, "main")
    file = tmp_path / "main.ndjson"
    exported = orjson.loads(run(database, "export", "--book", "main", file, "--json").out)
    with fresh_database() as other:
        ran = run(other, "import", "--log", file, "--book", "main", "--json")
        assert ran.code == 0, ran.err
        assert orjson.loads(ran.out) == {
            "book": "main", "events": before.head.position, "root": exported["root"], "checkpoints": [],
            "signatures_checked": False,
        }  # fmt: skip
        assert read_log(other, "main") == before
        assert verify_book(other, "main", processes=1).passed
        again = run(other, "export", "--book", "main")
        assert again.out == file.read_bytes()
        assert exported["root"] in again.err


def test_the_writer_goes_on_where_an_imported_log_ends(database: str) -> None:
    lines = lines_of(told().events)
    bring(database, lines)
    with writer(database) as works:
        assert post(works, *opening()[:1])  # another book beside it
        (outcome,) = works.submit(BOOK, [_charge("c")]).result(60)
    assert not isinstance(outcome, Exception)
    assert [event.position for event in outcome.events] == [8]
    assert read_log(database, BOOK).head.position == 8


def _charge(name: str) -> Message:
    world = World()
    return world.read(asks.charge(name, 5), key=name)


def test_a_used_book_takes_no_log_in(database: str) -> None:
    lines = lines_of(told().events)
    assert bring(database, lines) == Imported(7, root_of(lines))
    with pytest.raises(ConfigurationError, match="the book book has 7 events"):
        bring(database, lines)


def changed(event: Event, **fields: object) -> bytes:
    return encode_canonical(msgspec.structs.replace(event, **fields)) + b"\n"


Change = Callable[[list[Event], list[bytes]], list[bytes]]
WRONG: dict[str, tuple[Change, str]] = {
    "nothing": (lambda _, lines: lines[:0], "there are no lines"),
    "a line is missing": (lambda _, lines: [*lines[:2], *lines[3:]], "line 3 holds position 4"),
    "a line is there twice": (lambda _, lines: [*lines[:3], *lines[2:]], "line 4 holds position 3"),
    "lines changed places": (lambda _, lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 2 holds position 3"),
    "the first is missing": (lambda _, lines: lines[1:], "line 1 holds position 2"),
    "a decision is cut off": (lambda _, lines: lines[:6], "the decision at position 6 has 2 events, the lines end at 6"),
    "a line is cut off": (lambda _, lines: [*lines[:6], lines[6][:-1]], "line 7 has no end"),
    "half a line": (lambda _, lines: [*lines[:6], lines[6][:30] + b"\n"], "line 7 is no event that was recorded"),
    "an empty line": (lambda _, lines: [*lines[:2], b"\n", *lines[2:]], "line 3 is no event that was recorded"),
    "other line ends": (lambda _, lines: [line[:-1] + b"\r\n" for line in lines], "line 1 is not as it was recorded"),
    "white space": (lambda _, lines: [*lines[:2], lines[2].replace(b":", b": ", 1), *lines[3:]], "line 3 is not as it was recorded"),
    "another order of keys": (lambda _, lines: [*lines[:2], _turned(lines[2]), *lines[3:]], "line 3 is not as it was recorded"),
    "a default spelled out": (lambda _, lines: [*lines[:2], lines[2].replace(b'"net":1000', b'"net":1000,"quantity":null'), *lines[3:]], "line 3 is not as it was recorded"),
    "a field that there is not": (lambda _, lines: [*lines[:2], lines[2].replace(b'"data":{', b'"data":{"a":1,'), *lines[3:]], "line 3 is no event that was recorded"),
    "a type that there is not": (lambda _, lines: [*lines[:2], lines[2].replace(b"charge.posted", b"charge.invented"), *lines[3:]], "holds an event of unknown type charge.invented"),
    "another book": (lambda events, lines: [*lines[:2], changed(events[2], book="other"), *lines[3:]], "line 3 is of the book other, not of book"),
    "a version left out": (lambda events, lines: [*lines[:6], changed(events[6], version=7)], "line 7: stream customer/alice has 6 events and versions up to 7"),
    "a version that cannot be": (lambda events, lines: [*lines[:6], changed(events[6], version=2**70)], "line 7 "),
    "a version taken": (lambda events, lines: [*lines[:6], changed(events[6], version=2)], "the log does not take the lines in"),
    "versions that changed places": (lambda events, lines: [*lines[:2], changed(events[2], version=3), changed(events[3], version=2), *lines[4:]], "line 3: stream customer/alice has 6 events and versions up to 6"),
    "a key taken": (lambda events, lines: [*lines[:3], changed(events[3], id=events[2].id), *lines[4:]], "the log does not take the lines in"),
    "another cause": (lambda events, lines: [*lines[:6], changed(events[6], causation=5)], "line 7 does not belong to the 2 events of position 6"),
    "another customer within a decision": (lambda events, lines: [*lines[:6], changed(events[6], subject="bob")], "line 7 does not belong to the 2 events of position 6"),
    "another size within a decision": (lambda events, lines: [*lines[:6], changed(events[6], decisionsize=3)], "line 7 does not belong to the 2 events of position 6"),
    "another source within a decision": (lambda events, lines: [*lines[:6], changed(events[6], source="test")], "line 7 does not belong to the 2 events of position 6"),
    "another key within a decision": (lambda events, lines: [*lines[:6], changed(events[6], id="8")], "line 7 does not belong to the 2 events of position 6"),
    "a decision of no events": (lambda events, lines: [*lines[:4], changed(events[4], decisionsize=0), *lines[5:]], "line 5 names position 5 as its cause"),
    "a cause of its own": (lambda events, lines: [*lines[:5], changed(events[5], causation=5), lines[6]], "line 6 names position 5 as its cause"),
    "recorded before": (lambda events, lines: [*lines[:4], changed(events[4], recordedtime=events[4].recordedtime - timedelta(days=1)), *lines[5:]], "line 5 was recorded"),
    "recorded without a zone": (lambda events, lines: [*lines[:4], changed(events[4], recordedtime=events[4].recordedtime.replace(tzinfo=None)), *lines[5:]], "line 5 is no event that was recorded"),
    "recorded in the future": (lambda events, lines: [*lines[:5], *(changed(event, recordedtime=event.recordedtime + timedelta(days=36_500)) for event in events[5:])], "line 6 was recorded 2125-"),
    "recorded in an hour": (lambda events, lines: [*lines[:4], changed(events[4], recordedtime=datetime.now(UTC) + timedelta(hours=1))], "in the future"),
    "never opened": (lambda events, lines: [changed(events[1], position=1, causation=1), *lines[1:]], "line 1 is customer.opened: a log begins with book.opened"),
    "opened twice": (lambda events, lines: [*lines, changed(events[0], position=8, causation=8, version=2, recordedtime=events[6].recordedtime)], "line 8 is book.opened"),
    "a character that PostgreSQL has not": (lambda events, lines: [*lines[:2], changed(events[2], id="a\0"), *lines[3:]], "the log does not take the lines in"),
}  # fmt: skip


def _turned(line: bytes) -> bytes:
    fields = orjson.loads(line)
    return orjson.dumps(dict(reversed(fields.items()))) + b"\n"


def test_lines_that_are_no_log_are_refused_and_nothing_is_kept(database: str) -> None:
    events = told().events
    lines = lines_of(events)
    found = {}
    for name, (change, _) in WRONG.items():
        with pytest.raises(IntegrityError) as refused:
            bring(database, change(events, lines))
        found[name] = str(refused.value)
    assert {name: said in found[name] for name, (_, said) in WRONG.items()} == dict.fromkeys(WRONG, True), (
        found
    )
    assert bring(database, lines).events == 7, "the book is still empty, and takes the true lines"


def test_an_amount_changed_with_care_shows_by_a_checkpoint_alone(
    database: str, fresh_database: Fresh
) -> None:
    lines = lines_of(told().events)
    kept = [Checkpoint("log", 4, root_of(lines[:4])), Checkpoint("log", 7, root_of(lines))]
    forged = [line.replace(b'"net":1000', b'"net":1001') for line in lines]
    assert read_event(forged[2][:-1])
    with pytest.raises(IntegrityError, match="the checkpoint at 4 has the root"):
        bring(database, forged, *kept)
    with pytest.raises(IntegrityError, match="the checkpoint at 9 is behind the last line, 7"):
        bring(database, lines, Checkpoint("log", 9, bytes(32)))
    assert bring(database, lines, *kept).root == root_of(lines)
    twice = [Checkpoint("log", 4, root) for root in (root_of(lines[:4]), root_of(forged[:4]))]
    for outside in (twice, twice[::-1]):
        with (
            fresh_database() as other,
            pytest.raises(IntegrityError, match="the checkpoint at 4 has the root"),
        ):
            bring(other, lines, *outside)
    with fresh_database() as other:
        assert bring(other, forged).root != root_of(lines)


def test_what_verifying_calls_wrong_is_refused_before_anything_is_stored(
    database: str, tmp_path: Path
) -> None:
    lines = lines_of(told().events)
    file = tmp_path / "log.ndjson"
    for place, true, false, said in (
        (4, b'"net":1500', b'"net":1501', "the postings of invoice.issued at position 5 sum to -1"),
        (6, b'"amount":700', b'"amount":700000', "INV-1 has -698500 receivable and 0 disputed"),
    ):
        forged = lines[place].replace(true, false)
        assert forged != lines[place]
        file.write_bytes(b"".join([*lines[:place], forged, *lines[place + 1 :]]))
        assert run(database, "verify", "--offline", file).code == 5
        for given in (file, "-"):
            ran = run(database, "import", "--log", given, "--book", BOOK, given=file.read_bytes())
            assert ran.code == 5, ran.err
            assert said in ran.err.splitlines()[-1]
    with connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.head").fetchone() == (0,)
    assert run(database, "import", "--log", "-", "--book", BOOK, given=b"".join(lines)).code == 0
    again = run(database, "import", "--log", file, "--book", BOOK)
    assert (again.code, "the book book has 7 events" in again.err) == (4, True), "told before all else"


KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEPT = "held to no checkpoint: only one kept elsewhere tells whether this is the log that was signed"


@pytest.mark.parametrize(
    ("sizes", "signed", "said"),
    [
        ((), False, [KEPT]),
        ((0,), True, [KEPT]),
        ((7,), True, ["extends the checkpoint at 7 (signed by a key given)"]),
        ((7,), False, ["extends the checkpoint at 7 (its signature not checked: no --public-key)"]),
        ((3, 5), True, ["extends the checkpoint at 3 (signed by a key given)", "extends the checkpoint at 5 (signed by a key given)", "held to no checkpoint behind position 5"]),
    ],
)  # fmt: skip
def test_an_import_says_what_it_checked_and_no_more(
    database: str, tmp_path: Path, sizes: tuple[int, ...], said: list[str], *, signed: bool
) -> None:
    root = {}
    for book in ("shown", "json"):
        lines = lines_of([msgspec.structs.replace(event, book=book) for event in told().events])
        root[book] = root_of(lines).hex()
        (tmp_path / book).write_bytes(b"".join(lines))
        for size in sizes:
            origin = origin_of("ledger", book)
            note = Checkpoint(origin, size, root_of(lines[:size])).sign(Signer(origin, KEY))
            (tmp_path / f"{book}.{size}").write_text(str(note), encoding="utf-8")

    def imported(book: str, *more: str) -> bytes:
        kept = [word for size in sizes for word in ("--checkpoint", str(tmp_path / f"{book}.{size}"))]
        verifier = Signer(origin_of("ledger", book), KEY).verifier
        key = ("--public-key", str(verifier)) if signed else ()
        ran = run(database, "import", "--log", tmp_path / book, "--book", book, *kept, *key, *more)
        assert ran.code == 0, ran.err
        return ran.out

    assert imported("shown").decode().splitlines() == [
        "7 events of shown, each line in canonical form and next to the one before it",
        f"root {root['shown']}",
        *said,
    ]
    assert orjson.loads(imported("json", "--json")) == {
        "book": "json", "events": 7, "root": root["json"], "checkpoints": [size for size in sizes if size],
        "signatures_checked": signed and any(sizes),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--log", "--mapping", "m.toml"), "have no meaning with --log"),
        (("--log", "two.ndjson"), "--log takes one file"),
        (("--log",), "there is no file log.ndjson"),
        (("--public-key", "x"), "give --log too"),
    ],
)
def test_what_does_not_go_together_is_said(database: str, arguments: tuple[str, ...], said: str) -> None:
    ran = run(database, "import", "log.ndjson", *arguments, "--book", "b")
    assert ran.code == 4
    assert said in ran.err

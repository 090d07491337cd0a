"""What is written in one turn of the event loop is sent at its end, whatever becomes of one connection."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from ledger_api import sending
from ledger_api.sending import Gathered, Turn


class Wire(asyncio.Transport):
    """A connection that notes what is sent, and complains like a real one when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            raise RuntimeError("the handle is closed")
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


async def turn() -> None:
    """Let the event loop go on to its next turn."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_head_and_body_of_every_answer_leave_in_one_piece_at_the_end_of_the_turn() -> None:
    async def answer() -> None:
        gathering = Turn()
        wires = [Wire() for _ in range(3)]
        for round_ in (b"1", b"2"):
            for wire in [Gathered(wire, gathering) for wire in wires]:
                wire.write(b"head" + round_)
                wire.write(b"body" + round_)
            assert [len(wire.sent) for wire in wires] == [int(round_) - 1] * 3
            await turn()
        assert [wire.sent for wire in wires] == [[b"head1body1", b"head2body2"]] * 3

    uvloop.run(answer())


def test_a_connection_that_is_reset_meanwhile_holds_nobody_up() -> None:
    async def answer() -> None:
        gathering = Turn()
        wires = [Wire() for _ in range(3)]
        gathered = [Gathered(wire, gathering) for wire in wires]
        for each in gathered:
            each.write(b"answer")
        wires[0].closed = True
        await turn()
        assert [wire.sent for wire in wires] == [[], [b"answer"], [b"answer"]]
        gathered[1].write(b"another")
        await turn()
        assert wires[1].sent == [b"answer", b"another"]

    uvloop.run(answer())


def test_a_long_answer_is_sent_as_it_is_made_and_closing_sends_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "GATHERED_BYTES_MAX", 10)

    async def answer() -> None:
        wire = Wire()
        gathered = Gathered(wire, Turn())
        gathered.write(b"head")
        gathered.write(b"a long body")
        assert wire.sent == [b"heada long body"]
        gathered.write(b"end")
        gathered.close()
        assert wire.sent == [b"heada long body", b"end"]
        assert wire.closed
        await turn()
        assert len(wire.sent) == 2

    uvloop.run(answer())

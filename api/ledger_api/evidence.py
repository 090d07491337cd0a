"""Files of evidence: kept in the vault by their hash, and named by a message only when they are there."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.disputes.handling import DisputeSubmitEvidence
from ledger.errors import Refusal
from ledger.message import Message
from ledger.sql import queries
from ledger_api.personal import PersonalData
from ledger_api.reading import Reader

_SQL = queries("ledger_api", "evidence.sql")

_SUBMIT = "dispute.submit_evidence"


class EvidenceFiles:
    """Keeps files of evidence, each under its customer's key; they are erased with the customer."""

    def __init__(self, vault: PersonalData, reader: Reader) -> None:
        self._vault = vault
        self._reader = reader

    async def keep(self, book: str, customer: str, sha256: str, file: bytes) -> None:
        """Keep a file; the same one again changes nothing. Raises what `PersonalData.put` does."""
        await self._vault.put(book, customer, {_name(sha256): file})

    async def find(self, book: str, customer: str, sha256: str) -> bytes | None:
        """Give a file, None when it is not kept. Raises what `PersonalData.get` does."""
        return (await self._vault.get(book, customer, [_name(sha256)])).get(_name(sha256))

    @staticmethod
    def concerns(message: Message) -> bool:
        """Tell whether a message submits a file: every other one needs no look into the vault."""
        return message.type == _SUBMIT

    async def not_stored(self, book: str, messages: Sequence[Message]) -> dict[int, Refusal]:
        """Refuse messages, by their place, that name a file which is not kept.

        What is recorded already is not looked at: it gets its first answer, even when its file was erased.
        """
        refused = {}
        for place, message in enumerate(messages):
            if self.concerns(message) and isinstance(message.data, DisputeSubmitEvidence):
                found = await self._refusal(book, message, message.data)
                if found is not None:
                    refused[place] = found
        return refused

    async def _refusal(self, book: str, message: Message, data: DisputeSubmitEvidence) -> Refusal | None:
        name = _name(data.sha256)
        sizes = await self._vault.sizes(book, message.subject or "", [name])
        if sizes.get(name) == data.size:
            return None
        key = {"book": book, "source": message.source, "id": message.id}
        if await self._reader.rows(_SQL["is_recorded"], key):
            return None
        return Refusal(
            "evidence_not_stored", f"no file of {data.size} bytes with the hash {data.sha256} is stored",
            pointer="/data/sha256", sha256=data.sha256, size=data.size, stored_size=sizes.get(name),
        )  # fmt: skip


def _name(sha256: str) -> str:
    return f"file.{sha256}"

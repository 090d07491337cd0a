"""The caller's side: one connection, bulk loading over several, waiting until the read models are there."""

from __future__ import annotations

from ledger_api.client.connection import NDJSON, Answer, Client, ClientError, Page, message

__all__ = ["NDJSON", "Answer", "Client", "ClientError", "Page", "message"]

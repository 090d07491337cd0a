"""The vault: personal data of customers, outside the log, so that it can be erased.

Everything is sealed under a key of the customer's own, bound to book, customer and name; the keys are wrapped
by a master key that is in a file and in no database. Deleting a customer's key erases all that is theirs.
"""

from __future__ import annotations

from ledger.vault.erasing import Eraser
from ledger.vault.vault import ROLE, Erased, NobodyKnown, Vault

__all__ = ["ROLE", "Erased", "Eraser", "NobodyKnown", "Vault"]

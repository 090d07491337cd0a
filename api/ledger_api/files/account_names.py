"""Accounts as the accounting programs hledger, ledger and beancount write them.

`Assets:Receivable:Customer-c-1001:Invoice-INV-7`. Different accounts, customers and invoices never share a
name, and a name has nothing but what the strictest of the three allows.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ledger.posting_rules import AccountKind

OF_CUSTOMER = ("receivable", "disputed", "customer_credit", "unbilled")
"""Accounts that a journal divides by customer."""
OF_INVOICE = ("receivable", "disputed")
"""Those of them that it divides by invoice as well."""

_ROOTS: dict[AccountKind | None, str] = {
    "asset": "Assets", "liability": "Liabilities", "income": "Income", "expense": "Expenses", None: "Equity"
}  # fmt: skip
_WORDS = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_OTHER = re.compile(r"[^A-Za-z0-9]")


class AccountNames:
    """Names by the chart of a book, as far as it was read."""

    def __init__(self, kinds: dict[str, AccountKind]) -> None:
        self._kinds = kinds

    def of(self, account: str, customer: str | None, invoice: str | None) -> str:
        """Name an account, divided by customer and invoice where it is one of those."""
        name = f"{_ROOTS[self._kinds.get(account)]}:{_account(account)}"
        if customer is not None and account in OF_CUSTOMER:
            name += f":{_part('Customer', customer)}"
            if invoice is not None and account in OF_INVOICE:
                name += f":{_part('Invoice', invoice)}"
        return name


@lru_cache
def _account(account: str) -> str:
    """Write words in title case, `customer_credit` as `Customer-Credit`, and all else after `ACCOUNT-`."""
    if _WORDS.fullmatch(account):
        return "-".join(word.capitalize() for word in account.split("_"))
    return _part("ACCOUNT", account)


@lru_cache(1 << 16)
def _part(what: str, name: str) -> str:
    """Write a name after what it names; one with other characters has them all as `-` and two hex digits.

    No name begins with `-`, so the two forms differ: `Customer-c-7` is c-7, `Customer--c-2E7` is c.7.
    """
    if _PLAIN.fullmatch(name):
        return f"{what}-{name}"
    octets = name.encode().decode("latin-1")
    return f"{what}--{_OTHER.sub(lambda found: f'-{ord(found[0]):02X}', octets)}"

"""The policy that says who a book's documents come from: what it must say, and since when it counts."""

from __future__ import annotations

from collections.abc import Sequence

from tests.ledger.asks import seller_policy
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import Ask

BANK = {"iban": "DK5000400440116243", "bic": "DABADKKK", "name": "Danske Bank"}


@rows(
    ("as it is said", [], seller_policy(bank=BANK, email="faktura@nordlys.example"), ["policy.changed policy=seller from_=2026-01-01 seller.bank.bic=DABADKKK"]),
    ("again, from another day on", [seller_policy()], seller_policy("2026-06-01", name="Other"), ["policy.changed seller.name=Other from_=2026-06-01"]),
    ("with a registration instead of a VAT number", [], seller_policy(vat_id=None, registration="12345678"), ["policy.changed seller.registration=12345678 seller.vat_id=None"]),
    ("with one of both [EN 16931 BR-CO-26]", [], seller_policy(vat_id=None), ["! field_missing /data/seller/vat_id"]),
    ("with check digits that hold", [], seller_policy(bank={**BANK, "iban": "DK5100400440116243"}), ["! iban_invalid /data/seller/bank/iban"]),
    ("with a name that says something [EN 16931 BR-06]", [], seller_policy(name=" "), ["! text_blank /data/seller/name"]),
    ("with numbers that say something", [], seller_policy(vat_id="\u00a0 "), ["! text_blank /data/seller/vat_id"]),
    ("with a registration too", [], seller_policy(registration=" "), ["! text_blank /data/seller/registration"]),
)  # fmt: skip
def test_sellers(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)

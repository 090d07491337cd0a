"""The seller: who a book's invoices come from, as the law wants them to say [EN 16931 BG-4, BG-17]."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ledger.errors import Malformed
from ledger.fields import Text
from ledger.person import Address, Email, Line, Phone

Iban = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")]
"""An account number of ISO 13616, without spaces."""
Bic = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?\Z")]


class Bank(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Where money is sent to; `name` is the bank's."""

    iban: Iban
    bic: Bic | None = None
    name: Line | None = None

    def __post_init__(self) -> None:
        turned = self.iban[4:] + self.iban[:4]
        if int("".join(str(int(character, 36)) for character in turned)) % 97 != 1:
            raise Malformed(
                "iban_invalid", f"the check digits of {self.iban} are not those of an IBAN",
                pointer="/data/seller/bank/iban", iban=self.iban,
            )  # fmt: skip


class Seller(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The legal entity behind the book. It has a VAT number, a registration, or both [EN 16931 BR-CO-26]."""

    name: Text
    address: Address
    vat_id: Line | None = None
    registration: Line | None = None
    email: Email | None = None
    phone: Phone | None = None
    bank: Bank | None = None

    def __post_init__(self) -> None:
        if self.vat_id is None and self.registration is None:
            raise Malformed(
                "field_missing", "vat_id is missing: a seller has it, or a registration",
                pointer="/data/seller/vat_id", field="vat_id",
            )  # fmt: skip


def refuse_blank(seller: Seller) -> None:
    """Refuse blanks for what no e-invoice can do without [EN 16931 BR-06, BR-CO-26].

    What was recorded before there was this rule can be read all the same.
    """
    for field in ("name", "vat_id", "registration"):
        text = getattr(seller, field)
        if text is not None and not text.strip():
            pointer = f"/data/seller/{field}"
            raise Malformed("text_blank", f"{pointer} says nothing: it is only blanks", pointer=pointer)

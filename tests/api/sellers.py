"""A seller and its customers, for documents."""

from __future__ import annotations

import orjson
from tests.api.live import Caller, Json
from tests.ledger.world import Ask

SELLER: Json = {
    "name": "Nordlys Fibernet ApS",
    "address": {"lines": ["Havnegade 12"], "postal_code": "8000", "city": "Aarhus C", "country": "DK"},
    "vat_id": "DK12345678",
    "registration": "12345678",
    "email": "faktura@nordlys.example",
    "bank": {"iban": "DK5000400440116243", "bic": "DABADKKK", "name": "Danske Bank"},
}
BUYER: Json = {
    "name": "Aurelia Quistgaard & Sønner",
    "address": {
        "lines": ["Østergade 1", "2. tv."],
        "postal_code": "1100",
        "city": "København",
        "country": "DK",
    },
    "tax_number": "DK87654321",
}
RATES: Json = [
    {"category": "standard", "rate": "25", "from": "2020-01-01"},
    {"category": "reduced", "rate": "10", "from": "2020-01-01"},
    {"category": "zero", "rate": "0", "from": "2020-01-01"},
]


def sold_by(seller: Json = SELLER, from_: str = "2026-01-01") -> Ask:
    return "policy.changed", {"policy": "seller", "from": from_, "seller": seller}


def introduce(caller: Caller, customer: str = "alice", person: Json = BUYER) -> None:
    """Say who the person behind a customer is."""
    answer = caller.client.put(
        f"{caller.at}/customers/{customer}/person",
        content=orjson.dumps(person), headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 204, answer.text

"""A customer's whole life, over HTTP: after every step the books are zero and the balance is what it must be.

The steps stand in `ledger_api.demo.biography`, with the balance behind each, worked out by hand; here is what
the ledger has to make of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.api.live import Caller, Live, problem

from ledger_api.client import Client
from ledger_api.demo import biography
from ledger_api.demo.biography import CUSTOMER, Lived, Who

BOOK = "life"
PERSON = b'{"name":"Ines Vikstrand","email":"ines@example.com"}'

EVENTS: dict[str, str] = {
    "an agent asks for 20 % off three invoices": "discount.requested",
    "a lead approves": "discount.approved discount.granted",
    "January: 80.00 less 20 %, and tax": "customer.billed charge.posted charge.posted invoice.issued",
    "half of it is upheld, by a credit note": "dispute.resolved credit_note.issued",
    "pays all three invoices, and 6.00 too much": "payment.received" + 3 * " allocation.made",
    "the bank charges the payment back": "dispute.opened" + 3 * " allocation.undone",
    "the chargeback is won": "dispute.resolved" + 3 * " allocation.made",
    "April, without the discount; the credit is used": "customer.billed charge.posted charge.posted"
    " invoice.issued allocation.made",
    "it is paid after all": "debt.recovered payment.received allocation.made",
}
"""What the telling steps lead to; each of the others to one event, or an invoice."""

ACCOUNTS = {
    "bad_debt": 0,  # 60.00 given up and paid after all
    "cash": 333_00,  # 210.00 in, out and in again, less the bank's 15.00; then 78.00 and 60.00
    "credit_notes": 6_00,
    "customer_credit": 0,
    "deferred_revenue": 0,
    "discounts": 44_00,  # 16.00, 14.00, 14.00
    "dispute_fees": 15_00,
    "disputed": 0,
    "receivable": 0,
    "revenue": -340_00,  # 4 x 70.00 for both services, 50.00 for one, 10.00 of roaming
    "tax_payable": -58_00,  # 12.80 + 11.20 + 11.20 + 14.00 + 10.00, less 1.20 of credit notes
    "unbilled": 0,
}


@pytest.fixture
def clients(live: Live) -> Iterator[dict[Who, Client]]:
    """Give everybody a key of their own."""
    made = {
        who: Client(
            live.url,
            live.key(book=BOOK, principal=who, role=role, sources=(biography.SOURCE,))[1],
        )
        for who, role in biography.ROLES.items()
    }
    yield made
    for client in made.values():
        client.close()


def test_the_life_of_a_customer(live: Live, clients: dict[Who, Client]) -> None:
    reader = Caller(live, live.client(live.key(book=BOOK)[1]), BOOK)
    person, office = f"/customers/{CUSTOMER}/person", clients["office"]
    lived: list[Lived] = []
    for each in biography.live(clients, BOOK):
        lived.append(each)
        if each.step.says in EVENTS:
            assert " ".join(each.events) == EVENTS[each.step.says], each.step.says
        office.get(f"{reader.at}/reports/trial-balance", {"min_position": each.position})  # until it is there
        now = reader.read("/reports/trial-balance", min_position=each.position)
        assert all(total["difference"] == 0 for total in now["totals"]), each.step.says
        if each.step in biography.OF_BOOK:
            continue
        owed = reader.read(f"/customers/{CUSTOMER}/balance", min_position=each.position)["balances"]
        assert sum(balance["balance"] for balance in owed) == each.step.balance, each.step.says
        if each.step.says == "opened":
            headers = {"content-type": "application/json"}
            assert reader.client.put(reader.at + person, content=PERSON, headers=headers).status_code == 204
            assert reader.read(person)["name"] == "Ines Vikstrand"
        if each.step.type == "customer.bill" and each.step.data["through"] == "2025-04-30":
            assert biography.what_if(office, BOOK) == 19_20 + 19_20 + 24_00

    accounts = reader.read("/reports/trial-balance", min_position=lived[-1].position)["accounts"]
    assert {each["account"]: each["balance"] for each in accounts} == ACCOUNTS
    invoices = reader.read("/invoices", min_position=lived[-1].position)["items"]
    assert [(each["invoice"], each["total"], each["state"]) for each in invoices] == [
        ("INV-1", 76_80, "paid"), ("INV-2", 67_20, "paid"), ("INV-3", 67_20, "paid"),
        ("INV-4", 84_00, "paid"), ("INV-5", 60_00, "paid"),
    ]  # fmt: skip
    assert problem(reader.get(person)) == (410, "person_erased")
    for position in range(1, lived[-1].position + 1):
        assert biography.difference_at(office, BOOK, position) == 0
    for each in lived:
        assert biography.balance_at(office, BOOK, each) == each.step.balance, each.step.says
    assert list(biography.live(clients, BOOK)) == lived, "told again, it is answered again"

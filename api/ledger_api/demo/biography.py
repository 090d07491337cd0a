"""One customer's life from opening to erasing, every number of it known beforehand.

The demo plays it in a book of its own beside its year, and a test plays it over HTTP: the balance that stands
at each step was worked out by hand, at 20 % tax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec
import orjson

from ledger.errors import IntegrityError
from ledger_api.client import NDJSON, Client, message

CUSTOMER = "ines"
SOURCE = "story"
CURRENCY = "EUR"
Who = Literal["office", "agent", "lead"]
"""Who posts: the back office and its systems, an agent in customer service, and who leads the agents."""
ROLES: Mapping[Who, str | None] = {"office": None, "agent": "agent", "lead": "lead"}
"""In which role each posts, by the book's policy of discounts."""

MOBILE = {"service": "mobile", "quantity": "2", "unit_price": 2500, "interval": "month"}
TV = {"service": "tv", "unit_price": 2000, "interval": "month"}
_AUTHORITY = {
    "roles": [
        {"role": "agent", "percent": "10", "amounts": [{"currency": CURRENCY, "amount": 1_000}]},
        {"role": "lead", "percent": "50", "amounts": [{"currency": CURRENCY, "amount": 10_000}],
         "approves": True},
    ]
}  # fmt: skip


class Step(NamedTuple):
    """What happens, when, who posts it, and the customer's balance behind it (minor units)."""

    says: str
    on: str
    by: Who
    type: str
    data: Mapping[str, object]
    balance: int


OF_BOOK = (
    Step("the book is opened", "2024-12-30", "office", "book.opened", {
        "name": "The life of one customer", "currency": CURRENCY, "time_zone": "Europe/Berlin",
        "tax_rates": [{"category": "standard", "rate": "20", "from": "2020-01-01"}]}, 0),
    Step("an agent may grant 10 %, a lead 50 %", "2024-12-31", "office", "policy.changed", {
        "policy": "discount_authority", "from": "2025-01-01", "discount_authority": _AUTHORITY}, 0),
)  # fmt: skip

OF_CUSTOMER = (
    Step("opened", "2025-01-01", "office", "customer.opened", {
        "currency": CURRENCY, "payment_days": 14, "billing_day": 1}, 0),
    Step("takes two mobiles at 25.00 and tv at 20.00 a month", "2025-01-01", "office", "agreement.changed", {
        "from": "2025-01-01", "services": [MOBILE, TV]}, 0),
    Step("roams for 10.00", "2025-01-20", "office", "charge.posted", {
        "charge": "roaming", "service": "roaming", "currency": CURRENCY, "net": 1000}, 0),
    Step("an agent asks for 20 % off three invoices", "2025-01-21", "agent", "discount.grant", {
        "discount": "stay", "kind": "percent", "percent": "20", "invoices": 3, "reason": "loyalty"}, 0),
    Step("a lead approves", "2025-01-22", "lead", "discount.approve", {"discount": "stay"}, 0),
    Step("January: 80.00 less 20 %, and tax", "2025-02-01", "office", "customer.bill", {
        "through": "2025-01-31"}, 7680),
    Step("complains about the roaming", "2025-02-03", "agent", "dispute.open", {
        "dispute": "roaming", "kind": "complaint", "invoice": "INV-1", "lines": [3],
        "reason": "unknown_charge"}, 7680),
    Step("half of it is upheld, by a credit note", "2025-02-06", "agent", "dispute.resolve", {
        "dispute": "roaming", "outcome": "partly_upheld", "lines": [{"line": 3, "net": 500}],
        "reason": "price_not_told"}, 7080),
    Step("another credit note: a day without tv", "2025-02-10", "agent", "credit_note.issue", {
        "invoice": "INV-1", "lines": [{"line": 2, "net": 100}], "reason": "outage"}, 6960),
    Step("February", "2025-03-01", "office", "customer.bill", {"through": "2025-02-28"}, 13680),
    Step("March", "2025-04-01", "office", "customer.bill", {"through": "2025-03-31"}, 20400),
    Step("pays all three invoices, and 6.00 too much", "2025-04-05", "office", "payment.received", {
        "payment": "card-1", "currency": CURRENCY, "amount": 21000, "method": "card"}, -600),
    Step("the bank charges the payment back", "2025-04-20", "office", "dispute.open", {
        "dispute": "card-1", "kind": "chargeback", "payment": "card-1", "fee": 1500, "reason": "fraudulent"},
        20400),
    Step("the chargeback is won", "2025-04-28", "office", "dispute.resolve", {
        "dispute": "card-1", "outcome": "won", "reason": "scheme_decision"}, -600),
    Step("April, without the discount; the credit is used", "2025-05-01", "office", "customer.bill", {
        "through": "2025-04-30"}, 7800),
    Step("wants a lower bill: no tv from May on", "2025-05-03", "agent", "agreement.changed", {
        "from": "2025-05-01", "services": [MOBILE]}, 7800),
    Step("leaves", "2025-05-31", "office", "customer.closed", {"by": "customer", "reason": "price"}, 7800),
    Step("May, the last invoice", "2025-06-01", "office", "customer.bill", {"through": "2025-05-31"}, 13800),
    Step("pays April", "2025-06-10", "office", "payment.received", {
        "payment": "transfer-1", "currency": CURRENCY, "amount": 7800}, 6000),
    Step("May is written off", "2025-09-15", "office", "debt.write_off", {
        "invoice": "INV-5", "reason": "uncollectible"}, 0),
    Step("it is paid after all", "2025-10-20", "office", "debt.recover", {
        "invoice": "INV-5", "currency": CURRENCY, "amount": 6000, "payment": "collector-1"}, 0),
    Step("is erased", "2025-10-21", "office", "customer.erase", {"reason": "asked_for"}, 0),
)  # fmt: skip
STEPS = OF_BOOK + OF_CUSTOMER


class _Place(msgspec.Struct):
    type: str
    position: int


class _Result(msgspec.Struct):
    status: str
    events: list[_Place] = []
    code: str = ""
    detail: str = ""


class _Balance(msgspec.Struct):
    balance: int


class _Balances(msgspec.Struct):
    balances: list[_Balance]


class _Difference(msgspec.Struct):
    difference: int


class _TrialBalance(msgspec.Struct):
    totals: list[_Difference]


_read_result = msgspec.json.Decoder(_Result).decode
_read_balances = msgspec.json.Decoder(_Balances).decode
_read_trial_balance = msgspec.json.Decoder(_TrialBalance).decode


class Lived(NamedTuple):
    """A step that the ledger took: the types of the events it led to, and the position of the last one."""

    step: Step
    events: tuple[str, ...]
    position: int


def live(clients: Mapping[Who, Client], book: str) -> Iterator[Lived]:
    """Post step by step, each by whoever does it; what was posted before is answered again.

    Raises `IntegrityError` when the ledger refuses one.
    """
    for number, step in enumerate(STEPS, start=1):
        subject = CUSTOMER if step in OF_CUSTOMER else None
        raw = message(
            step.type, id_=f"step-{number}", source=SOURCE, time_=f"{step.on}T12:{number:02}:00Z",
            data=step.data, subject=subject,
        )  # fmt: skip
        result = _read_result(clients[step.by].post(f"/v1/books/{book}/events", raw, NDJSON).body.strip())
        if not result.events:
            raise IntegrityError(f"{step.says}: {result.code or result.status}: {result.detail}")
        yield Lived(step, tuple(event.type for event in result.events), result.events[-1].position)


def what_if(client: Client, book: str) -> int:
    """Say what the last three invoices would have saved, in minor units, without tv."""
    body = orjson.dumps({"services": [MOBILE], "last": 3})
    answer = client.post(f"/v1/books/{book}/customers/{CUSTOMER}/what-if", body, "application/json")
    return sum(each["amount"] for each in orjson.loads(answer.body)["saved"])


def balance_at(client: Client, book: str, lived: Lived) -> int:
    """Read what the customer owed behind a step, now that more may have happened."""
    if lived.step in OF_BOOK:
        return 0
    path, at = f"/v1/books/{book}/customers/{CUSTOMER}/balance", {"as_of_position": lived.position}
    return sum(each.balance for each in _read_balances(client.get(path, at).body).balances)


def difference_at(client: Client, book: str, position: int) -> int:
    """Read what the trial balance was off by at a position: zero."""
    path, at = f"/v1/books/{book}/reports/trial-balance", {"as_of_position": position}
    return sum(abs(each.difference) for each in _read_trial_balance(client.get(path, at).body).totals)


class Told(NamedTuple):
    """A step as the summary shows it: the day, what happened, what the customer then owed (minor units)."""

    on: str
    says: str
    balance: int


class Biography(NamedTuple):
    """The whole life as the ledger tells it, and where it contradicts what must be: nowhere."""

    book: str
    steps: list[Told]
    doubts: list[str]


def tell(clients: Mapping[Who, Client], book: str) -> Biography:
    """Play the life, unless it is there, and read back what the customer owed behind every step."""
    lived = list(live(clients, book))
    reader, head = clients["office"], lived[-1].position
    reader.get(f"/v1/books/{book}/reports/trial-balance", {"min_position": head})
    found = Biography(book, [], [])
    for each in lived:
        owed, off = balance_at(reader, book, each), difference_at(reader, book, each.position)
        if owed != each.step.balance:
            found.doubts.append(f"{each.step.says}: {CUSTOMER} owes {owed}, not {each.step.balance}")
        if off:
            found.doubts.append(f"{each.step.says}: the trial balance is off by {off}")
        if each.step in OF_CUSTOMER:
            found.steps.append(Told(each.step.on, each.step.says, owed))
    return found

"""Every read against what the events come to, and every answer against its described shape."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
from tests.api import history
from tests.api.live import Caller, Json, Live, open_book, problem
from tests.ledger.asks import charge, issue, pay

from ledger_api.shapes.balances import CustomerBalances, Statement, TrialBalance
from ledger_api.shapes.base import Shape
from ledger_api.shapes.books import Book, Books
from ledger_api.shapes.customers import Customer, CustomerPage
from ledger_api.shapes.discounts import DiscountPage
from ledger_api.shapes.disputes import DisputePage
from ledger_api.shapes.events import EventPage
from ledger_api.shapes.invoices import Invoice, InvoicePage
from ledger_api.shapes.running import Projections

CUSTOMERS = [f"c-{number:02}" for number in range(1, history.CUSTOMERS + 1)]
LISTS = ("customers", "invoices", "disputes", "discounts")


@pytest.fixture(scope="module")
def told(live: Live, client: httpx.Client) -> Caller:
    """Tell the whole history to a book."""
    caller = open_book(live, client, **history.BOOK)
    history.tell(caller)
    caller.read("/reports/trial-balance", min_position=caller.head)
    return caller


@pytest.fixture(scope="module")
def events(told: Caller) -> list[Json]:
    """Hold all events of the book, as the feed tells them."""
    return told.walk_feed()


# Balances, on both clocks.


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_balances_are_what_the_events_come_to(told: Caller, events: list[Json], customer: str) -> None:
    found = told.read(f"/customers/{customer}/balance", min_position=len(events))
    assert found == {"customer": customer, "balances": history.balances(events, customer)}


@pytest.mark.parametrize("customer", CUSTOMERS[::3])
def test_balances_as_of_any_position(told: Caller, events: list[Json], customer: str) -> None:
    opened = next(e["position"] for e in events if e.get("subject") == customer)
    for position in range(opened, len(events), 9):
        answer = told.get(f"/customers/{customer}/balance", as_of_position=position)
        assert answer.json()["balances"] == history.balances(events, customer, history.by_position(position))
        assert answer.headers["ledger-position"] == str(position)
    assert problem(told.get(f"/customers/{customer}/balance", as_of_position=opened - 1)) == (
        404,
        "customer_unknown",
    )


def test_balances_as_of_any_recorded_instant_include_the_instant(told: Caller, events: list[Json]) -> None:
    for before, event in list(pairwise(events))[::20]:
        recorded = datetime.fromisoformat(event["recordedtime"])
        customer = event.get("subject")
        if customer is None or before.get("subject") != customer:
            continue
        for instant in (recorded, recorded - timedelta(microseconds=1)):
            found = told.read(f"/customers/{customer}/balance", as_of_recorded=instant.isoformat())
            assert found["balances"] == history.balances(events, customer, history.by_recorded(instant))


def test_balances_as_of_any_occurred_instant_or_date(told: Caller, events: list[Json]) -> None:
    customer = CUSTOMERS[6]
    own = [datetime.fromisoformat(e["time"]) for e in events if e.get("subject") == customer]
    moments: list[date | datetime] = [*own[::3], *(at - timedelta(microseconds=1) for at in own[::3])]
    moments += [at.date() for at in own[::4]]
    for moment in moments:
        found = told.read(f"/customers/{customer}/balance", as_of_occurred=moment.isoformat())
        assert found["balances"] == history.balances(events, customer, history.by_occurred(moment)), moment


def test_both_clocks_together_tell_what_was_known_then_of_what_occurred_by_then(alice: Caller) -> None:
    long_ago, late = datetime(2025, 6, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    alice.tell(charge("a", 100), at=late)
    known = alice.head
    alice.tell(charge("b", 10), at=long_ago)
    events = alice.walk_feed()
    for position, until, expected in (
        (known, late, 100), (known, long_ago, 0), (known + 1, late, 110), (known + 1, long_ago, 10),
    ):  # fmt: skip
        found = alice.read(
            "/customers/alice/balance", as_of_position=position, as_of_occurred=until.isoformat()
        )
        assert sum(each["unbilled"] for each in found["balances"]) == expected
        keep = history.both(history.by_position(position), history.by_occurred(until))
        assert found["balances"] == history.balances(events, "alice", keep)


def test_a_day_ends_in_the_time_zone_of_the_book(alice: Caller) -> None:
    alice.tell(charge("a", 100), at=datetime(2026, 1, 31, 22, 59, tzinfo=UTC))
    alice.tell(charge("b", 10), at=datetime(2026, 1, 31, 23, 0, tzinfo=UTC))
    for day, unbilled in (("2026-01-31", 100), ("2026-02-01", 110)):
        found = alice.read("/customers/alice/balance", as_of_occurred=day, min_position=4)
        assert [each["unbilled"] for each in found["balances"]] == [unbilled]


def test_the_trial_balance_sums_to_zero_and_agrees_with_the_events(told: Caller, events: list[Json]) -> None:
    half = len(events) // 2
    day = datetime.fromisoformat(events[half]["time"]).date()
    recorded = datetime.fromisoformat(events[half]["recordedtime"])
    asked: list[tuple[dict[str, str | int], history.Keep]] = [
        ({}, lambda _: True),
        ({"as_of_position": half}, history.by_position(half)),
        ({"as_of_recorded": recorded.isoformat()}, history.by_recorded(recorded)),
        ({"as_of_occurred": day.isoformat()}, history.by_occurred(day)),
    ]
    for parameters, keep in asked:
        found = told.read("/reports/trial-balance", **parameters)
        assert {total["difference"] for total in found["totals"]} == {0}
        accounts = {
            (a["account"], a["currency"]): (a["debit"], a["credit"])
            for a in found["accounts"]
            if a["account"] in (*history.OWED, "unbilled")
        }
        assert accounts == history.totals(events, keep), parameters


@pytest.mark.parametrize("customer", CUSTOMERS[::2])
def test_a_statement_leads_from_entry_to_entry_to_the_balance(
    told: Caller, events: list[Json], customer: str
) -> None:
    expected = {each["currency"]: each["balance"] for each in history.balances(events, customer)}
    items = told.walk(f"/customers/{customer}/statement", limit=3)
    assert items == told.walk(f"/customers/{customer}/statement", limit=1_000)
    running: dict[str, int] = {}
    for item in items:
        running[item["currency"]] = running.get(item["currency"], 0) + item["amount"]
        assert item["balance"] == running[item["currency"]]
        assert item["amount"] == item["receivable"] + item["disputed"] - item["credit"]
        assert item["type"] == events[item["position"] - 1]["type"]
    assert running == {currency: expected[currency] for currency in running}
    since = items[len(items) // 2]["occurred_on"]
    later = told.walk(f"/customers/{customer}/statement", limit=2, **{"from": since})
    assert later == [item for item in items if item["occurred_on"] >= since]


def test_a_statement_stays_as_of_its_first_page(alice: Caller) -> None:
    for number in range(4):
        alice.tell(pay(f"p{number}", 100))
    first = alice.get("/customers/alice/statement", limit=2, min_position=6)
    alice.tell(pay("late", 50), at=datetime(2026, 2, 1, tzinfo=UTC))
    second = alice.client.get(first.links["next"]["url"])
    assert [item["balance"] for item in first.json()["items"] + second.json()["items"]] == [
        -100, -200, -300, -400,
    ]  # fmt: skip
    assert first.headers["ledger-position"] == second.headers["ledger-position"] == "6"
    assert len(alice.read("/customers/alice/statement", min_position=7)["items"]) == 5


# Lists.


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 4, 1_000])
def test_pages_walk_through_everything_exactly_once(
    told: Caller, events: list[Json], name: str, limit: int
) -> None:
    types = {"invoices": "invoice.issued", "disputes": "dispute.opened", "discounts": "discount.granted"}
    type_ = types.get(name, "customer.opened")
    expected = [event["position"] for event in events if event["type"] == type_]
    assert len(expected) >= 10
    assert [item["position"] for item in told.walk(f"/{name}", limit=limit)] == expected


@pytest.mark.parametrize("name", LISTS[1:])
def test_the_lists_of_a_customer_are_the_book_s_without_the_others(told: Caller, name: str) -> None:
    everything = told.walk(f"/{name}")
    for customer in CUSTOMERS:
        own = [item for item in everything if item["customer"] == customer]
        assert told.walk(f"/customers/{customer}/{name}", limit=1) == own
        assert told.walk(f"/{name}", limit=2, customer=customer) == own
    assert problem(told.get(f"/customers/nobody/{name}")) == (404, "customer_unknown")


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("customers", {"status": "closed"}),
        ("customers", {"segment": "gold"}),
        ("invoices", {"state": "open"}),
        ("invoices", {"state": "paid"}),
        ("invoices", {"in_dispute": "true"}),
        ("invoices", {"overdue": "true"}),
        ("invoices", {"overdue": "false", "currency": "EUR"}),
        ("disputes", {"kind": "chargeback", "state": "open"}),
        ("disputes", {"invoice": "INV-1"}),
        ("discounts", {"state": "revoked"}),
        ("discounts", {"campaign": "spring"}),
    ],
)
def test_filters_keep_what_they_say(told: Caller, name: str, filters: dict[str, str]) -> None:
    said = {key: {"true": True, "false": False}.get(value, value) for key, value in filters.items()}
    kept = [item for item in told.walk(f"/{name}") if all(item[key] == value for key, value in said.items())]
    assert kept
    assert told.walk(f"/{name}", limit=2, **filters) == kept


def test_an_invoice_is_complete_in_itself(told: Caller, events: list[Json]) -> None:
    issued = [event for event in events if event["type"] == "invoice.issued"]
    for event in issued:
        data = event["data"]
        found = told.read(f"/invoices/{data['invoice']}")
        assert (found["total"], found["net"], found["discount"], found["tax"]) == (
            data["amount"], data["net"], data["discount"], data["tax"],
        )  # fmt: skip
        assert found["due"] == found["total"] - found["allocated"] - found["credited"] - found["written_off"]
        assert [line["charge"] for line in found["lines"]] == [line["charge"] for line in data["lines"]]
        assert sum(each["amount"] for each in found["allocations"]) == found["allocated"]
        assert sum(note["total"] for note in found["credit_notes"]) == found["credited"]
    assert sum(bool(told.read(f"/invoices/{e['data']['invoice']}")["credit_notes"]) for e in issued) == 4


def test_a_page_token_of_another_list_or_filter_is_refused(told: Caller) -> None:
    token = told.read("/invoices", limit=1)["next"]
    assert token
    for path, parameters in (
        ("/disputes", {}), ("/invoices", {"state": "open"}), ("/customers/c-01/invoices", {}),
    ):  # fmt: skip
        assert problem(told.get(path, page=token, **parameters)) == (400, "page_unknown")
    for torn in (token[:-1], token[:20], "A", "ä", "A" * 40):
        assert problem(told.get("/invoices", page=torn)) == (400, "page_unknown")


# What holds for every read.


def addresses(told: Caller) -> dict[str, type[Shape]]:
    """Every address that answers with JSON, with the shape that its answer is described by."""
    of_customer = f"{told.at}/customers/c-01"
    return {
        "/v1/books": Books,
        "/v1/projections": Projections,
        told.at: Book,
        f"{told.at}/customers": CustomerPage,
        of_customer: Customer,
        f"{of_customer}/balance": CustomerBalances,
        f"{of_customer}/statement": Statement,
        f"{of_customer}/invoices": InvoicePage,
        f"{of_customer}/disputes": DisputePage,
        f"{of_customer}/discounts": DiscountPage,
        f"{told.at}/invoices": InvoicePage,
        f"{told.at}/invoices/INV-1": Invoice,
        f"{told.at}/disputes": DisputePage,
        f"{told.at}/discounts": DiscountPage,
        f"{told.at}/reports/trial-balance": TrialBalance,
        f"{told.at}/events": EventPage,
    }


def test_every_answer_is_of_its_shape_and_is_not_sent_twice(told: Caller) -> None:
    for address, shape in addresses(told).items():
        answer = told.client.get(address)
        shape.model_validate_json(answer.content)
        assert answer.headers["content-type"] == "application/json"
        if address.startswith(told.at):
            assert answer.headers["ledger-position"] == str(told.head)
        held = told.client.get(address, headers={"if-none-match": f'"other", W/{answer.headers["etag"]}'})
        if address not in ("/v1/books", "/v1/projections"):  # these change with every book of other tests
            assert (held.status_code, held.content) == (304, b""), address
            assert held.headers["etag"] == answer.headers["etag"]


def test_the_etag_changes_with_the_answer(alice: Caller) -> None:
    tag = alice.get("/customers/alice/balance").headers["etag"]
    alice.tell(charge("a", 1))
    answer = alice.client.get(
        f"{alice.at}/customers/alice/balance", params={"min_position": 3}, headers={"if-none-match": tag}
    )
    assert answer.status_code == 200


def test_a_write_can_be_read_at_once_at_its_position(alice: Caller) -> None:
    for number in range(1, 31):
        receipt = alice.tell(charge(f"a{number}", 1))
        position = receipt["events"][-1]["position"]
        found = alice.get("/customers/alice/balance", min_position=position)
        assert found.json()["balances"][0]["unbilled"] == number
        assert int(found.headers["ledger-position"]) >= position
    issued = alice.tell(issue())["events"][-1]["position"]
    assert len(alice.read("/invoices", min_position=issued)["items"]) == 1


def test_a_read_model_that_knows_no_past_says_so(told: Caller) -> None:
    for path in ("/customers", "/customers/c-01", "/invoices", "/invoices/INV-1", "/disputes", "/discounts"):
        for name, value in (("as_of_position", "1"), ("as_of_occurred", "2026-01-01")):
            assert problem(told.get(path, **{name: value})) == (422, "as_of_not_answered")


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("/customers", {"limit": "0"}, (400, "parameter_malformed")),
        ("/customers", {"limit": "1001"}, (400, "parameter_malformed")),
        ("/customers", {"limit": "+1"}, (400, "parameter_malformed")),
        ("/customers", {"limit": "1.0"}, (400, "parameter_malformed")),
        ("/customers", {"min_position": "-1"}, (400, "parameter_malformed")),
        ("/customers", {"min_position": str(2**64)}, (400, "parameter_malformed")),
        ("/customers", {"stauts": "open"}, (400, "parameter_unknown")),
        ("/customers", {"segment": "a\0b"}, (400, "parameter_malformed")),
        ("/customers/c-01/balance", {"as_of_occured": "2026-01-01"}, (422, "as_of_not_answered")),
        ("/customers/c-01/balance", {"as_of_occurred": "2026-02-30"}, (400, "parameter_malformed")),
        ("/customers/c-01/balance", {"as_of_occurred": "2026-01-01T00:00:00"}, (400, "parameter_malformed")),
        ("/customers/c-01/balance", {"as_of_recorded": "2026-01-01"}, (400, "parameter_malformed")),
        ("/customers/c-01/balance", {"as_of_recorded": "2999-01-01T00:00:00Z"}, (422, "as_of_in_future")),
        ("/customers/c-01/balance", {"as_of_position": str(2**40)}, (422, "as_of_in_future")),
        ("/events", {"as_of_position": str(2**40)}, (422, "as_of_in_future")),
        ("/events", {"type": "Nonsense"}, (400, "parameter_malformed")),
        ("/events/0", {}, (404, "not_found")),
        ("/events/99999", {}, (404, "event_unknown")),
        ("/events/1e3", {}, (404, "not_found")),
        ("/customers/a%00b", {}, (404, "not_found")),
        ("/customers/nobody", {}, (404, "customer_unknown")),
        ("/customers/nobody/balance", {}, (404, "customer_unknown")),
        ("/invoices/INV-0", {}, (404, "invoice_unknown")),
        ("/nothing", {}, (404, "not_found")),
    ],
)
def test_an_address_that_asks_for_nothing_that_there_is(
    told: Caller, path: str, parameters: dict[str, str], expected: tuple[int, str]
) -> None:
    assert problem(told.get(path, **parameters)) == expected


def test_as_of_a_position_and_an_instant_at_once_is_refused(told: Caller) -> None:
    answer = told.get("/events", as_of_position=1, as_of_recorded="2026-01-01T00:00:00Z")
    assert problem(answer) == (400, "parameters_exclusive")


def test_a_parameter_that_stands_twice_is_refused(told: Caller) -> None:
    assert problem(told.client.get(f"{told.at}/customers?limit=1&limit=2")) == (400, "parameter_repeated")


def test_an_unknown_book_is_not_found_wherever_it_stands(told: Caller) -> None:
    for address in addresses(told):
        if address.startswith(told.at):
            unknown = told.client.get(address.replace(told.at, "/v1/books/nowhere"))
            assert problem(unknown) == (404, "book_unknown"), address


def test_other_methods_are_told_which_ones_there_are(told: Caller) -> None:
    for path, allowed in (("/customers", "GET"), ("/events", "GET, POST"), ("/events/stream", "GET")):
        answer = told.client.put(f"{told.at}{path}")
        assert problem(answer) == (405, "method_not_allowed")
        assert answer.headers["allow"] == allowed


def test_a_body_where_none_is_read_is_refused(told: Caller) -> None:
    answer = told.client.request("GET", f"{told.at}/customers", content=b"x")
    assert problem(answer) == (400, "body_unexpected")

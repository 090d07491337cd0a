"""What holds for every read: its shape, its tag, its position, and what it says to a wrong question."""

from __future__ import annotations

import pytest
from tests.api.live import Caller, problem
from tests.ledger.asks import charge, issue

from ledger_api.shapes.balances import CustomerBalances, Statement, TrialBalance
from ledger_api.shapes.base import Shape
from ledger_api.shapes.books import Book, Books
from ledger_api.shapes.contacts import ContactPage, ContactReport
from ledger_api.shapes.customers import Customer, CustomerPage
from ledger_api.shapes.discounts import AuthorityReport, DiscountPage
from ledger_api.shapes.disputes import DisputePage, DisputeQueue, Workload
from ledger_api.shapes.dunning import Overdue, ReminderPage
from ledger_api.shapes.events import EventPage
from ledger_api.shapes.invoices import Invoice, InvoicePage
from ledger_api.shapes.reports import Aging, Revenue, TaxReport
from ledger_api.shapes.running import Projections
from ledger_api.shapes.timeline import Timeline
from ledger_api.shapes.trials import RetentionReport


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
        f"{of_customer}/contacts": ContactPage,
        f"{of_customer}/timeline": Timeline,
        f"{told.at}/reports/dunning": Overdue,
        f"{told.at}/reminders": ReminderPage,
        f"{told.at}/contacts": ContactPage,
        f"{told.at}/reports/contacts": ContactReport,
        f"{told.at}/invoices": InvoicePage,
        f"{told.at}/invoices/INV-1": Invoice,
        f"{told.at}/disputes": DisputePage,
        f"{told.at}/queues/disputes": DisputeQueue,
        f"{told.at}/reports/disputes": Workload,
        f"{told.at}/discounts": DiscountPage,
        f"{told.at}/reports/discount-authority": AuthorityReport,
        f"{told.at}/reports/retention": RetentionReport,
        f"{told.at}/reports/trial-balance": TrialBalance,
        f"{told.at}/reports/aging": Aging,
        f"{told.at}/reports/revenue": Revenue,
        f"{told.at}/reports/tax": TaxReport,
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


def test_what_is_of_no_moment_says_so(told: Caller) -> None:
    for path in ("/access-log", "/events/1"):
        answer = told.get(path, as_of_occurred="2026-01-01")
        assert problem(answer) == (422, "as_of_not_answered")


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

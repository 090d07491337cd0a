"""Explanations: every part with the event that says so, and parts that sum to their whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.api.explained import hold_sums, texts
from tests.api.live import Caller, Live, open_book, problem
from tests.ledger.asks import (
    agree,
    amount_off,
    approve,
    bill,
    charge,
    complain,
    credit,
    discount_policy,
    issue,
    percent_off,
    resolve,
    service,
    void,
    void_note,
)

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
FEBRUARY, MARCH = AT + timedelta(days=30), AT + timedelta(days=58)
TAXES = [
    {"category": "standard", "rate": "20", "from": "2020-01-01"},
    {"category": "reduced", "rate": "10", "from": "2020-01-01"},
]


@pytest.fixture
def two_months(live: Live, book: Caller) -> Caller:
    """Ann's first two bills: a price that changes in between, use, and two discounts."""
    caller = open_book(live, book.client, tax_rates=TAXES)
    caller.tell(("customer.opened", {"currency": "EUR", "locale": "en-GB"}), customer="ann", at=AT)
    dsl = service("dsl", 3100, description="Internet")
    caller.tell(agree("2026-01-01", dsl, service("tv", 310)), customer="ann", at=AT)
    caller.tell(percent_off("ten", "10", invoices=1), customer="ann", at=AT)
    caller.tell(amount_off("sorry", 100, invoices=1, scope={"service": "tv"}), customer="ann", at=AT)
    caller.tell(charge("call-1", 200, service="calls"), customer="ann", at=AT)
    caller.tell(bill("2026-01-31"), customer="ann", at=FEBRUARY)
    caller.tell(
        agree("2026-02-15", service("dsl", 6200, description="Internet")), customer="ann", at=FEBRUARY
    )
    caller.tell(
        ("tax_rate.changed", {"category": "standard", "rate": "25", "from": "2026-02-01"}), at=FEBRUARY
    )
    head = caller.tell(bill("2026-02-28"), customer="ann", at=MARCH)["events"][-1]["position"]
    caller.read("/invoices/INV-2", min_position=head)
    return caller


def positions(caller: Caller, type_: str) -> list[int]:
    return [event["position"] for event in caller.walk_feed() if event["type"] == type_]


def test_each_line_names_the_events_that_made_it(two_months: Caller) -> None:
    told = two_months.read("/invoices/INV-1/explain")
    (agreement, _), charges = (
        positions(two_months, "agreement.changed"),
        positions(two_months, "charge.posted"),
    )
    by_service = {line["service"]: line for line in told["lines"]}
    assert {name: line["kind"] for name, line in by_service.items()} == {
        "dsl": "agreed", "tv": "agreed", "calls": "charged",
    }  # fmt: skip
    dsl = by_service["dsl"]
    assert dsl["agreed"]["agreement"]["position"] == agreement
    assert (dsl["agreed"]["begins"], dsl["agreed"]["unit_price"]) == ("2026-01-01", "3100")
    assert (dsl["agreed"]["days"], dsl["agreed"]["interval_days"]) == (31, 31)
    assert dsl["charged"]["position"] in charges
    assert by_service["calls"]["charged"]["position"] == charges[0]
    assert by_service["calls"]["agreed"] is None
    assert {line["tax"]["position"] for line in told["lines"]} == {1}
    hold_sums(told)


def test_each_discount_says_what_it_took_off_which_line_and_who_granted_it(two_months: Caller) -> None:
    told = two_months.read("/invoices/INV-1/explain")
    shares = {
        line["service"]: {each["discount"]: each["amount"] for each in line["discounts"]}
        for line in told["lines"]
    }
    assert shares == {"dsl": {"ten": 310}, "tv": {"sorry": 100, "ten": 21}, "calls": {"ten": 20}}
    granted = positions(two_months, "discount.granted")
    steps = {
        each["discount"]: [(step["kind"], step["position"]) for step in each["steps"]]
        for each in told["discounts"]
    }
    assert steps == {"ten": [("granted", granted[0])], "sorry": [("granted", granted[1])]}


def test_what_changed_since_the_invoice_before_and_why(two_months: Caller) -> None:
    told = two_months.read("/invoices/INV-2/explain")
    hold_sums(told)
    changes = told["changes"]
    assert (changes["invoice"], changes["amount"]) == ("INV-1", told["total"] - changes["total"])
    found = {(part["kind"], part["name"]): part for part in changes["parts"]}
    assert {key: (part["change"], part["because"]) for key, part in found.items()} == {
        ("service", "dsl"): ("changed", ["price", "days"]),
        ("service", "tv"): ("changed", ["days"]),
        ("charge", "calls"): ("ended", []),
        ("discount", "ten"): ("ended", []),
        ("discount", "sorry"): ("ended", []),
        ("tax", "standard"): ("changed", ["rate"]),
    }
    assert found["service", "dsl"]["positions"] == positions(two_months, "agreement.changed")
    tax = found["tax", "standard"]
    assert (tax["rate_before"], tax["rate_after"]) == ("20", "25")
    (rate,) = positions(two_months, "tax_rate.changed")
    (group,) = told["taxes"]
    assert ([each["position"] for each in group["said"]], group["since"]) == ([rate], "2026-02-01")


def test_the_first_invoice_has_none_to_compare_it_with(two_months: Caller) -> None:
    told = two_months.read("/invoices/INV-1/explain")
    assert told["changes"] is None
    assert "There is no earlier invoice in this currency to compare it with." in texts(told)


def test_it_is_told_in_plain_sentences_each_about_a_part(two_months: Caller) -> None:
    told = two_months.read("/invoices/INV-2/explain")
    assert told["language"] == "en"
    said = texts(told)
    for sentence in (
        "Line 1: Internet, 1 February 2026 to 14 February 2026: €15.50.",
        "This was agreed from 1 January 2026 on: 1 at €31.00 a month.",
        "Only 14 of the 28 days are charged.",
        "This was agreed from 15 February 2026 on: 1 at €62.00 a month.",
        "Internet comes to €46.50 after €31.00: €15.50 more.",
        "The price has changed.",
        "Discount ten takes nothing off this invoice: €3.51 more.",
        "The rate of tax has changed from 20% to 25%.",
        "This rate has applied since 1 February 2026.",
    ):
        assert sentence in said
    for sentence in told["sentences"]:
        part = told
        for step in sentence["about"].split("/")[1:]:
            part = part[int(step)] if isinstance(part, list) else part[step]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("da", "Momssatsen er ændret fra 20 % til 25 %."),
        ("de", "Der Steuersatz hat sich von 20 % auf 25 % geändert."),
        ("es", "El tipo del impuesto ha cambiado del 20 % al 25 %."),
        ("el", "Ο φορολογικός συντελεστής άλλαξε από 20% σε 25%."),  # noqa: RUF001 - Greek
        ("et", "Maksumäär on muutunud: enne 20%, nüüd 25%."),
    ],
)
def test_in_six_languages(two_months: Caller, language: str, sentence: str) -> None:
    told = two_months.read("/invoices/INV-2/explain", language=language)
    assert told["language"] == language
    assert sentence in [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(told)]


def test_another_language_is_refused_and_the_customers_own_counts(two_months: Caller) -> None:
    assert problem(two_months.get("/invoices/INV-1/explain", language="fr"))[0] == 400
    head = two_months.tell(("customer.changed", {"locale": "de-AT"}), customer="ann", at=MARCH)["events"][-1]
    told = two_months.read("/invoices/INV-1/explain", min_position=head["position"])
    assert told["language"] == "de"
    two_months.tell(("customer.changed", {"locale": "fr"}), customer="ann", at=MARCH)
    assert two_months.read("/invoices/INV-1/explain", min_position=head["position"] + 1)["language"] == "en"


def test_a_second_persons_decision_is_told_with_its_authority(live: Live, book: Caller) -> None:
    caller = open_book(live, book.client)
    policy = discount_policy(
        {"role": "agent", "percent": "5"},
        {"role": "lead", "percent": "50", "approves": True},
        from_="2020-01-01",
    )
    changed = caller.tell(policy)["events"][0]["position"]
    caller.tell(("customer.opened", {"currency": "EUR"}), at=AT)
    _, agent = live.key("post", book=caller.book, principal="ann-agent", role="agent")
    _, lead = live.key("post", book=caller.book, principal="lou-lead", role="lead")
    Caller(live, live.client(agent), caller.book).tell(percent_off("x", "20"), at=AT)
    Caller(live, live.client(lead), caller.book).tell(approve("x"), at=AT)
    caller.tell(charge("c1", 1000), at=AT)
    head = caller.tell(issue(), at=AT)["events"][-1]["position"]
    told = caller.read("/invoices/INV-1/explain", min_position=head)
    (discount,) = told["discounts"]
    steps = [(each["kind"], each["principal"], each["role"], each["policy"]) for each in discount["steps"]]
    assert steps == [
        ("requested", "ann-agent", "agent", changed),
        ("approved", "lou-lead", "lead", changed),
        ("granted", "lou-lead", "lead", changed),
    ]
    assert discount["steps"][0]["exceeds"] == "percent"
    about = [each["text"] for each in told["sentences"] if each["about"] == "/discounts/0"]
    assert about == [
        "Discount x is 20% and takes off €2.00 in all.",
        "ann-agent asked for it on January 2, 2026. It is more than one person may grant alone.",
        "lou-lead approved it on January 2, 2026 in the role lead, "
        "by the rules in force since January 1, 2020.",
    ]


def test_a_void_invoice_is_told_and_never_compared_with(live: Live, book: Caller) -> None:
    caller = open_book(live, book.client)
    caller.tell(("customer.opened", {"currency": "EUR"}), at=AT)
    for number in (1, 2):
        caller.tell(charge(f"c{number}", 100 * number), at=AT)
        caller.tell(issue(), at=AT)
    before = caller.read("/invoices/INV-2/explain", min_position=caller.head)["changes"]
    caller.tell(void("INV-1"), at=AT)
    caller.tell(issue(), at=AT)
    told = caller.read("/invoices/INV-1/explain", min_position=caller.head)
    assert (told["state"], told["due"], told["settlements"][-1]["kind"]) == ("void", 0, "void")
    hold_sums(told)
    assert caller.read("/invoices/INV-2/explain")["changes"] == before
    assert caller.read("/invoices/INV-3/explain")["changes"]["invoice"] == "INV-2"


def test_what_complaints_hold_follows_a_credit_note_and_its_void(live: Live, book: Caller) -> None:
    caller = open_book(live, book.client)
    caller.tell(("customer.opened", {"currency": "EUR"}), at=AT)
    caller.tell(charge("c1", 1000), at=AT)
    caller.tell(issue(), at=AT)

    def holding() -> list[tuple[str, int]]:
        caller.read("/disputes", min_position=caller.head)
        told = caller.read("/invoices/INV-1/explain")
        (balance,) = caller.read("/customers/alice/balance/explain")["balances"]
        assert balance["invoices"][0]["disputes"] == told["disputes"]
        assert balance["disputed"] == sum(each["amount"] for each in told["disputes"])
        return [(each["dispute"], each["amount"]) for each in told["disputes"]]

    caller.tell(complain("d1", "INV-1", 200), at=AT)
    caller.tell(complain("d2", "INV-1", 300), at=AT)
    assert holding() == [("d1", 200), ("d2", 300)]
    caller.tell(credit("INV-1", (1, 850)), at=AT)
    assert holding() == [("d2", 150)]
    caller.tell(void_note("CN-1"), at=AT)
    assert holding() == [("d1", 200), ("d2", 300)]
    caller.tell(resolve("d1", "upheld", (1, 200)), at=AT)
    assert holding() == [("d2", 300)]

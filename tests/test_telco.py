"""The telco example: the history that the table becomes, and what the ledger makes of it."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import cast

import orjson
import pytest
from examples.telco import history, telco
from tests.api.command import run

from ledger_api.files.mapping import RowMapping

COLUMNS = [
    "customerID",
    "gender",
    "SeniorCitizen",
    "Partner",
    "Dependents",
    "tenure",
    "PhoneService",
    "MultipleLines",
    "InternetService",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
    "Contract",
    "PaperlessBilling",
    "PaymentMethod",
    "MonthlyCharges",
    "TotalCharges",
    "Churn",
]

CONTRACTS = ("Month-to-month", "One year", "Two year")
METHODS = ("Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)")


def cells(number: int, tenure: int, monthly: str, total: str, *, churn: str = "No") -> dict[str, str]:
    """One line of a table like IBM's, made up."""
    plain = dict.fromkeys(COLUMNS, "No")
    internet = ("No", "DSL", "Fiber optic")[number % 3]
    return plain | {
        "customerID": f"{number:04d}-MADEUP",
        "tenure": str(tenure),
        "PhoneService": "Yes",
        "InternetService": internet,
        "OnlineBackup": "No internet service" if internet == "No" else "Yes",
        "Contract": CONTRACTS[number % 3],
        "PaymentMethod": METHODS[number % 4],
        "MonthlyCharges": monthly,
        "TotalCharges": total,
        "Churn": churn,
    }


def table(customers: int = 40) -> list[dict[str, str]]:
    """Forty made-up customers: differences up and down, small totals, some without a total, some churned."""
    rows = []
    for number in range(customers):
        tenure = number % 13
        monthly = 5_000 + 137 * number
        total = monthly * tenure + (number * 379) % 9_000 - 4_500
        text = f"{max(total, tenure) / 100:.2f}" if tenure else " "
        churn = "Yes" if tenure and number % 4 == 1 else "No"
        rows.append(cells(number, tenure, f"{monthly / 100:.2f}", text, churn=churn))
    return rows


@pytest.mark.parametrize(
    ("tenure", "monthly", "total", "expected"),
    [
        (0, 2_000, None, []),
        (1, 2_985, 2_985, [2_985]),
        (3, 2_000, 6_000, [2_000, 2_000, 2_000]),
        (3, 2_000, 6_450, [2_000, 2_000, 2_450]),
        (3, 2_000, 4_001, [2_000, 2_000, 1]),
        (3, 2_000, 4_000, [2_000, 1_999, 1]),
        (4, 2_000, 2_500, [2_000, 498, 1, 1]),
        (3, 2_000, 3, [1, 1, 1]),
    ],
)
def test_the_last_charge_takes_the_difference_and_none_is_below_a_cent(
    tenure: int, monthly: int, total: int | None, expected: list[int]
) -> None:
    assert history.charges(tenure, monthly, total) == expected


@pytest.mark.parametrize(("tenure", "total"), [(3, 2), (0, 100), (5, None)])
def test_a_total_that_no_months_can_make_is_an_error(tenure: int, total: int | None) -> None:
    with pytest.raises(ValueError, match="months"):
        history.charges(tenure, 2_000, total)


def test_cents_are_exact() -> None:
    assert [history.cents(text) for text in ("29.85", "56.9", "70", "8684.8")] == [2985, 5690, 7000, 868480]
    with pytest.raises(ValueError, match="no whole number of cents"):
        history.cents("1.005")


def test_the_months_end_with_the_fixed_last_one() -> None:
    months = history.months(14)
    assert [months[0].name, months[-1].name] == ["2024-11", "2025-12"]
    assert [(month.first, month.last) for month in months[3:5]] == [
        ("2025-02-01", "2025-02-28"),
        ("2025-03-01", "2025-03-31"),
    ]


def test_the_prices_of_the_services_add_up_to_the_monthly_charge() -> None:
    for row in map(history.read_row, table()):
        assert sum(cast(int, service["unit_price"]) for service in row.services) == row.monthly


def test_a_history_charges_the_total_and_pays_each_invoice_but_the_last_of_who_churned() -> None:
    months = history.months()
    for row in map(history.read_row, table()):
        told = [orjson.loads(raw) for raw in history.history(row, months)]
        assert [message["time"] for message in told] == sorted(message["time"] for message in told)
        assert len({message["id"] for message in told}) == len(told)
        types = Counter(message["type"] for message in told)
        assert types["charge.posted"] == types["invoice.issue"] == row.tenure
        assert types["payment.received"] == row.tenure - row.churned
        assert types["customer.closed"] == row.churned
        charged = [message["data"]["net"] for message in told if message["type"] == "charge.posted"]
        paid = [message["data"]["amount"] for message in told if message["type"] == "payment.received"]
        assert sum(charged) == (row.total or 0)
        assert paid == charged[: len(paid)]


def test_the_mapping_file_beside_it_reads_the_same_table() -> None:
    mapping = RowMapping.read(Path(telco.__file__).with_name("customers.toml"))
    made = [orjson.loads(mapped.raw) for row in table() for mapped in mapping.messages(row)]
    types = Counter(message["type"] for message in made)
    assert types == {"customer.opened": 40, "charge.posted": sum(int(row["tenure"]) > 0 for row in table())}
    charged = sum(message["data"]["net"] for message in made if message["type"] == "charge.posted")
    assert charged == sum(history.read_row(row).total or 0 for row in table())


def test_the_ledgers_own_figures_agree_with_the_table(database: str, tmp_path: Path) -> None:
    file = tmp_path / "telco.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(table())
    program = Path(telco.__file__)

    first = run(database, file, program=program)
    assert first.code == 0, first.err
    assert b"agrees to the cent" in first.out
    total = sum(history.read_row(row).total or 0 for row in table())
    assert f"{total / 100:,.2f}\t✓".encode() in first.out

    second = run(database, file, program=program)
    assert second.code == 0
    assert b"0 messages recorded (0 events)" in second.out
    assert b"Nothing is new" in second.out

    rows = table()
    rows[7]["TotalCharges"] = "1.00"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    third = run(database, file, program=program)
    assert third.code == 3
    assert b"key_conflict" in third.out
    assert b"0007-MADEUP: the ledger has" in third.out

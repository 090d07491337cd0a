"""Mapping files: rows of CSV become messages exactly, or a sentence says what is wrong with which line."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import cast

import orjson
import pytest

from ledger_api.files.importing import Line, Unreadable, csv_lines, ndjson_lines
from ledger_api.files.mapping import RowMapping
from ledger_api.files.mapping_values import MappingError, RowError

CHARGES = """
row = "{Ref}"
source = "rating"

[csv]
delimiter = ";"

[[message]]
type = "charge.posted"
subject = "{Customer}"
time = { column = "Date", as = "instant", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }
skip_when_empty = ["Amount"]

[message.data]
charge = "{row}"
currency = "EUR"
net = { column = "Amount", as = "minor", currency = "EUR" }
service = { column = "Kind", values = { A = "line", B = "data" } }
description = { column = "Text", optional = true }
"""


def messages(mapping: str, csv: str) -> list[dict[str, object]]:
    rows = RowMapping(tomllib.loads(mapping))
    made: list[dict[str, object]] = []
    for _, cells in rows.rows(io.StringIO(csv)):
        assert not isinstance(cells, RowError)
        made += [orjson.loads(mapped.raw) for mapped in rows.messages(cells)]
    return made


def value(written: str, cell: str) -> object:
    head = 'row = "1"\nsource = "s"\n[[message]]\ntype = "t"\ntime = "2025-01-01T00:00:00Z"\n'
    mapping = f"{head}data.x = {written}\n"
    (made,) = messages(mapping, f'A\n"{cell}"\n')
    return cast(dict[str, object], made["data"]).get("x", "absent")


def test_a_row_becomes_a_message() -> None:
    made = messages(CHARGES, "Ref;Customer;Date;Amount;Kind;Text\nr1;c1;01.07.2025 00:30;12.5;B;\n")
    assert made == [
        {
            "specversion": "1.0",
            "type": "charge.posted",
            "source": "rating",
            "id": "r1/charge.posted",
            "subject": "c1",
            "time": "2025-06-30T22:30:00Z",
            "data": {"charge": "r1", "currency": "EUR", "net": 1250, "service": "data"},
        }
    ]


def test_a_row_without_the_needed_cell_leads_to_no_message() -> None:
    assert messages(CHARGES, "Ref;Customer;Date;Amount;Kind;Text\nr1;c1;01.07.2025 00:30; ;B;\n") == []


@pytest.mark.parametrize(
    ("written", "cell", "expected"),
    [
        ('{ column = "A", as = "minor", currency = "EUR" }', "29.85", 2985),
        ('{ column = "A", as = "minor", currency = "EUR" }', "29.850", 2985),
        ('{ column = "A", as = "minor", currency = "JPY" }', "29", 29),
        ('{ column = "A", as = "minor", currency = "BHD" }', "0.001", 1),
        ('{ column = "A", as = "minor", currency = "EUR" }', "90071992547409.93", 9007199254740993),
        ('{ column = "A", as = "integer" }', "014", 14),
        ('{ column = "A", as = "decimal" }', "0.0125", "0.0125"),
        ('{ column = "A", as = "date", format = "%d/%m/%y" }', "03/02/25", "2025-02-03"),
        ('{ column = "A", as = "instant" }', "2025-02-03T04:05:06+01:00", "2025-02-03T03:05:06Z"),
        ('{ column = "A", values = { yes = true, no = false } }', "yes", True),
        ('{ column = "A", optional = true }', " ", "absent"),
        ('"{A}-{{x}}"', "a", "a-{x}"),
        ('["{A}", 1]', "a", ["a", 1]),
        ('{ text = "{A}5", as = "integer" }', "4", 45),
        ("2025-02-03", "", "2025-02-03"),
        ("7", "", 7),
    ],
)
def test_values_are_read_exactly(written: str, cell: str, expected: object) -> None:
    assert value(written, cell) == expected


@pytest.mark.parametrize(
    ("written", "cell", "said"),
    [
        ('{ column = "A", as = "minor", currency = "EUR" }', "1.005", "more than 2 decimals"),
        ('{ column = "A", as = "minor", currency = "EUR" }', "1e2", "not written in digits"),
        ('{ column = "A", as = "minor", currency = "EUR" }', "1,000.00", "not written in digits"),
        ('{ column = "A", as = "minor", currency = "EUR" }', "", "not written in digits"),
        ('{ column = "A", as = "minor", currency = "EURO" }', "1", "no currency of ISO 4217"),
        ('{ column = "A", as = "integer" }', "1.0", "not written in digits"),
        ('{ column = "A", as = "date" }', "31.12.2025", "cannot be read as date"),
        ('{ column = "A", as = "money" }', "1", "none of text, integer"),
        ('{ column = "A", as = "instant", zone = "Mars" }', "2025-01-01", "no time zone 'Mars'"),
        ('{ column = "A", values = { yes = true } }', "no", "'no' is not among the values 'yes'"),
        ('{ column = "B" }', "1", "the file has no column 'B', it has 'A'"),
        ('{ column = "A", kind = "x" }', "1", "knows no 'kind'"),
        ("1.5", "", "write exact numbers as text"),
        ('"{A"', "", "do not pair"),
    ],
)
def test_what_cannot_be_followed_is_said(written: str, cell: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        value(written, cell)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ('row = "1"', "has no \\[\\[message\\]\\]"),
        ('row = "1"\n[[message]]\ntype = "t"\ntime = "x"', "t source is missing"),
        ('row = "1"\nsource = "s"\n[[message]]\ntype = "t"', "t time is missing"),
        ('row = "1"\nsource = "s"\nsauce = 1\n[[message]]\ntype = "t"', "knows no 'sauce'"),
        ('source = "s"\n[[message]]\ntype = "t"', "row is missing"),
    ],
)
def test_a_mapping_that_says_too_little_is_refused(mapping: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        RowMapping(tomllib.loads(mapping))


def test_a_row_of_another_length_is_an_error_of_that_row_alone() -> None:
    rows = RowMapping(tomllib.loads(CHARGES)).rows(io.StringIO('Ref;Customer\nr1;c1\n\nr2;c2;x\n"r\n3";c3\n'))
    read = [(line, str(cells) if isinstance(cells, RowError) else cells["Ref"]) for line, cells in rows]
    assert read == [(2, "r1"), (4, "3 cells under a heading of 2"), (6, "r\n3")]


def test_a_file_becomes_lines_and_the_errors_of_its_rows() -> None:
    mapping = RowMapping(tomllib.loads(CHARGES))
    rows = [
        "Ref;Customer;Date;Amount;Kind;Text",
        "r1;c1;01.07.2025 00:30;1;B;ä",
        "r2;c1;yesterday;1;B;",
        "r3",
        "",
    ]
    file = io.BytesIO("\n".join(rows).encode("utf-8-sig"))
    told = list(csv_lines(file, mapping))
    assert isinstance(told[0], Line)
    assert told[0][:2] == (2, "c1")
    errors = [(line.number, str(line.error).split(":")[0]) for line in told if isinstance(line, Unreadable)]
    assert errors == [(3, "charge.posted time"), (4, "1 cells under a heading of 6")]
    assert not file.closed

    latin = io.BytesIO("Ref;Customer;Date;Amount;Kind;Text\nr1;c1;01.07.2025 00:30;1;B;ä\n".encode("latin-1"))
    with pytest.raises(MappingError, match="not written in utf-8-sig"):
        list(csv_lines(latin, mapping))


@pytest.mark.parametrize(
    ("line", "customer"),
    [
        (b'{"type":"charge.posted","subject":"c1"}', "c1"),
        (b'{"type":"book.opened"}', None),
        (b'{"type":"charge.posted"}', ""),
        (b'{"type":1}', ""),
        (b"nonsense", ""),
        (b"\xff", ""),
    ],
)
def test_a_line_says_whose_it_is(line: bytes, customer: str | None) -> None:
    assert [(read.number, read.customer) for read in ndjson_lines(io.BytesIO(b"\n" + line + b"\r\n"))] == [
        (2, customer)
    ]


def test_the_mapping_file_of_the_guide_does_what_the_guide_says() -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/importing.md").read_text(encoding="utf-8")
    mapping, csv = (guide.split(f"```{kind}\n")[1].split("```")[0] for kind in ("toml", "csv"))
    (made,) = messages(mapping, csv)
    assert made["id"] == "B-1001/payment.received"
    assert made["time"] == "2025-03-31T07:15:00Z"
    assert made["data"] == {"payment": "B-1001", "currency": "EUR", "amount": 125_000, "method": "transfer"}
    with pytest.raises(RowError, match="not written in digits"):
        messages(mapping, csv.replace("1250.00", "1.250,00"))

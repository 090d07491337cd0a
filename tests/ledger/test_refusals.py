"""Every code that the ledger refuses with stands in the table, and every code of the table is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ledger import asks
from tests.ledger.table import taxed
from tests.ledger.world import Ask

import ledger
from ledger.errors import Refusal
from ledger.refusals import REFUSALS, STAGES, as_markdown

SOURCE = Path(ledger.__file__).parent
KINDS = {"Refusal", "Malformed", "Conflict", "Unauthorised"}


def trees() -> Iterator[ast.Module]:
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name != "refusals.py":
            yield ast.parse(path.read_text(encoding="utf-8"))


def test_every_code_in_the_source_is_in_the_table() -> None:
    raised = {
        node.args[0].value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in KINDS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised - REFUSALS.keys() == set()


def test_every_code_in_the_table_is_in_the_source() -> None:
    said = {
        node.value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert REFUSALS.keys() - said == set()


def test_the_page_in_the_documentation_is_the_table() -> None:
    """Write it anew with: python -c 'from ledger.refusals import *; print(as_markdown(), end="")' > docs/refusals.md."""
    page = Path(__file__).parents[2] / "docs" / "refusals.md"
    assert page.read_text(encoding="utf-8") == as_markdown()


BILLED = [asks.charge("c1", 100), asks.issue()]
VOID = [*BILLED, asks.void("INV-1")]


@pytest.mark.parametrize(
    ("given", "breaks", "codes"),
    [
        # each message breaks several rules; mended one by one, they answer in the order of refusal
        ([], [("credit_note.issue", {"invoice": "INV-1", "lines": [{"line": 9, "net": 0}], "reason": "r"}),
              asks.credit("INV-1", (9, 1))],
         ["number_out_of_range", "invoice_unknown"]),
        (VOID, [asks.credit("INV-2", (9, 900)), asks.credit("INV-1", (9, 900))], ["invoice_unknown", "invoice_void"]),
        (BILLED, [asks.credit("INV-1", (9, 900)), asks.credit("INV-1", (1, 900))], ["line_unknown", "credit_exceeds_line"]),
        ([asks.hold("p1", 5), *BILLED],
         [("allocation.make", {"source": {}, "invoice": "INV-9", "amount": 900}), asks.allocate("p1", "INV-9", 900),
          asks.allocate("p1", "INV-1", 900)],
         ["source_not_one", "invoice_unknown", "allocation_exceeds_source"]),
        ([asks.pay("p1", 5), asks.refund("r1", 1, "p1")],
         [asks.refund("r1", 0, "p9"), asks.refund("r1", 900, "p9"), asks.refund("r1", 900, "p1"), asks.refund("r2", 900, "p1")],
         ["number_out_of_range", "payment_unknown", "refund_exists", "refund_exceeds_payment"]),
        ([*BILLED, asks.complain("d1", "INV-1", 5)],
         [asks.complain("d1", "INV-9", 900, fee=3), asks.complain("d1", "INV-9", 900), asks.complain("d1", "INV-1", 900),
          asks.complain("d2", "INV-1", 900)],
         ["field_not_allowed", "invoice_unknown", "dispute_exists", "dispute_exceeds_invoice"]),
    ],
)  # fmt: skip
def test_the_order_of_refusal(given: list[Ask], breaks: list[Ask], codes: list[str]) -> None:
    """Shape, then references, then state, then limits [docs/domain.md, Order of refusal; TigerBeetle create_transfer]."""
    world = taxed()
    for ask in given:
        world.post(ask)
    answered = []
    for ask in breaks:
        with pytest.raises(Refusal) as caught:
            world.post(ask)
        answered.append(caught.value.code)
    assert answered == codes
    stages = [STAGES.index(REFUSALS[code].stage) for code in codes]
    assert stages == sorted(stages)

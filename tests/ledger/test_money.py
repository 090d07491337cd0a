"""Money: exact, rounded in one place, split so that nothing is lost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import money
from ledger.tax import cumulated_tax

AMOUNTS = st.integers(0, money.AMOUNT_MAX)
DECIMALS = st.from_regex(r"(0|[1-9][0-9]{0,6})(\.[0-9]{1,6})?", fullmatch=True) | st.integers(0, 10**6)
RATES = st.from_regex(r"(0|[1-9][0-9]?)(\.[0-9]{1,3})?", fullmatch=True)


def half_away(value: Fraction) -> int:
    """The definition: the nearest integer, and of two equally near the one further from zero."""
    whole, rest = divmod(abs(value), 1)
    rounded = int(whole) + (1 if rest >= Fraction(1, 2) else 0)
    return rounded if value >= 0 else -rounded


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**9))
def test_rounding_is_half_away_from_zero(numerator: int, denominator: int) -> None:
    assert money.round_half_away(numerator, denominator) == half_away(Fraction(numerator, denominator))


@given(DECIMALS, DECIMALS)
def test_a_net_is_quantity_times_price_rounded_once(quantity: str | int, price: str | int) -> None:
    assert money.net_of(quantity, price) == half_away(Fraction(quantity) * Fraction(price))


@given(st.integers(-(10**15), 10**15), DECIMALS)
def test_percent_is_exact_before_it_is_rounded(amount: int, percent: str | int) -> None:
    assert money.percent_of(amount, percent) == half_away(amount * Fraction(percent) / 100)


@given(DECIMALS)
def test_equal_decimals_are_written_alike(decimal: str | int) -> None:
    text = money.decimal_text(decimal)
    assert Fraction(text) == Fraction(decimal)
    assert money.decimal_text(f"{text}.0" if "." not in text else f"{text}0") == text


@given(AMOUNTS, st.lists(st.integers(0, 10**12), min_size=1, max_size=12).filter(any))
def test_a_split_adds_up_and_no_part_is_a_unit_off_its_share(amount: int, weights: list[int]) -> None:
    parts = money.split(amount, weights)
    total = sum(weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, total)) < 1
        assert weight or not part


@given(st.integers(0, 10**6), st.integers(1, 10), st.integers(1, 10))
def test_ties_of_a_split_go_by_position(amount: int, weight: int, count: int) -> None:
    parts = money.split(amount, [weight] * count)
    assert parts == sorted(parts, reverse=True)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8), st.data())
def test_no_part_of_less_than_the_whole_passes_its_weight(weights: list[int], data: st.DataObject) -> None:
    """So a discount's share is never more than its line."""
    amount = data.draw(st.integers(0, sum(weights)))
    assert all(part <= weight for part, weight in zip(money.split(amount, weights), weights, strict=True))


def test_what_weighs_nothing_gets_nothing() -> None:
    assert money.split(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="weigh nothing"):
        money.split(1, [0, 0])


@given(RATES, st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_cumulated_tax_of_all_parts_is_the_tax_of_the_whole(rate: str, nets: list[int]) -> None:
    """All credit notes together give exactly the invoice's tax; none of them takes tax back [docs/domain.md, Credit notes]."""
    base = tax = 0
    for net in nets:
        part = cumulated_tax(rate, base, tax, net)
        assert part >= 0
        base, tax = base + net, tax + part
    assert tax == money.percent_of(sum(nets), rate)


@pytest.mark.parametrize(("code", "digits"), [("JPY", 0), ("EUR", 2), ("BHD", 3), ("CLF", 4), ("XTS", None)])
def test_each_currency_has_its_own_exponent(code: str, digits: int | None) -> None:
    assert money.EXPONENTS.get(code) == digits

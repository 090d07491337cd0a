"""Money: integer minor units, and the only places where something is rounded or split.

There are no floats here and no `Decimal`: a quantity, a price or a rate is an exact decimal in text, read as
a numerator over a power of ten. What rounds says so in its name.
"""

from __future__ import annotations

from collections.abc import Sequence

AMOUNT_MAX = 10**15
"""The largest amount in minor units, of one message and of what is computed from it."""

_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_FOUR_DIGITS = "CLF UYW"
_TWO_DIGITS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
    "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
    "USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)

EXPONENTS: dict[str, int] = {
    code: digits
    for digits, codes in ((0, _NO_DIGITS), (2, _TWO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
    for code in codes.split()
}
"""ISO 4217: decimal digits of each currency. Metals, units of account and test codes are no money."""


def ratio(decimal: str | int) -> tuple[int, int]:
    """Read an exact decimal, written as text or as an integer, as numerator and power of ten."""
    if isinstance(decimal, int):
        return decimal, 1
    whole, _, fraction = decimal.partition(".")
    return int(whole + fraction), 10 ** len(fraction)


def decimal_text(decimal: str | int) -> str:
    """Write an exact decimal in the one way that equal decimals share: `25`, `8.1`."""
    text = str(decimal)
    return text.rstrip("0").rstrip(".") if "." in text else text


def round_half_away(numerator: int, denominator: int) -> int:
    """Round a fraction to the nearest integer, a half away from zero (denominator > 0)."""
    if numerator < 0:
        return -round_half_away(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def net_of(quantity: str | int, unit_price: str | int) -> int:
    """Quantity times unit price in minor units, rounded half away from zero."""
    quantity_numerator, quantity_power = ratio(quantity)
    price_numerator, price_power = ratio(unit_price)
    return round_half_away(quantity_numerator * price_numerator, quantity_power * price_power)


def percent_of(amount: int, percent: str | int) -> int:
    """Take so many percent of an amount, rounded half away from zero. With a tax rate: EN 16931 BR-CO-17."""
    numerator, power = ratio(percent)
    return round_half_away(amount * numerator, power * 100)


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount over parts by weight: largest remainder, ties by position. The parts add up exactly.

    Weights are not negative; when all are zero the amount must be zero too.
    """
    total = sum(weights)
    if total == 0:
        if amount:
            raise ValueError(f"{amount} cannot be split over parts that all weigh nothing")
        return [0] * len(weights)
    parts, remainders = [], []
    for place, weight in enumerate(weights):
        part, remainder = divmod(amount * weight, total)
        parts.append(part)
        remainders.append((-remainder, place))
    for _, place in sorted(remainders)[: amount - sum(parts)]:
        parts[place] += 1
    return parts

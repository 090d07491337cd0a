"""What a benchmark says: a median, and its ratio to the bar measured in the same run."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import NamedTuple

import orjson
from rich.console import Console
from rich.table import Table


class Figure(NamedTuple):
    """One line of the table.

    `value` is a median in `unit`; `bar` names what it is held against, `ratio` is value over bar (or bar
    over value where less is better), and `goal` the ratio or the value to reach, None where there is none.
    """

    name: str
    value: float
    unit: str
    bar: str = ""
    ratio: float | None = None
    goal: float | None = None


def median(rounds: int, measure: Callable[[], float]) -> float:
    """Measure several times and take the middle: a benchmark on a shared machine has outliers both ways."""
    return statistics.median(measure() for _ in range(rounds))


class Bar(NamedTuple):
    """What a rate is held against: a name, its own rate, and the share of it to reach."""

    name: str
    value: float
    goal: float | None = None


def against(name: str, value: float, unit: str, bar: Bar) -> Figure:
    """Hold a rate against its bar."""
    return Figure(name, value, unit, bar.name, value / bar.value, bar.goal)


def show(figures: list[Figure], *, as_json: bool) -> None:
    """Print the figures as a table, or as JSON for programs."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([figure._asdict() for figure in figures]) + b"\n")
        return
    table = Table(title="Medians, and ratios within this run")
    for column in ("what", "median", "unit", "against", "ratio", "goal", ""):
        table.add_column(column, justify="right" if column in ("median", "ratio", "goal") else "left")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:,.2f}"
        goal = "" if figure.goal is None else f"{figure.goal:,.2f}"
        verdict = ""
        if figure.goal is not None and figure.ratio is not None:
            verdict = "reached" if figure.ratio >= figure.goal else "missed"
        table.add_row(figure.name, f"{figure.value:,.1f}", figure.unit, figure.bar, ratio, goal, verdict)
    Console(width=150).print(table)

"""How far something long has come: a bar with its rate and the time left, on standard error.

Nothing is shown where nobody watches (no terminal), so output that is piped or logged stays clean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class Rate(ProgressColumn):
    """How many a second, of what is counted apart from what the bar measures."""

    def render(self, task: Task) -> Text:
        """Render the rate."""
        counted, elapsed = int(task.fields["counted"]), task.elapsed or 0
        rate = f"{counted / elapsed:,.0f} {task.fields['unit']}/s" if elapsed else ""
        return Text(f"{counted:,} {task.fields['unit']}  {rate}", style="progress.data.speed")


class Bar:
    """A bar under way: `advance` moves it, `count` counts what its rate is of."""

    def __init__(self, progress: Progress, description: str, total: float | None, unit: str) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total, unit=unit, counted=0)
        self._counted = 0

    def advance(self, amount: float) -> None:
        """Move on by so much."""
        self._progress.update(self._task, advance=amount)

    def move_to(self, amount: float) -> None:
        """Move to so much."""
        self._progress.update(self._task, completed=amount)

    def count(self, number: int) -> None:
        """Count so many more; may be called from any thread."""
        self._counted += number
        self._progress.update(self._task, counted=self._counted)


@contextmanager
def bar(description: str, total: float | None, unit: str = "messages") -> Iterator[Bar]:
    """Show a bar while something runs; without a total, how much is left is not known."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress, description, total, unit)

"""Three accounting programs that we did not write, and how each is asked to check a journal and to add it up.

beancount is a Python package and always there. hledger and ledger are programs of the system, and so is Go,
which reads the signed log (`test_log.py`): where they are not installed, what they would do is left out, and
the report of the test run says so at its head. `.ci/run` installs them, and names them in
LEDGER_TEST_PROGRAMS: then a program that is missing fails the run.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from beancount import loader
from beancount.core import data, realization
from beancount.ops import summarize

from ledger.money import EXPONENTS
from ledger_api.files.journals import Clock, Program

Sums = Counter[tuple[str, str]]
"""By account, as the journal names it, and currency: minor units."""

CLOCKS: tuple[Clock, ...] = ("occurred", "recorded")


class Foreign(ABC):
    """A program that reads a journal."""

    name: Program

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    def complaint(self, journal: Path) -> str:
        """Tell what the program finds wrong with a journal; nothing is the empty text."""

    @abstractmethod
    def balances(self, journals: dict[Clock, Path], day: date, clock: Clock) -> Sums:
        """Let it add up what is dated on a day or before, by one of the clocks."""


class _Installed(Foreign):
    """A program of the system, which reads one journal with both dates."""

    def _run(self, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.name, *map(str, arguments)], input=given, capture_output=True, text=True, check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}, timeout=300,
        )  # fmt: skip

    def _lines(self, *arguments: str | Path, given: str = "") -> list[str]:
        ran = self._run(*arguments, given=given)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()


class Hledger(_Installed):
    """https://hledger.org."""

    name = "hledger"

    def complaint(self, journal: Path) -> str:
        ran = self._run("-f", journal, "check")
        return ran.stderr if ran.returncode else ""

    def balances(self, journals: dict[Clock, Path], day: date, clock: Clock) -> Sums:
        by = ["--date2"] if clock == "recorded" else []
        return self._sums(["-f", str(journals["occurred"]), *by, *_upto(day)])

    def both(self, journal: Path, occurred: date, recorded: date) -> Sums:
        """Let it add up what was recorded on one day or before, of what occurred on another or before."""
        known = self._lines("-f", journal, "print", "--date2", *_upto(recorded))
        return self._sums(["-f", "-", "--ignore-assertions", *_upto(occurred)], given="\n".join(known))

    def _sums(self, arguments: list[str], given: str = "") -> Sums:
        lines = self._lines(
            "balance", "-N", "--flat", "-O", "csv", "--layout", "bare", *arguments, given=given
        )
        sums = Sums()
        for row in csv.DictReader(lines):
            sums[row["account"], row["commodity"]] += _minor(Decimal(row["balance"]), row["commodity"])
        return sums


def _upto(day: date) -> list[str]:
    """Both programs leave out the end of what they are asked for."""
    return ["-e", (day + timedelta(days=1)).isoformat()]


class Ledger(_Installed):
    """https://ledger-cli.org."""

    name = "ledger"

    def complaint(self, journal: Path) -> str:
        ran = self._run("-f", journal, "balance")
        return ran.stderr if ran.returncode else ""

    def balances(self, journals: dict[Clock, Path], day: date, clock: Clock) -> Sums:
        by = ["--effective"] if clock == "recorded" else []
        sums = Sums()
        for currency in ("EUR", "JPY"):
            lines = self._lines(
                "-f", journals["occurred"], "balance", "--flat", "--no-total", *by, *_upto(day),
                "-l", f'commodity == "{currency}"',
                "--balance-format", "%(account)\t%(quantity(display_total))\n",
            )  # fmt: skip
            for line in lines:
                account, amount = line.split("\t")
                sums[account, currency] += _minor(Decimal(amount), currency)
        return sums


class Beancount(Foreign):
    """https://beancount.github.io; it knows one date, so it reads a journal of each clock."""

    name = "beancount"

    def complaint(self, journal: Path) -> str:
        _, errors, _ = loader.load_file(str(journal))
        return "\n".join(error.message for error in errors)

    def balances(self, journals: dict[Clock, Path], day: date, clock: Clock) -> Sums:
        entries = _loaded(journals[clock], journals[clock].stat().st_mtime_ns)
        sums = Sums()
        until = summarize.truncate(entries, day + timedelta(days=1))
        root: realization.RealAccount = realization.realize(until)  # type: ignore[no-untyped-call]
        for account in realization.iter_children(root):  # type: ignore[no-untyped-call]
            for position in account.balance:
                assert position.units.number is not None
                currency = position.units.currency
                sums[account.account, currency] += _minor(position.units.number, currency)
        return sums


@cache
def _loaded(journal: Path, _: int) -> data.Directives:
    entries, errors, _options = loader.load_file(str(journal))
    assert not errors, errors
    return entries


def _minor(amount: Decimal, currency: str) -> int:
    minor = amount.scaleb(EXPONENTS[currency])
    assert minor == int(minor)
    return int(minor)


ALL: tuple[Foreign, ...] = (Beancount(), Hledger(), Ledger())
GO_PATH = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts golang.org/x/mod, whose sumdb reads transparency logs."""
GO_IS_THERE = shutil.which("go") is not None and (GO_PATH / "src/golang.org/x/mod/sumdb/tlog").is_dir()
MISSING: list[str] = [
    *(each.name for each in ALL if isinstance(each, _Installed) and shutil.which(each.name) is None),
    *(["go"] if not GO_IS_THERE else []),
]
DEMANDED = os.environ.get("LEDGER_TEST_PROGRAMS", "").split()
FOUND = [each for each in ALL if each.name not in MISSING]
"""The accounting programs that are there."""

"""Letters to customers, in their own language: the words of each stand in one file."""

from __future__ import annotations

from typing import NamedTuple

from ledger_api.tongue import Tongue

WORDS = "ledger_api.letters"
"""The package that has the words, a file for each language."""


class Letter(NamedTuple):
    """What is sent by mail."""

    subject: str
    text: str


def code_letter(locale: str, zone: str, code: str) -> Letter:
    """Write the letter that brings a one-time code."""
    tongue = Tongue(WORDS, None, locale, zone)
    return Letter(
        tongue.say("code_subject"), f"{tongue.say('code', code=code)} {tongue.say('tell_nobody')}\n"
    )

"""The limits: their names, their bounds, and how the environment sets them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ledger.errors import ConfigurationError
from ledger.settings import PREFIX, Settings, read_settings

UNITS = ("bytes", "messages", "events", "rows", "seconds", "days", "readers", "keys", "streams", "documents")


def test_without_a_word_in_the_environment_the_defaults_are_in_force() -> None:
    assert read_settings({}) == Settings()


@pytest.mark.parametrize("name", [limit.name for limit in fields(Settings)])
def test_each_limit_names_its_unit_and_says_what_it_is_for(name: str) -> None:
    limit = Settings.__dataclass_fields__[name]
    assert any(unit in name.split("_") for unit in UNITS), name
    assert limit.metadata["why"].endswith(".")
    assert limit.metadata["least"] <= limit.default <= limit.metadata["most"]


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("BATCH_MESSAGES_MAX", "500", "batch_messages_max", 500),
        ("BODY_BYTES_MAX", "2_000_000", "body_bytes_max", 2_000_000),
        ("KEY_CACHE_SECONDS", "0.5", "key_cache_seconds", 0.5),
        ("KEY_CACHE_SECONDS", "0", "key_cache_seconds", 0),
    ],
)
def test_the_environment_sets_a_limit(variable: str, text: str, name: str, value: float) -> None:
    assert getattr(read_settings({PREFIX + variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("BATCH_MESSAGES_MAX", "many", "BILLING_LEDGER_BATCH_MESSAGES_MAX='many' is not a whole number"),
        ("BATCH_MESSAGES_MAX", "1.5", "is not a whole number"),
        ("BATCH_MESSAGES_MAX", "", "is not a whole number"),
        ("BATCH_MESSAGES_MAX", "0", "must be a whole number from 1 to 100_000"),
        ("KEY_CACHE_SECONDS", "nan", "must be a number from 0 to 3_600"),
        ("KEY_CACHE_SECONDS", "-1", "must be a number from 0 to 3_600"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(variable: str, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_settings({PREFIX + variable: text})

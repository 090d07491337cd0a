"""The command line: what it prints, for people and for programs, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from ledger.errors import ConfigurationError, IntegrityError, LedgerError, Refusal, Unavailable
from ledger_api.cli import COMMANDS, exit_code
from ledger_api.keys import SCOPES

PROGRAM = [sys.executable, "-c", "import sys; from ledger_api.cli import main; sys.exit(main())"]


class Done:
    """How a command line ended."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DATABASE"))}
        done = subprocess.run(
            [*PROGRAM, *arguments], env={**kept, **environment}, capture_output=True, text=True, check=False
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self) -> object:
        return json.loads(self.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_tells_how_it_is_used(command: str) -> None:
    done = Done(command, "--help")
    assert done.code == 0
    assert "--json" in done.out or "COMMAND" in done.out or command == "psql"


def test_the_help_lists_every_command_and_the_exit_codes() -> None:
    done = Done("--help")
    for command in COMMANDS:
        assert f"\n  {command} " in done.out
    assert "Exit codes: 0 done" in done.out


def test_the_version_is_told_without_touching_anything() -> None:
    done = Done("--version", DATABASE_URL="nonsense", BILLING_LEDGER_HOME="/dev/null")
    assert (done.code, done.out) == (0, "billing-ledger 0.1.0\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LedgerError("x"), 1),
        (Refusal("currency_mismatch", "x"), 3),
        (ConfigurationError("x"), 4),
        (Unavailable("x"), 4),
        (IntegrityError("x"), 5),
    ],
)
def test_the_exit_code_says_what_kind_of_failure_it_was(error: LedgerError, code: int) -> None:
    assert exit_code(error) == code


def test_a_failure_is_one_line_on_standard_error_and_json_when_asked_for() -> None:
    plain = Done("status", DATABASE_URL="postgres://u:secret@127.0.0.1:1/d")
    assert plain.code == 4
    assert plain.out == ""
    assert plain.err.startswith("billing-ledger: cannot connect to d on 127.0.0.1:1")
    assert plain.err.count("\n") == 1
    asked = Done("status", "--json", DATABASE_URL="postgres://u:secret@127.0.0.1:1/d")
    assert json.loads(asked.err)["error"]["code"] == "ConfigurationError"
    assert "secret" not in plain.err + asked.err


@pytest.mark.parametrize("arguments", [["nonsense"], ["migrate", "--nonsense"], ["key", "create"]])
def test_wrong_use_of_the_command_line_ends_with_2(arguments: list[str]) -> None:
    done = Done(*arguments)
    assert done.code == 2
    assert "Usage:" in done.err


def test_the_help_about_keys_names_every_scope() -> None:
    help_ = Done("key", "create", "--help").out
    assert [scope for scope in SCOPES if scope not in help_] == []


def test_migrating_twice_has_nothing_left_to_do(database: str) -> None:
    assert Done("migrate", "--json", DATABASE_URL=database).json == []
    assert "nothing to apply" in Done("migrate", DATABASE_URL=database).out
    states = Done("migrate", "status", "--json", DATABASE_URL=database).json
    assert isinstance(states, list)
    assert {state["state"] for state in states} == {"applied"}


def test_a_book_is_opened_once_and_listed(database: str) -> None:
    opened = [
        "book",
        "open",
        "acme",
        "--name",
        "Acme GmbH",
        "--currency",
        "EUR",
        "--time-zone",
        "Europe/Berlin",
    ]
    first = Done(*opened, "--principal", "ada", "--json", DATABASE_URL=database)
    assert first.code == 0, first.err
    again = Done(*opened, "--json", DATABASE_URL=database)
    assert again.code == 3
    assert json.loads(again.err)["error"]["code"] == "book_exists"
    listed = Done("book", "list", "--json", DATABASE_URL=database).json
    assert isinstance(listed, list)
    assert [
        (row["book"], row["name"], row["currency"], row["time_zone"], row["position"]) for row in listed
    ] == [("acme", "Acme GmbH", "EUR", "Europe/Berlin", 1)]
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT principal FROM ledger.event").fetchall() == [("ada",)]
    status = Done("status", "--json", DATABASE_URL=database).json
    assert isinstance(status, dict)
    assert [(row["book"], row["position"]) for row in status["books"]] == [("acme", 1)]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["book", "open", "a b", "--name", "A", "--currency", "EUR"], "book_malformed"),
        (["book", "open", "a", "--name", "A", "--currency", "EUX"], "currency_unknown"),
    ],
)
def test_a_refusal_is_named_and_nothing_is_recorded(database: str, arguments: list[str], code: str) -> None:
    done = Done(*arguments, "--json", DATABASE_URL=database)
    assert done.code == 3
    assert json.loads(done.err)["error"]["code"] == code
    assert Done("book", "list", "--json", DATABASE_URL=database).json == []


def test_a_key_is_shown_once_kept_as_a_hash_and_revoked_for_good(database: str) -> None:
    made = Done(
        "key", "create", "crm", "--scope", "post", "--source", "crm/*", "--json", DATABASE_URL=database
    ).json
    assert isinstance(made, dict)
    listed = Done("key", "list", DATABASE_URL=database)
    assert made["id"] in listed.out
    assert made["key"] not in listed.out
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT id FROM ledger.api_key WHERE hash = sha256(%s)", (made["key"].encode(),)
        )
        assert found.fetchall() == [(made["id"],)]
    assert Done("key", "revoke", made["id"], DATABASE_URL=database).code == 0
    assert Done("key", "revoke", made["id"], DATABASE_URL=database).code == 1


def test_psql_reads_as_the_service_and_passes_on_how_it_ended(database: str) -> None:
    asked = Done("psql", "-At", "-c", "SELECT current_user", DATABASE_URL=database)
    assert asked.out.strip() == "ledger_service"
    wrote = Done("psql", "--", "-c", "CREATE SCHEMA mine", DATABASE_URL=database)
    assert wrote.code == 1
    assert "read-only transaction" in wrote.err


def test_a_terminated_command_stops_the_embedded_server_on_its_way_out(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen(
        [*PROGRAM, "psql", "--", "-At", "-c", "SELECT 'here'", "-c", "SELECT pg_sleep(60)"],
        env={**os.environ, "BILLING_LEDGER_HOME": str(home), "DATABASE_URL": ""},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert not (home / "postgres" / "data" / "postmaster.pid").exists()

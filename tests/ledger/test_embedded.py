"""The embedded PostgreSQL: shared, private, and alive again after a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from ledger.embedded import Embedded, programs
from ledger.embedded.process import Postmaster, postmaster_of
from ledger.errors import ConfigurationError

USER = """
import sys
from pathlib import Path
from ledger.embedded import Embedded
with Embedded(Path(sys.argv[1])).running() as conninfo:
    print(conninfo, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """Name a data folder with a short path, so that there is a socket."""
    with TemporaryDirectory(prefix="ledger-") as folder:
        yield Path(folder) / "home"


class User:
    """Another process that uses the server of a data folder, until it is told to leave."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def conninfo(self) -> str:
        """Wait until it runs, and tell which conninfo it was given."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate("leave\n", timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


def _postmaster(home: Path) -> Postmaster | None:
    return postmaster_of(home / "postgres" / "data")


def _until(fact: Callable[[], bool], seconds_max: float = 15) -> None:
    deadline = time.monotonic() + seconds_max
    while not fact():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


def _answers(conninfo: str) -> bool:
    try:
        with psycopg.connect(conninfo) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def test_it_starts_answers_and_leaves_nothing_running(home: Path) -> None:
    with Embedded(home).running() as conninfo:
        assert _answers(conninfo)
        assert "password=" not in conninfo
    assert _postmaster(home) is None
    assert not _answers(conninfo)


def test_nobody_else_can_read_the_data_or_the_password(home: Path) -> None:
    with Embedded(home).running():
        assert stat.S_IMODE((home / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "postgres" / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "postgres" / "run").stat().st_mode) == 0o700


def test_without_the_password_nobody_comes_in(home: Path) -> None:
    with Embedded(home).running() as conninfo:
        for host in (None, "127.0.0.1"):
            other = psycopg.conninfo.make_conninfo(
                conninfo, passfile="/dev/null", password="guess", host=host
            )
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(other)


def test_it_listens_on_this_machine_only_and_keeps_what_it_acknowledges(home: Path) -> None:
    with Embedded(home).running() as conninfo, psycopg.connect(conninfo) as connection:
        for name, value in {
            "listen_addresses": "127.0.0.1",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "password_encryption": "scram-sha-256",
        }.items():
            assert connection.execute(f"SHOW {name}").fetchone() == (value,), name
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert methods == [("scram-sha-256",)]
        provider = connection.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert provider == ("b", "C.UTF-8")


def test_two_commands_share_one_server_and_the_last_one_stops_it(home: Path) -> None:
    first, second = User(home), User(home)
    assert first.conninfo() == second.conninfo() != ""
    first.leave()
    assert _postmaster(home) is not None
    second.leave()
    assert _postmaster(home) is None


def test_a_killed_postmaster_is_started_again_and_nothing_acknowledged_is_lost(home: Path) -> None:
    with Embedded(home).running() as conninfo:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        killed = _postmaster(home)
        assert killed is not None
        os.kill(killed.pid, signal.SIGKILL)
        _until(lambda: not killed.alive)
        _until(lambda: _answers(conninfo))
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        assert _postmaster(home) != killed


def test_after_a_kill_of_everything_the_next_command_finds_its_data(home: Path) -> None:
    user = User(home)
    conninfo = user.conninfo()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    killed = _postmaster(home)
    assert killed is not None
    user.kill()
    os.kill(killed.pid, signal.SIGKILL)
    with Embedded(home).running() as again:
        assert again == conninfo
        with psycopg.connect(again) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_killed_user_leaves_nothing_wedged_and_the_next_one_stops_its_server(home: Path) -> None:
    user = User(home)
    conninfo = user.conninfo()
    left = _postmaster(home)
    user.kill()
    with Embedded(home).running() as again:
        assert again == conninfo
        assert _postmaster(home) == left
    assert _postmaster(home) is None


def test_a_cluster_half_made_by_a_killed_initdb_is_made_anew(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: programs.Programs, program: str, *arguments: str | Path) -> str:
        data = Path(arguments[1])
        data.mkdir()
        (data / "PG_VERSION").write_text("18\n")
        raise KeyboardInterrupt(self, program)

    with monkeypatch.context() as patched:
        patched.setattr(programs.Programs, "run", killed)
        with pytest.raises(KeyboardInterrupt):
            Embedded(home).start()
    assert list((home / "postgres").glob("making-*")) != []
    with Embedded(home).running() as conninfo:
        assert _answers(conninfo)
    assert list((home / "postgres").glob("making-*")) == []


def test_a_command_killed_at_any_moment_of_its_first_start_harms_nothing(home: Path) -> None:
    for milliseconds in (150, 250, 350, 450):
        user = User(home)
        time.sleep(milliseconds / 1000)
        user.kill()
    with Embedded(home).running() as conninfo:
        assert _answers(conninfo)
    assert _postmaster(home) is None


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_data_is_refused_and_not_left_running(home: Path, setting: str) -> None:
    with Embedded(home).running():
        pass
    with (home / "postgres" / "data" / "postgresql.auto.conf").open("a") as file:
        file.write(f"{setting} = off\n")
    with pytest.raises(ConfigurationError, match="fsync or full_page_writes off"):
        Embedded(home).start()
    assert _postmaster(home) is None


def test_a_cluster_of_another_major_version_is_refused_with_what_to_do(home: Path) -> None:
    with Embedded(home).running():
        pass
    (home / "postgres" / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        ConfigurationError, match=r"was made by PostgreSQL 17.*export with the version that made it"
    ):
        Embedded(home).start()


def test_a_lost_password_file_is_named_and_not_replaced(home: Path) -> None:
    with Embedded(home).running():
        (home / "password").rename(home / "elsewhere")
    with pytest.raises(ConfigurationError, match="password is missing; put it back"):
        Embedded(home).start()


def test_a_port_that_was_taken_meanwhile_is_replaced_by_another(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Embedded(home).running() as first, psycopg.connect(first) as connection:
        taken = connection.info.port
        other = home.parent / "other"
        monkeypatch.setattr(Embedded, "_port", lambda _: taken)
        with Embedded(other).running() as second:
            assert _answers(second)
            assert str(taken) not in second


def test_a_password_that_is_not_the_clusters_is_named(home: Path) -> None:
    with Embedded(home).running():
        pass
    (home / "password").write_text("*:*:*:postgres:guess\n")
    with pytest.raises(ConfigurationError, match="password is not the password of"):
        Embedded(home).start()
    assert _postmaster(home) is None


def test_what_the_server_says_when_it_does_not_start_is_passed_on(home: Path) -> None:
    with Embedded(home).running():
        pass
    with (home / "postgres" / "data" / "postgresql.auto.conf").open("a") as file:
        file.write("no_such_setting = on\n")
    with pytest.raises(ConfigurationError, match=r"does not start: .*no_such_setting"):
        Embedded(home).start()


def test_a_folder_with_a_long_name_works_without_a_socket(home: Path) -> None:
    with Embedded(home / ("long" * 30)).running() as conninfo:
        assert "host=127.0.0.1" in conninfo
        assert _answers(conninfo)


def test_a_folder_that_cannot_be_used_is_named(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(ConfigurationError, match=r"the data folder .* cannot be used"):
        Embedded(home).start()


@pytest.mark.parametrize("reachable", [True, False])
def test_where_root_has_no_namespaces_it_drops_to_an_unprivileged_account(
    home: Path, reachable: bool, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if os.geteuid() != 0:
        assert programs.prepare(_made(home))[0].account is None
        return
    home.parent.chmod(0o755 if reachable else 0o700)
    monkeypatch.setattr(programs, "namespaces_work", lambda: False)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(programs, "ELSEWHERE", elsewhere)
    for folder in (elsewhere, *elsewhere.parents):
        if (
            folder.stat().st_mode & stat.S_IXOTH
        ):  # pytest's own are root's alone; that of all users is left alone
            break
        folder.chmod(0o755)
    with Embedded(home).running() as conninfo:
        assert _answers(conninfo)
        data = (home / "postgres").resolve() / "data"
        assert data.stat().st_uid == programs.unprivileged_account().pw_uid
        assert data.is_relative_to(home.resolve()) is reachable
    assert postmaster_of(data) is None


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder

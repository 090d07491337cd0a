"""The cluster of the embedded PostgreSQL: how it is made, how it is set, and what it must not be."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from ledger.embedded.programs import Programs
from ledger.errors import ConfigurationError

SUPERUSER = "postgres"


class Setting(NamedTuple):
    """One setting of the server, and why it is so."""

    name: str
    value: str
    why: str


SETTINGS = (
    Setting(
        "listen_addresses", "127.0.0.1", "This server has no TLS: nobody but this machine may talk to it."
    ),
    Setting("unix_socket_permissions", "0700", "Nor anybody else on this machine, through its socket."),
    Setting("max_connections", "60", "A few processes with a small pool each; a connection costs memory."),
    Setting("effective_cache_size", "1GB", "What the planner may expect the operating system to cache."),
    Setting("work_mem", "32MB", "A fold groups thousands of rows in memory; few of them run at once."),
    Setting("maintenance_work_mem", "256MB", "A rebuild makes its indexes at the end."),
    Setting("synchronous_commit", "on", "What was acknowledged is on disk."),
    Setting(
        "max_wal_size", "4GB", "Bulk loads run long before a checkpoint; it bounds the disk used by WAL."
    ),
    Setting("min_wal_size", "256MB", "Segments are used again instead of being made anew."),
    Setting("checkpoint_timeout", "15min", "Fewer full page images; bounds how long recovery takes."),
    Setting("wal_buffers", "16MB", "A whole batch of events fits."),
    Setting("random_page_cost", "1.1", "Disks are solid state."),
    Setting(
        "jit", "off", "Our statements are short, or bound by I/O: compiling them costs more than it saves."
    ),
    Setting(
        "autovacuum_vacuum_insert_scale_factor", "0.05", "The log only grows: keep its visibility map fresh."
    ),
    Setting("autovacuum_naptime", "5s", "Commands are short: what one brought, it sees to before it ends."),
    Setting("timezone", "UTC", "Instants are shown in UTC."),
    Setting("log_timezone", "UTC", "In the server's log too."),
    Setting("log_line_prefix", "%m [%p] %a ", "When, which process, and which part of the ledger it served."),
    Setting("log_min_duration_statement", "2s", "What is slow is worth a line."),
    Setting("log_lock_waits", "on", "So is who waits for a lock."),
    Setting("cluster_name", "billing-ledger", "Shown in the list of processes."),
)


SHARED_BUFFERS_MAX = 2 << 30
"""Bytes of events and read models that the server keeps at hand, where there is four times as much memory."""
_MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container says how much memory it may have: of control groups in version 2, and in version 1."""


def start_options(data: Path, sockets: Path, port: int) -> list[str]:
    """Tell the arguments that `postgres` starts with."""
    wanted = {setting.name: setting.value for setting in SETTINGS}
    wanted["port"] = str(port)
    wanted["shared_buffers"] = f"{min(SHARED_BUFFERS_MAX, _memory() // 4) >> 20}MB"
    wanted["unix_socket_directories"] = str(sockets) if socket_fits(sockets, port) else ""
    if _small_shared_memory():
        wanted["dynamic_shared_memory_type"] = "mmap"  # parallel queries would run out of /dev/shm
    return ["-D", str(data), *(part for name, value in wanted.items() for part in ("-c", f"{name}={value}"))]


def socket_fits(sockets: Path, port: int) -> bool:
    """Tell whether the path of the socket is one that the kernel takes (it cuts at about 104 bytes)."""
    return len(os.fsencode(sockets / f".s.PGSQL.{port}")) < 100 and "," not in str(sockets)


def _memory() -> int:
    """Tell how many bytes of memory there are for us."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in map(Path, _MEMORY_LIMITS):
        limit = file.read_text(encoding="ascii").strip() if file.exists() else "max"
        memory = min(memory, int(limit) if limit.isdecimal() else memory)
    return memory


def _small_shared_memory() -> bool:
    """Tell whether /dev/shm is as small as containers have it (64 MiB)."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108 - not a temporary file: PostgreSQL's shared memory lives there
    except OSError:
        return False
    return room.f_frsize * room.f_blocks < 256 * 2**20


def ensure_password(file: Path) -> str:
    """Read the superuser's password, or make one; kept as a libpq passfile that only we can read."""
    if file.exists():
        return file.read_text(encoding="ascii").strip().rpartition(":")[2]
    password = secrets.token_urlsafe(32)
    write_private(file, f"*:*:*:{SUPERUSER}:{password}\n")
    return password


def write_private(file: Path, text: str) -> None:
    """Write a file that only we can read: at once or not at all, and on disk before we go on."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as half:
        half.write(text)
        half.flush()
        os.fsync(half.fileno())
    Path(name).replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ensure_cluster(programs: Programs, place: Path, password: str) -> Path:
    """Find the cluster in its place, or make it; half-made ones, of processes that were killed, go.

    `initdb` works in a folder beside it that gets the name only when it is whole.
    """
    data = place / "data"
    for half in place.glob("making-*"):
        shutil.rmtree(half, ignore_errors=True)
    if not (data / "PG_VERSION").exists():
        _make_cluster(programs, place, data, password)
    _refuse_other_major(programs, data)
    return data


def _make_cluster(programs: Programs, place: Path, data: Path, password: str) -> None:
    if data.exists():
        raise ConfigurationError(
            f"{data} is no PostgreSQL cluster; move it away, or name another data folder"
        )
    making = Path(tempfile.mkdtemp(prefix="making-", dir=place))
    secret = making / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    if programs.account is not None:
        shutil.chown(making, programs.account.pw_uid)
        shutil.chown(secret, programs.account.pw_uid)
    programs.run(
        "initdb",
        *(
            "--pgdata",
            making / "data",
            "--username",
            SUPERUSER,
            "--pwfile",
            secret,
            "--auth",
            "scram-sha-256",
        ),
        *(
            "--encoding",
            "UTF8",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
            "--locale",
            "C",
        ),
        "--data-checksums",
    )
    (making / "data").rename(data)
    sync_folder(place)
    shutil.rmtree(making)


def _refuse_other_major(programs: Programs, data: Path) -> None:
    held = int((data / "PG_VERSION").read_text(encoding="ascii"))
    if held != programs.major:
        raise ConfigurationError(
            f"{data} was made by PostgreSQL {held}, and this billing-ledger brings {programs.major}: "
            f"export with the version that made it and import here, or run pg_upgrade"
        )

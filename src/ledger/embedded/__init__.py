"""The embedded PostgreSQL: a real server of our own, in a folder, without anything to install.

    with Embedded().running() as conninfo:
        ...

The first user starts it, everybody who names the same folder shares it, the last one to leave stops it.
"""

from ledger.embedded.server import HOME_VARIABLE, Embedded

__all__ = ["HOME_VARIABLE", "Embedded"]

"""`python -m ledger_migrations [status | --dry-run]`: migrate the database that DATABASE_URL or PG* names."""

from __future__ import annotations

import argparse
import os
import sys

import psycopg

from ledger_migrations import MigrationError, apply, status


def main() -> int:
    """Run the command; exit code 0 when done, 1 when the database could not be reached or migrated."""
    parser = argparse.ArgumentParser(prog="python -m ledger_migrations", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["apply", "status"], default="apply")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be applied")
    arguments = parser.parse_args()
    conninfo = os.environ.get("DATABASE_URL", "")
    try:
        if arguments.command == "status":
            for row in status(conninfo):
                print(f"{row.name}  {row.state}  {row.applied_at or ''}".rstrip())
        else:
            for done in apply(conninfo, dry_run=arguments.dry_run):
                print(
                    f"{done.name}  would be applied"
                    if done.seconds is None
                    else f"{done.name}  {done.seconds:.3f} s"
                )
    except (MigrationError, psycopg.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

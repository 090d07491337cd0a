"""What a fault of ours shows itself as, in the code or in what is stored.

Where work for many goes on in one place (the writer's thread, the deadlines of all books), a fault costs what
it is in and nothing else: there, and nowhere else, these are caught, and logged with their trace.
"""

from __future__ import annotations

import msgspec
import psycopg

from ledger.errors import LedgerError

DEFECTS: tuple[type[Exception], ...] = (
    LedgerError,
    psycopg.Error,
    msgspec.MsgspecError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    ReferenceError,
    RuntimeError,
    StopIteration,
    SystemError,
    TypeError,
    ValueError,
)
"""What asks a process to stop is none of these."""

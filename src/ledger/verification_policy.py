"""The policy of verification: by which methods a caller may prove who they are, and how often they may try.

Here are its shapes, as they stand in `policy.changed`; `verification.py` judges by them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Method = Literal["one_time_code", "call_back", "password", "document_number"]
"""A code sent to the contact on record; a call back to the number on record; a password of the customer's
own; the number of a document that was seen before. What others may know of somebody (a birthday, an address,
the last invoice) is no method: biographical questions alone never suffice."""
ATTEMPTS_MAX = 20
"""The most failed attempts that a policy may allow within its window."""
Attempts = Annotated[int, msgspec.Meta(ge=1, le=ATTEMPTS_MAX)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How callers are verified. So many failures within the window, by whomever, lock the customer."""

    methods: Annotated[list[Method], msgspec.Meta(min_length=1)]
    attempts_max: Attempts = 5
    within_minutes: Minutes = 60
    code_minutes: Minutes = 10
    valid_minutes: Minutes = 30

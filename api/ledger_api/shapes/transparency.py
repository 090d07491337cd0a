"""Shapes of proofs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ledger_api.shapes.base import Shape

Hash = Annotated[str, Field(description="SHA-256, in hexadecimal digits.", pattern="^[0-9a-f]{64}$")]


class Inclusion(Shape):
    """That an event is in the log."""

    position: int = Field(description="Position of the event.", examples=[7])
    index: int = Field(description="Its index in the tree, which counts from 0.", examples=[6])
    size: int = Field(description="Entries of the tree.", examples=[12])
    hashes: list[Hash] = Field(description="From the leaf's sibling up to the root's child.")


class Consistency(Shape):
    """That a later tree extends an earlier one."""

    old: int = Field(description="Entries of the earlier tree.", examples=[5])
    size: int = Field(description="Entries of the later one.", examples=[12])
    hashes: list[Hash] = Field(description="As RFC 6962, section 2.1.2, orders them.")

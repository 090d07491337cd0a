"""Decide: the events of a billing ledger, the rules that lead to them, and the log that keeps them."""

__version__ = "0.1.0"

"""Disputes: how they open, are handled, pass a deadline, and end."""

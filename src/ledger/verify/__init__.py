"""Verifying: everything that can be recomputed from the stored bytes is, and compared with what is stored.

Each pass covers ranges of positions, in as many processes as there are cores, with memory that does not grow
with the log. It trusts no column, no tile and no signature; it trusts SHA-256, and the checkpoints that it is
given from outside.
"""

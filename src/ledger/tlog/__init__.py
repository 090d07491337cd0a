"""The transparency log of a book: what lets somebody who trusts nobody here check that nothing was changed.

It is a Merkle tree (RFC 6962) over the stored bytes of the events. Its formats are those of C2SP, so that
programs that we did not write can read and verify it: signed-note, tlog-checkpoint, tlog-tiles, tlog-proof,
tlog-cosignature and tlog-witness. Here an entry's *index* counts from 0; it is the event's position less one.
"""

-- name: find_snapshots
-- States of these streams that the same rules made.
SELECT stream, version, state FROM ledger.snapshot
WHERE book = %(book)s AND stream = ANY (%(streams)s) AND program = %(program)s;

-- name: streams_behind
-- What came after each state; all of a stream without one. Lateral, so that each is one look at the index.
SELECT s.stream, e.state
FROM unnest(%(streams)s::text[], %(versions)s::bigint[]) AS s (stream, version)
CROSS JOIN LATERAL (
    SELECT version, state FROM ledger.event
    WHERE book = %(book)s AND stream = s.stream AND version > s.version ORDER BY version
) AS e;

-- name: keep_snapshots
-- In the order of the key, so that two writers never wait for each other; never back to an earlier version.
INSERT INTO ledger.snapshot (book, stream, version, program, state)
SELECT %(book)s, n.stream, n.version, %(program)s, n.state
FROM unnest(%(streams)s::text[], %(versions)s::bigint[], %(states)s::bytea[]) AS n (stream, version, state)
ORDER BY n.stream
ON CONFLICT (book, stream) DO UPDATE
SET version = excluded.version, program = excluded.program, state = excluded.state
WHERE ledger.snapshot.version < excluded.version OR ledger.snapshot.program <> excluded.program;

-- name: lazily
-- A lost snapshot costs nothing but time.
SET LOCAL synchronous_commit = off;

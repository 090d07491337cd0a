-- name: head
-- What the log says of its own end.
SELECT position, frontier, recorded_at FROM ledger.head WHERE book = %(book)s;

-- name: beyond
-- Events that nobody should be able to see: behind the head as it is by now.
SELECT e.position, h.position FROM ledger.head AS h JOIN ledger.event AS e ON e.book = h.book
WHERE h.book = %(book)s AND e.position > (SELECT h.position FROM ledger.head AS h WHERE h.book = %(book)s)
ORDER BY e.position LIMIT 100;

-- name: head_apart
-- The head moves when the last event is recorded, and has its time.
SELECT h.position, h.recorded_at::text, e.recorded_at::text
FROM ledger.head AS h JOIN ledger.event AS e ON e.book = h.book AND e.position = h.position
WHERE h.book = %(book)s AND h.recorded_at <> e.recorded_at;

-- name: ahead
-- The first event that was recorded later than now, and by more than clocks may be apart; only looked for where the last one
-- was. What is recorded behind it takes its time along.
SELECT e.position, e.recorded_at::text, clock_timestamp()::text FROM ledger.event AS e
WHERE e.book = %(book)s AND e.position <= %(position)s AND e.recorded_at > clock_timestamp() + %(ahead)s
    AND EXISTS (SELECT FROM ledger.event AS l
        WHERE l.book = %(book)s AND l.position = %(position)s AND l.recorded_at > clock_timestamp() + %(ahead)s)
ORDER BY e.position LIMIT 1;

-- name: by_index
-- Rows are to come in the order of an index, from the first on: sorting would take memory for all of them, and what they
-- are read for would wait; other processes are busy with other rows.
SELECT set_config('enable_sort', 'off', true), set_config('max_parallel_workers_per_gather', '0', true);

-- name: leaves
-- A row for each tile, looked up one after the other: its positions, the bytes and the leaf hashes beside
-- them, and which events take a number of a series; without the bytes where a checkpoint vouches for the leaf and there
-- is no number in them.
SELECT tile.behind, e.*
FROM generate_series(%(after)s::bigint, %(upto)s::bigint - 1, %(tile)s::bigint) AS tile (behind)
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(e.position), '{}'), coalesce(array_agg(e.recorded_at), '{}'),
        coalesce(array_agg(CASE WHEN e.position > %(since)s OR e.numbered THEN e.state END), '{}'),
        coalesce(array_agg(e.leaf), '{}'), coalesce(array_agg(e.numbered), '{}')
    FROM (
        SELECT e.position, e.recorded_at, e.state, e.leaf, e.type IN ('invoice.issued', 'credit_note.issued') AS numbered
        FROM ledger.event AS e
        WHERE e.book = %(book)s AND e.position > tile.behind AND e.position <= least(tile.behind + %(tile)s, %(upto)s)
        ORDER BY e.position
    ) AS e
) AS e;

-- name: out_of_time
-- The first row with a time that no event has: before the first year, after the last one, or never.
SELECT position, occurred_at::text, recorded_at::text FROM ledger.event
WHERE book = %(book)s
    AND (least(occurred_at, recorded_at) < '0001-01-01Z' OR greatest(occurred_at, recorded_at) >= '10000-01-01Z')
ORDER BY position LIMIT 1;

-- name: broken_streams
-- Streams whose versions are not 1, 2, 3 … in the order of their positions: read by the index of versions, so that
-- nothing is sorted however long the log is.
SELECT stream, min(position) FILTER (WHERE version <> place OR position < before), count(*), max(version)
FROM (
    SELECT stream, version, position, row_number() OVER w AS place, lag(position) OVER w AS before
    FROM ledger.event WHERE book = %(book)s AND position <= %(upto)s
    WINDOW w AS (PARTITION BY stream ORDER BY version)
) AS e
GROUP BY stream
HAVING bool_or(version <> place OR position < before)
ORDER BY 2 LIMIT 100;

-- name: share_ends
-- Of a sample of the events, in the order of streams, the stream of every so many: what lies between two of them is about
-- as many events each time. Each is looked up by itself, however the session plans.
WITH sample AS MATERIALIZED (
    SELECT s.stream FROM generate_series(%(step)s::bigint, %(upto)s::bigint, %(step)s::bigint) AS at (position)
    CROSS JOIN LATERAL (
        SELECT e.stream FROM ledger.event AS e WHERE e.book = %(book)s AND e.position = at.position LIMIT 1) AS s
), placed AS (
    SELECT s.stream, row_number() OVER (ORDER BY s.stream) AS place FROM sample AS s
)
SELECT DISTINCT p.stream FROM placed AS p WHERE mod(p.place, %(every)s) = 0 ORDER BY p.stream;

-- name: streams_between
-- The histories of one share of the streams, one after the other: rows without their leaf hashes, the columns in the
-- order of the append. Only of the streams that something happened to since a position.
SELECT book, position, stream, version, type, source, event_id, customer, invoice, currency, amount,
    occurred_at, recorded_at, principal, causation, decision_size, state
FROM ledger.event
WHERE book = %(book)s AND position <= %(upto)s
    AND (%(behind)s::text IS NULL OR stream > %(behind)s::text)
    AND (%(last)s::text IS NULL OR stream <= %(last)s::text)
    AND (%(since)s = 0 OR stream IN (SELECT n.stream FROM ledger.event AS n
        WHERE n.book = %(book)s AND n.position > %(since)s AND n.position <= %(upto)s))
ORDER BY stream, version;

-- name: snapshots_between
-- What the writer would go on from, of a share of the streams: of states that these rules made, up to a position.
SELECT s.stream, s.version, s.state
FROM ledger.snapshot AS s JOIN ledger.event AS e ON e.book = s.book AND e.stream = s.stream AND e.version = s.version
WHERE s.book = %(book)s AND s.program = %(program)s AND e.position <= %(upto)s
    AND (%(behind)s::text IS NULL OR s.stream > %(behind)s::text)
    AND (%(last)s::text IS NULL OR s.stream <= %(last)s::text);

-- name: snapshots_of_nothing
-- Snapshots of a version that the log does not have.
SELECT s.stream, s.version FROM ledger.snapshot AS s
WHERE s.book = %(book)s AND s.program = %(program)s
    AND NOT EXISTS (SELECT FROM ledger.event AS e
        WHERE e.book = s.book AND e.stream = s.stream AND e.version = s.version)
ORDER BY s.stream LIMIT 100;

-- name: book_stream
-- The book's own history.
SELECT state FROM ledger.event WHERE book = %(book)s AND stream = 'book' AND position <= %(upto)s ORDER BY version;

-- name: checkpoints
-- All that was ever signed of a book, up to the position; and what is behind the end of the log. What is signed
-- meanwhile is for the next time.
SELECT c.size, c.root, c.public_key, c.note FROM ledger.checkpoint AS c JOIN ledger.head AS h ON h.book = c.book
WHERE c.book = %(book)s AND (c.size <= %(position)s OR c.size > h.position) ORDER BY c.size, c.signed_at;

-- name: cosignatures
-- What witnesses signed, up to the position, and what is behind the end of the log; and where that is. Each with a checkpoint of
-- that size: whichever key signed that, its text is the same. And when, as it is stored; when there was the checkpoint first;
-- and what time it is: in seconds since 1970.
SELECT w.size, h.position, w.witness, w.line, min(c.note), extract(epoch FROM w.seen_at)::float8,
    extract(epoch FROM min(c.signed_at))::float8, extract(epoch FROM clock_timestamp())::float8
FROM ledger.cosignature AS w JOIN ledger.head AS h ON h.book = w.book
LEFT JOIN ledger.checkpoint AS c ON c.book = w.book AND c.size = w.size
WHERE w.book = %(book)s AND (w.size <= %(position)s OR w.size > h.position)
GROUP BY w.book, w.size, h.position, w.witness, w.line, w.seen_at ORDER BY w.size, w.witness;

-- name: tiles
-- The upper hashes that are kept, level by level: up to the position, and what is behind the end of the log.
SELECT t.level, t.number, t.hash FROM ledger.tile_hash AS t JOIN ledger.head AS h ON h.book = t.book
WHERE t.book = %(book)s
    AND ((t.number + 1) * 256::numeric ^ t.level <= %(position)s OR (t.number + 1) * 256::numeric ^ t.level > h.position)
ORDER BY t.level, t.number;

-- name: head
-- What the log says of its own end.
SELECT position, frontier, recorded_at FROM ledger.head WHERE book = %(book)s;

-- name: beyond
-- Events that nobody should be able to see: behind the head as it is by now.
SELECT e.position, h.position FROM ledger.head AS h JOIN ledger.event AS e ON e.book = h.book AND e.position > h.position
WHERE h.book = %(book)s ORDER BY e.position LIMIT 100;

-- name: leaves
-- The bytes and the leaf hash beside them; without the bytes where a checkpoint vouches for the leaves.
COPY (
    SELECT position, recorded_at, CASE WHEN position > %(since)s THEN state END, leaf FROM ledger.event
    WHERE book = %(book)s AND position > %(after)s AND position <= %(upto)s ORDER BY position
) TO STDOUT (FORMAT BINARY);

-- name: rows_of_nobody
-- Whole rows that belong to no customer, the columns in the order of the append.
COPY (
    SELECT book, position, stream, version, type, source, event_id, customer, invoice, currency, amount,
        occurred_at, recorded_at, principal, causation, decision_size, state, leaf
    FROM ledger.event
    WHERE book = %(book)s AND customer IS NULL AND position > %(since)s AND position <= %(upto)s ORDER BY position
) TO STDOUT (FORMAT BINARY);

-- name: broken_streams
-- Streams whose versions are not 1, 2, 3 … in the order of their positions.
SELECT stream, min(position) FILTER (WHERE version <> place), count(*), max(version)
FROM (
    SELECT stream, version, position, row_number() OVER (PARTITION BY stream ORDER BY position) AS place
    FROM ledger.event WHERE book = %(book)s AND position <= %(upto)s
) AS e
GROUP BY stream
HAVING bool_or(version <> place)
ORDER BY 2 LIMIT 100;

-- name: streams_between
-- The histories of one share of the customers, one customer after the other: whole rows, the columns in the order of
-- the append. Only of those that something happened to since a position.
COPY (
    SELECT book, position, stream, version, type, source, event_id, customer, invoice, currency, amount,
        occurred_at, recorded_at, principal, causation, decision_size, state, leaf
    FROM ledger.event
    WHERE book = %(book)s AND position <= %(upto)s AND customer IS NOT NULL
        AND mod(hashtext(customer)::bigint + 2147483648, %(shares)s) = %(share)s
        AND (%(since)s = 0 OR customer IN (SELECT n.customer FROM ledger.event AS n
            WHERE n.book = %(book)s AND n.position > %(since)s AND n.position <= %(upto)s))
    ORDER BY stream, version
) TO STDOUT (FORMAT BINARY);

-- name: book_stream
-- The book's own history.
SELECT state FROM ledger.event WHERE book = %(book)s AND stream = 'book' AND position <= %(upto)s ORDER BY version;

-- name: numbered
-- Everything that took a number of a series, in order.
COPY (
    SELECT state FROM ledger.event
    WHERE book = %(book)s AND type IN ('invoice.issued', 'credit_note.issued') AND position <= %(upto)s
    ORDER BY position
) TO STDOUT (FORMAT BINARY);

-- name: checkpoints
-- All that was ever signed of a book, up to the position; and what is behind the end of the log. What is signed
-- meanwhile is for the next time.
SELECT c.size, c.root, c.public_key, c.note FROM ledger.checkpoint AS c JOIN ledger.head AS h ON h.book = c.book
WHERE c.book = %(book)s AND (c.size <= %(position)s OR c.size > h.position) ORDER BY c.size, c.signed_at;

-- name: tiles
-- The upper hashes that are kept, level by level: up to the position, and what is behind the end of the log.
SELECT t.level, t.number, t.hash FROM ledger.tile_hash AS t JOIN ledger.head AS h ON h.book = t.book
WHERE t.book = %(book)s
    AND ((t.number + 1) * 256::numeric ^ t.level <= %(position)s OR (t.number + 1) * 256::numeric ^ t.level > h.position)
ORDER BY t.level, t.number;

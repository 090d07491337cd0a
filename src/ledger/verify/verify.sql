-- name: head
-- What the log says of its own end.
SELECT position, frontier, recorded_at FROM ledger.head WHERE book = %(book)s;

-- name: beyond
-- Events that nobody should be able to see: behind the head.
SELECT position FROM ledger.event WHERE book = %(book)s AND position > %(position)s ORDER BY position LIMIT 100;

-- name: leaves
-- The bytes and the leaf hash beside them.
COPY (
    SELECT position, state, leaf FROM ledger.event
    WHERE book = %(book)s AND position > %(after)s AND position <= %(upto)s ORDER BY position
) TO STDOUT (FORMAT BINARY);

-- name: rows
-- Whole rows, the columns in the order of the append.
COPY (
    SELECT book, position, stream, version, type, source, event_id, customer, invoice, currency, amount,
        occurred_at, recorded_at, principal, causation, decision_size, state, leaf
    FROM ledger.event
    WHERE book = %(book)s AND position > %(after)s AND position <= %(upto)s ORDER BY position
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
-- The histories of one share of the customers, one customer after the other.
COPY (
    SELECT state FROM ledger.event
    WHERE book = %(book)s AND position <= %(upto)s AND customer IS NOT NULL
        AND mod(hashtext(customer)::bigint + 2147483648, %(shares)s) = %(share)s
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
-- All that was ever signed of a book.
SELECT size, root, public_key, note FROM ledger.checkpoint WHERE book = %(book)s ORDER BY size, signed_at;

-- name: tiles
-- The upper hashes that are kept, level by level.
SELECT level, number, hash FROM ledger.tile_hash WHERE book = %(book)s ORDER BY level, number;

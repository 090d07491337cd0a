-- name: head_of_book
-- How far the log of a book goes, and its tree; no row when there is no such book.
SELECT position, frontier FROM ledger.head WHERE book = %(book)s;

-- name: copy_events
-- The stored bytes of events, one event a line. JSON holds no control characters outside of escapes, so with two of
-- them as delimiter and quote nothing is ever quoted: the lines are the bytes that were hashed.
COPY (
    SELECT convert_from(state, 'UTF8') FROM ledger.event
    WHERE book = %(book)s AND position > %(after)s AND position <= %(upto)s
    ORDER BY position
) TO STDOUT (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01', ENCODING 'UTF8');

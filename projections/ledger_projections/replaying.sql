-- name: recorded
-- The log as it stood at a position.
SELECT e.* FROM ledger.event AS e WHERE e.book = {book} AND e.position <= {upto}

-- name: zone
-- Where the days of the book end. Finance reads the view below and may not ask for it: the view holds it.
SELECT ledger.zone_of(%(book)s);

-- name: event
-- What of it had occurred by then; the book's own events have effective dates of their own.
SELECT e.* FROM ledger.event AS e
WHERE e.book = {book} AND e.position <= {upto} AND (e.stream = 'book' OR ledger.occurred_by(
    e.occurred_at, {zone}, {day}::date, {instant}::timestamptz))

-- name: keep_dated_by
-- Entries that are dated after the moment.
DELETE FROM posting AS p
WHERE p.occurred_on > %(day)s::date OR p.occurred_on = %(day)s::date AND p.occurred_at > %(instant)s::timestamptz;

-- name: know_all
-- All that is in a set counts, however far the live read models are that the reports go by elsewhere.
CREATE OR REPLACE FUNCTION known(of_book text, as_of_position bigint, as_of_recorded timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT upto(of_book, as_of_position, as_of_recorded);
END;

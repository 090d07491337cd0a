-- name: position_at
-- The last position recorded at or before an instant. Recorded times never go backwards along a book's log, so it is
-- found by halving: some twenty look-ups by key, and no index to keep.
WITH RECURSIVE search (low, high) AS (
    SELECT 0::bigint, h.position FROM ledger.head AS h WHERE h.book = %(book)s
    UNION ALL
    SELECT CASE WHEN e.recorded_at <= %(instant)s THEN m.middle ELSE s.low END,
        CASE WHEN e.recorded_at <= %(instant)s THEN s.high ELSE m.middle - 1 END
    FROM search AS s
    CROSS JOIN LATERAL (SELECT (s.low + s.high + 1) / 2 AS middle) AS m
    JOIN ledger.event AS e ON e.book = %(book)s AND e.position = m.middle
    WHERE s.low < s.high
)
SELECT low FROM search WHERE low = high;

-- name: date_in_book
-- The date that an instant falls on in the book's time zone; no row when there is no such book. The zone comes from the
-- log, which begins with book.opened: the read models may not have come to a book that was opened just now.
SELECT (%(instant)s AT TIME ZONE (convert_from(e.state, 'UTF8')::json #>> '{data,time_zone}'))::date::text
FROM ledger.event AS e WHERE e.book = %(book)s AND e.position = 1;

-- name: past
-- Where the log ends, where it ended for a moment, and which date the moment is in the book's time zone: the occurred
-- one if that was asked for, else the one on which it was recorded.
SELECT h.position, coalesce(m.position, h.position), CASE WHEN m.day < 'infinity' THEN m.day ELSE
    (coalesce(m.recorded, (SELECT l.recorded_at FROM ledger.event AS l WHERE l.book = h.book AND l.position = m.position),
        now()) AT TIME ZONE (convert_from(e.state, 'UTF8')::json #>> '{data,time_zone}'))::date END
FROM ledger.head AS h
JOIN ledger.event AS e ON e.book = h.book AND e.position = 1
CROSS JOIN (SELECT %(position)s::bigint AS position, %(recorded)s::timestamptz AS recorded, %(day)s::date AS day) AS m
WHERE h.book = %(book)s;

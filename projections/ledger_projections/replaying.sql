-- name: recorded
-- The log as it stood at a position.
SELECT e.* FROM ledger.event AS e WHERE e.book = {book} AND e.position <= {upto}

-- name: event
-- What of it had occurred by then; the book's own events have effective dates of their own.
SELECT e.* FROM ledger.event AS e
WHERE e.book = {book} AND e.position <= {upto} AND (e.stream = 'book' OR {day}::date = 'infinity'
    OR (e.occurred_at AT TIME ZONE (SELECT convert_from(b.state, 'UTF8')::json #>> '{{data,time_zone}}'
            FROM ledger.event AS b WHERE b.book = {book} AND b.position = 1))::date < {day}::date
    OR (e.occurred_at AT TIME ZONE (SELECT convert_from(b.state, 'UTF8')::json #>> '{{data,time_zone}}'
            FROM ledger.event AS b WHERE b.book = {book} AND b.position = 1))::date = {day}::date
        AND e.occurred_at <= {instant}::timestamptz)

-- name: keep_dated_by
-- Entries that are dated after the moment.
DELETE FROM posting AS p
WHERE p.occurred_on > %(day)s::date OR p.occurred_on = %(day)s::date AND p.occurred_at > %(instant)s::timestamptz;

-- name: moment
-- The end of the log; where it ended at a position or a recorded time; whether that is still to come; and the occurred
-- date and time, in the time zone of the book. Recorded times never go backwards, so the last event is found by halving.
WITH RECURSIVE asked AS (
    SELECT h.book, h.position AS head, %(position)s::bigint AS position, %(recorded)s::timestamptz AS recorded,
        CASE WHEN NOT %(is_date)s THEN %(occurred)s::timestamptz END AS instant,
        CASE WHEN %(is_date)s THEN %(occurred)s::date END AS day,
        convert_from(e.state, 'UTF8')::json #>> '{data,time_zone}' AS zone
    FROM ledger.head AS h JOIN ledger.event AS e ON e.book = h.book AND e.position = 1
    WHERE h.book = %(book)s
), search (low, high) AS (
    SELECT 0::bigint, a.head FROM asked AS a WHERE a.recorded IS NOT NULL
    UNION ALL
    SELECT CASE WHEN e.recorded_at <= a.recorded THEN m.middle ELSE s.low END,
        CASE WHEN e.recorded_at <= a.recorded THEN s.high ELSE m.middle - 1 END
    FROM search AS s
    CROSS JOIN asked AS a
    CROSS JOIN LATERAL (SELECT (s.low + s.high + 1) / 2 AS middle) AS m
    JOIN ledger.event AS e ON e.book = a.book AND e.position = m.middle
    WHERE s.low < s.high
), ends AS (
    SELECT a.*, coalesce(a.position, (SELECT s.low FROM search AS s WHERE s.low = s.high), a.head) AS upto FROM asked AS a
)
SELECT d.head, d.upto, coalesce(d.recorded > clock_timestamp(), false),
    coalesce(d.day, (d.instant AT TIME ZONE d.zone)::date, 'infinity')::text, coalesce(d.instant, 'infinity')::text,
    coalesce(d.day, (d.instant AT TIME ZONE d.zone)::date, (coalesce(d.recorded,
        (SELECT e.recorded_at FROM ledger.event AS e WHERE e.book = d.book AND e.position = d.upto),
        now()) AT TIME ZONE d.zone)::date)::text
FROM ends AS d;

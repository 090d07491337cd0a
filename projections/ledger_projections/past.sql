-- name: install
-- The table that stands for the log in a workspace: some customers' events up to a moment. Nothing is ever committed to
-- it, so it needs no log of its own writes.
CREATE UNLOGGED TABLE event (LIKE ledger.event);
CREATE TABLE turn ();
COMMENT ON TABLE turn IS 'Locked by whoever is in the workspace; it never has a row.';

-- name: comment
-- Which program the workspace is for.
SELECT obj_description(n.oid, 'pg_namespace') FROM pg_namespace AS n WHERE n.nspname = %(schema)s;

-- name: moment
-- The end of the log; where it ended at a position or a recorded time; whether that is still to come; the occurred date and
-- time, in the time zone of the book; and the date and the instant that is looked from: the occurred ones, else when that was
-- recorded, else now. Recorded times never go backwards along a book's log, so the last event is found by halving.
WITH RECURSIVE asked AS (
    SELECT h.book, h.position AS head, %(position)s::bigint AS position, %(recorded)s::timestamptz AS recorded,
        CASE WHEN NOT %(is_date)s THEN %(occurred)s::timestamptz END AS instant,
        CASE WHEN %(is_date)s THEN %(occurred)s::date END AS day, ledger.zone_of(h.book) AS zone
    FROM ledger.head AS h
    WHERE h.book = %(book)s AND h.position > 0
), search (low, high) AS (
    SELECT 0::bigint, a.head FROM asked AS a WHERE a.recorded IS NOT NULL AND a.position IS NULL
    UNION ALL
    SELECT CASE WHEN e.recorded_at <= a.recorded THEN m.middle ELSE s.low END,
        CASE WHEN e.recorded_at <= a.recorded THEN s.high ELSE m.middle - 1 END
    FROM search AS s
    CROSS JOIN asked AS a
    CROSS JOIN LATERAL (SELECT (s.low + s.high + 1) / 2 AS middle) AS m
    JOIN ledger.event AS e ON e.book = a.book AND e.position = m.middle
    WHERE s.low < s.high
), moment AS (
    SELECT a.*, coalesce(a.position, (SELECT s.low FROM search AS s WHERE s.low = s.high), a.head) AS upto,
        coalesce(a.instant, (a.day + 1)::timestamp AT TIME ZONE a.zone - interval '1 microsecond', a.recorded,
            (SELECT e.recorded_at FROM ledger.event AS e WHERE e.book = a.book AND e.position = a.position), ledger.moment()) AS at
    FROM asked AS a
)
SELECT m.head, m.upto, coalesce(m.recorded > clock_timestamp(), false),
    coalesce(m.day, (m.instant AT TIME ZONE m.zone)::date, 'infinity')::text, coalesce(m.instant, 'infinity')::text,
    (m.at AT TIME ZONE m.zone)::date::text, m.at::text
FROM moment AS m;

-- name: turn
-- How long the workspace is waited for; a statement of its own, as it counts from the next one on.
SELECT set_config('lock_timeout', %(turn)s, true);

-- name: take_turn
-- Alone in the workspace until the transaction ends. An advisory lock anybody could hold who may log in at all.
LOCK TABLE past.turn IN EXCLUSIVE MODE;

-- name: begin
-- At the moment that is looked from. What is copied is looked up by index, row by row. Tells which program the workspace is
-- for, and how many bytes of what was rolled back lie in it.
SELECT obj_description(n.oid, 'pg_namespace'), pg_relation_size(c.oid), set_config('ledger.moment', %(at)s, true),
    set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('jit', 'off', true)
FROM pg_namespace AS n
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'event'
WHERE n.nspname = %(schema)s;

-- name: copy_streams
-- What counts of some streams: of the book all that was recorded by then, of customers what had occurred by then too. How
-- far to read is found by doubling, so that of what came after no more is read than of what came before. Streams come one
-- by one, each in the order of its versions, which only their own index has, and the position is written as no index knows
-- it: the planner, who may know nothing of the log yet, could else go through all of the book.
WITH RECURSIVE reach (stream, version, goes_on) AS (
    SELECT s.stream, 64::bigint, true FROM unnest(%(streams)s::text[]) AS s (stream)
    UNION ALL
    SELECT r.stream, CASE WHEN p.position <= %(upto)s THEN 2 * r.version ELSE r.version END, p.position <= %(upto)s
    FROM reach AS r
    CROSS JOIN LATERAL (
        SELECT e.position FROM ledger.event AS e
        WHERE e.book = %(book)s AND e.stream = r.stream AND e.version >= r.version ORDER BY e.version LIMIT 1) AS p
    WHERE r.goes_on
), zone AS MATERIALIZED (
    SELECT ledger.zone_of(%(book)s) AS name
), copied AS (
    INSERT INTO past.event
    SELECT c.*
    FROM (SELECT r.stream, max(r.version) AS version FROM reach AS r GROUP BY r.stream) AS t
    CROSS JOIN LATERAL (
        SELECT e.* FROM ledger.event AS e
        WHERE e.book = %(book)s AND e.stream = t.stream AND e.version <= t.version AND e.position + 0 <= %(upto)s
            AND (%(types)s::text[] IS NULL OR e.type = ANY (%(types)s::text[]))
            AND (e.stream = 'book' OR ledger.occurred_by(
                e.occurred_at, (SELECT z.name FROM zone AS z), %(day)s::date, %(instant)s::timestamptz))
        ORDER BY e.version) AS c
    RETURNING type
)
SELECT coalesce(array_agg(DISTINCT c.type), '{}') FROM copied AS c;

-- name: copy_types
-- The same of all customers: what is of these types. Types come one by one, so that each is found by the index of types, up to
-- the position; where one of those is asked for that it leaves out, the log is read up to there.
WITH zone AS MATERIALIZED (
    SELECT ledger.zone_of(%(book)s) AS name
), copied AS (
    INSERT INTO past.event
    SELECT c.*
    FROM unnest(%(types)s::text[]) AS t (type)
    CROSS JOIN LATERAL (
        SELECT e.* FROM ledger.event AS e
        WHERE e.book = %(book)s AND e.type = t.type AND e.position <= %(upto)s AND e.stream <> 'book'
            AND e.type NOT IN ('charge.posted', 'payment.received', 'allocation.made')
            AND ledger.occurred_by(e.occurred_at, (SELECT z.name FROM zone AS z), %(day)s::date, %(instant)s::timestamptz)
        OFFSET 0) AS c
    WHERE NOT %(types)s::text[] && ARRAY['charge.posted', 'payment.received', 'allocation.made']
    UNION ALL
    SELECT e.* FROM ledger.event AS e
    WHERE e.book = %(book)s AND (%(types)s::text[] IS NULL OR e.type = ANY (%(types)s::text[])) AND e.position <= %(upto)s
        AND coalesce(%(types)s::text[] && ARRAY['charge.posted', 'payment.received', 'allocation.made'], true)
        AND e.stream <> 'book'
        AND ledger.occurred_by(e.occurred_at, (SELECT z.name FROM zone AS z), %(day)s::date, %(instant)s::timestamptz)
    RETURNING type
)
SELECT coalesce(array_agg(DISTINCT c.type), '{}') FROM copied AS c;

-- name: fold
-- From here on it is planned as every fold is (see folding.SESSION).
SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true);

-- name: rows
-- Goes behind `WITH item AS (a query)`.
SELECT coalesce(json_agg(item)::text, '[]') FROM item;

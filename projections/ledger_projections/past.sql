-- name: install
-- The table that stands for the log in a workspace: some customers' events up to a moment. Nothing is ever committed to
-- it, so it needs no log of its own writes.
CREATE UNLOGGED TABLE event (LIKE ledger.event);

-- name: comment
-- Which program the workspace is for.
SELECT obj_description(n.oid, 'pg_namespace') FROM pg_namespace AS n WHERE n.nspname = %(schema)s;

-- name: begin
-- Alone in the workspace until the transaction ends; planned as every fold is (see folding.SESSION). Tells which
-- program the workspace is for, and how many bytes of what was rolled back lie in it.
SELECT obj_description(n.oid, 'pg_namespace'), pg_relation_size(c.oid),
    set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('enable_nestloop', 'off', true),
    set_config('jit', 'off', true)
FROM pg_advisory_xact_lock(%(kind)s, %(workspace)s)
JOIN pg_namespace AS n ON n.nspname = %(schema)s
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'event';

-- name: copy
-- What counts: of the book all that was recorded by then, of the customers what had occurred by then too. A date ends
-- in the time zone of the book, which stands in its first event.
WITH zone AS MATERIALIZED (
    SELECT convert_from(b.state, 'UTF8')::json #>> '{data,time_zone}' AS name
    FROM ledger.event AS b WHERE b.book = %(book)s AND b.position = 1
), copied AS (
    INSERT INTO past.event
    SELECT e.* FROM ledger.event AS e CROSS JOIN zone AS z
    WHERE e.book = %(book)s AND e.stream = ANY (%(streams)s) AND e.position <= %(upto)s
        AND (e.stream = 'book' OR %(day)s::date = 'infinity'
            OR (e.occurred_at AT TIME ZONE z.name)::date < %(day)s::date
            OR (e.occurred_at AT TIME ZONE z.name)::date = %(day)s::date AND e.occurred_at <= %(instant)s::timestamptz)
    RETURNING type
)
SELECT coalesce(array_agg(DISTINCT c.type), '{}') FROM copied AS c;

-- name: rows
-- Goes behind `WITH item AS (a query)`.
SELECT coalesce(json_agg(item)::text, '[]') FROM item;

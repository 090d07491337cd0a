-- name: read_models
-- Every read model, and every rebuild that is under way.
SELECT model, version, state, folded_from, error, stopped_book, stopped_after, changed_at
FROM ledger.read_model ORDER BY model;

-- name: live_versions
-- Read after the gates, so that a swap that just committed is seen.
SELECT model, version FROM ledger.read_model WHERE model = ANY (%(models)s);

-- name: register
-- A read model, or a rebuild of one, begins or comes to its next state.
INSERT INTO ledger.read_model (model, version, state, folded_from)
VALUES (%(model)s, %(version)s, %(state)s, %(folded_from)s)
ON CONFLICT (model) DO UPDATE
SET version = excluded.version, state = excluded.state, folded_from = excluded.folded_from, error = NULL,
    stopped_book = NULL, stopped_after = NULL, changed_at = clock_timestamp();

-- name: forget
-- A rebuild ended, or is begun afresh.
DELETE FROM ledger.read_model WHERE model = %(model)s;

-- name: heads
-- Where the logs end.
SELECT book, position FROM ledger.head WHERE position > 0 ORDER BY book;

-- name: cursors
-- How far these read models have folded these books.
SELECT application_name, notification_id FROM ledger.cursor WHERE application_name = ANY (%(names)s);

-- name: cursors_of
-- How far a read model, or a rebuild of one, has folded every book.
SELECT substr(application_name, length(%(model)s) + 2), notification_id FROM ledger.cursor
WHERE starts_with(application_name, %(model)s || '/');

-- name: drop_cursors
-- A rebuild ended, or is begun afresh.
DELETE FROM ledger.cursor WHERE starts_with(application_name, %(model)s || '/');

-- name: adopt_cursors
-- The rebuilt read model takes the live one's place: its cursors with it, forward only.
INSERT INTO ledger.cursor (application_name, notification_id)
SELECT %(model)s || substr(c.application_name, length(%(rebuild)s) + 1), c.notification_id
FROM ledger.cursor c WHERE starts_with(c.application_name, %(rebuild)s || '/')
ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id
WHERE ledger.cursor.notification_id < excluded.notification_id;

-- name: types_present
-- Which types of events a range holds: statements about others are left out.
SELECT coalesce(array_agg(t.type), '{}') FROM (
    SELECT e.type FROM ledger.event e
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
    GROUP BY e.type) t;

-- name: types_of
-- Which types of events a book holds, by an index: looked for one after the other, each behind the one before, so that no
-- event is read. The three that the index leaves out are nearly all of every book; they are taken to be there.
WITH RECURSIVE found (type) AS (
    (SELECT e.type FROM ledger.event e
     WHERE e.book = %(book)s AND e.type NOT IN ('charge.posted', 'payment.received', 'allocation.made')
     ORDER BY e.type LIMIT 1)
    UNION ALL
    SELECT (SELECT e.type FROM ledger.event e
            WHERE e.book = %(book)s AND e.type > f.type
                AND e.type NOT IN ('charge.posted', 'payment.received', 'allocation.made')
            ORDER BY e.type LIMIT 1)
    FROM found f WHERE f.type IS NOT NULL
)
SELECT ARRAY['charge.posted', 'payment.received', 'allocation.made'] || array_agg(f.type) FILTER (WHERE f.type IS NOT NULL)
FROM found f;

-- name: failures
-- Which read models stand still in which books, and whether it is time to try them again.
SELECT model, book, failed_at < clock_timestamp() - make_interval(secs => %(retry_seconds)s) FROM ledger.fold_failure;

-- name: record_failure
-- Kept with the read model, so that whoever asks how it is sees it.
WITH failure AS (
    INSERT INTO ledger.fold_failure (model, book, after, upto, error)
    VALUES (%(model)s, %(book)s, %(after)s, %(upto)s, %(error)s)
    ON CONFLICT (model, book) DO UPDATE
    SET after = excluded.after, upto = excluded.upto, error = excluded.error, failed_at = clock_timestamp()
)
UPDATE ledger.read_model
SET state = 'stopped', error = %(error)s, stopped_book = %(book)s, stopped_after = %(after)s,
    changed_at = clock_timestamp()
WHERE model = %(model)s;

-- name: clear_failure
-- A read model goes on in a book, or, with no book named, in all of them.
WITH cleared AS (
    DELETE FROM ledger.fold_failure
    WHERE model = %(model)s AND (book = %(book)s OR %(book)s::text IS NULL)
    RETURNING book
)
UPDATE ledger.read_model
SET state = 'live', error = NULL, stopped_book = NULL, stopped_after = NULL, changed_at = clock_timestamp()
WHERE model = %(model)s AND state = 'stopped' AND NOT EXISTS (
    SELECT FROM ledger.fold_failure f
    WHERE f.model = %(model)s AND f.book NOT IN (SELECT c.book FROM cleared c));

-- name: notify_cursor
-- Sent when the cycle commits.
SELECT pg_notify('ledger_cursor', n.payload) FROM unnest(%(payloads)s::text[]) AS n (payload);

-- name: schema_exists
-- Whether a schema is there.
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %(schema)s);

-- name: tables
-- The tables of a schema.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = %(schema)s) AND c.relkind = 'r'
ORDER BY c.relname;

-- name: keep_books_apart
-- Finance may read what is in a schema by now, of the book that its session names.
SELECT ledger.keep_books_apart(%(schema)s);

-- name: transactions
-- Every transaction of this database that is under way, this one and those of autovacuum (which has no user) left out.
SELECT l.virtualtransaction FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database() AND a.usesysid <> 0
WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid();

-- name: snapshots
-- Those of them that look at the database as it was at some moment: for a statement, or for good.
SELECT l.virtualtransaction FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database() AND a.usesysid <> 0
WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid() AND a.backend_xmin IS NOT NULL;

-- name: statements
-- Those of them that may be in the middle of a statement.
SELECT l.virtualtransaction FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database() AND a.usesysid <> 0
WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid() AND a.state IS DISTINCT FROM 'idle in transaction';

-- name: notify_log
-- Wakes the projectors that were kept waiting.
SELECT pg_notify('ledger_log', h.book || ' ' || h.position) FROM ledger.head h WHERE h.position > 0;

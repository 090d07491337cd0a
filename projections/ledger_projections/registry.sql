-- name: take_projector_lock
-- Session lock: whoever has it folds this read model; another projector waits by trying again.
SELECT pg_try_advisory_lock(%(kind)s, hashtext(%(model)s));

-- name: give_projector_lock
-- For a read model that this program's SQL does not fit any more.
SELECT pg_advisory_unlock(%(kind)s, hashtext(%(model)s));

-- name: enter_gates
-- Each cycle passes the gate of every read model it folds; a swap closes it. Held until the transaction ends.
SELECT m.model FROM unnest(%(models)s::text[]) AS m (model)
WHERE pg_try_advisory_xact_lock_shared(%(kind)s, hashtext(m.model));

-- name: close_gate
-- Waits for the cycle that is under way and keeps the next one out until the swap has committed.
SELECT pg_advisory_xact_lock(%(kind)s, hashtext(%(model)s));

-- name: lock_installation
-- Two processes that start at once may both want to make the same schema.
SELECT pg_advisory_xact_lock(%(kind)s, 0);

-- name: read_models
-- Every read model, and every rebuild that is under way.
SELECT model, version, state, error, stopped_book, stopped_after, changed_at FROM ledger.read_model ORDER BY model;

-- name: live_versions
-- Read after the gates, so that a swap that just committed is seen.
SELECT model, version FROM ledger.read_model WHERE model = ANY (%(models)s);

-- name: register
-- A read model, or a rebuild of one, begins.
INSERT INTO ledger.read_model (model, version, state) VALUES (%(model)s, %(version)s, %(state)s)
ON CONFLICT (model) DO UPDATE
SET version = excluded.version, state = excluded.state, error = NULL, stopped_book = NULL, stopped_after = NULL,
    changed_at = clock_timestamp();

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
SELECT coalesce(array_agg(DISTINCT e.type), '{}') FROM ledger.event e
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s;

-- name: failures
-- Which read models stand still in which books.
SELECT model, book FROM ledger.fold_failure;

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

-- name: clear_failures
-- The read model is tried again, or was rebuilt.
WITH cleared AS (
    DELETE FROM ledger.fold_failure WHERE model = %(model)s
)
UPDATE ledger.read_model
SET state = 'live', error = NULL, stopped_book = NULL, stopped_after = NULL, changed_at = clock_timestamp()
WHERE model = %(model)s AND state = 'stopped';

-- name: notify_cursor
-- Sent when the cycle commits.
SELECT pg_notify('ledger_cursor', n.payload) FROM unnest(%(payloads)s::text[]) AS n (payload);

-- name: schema_exists
-- Whether a schema is there.
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %(schema)s);

-- name: transactions
-- Every transaction of this database that is under way, this one left out.
SELECT coalesce(array_agg(l.virtualtransaction), '{}') FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid();

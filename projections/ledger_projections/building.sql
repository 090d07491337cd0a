-- name: cursors
-- How far each read model has folded a book, whatever else goes on, in the snapshot of the rows that are compared. A cursor
-- that somebody moved beyond the end of the log has folded it all.
SELECT m.model, coalesce(least(c.notification_id, h.position), 0) FROM ledger.read_model AS m
LEFT JOIN ledger.cursor AS c ON c.application_name = m.model || '/' || %(book)s
LEFT JOIN ledger.head AS h ON h.book = %(book)s;

-- name: of_share
-- What stands for the log where only the streams of a share are folded.
(SELECT * FROM ledger.event
    WHERE (%(behind)s::text IS NULL OR stream > %(behind)s::text) AND (%(last)s::text IS NULL OR stream <= %(last)s::text));

-- name: planned_freely
-- What folds are planned with (folding.SESSION) is wrong for reading whole tables.
SELECT set_config(name, 'on', true) FROM unnest(ARRAY['enable_seqscan', 'enable_sort', 'enable_mergejoin',
    'enable_nestloop']) AS s (name)
UNION ALL SELECT set_config('work_mem', '256MB', true);

-- name: for_comparing
-- What a crash takes away is verified again; what a trigger refuses, no live one has; and a table that is dropped in a moment
-- is not worth looking after.
ALTER TABLE {table} SET UNLOGGED, DISABLE TRIGGER USER, SET (autovacuum_enabled = false);

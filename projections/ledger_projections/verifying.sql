-- name: cursors
-- How far each read model has folded a book, whatever else goes on, in the snapshot of the rows that are compared.
SELECT m.model, coalesce(c.notification_id, 0) FROM ledger.read_model AS m
LEFT JOIN ledger.cursor AS c ON c.application_name = m.model || '/' || %(book)s;

-- name: keys
-- The columns of a table's primary key, in its order.
SELECT a.attname FROM pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = (SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s) AND i.indisprimary
ORDER BY k.place;

-- name: columns
-- All columns of a table.
SELECT a.attname FROM pg_attribute AS a
WHERE a.attrelid = (SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: planned_freely
-- What folds are planned with (folding.SESSION) is wrong for reading whole tables.
SELECT set_config(name, 'on', true) FROM unnest(ARRAY['enable_seqscan', 'enable_sort', 'enable_mergejoin',
    'enable_nestloop']) AS s (name)
UNION ALL SELECT set_config('work_mem', '256MB', true);

-- name: live_sums
-- How many rows there are, and the sums of the halves of their hashes, which no order of rows changes. The seed is new
-- each time, so nobody can have chosen rows that hash to what others did; chance makes two tables agree once in 2^64.
-- The hash of a record is a sum over its columns, so two rows that changed a value with each other would add up to the
-- same: it is hashed once more.
SELECT count(*), coalesce(sum(h.hash & 4294967295), 0), coalesce(sum(h.hash >> 32), 0)
FROM (
    SELECT hashint8extended(hash_record_extended(t, {seed}), {seed}) AS hash FROM {live} AS t WHERE t.book = {book} OFFSET 0
) AS h;

-- name: rebuilt_sums
-- The same of what was built for comparing, which is of one book.
SELECT count(*), coalesce(sum(h.hash & 4294967295), 0), coalesce(sum(h.hash >> 32), 0)
FROM (SELECT hashint8extended(hash_record_extended(t, {seed}), {seed}) AS hash FROM {rebuilt} AS t OFFSET 0) AS h;

-- name: differ
-- The rows that differ, by key.
SELECT l::text, r::text FROM (SELECT * FROM {live} WHERE book = {book}) AS l
FULL JOIN {rebuilt} AS r USING ({keys})
WHERE ROW({left}) IS DISTINCT FROM ROW({right}) LIMIT {limit};

-- name: differ_wholly
-- The rows that differ, of a table that has no key.
(SELECT t.row, NULL FROM (
    SELECT l::text AS row FROM {live} AS l WHERE l.book = {book} EXCEPT ALL SELECT r::text FROM {rebuilt} AS r) AS t
LIMIT {limit})
UNION ALL
(SELECT NULL, t.row FROM (
    SELECT r::text AS row FROM {rebuilt} AS r EXCEPT ALL SELECT l::text FROM {live} AS l WHERE l.book = {book}) AS t
LIMIT {limit});

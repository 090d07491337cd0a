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

-- name: counts
-- How many rows there are, live and rebuilt: two of one key would be compared as one.
SELECT (SELECT count(*) FROM {live} WHERE book = {book}), (SELECT count(*) FROM {rebuilt});

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

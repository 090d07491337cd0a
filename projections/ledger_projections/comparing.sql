-- name: keys
-- The columns of a table's primary key, in its order.
SELECT a.attname FROM pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = (SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s) AND i.indisprimary
ORDER BY k.place;

-- name: hashed
-- The columns of a table but its book, and how a value is hashed: by a function of its type, and what has none here in a row,
-- with what makes bytes of it before. Dates, truth values and small numbers are hashed there as they are, by every bit. Hashes
-- of large numbers and of times fold 64 bits to 32 before they know the seed, so that an amount changed by 2^32 + 1 would hash
-- to the same under every seed, and 1.0 hashes as 1: of those, and of whatever else there is, the bytes count that a client
-- would be sent. A value that follows from others of its row is told how.
SELECT a.attname, CASE a.atttypid
        WHEN 'text'::regtype THEN 'hashtextextended({value}, {seed})'
        WHEN 'integer'::regtype THEN 'hashint4extended({value}, {seed})'
        WHEN 'bigint'::regtype THEN 'CASE WHEN {value} BETWEEN -2147483648 AND 2147483647
            THEN hashint4extended({value}::integer, {seed}) ELSE hash_record_extended(ROW(int8send({value})), {seed}) END' END,
    CASE WHEN a.atttypid = ANY (ARRAY['date', 'boolean', 'smallint']::regtype[]) THEN '{value}' ELSE t.typsend || '({value})' END,
    pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated <> ''
WHERE a.attrelid = (SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'book'
ORDER BY a.attnum;

-- name: sums
-- How many rows there are, and the sums of their hashes, which no order of rows changes. The hash of a row puts the
-- hashes of its values together, each under a seed of its column; each half of it is hashed once more, so that two rows that
-- changed a value with each other do not add up to the same. The seeds are new each time, so nobody can try rows out
-- beforehand; rows that differ then agree less than once in 2^50. It is no cryptographic hash: this finds edits, and proves
-- nothing to others.
SELECT count(*), coalesce(sum(hashint4extended((h.hash >> 32)::integer, {seed})), 0),
    coalesce(sum(hashint4extended((h.hash << 32 >> 32)::integer, {seed})), 0)
FROM (SELECT {hash} AS hash FROM {rows} AS t OFFSET 0) AS h;

-- name: of_book
-- The rows of a book in a table.
(SELECT * FROM {table} WHERE book = %(book)s);

-- name: of_no_book
-- The books of a table's rows that there are none of, looked for one after the other by the index that every table has.
WITH RECURSIVE found (book) AS (
    SELECT min(t.book) FROM {table} AS t
    UNION ALL
    SELECT (SELECT min(t.book) FROM {table} AS t WHERE t.book > f.book) FROM found AS f WHERE f.book IS NOT NULL
)
SELECT f.book FROM found AS f
WHERE f.book IS NOT NULL AND NOT EXISTS (SELECT FROM ledger.head AS h WHERE h.book = f.book) LIMIT {limit};

-- name: made
-- The rows that a fold made for a table and did not write, as values of the table's columns.
(SELECT {columns} FROM {table} WHERE false UNION ALL SELECT * FROM {part});

-- name: differ
-- The rows that differ, by key. Their text tells all that is hashed.
SELECT l::text, r::text FROM (SELECT * FROM {live} WHERE book = {book}) AS l
FULL JOIN {rebuilt} AS r USING ({keys})
WHERE l::text IS DISTINCT FROM r::text LIMIT {limit};

-- name: differ_wholly
-- The rows that differ, of a table that has no key.
(SELECT t.row, NULL FROM (
    SELECT l::text AS row FROM {live} AS l WHERE l.book = {book} EXCEPT ALL SELECT r::text FROM {rebuilt} AS r) AS t
LIMIT {limit})
UNION ALL
(SELECT NULL, t.row FROM (
    SELECT r::text AS row FROM {rebuilt} AS r EXCEPT ALL SELECT l::text FROM {live} AS l WHERE l.book = {book}) AS t
LIMIT {limit});

-- name: begin_access
-- The access log of a book begins when somebody looks for the first time.
INSERT INTO ledger.access_head (book, number, hash) VALUES (%(book)s, 0, %(first)s) ON CONFLICT DO NOTHING;

-- name: lock_access
-- Where it ends: one process at a time goes on from there.
SELECT number, hash FROM ledger.access_head WHERE book = %(book)s FOR UPDATE;

-- name: add_access
-- The new entries, in order.
INSERT INTO ledger.access (book, number, looked_at, principal, customer, entry, hash)
SELECT %(book)s, e.number, e.looked_at, e.principal, e.customer, e.entry, e.hash
FROM unnest(%(numbers)s::bigint[], %(looked_at)s::timestamptz[], %(principals)s::text[], %(customers)s::text[],
    %(entries)s::bytea[], %(hashes)s::bytea[]) AS e (number, looked_at, principal, customer, entry, hash);

-- name: move_access
-- Where it ends from now on.
UPDATE ledger.access_head SET number = %(number)s, hash = %(hash)s WHERE book = %(book)s;

-- name: access_page
-- Entries in order, of one customer or of all, after a number.
SELECT a.number, a.entry, a.hash FROM audit.access AS a
WHERE a.book = %(book)s AND a.number > %(after)s AND (%(customer)s::text IS NULL OR a.customer = %(customer)s)
    AND (%(principal)s::text IS NULL OR a.principal = %(principal)s)
ORDER BY a.number LIMIT %(limit)s;

-- name: name_book
-- An auditor sees the book that the session names.
SELECT set_config('ledger.book', %(book)s, false);

-- name: access_end
-- Where it ends.
SELECT number, hash FROM ledger.access_head WHERE book = %(book)s;

-- name: access_rows
-- All entries with their columns, in order, for whoever verifies them.
SELECT a.number, a.looked_at, a.principal, a.customer, a.entry, a.hash FROM ledger.access AS a
WHERE a.book = %(book)s ORDER BY a.number;

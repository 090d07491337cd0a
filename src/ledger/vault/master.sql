-- name: lock_master
-- One process at a time makes or replaces the master key, and nobody adds a customer's key meanwhile.
SELECT pg_advisory_xact_lock(%(kind)s, 0);

-- name: newest_master
-- The master key in force.
SELECT id FROM vault.master ORDER BY created_at DESC LIMIT 1;

-- name: count_masters
-- How many there were.
SELECT count(*) FROM vault.master;

-- name: add_master
-- From now on this one wraps.
INSERT INTO vault.master (id) VALUES (%(id)s);

-- name: count_keys
-- How many keys there are to wrap.
SELECT count(*) FROM vault.key;

-- name: wrapped_keys
-- A page of the customers' keys, in their order.
SELECT k.book, k.customer, k.wrapped FROM vault.key AS k
WHERE (k.book, k.customer) > (%(book)s, %(customer)s) ORDER BY k.book, k.customer LIMIT %(limit)s;

-- name: rewrap_keys
-- The same keys, wrapped by another master key.
UPDATE vault.key AS k SET wrapped = n.wrapped, master = %(master)s
FROM unnest(%(books)s::text[], %(customers)s::text[], %(wrapped)s::bytea[]) AS n (book, customer, wrapped)
WHERE k.book = n.book AND k.customer = n.customer;

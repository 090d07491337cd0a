-- name: wait_a_moment
-- Who waits holds a connection that readers need: better to be told to try again.
SET LOCAL lock_timeout = '1s';

-- name: share_customer
-- Who puts shares the customer with others who put; who erases has them alone. So nothing is put behind an erasure.
-- And shares the master key, so that no key is wrapped by one that is replaced meanwhile.
SELECT pg_advisory_xact_lock_shared(%(kind)s, hashtext(%(book)s || '/' || %(customer)s)),
    pg_advisory_xact_lock_shared(%(master_kind)s, 0);

-- name: standing
-- Whether the log has such a customer, and whether it asked for their erasure, be it done or not yet.
SELECT
    EXISTS (SELECT FROM ledger.event AS e
            WHERE e.book = %(book)s AND e.stream = 'customer/' || %(customer)s AND e.version = 1) AS opened,
    EXISTS (SELECT FROM vault.erasure AS d WHERE d.book = %(book)s AND d.customer = %(customer)s)
    OR EXISTS (SELECT FROM ledger.event AS e
               WHERE e.type = 'customer.erased' AND e.book = %(book)s AND e.customer = %(customer)s
                   AND e.position > (SELECT coalesce(max(d.position), 0) FROM vault.erasure AS d
                                     WHERE d.book = %(book)s)) AS erased;

-- name: add_key
-- The customer's key, unless somebody made one at the same moment, or the master key is not in force any more.
INSERT INTO vault.key (book, customer, master, wrapped)
SELECT %(book)s, %(customer)s, m.id, %(wrapped)s
FROM (SELECT id FROM vault.master ORDER BY created_at DESC LIMIT 1) AS m
WHERE m.id = %(master)s
ON CONFLICT DO NOTHING;

-- name: find_key
-- The customer's key, wrapped, and by which master key.
SELECT k.wrapped, k.master FROM vault.key AS k WHERE k.book = %(book)s AND k.customer = %(customer)s;

-- name: put_records
-- The newest text under a name replaces the one before.
INSERT INTO vault.record AS r (book, customer, name, sealed)
SELECT %(book)s, %(customer)s, n.name, n.sealed
FROM unnest(%(names)s::text[], %(sealed)s::bytea[]) AS n (name, sealed)
ON CONFLICT (book, customer, name) DO UPDATE SET sealed = EXCLUDED.sealed, changed_at = clock_timestamp();

-- name: drop_records
-- These are kept no more.
DELETE FROM vault.record AS r
WHERE r.book = %(book)s AND r.customer = %(customer)s AND r.name = ANY(%(names)s::text[]);

-- name: sizes
-- What is kept under some names, and how many bytes each has while it is sealed.
SELECT r.name, octet_length(r.sealed) FROM vault.record AS r
WHERE r.book = %(book)s AND r.customer = %(customer)s AND r.name = ANY(%(names)s::text[]);

-- name: records
-- What is kept under some names.
SELECT r.name, r.sealed FROM vault.record AS r
WHERE r.book = %(book)s AND r.customer = %(customer)s AND r.name = ANY(%(names)s::text[]);

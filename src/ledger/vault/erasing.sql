-- name: try_eraser
-- One session erases at a time, in the order of the log: so the last one done tells where to go on.
SELECT pg_try_advisory_lock(%(kind)s, 0);

-- name: release_eraser
-- The next one may.
SELECT pg_advisory_unlock(%(kind)s, 0);

-- name: pending
-- Whose erasure is asked for and not done yet, in the order of each book's log.
SELECT e.book, e.customer, e.position
FROM ledger.head AS h
CROSS JOIN LATERAL (SELECT coalesce(max(d.position), 0) AS position FROM vault.erasure AS d WHERE d.book = h.book) AS done
JOIN ledger.event AS e ON e.book = h.book AND e.position > done.position AND e.type = 'customer.erased'
ORDER BY e.book, e.position;

-- name: lock_customer
-- Nothing of the customer is being put while this lasts, and what is put later finds the event.
SELECT pg_advisory_xact_lock(%(kind)s, hashtext(%(book)s || '/' || %(customer)s));

-- name: erase
-- Key and records go, and that they went is written down, all in one transaction.
WITH gone_key AS (
    DELETE FROM vault.key AS k WHERE k.book = %(book)s AND k.customer = %(customer)s
), gone AS (
    DELETE FROM vault.record AS r WHERE r.book = %(book)s AND r.customer = %(customer)s RETURNING 1
)
INSERT INTO vault.erasure (book, customer, position, records)
SELECT %(book)s, %(customer)s, %(position)s, (SELECT count(*) FROM gone);

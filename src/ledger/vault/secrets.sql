-- name: keep_code
-- The newest code replaces the one before.
INSERT INTO vault.code AS c (book, customer, hash, expires_at)
VALUES (%(book)s, %(customer)s, %(hash)s, %(expires_at)s)
ON CONFLICT (book, customer) DO UPDATE SET hash = EXCLUDED.hash, expires_at = EXCLUDED.expires_at;

-- name: find_code
-- The code that works now, if there is one.
SELECT c.hash FROM vault.code AS c
WHERE c.book = %(book)s AND c.customer = %(customer)s AND c.expires_at > clock_timestamp();

-- name: use_code
-- A code is used once: of two that bring it at the same moment, one finds it.
DELETE FROM vault.code AS c WHERE c.book = %(book)s AND c.customer = %(customer)s AND c.hash = %(hash)s RETURNING 1;

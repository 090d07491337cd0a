-- name: find_key
-- The one key with this hash, as long as it works.
SELECT id, principal, book, scopes, sources, role FROM ledger.api_key WHERE hash = %s AND revoked_at IS NULL;

-- name: create_key
-- A key from now on; only its hash is kept.
INSERT INTO ledger.api_key (id, book, principal, hash, scopes, sources, role)
VALUES (%(id)s, %(book)s, %(principal)s, %(hash)s, %(scopes)s, %(sources)s, %(role)s);

-- name: list_keys
-- All keys, those that stopped working too, oldest first.
SELECT id, principal, book, scopes, sources, role, created_at, revoked_at FROM ledger.api_key ORDER BY created_at, id;

-- name: revoke_key
-- It stops working, once and for all; what it did stays.
UPDATE ledger.api_key SET revoked_at = clock_timestamp() WHERE id = %s AND revoked_at IS NULL RETURNING id;

-- name: newest_key
-- The key in force.
SELECT public_key FROM ledger.log_key ORDER BY created_at DESC LIMIT 1;

-- name: keys
-- All keys that ever signed, the newest first.
SELECT public_key, created_at FROM ledger.log_key ORDER BY created_at DESC;

-- name: add_key
-- From now on this one signs.
INSERT INTO ledger.log_key (public_key) VALUES (%(public_key)s) ON CONFLICT DO NOTHING;

-- name: lock_keys
-- One process replaces the key at a time.
SELECT pg_advisory_xact_lock(%(kind)s, 0);

-- name: lock_signing
-- One process signs a book at a time, so that what is signed only grows.
SELECT pg_advisory_xact_lock(%(kind)s, hashtext(%(book)s));

-- name: head
-- Where the log ends, and the complete subtrees of its tree.
SELECT position, frontier FROM ledger.head WHERE book = %(book)s;

-- name: latest_checkpoint
-- What was signed last.
SELECT size, root, public_key, note FROM ledger.checkpoint WHERE book = %(book)s ORDER BY size DESC, signed_at DESC LIMIT 1;

-- name: checkpoint_at
-- What was signed at a size, by the newest key that did.
SELECT size, root, public_key, note FROM ledger.checkpoint
WHERE book = %(book)s AND size = %(size)s ORDER BY signed_at DESC LIMIT 1;

-- name: keep_checkpoint
-- Kept for ever: others may hold copies of it.
INSERT INTO ledger.checkpoint (book, size, root, public_key, note)
VALUES (%(book)s, %(size)s, %(root)s, %(public_key)s, %(note)s);

-- name: cosignatures
-- What witnesses signed at a size.
SELECT line FROM ledger.cosignature WHERE book = %(book)s AND size = %(size)s ORDER BY witness;

-- name: last_seen
-- Up to where a witness has followed.
SELECT coalesce(max(size), 0) FROM ledger.cosignature WHERE book = %(book)s AND witness = %(witness)s;

-- name: keep_cosignature
-- The first one of each witness is enough.
INSERT INTO ledger.cosignature (book, size, witness, line, seen_at)
VALUES (%(book)s, %(size)s, %(witness)s, %(line)s, to_timestamp(%(seconds)s)) ON CONFLICT DO NOTHING;

-- name: first_signed
-- When there was a checkpoint of this size first, in seconds since 1970: nobody saw it before.
SELECT extract(epoch FROM min(signed_at))::float8 FROM ledger.checkpoint
WHERE book = %(book)s AND size = %(size)s HAVING count(*) > 0;

-- name: lock_master
-- One process at a time makes or replaces the master key.
SELECT pg_advisory_xact_lock(%(kind)s, 0);

-- name: newest_master
-- The master key in force.
SELECT id FROM vault.master ORDER BY created_at DESC LIMIT 1;

-- name: add_master
-- From now on this one wraps.
INSERT INTO vault.master (id) VALUES (%(id)s);

-- name: try_lock
-- For the session; false when another session has it.
SELECT pg_try_advisory_lock(%(kind)s, hashtext(%(model)s));

-- name: lock
-- For the session, however long that takes.
SELECT pg_advisory_lock(%(kind)s, hashtext(%(model)s));

-- name: unlock
-- Before the session ends.
SELECT pg_advisory_unlock(%(kind)s, hashtext(%(model)s));

-- name: lock_installation
-- Until the transaction ends.
SELECT pg_advisory_xact_lock(%(kind)s, 0);

-- name: enter_gates
-- Each cycle passes the gate of every read model that it folds, unless a swap closes it or waits for it. Until the
-- transaction ends.
SELECT m.model FROM unnest(%(models)s::text[]) AS m (model)
WHERE pg_try_advisory_xact_lock_shared(%(kind)s, hashtext(m.model));

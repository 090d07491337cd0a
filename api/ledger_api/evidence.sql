-- name: is_recorded
-- Whether a message of this key was recorded before.
SELECT e.position FROM ledger.event AS e
WHERE e.book = %(book)s AND e.source = %(source)s AND e.event_id = %(id)s;

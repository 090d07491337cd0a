-- name: select_events
-- One stream, or a part of it, in the order of its versions.
SELECT e.version, e.type, e.state FROM ledger.event e
WHERE e.book = %(book)s AND e.stream = %(stream)s
    AND e.version > %(gt)s AND e.version <= %(lte)s
ORDER BY e.version LIMIT %(limit)s;

-- name: select_events_backwards
-- The same, the newest first.
SELECT e.version, e.type, e.state FROM ledger.event e
WHERE e.book = %(book)s AND e.stream = %(stream)s
    AND e.version > %(gt)s AND e.version <= %(lte)s
ORDER BY e.version DESC LIMIT %(limit)s;

-- name: select_notifications
-- The log from a position on. Positions have no gaps and are in commit order, so nothing is ever passed over.
SELECT e.position, e.stream, e.version, e.type, e.state FROM ledger.event e
WHERE e.book = %(book)s AND e.position >= %(first)s AND e.position <= %(last)s
    AND (%(types)s::text[] IS NULL OR e.type = ANY (%(types)s))
ORDER BY e.position LIMIT %(limit)s;

-- name: max_position
-- Where the log ends; a book without a head has no event yet.
SELECT nullif(h.position, 0) FROM ledger.head h WHERE h.book = %(book)s;

-- name: max_versions
-- How far each of these streams has come, to refuse a gap or a conflict by name. Runs under the head's lock.
SELECT s.stream, (
    SELECT e.version FROM ledger.event e WHERE e.book = %(book)s AND e.stream = s.stream ORDER BY e.version DESC LIMIT 1
) FROM unnest(%(streams)s::text[]) AS s (stream);

-- name: recorded
-- What stands at these places of streams, to tell after a lost reply whether the append was recorded.
SELECT e.stream, e.version, e.position, e.type, e.state
FROM unnest(%(streams)s::text[], %(versions)s::bigint[]) AS s (stream, version)
JOIN ledger.event e ON e.book = %(book)s AND e.stream = s.stream AND e.version = s.version;

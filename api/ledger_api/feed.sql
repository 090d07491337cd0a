-- name: all_events
-- The next events of a book, in order, up to a bound in number and in bytes; one row without an event when there
-- are none, no row when there is no such book.
SELECT h.position AS head, e.position, e.state
FROM ledger.head AS h
LEFT JOIN LATERAL (
    SELECT near.position, near.state FROM (
        SELECT n.position, n.state,
            sum(octet_length(n.state)) OVER (ORDER BY n.position) - octet_length(n.state) AS bytes_before
        FROM (
            SELECT v.position, v.state FROM ledger.event AS v
            WHERE v.book = h.book AND v.position > %(after)s
                AND v.position <= least(h.position, coalesce(%(upto)s, h.position))
            ORDER BY v.position LIMIT %(limit)s
        ) AS n
    ) AS near WHERE near.bytes_before < %(bytes_max)s
) AS e ON true
WHERE h.book = %(book)s ORDER BY e.position;

-- name: events_of_customer
-- The same for one customer (and one type, if given): its stream is an index of its own.
SELECT h.position AS head, e.position, e.state
FROM ledger.head AS h
LEFT JOIN LATERAL (
    SELECT near.position, near.state FROM (
        SELECT n.position, n.state,
            sum(octet_length(n.state)) OVER (ORDER BY n.position) - octet_length(n.state) AS bytes_before
        FROM (
            SELECT v.position, v.state FROM ledger.event AS v
            WHERE v.book = h.book AND v.stream = 'customer/' || %(customer)s AND v.position > %(after)s
                AND v.position <= least(h.position, coalesce(%(upto)s, h.position))
                AND v.type = coalesce(%(type)s, v.type)
                AND (%(day)s::date = 'infinity' OR ledger.occurred_by(
                    v.occurred_at, (SELECT ledger.zone_of(h.book)), %(day)s::date, %(instant)s::timestamptz))
            ORDER BY v.version LIMIT %(limit)s
        ) AS n
    ) AS near WHERE near.bytes_before < %(bytes_max)s
) AS e ON true
WHERE h.book = %(book)s ORDER BY e.position;

-- name: events_that
-- The same for one type, or for what had occurred by a moment. The log has no index for either: a page looks at a bounded
-- stretch of it, and the next page goes on behind that stretch, whether something was found in it or not.
SELECT h.position AS head, e.position, e.state
FROM ledger.head AS h
LEFT JOIN LATERAL (
    SELECT near.position, near.state FROM (
        SELECT n.position, n.state,
            sum(octet_length(n.state)) OVER (ORDER BY n.position) - octet_length(n.state) AS bytes_before
        FROM (
            SELECT v.position, v.state FROM ledger.event AS v
            WHERE v.book = h.book AND v.type = coalesce(%(type)s, v.type) AND v.position > %(after)s
                AND v.position <= least(h.position, coalesce(%(upto)s, h.position), %(after)s + %(stretch)s)
                AND (%(day)s::date = 'infinity' OR v.stream = 'book' OR ledger.occurred_by(
                    v.occurred_at, (SELECT ledger.zone_of(h.book)), %(day)s::date, %(instant)s::timestamptz))
            ORDER BY v.position LIMIT %(limit)s
        ) AS n
    ) AS near WHERE near.bytes_before < %(bytes_max)s
) AS e ON true
WHERE h.book = %(book)s ORDER BY e.position;

-- name: one_event
-- One event as it was recorded, and whose it is (null: the book's); no row when there is no such book.
SELECT h.position AS head, e.state, e.leaf, nullif(split_part(e.stream, '/', 2), '') AS customer
FROM ledger.head AS h LEFT JOIN ledger.event AS e ON e.book = h.book AND e.position = %(position)s
WHERE h.book = %(book)s;

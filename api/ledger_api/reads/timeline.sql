-- name: timeline
-- One page of a customer's events with what they name. Versions have no gaps, so the last one by a position is found by
-- halving, whatever came after; and a page is a range of versions: those
-- after `behind`, or before it when the newest come first; of one that had not occurred by then there is a version and no
-- event. One row without either when there are none, no row when there is no such book.
SELECT h.position, l.version AS last, t.version, t.event FROM ledger.head AS h
CROSS JOIN LATERAL (
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, coalesce((
            SELECT e.version FROM ledger.event AS e WHERE e.book = h.book AND e.stream = 'customer/' || %(customer)s
            ORDER BY e.version DESC LIMIT 1), 0)
        UNION ALL
        SELECT CASE WHEN e.position <= coalesce(%(upto)s, h.position) THEN m.middle ELSE s.low END,
            CASE WHEN e.position <= coalesce(%(upto)s, h.position) THEN s.high ELSE m.middle - 1 END
        FROM search AS s
        CROSS JOIN LATERAL (SELECT (s.low + s.high + 1) / 2 AS middle) AS m
        JOIN ledger.event AS e
            ON e.book = h.book AND e.stream = 'customer/' || %(customer)s AND e.version = m.middle
        WHERE s.low < s.high
    )
    SELECT max(s.low) AS version FROM search AS s
) AS l
CROSS JOIN LATERAL (
    SELECT CASE WHEN %(newest)s THEN least(%(behind)s::bigint - 1, l.version) - %(limit)s + 1 ELSE %(behind)s::bigint + 1 END AS first
) AS p
LEFT JOIN LATERAL (
    SELECT v.version, CASE WHEN %(day)s::date = 'infinity'
        OR ledger.occurred_by(v.occurred_at, (SELECT ledger.zone_of(h.book)), %(day)s::date, %(instant)s::timestamptz)
        THEN json_build_object(
        'version', v.version, 'position', v.position, 'type', v.type, 'occurred_at', v.occurred_at,
        'recorded_at', v.recorded_at, 'principal', v.principal, 'source', v.source, 'id', v.event_id,
        'causation', v.causation, 'invoice', v.invoice, 'currency', v.currency, 'amount', v.amount,
        'refers_to', customers.refers_to(v.state))::text END AS event
    FROM ledger.event AS v
    WHERE v.book = h.book AND v.stream = 'customer/' || %(customer)s
        AND v.version BETWEEN p.first AND least(p.first + %(limit)s - 1, l.version)
) AS t ON true
WHERE h.book = %(book)s
ORDER BY t.version;

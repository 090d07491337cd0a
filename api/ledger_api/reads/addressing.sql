-- name: issuer
-- Who a document comes from, as known at a position: the book, and the seller that its policy names on a day. And how it is read.
SELECT b.name, b.time_zone, c.locale, c.opened_at, (
    SELECT s.policy -> 'seller'
    FROM (
        SELECT e.position, convert_from(e.state, 'UTF8')::jsonb -> 'data' AS policy
        FROM ledger.event AS e
        WHERE e.book = b.book AND e.stream = 'book' AND e.type = 'policy.changed' AND e.position <= %(upto)s
    ) AS s
    WHERE s.policy ->> 'policy' = 'seller' AND (s.policy ->> 'from')::date <= %(day)s::date
    ORDER BY (s.policy ->> 'from')::date DESC, s.position DESC LIMIT 1) AS seller
FROM journal.book AS b JOIN customers.customer AS c ON c.book = b.book
WHERE b.book = %(book)s AND c.customer = %(customer)s;

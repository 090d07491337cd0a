-- name: verification
-- Of a customer's attempts the last one that stands now.
SELECT a.method, a.contact, a.tried_at AS since, a.valid_until, a.tried_by
FROM contacts.standing AS a
WHERE a.book = %(book)s AND a.customer = %(customer)s AND a.stands
ORDER BY a.position DESC LIMIT 1;

-- name: event
-- One event of the log.
SELECT e.state FROM ledger.event AS e WHERE e.book = %(book)s AND e.position = %(position)s;

-- name: spoken
-- In which language a customer is written to, and the time zone of the book. A customer of whom the read models do not know
-- yet is written to in the language of those who have said none.
SELECT coalesce(c.locale, 'en') AS locale, ledger.zone_of(%(book)s) AS time_zone
FROM (VALUES (%(customer)s)) AS asked (customer)
LEFT JOIN customers.customer AS c ON c.book = %(book)s AND c.customer = asked.customer;

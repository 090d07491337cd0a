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
-- In which language a customer is written to, and the time zone of the book.
SELECT c.locale, b.time_zone FROM customers.customer AS c JOIN journal.book AS b ON b.book = c.book
WHERE c.book = %(book)s AND c.customer = %(customer)s;

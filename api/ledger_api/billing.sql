-- name: begin
-- The last instant of a date in the book's time zone, and where the log ends; no row when there is no such book.
SELECT ((%(through)s::date + 1)::timestamp AT TIME ZONE (convert_from(e.state, 'UTF8')::json #>> '{data,time_zone}'))
    - interval '1 microsecond', h.position
FROM ledger.head AS h JOIN ledger.event AS e ON e.book = h.book AND e.position = 1
WHERE h.book = %(book)s;

-- name: count_customers
-- How many customers a run looks at.
SELECT count(*) FROM customers.customer AS c WHERE c.book = %(book)s;

-- name: due
-- The next customers in order of name, each with the currencies in which something may be due (none: null): their last
-- billing period that ends by the date is not billed, and something is unbilled, or agreed for days behind the one that
-- was billed last, or agreed or ended since. That may be one too many, never one too few: the rules decide.
WITH looked_at AS MATERIALIZED (
    SELECT c.customer, c.currency, c.billing_day, c.closed_at, c.terms_position FROM customers.customer AS c
    WHERE c.book = %(book)s AND c.customer > %(after)s ORDER BY c.customer LIMIT %(limit)s
), period AS MATERIALIZED (
    SELECT l.customer, l.currency, l.closed_at, l.terms_position,
        (date_trunc('month', (%(through)s::date + 2 - l.billing_day)::timestamp))::date + l.billing_day - 2 AS ends
    FROM looked_at AS l
), agreed AS (
    SELECT p.customer, p.currency
    FROM period AS p
    LEFT JOIN customers.billed AS b ON b.book = %(book)s AND b.customer = p.customer AND b.currency = p.currency
    WHERE (b.through IS NULL OR b.through < p.ends)
        AND EXISTS (
            SELECT FROM customers.agreement AS a
            WHERE a.book = %(book)s AND a.customer = p.customer
                AND (b.through IS NULL OR a.position > b.position OR p.terms_position > b.position
                    OR ((p.closed_at IS NULL OR p.closed_at::date + 1 > b.through)
                        AND NOT EXISTS (
                            SELECT FROM customers.agreement AS later
                            WHERE later.book = a.book AND later.customer = a.customer
                                AND later.effective_from > a.effective_from AND later.effective_from <= b.through + 1)
                        AND EXISTS (
                            SELECT FROM customers.agreement_service AS s
                            WHERE s.book = a.book AND s.customer = a.customer AND s.effective_from = a.effective_from
                                AND (s.until IS NULL OR s.until > b.through)))))
), unbilled AS (
    SELECT p.customer, u.currency
    FROM period AS p
    JOIN balances.customer_balance AS u ON u.book = %(book)s AND u.customer = p.customer AND u.unbilled <> 0
    LEFT JOIN customers.billed AS b ON b.book = %(book)s AND b.customer = p.customer AND b.currency = u.currency
    WHERE b.through IS NULL OR b.through < p.ends
), due AS (
    SELECT d.customer, json_agg(d.currency ORDER BY d.currency) AS currencies
    FROM (SELECT a.customer, a.currency FROM agreed AS a UNION SELECT u.customer, u.currency FROM unbilled AS u) AS d
    GROUP BY d.customer
)
SELECT l.customer, d.currencies FROM looked_at AS l LEFT JOIN due AS d ON d.customer = l.customer ORDER BY l.customer;

-- name: invoices
-- What invoices that were just issued come to, by the typed columns of the log.
SELECT e.position, e.invoice, e.amount FROM ledger.event AS e
WHERE e.book = %(book)s AND e.position = ANY (%(positions)s);

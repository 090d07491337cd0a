-- name: begin
-- The book's time zone, the last instant of a date in it, and where the log ends; no row when there is no such book.
SELECT z.time_zone, ((%(through)s::date + 1)::timestamp AT TIME ZONE z.time_zone) - interval '1 microsecond', h.position
FROM ledger.head AS h
CROSS JOIN LATERAL ledger.zone_of(h.book) AS z (time_zone)
WHERE h.book = %(book)s AND h.position > 0;

-- name: count_customers
-- How many customers a run looks at.
SELECT count(*) FROM customers.customer AS c WHERE c.book = %(book)s;

-- name: due
-- The next customers in order of name, each with the currencies in which something may be due (none: null). In these the
-- last billing period that ends by the date is not billed, and a charge waits; or, in the customer's own, days behind the
-- one that was billed last are agreed on, or something was agreed, ended or freed of a dispute since. That may be one too
-- many, never one too few: the rules decide. Who was billed since the run began is told again: the answer that said so may
-- have been lost. Lateral, so that each look is by key, whatever the planner knows of tables
-- that have just grown.
WITH looked_at AS MATERIALIZED (
    SELECT c.customer, c.currency, c.terms_position, (c.closed_at AT TIME ZONE %(time_zone)s)::date AS closed_on,
        (date_trunc('month', (%(through)s::date + 2 - c.billing_day)::timestamp))::date + c.billing_day - 2 AS ends
    FROM customers.customer AS c
    WHERE c.book = %(book)s AND c.customer > %(after)s ORDER BY c.customer LIMIT %(limit)s
)
SELECT l.customer, due.currencies
FROM looked_at AS l
CROSS JOIN LATERAL (
    SELECT max(w.position) AS position FROM customers.waiting AS w WHERE w.book = %(book)s AND w.customer = l.customer
) AS freed
CROSS JOIN LATERAL (
    SELECT json_agg(k.currency ORDER BY k.currency) AS currencies
    FROM (
        SELECT l.currency
        UNION SELECT w.currency FROM customers.waiting AS w WHERE w.book = %(book)s AND w.customer = l.customer
    ) AS k
    LEFT JOIN customers.waiting AS w ON w.book = %(book)s AND w.customer = l.customer AND w.currency = k.currency
    LEFT JOIN customers.billed AS b ON b.book = %(book)s AND b.customer = l.customer AND b.currency = k.currency
    WHERE b.position > %(since)s
        OR ((b.through IS NULL OR b.through < l.ends)
            AND (w.net <> 0 OR w.position > coalesce(b.position, 0)
                OR (w.free_at AT TIME ZONE %(time_zone)s)::date > b.through
                OR (k.currency = l.currency AND EXISTS (
                    SELECT FROM customers.agreement AS a
                    WHERE a.book = %(book)s AND a.customer = l.customer
                        AND (b.through IS NULL OR greatest(a.position, l.terms_position, freed.position) > b.position
                            OR ((l.closed_on IS NULL OR l.closed_on > b.through)
                                AND NOT EXISTS (
                                    SELECT FROM customers.agreement AS later
                                    WHERE later.book = a.book AND later.customer = a.customer
                                        AND later.effective_from > a.effective_from
                                        AND later.effective_from <= b.through + 1)
                                AND EXISTS (
                                    SELECT FROM customers.agreement_service AS s
                                    WHERE s.book = a.book AND s.customer = a.customer
                                        AND s.effective_from = a.effective_from
                                        AND (s.until IS NULL OR s.until > b.through))))))))
) AS due
ORDER BY l.customer;

-- name: invoices
-- What invoices that were just issued come to, by the typed columns of the log.
SELECT e.position, e.invoice, e.amount FROM ledger.event AS e
WHERE e.book = %(book)s AND e.position = ANY (%(positions)s);

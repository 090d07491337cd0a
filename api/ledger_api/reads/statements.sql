-- name: openings
-- The balance in each currency before a day, of all currencies that anything ever moved in.
-- Whom it is about is joined (OFFSET 0), here and below, so that it is the index posting_customer that serves: it says why.
SELECT p.currency, coalesce(sum(p.amount) FILTER (WHERE p.occurred_on < %(from)s::date), 0)::bigint AS balance
FROM (SELECT %(customer)s::text AS customer, %(book)s::text AS book OFFSET 0) AS asked
JOIN journal.posting AS p ON p.customer = asked.customer AND p.book = asked.book
    AND p.position <= coalesce(%(upto)s, 9223372036854775807)
WHERE p.account IN ('receivable', 'disputed', 'customer_credit')
    AND p.currency = coalesce(%(currency)s, p.currency) AND p.occurred_on <= %(to)s::date
    AND (p.occurred_on < %(day)s::date OR p.occurred_on = %(day)s::date AND p.occurred_at <= %(instant)s::timestamptz)
GROUP BY p.currency
ORDER BY p.currency;

-- name: entries
-- What moved a customer's balance between two days, each with its name and the balance behind it; what moved within it is left out.
SELECT s.occurred_on, s.currency, e.type, s.amount::bigint AS amount, s.balance::bigint AS balance, s.recorded_at, (
    SELECT CASE split_part(e.type, '.', 1)
        WHEN 'payment' THEN d.data ->> 'payment'
        WHEN 'refund' THEN d.data ->> 'refund'
        WHEN 'dispute' THEN d.data ->> 'dispute'
        WHEN 'credit_note' THEN d.data ->> 'credit_note'
        ELSE d.data ->> 'invoice' END
    FROM (SELECT convert_from(e.state, 'UTF8')::jsonb -> 'data' AS data) AS d) AS name
FROM (
    SELECT p.occurred_on, p.position, p.currency, min(p.recorded_at) AS recorded_at, sum(p.amount) AS amount,
        sum(sum(p.amount)) OVER (PARTITION BY p.currency ORDER BY p.occurred_on, p.position) AS balance
    FROM (SELECT %(customer)s::text AS customer, %(book)s::text AS book OFFSET 0) AS asked
    JOIN journal.posting AS p ON p.customer = asked.customer AND p.book = asked.book
        AND p.position <= coalesce(%(upto)s, 9223372036854775807)
    WHERE p.account IN ('receivable', 'disputed', 'customer_credit')
        AND p.currency = coalesce(%(currency)s, p.currency) AND p.occurred_on <= %(to)s::date
        AND (p.occurred_on < %(day)s::date OR p.occurred_on = %(day)s::date AND p.occurred_at <= %(instant)s::timestamptz)
    GROUP BY p.occurred_on, p.position, p.currency
) AS s
JOIN ledger.event AS e ON e.book = %(book)s AND e.position = s.position
WHERE s.occurred_on >= %(from)s::date AND s.amount <> 0
ORDER BY s.occurred_on, s.position, s.currency
LIMIT %(limit)s;

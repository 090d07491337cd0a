-- name: folded
-- How far the read model has come, and the zone in which the book's days begin.
SELECT b.time_zone, coalesce((SELECT c.notification_id FROM ledger.cursor c
    WHERE c.application_name = 'journal/' || b.book), 0)
FROM journal.book b WHERE b.book = %(book)s;

-- name: month_ends
-- What each account came to at the end of each month in which it moved, by the clock that the journal is dated by.
COPY (
    SELECT m.account, m.currency, (m.month + interval '1 month' - interval '1 day')::date,
        sum(m.amount) OVER (PARTITION BY m.account, m.currency ORDER BY m.month)::bigint
    FROM (
        SELECT p.account, p.currency, sum(p.amount) AS amount, date_trunc('month',
            CASE WHEN %(recorded)s THEN p.recorded_at AT TIME ZONE %(time_zone)s ELSE p.occurred_on END) AS month
        FROM journal.posting p WHERE p.book = %(book)s AND p.position <= %(upto)s
        GROUP BY 1, 2, 4
    ) m
    ORDER BY 3, 2, 1
) TO STDOUT (FORMAT BINARY);

-- name: balances
-- What each account comes to in the end, with its customer and invoice where a journal has accounts for them.
COPY (
    SELECT p.account, p.customer, p.invoice, p.currency, sum(p.amount)::bigint
    FROM (
        SELECT account, CASE WHEN account = ANY (%(of_customer)s) THEN customer END AS customer,
            CASE WHEN account = ANY (%(of_invoice)s) THEN invoice END AS invoice, currency, amount
        FROM journal.posting WHERE book = %(book)s AND position <= %(upto)s
    ) p
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
) TO STDOUT (FORMAT BINARY);

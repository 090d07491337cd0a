-- name: add_postings
-- scans
-- One pass over the new postings. Only what makes a customer's balance is kept apart by customer, so that few groups
-- are held; an account's total is the sum of its groups. In the order of the key, so that two never wait for each other.
WITH fresh AS MATERIALIZED (
    SELECT k.customer, k.account, k.currency, sum(k.amount) AS amount,
        coalesce(sum(k.amount) FILTER (WHERE k.amount > 0), 0) AS debit, max(k.position) AS position
    FROM (
        SELECT CASE WHEN p.account IN ('receivable', 'disputed', 'customer_credit', 'unbilled') THEN p.customer
            END AS customer, p.account, p.currency, p.amount, p.position
        FROM posting p
        WHERE p.book = %(book)s AND p.position > %(after)s AND p.position <= %(upto)s
    ) k
    GROUP BY k.customer, k.account, k.currency
), accounts AS (
    INSERT INTO account_total (book, account, currency, debit, credit)
    SELECT %(book)s, f.account, f.currency, sum(f.debit), sum(f.debit) - sum(f.amount)
    FROM fresh f GROUP BY f.account, f.currency ORDER BY f.account, f.currency
    ON CONFLICT (book, account, currency) DO UPDATE
    SET debit = account_total.debit + excluded.debit, credit = account_total.credit + excluded.credit
)
INSERT INTO customer_balance (book, customer, currency, receivable, disputed, customer_credit, unbilled, position)
SELECT %(book)s, f.customer, f.currency,
    coalesce(sum(f.amount) FILTER (WHERE f.account = 'receivable'), 0),
    coalesce(sum(f.amount) FILTER (WHERE f.account = 'disputed'), 0),
    coalesce(sum(f.amount) FILTER (WHERE f.account = 'customer_credit'), 0),
    coalesce(sum(f.amount) FILTER (WHERE f.account = 'unbilled'), 0),
    max(f.position)
FROM fresh f
WHERE f.customer IS NOT NULL
GROUP BY f.customer, f.currency ORDER BY f.customer, f.currency
ON CONFLICT (book, customer, currency) DO UPDATE
SET receivable = customer_balance.receivable + excluded.receivable,
    disputed = customer_balance.disputed + excluded.disputed,
    customer_credit = customer_balance.customer_credit + excluded.customer_credit,
    unbilled = customer_balance.unbilled + excluded.unbilled,
    position = excluded.position;

-- name: balance
-- A customer's balances now, one row a currency.
SELECT b.currency, b.balance, b.receivable, b.disputed, -b.customer_credit AS credit,
    greatest(b.customer_credit, 0) AS overdrawn, b.unbilled
FROM balances.customer_balance AS b
WHERE b.book = %(book)s AND b.customer = %(customer)s
ORDER BY b.currency;

-- name: balance_as_of
-- The same summed over the journal, as of any moment. Whom it is about is joined (OFFSET 0), here and below, so that it is
-- the index posting_customer that serves: it says why.
SELECT s.currency, s.receivable + s.disputed + s.customer_credit AS balance, s.receivable, s.disputed,
    -s.customer_credit AS credit, greatest(s.customer_credit, 0) AS overdrawn, s.unbilled
FROM (
    SELECT p.currency,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'receivable'), 0) AS receivable,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'disputed'), 0) AS disputed,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'customer_credit'), 0) AS customer_credit,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'unbilled'), 0) AS unbilled
    FROM (SELECT %(customer)s::text AS customer, %(book)s::text AS book OFFSET 0) AS asked
    JOIN journal.posting AS p ON p.customer = asked.customer AND p.book = asked.book
        AND p.position <= coalesce(%(upto)s, 9223372036854775807)
    WHERE p.account IN ('receivable', 'disputed', 'customer_credit', 'unbilled')
        AND (p.occurred_on < %(day)s::date
            OR p.occurred_on = %(day)s::date AND p.occurred_at <= %(instant)s::timestamptz)
    GROUP BY p.currency
) AS s
ORDER BY s.currency;

-- name: statement
-- What moved a customer's balance, one row an entry and currency, in order of date, with the balance behind it.
SELECT s.occurred_on, s.position, s.currency, e.type, s.invoice, s.amount, s.balance, s.receivable, s.disputed,
    -s.customer_credit AS credit, s.occurred_at, s.recorded_at
FROM (
    SELECT p.occurred_on, p.position, p.currency, min(p.invoice) AS invoice,
        min(p.occurred_at) AS occurred_at, min(p.recorded_at) AS recorded_at,
        sum(p.amount) AS amount,
        sum(sum(p.amount)) OVER (PARTITION BY p.currency ORDER BY p.occurred_on, p.position) AS balance,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'receivable'), 0) AS receivable,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'disputed'), 0) AS disputed,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'customer_credit'), 0) AS customer_credit
    FROM (SELECT %(customer)s::text AS customer, %(book)s::text AS book OFFSET 0) AS asked
    JOIN journal.posting AS p ON p.customer = asked.customer AND p.book = asked.book
        AND p.position <= coalesce(%(upto)s, 9223372036854775807)
    WHERE p.account IN ('receivable', 'disputed', 'customer_credit')
        AND (p.occurred_on < %(day)s::date
            OR p.occurred_on = %(day)s::date AND p.occurred_at <= %(instant)s::timestamptz)
    GROUP BY p.occurred_on, p.position, p.currency
) AS s
JOIN ledger.event AS e ON e.book = %(book)s AND e.position = s.position
WHERE s.occurred_on >= %(from)s::date AND s.currency = coalesce(%(currency)s, s.currency)
    AND (s.occurred_on, s.position, s.currency)
        > (%(after_day)s::date, %(after_position)s::bigint, %(after_currency)s::text)
ORDER BY s.occurred_on, s.position, s.currency
LIMIT %(limit)s;

-- name: trial_balance
-- Every account with what was ever posted to it.
SELECT t.account, a.name, a.kind, t.currency, t.debit, t.credit, t.balance
FROM balances.account_total AS t
LEFT JOIN journal.account AS a ON a.book = t.book AND a.account = t.account
WHERE t.book = %(book)s
ORDER BY t.currency, t.account;

-- name: trial_balance_as_of
-- The same summed over the journal, as of any moment.
SELECT p.account, a.name, a.kind, p.currency, coalesce(sum(p.amount) FILTER (WHERE p.amount > 0), 0) AS debit,
    coalesce(-sum(p.amount) FILTER (WHERE p.amount < 0), 0) AS credit, sum(p.amount) AS balance
FROM journal.posting AS p
LEFT JOIN journal.account AS a ON a.book = p.book AND a.account = p.account
WHERE p.book = %(book)s AND p.position <= coalesce(%(upto)s, p.position)
    AND (p.occurred_on < %(day)s::date
        OR p.occurred_on = %(day)s::date AND p.occurred_at <= %(instant)s::timestamptz)
GROUP BY p.account, a.name, a.kind, p.currency
ORDER BY p.currency, p.account;

-- name: customer_is_known
-- Whether a customer was opened (by a position), asked of the log itself.
SELECT 1 FROM ledger.event AS e
WHERE e.book = %(book)s AND e.stream = 'customer/' || %(customer)s AND e.version = 1
    AND e.position <= coalesce(%(upto)s, e.position);

-- name: accounts
-- Balances of accounts before and after, where they differ, and the events that moved them.
SELECT p.account, p.currency, coalesce(sum(p.amount) FILTER (WHERE p.position <= %(before)s), 0)::bigint,
    sum(p.amount)::bigint, array_agg(DISTINCT p.position) FILTER (WHERE p.position > %(before)s)
FROM journal.posting AS p
WHERE p.book = %(book)s AND p.position <= %(after)s
GROUP BY p.account, p.currency
HAVING bool_or(p.position > %(before)s)
ORDER BY p.currency, p.account;

-- name: balances
-- The same of what customers owe.
WITH moved AS MATERIALIZED (
    SELECT p.customer, p.currency, sum(p.amount) AS amount, array_agg(DISTINCT p.position) AS events
    FROM journal.posting AS p
    WHERE p.book = %(book)s AND p.position > %(before)s AND p.position <= %(after)s
        AND p.account IN ('receivable', 'disputed', 'customer_credit')
    GROUP BY p.customer, p.currency
)
SELECT m.customer, m.currency, b.balance, b.balance + m.amount::bigint, m.events
FROM moved AS m
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount), 0)::bigint AS balance FROM journal.posting AS p
    WHERE (p.customer, p.book, p.position) > (m.customer, %(book)s, 0)
        AND (p.customer, p.book, p.position) <= (m.customer, %(book)s, %(before)s)
        AND p.currency = m.currency AND p.account IN ('receivable', 'disputed', 'customer_credit')) AS b
ORDER BY m.customer, m.currency;

-- name: journal_reached
-- How far the journal is folded.
SELECT coalesce(max(c.notification_id), 0) FROM ledger.cursor AS c WHERE c.application_name = 'journal/' || %(book)s;

-- name: touched
-- The customers that something happened to, in order of name.
SELECT DISTINCT e.customer FROM ledger.event AS e
WHERE e.book = %(book)s AND e.position > %(before)s AND e.position <= %(after)s AND e.customer IS NOT NULL
ORDER BY e.customer;

-- name: events
-- What happened to customers, with the names of what it was about; of an invoice issued or voided, with the discounts that it
-- used and gives back: those that it was issued with.
SELECT e.position, e.type, e.customer, e.invoice, d.data ->> 'dispute', d.data ->> 'discount', ARRAY(
    SELECT u.used ->> 'discount' FROM jsonb_array_elements(d.data -> 'discounts') AS u (used)) AS used
FROM ledger.event AS e
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.type LIKE 'dispute.%%' OR e.type LIKE 'discount.%%' OR e.type = 'invoice.issued' THEN ledger.data_of(e.state)
        WHEN e.type = 'invoice.voided' THEN (
            SELECT ledger.data_of(i.state) FROM ledger.event AS i
            WHERE i.book = e.book AND i.stream = e.stream AND i.type = 'invoice.issued' AND i.invoice = e.invoice)
        END AS data OFFSET 0) AS d
WHERE e.book = %(book)s AND e.position > %(before)s AND e.position <= %(after)s AND e.customer = ANY (%(customers)s)
ORDER BY e.position;

-- name: customer
-- How customers stand.
SELECT c.customer, c.customer AS name, json_build_object('status', c.status) AS stands
FROM customers.customer AS c WHERE c.book = %(book)s;

-- name: invoice
-- How invoices stand.
SELECT i.customer, i.invoice AS name, json_build_object('state', i.state, 'due', i.due, 'disputed', i.disputed) AS stands
FROM invoices.standing AS i WHERE i.book = %(book)s;

-- name: dispute
-- How disputes stand.
SELECT d.customer, d.dispute AS name, json_build_object('state', d.state, 'outcome', d.outcome, 'held', d.held) AS stands
FROM disputes.dispute AS d WHERE d.book = %(book)s;

-- name: discount
-- How discounts stand.
SELECT d.customer, d.discount AS name, json_build_object('state', d.state, 'uses', d.uses) AS stands
FROM discounts.standing AS d WHERE d.book = %(book)s;

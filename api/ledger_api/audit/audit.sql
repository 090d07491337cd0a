-- name: trial_balance
-- Every account with what was posted to it.
SELECT t.account, a.name, a.kind, t.currency, t.debit, t.credit, t.balance
FROM {balances}.account_total AS t LEFT JOIN {journal}.account AS a ON a.book = t.book AND a.account = t.account
ORDER BY t.currency, t.account

-- name: customers
-- What each customer owes.
SELECT b.customer, b.currency, b.balance, b.receivable, b.disputed, b.customer_credit, b.unbilled
FROM {balances}.customer_balance AS b ORDER BY b.customer, b.currency

-- name: invoices
-- Every invoice and where it stands.
SELECT i.invoice, i.customer, i.currency, i.issued_on, i.due_on, i.net, i.discount, i.tax, i.total, i.allocated,
    i.credited, i.written_off, i.disputed, i.due, i.state
FROM {invoices}.standing AS i ORDER BY i.position

-- name: disputes
-- Every dispute and where it stands.
SELECT d.dispute, d.customer, d.kind, d.state, d.outcome, d.invoice, d.payment, d.currency, d.amount, d.held, d.upheld
FROM {disputes}.dispute AS d ORDER BY d.position

-- name: discounts
-- Every discount, who granted it, and how often it was used.
SELECT d.discount, d.customer, d.kind, d.percent, d.amount, d.currency, d.reason, d.granted_by, d.state, d.uses
FROM {discounts}.standing AS d ORDER BY d.position

-- name: aging
-- What each customer owes, by how long it is past its due date on the day of the moment.
SELECT a.* FROM {reports}.aging_as_of({book}, on_day => {today}::date) AS a ORDER BY a.customer, a.currency

-- name: revenue
-- What was recognised of each service in each month.
SELECT r.* FROM {reports}.revenue_as_of({book}) AS r ORDER BY r.month, r.service, r.currency

-- name: tax
-- The tax of each category and rate in each month.
SELECT t.* FROM {reports}.tax_as_of({book}) AS t ORDER BY t.month, t.category, t.rate, t.currency

-- name: entry
-- The bytes of one event.
SELECT state FROM ledger.event WHERE book = %(book)s AND position = %(position)s;

-- name: next_deadlines
-- Of all books, the deadlines on which the ledger acts next, and in how many seconds: those that have passed come first.
SELECT d.acts_at, d.book, d.customer, d.dispute, d.deadline, extract(epoch FROM d.acts_at - clock_timestamp())::float8
FROM disputes.dispute AS d
WHERE d.acts_at IS NOT NULL
    AND (d.acts_at, d.book, d.customer, d.dispute) > (%(acts_at)s::timestamptz, %(book)s, %(customer)s, %(dispute)s)
ORDER BY d.acts_at, d.book, d.customer, d.dispute LIMIT %(limit)s;

-- name: set_policies
-- types: policy.changed
-- The last policy for a date replaces an earlier one for the same date.
INSERT INTO policy AS p
SELECT DISTINCT ON (d.data ->> 'from') e.book, (d.data ->> 'from')::date, d.data -> 'dunning' -> 'steps', e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'policy.changed'
    AND d.data ->> 'policy' = 'dunning'
ORDER BY d.data ->> 'from', e.position DESC
ON CONFLICT (book, effective_from) DO UPDATE SET steps = excluded.steps, position = excluded.position;

-- name: send_reminders
-- types: reminder.sent
-- Each step of an invoice is sent once.
INSERT INTO reminder
SELECT e.book, e.invoice, (d.data ->> 'step')::integer, e.customer, d.data ->> 'kind', e.currency, e.amount,
    (d.data ->> 'days_overdue')::integer, (d.data ->> 'sent_on')::date, e.occurred_at, e.principal, e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'reminder.sent';

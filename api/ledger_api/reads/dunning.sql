-- name: overdue
-- The dunning list on a day (null: today in the book's time zone), in the order in which invoices were issued.
SELECT o.customer, o.invoice, o.currency, o.due_on, o.days_overdue, o.amount, o.disputed, o.reminders, o.last_kind,
    o.last_sent_on, o.next_step, o.next_kind, o.next_minimum, o.next_on, o.ready, o.position
FROM journal.book AS b
CROSS JOIN LATERAL dunning.overdue(b.book, coalesce(%(on)s::date, (ledger.moment() AT TIME ZONE b.time_zone)::date)) AS o
WHERE b.book = %(book)s AND o.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR o.customer = %(customer)s)
    AND (%(ready)s::boolean IS NULL OR o.ready = %(ready)s)
ORDER BY o.position LIMIT %(limit)s;

-- name: members_overdue
-- Invoices of which something was due at a moment, as the journal has it, and past its due date on the day; in that order.
SELECT d.customer, i.position
FROM reports.due_as_of(
    %(book)s, %(upto)s, NULL, %(day)s::date, %(instant)s::timestamptz, NULL, coalesce(%(on)s::date, %(today)s::date)) AS d
JOIN invoices.invoice AS i ON i.book = %(book)s AND i.invoice = d.invoice
WHERE d.days > 0 AND i.position > %(after_position)s
ORDER BY i.position LIMIT %(limit)s;

-- name: ready
-- What is to be sent through a day that has come in the book's time zone: of each invoice its next step, in order of issue.
SELECT o.customer, o.invoice, o.next_step AS step, o.next_kind AS kind, o.currency, o.amount, o.position
FROM journal.book AS b
CROSS JOIN LATERAL dunning.overdue(b.book, least(%(through)s::date, (now() AT TIME ZONE b.time_zone)::date)) AS o
WHERE b.book = %(book)s AND o.ready AND o.position > %(after_position)s
ORDER BY o.position LIMIT %(limit)s;

-- name: reminders
-- Reminders in the order in which they were sent.
SELECT r.invoice, r.step, r.customer, r.kind, r.currency, r.amount, r.days_overdue, r.sent_on, r.sent_at, r.sent_by, r.position
FROM dunning.reminder AS r
WHERE r.book = %(book)s AND r.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR r.customer = %(customer)s)
    AND (%(invoice)s::text IS NULL OR r.invoice = %(invoice)s)
ORDER BY r.position LIMIT %(limit)s;

-- name: members
-- All reminders of a book that were recorded by a position, in that order.
SELECT m.customer, m.position FROM dunning.reminder AS m
WHERE m.book = %(book)s AND m.position > %(after_position)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.position LIMIT %(limit)s;

-- name: head
-- Where the log of the book ends.
SELECT h.position FROM ledger.head AS h WHERE h.book = %(book)s;

-- name: invoices
-- Invoices in the order in which they were issued.
SELECT i.invoice, i.customer, i.currency, i.state, i.partly_paid, i.in_dispute,
    i.due > 0 AND i.due_on < (ledger.moment() AT TIME ZONE b.time_zone)::date AS overdue, i.issued_on, i.due_on,
    i.net, i.discount, i.tax, i.total, i.allocated, i.credited, i.written_off, i.disputed, i.due, i.issued_at, i.position
FROM invoices.standing AS i JOIN journal.book AS b ON b.book = i.book
WHERE i.book = %(book)s AND i.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR i.customer = %(customer)s)
    AND (%(state)s::text IS NULL OR i.state = %(state)s)
    AND (%(currency)s::text IS NULL OR i.currency = %(currency)s)
    AND (%(in_dispute)s::boolean IS NULL OR i.in_dispute = %(in_dispute)s)
    AND (%(overdue)s::boolean IS NULL
        OR (i.due > 0 AND i.due_on < (ledger.moment() AT TIME ZONE b.time_zone)::date) = %(overdue)s)
ORDER BY i.position LIMIT %(limit)s;

-- name: invoice
-- One invoice, complete: lines, discounts, taxes, and what settled it.
SELECT i.invoice, i.customer, i.currency, i.state, i.partly_paid, i.in_dispute,
    i.due > 0 AND i.due_on < (ledger.moment() AT TIME ZONE b.time_zone)::date AS overdue, i.issued_on, i.due_on,
    i.net, i.discount, i.tax, i.total, i.allocated, i.credited, i.written_off, i.disputed, i.due, i.issued_at, i.position,
    i.series, i.sequence, i.rounding, i.voided_at, i.void_reason, i.discounts, i.taxes,
    (SELECT json_agg(json_build_object(
        'line', l.line, 'charge', l.charge, 'service', l.service, 'description', l.description,
        'quantity', l.quantity::text, 'unit_price', l.unit_price::text, 'net', l.net, 'discount', l.discount,
        'tax_category', l.tax_category, 'rate', l.rate::text, 'supplied_on', l.supplied_on,
        'begins_on', l.begins_on, 'ends_on', l.ends_on) ORDER BY l.line)
     FROM invoices.invoice_line AS l WHERE l.book = i.book AND l.invoice = i.invoice) AS lines,
    (SELECT json_agg(json_build_object(
        'position', a.position, 'payment', a.payment, 'credit_note', a.credit_note, 'amount', a.amount,
        'automatic', a.automatic, 'occurred_at', a.occurred_at) ORDER BY a.position)
     FROM invoices.allocation AS a WHERE a.book = i.book AND a.invoice = i.invoice) AS allocations,
    (SELECT json_agg(json_build_object(
        'position', d.position, 'amount', d.amount, 'net', d.net, 'tax', d.tax, 'reason', d.reason,
        'credit_note', d.credit_note, 'occurred_at', d.occurred_at) ORDER BY d.position)
     FROM invoices.debt AS d WHERE d.book = i.book AND d.invoice = i.invoice) AS debts,
    (SELECT json_agg(json_build_object(
        'credit_note', c.credit_note, 'net', c.net, 'tax', c.tax, 'total', c.total, 'reason', c.reason,
        'issued_at', c.issued_at, 'voided_at', c.voided_at) ORDER BY c.position)
     FROM invoices.credit_note AS c WHERE c.book = i.book AND c.invoice = i.invoice) AS credit_notes
FROM invoices.standing AS i JOIN journal.book AS b ON b.book = i.book
WHERE i.book = %(book)s AND i.invoice = %(invoice)s;

-- name: members
-- All invoices of a book that were issued by a position, in that order, whatever has become of them.
SELECT m.customer, m.position FROM invoices.invoice AS m
WHERE m.book = %(book)s AND m.position > %(after_position)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.position LIMIT %(limit)s;

-- name: customer_of
-- Whose invoice it is, if it was issued by a position.
SELECT i.customer FROM invoices.invoice AS i
WHERE i.book = %(book)s AND i.invoice = %(invoice)s AND i.position <= coalesce(%(upto)s, i.position);

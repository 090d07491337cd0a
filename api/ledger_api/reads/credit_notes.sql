-- name: credit_note
-- One credit note, complete: what it lowers on each line of its invoice, taxes, and where its amount went.
SELECT n.credit_note, n.customer, n.invoice, i.issued_on AS invoice_issued_on, n.currency, n.series, n.sequence,
    (n.issued_at AT TIME ZONE b.time_zone)::date AS issued_on, n.issued_at, n.position, n.net, n.tax, n.total,
    n.to_receivable + n.to_disputed AS lowers_due, n.to_credit AS left_as_credit, n.unallocated, n.reason,
    n.voided_at, n.void_reason, n.taxes,
    (SELECT json_agg(json_build_object(
        'line', l.line, 'service', l.service, 'description', l.description, 'net', (c.line ->> 'net')::bigint,
        'tax_category', l.tax_category, 'rate', l.rate::text, 'supplied_on', l.supplied_on,
        'begins_on', l.begins_on, 'ends_on', l.ends_on) ORDER BY l.line)
     FROM jsonb_array_elements(n.lines) AS c (line)
     JOIN invoices.invoice_line AS l
        ON l.book = n.book AND l.invoice = n.invoice AND l.line = (c.line ->> 'line')::integer) AS lines
FROM invoices.credit_note AS n
JOIN invoices.invoice AS i ON i.book = n.book AND i.invoice = n.invoice
JOIN journal.book AS b ON b.book = n.book
WHERE n.book = %(book)s AND n.credit_note = %(credit_note)s;

-- name: customer_of
-- Whose credit note it is, if it was issued by a position.
SELECT n.customer FROM invoices.credit_note AS n
WHERE n.book = %(book)s AND n.credit_note = %(credit_note)s AND n.position <= coalesce(%(upto)s, n.position);

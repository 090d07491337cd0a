-- The states are derived here, not stored: void, else what brought the due to zero, else open.
CREATE VIEW standing AS
SELECT i.book, i.invoice, i.customer, i.currency, i.issued_on, i.due_on, i.total, i.due,
    CASE
        WHEN i.voided_at IS NOT NULL THEN 'void'
        WHEN i.due > 0 THEN 'open'
        ELSE coalesce(i.settled_by, 'paid')
    END AS state,
    i.due > 0 AND i.allocated > 0 AS partly_paid,
    i.disputed > 0 AS in_dispute,
    i.allocated, i.credited, i.written_off, i.disputed, i.series, i.sequence, i.net, i.discount, i.tax,
    i.discounts, i.taxes, i.rounding, i.voided_at, i.void_reason, i.issued_at, i.position
FROM invoice i;
COMMENT ON VIEW standing IS 'Invoices and where each stands.';
COMMENT ON COLUMN standing.state IS 'void; open while something is due; else written_off, paid or credited, by what brought the due to zero.';
COMMENT ON COLUMN standing.partly_paid IS 'Whether something is paid and something is still due.';
COMMENT ON COLUMN standing.in_dispute IS 'Whether a part of the due is in dispute.';

CREATE FUNCTION overdue(of_book text, as_of date DEFAULT CURRENT_DATE) RETURNS TABLE (
    invoice text, customer text, currency text, due_on date, days integer, due bigint, disputed bigint)
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT i.invoice, i.customer, i.currency, i.due_on, as_of - i.due_on, i.due, i.disputed
    FROM invoice i
    WHERE i.book = of_book AND i.due > 0 AND i.due_on < as_of AND i.issued_on <= as_of
    ORDER BY i.due_on, i.invoice;
END;
COMMENT ON FUNCTION overdue IS 'Invoices of a book that are past their due date on a day, by what is known of them now.';

CREATE VIEW invoice_tax AS
SELECT i.book, i.invoice, t.tax ->> 'category' AS category, (t.tax ->> 'rate')::numeric AS rate,
    (t.tax ->> 'base')::bigint AS base, (t.tax ->> 'tax')::bigint AS tax
FROM invoice i CROSS JOIN LATERAL jsonb_array_elements(i.taxes) AS t (tax);
COMMENT ON VIEW invoice_tax IS 'Tax of each invoice by category.';
COMMENT ON COLUMN invoice_tax.category IS 'Category in the book''s tax table.';
COMMENT ON COLUMN invoice_tax.rate IS 'Rate in percent.';
COMMENT ON COLUMN invoice_tax.base IS 'Net after discounts of the category''s lines, in minor units.';
COMMENT ON COLUMN invoice_tax.tax IS 'Tax: base * rate, rounded.';

CREATE VIEW invoice_discount AS
SELECT i.book, i.invoice, d.discount ->> 'discount' AS discount, (d.discount ->> 'amount')::bigint AS amount
FROM invoice i CROSS JOIN LATERAL jsonb_array_elements(i.discounts) AS d (discount);
COMMENT ON VIEW invoice_discount IS 'Discounts used on each invoice.';
COMMENT ON COLUMN invoice_discount.discount IS 'Identifier of the discount.';
COMMENT ON COLUMN invoice_discount.amount IS 'Minor units taken off the net.';

CREATE VIEW credit_note_line AS
SELECT c.book, c.credit_note, c.invoice, (l.line ->> 'line')::integer AS line, (l.line ->> 'net')::bigint AS net
FROM credit_note c CROSS JOIN LATERAL jsonb_array_elements(c.lines) AS l (line);
COMMENT ON VIEW credit_note_line IS 'What each credit note takes off which line of its invoice.';
COMMENT ON COLUMN credit_note_line.line IS 'Line of the invoice.';
COMMENT ON COLUMN credit_note_line.net IS 'Net credited on it, in minor units.';

-- name: customers
-- Customers with their terms, in order of name.
SELECT c.customer, c.status, c.currency, c.payment_days, c.billing_day, c.locale, c.tax_treatment, c.segment,
    c.credit_limit, c.opened_at, c.closed_at, c.closed_by, c.closing_reason, c.erased_at, c.position
FROM customers.customer AS c
WHERE c.book = %(book)s AND c.customer > %(after_customer)s
    AND (%(status)s::text IS NULL OR c.status = %(status)s)
    AND (%(segment)s::text IS NULL OR c.segment = %(segment)s)
ORDER BY c.customer LIMIT %(limit)s;

-- name: customer
-- One customer: terms, the services agreed on with the dates they begin, and how much happened.
SELECT c.customer, c.status, c.currency, c.payment_days, c.billing_day, c.locale, c.tax_treatment, c.segment,
    c.credit_limit, c.opened_at, c.closed_at, c.closed_by, c.closing_reason, c.erased_at, c.position,
    (SELECT coalesce(json_agg(json_build_object('from', a.effective_from, 'services', (
            SELECT coalesce(json_agg(json_build_object(
                'service', s.service, 'description', s.description, 'quantity', s.quantity::text,
                'unit_price', s.unit_price::text, 'interval', s.billing_interval, 'tax_category', s.tax_category,
                'billed', s.billed, 'to', s.until
            ) ORDER BY s.line), '[]')
            FROM customers.agreement_service AS s
            WHERE s.book = a.book AND s.customer = a.customer AND s.effective_from = a.effective_from
        )) ORDER BY a.effective_from), '[]')
     FROM customers.agreement AS a WHERE a.book = c.book AND a.customer = c.customer) AS agreements,
    (SELECT json_build_object(
        'events', v.events, 'charges', v.charges, 'invoices', v.invoices, 'credit_notes', v.credit_notes,
        'payments', v.payments, 'disputes', v.disputes, 'last_occurred_at', v.last_occurred_at,
        'last_position', v.last_position)
     FROM customers.activity AS v WHERE v.book = c.book AND v.customer = c.customer) AS activity
FROM customers.customer AS c
WHERE c.book = %(book)s AND c.customer = %(customer)s;

-- name: members
-- All customers of a book that were opened by a position, in order of name.
SELECT m.customer FROM customers.customer AS m
WHERE m.book = %(book)s AND m.customer > %(after_customer)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.customer LIMIT %(limit)s;

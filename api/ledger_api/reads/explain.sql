-- name: invoice
-- One invoice with all that explains it: what was recorded when it was issued, the events that this names, the
-- customer's invoice before it in the same currency, what ended or began between the two, and what changed its due since.
-- A charge, a discount, an agreement is looked up by the name or position under which it was recorded; nothing is worked
-- out anew.
WITH this AS MATERIALIZED (
    SELECT i.*, v.voided_position, c.locale, b.time_zone, ledger.data_of(e.state) - 'command' AS data,
        (convert_from(e.state, 'UTF8')::jsonb ->> 'causation')::bigint AS causation
    FROM invoices.standing AS i
    JOIN invoices.invoice AS v ON v.book = i.book AND v.invoice = i.invoice
    JOIN journal.book AS b ON b.book = i.book
    JOIN customers.customer AS c ON c.book = i.book AND c.customer = i.customer
    JOIN ledger.event AS e ON e.book = i.book AND e.position = i.position
    WHERE i.book = %(book)s AND i.invoice = %(invoice)s
), before AS MATERIALIZED (
    SELECT p.position, ledger.data_of(e.state) - 'command' AS data
    FROM (
        SELECT p.book, p.position FROM this AS t
        JOIN invoices.invoice AS p ON p.book = t.book AND p.customer = t.customer AND p.currency = t.currency
        WHERE p.position < t.position AND coalesce(p.voided_position > t.position, true)
        ORDER BY p.position DESC LIMIT 1
    ) AS p JOIN ledger.event AS e ON e.book = p.book AND e.position = p.position
), line AS MATERIALIZED (
    SELECT l.line ->> 'charge' AS charge, (l.line ->> 'rate_position')::bigint AS rate_position
    FROM this AS t CROSS JOIN LATERAL jsonb_array_elements(t.data -> 'lines') AS l (line)
    UNION ALL
    SELECT l.line ->> 'charge', NULL
    FROM before AS p CROSS JOIN LATERAL jsonb_array_elements(p.data -> 'lines') AS l (line)
), used AS MATERIALIZED (
    SELECT u.used ->> 'discount' AS discount
    FROM this AS t CROSS JOIN LATERAL jsonb_array_elements(t.data -> 'discounts') AS u (used)
    UNION
    SELECT u.used ->> 'discount'
    FROM before AS p CROSS JOIN LATERAL jsonb_array_elements(p.data -> 'discounts') AS u (used)
), said AS MATERIALIZED (
    SELECT e.position, e.type, e.event_id, e.occurred_at, e.recorded_at, e.principal, ledger.data_of(e.state) AS data,
        -- Of charges, which are many, this is made further down, for those on the two invoices alone.
        CASE WHEN e.type <> 'charge.posted' THEN jsonb_build_object('position', e.position, 'type', e.type,
            'id', e.event_id, 'occurred_at', e.occurred_at, 'recorded_at', e.recorded_at,
            'principal', e.principal) END AS event
    FROM this AS t JOIN ledger.event AS e ON e.book = t.book AND e.stream = 'customer/' || t.customer
    WHERE e.position < t.position AND e.type IN ('charge.posted', 'charge.reversed', 'customer.billed',
        'agreement.changed', 'customer.opened', 'customer.changed', 'customer.closed', 'discount.requested',
        'discount.approved', 'discount.offered', 'discount.accepted', 'discount.granted', 'discount.revoked')
), agreed AS MATERIALIZED (
    SELECT DISTINCT ON (s.service ->> 'charge') e.position AS billed, s.service
    FROM said AS e CROSS JOIN LATERAL jsonb_array_elements(e.data -> 'services') AS s (service)
    WHERE e.type = 'customer.billed' AND s.service ->> 'charge' IN (SELECT l.charge FROM line AS l)
    ORDER BY s.service ->> 'charge', e.position
)
SELECT t.invoice, t.customer, t.state, t.due, t.voided_at, t.void_reason, t.voided_position, t.position, t.locale,
    t.time_zone, t.issued_at, t.data AS issued, (SELECT row_to_json(p) FROM before AS p) AS before,
    (SELECT json_agg(json_build_object('charge', s.data ->> 'charge', 'position', s.position, 'type', s.type,
        'id', s.event_id, 'occurred_at', s.occurred_at, 'recorded_at', s.recorded_at, 'principal', s.principal)
        ORDER BY s.position)
     FROM said AS s WHERE s.type = 'charge.posted' AND s.data ->> 'charge' IN (SELECT l.charge FROM line AS l)) AS charges,
    (SELECT json_agg(s.event || jsonb_build_object('charge', s.data -> 'charge') ORDER BY s.position)
     FROM said AS s
     WHERE s.type = 'charge.reversed' AND s.data ->> 'charge' IN (SELECT l.charge FROM line AS l)) AS lowered,
    (SELECT json_agg(row_to_json(a)) FROM agreed AS a) AS agreed,
    (SELECT json_agg(s.event || jsonb_build_object('begins', s.data -> 'from', 'services', s.data -> 'services')
        ORDER BY s.position)
     FROM said AS s WHERE s.type = 'agreement.changed') AS agreements,
    (SELECT json_agg(s.event || jsonb_build_object('kind', substr(s.type, 10), 'data', s.data - 'command')
        ORDER BY s.position)
     FROM said AS s JOIN used AS u ON u.discount = s.data ->> 'discount'
     WHERE s.type LIKE 'discount.%%' AND s.type <> 'discount.revoked') AS steps,
    (SELECT json_agg(json_build_object('position', e.position, 'begins', ledger.data_of(e.state) ->> 'from')
        ORDER BY e.position)
     FROM ledger.event AS e WHERE e.book = t.book AND e.stream = 'book' AND e.type = 'policy.changed'
        AND e.position < t.position AND t.data -> 'discounts' <> '[]'
        AND ledger.data_of(e.state) ->> 'policy' = 'discount_authority') AS policies,
    (SELECT json_agg(json_build_object('position', e.position, 'type', e.type, 'id', e.event_id,
        'occurred_at', e.occurred_at, 'recorded_at', e.recorded_at, 'principal', e.principal, 'begins',
        CASE e.type WHEN 'tax_rate.changed' THEN ledger.data_of(e.state) ->> 'from' END) ORDER BY e.position)
     FROM ledger.event AS e WHERE e.book = t.book
        AND e.position IN (SELECT l.rate_position FROM line AS l WHERE l.rate_position IS NOT NULL)) AS rates,
    (SELECT json_agg(row_to_json(s) ORDER BY s.position) FROM (
        SELECT CASE WHEN a.payment IS NULL THEN 'credit' ELSE 'payment' END AS kind, -a.amount AS amount, a.position,
            a.occurred_at, a.payment, a.credit_note, NULL AS reason
        FROM invoices.allocation AS a WHERE a.book = t.book AND a.invoice = t.invoice
        UNION ALL
        SELECT 'credit_note', -(n.to_receivable + n.to_disputed), n.position, n.issued_at, NULL, n.credit_note, n.reason
        FROM invoices.credit_note AS n
        WHERE n.book = t.book AND n.invoice = t.invoice AND n.voided_at IS NULL AND n.to_receivable + n.to_disputed > 0
        UNION ALL
        SELECT 'write_off', -d.amount, d.position, d.occurred_at, NULL, d.credit_note, d.reason
        FROM invoices.debt AS d WHERE d.book = t.book AND d.invoice = t.invoice
        UNION ALL
        SELECT 'void', -t.total, t.voided_position, t.voided_at, NULL, NULL, t.void_reason WHERE t.voided_at IS NOT NULL
     ) AS s) AS settlements,
    (SELECT json_agg(json_build_object('dispute', d.dispute, 'amount', h.amount, 'position', d.position,
        'opened_at', d.opened_at) ORDER BY d.position)
     FROM (SELECT o.dispute, sum(o.amount) AS amount FROM invoices.holding AS o
           WHERE o.book = t.book AND o.invoice = t.invoice GROUP BY o.dispute) AS h
     JOIN disputes.dispute AS d ON d.book = t.book AND d.customer = t.customer AND d.dispute = h.dispute
     WHERE h.amount > 0) AS disputes,
    (SELECT s.data ->> 'through' FROM said AS s WHERE s.position = t.causation AND s.type = 'customer.billed') AS through,
    (SELECT s.event FROM said AS s WHERE s.type = 'customer.closed') AS closed,
    (SELECT json_agg(s.event || jsonb_build_object('treatment', coalesce(s.data ->> 'tax_treatment', 'standard'))
        ORDER BY s.position)
     FROM said AS s WHERE s.type = 'customer.opened'
        OR s.type = 'customer.changed' AND s.data ->> 'tax_treatment' IS NOT NULL) AS treatments,
    (SELECT json_agg(s.event || jsonb_build_object('discount', s.data -> 'discount'))
     FROM said AS s JOIN used AS u ON u.discount = s.data ->> 'discount'
     WHERE s.type = 'discount.revoked') AS revoked,
    (SELECT json_agg(json_build_object('position', e.position, 'type', e.type, 'id', e.event_id,
        'occurred_at', e.occurred_at, 'recorded_at', e.recorded_at, 'principal', e.principal,
        'discount', d.discount, 'invoice', d.invoice, 'amount', d.amount) ORDER BY e.position)
     FROM used AS u
     JOIN discounts.discount_use AS d
        ON d.book = t.book AND d.customer = t.customer AND d.discount = u.discount AND d.position <= t.position
     JOIN invoices.invoice AS i
        ON i.book = d.book AND i.invoice = d.invoice AND coalesce(i.voided_position > t.position, true)
     JOIN ledger.event AS e ON e.book = d.book AND e.position = d.position) AS uses
FROM this AS t;

-- name: balance
-- A customer's balances as the journal has them, each with the invoices that are open and the credit that is left.
SELECT c.locale, k.time_zone, (SELECT json_agg(row_to_json(b) ORDER BY b.currency) FROM (
    SELECT b.currency, b.balance, b.receivable, b.disputed, -b.customer_credit AS credit, b.unbilled,
        (SELECT json_agg(json_build_object('invoice', i.invoice, 'position', i.position, 'issued_on', i.issued_on,
            'due_on', i.due_on, 'total', i.total, 'paid', i.allocated, 'credited', i.credited,
            'written_off', i.written_off, 'disputed', i.disputed, 'due', i.due,
            'settlements', (SELECT coalesce(json_agg(row_to_json(s) ORDER BY s.position), '[]') FROM (
                SELECT CASE WHEN a.payment IS NULL THEN 'credit' ELSE 'payment' END AS kind, -a.amount AS amount, a.position,
                    a.occurred_at, a.payment, a.credit_note, NULL AS reason
                FROM invoices.allocation AS a WHERE a.book = i.book AND a.invoice = i.invoice
                UNION ALL
                SELECT 'credit_note', -(n.to_receivable + n.to_disputed), n.position, n.issued_at, NULL, n.credit_note, n.reason
                FROM invoices.credit_note AS n WHERE n.book = i.book AND n.invoice = i.invoice AND n.voided_at IS NULL
                    AND n.to_receivable + n.to_disputed > 0
                UNION ALL
                SELECT 'write_off', -d.amount, d.position, d.occurred_at, NULL, d.credit_note, d.reason
                FROM invoices.debt AS d WHERE d.book = i.book AND d.invoice = i.invoice
            ) AS s),
            'disputes', (SELECT coalesce(json_agg(json_build_object('dispute', d.dispute, 'amount', h.amount,
                'position', d.position, 'opened_at', d.opened_at) ORDER BY d.position), '[]')
                FROM (SELECT o.dispute, sum(o.amount) AS amount FROM invoices.holding AS o
                      WHERE o.book = i.book AND o.invoice = i.invoice GROUP BY o.dispute) AS h
                JOIN disputes.dispute AS d ON d.book = i.book AND d.customer = i.customer AND d.dispute = h.dispute
                WHERE h.amount > 0)
            ) ORDER BY i.due_on, i.position)
         FROM invoices.invoice AS i WHERE i.book = b.book AND i.customer = b.customer AND i.currency = b.currency
            AND i.due > 0) AS invoices,
        (SELECT json_agg(row_to_json(s) ORDER BY s.position) FROM (
            SELECT 'payment' AS kind, p.payment AS name, p.position, p.received_at AS occurred_at, p.amount, p.allocated,
                p.refunded, p.returned, p.charged_back, p.unallocated AS left
            FROM invoices.payment AS p
            WHERE p.book = b.book AND p.customer = b.customer AND p.currency = b.currency AND p.unallocated <> 0
            UNION ALL
            SELECT 'credit_note', n.credit_note, n.position, n.issued_at, n.to_credit, n.allocated, n.refunded, 0, 0,
                n.unallocated
            FROM invoices.credit_note AS n
            WHERE n.book = b.book AND n.customer = b.customer AND n.currency = b.currency AND n.unallocated <> 0
         ) AS s) AS sources
    FROM balances.customer_balance AS b WHERE b.book = c.book AND b.customer = c.customer
) AS b) AS balances
FROM customers.customer AS c JOIN journal.book AS k ON k.book = c.book
WHERE c.book = %(book)s AND c.customer = %(customer)s;

-- name: customer_of
-- Whose invoice it is, if it was issued by a position.
SELECT i.customer FROM invoices.invoice AS i
WHERE i.book = %(book)s AND i.invoice = %(invoice)s AND i.position <= coalesce(%(upto)s, i.position);

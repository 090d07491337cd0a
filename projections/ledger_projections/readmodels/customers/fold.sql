-- name: open_customers
-- types: customer.opened
-- A term that the event leaves out has the default of the message (ledger.customer.CustomerOpened).
INSERT INTO customer (book, customer, status, currency, payment_days, billing_day, locale, tax_treatment, segment,
    credit_limit, opened_at, position, terms_position)
SELECT e.book, e.customer, 'open', d.data ->> 'currency', coalesce((d.data ->> 'payment_days')::integer, 14),
    coalesce((d.data ->> 'billing_day')::integer, 1), coalesce(d.data ->> 'locale', 'en'),
    coalesce(d.data ->> 'tax_treatment', 'standard'), d.data ->> 'segment',
    (d.data ->> 'credit_limit')::bigint, e.occurred_at, e.position, e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'customer.opened';

-- name: change_customers
-- types: customer.changed customer.closed customer.erased
-- Of each term the last one that was said; what an event leaves out stays as it was.
WITH fact AS MATERIALIZED (
    SELECT e.book, e.customer, e.position, e.type, e.occurred_at, ledger.data_of(e.state) AS data
    FROM ledger.event e
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        AND e.type IN ('customer.changed', 'customer.closed', 'customer.erased')
), last AS (
    SELECT f.book, f.customer,
        (array_agg(f.data ->> 'currency' ORDER BY f.position DESC) FILTER (WHERE f.data ? 'currency'))[1] AS currency,
        (array_agg(f.data ->> 'payment_days' ORDER BY f.position DESC) FILTER (WHERE f.data ? 'payment_days'))[1] AS payment_days,
        (array_agg(f.data ->> 'billing_day' ORDER BY f.position DESC) FILTER (WHERE f.data ? 'billing_day'))[1] AS billing_day,
        (array_agg(f.data ->> 'locale' ORDER BY f.position DESC) FILTER (WHERE f.data ? 'locale'))[1] AS locale,
        (array_agg(f.data ->> 'tax_treatment' ORDER BY f.position DESC) FILTER (WHERE f.data ? 'tax_treatment'))[1] AS tax_treatment,
        (array_agg(f.data ->> 'segment' ORDER BY f.position DESC) FILTER (WHERE f.data ? 'segment'))[1] AS segment,
        (array_agg(f.data ->> 'credit_limit' ORDER BY f.position DESC) FILTER (WHERE f.data ? 'credit_limit'))[1] AS credit_limit,
        max(f.occurred_at) FILTER (WHERE f.type = 'customer.closed') AS closed_at,
        max(f.data ->> 'by') FILTER (WHERE f.type = 'customer.closed') AS closed_by,
        max(f.data ->> 'reason') FILTER (WHERE f.type = 'customer.closed') AS closing_reason,
        max(f.occurred_at) FILTER (WHERE f.type = 'customer.erased') AS erased_at,
        max(f.position) AS position
    FROM fact f GROUP BY f.book, f.customer
)
UPDATE customer c
SET currency = coalesce(l.currency, c.currency),
    payment_days = coalesce(l.payment_days::integer, c.payment_days),
    billing_day = coalesce(l.billing_day::integer, c.billing_day),
    locale = coalesce(l.locale, c.locale),
    tax_treatment = coalesce(l.tax_treatment, c.tax_treatment),
    segment = coalesce(l.segment, c.segment),
    credit_limit = coalesce(l.credit_limit::bigint, c.credit_limit),
    status = CASE WHEN l.erased_at IS NOT NULL THEN 'erased' WHEN l.closed_at IS NOT NULL THEN 'closed' ELSE c.status END,
    closed_at = coalesce(l.closed_at, c.closed_at),
    closed_by = coalesce(l.closed_by, c.closed_by),
    closing_reason = coalesce(l.closing_reason, c.closing_reason),
    erased_at = coalesce(l.erased_at, c.erased_at),
    terms_position = l.position
FROM last l
WHERE c.book = ANY (ARRAY[l.book]) AND c.customer = ANY (ARRAY[l.customer]);

-- name: replace_agreements
-- types: agreement.changed
-- The last set of services that was agreed for a date replaces an earlier one for the same date, services and all.
WITH fact AS MATERIALIZED (
    SELECT DISTINCT ON (e.customer, d.data ->> 'from') e.book, e.customer, (d.data ->> 'from')::date AS effective_from,
        d.data -> 'services' AS services, e.occurred_at, e.position
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'agreement.changed'
    ORDER BY e.customer, d.data ->> 'from', e.position DESC
), service AS MATERIALIZED (
    SELECT f.customer, f.effective_from, s.line, s.service
    FROM fact f CROSS JOIN LATERAL jsonb_array_elements(f.services) WITH ORDINALITY AS s (service, line)
), shortened AS (
    DELETE FROM agreement_service a USING fact f
    WHERE a.book = ANY (ARRAY[f.book]) AND a.customer = ANY (ARRAY[f.customer])
        AND a.effective_from = ANY (ARRAY[f.effective_from])
        AND a.line > jsonb_array_length(f.services)
), services AS (
    INSERT INTO agreement_service
    SELECT %(book)s, s.customer, s.effective_from, s.line, s.service ->> 'service', s.service ->> 'description',
        coalesce((s.service ->> 'quantity')::numeric, 1), (s.service ->> 'unit_price')::numeric,
        s.service ->> 'interval', coalesce(s.service ->> 'tax_category', 'standard'),
        coalesce(s.service ->> 'billed', 'arrears'), (s.service ->> 'to')::date
    FROM service s
    ON CONFLICT (book, customer, effective_from, line) DO UPDATE
    SET service = excluded.service, description = excluded.description, quantity = excluded.quantity,
        unit_price = excluded.unit_price, billing_interval = excluded.billing_interval,
        tax_category = excluded.tax_category, billed = excluded.billed, until = excluded.until
)
INSERT INTO agreement
SELECT %(book)s, f.customer, f.effective_from, jsonb_array_length(f.services), f.occurred_at, f.position FROM fact f
ON CONFLICT (book, customer, effective_from) DO UPDATE
SET services = excluded.services, occurred_at = excluded.occurred_at, position = excluded.position;

-- name: note_billed
-- types: customer.billed
-- The last billing of each customer and currency; the events of its decision are behind it.
INSERT INTO billed
SELECT DISTINCT ON (e.customer, e.currency) %(book)s, e.customer, e.currency, (d.data ->> 'through')::date,
    e.causation + e.decision_size - 1
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'customer.billed'
ORDER BY e.customer, e.currency, e.position DESC
ON CONFLICT (book, customer, currency) DO UPDATE SET through = excluded.through, position = excluded.position;

-- name: count_activity
-- One pass over every event, mostly typed columns. What waits for an invoice goes by the events themselves: a book's own
-- posting rules may keep it on any account. Charges are never negative, so a sum of nothing hides only charges of nothing.
-- Grouped before they are put in order, or the events would be sorted, bytes and all.
WITH moved AS MATERIALIZED (
    SELECT e.customer, e.currency, count(*) AS events,
        count(*) FILTER (WHERE e.type = 'charge.posted') AS charges,
        count(*) FILTER (WHERE e.type = 'invoice.issued') AS invoices,
        count(*) FILTER (WHERE e.type = 'credit_note.issued') AS credit_notes,
        count(*) FILTER (WHERE e.type = 'payment.received') AS payments,
        count(*) FILTER (WHERE e.type = 'dispute.opened') AS disputes,
        max(e.occurred_at) AS last_occurred_at, max(e.position) AS last_position,
        sum(CASE e.type
            WHEN 'charge.posted' THEN e.amount
            WHEN 'charge.reversed' THEN -e.amount
            WHEN 'invoice.issued' THEN -ledger.number_of(e.state, '],"net":')
            WHEN 'invoice.voided' THEN (ledger.data_of(e.state) ->> 'net')::bigint
            WHEN 'dispute.resolved' THEN 0 END) AS net,
        max(e.occurred_at) FILTER (WHERE e.type = 'charge.posted' AND e.amount = 0) AS free_at,
        max(e.position) FILTER (
            WHERE e.type IN ('invoice.voided', 'dispute.resolved') OR (e.type = 'charge.posted' AND e.amount = 0)) AS moved_at
    FROM ledger.event e
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.customer IS NOT NULL
    GROUP BY e.customer, e.currency
), awaited AS (
    INSERT INTO waiting
    SELECT %(book)s, m.customer, m.currency, m.net, m.free_at, m.moved_at
    FROM moved m WHERE m.net IS NOT NULL ORDER BY m.customer, m.currency
    ON CONFLICT (book, customer, currency) DO UPDATE
    SET net = waiting.net + excluded.net,
        free_at = greatest(waiting.free_at, excluded.free_at),
        position = greatest(waiting.position, excluded.position)
)
INSERT INTO activity
SELECT %(book)s, m.customer, sum(m.events), sum(m.charges), sum(m.invoices), sum(m.credit_notes), sum(m.payments),
    sum(m.disputes), max(m.last_occurred_at), max(m.last_position)
FROM moved m GROUP BY m.customer
ON CONFLICT (book, customer) DO UPDATE
SET events = activity.events + excluded.events,
    charges = activity.charges + excluded.charges,
    invoices = activity.invoices + excluded.invoices,
    credit_notes = activity.credit_notes + excluded.credit_notes,
    payments = activity.payments + excluded.payments,
    disputes = activity.disputes + excluded.disputes,
    last_occurred_at = greatest(activity.last_occurred_at, excluded.last_occurred_at),
    last_position = excluded.last_position;

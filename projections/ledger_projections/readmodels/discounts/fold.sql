-- name: grant_discounts
-- types: discount.granted
-- What was granted; nothing of it is used yet.
INSERT INTO discount (book, customer, discount, kind, percent, amount, currency, charge, service, invoices, reason,
    campaign, until, used, uses, granted_at, granted_by, position)
SELECT e.book, e.customer, d.data ->> 'discount', d.data ->> 'kind', (d.data ->> 'percent')::numeric,
    (d.data ->> 'amount')::bigint, d.data ->> 'currency', d.data -> 'scope' ->> 'charge',
    d.data -> 'scope' ->> 'service', (d.data ->> 'invoices')::integer, d.data ->> 'reason', d.data ->> 'campaign',
    (d.data ->> 'until')::date, CASE d.data ->> 'kind' WHEN 'fixed' THEN 0 END, 0, e.occurred_at, e.principal, e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'discount.granted';

-- name: use_discounts
-- types: invoice.issued
-- Most invoices use none, and their bytes say so (canonical JSON has no white space): those are not opened.
WITH used AS MATERIALIZED (
    SELECT e.book, e.customer, e.invoice, e.currency, e.position, u.used ->> 'discount' AS discount, (u.used ->> 'amount')::bigint AS amount
    FROM ledger.event e
    CROSS JOIN LATERAL jsonb_array_elements(ledger.data_of(e.state) -> 'discounts') AS u (used)
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'invoice.issued'
        AND position('"discounts":[]'::bytea IN e.state) = 0
), uses AS (
    INSERT INTO discount_use
    SELECT u.book, u.invoice, u.customer, u.discount, u.currency, u.amount, false, u.position FROM used u
)
UPDATE discount d
SET used = d.used + u.amount, uses = d.uses + u.uses
FROM (
    SELECT book, customer, discount, sum(amount) AS amount, count(*) AS uses FROM used
    GROUP BY book, customer, discount) u
WHERE d.book = ANY (ARRAY[u.book]) AND d.customer = ANY (ARRAY[u.customer]) AND d.discount = ANY (ARRAY[u.discount]);

-- name: give_back_discounts
-- types: invoice.voided
-- A void invoice returns its discounts to use.
WITH void AS (
    UPDATE discount_use u SET void = true
    FROM ledger.event e
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'invoice.voided'
        AND u.book = ANY (ARRAY[e.book]) AND u.invoice = ANY (ARRAY[e.invoice]) AND NOT u.void
    RETURNING u.book, u.customer, u.discount, u.amount
)
UPDATE discount d
SET used = d.used - v.amount, uses = d.uses - v.uses
FROM (
    SELECT book, customer, discount, sum(amount) AS amount, count(*) AS uses FROM void
    GROUP BY book, customer, discount) v
WHERE d.book = ANY (ARRAY[v.book]) AND d.customer = ANY (ARRAY[v.customer]) AND d.discount = ANY (ARRAY[v.discount]);

-- name: revoke_discounts
-- types: discount.revoked
-- A discount is revoked once.
UPDATE discount t
SET revoked_at = e.occurred_at, revoked_by = e.principal, revoke_reason = d.data ->> 'reason'
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'discount.revoked'
    AND t.book = ANY (ARRAY[e.book]) AND t.customer = ANY (ARRAY[e.customer]) AND t.discount = ANY (ARRAY[d.data ->> 'discount']);

-- name: follow_discounts
-- types: discount.offered discount.requested discount.approved discount.declined discount.accepted discount.refused discount.granted discount.revoked discount.withdrawn
-- Each of these happens to a discount once at most. Those that begin within the range, with all that became of them in
-- it; then those that were there before. Nothing of what begins is used yet.
WITH fact AS MATERIALIZED (
    SELECT e.book, e.customer, e.position, substr(e.type, 10) AS type, e.occurred_at, e.recorded_at, e.principal,
        d.data, d.data ->> 'discount' AS discount
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        AND e.type IN ('discount.offered', 'discount.requested', 'discount.approved', 'discount.declined',
            'discount.accepted', 'discount.refused', 'discount.granted', 'discount.revoked', 'discount.withdrawn')
), life AS MATERIALIZED (
    SELECT f.book, f.customer, f.discount, min(f.position) AS position,
        (array_agg(f.data ORDER BY f.position) FILTER (WHERE f.data ? 'kind'))[1] AS terms,
        (array_agg(f.data -> 'authority' ORDER BY f.position DESC) FILTER (WHERE f.type IN ('offered', 'requested', 'granted')))[1] AS authority,
        max(f.occurred_at) FILTER (WHERE f.type = 'requested') AS requested_at,
        max(f.principal) FILTER (WHERE f.type = 'requested') AS requested_by,
        max(f.data -> 'authority' ->> 'role') FILTER (WHERE f.type = 'requested') AS requested_in,
        max(f.data -> 'exceeds' ->> 'limit') FILTER (WHERE f.type = 'requested') AS exceeds,
        max(f.type) FILTER (WHERE f.type IN ('approved', 'declined')) AS decision,
        max(f.occurred_at) FILTER (WHERE f.type IN ('approved', 'declined')) AS decided_at,
        max(f.principal) FILTER (WHERE f.type IN ('approved', 'declined')) AS decided_by,
        max(f.data -> 'authority' ->> 'role') FILTER (WHERE f.type IN ('approved', 'declined')) AS decided_in,
        max(f.data ->> 'reason') FILTER (WHERE f.type IN ('approved', 'declined')) AS decision_reason,
        max(f.occurred_at) FILTER (WHERE f.type = 'offered') AS offered_at,
        max(f.recorded_at) FILTER (WHERE f.type = 'offered') AS offer_recorded_at,
        max(f.principal) FILTER (WHERE f.type = 'offered') AS offered_by,
        max((f.data ->> 'offered_until')::date) AS offered_until,
        max(f.type) FILTER (WHERE f.type IN ('accepted', 'refused')) AS answer,
        max(f.occurred_at) FILTER (WHERE f.type IN ('accepted', 'refused')) AS answered_at,
        max(f.principal) FILTER (WHERE f.type IN ('accepted', 'refused')) AS answered_by,
        max(f.data ->> 'reason') FILTER (WHERE f.type = 'refused') AS answer_reason,
        max(f.occurred_at) FILTER (WHERE f.type = 'granted') AS granted_at,
        max(f.recorded_at) FILTER (WHERE f.type = 'granted') AS grant_recorded_at,
        max(f.principal) FILTER (WHERE f.type = 'granted') AS granted_by,
        max(f.occurred_at) FILTER (WHERE f.type = 'revoked') AS revoked_at,
        max(f.principal) FILTER (WHERE f.type = 'revoked') AS revoked_by,
        max(f.data ->> 'reason') FILTER (WHERE f.type = 'revoked') AS revoke_reason,
        max(f.occurred_at) FILTER (WHERE f.type = 'withdrawn') AS withdrawn_at,
        max(f.data ->> 'reason') FILTER (WHERE f.type = 'withdrawn') AS withdraw_reason
    FROM fact f GROUP BY f.book, f.customer, f.discount
), known AS MATERIALIZED (
    SELECT d.customer, d.discount FROM life l
    JOIN discount d ON d.book = ANY (ARRAY[l.book]) AND d.customer = ANY (ARRAY[l.customer]) AND d.discount = ANY (ARRAY[l.discount])
), fresh AS (
    INSERT INTO discount (book, customer, discount, kind, percent, amount, currency, at_most, charge, service, invoices,
        reason, criterion, alternative, campaign, until, worth, role, policy_from, requested_at, requested_by, requested_in,
        exceeds, decision, decided_at, decided_by, decided_in, decision_reason, offered_at, offer_recorded_at, offered_by,
        offered_until, answer, answered_at, answered_by, answer_reason, granted_at, grant_recorded_at, granted_by,
        revoked_at, revoked_by, revoke_reason, withdrawn_at, withdraw_reason, used, uses, position)
    SELECT l.book, l.customer, l.discount, l.terms ->> 'kind', (l.terms ->> 'percent')::numeric,
        (l.terms ->> 'amount')::bigint, l.terms ->> 'currency', (l.terms ->> 'at_most')::bigint, l.terms -> 'scope' ->> 'charge',
        l.terms -> 'scope' ->> 'service', (l.terms ->> 'invoices')::integer, l.terms ->> 'reason',
        l.terms ->> 'criterion', l.terms ->> 'alternative', l.terms ->> 'campaign', (l.terms ->> 'until')::date,
        coalesce((l.terms ->> 'at_most')::bigint, (l.terms ->> 'amount')::bigint * (l.terms ->> 'invoices')::bigint),
        l.authority ->> 'role',
        (l.authority ->> 'policy_from')::date, l.requested_at, l.requested_by, l.requested_in, l.exceeds, l.decision,
        l.decided_at, l.decided_by, l.decided_in, l.decision_reason, l.offered_at, l.offer_recorded_at, l.offered_by,
        l.offered_until, l.answer, l.answered_at, l.answered_by, l.answer_reason, l.granted_at, l.grant_recorded_at,
        l.granted_by, l.revoked_at, l.revoked_by, l.revoke_reason, l.withdrawn_at, l.withdraw_reason, CASE WHEN l.terms ? 'currency' THEN 0 END, 0,
        l.position
    FROM life l
    -- As of an occurred moment there may be what became of a discount (a revocation dated back), and not the discount.
    WHERE l.terms IS NOT NULL AND NOT EXISTS (SELECT FROM known k WHERE k.customer = l.customer AND k.discount = l.discount)
)
UPDATE discount d
SET role = coalesce(l.authority ->> 'role', d.role),
    policy_from = coalesce((l.authority ->> 'policy_from')::date, d.policy_from),
    decision = coalesce(l.decision, d.decision), decided_at = coalesce(l.decided_at, d.decided_at),
    decided_by = coalesce(l.decided_by, d.decided_by), decided_in = coalesce(l.decided_in, d.decided_in), decision_reason = coalesce(l.decision_reason, d.decision_reason),
    offered_at = coalesce(l.offered_at, d.offered_at), offered_by = coalesce(l.offered_by, d.offered_by),
    offer_recorded_at = coalesce(l.offer_recorded_at, d.offer_recorded_at),
    answer = coalesce(l.answer, d.answer), answered_at = coalesce(l.answered_at, d.answered_at),
    answered_by = coalesce(l.answered_by, d.answered_by), answer_reason = coalesce(l.answer_reason, d.answer_reason),
    granted_at = coalesce(l.granted_at, d.granted_at), granted_by = coalesce(l.granted_by, d.granted_by),
    grant_recorded_at = coalesce(l.grant_recorded_at, d.grant_recorded_at),
    revoked_at = coalesce(l.revoked_at, d.revoked_at), revoked_by = coalesce(l.revoked_by, d.revoked_by),
    revoke_reason = coalesce(l.revoke_reason, d.revoke_reason),
    withdrawn_at = coalesce(l.withdrawn_at, d.withdrawn_at), withdraw_reason = coalesce(l.withdraw_reason, d.withdraw_reason)
FROM life l
WHERE d.book = ANY (ARRAY[l.book]) AND d.customer = ANY (ARRAY[l.customer]) AND d.discount = ANY (ARRAY[l.discount]);

-- name: use_discounts
-- types: invoice.issued
-- Most invoices use none, and their bytes say so (canonical JSON has no white space): those are not opened. Where there
-- is no discount at all, none is looked at: one stands in the table before an invoice can use it.
WITH used AS MATERIALIZED (
    SELECT e.book, e.customer, e.invoice, e.currency, e.position, u.used ->> 'discount' AS discount, (u.used ->> 'amount')::bigint AS amount
    FROM ledger.event e
    CROSS JOIN LATERAL jsonb_array_elements(ledger.data_of(e.state) -> 'discounts') AS u (used)
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'invoice.issued'
        AND position('"discounts":[]'::bytea IN e.state) = 0
        AND EXISTS (SELECT FROM discount d WHERE d.book = %(book)s)
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

-- name: keep_authorities
-- types: policy.changed
-- Each policy of who may grant, by role; which of them is in force is a question of the day, and stays with the reader.
WITH said AS MATERIALIZED (
    SELECT e.book, e.position, (d.data ->> 'from')::date AS effective_from,
        coalesce(d.data -> 'discount_authority' ->> 'without_role', '') AS without_role, r.role
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    CROSS JOIN LATERAL jsonb_array_elements(d.data -> 'discount_authority' -> 'roles') AS r (role)
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'policy.changed'
), roles AS (
    INSERT INTO authority
    SELECT s.book, s.position, s.role ->> 'role', s.effective_from, coalesce((s.role ->> 'percent')::numeric, 0),
        (s.role ->> 'invoices')::integer, (s.role -> 'per_customer' ->> 'days')::integer,
        (s.role -> 'per_customer' ->> 'grants')::integer, coalesce((s.role ->> 'approves')::boolean, false),
        s.without_role = s.role ->> 'role'
    FROM said s
)
INSERT INTO authority_amount
SELECT m.book, m.position, m.role, m.currency, max(m.amount), max(m.customer_amount)
FROM (
    SELECT s.book, s.position, s.role ->> 'role' AS role, a.one ->> 'currency' AS currency,
        (a.one ->> 'amount')::bigint AS amount, NULL::bigint AS customer_amount
    FROM said s CROSS JOIN LATERAL jsonb_array_elements(s.role -> 'amounts') AS a (one)
    UNION ALL
    SELECT s.book, s.position, s.role ->> 'role', a.one ->> 'currency', NULL, (a.one ->> 'amount')::bigint
    FROM said s CROSS JOIN LATERAL jsonb_array_elements(s.role -> 'per_customer' -> 'amounts') AS a (one)
) m
GROUP BY m.book, m.position, m.role, m.currency;

-- name: open_books
-- types: book.opened
-- The time zone says which day it is.
INSERT INTO book
SELECT e.book, d.data ->> 'time_zone', e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'book.opened';

-- name: lose_customers
-- types: customer.closed
-- Whoever leaves, leaves once.
INSERT INTO leaving
SELECT e.book, e.customer, e.occurred_at, d.data ->> 'by', e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'customer.closed';

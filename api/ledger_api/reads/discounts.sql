-- name: discounts
-- Discounts, offers and requests in the order in which they began, with what each took off so far.
SELECT d.discount, d.customer, d.state, d.left_over, d.uses_left, d.kind, d.percent::text AS percent, d.amount,
    d.currency, d.at_most, d.charge, d.service, d.invoices, d.until, d.uses, d.reason, d.criterion, d.alternative, d.campaign,
    d.role, d.policy_from, d.requested_at, d.requested_by, d.exceeds, d.decision, d.decided_at, d.decided_by,
    d.decision_reason, d.offered_at, d.offered_by, d.offered_until, d.answer, d.answered_at, d.answered_by,
    d.answer_reason, d.granted_at, d.granted_by, d.revoked_at, d.revoked_by, d.revoke_reason, d.withdrawn_at,
    d.withdraw_reason, d.position,
    (SELECT coalesce(json_agg(json_build_object('currency', u.currency, 'amount', u.amount) ORDER BY u.currency), '[]')
     FROM discounts.usage AS u
     WHERE u.book = d.book AND u.customer = d.customer AND u.discount = d.discount) AS taken_off
FROM discounts.standing AS d
WHERE d.book = %(book)s AND d.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR d.customer = %(customer)s)
    AND (%(state)s::text IS NULL OR d.state = %(state)s)
    AND (%(campaign)s::text IS NULL OR d.campaign = %(campaign)s)
    AND (%(criterion)s::text IS NULL OR d.criterion = %(criterion)s)
    AND (%(asked_by)s::text IS NULL OR d.requested_by = %(asked_by)s)
ORDER BY d.position LIMIT %(limit)s;

-- name: members
-- All discounts of a book that began by a position, in that order, whatever has become of them.
SELECT m.customer, m.position FROM discounts.discount AS m
WHERE m.book = %(book)s AND m.position > %(after_position)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.position LIMIT %(limit)s;

-- name: members_by
-- Whom the report on authority is about: customers who had a discount, or were asked one for, by a position.
SELECT DISTINCT m.customer FROM discounts.discount AS m WHERE m.book = %(book)s AND m.position <= %(upto)s;

-- name: authority
-- The roles of the policy in force, what principals did by month, and what is left for one customer.
SELECT 'roles' AS part, a.role AS first, '' AS second, json_build_object('role', a.role, 'policy_from', a.effective_from,
    'percent', a.percent::text, 'invoices', a.invoices, 'approves', a.approves, 'without_role', a.without_role,
    'amounts', (SELECT coalesce(json_agg(json_build_object('currency', m.currency, 'amount', m.amount) ORDER BY m.currency), '[]')
        FROM discounts.authority_amount AS m
        WHERE m.book = a.book AND m.position = a.position AND m.role = a.role AND m.amount IS NOT NULL)) AS said
FROM discounts.authority_in_force AS a WHERE a.book = %(book)s
UNION ALL
SELECT * FROM (
    SELECT 'use', u.month || u.principal, coalesce(u.role, '') || coalesce(u.currency, ''), json_build_object('month', u.month,
        'principal', u.principal, 'role', u.role, 'currency', u.currency, 'granted', u.granted, 'amount', u.amount,
        'percent_max', u.percent_max::text, 'requested', u.requested, 'approved', u.approved, 'declined', u.declined)
    FROM discounts.authority_use AS u
    WHERE u.book = %(book)s AND (%(principal)s::text IS NULL OR u.principal = %(principal)s)
        AND (%(month)s::text IS NULL OR u.month = %(month)s)) AS used
UNION ALL
SELECT * FROM (
    SELECT 'left', a.role, coalesce(m.currency, ''), json_build_object('customer', %(customer)s::text, 'role', a.role,
        'days', a.customer_days, 'grants_allowed', a.customer_grants, 'grants_used', u.grants,
        'grants_left', greatest(a.customer_grants - u.grants, 0), 'currency', m.currency, 'amount_allowed', m.customer_amount,
        'amount_used', t.amount, 'amount_left', greatest(m.customer_amount - t.amount, 0))
    FROM discounts.authority_in_force AS a
    LEFT JOIN discounts.authority_amount AS m
        ON m.book = a.book AND m.position = a.position AND m.role = a.role AND m.customer_amount IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT count(*) AS grants FROM discounts.counted AS k
        WHERE k.book = a.book AND k.customer = %(customer)s
            AND k.recorded_at > ledger.moment() - make_interval(hours => 24 * a.customer_days)) AS u
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(k.amount), 0)::bigint AS amount FROM discounts.counted_amount AS k
        WHERE k.book = a.book AND k.customer = %(customer)s AND k.currency = m.currency
            AND k.recorded_at > ledger.moment() - make_interval(hours => 24 * a.customer_days)) AS t
    WHERE a.book = %(book)s AND %(customer)s::text IS NOT NULL AND a.customer_days IS NOT NULL) AS rest
ORDER BY 1, 2, 3;

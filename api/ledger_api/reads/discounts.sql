-- name: discounts
-- Discounts in the order in which they were granted, with what each took off so far.
SELECT d.discount, d.customer, d.state, d.left_over, d.uses_left, d.kind, d.percent::text AS percent, d.amount,
    d.currency, d.charge, d.service, d.invoices, d.until, d.uses, d.reason, d.campaign, d.granted_at, d.granted_by,
    d.revoked_at, d.revoked_by, d.revoke_reason, d.position,
    (SELECT coalesce(json_agg(json_build_object('currency', u.currency, 'amount', u.amount) ORDER BY u.currency), '[]')
     FROM discounts.usage AS u
     WHERE u.book = d.book AND u.customer = d.customer AND u.discount = d.discount) AS taken_off
FROM discounts.standing AS d
WHERE d.book = %(book)s AND d.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR d.customer = %(customer)s)
    AND (%(state)s::text IS NULL OR d.state = %(state)s)
    AND (%(campaign)s::text IS NULL OR d.campaign = %(campaign)s)
ORDER BY d.position LIMIT %(limit)s;

-- name: members
-- All discounts of a book that were granted by a position, in that order, whatever has become of them.
SELECT m.customer, m.position FROM discounts.discount AS m
WHERE m.book = %(book)s AND m.position > %(after_position)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.position LIMIT %(limit)s;

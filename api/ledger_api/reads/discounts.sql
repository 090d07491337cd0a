-- name: discounts
-- Discounts in the order in which they were granted.
SELECT d.discount, d.customer, d.state, d.left_over, d.kind, d.percent::text AS percent, d.amount, d.currency, d.charge,
    d.service, d.invoices, d.until, d.used, d.uses, d.reason, d.campaign, d.granted_at, d.granted_by, d.revoked_at,
    d.revoked_by, d.revoke_reason, d.position
FROM discounts.standing AS d
WHERE d.book = %(book)s AND d.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR d.customer = %(customer)s)
    AND (%(state)s::text IS NULL OR d.state = %(state)s)
    AND (%(campaign)s::text IS NULL OR d.campaign = %(campaign)s)
ORDER BY d.position LIMIT %(limit)s;

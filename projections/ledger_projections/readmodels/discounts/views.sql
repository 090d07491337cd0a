-- A fixed discount for one invoice may be used up over several; any other counts invoices.
CREATE VIEW standing AS
SELECT d.book, d.customer, d.discount,
    CASE
        WHEN d.revoked_at IS NOT NULL THEN 'revoked'
        WHEN d.kind = 'fixed' AND d.invoices = 1 AND d.used >= d.amount THEN 'used_up'
        WHEN NOT (d.kind = 'fixed' AND d.invoices = 1) AND d.uses >= d.invoices THEN 'used_up'
        ELSE 'granted'
    END AS state,
    CASE WHEN d.kind = 'fixed' AND d.invoices = 1 THEN d.amount - d.used END AS left_over,
    CASE WHEN NOT (d.kind = 'fixed' AND d.invoices = 1) THEN d.invoices - d.uses END AS uses_left,
    d.kind, d.percent, d.amount, d.currency, d.charge, d.service, d.invoices, d.until, d.used, d.uses, d.reason,
    d.campaign, d.granted_at, d.granted_by, d.revoked_at, d.revoked_by, d.revoke_reason, d.position
FROM discount d;
COMMENT ON VIEW standing IS 'Discounts and where each stands.';
COMMENT ON COLUMN standing.state IS 'revoked, used_up or granted; a granted one may be past its last date.';
COMMENT ON COLUMN standing.left_over IS 'What is left of a fixed amount that is granted once, in minor units.';
COMMENT ON COLUMN standing.uses_left IS 'On how many more invoices it counts; null is for ever.';

CREATE VIEW usage AS
SELECT u.book, u.customer, u.discount, u.currency, sum(u.amount)::bigint AS amount, count(*) AS invoices
FROM discount_use u WHERE NOT u.void
GROUP BY u.book, u.customer, u.discount, u.currency;
COMMENT ON VIEW usage IS 'What each discount took off so far, by currency; void invoices left out.';
COMMENT ON COLUMN usage.amount IS 'Minor units taken off.';
COMMENT ON COLUMN usage.invoices IS 'On how many invoices.';

-- A fixed discount for one invoice may be used up over several; any other counts invoices.
CREATE VIEW standing AS
SELECT d.book, d.customer, d.discount,
    CASE
        WHEN d.revoked_at IS NOT NULL THEN 'revoked'
        WHEN d.kind = 'fixed' AND d.invoices = 1 AND d.used >= d.amount THEN 'used_up'
        WHEN d.used >= d.at_most THEN 'used_up'
        WHEN NOT (d.kind = 'fixed' AND d.invoices = 1) AND d.uses >= d.invoices THEN 'used_up'
        WHEN d.granted_at IS NOT NULL THEN 'granted'
        WHEN d.answer = 'refused' THEN 'refused'
        WHEN d.offered_at IS NOT NULL AND d.offered_until < (ledger.moment() AT TIME ZONE b.time_zone)::date THEN 'expired'
        WHEN d.offered_at IS NOT NULL THEN 'offered'
        WHEN d.decision = 'declined' THEN 'declined'
        WHEN d.withdrawn_at IS NOT NULL THEN 'withdrawn'
        ELSE 'requested'
    END AS state,
    CASE WHEN d.kind = 'fixed' AND d.invoices = 1 THEN d.amount - d.used ELSE d.at_most - d.used END AS left_over,
    CASE WHEN NOT (d.kind = 'fixed' AND d.invoices = 1) THEN d.invoices - d.uses END AS uses_left,
    d.kind, d.percent, d.amount, d.currency, d.at_most, d.charge, d.service, d.invoices, d.until, d.worth, d.used, d.uses, d.reason,
    d.criterion, d.alternative, d.campaign, d.role, d.policy_from, d.requested_at, d.requested_by, d.requested_in,
    d.exceeds, d.decision, d.decided_at, d.decided_by, d.decided_in, d.decision_reason, d.offered_at, d.offered_by,
    d.offered_until, d.answer, d.answered_at, d.answered_by, d.answer_reason, d.granted_at, d.granted_by, d.revoked_at,
    d.revoked_by, d.revoke_reason, d.withdrawn_at, d.withdraw_reason, d.offer_recorded_at, d.grant_recorded_at, d.position
FROM discount d JOIN book b ON b.book = d.book;
COMMENT ON VIEW standing IS 'Discounts and where each stands.';
COMMENT ON COLUMN standing.state IS 'requested, declined, withdrawn, offered, refused, expired, granted, used_up or revoked; a granted one may be past its last date.';
COMMENT ON COLUMN standing.left_over IS 'What is left of a fixed amount that is granted once, or of what one in percent may take off, in minor units.';
COMMENT ON COLUMN standing.uses_left IS 'On how many more invoices it counts; null is for ever.';

CREATE VIEW usage AS
SELECT u.book, u.customer, u.discount, u.currency, sum(u.amount)::bigint AS amount, count(*) AS invoices
FROM discount_use u WHERE NOT u.void
GROUP BY u.book, u.customer, u.discount, u.currency;
COMMENT ON VIEW usage IS 'What each discount took off so far, by currency; void invoices left out.';
COMMENT ON COLUMN usage.amount IS 'Minor units taken off.';
COMMENT ON COLUMN usage.invoices IS 'On how many invoices.';

CREATE VIEW waiting AS
SELECT s.book, s.position, s.customer, s.discount, s.kind, s.percent, s.amount, s.currency, s.invoices, s.worth, s.reason,
    s.criterion, s.campaign, s.exceeds, s.requested_by, s.requested_in, s.requested_at,
    ledger.moment() - s.requested_at AS waited, s.offered_until
FROM standing s WHERE s.state = 'requested';
COMMENT ON VIEW waiting IS 'Requests that wait for the decision of a second person; by position, the oldest first.';
COMMENT ON COLUMN waiting.waited IS 'For how long it has been waiting.';

CREATE VIEW authority_in_force AS
SELECT a.*, b.time_zone
FROM book b
CROSS JOIN LATERAL (
    SELECT p.position FROM authority p
    WHERE p.book = b.book AND p.effective_from <= (ledger.moment() AT TIME ZONE b.time_zone)::date
    ORDER BY p.effective_from DESC, p.position DESC LIMIT 1) last
JOIN authority a ON a.book = b.book AND a.position = last.position;
COMMENT ON VIEW authority_in_force IS 'What each role may grant today.';

CREATE VIEW counted AS
SELECT s.book, s.customer, s.discount, coalesce(s.grant_recorded_at, s.offer_recorded_at) AS recorded_at, s.role,
    CASE WHEN s.decision = 'approved' THEN s.decided_by ELSE coalesce(s.offered_by, s.granted_by) END AS principal,
    s.currency, s.worth, s.kind, s.percent, s.state
FROM standing s
WHERE s.state IN ('granted', 'used_up', 'offered') OR s.state = 'revoked' AND s.uses > 0;
COMMENT ON VIEW counted IS 'What counts against the authority to grant: discounts granted, and offers that are open. What was revoked before it was used does not.';
COMMENT ON COLUMN counted.recorded_at IS 'From when it counts, on the ledger''s own clock.';
COMMENT ON COLUMN counted.principal IS 'Whose authority it was: who granted, offered or approved.';
COMMENT ON COLUMN counted.worth IS 'All that it can ever take off, in minor units; null where nothing bounds it.';

CREATE VIEW counted_amount AS
SELECT k.book, k.customer, k.discount, k.recorded_at, k.currency, k.worth AS amount FROM counted k WHERE k.worth IS NOT NULL
UNION ALL
SELECT k.book, k.customer, k.discount, k.recorded_at, u.currency, u.amount
FROM counted k JOIN usage u ON u.book = k.book AND u.customer = k.customer AND u.discount = k.discount
WHERE k.worth IS NULL;
COMMENT ON VIEW counted_amount IS 'With how much each discount counts against what a customer may be granted: all that it can ever take off, or what it took off so far where nothing bounds it.';
COMMENT ON COLUMN counted_amount.recorded_at IS 'From when it counts, on the ledger''s own clock.';
COMMENT ON COLUMN counted_amount.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN counted_amount.amount IS 'Minor units.';

CREATE VIEW authority_left AS
SELECT a.book, c.customer, a.role, a.customer_days AS days, a.customer_grants AS grants_allowed, u.grants AS grants_used,
    greatest(a.customer_grants - u.grants, 0) AS grants_left, m.currency, m.customer_amount AS amount_allowed,
    t.amount AS amount_used, greatest(m.customer_amount - t.amount, 0) AS amount_left
FROM authority_in_force a
JOIN (SELECT DISTINCT d.book, d.customer FROM discount d) c ON c.book = a.book
LEFT JOIN authority_amount m
    ON m.book = a.book AND m.position = a.position AND m.role = a.role AND m.customer_amount IS NOT NULL
CROSS JOIN LATERAL (
    SELECT count(*) AS grants FROM counted k
    WHERE k.book = a.book AND k.customer = c.customer
        AND k.recorded_at > ledger.moment() - make_interval(hours => 24 * a.customer_days)) u
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.amount), 0)::bigint AS amount FROM counted_amount k
    WHERE k.book = a.book AND k.customer = c.customer AND k.currency = m.currency
        AND k.recorded_at > ledger.moment() - make_interval(hours => 24 * a.customer_days)) t
WHERE a.customer_days IS NOT NULL;
COMMENT ON VIEW authority_left IS 'What each role may still grant to each customer who had a discount, by the policy that is in force today.';
COMMENT ON COLUMN authority_left.days IS 'How many days back discounts count, whoever granted them.';
COMMENT ON COLUMN authority_left.grants_allowed IS 'How many discounts a customer may be granted in those days; null is no limit.';
COMMENT ON COLUMN authority_left.grants_used IS 'How many count.';
COMMENT ON COLUMN authority_left.grants_left IS 'How many more may be granted.';
COMMENT ON COLUMN authority_left.currency IS 'ISO 4217 code of the amounts; null where only their number is limited.';
COMMENT ON COLUMN authority_left.amount_allowed IS 'What discounts may come to together, in minor units.';
COMMENT ON COLUMN authority_left.amount_used IS 'What they come to: each all that it can ever take off, or what it took off so far where nothing bounds it.';
COMMENT ON COLUMN authority_left.amount_left IS 'What may still be granted.';

CREATE VIEW authority_use AS
SELECT x.book, to_char(x.at AT TIME ZONE b.time_zone, 'YYYY-MM') AS month, x.principal, x.role, x.currency,
    count(*) FILTER (WHERE x.done = 'exercised') AS granted,
    coalesce(sum(x.worth) FILTER (WHERE x.done = 'exercised'), 0)::bigint AS amount,
    max(x.percent) FILTER (WHERE x.done = 'exercised') AS percent_max,
    count(*) FILTER (WHERE x.done = 'requested') AS requested,
    count(*) FILTER (WHERE x.done = 'approved') AS approved,
    count(*) FILTER (WHERE x.done = 'declined') AS declined
FROM (
    SELECT k.book, k.recorded_at AS at, k.principal, k.role, k.currency, k.worth, k.percent, 'exercised' AS done
    FROM counted k
    UNION ALL
    SELECT d.book, d.requested_at, d.requested_by, d.requested_in, d.currency, 0 AS worth, NULL AS percent, 'requested' AS done
    FROM discount d WHERE d.requested_at IS NOT NULL
    UNION ALL
    SELECT d.book, d.decided_at, d.decided_by, d.decided_in, d.currency, 0 AS worth, NULL AS percent, d.decision
    FROM discount d WHERE d.decision IS NOT NULL
) x
JOIN book b ON b.book = x.book
GROUP BY x.book, to_char(x.at AT TIME ZONE b.time_zone, 'YYYY-MM'), x.principal, x.role, x.currency;
COMMENT ON VIEW authority_use IS 'How each principal used their authority, by month: what they granted, asked others for, and decided for others.';
COMMENT ON COLUMN authority_use.month IS 'Month in the book''s time zone: recorded, of what was granted; occurred, of what was asked and decided.';
COMMENT ON COLUMN authority_use.principal IS 'Whose authority it was.';
COMMENT ON COLUMN authority_use.role IS 'In which role; null without a policy.';
COMMENT ON COLUMN authority_use.currency IS 'ISO 4217 code of fixed discounts, and of those in percent that are bounded; null of others in percent.';
COMMENT ON COLUMN authority_use.granted IS 'Discounts granted, offered or approved that count.';
COMMENT ON COLUMN authority_use.amount IS 'All that they can ever take off, in minor units; nothing of those that nothing bounds.';
COMMENT ON COLUMN authority_use.percent_max IS 'The highest percentage among them.';
COMMENT ON COLUMN authority_use.requested IS 'Discounts that they asked a second person for.';
COMMENT ON COLUMN authority_use.approved IS 'Requests of others that they approved.';
COMMENT ON COLUMN authority_use.declined IS 'Requests of others that they declined.';

CREATE VIEW campaign_outcome AS
SELECT s.book, s.campaign, s.criterion,
    count(*) FILTER (WHERE s.requested_at IS NOT NULL) AS requested,
    count(*) FILTER (WHERE s.state = 'declined') AS declined,
    count(*) FILTER (WHERE s.offered_at IS NOT NULL) AS offered,
    count(*) FILTER (WHERE s.answer = 'accepted') AS accepted,
    count(*) FILTER (WHERE s.answer = 'refused') AS refused,
    count(*) FILTER (WHERE s.state = 'expired') AS expired,
    count(*) FILTER (WHERE s.granted_at IS NOT NULL) AS granted,
    count(DISTINCT s.customer) FILTER (WHERE s.granted_at IS NOT NULL) AS customers,
    count(DISTINCT s.customer) FILTER (WHERE s.granted_at IS NOT NULL AND l.customer IS NULL) AS kept,
    round(count(DISTINCT s.customer) FILTER (WHERE s.granted_at IS NOT NULL AND l.customer IS NULL)
        / nullif(count(DISTINCT s.customer) FILTER (WHERE s.granted_at IS NOT NULL), 0)::numeric, 4) AS kept_share
FROM standing s LEFT JOIN leaving l ON l.book = s.book AND l.customer = s.customer
GROUP BY s.book, s.campaign, s.criterion;
COMMENT ON VIEW campaign_outcome IS 'What became of the discounts of each campaign and criterion. Not causal: who was given one differs from who was not. Trials are, see the read model trials.';
COMMENT ON COLUMN campaign_outcome.requested IS 'Asked of a second person.';
COMMENT ON COLUMN campaign_outcome.declined IS 'Of these, declined.';
COMMENT ON COLUMN campaign_outcome.offered IS 'Offered to customers.';
COMMENT ON COLUMN campaign_outcome.accepted IS 'Of these, accepted.';
COMMENT ON COLUMN campaign_outcome.refused IS 'Of these, refused.';
COMMENT ON COLUMN campaign_outcome.expired IS 'Of these, never answered in time.';
COMMENT ON COLUMN campaign_outcome.granted IS 'Granted, by acceptance or at once.';
COMMENT ON COLUMN campaign_outcome.customers IS 'To how many customers.';
COMMENT ON COLUMN campaign_outcome.kept IS 'How many of them are still customers.';
COMMENT ON COLUMN campaign_outcome.kept_share IS 'kept / customers, rounded to four digits.';

-- name: retention
-- Trials in the order in which they were registered, each with its arms; then campaigns.
SELECT 'trials' AS part, t.position AS place, t.trial AS first, '' AS second, json_build_object('trial', t.trial,
    'question', t.question, 'measure', t.measure, 'seed', t.seed, 'end', t.ends_on, 'registered_at', t.registered_at,
    'registered_by', t.registered_by, 'causal', true, 'arms', (
        SELECT json_agg(json_build_object('arm', r.arm, 'planned_share', r.planned_share::text, 'customers', r.customers,
            'closed', r.closed, 'kept', r.kept, 'kept_share', r.kept_share::text, 'kept_low', r.kept_low::text,
            'kept_high', r.kept_high::text, 'difference', r.difference::text, 'difference_low', r.difference_low::text,
            'difference_high', r.difference_high::text, 'revenue', (
                SELECT coalesce(json_agg(json_build_object('currency', m.currency, 'billed', m.billed, 'discount', m.discount,
                    'per_customer', m.per_customer::text, 'per_customer_difference', m.per_customer_difference::text)
                    ORDER BY m.currency), '[]')
                FROM trials.revenue AS m WHERE m.book = r.book AND m.trial = r.trial AND m.arm = r.arm)
            ) ORDER BY r.place)
        FROM trials.retention AS r WHERE r.book = t.book AND r.trial = t.trial)) AS said
FROM trials.trial AS t WHERE t.book = %(book)s
UNION ALL
SELECT * FROM (
    SELECT 'campaigns', 0, coalesce(c.campaign, ''), coalesce(c.criterion, ''), json_build_object('campaign', c.campaign,
        'criterion', c.criterion, 'causal', false, 'requested', c.requested, 'declined', c.declined, 'offered', c.offered,
        'accepted', c.accepted, 'refused', c.refused, 'expired', c.expired, 'granted', c.granted,
        'customers', c.customers, 'kept', c.kept, 'kept_share', c.kept_share::text, 'taken_off', (
            SELECT coalesce(json_agg(json_build_object('currency', s.currency, 'amount', s.amount) ORDER BY s.currency), '[]')
            FROM (
                SELECT u.currency, sum(u.amount)::bigint AS amount
                FROM discounts.usage AS u
                JOIN discounts.discount AS d ON d.book = u.book AND d.customer = u.customer AND d.discount = u.discount
                WHERE u.book = c.book AND d.campaign IS NOT DISTINCT FROM c.campaign
                    AND d.criterion IS NOT DISTINCT FROM c.criterion
                GROUP BY u.currency) AS s))
    FROM discounts.campaign_outcome AS c WHERE c.book = %(book)s) AS campaigns
ORDER BY 1 DESC, 2, 3, 4;

-- name: members
-- Whom the report is about: customers who take part in a trial, or who had a discount, by a position.
SELECT m.customer FROM trials.assignment AS m WHERE m.book = %(book)s AND m.position <= %(upto)s
UNION
SELECT m.customer FROM discounts.discount AS m WHERE m.book = %(book)s AND m.position <= %(upto)s;

-- What a trial found: arms are drawn by lot, so a difference to the hold-out is an effect of what was done, and chance.

CREATE VIEW kept AS
SELECT t.book, t.trial, r.place, r.arm, r.share AS planned_share, count(a.customer) AS customers,
    count(a.customer) FILTER (WHERE a.closed_at < t.ended_at) AS closed,
    count(a.customer) FILTER (WHERE a.closed_at IS NULL OR a.closed_at >= t.ended_at) AS kept
FROM trial t
JOIN trial_arm r ON r.book = t.book AND r.trial = t.trial
LEFT JOIN assignment a ON a.book = r.book AND a.trial = r.trial AND a.arm = r.arm
GROUP BY t.book, t.trial, r.place, r.arm, r.share;
COMMENT ON VIEW kept IS 'How many customers of each arm are kept: not ended before the end of the trial.';
COMMENT ON COLUMN kept.planned_share IS 'Percent of the customers that the plan gives to the arm.';
COMMENT ON COLUMN kept.customers IS 'Customers who take part, each counted in the arm that was drawn, whatever was done.';
COMMENT ON COLUMN kept.closed IS 'Of these, ended before the end of the trial.';
COMMENT ON COLUMN kept.kept IS 'Of these, not ended by then, or not yet.';

CREATE VIEW retention AS
WITH share AS (
    SELECT k.*, k.kept::numeric / nullif(k.customers, 0) AS p, nullif(k.customers, 0)::numeric AS n, 1.959963984540054 AS z
    FROM kept k
), wilson AS (
    SELECT s.*, (s.p + z * z / (2 * n) - z * sqrt(s.p * (1 - s.p) / n + z * z / (4 * n * n))) / (1 + z * z / n) AS low,
        (s.p + z * z / (2 * n) + z * sqrt(s.p * (1 - s.p) / n + z * z / (4 * n * n))) / (1 + z * z / n) AS high
    FROM share s
)
SELECT w.book, w.trial, w.place, w.arm, w.planned_share, w.customers, w.closed, w.kept, round(w.p, 4) AS kept_share,
    CASE WHEN w.customers > 0 THEN round(greatest(w.low, 0), 4) END AS kept_low,
    CASE WHEN w.customers > 0 THEN round(least(w.high, 1), 4) END AS kept_high,
    CASE WHEN w.arm <> 'hold_out' THEN round(w.p - h.p, 4) END AS difference,
    CASE WHEN w.arm <> 'hold_out' THEN
        round(w.p - h.p - sqrt((w.p - w.low) * (w.p - w.low) + (h.high - h.p) * (h.high - h.p)), 4) END AS difference_low,
    CASE WHEN w.arm <> 'hold_out' THEN
        round(w.p - h.p + sqrt((w.high - w.p) * (w.high - w.p) + (h.p - h.low) * (h.p - h.low)), 4) END AS difference_high
FROM wilson w
JOIN wilson h ON h.book = w.book AND h.trial = w.trial AND h.arm = 'hold_out';
COMMENT ON VIEW retention IS 'The kept share of each arm and its difference to the hold-out, with intervals of 95 percent. Causal: the arms were drawn by lot. An interval around a difference that holds 0 shows no effect.';
COMMENT ON COLUMN retention.kept_share IS 'kept / customers; null while nobody takes part.';
COMMENT ON COLUMN retention.kept_low IS 'Lower bound of the share [Wilson score interval].';
COMMENT ON COLUMN retention.kept_high IS 'Upper bound of the share.';
COMMENT ON COLUMN retention.difference IS 'kept_share less that of the hold-out.';
COMMENT ON COLUMN retention.difference_low IS 'Lower bound of the difference [Newcombe''s hybrid score interval, his method 10].';
COMMENT ON COLUMN retention.difference_high IS 'Upper bound of the difference.';

CREATE VIEW revenue AS
WITH money AS (
    SELECT t.book, t.trial, a.arm, b.currency, sum(b.net - b.discount - b.credited)::bigint AS billed,
        sum(b.discount)::bigint AS discount
    FROM trial t
    JOIN assignment a ON a.book = t.book AND a.trial = t.trial
    JOIN billed b ON b.book = a.book AND b.customer = a.customer AND b.position > a.position
    WHERE NOT b.void AND b.issued_at < t.ended_at
    GROUP BY t.book, t.trial, a.arm, b.currency
), every AS (
    SELECT k.book, k.trial, k.place, k.arm, k.customers, c.currency, coalesce(m.billed, 0) AS billed,
        coalesce(m.discount, 0) AS discount,
        round(coalesce(m.billed, 0)::numeric / nullif(k.customers, 0), 2) AS per_customer
    FROM kept k
    JOIN (SELECT DISTINCT m.book, m.trial, m.currency FROM money m) c ON c.book = k.book AND c.trial = k.trial
    LEFT JOIN money m ON m.book = k.book AND m.trial = k.trial AND m.arm = k.arm AND m.currency = c.currency
)
SELECT e.book, e.trial, e.place, e.arm, e.currency, e.customers, e.billed, e.discount, e.per_customer,
    CASE WHEN e.arm <> 'hold_out' THEN e.per_customer - h.per_customer END AS per_customer_difference
FROM every e
JOIN every h ON h.book = e.book AND h.trial = e.trial AND h.currency = e.currency AND h.arm = 'hold_out';
COMMENT ON VIEW revenue IS 'What the customers of each arm were billed since they take part, until the end of the trial, and what discounts cost. Void invoices left out.';
COMMENT ON COLUMN revenue.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN revenue.billed IS 'Net after discounts, less credit notes, in minor units.';
COMMENT ON COLUMN revenue.discount IS 'What discounts took off, in minor units.';
COMMENT ON COLUMN revenue.per_customer IS 'billed / customers, those who left included.';
COMMENT ON COLUMN revenue.per_customer_difference IS 'per_customer less that of the hold-out: what was done earned so much more of each, its discounts paid.';

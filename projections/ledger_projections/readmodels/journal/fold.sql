-- name: open_books
-- types: book.opened
-- The book's own terms, of which the time zone decides what date a moment is.
INSERT INTO book
SELECT e.book, d.data ->> 'name', d.data ->> 'currency', d.data ->> 'time_zone', e.occurred_at, e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'book.opened';

-- name: add_accounts
-- types: book.opened account.added
-- The chart that the book was opened with, and what was added to it.
INSERT INTO account
SELECT e.book, a.account ->> 'account', a.account ->> 'name', a.account ->> 'kind', e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
CROSS JOIN LATERAL jsonb_array_elements(
    CASE e.type WHEN 'book.opened' THEN d.data -> 'accounts' ELSE jsonb_build_array(d.data) END) AS a (account)
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
    AND e.type IN ('book.opened', 'account.added');

-- name: set_rules
-- types: book.opened policy.changed
-- A set of rules replaces the one before from its date on. Both tables in one statement: the event is opened once.
WITH fact AS MATERIALIZED (
    SELECT e.book, e.position, ledger.data_of(e.state) AS data
    FROM ledger.event e
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        AND e.type IN ('book.opened', 'policy.changed')
), fresh AS MATERIALIZED (
    SELECT f.book, f.position, coalesce((f.data ->> 'from')::date, '-infinity') AS effective_from,
        r.rule, r.line
    FROM fact f
    CROSS JOIN LATERAL jsonb_array_elements(f.data -> 'rules') WITH ORDINALITY AS r (rule, line)
    WHERE coalesce(f.data ->> 'policy', 'posting_rules') = 'posting_rules'
), sets AS (
    INSERT INTO rule_set
    SELECT f.book, f.position, f.effective_from, count(*) FROM fresh f GROUP BY f.book, f.position, f.effective_from
)
INSERT INTO posting_rule
SELECT f.book, f.position, f.effective_from, f.line, f.rule ->> 'event', f.rule ->> 'part', f.rule ->> 'account',
    (f.rule ->> 'sign')::smallint, f.rule ->> 'measure'
FROM fresh f;

-- name: post_entries
-- adds: posting
-- One pass over the events that a rule names. What a rule measures is a typed column wherever it can be; what is measured
-- of the many invoices and charges is read from their bytes; and the data of any other event is opened, once, when a rule
-- measures what is in there.
WITH wanted AS MATERIALIZED (
    SELECT r.event, bool_or(r.measure <> 'amount') AS opens, bool_or(r.part <> 'now') AS spreads
    FROM posting_rule r WHERE r.book = %(book)s GROUP BY r.event
), latest AS MATERIALIZED (
    -- The set of rules that begins last, which counts for nearly everything: what was recorded after every set of the
    -- range (known), and is dated on its first day or later.
    SELECT s.position AS rules, s.effective_from, max(s.position) OVER () AS known
    FROM rule_set s WHERE s.book = %(book)s AND s.position <= %(upto)s
    ORDER BY s.effective_from DESC, s.position DESC LIMIT 1
), fact AS MATERIALIZED (
    -- Else, and so at a cost that does not grow with the square of the sets, the last to begin is looked up. The shape
    -- is what its rules go by: without a period, with one inside a month, or with one over several.
    SELECT d.*, right(d.period, 10)::date AS ends, CASE WHEN d.period IS NULL THEN 'now'
        WHEN left(d.period, 7) = substr(d.period, 19, 7) THEN 'month' ELSE 'months' END AS shape, CASE
        WHEN d.position > (SELECT l.known FROM latest l) AND d.occurred_on >= (SELECT l.effective_from FROM latest l)
            THEN (SELECT l.rules FROM latest l)
        ELSE (
            SELECT s.position FROM rule_set s
            WHERE s.book = %(book)s AND s.effective_from <= d.occurred_on AND s.position <= d.position
            ORDER BY s.effective_from DESC, s.position DESC LIMIT 1) END AS rules
    FROM (
        SELECT e.position, e.type, e.customer, e.invoice, e.currency, e.amount, e.occurred_at, e.recorded_at,
            (e.occurred_at AT TIME ZONE (SELECT b.time_zone FROM book b WHERE b.book = %(book)s))::date AS occurred_on,
            CASE WHEN w.opens AND e.type = 'invoice.issued' THEN ledger.number_of(e.state, '],"net":') END AS net,
            CASE WHEN w.opens AND e.type = 'invoice.issued' THEN ledger.number_of(e.state, ',"discount":') END AS discount,
            CASE WHEN w.opens AND e.type = 'invoice.issued' THEN ledger.number_of(e.state, '"series":"invoice","tax":') END AS tax,
            CASE WHEN w.opens AND e.type <> 'invoice.issued' THEN ledger.data_of(e.state) END AS data,
            CASE WHEN w.spreads AND e.type IN ('charge.posted', 'charge.reversed') THEN period_of(e.state) END AS period,
            CASE WHEN e.type IN ('charge.posted', 'charge.reversed') THEN service_of(e.state) END AS service
        FROM ledger.event e
        JOIN wanted w ON w.event = e.type
        WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        OFFSET 0) d
), rule AS MATERIALIZED (
    -- By the shape of the event. Rules that do not spread post a period at once.
    SELECT r.position, r.event, r.line, r.part, r.account, r.sign, r.measure, s.shape
    FROM (SELECT r.*, bool_or(r.part <> 'now') OVER (PARTITION BY r.position, r.event) AS spreads
          FROM posting_rule r
          WHERE r.book = %(book)s AND r.position = ANY (ARRAY(SELECT DISTINCT f.rules FROM fact f))) r
    CROSS JOIN (VALUES ('now'), ('month'), ('months')) AS s (shape)
    WHERE CASE r.part WHEN 'now' THEN s.shape = 'now' OR NOT r.spreads
        WHEN 'deferred' THEN s.shape <> 'now' ELSE s.shape = 'month' END
), spread AS MATERIALIZED (
    SELECT f.*, s.width, p.begins, f.ends - p.begins + 1 AS days
    FROM fact f
    CROSS JOIN LATERAL (SELECT left(f.period, 10)::date AS begins) p
    JOIN rule_set s ON s.book = %(book)s AND s.position = f.rules
    WHERE f.shape = 'months'
), month AS (
    -- A month's part by days: amount * days / all days, taken apart so that it cannot overflow.
    SELECT s.position, s.rules, s.width, s.customer, s.invoice, s.currency, s.amount, s.type, s.occurred_at,
        s.recorded_at, s.service, m.n, least(m.first + interval '1 month' - interval '1 day', s.ends)::date AS ends_on,
        s.amount / s.days * m.days + mod(s.amount, s.days) * m.days / s.days AS part,
        mod(mod(s.amount, s.days) * m.days, s.days) AS remainder
    FROM spread s
    CROSS JOIN LATERAL generate_series(1, 1 + (extract(year FROM s.ends) - extract(year FROM s.begins))::int * 12
        + (extract(month FROM s.ends) - extract(month FROM s.begins))::int) AS g (n)
    CROSS JOIN LATERAL (SELECT date_trunc('month', s.begins::timestamp) + (g.n - 1) * interval '1 month' AS first) f
    CROSS JOIN LATERAL (SELECT g.n, f.first,
        least((f.first + interval '1 month')::date, s.ends + 1) - greatest(f.first::date, s.begins) AS days) m
), share AS (
    -- Largest remainder, ties by position: the parts add up to the amount exactly.
    SELECT m.*, m.part + (row_number() OVER (PARTITION BY m.position ORDER BY m.remainder DESC, m.n)
        <= m.amount - sum(m.part) OVER (PARTITION BY m.position))::int AS share
    FROM month m
)
INSERT INTO posting
SELECT %(book)s, f.position, r.line, r.account, f.customer, f.invoice, f.currency, r.sign * v.value,
    CASE r.part WHEN 'period' THEN f.ends ELSE f.occurred_on END,
    f.occurred_at, f.recorded_at, f.service
FROM fact f
JOIN rule r ON r.position = f.rules AND r.event = f.type AND r.shape = f.shape
CROSS JOIN LATERAL (
    SELECT coalesce(CASE r.measure WHEN 'amount' THEN f.amount WHEN 'net' THEN f.net WHEN 'discount' THEN f.discount
        WHEN 'tax' THEN f.tax END, (f.data ->> r.measure)::bigint) AS value) v
WHERE v.value <> 0
UNION ALL
SELECT %(book)s, m.position, m.n * m.width + r.line, r.account, m.customer, m.invoice, m.currency, r.sign * m.share,
    m.ends_on, m.occurred_at, m.recorded_at, m.service
FROM share m
JOIN posting_rule r ON r.book = %(book)s AND r.position = m.rules AND r.event = m.type AND r.part = 'period'
WHERE m.share <> 0;

CREATE FUNCTION service(of_book text, since date DEFAULT '-infinity', through date DEFAULT 'infinity',
    by text DEFAULT 'queue', within_seconds integer DEFAULT 20) RETURNS TABLE (
    level text, day date, key text, arrived bigint, waiting bigint, answered bigint, abandoned bigint,
    answered_within bigint, answered_within_percent numeric, abandoned_percent numeric, wait_seconds_median bigint,
    wait_seconds_p90 bigint, abandoned_after_seconds_median bigint, handled_seconds_median bigint,
    handled_seconds_p90 bigint, handled_seconds bigint)
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT CASE WHEN grouping(c.arrived_on) = 0 THEN 'day' WHEN grouping(c.key) = 0 THEN 'period' ELSE 'all' END,
        c.arrived_on, c.key, count(*), count(*) FILTER (WHERE c.state = 'waiting'), count(c.answered_at),
        count(*) FILTER (WHERE c.outcome = 'abandoned'),
        count(*) FILTER (WHERE c.answered_at IS NOT NULL AND c.waited_seconds <= within_seconds),
        round(100.0 * count(*) FILTER (WHERE c.answered_at IS NOT NULL AND c.waited_seconds <= within_seconds) / count(*), 2),
        round(100.0 * count(*) FILTER (WHERE c.outcome = 'abandoned') / count(*), 2),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY c.waited_seconds) FILTER (WHERE c.answered_at IS NOT NULL),
        percentile_disc(0.9) WITHIN GROUP (ORDER BY c.waited_seconds) FILTER (WHERE c.answered_at IS NOT NULL),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY c.waited_seconds) FILTER (WHERE c.outcome = 'abandoned'),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY c.handled_seconds) FILTER (WHERE c.handled_seconds IS NOT NULL),
        percentile_disc(0.9) WITHIN GROUP (ORDER BY c.handled_seconds) FILTER (WHERE c.handled_seconds IS NOT NULL),
        coalesce(sum(c.handled_seconds), 0)::bigint
    FROM (
        SELECT t.*, CASE by WHEN 'channel' THEN t.channel WHEN 'topic' THEN t.topic WHEN 'language' THEN t.language
            ELSE t.queue END AS key
        FROM contact t WHERE t.book = of_book AND t.arrived_on BETWEEN since AND through
    ) c
    GROUP BY GROUPING SETS ((c.arrived_on, c.key), (c.key), ())
    HAVING count(*) > 0
    ORDER BY c.arrived_on NULLS LAST, grouping(c.key), c.key NULLS LAST;
END;
COMMENT ON FUNCTION service IS 'Contacts that arrived between two dates, by queue, channel, topic or language: for each day (level day), for all days together (period), and in all (all). Waits are whole seconds; shares are of all that arrived; percentiles are values that occurred.';

CREATE VIEW daily AS
SELECT b.book, s.day, s.key AS queue, s.arrived, s.waiting, s.answered, s.abandoned, s.answered_within AS answered_within_20_seconds,
    s.answered_within_percent AS answered_within_20_seconds_percent, s.abandoned_percent, s.wait_seconds_median,
    s.wait_seconds_p90, s.handled_seconds_median, s.handled_seconds_p90
FROM (SELECT DISTINCT c.book FROM contact c) b CROSS JOIN LATERAL service(b.book) s
WHERE s.level = 'day';
COMMENT ON VIEW daily IS 'Each queue on each day. For other questions there is the function service.';
COMMENT ON COLUMN daily.book IS 'The book.';
COMMENT ON COLUMN daily.day IS 'Date on which the contacts arrived.';
COMMENT ON COLUMN daily.queue IS 'Where they waited.';
COMMENT ON COLUMN daily.arrived IS 'How many arrived.';
COMMENT ON COLUMN daily.waiting IS 'Of these, how many still wait.';
COMMENT ON COLUMN daily.answered IS 'How many were answered.';
COMMENT ON COLUMN daily.abandoned IS 'How many gave up before that.';
COMMENT ON COLUMN daily.answered_within_20_seconds IS 'How many were answered within 20 seconds.';
COMMENT ON COLUMN daily.answered_within_20_seconds_percent IS 'The same, of all that arrived.';
COMMENT ON COLUMN daily.abandoned_percent IS 'How many of all that arrived gave up.';
COMMENT ON COLUMN daily.wait_seconds_median IS 'Wait of those who were answered: half of them waited no longer.';
COMMENT ON COLUMN daily.wait_seconds_p90 IS 'Nine of ten waited no longer.';
COMMENT ON COLUMN daily.handled_seconds_median IS 'From the answer to the end: half took no longer.';
COMMENT ON COLUMN daily.handled_seconds_p90 IS 'Nine of ten took no longer.';

CREATE VIEW standing AS
SELECT a.*, a.result = 'passed' AND (CASE WHEN a.contact IS NULL THEN a.valid_until > ledger.moment() ELSE c.ended_at IS NULL END) AS stands
FROM attempt a LEFT JOIN contact c ON c.book = a.book AND c.customer = a.customer AND c.contact = a.contact;
COMMENT ON VIEW standing IS 'Attempts of callers to prove who they are, and which of them stand now.';
COMMENT ON COLUMN standing.stands IS 'Whether the caller counts as verified by it now: as long as its contact goes on, or until valid_until.';

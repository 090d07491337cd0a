CREATE VIEW standing AS
SELECT d.*, coalesce(d.resolved_at, ledger.moment()) - d.opened_at AS waiting,
    coalesce(d.touched_at, d.resolved_at, ledger.moment()) - d.opened_at AS untouched,
    d.state = 'open' AND coalesce(d.deadline < (ledger.moment() AT TIME ZONE c.time_zone)::date, false) AS overdue
FROM dispute d
JOIN calendar c ON c.book = d.book;
COMMENT ON VIEW standing IS 'Disputes, how long the customer waited or waits still, and which are overdue.';
COMMENT ON COLUMN standing.waiting IS 'From the opening until the resolution, or until now.';
COMMENT ON COLUMN standing.untouched IS 'From the opening until somebody first did something about it, or until now.';
COMMENT ON COLUMN standing.overdue IS 'Open, and the last day to answer is over in the book''s time zone.';

CREATE VIEW workload AS
SELECT s.book, s.assignee, count(*) AS open,
    count(*) FILTER (WHERE s.kind = 'complaint') AS complaints,
    count(*) FILTER (WHERE s.kind = 'inquiry') AS inquiries,
    count(*) FILTER (WHERE s.kind = 'chargeback') AS chargebacks,
    count(*) FILTER (WHERE s.level > 0) AS escalated,
    count(*) FILTER (WHERE s.overdue) AS overdue,
    count(*) FILTER (WHERE s.touched_at IS NULL) AS untouched,
    min(s.deadline) AS next_deadline, min(s.opened_at) AS oldest_opened_at
FROM standing s
WHERE s.state = 'open'
GROUP BY s.book, s.assignee;
COMMENT ON VIEW workload IS 'Open disputes by who works on them.';
COMMENT ON COLUMN workload.book IS 'The book.';
COMMENT ON COLUMN workload.assignee IS 'Who works on them; null: they wait in the queue.';
COMMENT ON COLUMN workload.open IS 'How many are open.';
COMMENT ON COLUMN workload.complaints IS 'How many of them are complaints.';
COMMENT ON COLUMN workload.inquiries IS 'How many are inquiries.';
COMMENT ON COLUMN workload.chargebacks IS 'How many are chargebacks.';
COMMENT ON COLUMN workload.escalated IS 'How many were escalated.';
COMMENT ON COLUMN workload.overdue IS 'How many are overdue.';
COMMENT ON COLUMN workload.untouched IS 'How many nobody has done anything about yet.';
COMMENT ON COLUMN workload.next_deadline IS 'The next last day to answer.';
COMMENT ON COLUMN workload.oldest_opened_at IS 'When the one that waits longest was opened.';

-- name: disputes
-- Disputes in the order in which they were opened.
SELECT d.dispute, d.customer, d.kind, d.state, d.outcome, d.invoice, d.charge, d.payment, d.currency, d.amount, d.held,
    d.charged_back, d.fee, d.upheld, d.released, d.restored, d.fee_returned, d.reason, d.resolution, d.respond_by,
    d.deadline, d.lapsed, d.inquiry, d.assignee, d.level, d.escalated_to, d.evidence, d.withdrawn_at, d.touched_at,
    d.lines, d.opened_at, d.opened_by, d.resolved_at, d.resolved_by, d.position
FROM disputes.dispute AS d
WHERE d.book = %(book)s AND d.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR d.customer = %(customer)s)
    AND (%(state)s::text IS NULL OR d.state = %(state)s)
    AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
    AND (%(assignee)s::text IS NULL OR d.assignee = %(assignee)s)
    AND (%(invoice)s::text IS NULL OR d.invoice = %(invoice)s)
ORDER BY d.position LIMIT %(limit)s;

-- name: members
-- All disputes of a book that were opened by a position, in that order, whatever has become of them.
SELECT m.customer, m.position FROM disputes.dispute AS m
WHERE m.book = %(book)s AND m.position > %(after_position)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.position LIMIT %(limit)s;

-- name: queue
-- What is open: the next deadline first, then who waits longest. The position makes the order total.
SELECT d.dispute, d.customer, d.kind, d.invoice, d.charge, d.payment, d.currency, d.amount, d.reason, d.deadline,
    d.overdue, d.lapsed, d.assignee, d.level, d.escalated_to, d.evidence, d.withdrawn_at, d.opened_at, d.touched_at,
    floor(extract(epoch FROM d.waiting) / 3600)::bigint AS waiting_hours,
    floor(extract(epoch FROM d.untouched) / 3600)::bigint AS untouched_hours, d.position
FROM disputes.standing AS d
WHERE d.book = %(book)s AND d.state = 'open'
    AND (coalesce(d.deadline, 'infinity'), d.opened_at, d.position)
        > (coalesce(%(after_deadline)s::date, 'infinity'), %(after_opened_at)s::timestamptz, %(after_position)s::bigint)
    AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
    AND (%(assignee)s::text IS NULL OR d.assignee = %(assignee)s)
    AND (%(assigned)s::boolean IS NULL OR (d.assignee IS NOT NULL) = %(assigned)s)
    AND (%(overdue)s::boolean IS NULL OR d.overdue = %(overdue)s)
ORDER BY coalesce(d.deadline, 'infinity'), d.opened_at, d.position LIMIT %(limit)s;

-- name: workload
-- Open disputes by who works on them; what waits in the queue comes first.
SELECT w.assignee, w.open, w.complaints, w.inquiries, w.chargebacks, w.escalated, w.overdue, w.untouched, w.next_deadline,
    w.oldest_opened_at
FROM disputes.workload AS w
WHERE w.book = %(book)s
ORDER BY w.assignee NULLS FIRST;

-- name: evidence
-- The files of a dispute in the order in which they were submitted.
SELECT e.sha256, e.name, e.media_type, e.size, e.submitted_at, e.submitted_by, e.position
FROM disputes.evidence AS e
WHERE e.book = %(book)s AND e.customer = %(customer)s AND e.dispute = %(dispute)s
ORDER BY e.position;

-- name: dispute_is_known
-- Whether the customer has such a dispute.
SELECT d.dispute FROM disputes.dispute AS d
WHERE d.book = %(book)s AND d.customer = %(customer)s AND d.dispute = %(dispute)s;

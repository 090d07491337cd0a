-- name: disputes
-- Disputes in the order in which they were opened.
SELECT d.dispute, d.customer, d.kind, d.state, d.outcome, d.invoice, d.charge, d.payment, d.currency, d.amount, d.held,
    d.charged_back, d.fee, d.upheld, d.released, d.restored, d.fee_returned, d.reason, d.resolution, d.respond_by,
    d.lines, d.opened_at, d.opened_by, d.resolved_at, d.resolved_by, d.position
FROM disputes.dispute AS d
WHERE d.book = %(book)s AND d.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR d.customer = %(customer)s)
    AND (%(state)s::text IS NULL OR d.state = %(state)s)
    AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
    AND (%(invoice)s::text IS NULL OR d.invoice = %(invoice)s)
ORDER BY d.position LIMIT %(limit)s;

-- name: members
-- All disputes of a book that were opened by a position, in that order, whatever has become of them.
SELECT m.customer, m.position FROM disputes.dispute AS m
WHERE m.book = %(book)s AND m.position > %(after_position)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.position LIMIT %(limit)s;

-- name: know_time_zones
-- types: book.opened
-- In which a deadline's day ends.
INSERT INTO calendar (book, time_zone)
SELECT e.book, ledger.data_of(e.state) ->> 'time_zone'
FROM ledger.event e
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'book.opened';

-- name: open_disputes
-- types: dispute.opened
-- A dispute begins; nothing of it is decided.
INSERT INTO dispute (book, customer, dispute, kind, state, invoice, charge, payment, currency, amount, held,
    charged_back, fee, upheld, released, restored, fee_returned, reason, respond_by, lines, inquiry, level, evidence,
    opened_at, opened_by, position)
SELECT e.book, e.customer, d.data ->> 'dispute', d.data ->> 'kind', 'open', e.invoice, d.data ->> 'charge',
    d.data ->> 'payment', e.currency, e.amount, coalesce((d.data ->> 'held')::bigint, 0),
    coalesce((d.data ->> 'charged_back')::bigint, 0), coalesce((d.data ->> 'fee')::bigint, 0), 0, 0, 0, 0,
    d.data ->> 'reason', (d.data ->> 'respond_by')::date, coalesce(d.data -> 'lines', '[]'),
    d.data ->> 'inquiry', 0, 0, e.occurred_at, e.principal, e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'dispute.opened';

-- name: resolve_disputes
-- types: dispute.resolved
-- A dispute is resolved once.
UPDATE dispute t
SET state = 'resolved', outcome = d.data ->> 'outcome', upheld = coalesce(e.amount, 0),
    released = coalesce((d.data ->> 'released')::bigint, 0), restored = coalesce((d.data ->> 'restored')::bigint, 0),
    fee_returned = coalesce((d.data ->> 'fee_returned')::bigint, 0), resolution = d.data ->> 'reason',
    resolved_at = e.occurred_at, resolved_by = e.principal
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'dispute.resolved'
    AND t.book = ANY (ARRAY[e.book]) AND t.customer = ANY (ARRAY[e.customer]) AND t.dispute = ANY (ARRAY[d.data ->> 'dispute']);

-- name: assign_disputes
-- types: dispute.assigned
-- The last one counts.
UPDATE dispute t
SET assignee = a.assignee
FROM (
    SELECT DISTINCT ON (e.customer, d.data ->> 'dispute') e.book, e.customer, d.data ->> 'dispute' AS dispute,
        d.data ->> 'assignee' AS assignee
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'dispute.assigned'
    ORDER BY e.customer, d.data ->> 'dispute', e.position DESC) a
WHERE t.book = ANY (ARRAY[a.book]) AND t.customer = ANY (ARRAY[a.customer]) AND t.dispute = ANY (ARRAY[a.dispute]);

-- name: submit_evidence
-- types: dispute.evidence_submitted
-- Each file once for each dispute.
WITH submitted AS (
    INSERT INTO evidence (book, customer, dispute, sha256, name, media_type, size, submitted_at, submitted_by, position)
    SELECT e.book, e.customer, d.data ->> 'dispute', d.data ->> 'sha256', d.data ->> 'name', d.data ->> 'media_type',
        (d.data ->> 'size')::bigint, e.occurred_at, e.principal, e.position
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'dispute.evidence_submitted'
    RETURNING book, customer, dispute
)
UPDATE dispute t
SET evidence = t.evidence + s.files
FROM (SELECT book, customer, dispute, count(*) AS files FROM submitted GROUP BY book, customer, dispute) s
WHERE t.book = ANY (ARRAY[s.book]) AND t.customer = ANY (ARRAY[s.customer]) AND t.dispute = ANY (ARRAY[s.dispute]);

-- name: escalate_disputes
-- types: dispute.escalated
-- Levels only rise; the last one that was named is who decides.
UPDATE dispute t
SET level = s.level, escalated_to = coalesce(s.escalated_to, t.escalated_to)
FROM (
    SELECT e.book, e.customer, d.data ->> 'dispute' AS dispute, max((d.data ->> 'level')::integer) AS level,
        (array_agg(d.data ->> 'to' ORDER BY e.position DESC) FILTER (WHERE d.data ? 'to'))[1] AS escalated_to
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'dispute.escalated'
    GROUP BY e.book, e.customer, d.data ->> 'dispute') s
WHERE t.book = ANY (ARRAY[s.book]) AND t.customer = ANY (ARRAY[s.customer]) AND t.dispute = ANY (ARRAY[s.dispute]);

-- name: withdraw_disputes
-- types: dispute.withdrawn
-- A chargeback is withdrawn once.
UPDATE dispute t
SET withdrawn_at = e.occurred_at
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'dispute.withdrawn'
    AND t.book = ANY (ARRAY[e.book]) AND t.customer = ANY (ARRAY[e.customer]) AND t.dispute = ANY (ARRAY[d.data ->> 'dispute']);

-- name: touch_disputes
-- types: dispute.assigned dispute.evidence_submitted dispute.escalated dispute.resolved
-- When somebody first did something about it. What the ledger does when a deadline passed is nobody's doing.
UPDATE dispute t
SET touched_at = least(t.touched_at, s.touched_at), lapsed = greatest(t.lapsed, s.lapsed)
FROM (
    SELECT e.book, e.customer, d.data ->> 'dispute' AS dispute, max((d.data ->> 'lapsed')::date) AS lapsed,
        min(e.occurred_at) FILTER (WHERE NOT d.data ? 'lapsed') AS touched_at
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        AND e.type IN ('dispute.assigned', 'dispute.evidence_submitted', 'dispute.escalated', 'dispute.resolved')
    GROUP BY e.book, e.customer, d.data ->> 'dispute') s
WHERE t.book = ANY (ARRAY[s.book]) AND t.customer = ANY (ARRAY[s.customer]) AND t.dispute = ANY (ARRAY[s.dispute]);

-- name: keep_deadlines
-- types: dispute.opened dispute.evidence_submitted dispute.escalated dispute.resolved
-- The last event that sets, meets or passes the deadline counts. Nothing happens to an inquiry when its day is over.
UPDATE dispute t
SET deadline = s.deadline,
    acts_at = CASE WHEN t.kind <> 'inquiry' THEN greatest(
        (s.deadline + 1)::timestamp AT TIME ZONE (SELECT c.time_zone FROM calendar c WHERE c.book = %(book)s),
        CASE WHEN s.deadline IS NOT NULL THEN s.recorded_at + interval '24 hours' END) END
FROM (
    SELECT DISTINCT ON (e.customer, d.data ->> 'dispute') e.book, e.customer, d.data ->> 'dispute' AS dispute,
        (d.data ->> 'respond_by')::date AS deadline, e.recorded_at
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        AND e.type IN ('dispute.opened', 'dispute.evidence_submitted', 'dispute.escalated', 'dispute.resolved')
        AND (e.type <> 'dispute.escalated' OR d.data ?| ARRAY['respond_by', 'lapsed'])
    ORDER BY e.customer, d.data ->> 'dispute', e.position DESC) s
WHERE t.book = ANY (ARRAY[s.book]) AND t.customer = ANY (ARRAY[s.customer]) AND t.dispute = ANY (ARRAY[s.dispute]);

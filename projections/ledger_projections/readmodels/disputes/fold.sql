-- name: open_disputes
-- types: dispute.opened
-- A dispute begins; nothing of it is decided.
INSERT INTO dispute (book, customer, dispute, kind, state, invoice, charge, payment, currency, amount, held,
    charged_back, fee, upheld, released, restored, fee_returned, reason, respond_by, lines, opened_at, opened_by, position)
SELECT e.book, e.customer, d.data ->> 'dispute', d.data ->> 'kind', 'open', e.invoice, d.data ->> 'charge',
    d.data ->> 'payment', e.currency, e.amount, coalesce((d.data ->> 'held')::bigint, 0),
    coalesce((d.data ->> 'charged_back')::bigint, 0), coalesce((d.data ->> 'fee')::bigint, 0), 0, 0, 0, 0,
    d.data ->> 'reason', (d.data ->> 'respond_by')::date, coalesce(d.data -> 'lines', '[]'), e.occurred_at, e.principal, e.position
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

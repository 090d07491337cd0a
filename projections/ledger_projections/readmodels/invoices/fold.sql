-- name: issue_and_settle
-- adds: invoice_line
-- completes: invoice
-- types: invoice.issued invoice.voided allocation.made allocation.undone credit_note.issued credit_note.voided dispute.opened dispute.resolved debt.written_off debt.recovered
-- An equality written as = ANY (ARRAY[…]) is looked up by index, row by row: whatever the planner believes of the size
-- of a table that grows while it is folded, it cannot choose to read all of it.
-- Invoices with what has lowered their due within the same range, so that each row is written once; then those that
-- were there before. What settled an invoice is the kind of the last event that lowered its due. OFFSET 0 has the planner,
-- who believes both sides to be as small, hash the side without data, so that rows are written in the order of the log.
WITH fact AS MATERIALIZED (
    SELECT e.book, e.position, e.type, e.customer, e.invoice, e.currency, e.amount, e.occurred_at,
        CASE e.type WHEN 'invoice.issued' THEN ledger.data_of(e.state) END AS issued,
        CASE WHEN e.type IN ('credit_note.issued', 'credit_note.voided', 'dispute.opened', 'dispute.resolved', 'invoice.voided')
            THEN ledger.data_of(e.state) END AS data,
        CASE e.type WHEN 'credit_note.voided' THEN -1 ELSE 1 END AS sign
    FROM ledger.event e
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.invoice IS NOT NULL
        AND e.type IN ('invoice.issued', 'allocation.made', 'allocation.undone', 'credit_note.issued', 'credit_note.voided',
            'dispute.opened', 'dispute.resolved', 'invoice.voided', 'debt.written_off', 'debt.recovered')
), settled AS MATERIALIZED (
    SELECT m.*, CASE greatest(m.paid_at, m.credited_at, m.written_off_at)
        WHEN 0 THEN NULL WHEN m.paid_at THEN 'paid' WHEN m.credited_at THEN 'credited' ELSE 'written_off'
        END AS settled_by
    FROM (
        SELECT m.book, m.invoice, bool_or(m.type = 'invoice.issued') AS issued, total(m.allocated) AS allocated,
            total(m.credited) AS credited, total(m.written_off) AS written_off, total(m.disputed) AS disputed,
            coalesce(max(m.position) FILTER (WHERE m.allocated > 0), 0) AS paid_at,
            coalesce(max(m.position) FILTER (WHERE m.credited > 0), 0) AS credited_at,
            coalesce(max(m.position) FILTER (WHERE m.written_off > 0), 0) AS written_off_at,
            max(m.occurred_at) FILTER (WHERE m.type = 'invoice.voided') AS voided_at,
            max(m.data ->> 'reason') FILTER (WHERE m.type = 'invoice.voided') AS void_reason,
            max(m.position) FILTER (WHERE m.type = 'invoice.voided') AS voided_position
        FROM (
            SELECT f.book, f.position, f.type, f.invoice, f.occurred_at, f.data,
                CASE f.type WHEN 'allocation.made' THEN f.amount WHEN 'allocation.undone' THEN -f.amount END AS allocated,
                CASE f.type WHEN 'debt.written_off' THEN f.amount WHEN 'debt.recovered' THEN -f.amount END AS written_off,
                f.sign * (coalesce((f.data ->> 'to_receivable')::bigint, 0)
                    + coalesce((f.data ->> 'to_disputed')::bigint, 0)) AS credited,
                coalesce((f.data ->> 'held')::bigint, 0) - coalesce((f.data ->> 'released')::bigint, 0)
                    - f.sign * coalesce((f.data ->> 'to_disputed')::bigint, 0) AS disputed
            FROM fact f
        ) m
        GROUP BY m.book, m.invoice
    ) m
), fresh AS (
    INSERT INTO invoice (book, invoice, customer, series, sequence, currency, issued_on, due_on, net, discount, tax,
        total, allocated, credited, written_off, disputed, settled_by, voided_at, void_reason, voided_position,
        discounts, taxes, rounding, issued_at, position)
    SELECT %(book)s, i.invoice, i.customer, i.issued ->> 'series', (i.issued ->> 'sequence')::bigint, i.currency,
        (i.issued ->> 'issued_on')::date, (i.issued ->> 'due_on')::date, (i.issued ->> 'net')::bigint,
        coalesce((i.issued ->> 'discount')::bigint, 0), coalesce((i.issued ->> 'tax')::bigint, 0), i.amount,
        s.allocated, s.credited, s.written_off, s.disputed, s.settled_by, s.voided_at, s.void_reason, s.voided_position,
        coalesce(i.issued -> 'discounts', '[]'), coalesce(i.issued -> 'taxes', '[]'), i.issued ->> 'rounding',
        i.occurred_at, i.position
    FROM fact i JOIN (SELECT * FROM settled s WHERE s.issued OFFSET 0) s ON s.invoice = i.invoice
    WHERE i.issued IS NOT NULL
), settled_before AS (
    UPDATE invoice i
    SET allocated = i.allocated + s.allocated, credited = i.credited + s.credited,
        written_off = i.written_off + s.written_off, disputed = i.disputed + s.disputed,
        settled_by = coalesce(s.settled_by, i.settled_by), voided_at = coalesce(s.voided_at, i.voided_at),
        void_reason = coalesce(s.void_reason, i.void_reason),
        voided_position = coalesce(s.voided_position, i.voided_position)
    FROM settled s
    WHERE NOT s.issued AND i.book = ANY (ARRAY[s.book]) AND i.invoice = ANY (ARRAY[s.invoice])
)
INSERT INTO invoice_line
SELECT %(book)s, i.invoice, (l.line ->> 'line')::integer, l.line ->> 'charge', l.line ->> 'service',
    l.line ->> 'description', (l.line ->> 'quantity')::numeric, (l.line ->> 'unit_price')::numeric,
    (l.line ->> 'net')::bigint, coalesce((l.line ->> 'discount')::bigint, 0), l.line ->> 'tax_category',
    (l.line ->> 'rate')::numeric, (l.line ->> 'supplied_on')::date, (l.line -> 'period' ->> 'from')::date,
    (l.line -> 'period' ->> 'to')::date
FROM fact i CROSS JOIN LATERAL jsonb_array_elements(i.issued -> 'lines') AS l (line)
WHERE i.issued IS NOT NULL;

-- name: receive_and_use
-- adds: allocation
-- completes: payment
-- types: payment.received payment.returned payment.failed refund.issued allocation.made allocation.undone credit_note.issued credit_note.voided dispute.opened dispute.resolved
-- Payments and credit notes with what was used of them within the same range; then those that were there before. What an
-- allocation uses is read from its bytes: where a command led to it, that names the same source.
WITH fact AS MATERIALIZED (
    SELECT e.book, e.position, e.type, e.customer, e.invoice, e.currency, e.amount, e.occurred_at,
        CASE WHEN u.uses THEN source_of(e.state, '"source":{"payment":"') END AS payment,
        CASE WHEN u.uses THEN source_of(e.state, '"source":{"credit_note":"') END AS credit_note,
        u.uses AND position('"automatic":true'::bytea IN e.state) > 0 AS automatic,
        CASE WHEN NOT u.uses THEN ledger.data_of(e.state) END AS data
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT e.type IN ('allocation.made', 'allocation.undone') AS uses) u
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        AND e.type IN ('payment.received', 'payment.returned', 'payment.failed', 'refund.issued', 'allocation.made',
            'allocation.undone', 'credit_note.issued', 'credit_note.voided', 'dispute.opened', 'dispute.resolved')
), used AS MATERIALIZED (
    SELECT f.book, f.position, f.customer, f.payment, f.credit_note, f.invoice, f.currency, f.automatic, f.occurred_at,
        CASE f.type WHEN 'allocation.made' THEN f.amount ELSE -f.amount END AS amount
    FROM fact f WHERE f.type IN ('allocation.made', 'allocation.undone')
), taken AS MATERIALIZED (
    SELECT f.book, f.customer, t.taken -> 'source' ->> 'payment' AS payment, t.taken -> 'source' ->> 'credit_note' AS credit_note,
        (t.taken ->> 'amount')::bigint AS amount
    FROM fact f CROSS JOIN LATERAL jsonb_array_elements(f.data -> 'taken') AS t (taken)
    WHERE f.type = 'refund.issued'
), receipt AS MATERIALIZED (
    SELECT f.book, f.customer, f.data ->> 'payment' AS payment, f.currency, f.amount, f.data ->> 'method' AS method,
        f.data ->> 'reference' AS reference, f.occurred_at, f.position
    FROM fact f WHERE f.type = 'payment.received'
), payment_moved AS MATERIALIZED (
    SELECT m.book, m.customer, m.payment, bool_or(m.received) AS received, total(m.allocated) AS allocated,
        total(m.refunded) AS refunded, total(m.returned) AS returned, total(m.charged_back) AS charged_back
    FROM (
        SELECT r.book, r.customer, r.payment, true AS received, NULL::bigint AS allocated, NULL::bigint AS refunded,
            NULL::bigint AS returned, NULL::bigint AS charged_back FROM receipt r
        UNION ALL
        SELECT u.book, u.customer, u.payment, false, u.amount, NULL, NULL, NULL FROM used u WHERE u.payment IS NOT NULL
        UNION ALL
        SELECT t.book, t.customer, t.payment, false, NULL, t.amount, NULL, NULL FROM taken t WHERE t.payment IS NOT NULL
        UNION ALL
        SELECT f.book, f.customer, f.data ->> 'payment', false, NULL, NULL, f.amount, NULL FROM fact f WHERE f.type = 'payment.returned'
        UNION ALL
        SELECT f.book, f.customer, f.data ->> 'payment', false, NULL, NULL, NULL,
            coalesce((f.data ->> 'charged_back')::bigint, 0) - coalesce((f.data ->> 'restored')::bigint, 0)
        FROM fact f WHERE f.type IN ('dispute.opened', 'dispute.resolved') AND f.data ? 'payment'
    ) m
    GROUP BY m.book, m.customer, m.payment
), received AS (
    INSERT INTO payment (book, customer, payment, currency, amount, allocated, refunded, returned, charged_back,
        method, reference, received_at, position)
    SELECT %(book)s, r.customer, r.payment, r.currency, r.amount, m.allocated, m.refunded, m.returned, m.charged_back,
        r.method, r.reference, r.occurred_at, r.position
    FROM receipt r
    JOIN (SELECT * FROM payment_moved m WHERE m.received OFFSET 0) m ON m.customer = r.customer AND m.payment = r.payment
), paid AS (
    UPDATE payment p
    SET allocated = p.allocated + m.allocated, refunded = p.refunded + m.refunded, returned = p.returned + m.returned,
        charged_back = p.charged_back + m.charged_back
    FROM payment_moved m
    WHERE NOT m.received AND p.book = ANY (ARRAY[m.book])
        AND p.customer = ANY (ARRAY[m.customer]) AND p.payment = ANY (ARRAY[m.payment])
), failed AS (
    INSERT INTO payment_failure
    SELECT %(book)s, f.customer, f.data ->> 'payment', f.currency, f.amount, f.data ->> 'reason', f.occurred_at, f.position
    FROM fact f WHERE f.type = 'payment.failed'
), note_moved AS MATERIALIZED (
    SELECT m.book, m.credit_note, total(m.allocated) AS allocated,
        total(m.refunded) AS refunded, max(m.voided_at) AS voided_at, max(m.void_reason) AS void_reason,
        max(m.voided_position) AS voided_position
    FROM (
        SELECT u.book, u.credit_note, u.amount AS allocated, NULL::bigint AS refunded, NULL::timestamptz AS voided_at,
            NULL::text AS void_reason, NULL::bigint AS voided_position FROM used u WHERE u.credit_note IS NOT NULL
        UNION ALL
        SELECT t.book, t.credit_note, NULL, t.amount, NULL, NULL, NULL FROM taken t WHERE t.credit_note IS NOT NULL
        UNION ALL
        SELECT f.book, f.data ->> 'credit_note', NULL, NULL, f.occurred_at, f.data ->> 'reason', f.position
        FROM fact f WHERE f.type = 'credit_note.voided'
    ) m
    GROUP BY m.book, m.credit_note
), noted AS (
    INSERT INTO credit_note (book, credit_note, customer, series, sequence, invoice, currency, net, tax, total,
        to_receivable, to_disputed, to_credit, allocated, refunded, reason, voided_at, void_reason,
        voided_position, lines, taxes, issued_at, position)
    SELECT %(book)s, f.data ->> 'credit_note', f.customer, f.data ->> 'series', (f.data ->> 'sequence')::bigint,
        f.invoice, f.currency, (f.data ->> 'net')::bigint, coalesce((f.data ->> 'tax')::bigint, 0), f.amount,
        coalesce((f.data ->> 'to_receivable')::bigint, 0), coalesce((f.data ->> 'to_disputed')::bigint, 0),
        coalesce((f.data ->> 'to_credit')::bigint, 0), coalesce(m.allocated, 0), coalesce(m.refunded, 0),
        f.data ->> 'reason', m.voided_at, m.void_reason, m.voided_position, coalesce(f.data -> 'lines', '[]'),
        coalesce(f.data -> 'taxes', '[]'), f.occurred_at, f.position
    FROM fact f LEFT JOIN note_moved m ON m.credit_note = f.data ->> 'credit_note'
    WHERE f.type = 'credit_note.issued'
), used_before AS (
    UPDATE credit_note c
    SET allocated = c.allocated + m.allocated, refunded = c.refunded + m.refunded,
        voided_at = coalesce(m.voided_at, c.voided_at), void_reason = coalesce(m.void_reason, c.void_reason),
        voided_position = coalesce(m.voided_position, c.voided_position)
    FROM note_moved m
    WHERE c.book = ANY (ARRAY[m.book]) AND c.credit_note = ANY (ARRAY[m.credit_note])
)
INSERT INTO allocation
SELECT %(book)s, u.position, u.customer, u.payment, u.credit_note, u.invoice, u.currency, u.amount, u.automatic,
    u.occurred_at
FROM used u;

-- name: give_up_debt
-- types: debt.written_off debt.recovered
-- What is owed again goes below zero, so that a sum says what is given up.
INSERT INTO debt
SELECT e.book, e.position, e.customer, e.invoice, e.currency, s.sign * e.amount, s.sign * (d.data ->> 'net')::bigint,
    s.sign * coalesce((d.data ->> 'tax')::bigint, 0), coalesce(d.data -> 'taxes', '[]'), d.data ->> 'reason',
    d.data ->> 'credit_note', e.occurred_at
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
CROSS JOIN LATERAL (SELECT CASE e.type WHEN 'debt.written_off' THEN 1 ELSE -1 END AS sign) s
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
    AND e.type IN ('debt.written_off', 'debt.recovered');

-- name: hold
-- types: dispute.opened dispute.resolved credit_note.issued credit_note.voided
-- A complaint holds what was due when it was opened, and lets go of the rest when it is resolved. A credit note takes out of
-- what complaints hold, and its void gives back: the event says how much of which, and what it does not say is that of the
-- complaint that it settles.
INSERT INTO holding (book, position, customer, invoice, dispute, amount)
SELECT e.book, e.position, e.customer, e.invoice, h.dispute, h.amount
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
CROSS JOIN LATERAL (
    SELECT d.data ->> 'dispute' AS dispute,
        CASE e.type WHEN 'dispute.opened' THEN (d.data ->> 'held')::bigint
            WHEN 'dispute.resolved' THEN -(d.data ->> 'released')::bigint
            WHEN 'credit_note.issued' THEN (
                SELECT coalesce(sum((s.share ->> 'amount')::bigint), 0)
                FROM jsonb_array_elements(d.data -> 'disputes') AS s (share)) - (d.data ->> 'to_disputed')::bigint
        END AS amount
    WHERE d.data ? 'dispute'
    UNION ALL
    SELECT s.share ->> 'dispute', CASE e.type WHEN 'credit_note.issued' THEN -1 ELSE 1 END * (s.share ->> 'amount')::bigint
    FROM jsonb_array_elements(d.data -> 'disputes') AS s (share)
) h
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND h.amount <> 0
    AND e.type IN ('dispute.opened', 'dispute.resolved', 'credit_note.issued', 'credit_note.voided');

-- name: register_trials
-- types: trial.registered
-- A plan is registered once. The time zone of the book says when its last day ends.
WITH plan AS MATERIALIZED (
    SELECT e.book, e.position, e.occurred_at, e.principal, d.data, b.time_zone
    FROM ledger.event e
    JOIN book b ON b.book = ANY (ARRAY[e.book])
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'trial.registered'
), arms AS (
    INSERT INTO trial_arm
    SELECT p.book, p.data ->> 'trial', a.place, a.arm ->> 'arm', (a.arm ->> 'share')::numeric, a.arm ->> 'description'
    FROM plan p CROSS JOIN LATERAL jsonb_array_elements(
        (p.data -> 'arms') || jsonb_build_array(jsonb_build_object('arm', 'hold_out', 'share', p.data -> 'hold_out_share'))
    ) WITH ORDINALITY AS a (arm, place)
)
INSERT INTO trial
SELECT p.book, p.data ->> 'trial', p.data ->> 'question', p.data ->> 'measure', coalesce(p.data -> 'criteria', '{}'),
    p.data ->> 'seed', (p.data ->> 'end')::date, ((p.data ->> 'end')::date + 1)::timestamp AT TIME ZONE p.time_zone, p.occurred_at, p.principal, p.position
FROM plan p;

-- name: assign_customers
-- types: trial.assigned
-- A customer is assigned once to each trial.
INSERT INTO assignment
SELECT e.book, e.customer, d.data ->> 'trial', d.data ->> 'arm', e.occurred_at, NULL, e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'trial.assigned';

-- name: lose_customers
-- types: customer.closed
-- Nobody is assigned who has ended, so a closing comes behind every assignment of its customer.
UPDATE assignment a SET closed_at = e.occurred_at
FROM ledger.event e
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'customer.closed'
    AND a.book = ANY (ARRAY[e.book]) AND a.customer = ANY (ARRAY[e.customer]);

-- name: bill_customers
-- types: invoice.issued
-- What customers are billed once they take part in any trial; of other invoices the bytes are not opened. Where nobody takes
-- part, no invoice is looked at.
INSERT INTO billed
SELECT b.book, b.invoice, b.customer, b.currency, (d.data ->> 'net')::bigint, coalesce((d.data ->> 'discount')::bigint, 0), 0,
    false, b.occurred_at, b.position
FROM (
    SELECT e.book, e.invoice, e.customer, e.currency, e.occurred_at, e.position, e.state
    FROM ledger.event e
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'invoice.issued'
        AND EXISTS (SELECT FROM assignment a WHERE a.book = ANY (ARRAY[%(book)s]))
        AND EXISTS (
            SELECT FROM assignment a
            WHERE a.book = ANY (ARRAY[e.book]) AND a.customer = ANY (ARRAY[e.customer]) AND a.position < e.position)
) b
CROSS JOIN LATERAL (SELECT ledger.data_of(b.state) AS data OFFSET 0) d;

-- name: take_back
-- types: credit_note.issued credit_note.voided
-- Net that is taken back of those invoices; a credit note that is voided gives it back.
UPDATE billed b SET credited = b.credited + c.net
FROM (
    SELECT e.book, e.invoice, sum(CASE e.type WHEN 'credit_note.voided' THEN -1 ELSE 1 END * (d.data ->> 'net')::bigint)::bigint AS net
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type IN ('credit_note.issued', 'credit_note.voided')
    GROUP BY e.book, e.invoice
) c
WHERE b.book = ANY (ARRAY[c.book]) AND b.invoice = ANY (ARRAY[c.invoice]);

-- name: void_bills
-- types: invoice.voided
-- A void invoice is as if it had not been.
UPDATE billed b SET void = true
FROM ledger.event e
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'invoice.voided'
    AND b.book = ANY (ARRAY[e.book]) AND b.invoice = ANY (ARRAY[e.invoice]);

-- name: open_books
-- types: book.opened
-- Of the book only what decides which date a moment is.
INSERT INTO zone
SELECT e.book, d.data ->> 'time_zone'
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'book.opened';

-- name: follow_contacts
-- types: contact.arrived contact.answered contact.ended
-- Contacts with what became of them within the same range; then those that were there before.
WITH fact AS MATERIALIZED (
    SELECT e.book, e.customer, e.position, e.type, e.occurred_at, e.principal, d.data, d.data ->> 'contact' AS contact
    FROM ledger.event e
    CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
    WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s
        AND e.type IN ('contact.arrived', 'contact.answered', 'contact.ended')
), later AS MATERIALIZED (
    SELECT f.book, f.customer, f.contact,
        max(f.occurred_at) FILTER (WHERE f.type = 'contact.answered') AS answered_at,
        max(coalesce(f.data ->> 'agent', f.principal)) FILTER (WHERE f.type = 'contact.answered') AS answered_by,
        max(f.occurred_at) FILTER (WHERE f.type = 'contact.ended') AS ended_at,
        max(f.data ->> 'outcome') FILTER (WHERE f.type = 'contact.ended') AS outcome
    FROM fact f WHERE f.type <> 'contact.arrived'
    GROUP BY f.book, f.customer, f.contact
), arrived AS (
    INSERT INTO contact (book, customer, contact, channel, queue, topic, language, outcome, arrived_on, arrived_at,
        answered_at, answered_by, ended_at, position)
    SELECT f.book, f.customer, f.contact, f.data ->> 'channel', f.data ->> 'queue', f.data ->> 'topic',
        f.data ->> 'language', l.outcome,
        (f.occurred_at AT TIME ZONE (SELECT z.time_zone FROM zone z WHERE z.book = %(book)s))::date,
        f.occurred_at, l.answered_at, l.answered_by, l.ended_at, f.position
    FROM fact f LEFT JOIN later l ON l.customer = f.customer AND l.contact = f.contact
    WHERE f.type = 'contact.arrived'
)
UPDATE contact c
SET answered_at = coalesce(l.answered_at, c.answered_at), answered_by = coalesce(l.answered_by, c.answered_by),
    ended_at = coalesce(l.ended_at, c.ended_at), outcome = coalesce(l.outcome, c.outcome)
FROM later l
WHERE c.book = ANY (ARRAY[l.book]) AND c.customer = ANY (ARRAY[l.customer]) AND c.contact = ANY (ARRAY[l.contact]);

-- name: add_notes
-- types: note.added
-- Each note is added once.
INSERT INTO note
SELECT e.book, e.customer, d.data ->> 'note', d.data ->> 'sha256', e.occurred_at, e.principal, e.position
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'note.added';

-- name: verify_callers
-- types: caller.verified
-- One row an attempt.
INSERT INTO attempt
SELECT e.book, e.position, e.customer, d.data ->> 'contact', d.data ->> 'method', d.data ->> 'result',
    (d.data ->> 'valid_until')::timestamptz, e.recorded_at, e.principal
FROM ledger.event e
CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data OFFSET 0) d
WHERE e.book = %(book)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.type = 'caller.verified';

-- name: accounts
-- Balances of accounts before and after, and the events that moved them: not those whose postings to one cancel out.
WITH moved AS MATERIALIZED (
    SELECT p.account, p.currency, p.position, sum(p.amount) AS amount FROM journal.posting AS p
    WHERE p.book = %(book)s AND p.position > %(before)s AND p.position <= %(after)s
    GROUP BY p.account, p.currency, p.position HAVING sum(p.amount) <> 0
), known AS (
    SELECT p.account, p.currency, sum(p.amount) AS amount FROM journal.posting AS p
    WHERE p.book = %(book)s AND p.position <= %(before)s
    GROUP BY p.account, p.currency
)
SELECT m.account, m.currency, coalesce(min(k.amount), 0)::bigint, (coalesce(min(k.amount), 0) + sum(m.amount))::bigint,
    array_agg(m.position ORDER BY m.position)
FROM moved AS m LEFT JOIN known AS k ON k.account = m.account AND k.currency = m.currency
GROUP BY m.account, m.currency
ORDER BY m.currency, m.account;

-- name: balances
-- The same of what customers owe.
WITH moved AS MATERIALIZED (
    SELECT p.customer, p.currency, p.position, sum(p.amount) AS amount FROM journal.posting AS p
    WHERE p.book = %(book)s AND p.position > %(before)s AND p.position <= %(after)s
        AND p.account IN ('receivable', 'disputed', 'customer_credit')
    GROUP BY p.customer, p.currency, p.position HAVING sum(p.amount) <> 0
), summed AS (
    SELECT m.customer, m.currency, sum(m.amount) AS amount, array_agg(m.position ORDER BY m.position) AS events
    FROM moved AS m GROUP BY m.customer, m.currency
)
SELECT s.customer, s.currency, b.balance, b.balance + s.amount::bigint, s.events
FROM summed AS s
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount), 0)::bigint AS balance FROM journal.posting AS p
    WHERE p.customer = s.customer AND p.book = %(book)s AND p.position <= %(before)s
        AND p.currency = s.currency AND p.account IN ('receivable', 'disputed', 'customer_credit')) AS b
ORDER BY s.customer, s.currency;

-- name: journal_reached
-- How far the journal is folded.
SELECT coalesce(max(c.notification_id), 0) FROM ledger.cursor AS c WHERE c.application_name = 'journal/' || %(book)s;

-- name: touched
-- The customers that something happened to, in order of name.
SELECT DISTINCT e.customer FROM ledger.event AS e
WHERE e.book = %(book)s AND e.position > %(before)s AND e.position <= %(after)s AND e.customer IS NOT NULL
ORDER BY e.customer;

-- name: events
-- What happened to customers: which figures of what each event bears on (null: all of its), as the folds have it. A void
-- gives back the discounts that the invoice was issued with.
SELECT e.position, e.customer, m.noun, m.name, m.fields
FROM ledger.event AS e
CROSS JOIN LATERAL (SELECT split_part(e.type, '.', 1) AS about, ledger.data_of(e.state) AS data OFFSET 0) AS d
CROSS JOIN LATERAL (
    SELECT 'customer' AS noun, e.customer AS name, CASE e.type
        WHEN 'customer.changed' THEN ARRAY(SELECT jsonb_object_keys(d.data))
        WHEN 'customer.opened' THEN NULL
        ELSE ARRAY['status'] END AS fields
    WHERE d.about = 'customer' AND e.type <> 'customer.billed'
    UNION ALL
    SELECT 'billing', e.currency, NULL WHERE e.type = 'customer.billed'
    UNION ALL
    SELECT 'agreement', d.data ->> 'from', NULL WHERE d.about = 'agreement'
    UNION ALL
    SELECT 'invoice', e.invoice, ARRAY['state', 'due'] WHERE d.about = 'invoice'
    UNION ALL
    SELECT 'invoice', e.invoice, ARRAY['due']
    WHERE d.about IN ('allocation', 'debt')
        OR d.about = 'credit_note' AND coalesce((d.data ->> 'to_receivable')::bigint, 0) + coalesce((d.data ->> 'to_disputed')::bigint, 0) > 0
    UNION ALL
    SELECT 'invoice', e.invoice, ARRAY['disputed']
    WHERE coalesce((d.data ->> 'held')::bigint, 0) <> coalesce((d.data ->> 'released')::bigint, 0)
        OR d.about = 'credit_note' AND (d.data ->> 'to_disputed')::bigint > 0
    UNION ALL
    SELECT 'reminder', e.invoice || ' ' || (d.data ->> 'step'), NULL WHERE e.type = 'reminder.sent'
    UNION ALL
    SELECT 'payment', d.data ->> 'payment', CASE e.type
        WHEN 'payment.failed' THEN ARRAY['failed']
        WHEN 'payment.received' THEN ARRAY['amount', 'unallocated']
        ELSE ARRAY['unallocated'] END
    WHERE d.about = 'payment'
        OR d.about = 'dispute' AND coalesce((d.data ->> 'charged_back')::bigint, 0) <> coalesce((d.data ->> 'restored')::bigint, 0)
    UNION ALL
    SELECT 'credit_note', d.data ->> 'credit_note', CASE e.type WHEN 'credit_note.voided' THEN ARRAY['state', 'unallocated'] END
    WHERE d.about = 'credit_note'
    UNION ALL
    SELECT u.noun, u.name, ARRAY['unallocated'] FROM (
        SELECT u.* FROM jsonb_each_text(d.data -> 'source') AS u (noun, name) WHERE d.about = 'allocation'
        UNION ALL
        SELECT u.* FROM jsonb_array_elements(d.data -> 'taken') AS t (taken)
        CROSS JOIN LATERAL jsonb_each_text(t.taken -> 'source') AS u (noun, name)
        WHERE d.about = 'refund') AS u
    UNION ALL
    SELECT 'dispute', d.data ->> 'dispute', CASE e.type
        WHEN 'dispute.opened' THEN ARRAY['state', 'held', 'deadline']
        WHEN 'dispute.resolved' THEN ARRAY['state', 'outcome', 'deadline']
        WHEN 'dispute.assigned' THEN ARRAY['assignee']
        WHEN 'dispute.evidence_submitted' THEN ARRAY['evidence', 'deadline']
        WHEN 'dispute.withdrawn' THEN ARRAY['withdrawn']
        ELSE ARRAY['level'] || CASE WHEN d.data ? 'to' THEN ARRAY['escalated_to'] ELSE '{}' END
            || CASE WHEN d.data ?| ARRAY['respond_by', 'lapsed'] THEN ARRAY['deadline'] ELSE '{}' END
        END
    WHERE d.about = 'dispute'
    UNION ALL
    SELECT 'discount', d.data ->> 'discount', CASE e.type
        WHEN 'discount.approved' THEN ARRAY['decision']
        WHEN 'discount.declined' THEN ARRAY['state', 'decision']
        WHEN 'discount.accepted' THEN ARRAY['answer']
        WHEN 'discount.refused' THEN ARRAY['state', 'answer']
        ELSE ARRAY['state'] END
    WHERE d.about = 'discount'
    UNION ALL
    SELECT 'discount', u.used ->> 'discount', ARRAY['uses']
    FROM jsonb_array_elements(CASE e.type
        WHEN 'invoice.issued' THEN d.data -> 'discounts'
        WHEN 'invoice.voided' THEN (
            SELECT ledger.data_of(i.state) -> 'discounts' FROM ledger.event AS i
            WHERE i.book = e.book AND i.stream = e.stream AND i.type = 'invoice.issued' AND i.invoice = e.invoice)
        END) AS u (used)
    UNION ALL
    SELECT 'contact', d.data ->> 'contact', CASE e.type
        WHEN 'contact.arrived' THEN ARRAY['state', 'queue']
        WHEN 'contact.answered' THEN ARRAY['state', 'answered_by']
        ELSE ARRAY['state', 'outcome'] END
    WHERE d.about = 'contact'
    UNION ALL
    SELECT 'note', d.data ->> 'note', NULL WHERE d.about = 'note'
    UNION ALL
    SELECT 'caller', e.position::text, NULL WHERE e.type = 'caller.verified'
    UNION ALL
    SELECT 'trial', d.data ->> 'trial', NULL WHERE e.type = 'trial.assigned') AS m
WHERE e.book = %(book)s AND e.position > %(before)s AND e.position <= %(after)s AND e.customer = ANY (%(customers)s)
    AND e.type NOT IN ('charge.posted', 'charge.reversed')
ORDER BY e.position;

-- name: others
-- What some events say.
SELECT e.position, e.type, e.customer, ledger.data_of(e.state)::text FROM ledger.event AS e
WHERE e.book = %(book)s AND e.position = ANY (%(positions)s) ORDER BY e.position;

-- name: customers
-- How customers stand, what they agreed to take from which date on, and through which date they are billed.
SELECT 'customer' AS noun, c.customer, c.customer AS name, json_build_object('status', c.status, 'currency', c.currency,
    'payment_days', c.payment_days, 'billing_day', c.billing_day, 'locale', c.locale, 'tax_treatment', c.tax_treatment,
    'segment', c.segment, 'credit_limit', c.credit_limit) AS stands
FROM customers.customer AS c WHERE c.book = %(book)s
UNION ALL
SELECT 'agreement', a.customer, a.effective_from::text, json_build_object('services', coalesce((
    SELECT string_agg(concat_ws(' ', s.quantity, s.service, 'at', s.unit_price, 'a', s.billing_interval, s.billed,
        s.tax_category, s.description, 'until ' || s.until), ', ' ORDER BY s.line)
    FROM customers.agreement_service AS s
    WHERE s.book = a.book AND s.customer = a.customer AND s.effective_from = a.effective_from), 'none'))
FROM customers.agreement AS a WHERE a.book = %(book)s
UNION ALL
SELECT 'billing', b.customer, b.currency, json_build_object('through', b.through)
FROM customers.billed AS b WHERE b.book = %(book)s;

-- name: invoices
-- How invoices, payments and credit notes stand, and the reminders that were sent.
SELECT 'invoice' AS noun, i.customer, i.invoice AS name,
    json_build_object('state', i.state, 'due', i.due, 'disputed', i.disputed) AS stands
FROM invoices.standing AS i WHERE i.book = %(book)s
UNION ALL
SELECT 'payment', p.customer, p.payment, json_build_object('amount', p.amount, 'unallocated', p.unallocated)
FROM invoices.payment AS p WHERE p.book = %(book)s
UNION ALL
SELECT 'payment', f.customer, f.payment, json_build_object('failed', count(*))
FROM invoices.payment_failure AS f WHERE f.book = %(book)s GROUP BY f.customer, f.payment
UNION ALL
SELECT 'credit_note', c.customer, c.credit_note, json_build_object(
    'state', CASE WHEN c.voided_at IS NULL THEN 'issued' ELSE 'void' END, 'total', c.total, 'unallocated', c.unallocated)
FROM invoices.credit_note AS c WHERE c.book = %(book)s
UNION ALL
SELECT 'reminder', r.customer, r.invoice || ' ' || r.step, json_build_object('kind', r.kind, 'amount', r.amount)
FROM dunning.reminder AS r WHERE r.book = %(book)s;

-- name: disputes
-- How disputes stand.
SELECT 'dispute' AS noun, d.customer, d.dispute AS name, json_build_object('state', d.state, 'outcome', d.outcome,
    'held', d.held, 'assignee', d.assignee, 'level', d.level, 'escalated_to', d.escalated_to, 'evidence', d.evidence,
    'deadline', d.deadline, 'withdrawn', d.withdrawn_at IS NOT NULL) AS stands
FROM disputes.dispute AS d WHERE d.book = %(book)s;

-- name: discounts
-- How discounts stand. No event has an offer expire: it stays offered, so that time alone changes nothing.
SELECT 'discount' AS noun, d.customer, d.discount AS name, json_build_object(
    'state', CASE d.state WHEN 'expired' THEN 'offered' ELSE d.state END, 'decision', d.decision,
    'answer', d.answer, 'uses', d.uses) AS stands
FROM discounts.standing AS d WHERE d.book = %(book)s;

-- name: contacts
-- How contacts stand, the notes, and what came of proving who calls.
SELECT 'contact' AS noun, c.customer, c.contact AS name, json_build_object(
    'state', c.state, 'queue', c.queue, 'answered_by', c.answered_by, 'outcome', c.outcome) AS stands
FROM contacts.contact AS c WHERE c.book = %(book)s
UNION ALL
SELECT 'note', n.customer, n.note, json_build_object('added_by', n.added_by)
FROM contacts.note AS n WHERE n.book = %(book)s
UNION ALL
SELECT 'caller', a.customer, a.position::text, json_build_object('method', a.method, 'result', a.result)
FROM contacts.attempt AS a WHERE a.book = %(book)s;

-- name: trials
-- Who takes part in which arm.
SELECT 'trial' AS noun, a.customer, a.trial AS name, json_build_object('arm', a.arm) AS stands
FROM trials.assignment AS a WHERE a.book = %(book)s;

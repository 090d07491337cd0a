CREATE VIEW overview AS
SELECT c.*, a.events, a.charges, a.invoices, a.credit_notes, a.payments, a.disputes, a.last_occurred_at, a.last_position
FROM customer c JOIN activity a ON a.book = c.book AND a.customer = c.customer;
COMMENT ON VIEW overview IS 'Customers with their terms and how much happened with them.';

CREATE FUNCTION refers_to(state bytea) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT (
        SELECT coalesce(jsonb_object_agg(r.name, r.value), '{}')
        FROM jsonb_each(ledger.data_of(state)) AS r (name, value)
        WHERE r.name IN ('agent', 'arm', 'by', 'campaign', 'channel', 'charge', 'contact', 'credit_note', 'discount',
            'dispute', 'kind', 'method', 'note', 'outcome', 'payment', 'queue', 'reason', 'refund', 'result', 'service',
            'source', 'step', 'topic', 'trial'));
END;
COMMENT ON FUNCTION refers_to IS 'What else an event names, by the names of its fields: the payment, the dispute, the outcome, …';

-- Finance may not read the log, but this of it: hence with its owner's rights, and of the book that the session names.
CREATE VIEW timeline WITH (security_barrier, security_invoker = false) AS
SELECT e.book, e.stream, e.customer, e.version, e.position, e.type, e.occurred_at, e.recorded_at, e.principal,
    e.source, e.event_id, e.invoice, e.currency, e.amount, e.causation,
    refers_to(e.state) AS refers_to
FROM ledger.event e
WHERE e.customer IS NOT NULL AND e.book = (SELECT ledger.book_in_force());
COMMENT ON VIEW timeline IS 'Everything that happened with a customer, in order of version, straight from the log: it is never behind. It shows the book that the session names; ask by stream, which is indexed.';
COMMENT ON COLUMN timeline.stream IS 'customer/ and the customer''s identifier.';
COMMENT ON COLUMN timeline.version IS 'Place in the customer''s stream, from 1.';
COMMENT ON COLUMN timeline.position IS 'Position of the event.';
COMMENT ON COLUMN timeline.type IS 'What happened: the event''s type.';
COMMENT ON COLUMN timeline.occurred_at IS 'When it happened.';
COMMENT ON COLUMN timeline.recorded_at IS 'When the log took it.';
COMMENT ON COLUMN timeline.principal IS 'Who did it.';
COMMENT ON COLUMN timeline.source IS 'Who posted the message; ledger for what followed from it.';
COMMENT ON COLUMN timeline.event_id IS 'Its identifier there.';
COMMENT ON COLUMN timeline.invoice IS 'Number of the invoice that it is about, if any.';
COMMENT ON COLUMN timeline.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN timeline.amount IS 'Minor units of the currency; the type says what they are.';
COMMENT ON COLUMN timeline.causation IS 'Position of the first event of the same decision.';
COMMENT ON COLUMN timeline.refers_to IS 'What else the event names, by the names of its fields: the payment, the dispute, the outcome, …';

-- Earlier moments: when a session looks from, what had occurred by then, and the events that reports over a whole book fold.
--
-- The index is made by one reading of the log, during which nobody appends: ten seconds or so for ten million events.

SET LOCAL ROLE ledger_owner;

CREATE FUNCTION ledger.moment() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('ledger.moment', true), '')::timestamptz, now())
$$;
COMMENT ON FUNCTION ledger.moment IS
    'When the session looks from: what is overdue, waits, expired or stands is so at that moment. The setting ledger.moment, else now.';

CREATE FUNCTION ledger.zone_of(of_book text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT convert_from(e.state, 'UTF8')::json #>> '{data,time_zone}' FROM ledger.event AS e
    WHERE e.book = of_book AND e.position = 1
$$;
COMMENT ON FUNCTION ledger.zone_of IS 'The time zone in which the days of a book end: it stands in the first event of its log.';

CREATE FUNCTION ledger.occurred_by(occurred_at timestamptz, zone text, day date, instant timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (occurred_at AT TIME ZONE zone)::date < day OR (occurred_at AT TIME ZONE zone)::date = day AND occurred_at <= instant
$$;
COMMENT ON FUNCTION ledger.occurred_by IS
    'Whether something had occurred by the end of a day in a time zone, or on it by an instant (infinity: its end). The day infinity is any.';

-- Few events beside the charges and payments: where they stand, so that a report of a whole book reads no others. It serves
-- a question only if all types that the question names are among these.
SET LOCAL statement_timeout = '10min';
CREATE INDEX event_of_care ON ledger.event (book, type, position) WHERE type IN (
    'caller.verified', 'contact.answered', 'contact.arrived', 'contact.ended', 'dispute.assigned', 'dispute.escalated',
    'dispute.evidence_submitted', 'dispute.opened', 'dispute.resolved', 'dispute.withdrawn', 'note.added');

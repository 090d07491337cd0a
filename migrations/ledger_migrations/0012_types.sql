-- What folds and reports read by type: where the events stand that are no bulk, and numbers of an invoice without its lines.
--
-- The index is made by one reading of the log, during which nobody appends: ten seconds or so for ten million events.

SET LOCAL ROLE ledger_owner;

-- Opening an invoice is mostly opening its lines, and most folds ask for its sums.
CREATE FUNCTION ledger.number_of(state bytea, key bytea) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT split_part(split_part(
        encode(substring(state FROM position(key IN state) + length(key) FOR 20), 'escape'), ',', 1), '}', 1)::bigint
$$;
COMMENT ON FUNCTION ledger.number_of IS
    'The whole number behind the first such key in an event''s stored bytes, which are not parsed. They are canonical JSON: keys are sorted, there is no white space, and no text holds a quote bare. The event has to have the key.';

-- Three types are nearly all of a log. Who asks for others finds them here instead of reading a range of positions, and the
-- indexes that some of them had are no longer needed (the next migration drops them): one entry for each of these events, as
-- before for an invoice, and none for those three.
SET LOCAL statement_timeout = '10min';
CREATE INDEX event_of_type ON ledger.event (book, type, position)
    WHERE type NOT IN ('charge.posted', 'payment.received', 'allocation.made');

-- The indexes that event_of_type replaces go.
--
-- Not in the migration that made it: to drop an index locks its table against everybody. Who already kept writers away and
-- then waited for that lock would wait for a writer that had read the log and waits to append. Here nothing is held yet.

SET LOCAL ROLE ledger_owner;

DROP INDEX ledger.event_numbered, ledger.event_of_care, ledger.event_erased;

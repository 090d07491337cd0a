-- Verifying compares what the writer goes on from: a snapshot that somebody edited would have it decide wrongly.

SET LOCAL ROLE ledger_owner;

GRANT SELECT ON ledger.snapshot TO ledger_verifier;

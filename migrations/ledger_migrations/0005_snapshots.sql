-- What the writer keeps of customers that it forgets, so that it need not read their whole history again.
-- Nothing but a short cut: every row follows from the log, and may be deleted at any time.

SET LOCAL ROLE ledger_owner;

CREATE TABLE ledger.snapshot (
    book    text   NOT NULL,
    stream  text   NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    program text   NOT NULL,
    state   bytea  NOT NULL,
    PRIMARY KEY (book, stream)
) WITH (fillfactor = 70);
COMMENT ON TABLE ledger.snapshot IS 'States of customers as the rules see them, as of a version of their stream: a short cut for the writer.';
COMMENT ON COLUMN ledger.snapshot.book IS 'The book.';
COMMENT ON COLUMN ledger.snapshot.stream IS 'The customer''s stream.';
COMMENT ON COLUMN ledger.snapshot.version IS 'The last version that is in the state.';
COMMENT ON COLUMN ledger.snapshot.program IS 'Hash of the rules that made it: other rules do not use it.';
COMMENT ON COLUMN ledger.snapshot.state IS 'The state, as MessagePack.';

GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.snapshot TO ledger_writer;
GRANT SELECT ON ledger.snapshot TO ledger_auditor;

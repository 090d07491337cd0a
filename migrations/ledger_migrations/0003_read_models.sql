-- What the projections keep: how far each read model has folded each book, and how each was built.
-- The read models themselves are schemas of the projector's; they come and go with every rebuild.

SET LOCAL ROLE ledger_owner;

-- The tracking table of the eventsourcing library, in the library's own shape.
CREATE TABLE ledger.cursor (
    application_name text   PRIMARY KEY,
    notification_id  bigint NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
-- Without this row the library would take the table for an older one of its own and rebuild it.
INSERT INTO ledger.cursor VALUES ('__migration__', 1);

COMMENT ON TABLE ledger.cursor IS 'How far each read model has folded each book; written in the same transaction as its rows.';
COMMENT ON COLUMN ledger.cursor.application_name IS 'model/book; while a rebuild is under way also model@rebuild/book.';
COMMENT ON COLUMN ledger.cursor.notification_id IS 'The last position folded.';

CREATE TABLE ledger.read_model (
    model         text        PRIMARY KEY,
    version       text        NOT NULL,
    state         text        NOT NULL CONSTRAINT state_known CHECK (state IN ('live', 'stopped', 'filling', 'indexed')),
    folded_from   text[]      NOT NULL,
    error         text,
    stopped_book  text,
    stopped_after bigint,
    changed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT error_when_stopped CHECK ((state = 'stopped') = (error IS NOT NULL))
);
COMMENT ON TABLE ledger.read_model IS 'Every read model, and every rebuild that is under way (model@rebuild).';
COMMENT ON COLUMN ledger.read_model.model IS 'The schema it is read from; for a rebuild, the same with @rebuild.';
COMMENT ON COLUMN ledger.read_model.version IS 'Hash of the SQL that made it; another one than the program''s asks for a rebuild.';
COMMENT ON COLUMN ledger.read_model.state IS 'live: it follows the log. stopped: a fold failed, see fold_failure. A rebuild: filling, then indexed.';
COMMENT ON COLUMN ledger.read_model.folded_from IS 'The schemas, beside the log, that its rows come from; a rebuild goes on only with the same ones.';
COMMENT ON COLUMN ledger.read_model.error IS 'Why it stopped, the last time that it did.';
COMMENT ON COLUMN ledger.read_model.stopped_book IS 'The book whose fold failed then.';
COMMENT ON COLUMN ledger.read_model.stopped_after IS 'The last position of that book that was folded before.';
COMMENT ON COLUMN ledger.read_model.changed_at IS 'When it was made, swapped in or stopped.';

CREATE TABLE ledger.fold_failure (
    model     text        NOT NULL,
    book      text        NOT NULL,
    after     bigint      NOT NULL,
    upto      bigint      NOT NULL,
    error     text        NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model, book)
);
COMMENT ON TABLE ledger.fold_failure IS 'Which read models stand still in which book: a fold failed there. Other books go on.';
COMMENT ON COLUMN ledger.fold_failure.model IS 'The read model.';
COMMENT ON COLUMN ledger.fold_failure.book IS 'The book that it does not fold any more.';
COMMENT ON COLUMN ledger.fold_failure.after IS 'The last position that was folded.';
COMMENT ON COLUMN ledger.fold_failure.upto IS 'Last position of the range that could not be folded.';
COMMENT ON COLUMN ledger.fold_failure.error IS 'Why.';
COMMENT ON COLUMN ledger.fold_failure.failed_at IS 'When.';

-- The whole CloudEvent is parsed by no fold: parsing is most of what a fold costs, and its data is half of it.
-- The bytes are canonical JSON, so its keys are sorted: the data stands between causation and decisionsize.
CREATE FUNCTION ledger.data_of(state bytea) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT convert_from(
        substring(state FROM position(',"data":'::bytea IN state) + 8
                  FOR position(',"decisionsize":'::bytea IN state) - position(',"data":'::bytea IN state) - 8),
        'UTF8')::jsonb
$$;
COMMENT ON FUNCTION ledger.data_of IS 'The data of an event, from its stored bytes.';

-- Of a book that began after the last ANALYZE the planner would believe that it has no events, and look a range of
-- positions up by any index that begins with the book, reading all of it. Without statistics it believes every book
-- to be large, and the range decides.
ALTER TABLE ledger.event ALTER COLUMN book SET STATISTICS 0;

GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.cursor, ledger.read_model, ledger.fold_failure TO ledger_projector;
GRANT USAGE ON SCHEMA ledger TO ledger_finance;
GRANT SELECT ON ledger.cursor, ledger.read_model, ledger.fold_failure TO ledger_finance, ledger_auditor;

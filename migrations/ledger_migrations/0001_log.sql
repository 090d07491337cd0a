-- The log: one row per event, one head row per book, and the triggers that make it append-only.
-- Every key begins with the book, so that the table can be partitioned or distributed by it.

CREATE SCHEMA ledger;

CREATE TABLE ledger.event (
    book          text        NOT NULL,
    position      bigint      NOT NULL CHECK (position > 0),
    stream        text        NOT NULL,
    version       bigint      NOT NULL CHECK (version >= 0),
    type          text        NOT NULL,
    source        text        NOT NULL,
    event_id      text        NOT NULL,
    customer      text,
    invoice       text,
    currency      text,
    amount        bigint,
    occurred_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    principal     text        NOT NULL,
    causation     bigint      NOT NULL,
    decision_size integer     NOT NULL CHECK (decision_size > 0),
    state         bytea       NOT NULL,
    leaf          bytea       NOT NULL CHECK (length(leaf) = 32),
    CONSTRAINT event_pkey PRIMARY KEY (book, position),
    CONSTRAINT event_stream_version UNIQUE (book, stream, version),
    CONSTRAINT event_source_id UNIQUE (book, source, event_id)
);

-- The events are inserted once and never changed: there is nothing for vacuum to do but freeze, and the
-- planner's statistics move slowly.
ALTER TABLE ledger.event SET (autovacuum_analyze_scale_factor = 0.02, fillfactor = 100);

-- A compressed state would have to be inflated by every fold; the bytes are short.
ALTER TABLE ledger.event ALTER COLUMN state SET STORAGE EXTERNAL;

COMMENT ON TABLE ledger.event IS 'The log: every event of every book, immutable.';
COMMENT ON COLUMN ledger.event.book IS 'The legal entity whose log this is.';
COMMENT ON COLUMN ledger.event.position IS 'Place in the book''s log: 1, 2, 3 … without gaps, in commit order.';
COMMENT ON COLUMN ledger.event.stream IS 'Consistency boundary: customer/<id>, or book.';
COMMENT ON COLUMN ledger.event.version IS 'Place in the stream without gaps, from 1 (what the library records by itself may begin at 0).';
COMMENT ON COLUMN ledger.event.type IS 'CloudEvents type: what happened.';
COMMENT ON COLUMN ledger.event.source IS 'CloudEvents source: who posted the message; ledger for what followed from it.';
COMMENT ON COLUMN ledger.event.event_id IS 'CloudEvents id; with the source it is the idempotency key, for ever.';
COMMENT ON COLUMN ledger.event.customer IS 'CloudEvents subject: who owes. NULL in the book''s own stream.';
COMMENT ON COLUMN ledger.event.invoice IS 'Number of the invoice that the event is about, if any.';
COMMENT ON COLUMN ledger.event.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN ledger.event.amount IS 'Minor units of the currency; the type says what they are.';
COMMENT ON COLUMN ledger.event.occurred_at IS 'When it happened in the world (CloudEvents time).';
COMMENT ON COLUMN ledger.event.recorded_at IS 'When the log took it; never goes backwards within a book.';
COMMENT ON COLUMN ledger.event.principal IS 'Who did it, from the credential.';
COMMENT ON COLUMN ledger.event.causation IS 'Position of the first event of the same decision, which carries the message''s key.';
COMMENT ON COLUMN ledger.event.decision_size IS 'How many events that decision led to, next to each other.';
COMMENT ON COLUMN ledger.event.state IS 'The whole CloudEvent as canonical JSON, byte for byte as hashed.';
COMMENT ON COLUMN ledger.event.leaf IS 'RFC 6962 leaf hash: SHA-256(0x00 || state).';

CREATE TABLE ledger.head (
    book        text        PRIMARY KEY,
    position    bigint      NOT NULL CHECK (position >= 0),
    frontier    bytea       NOT NULL CHECK (length(frontier) % 32 = 0),
    recorded_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

COMMENT ON TABLE ledger.head IS 'One row a book, locked by each append: this lock is what makes positions gapless and in commit order.';
COMMENT ON COLUMN ledger.head.position IS 'The last position of the book, 0 for an empty one.';
COMMENT ON COLUMN ledger.head.frontier IS 'Hashes of the complete subtrees of the Merkle tree, largest first, 32 bytes each.';
COMMENT ON COLUMN ledger.head.recorded_at IS 'Recorded time of the last event.';

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the log is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER event_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER head_is_kept BEFORE DELETE OR TRUNCATE ON ledger.head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

CREATE FUNCTION ledger.refuse_backward_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.book <> OLD.book OR NEW.position < OLD.position OR NEW.recorded_at < OLD.recorded_at THEN
        RAISE EXCEPTION 'the head of book % may not move from % back to %', OLD.book, OLD.position, NEW.position
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER head_moves_forward BEFORE UPDATE ON ledger.head
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_backward_head();

-- ALWAYS: also when session_replication_role = replica, which switches ordinary triggers off.
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER event_is_immutable;
ALTER TABLE ledger.head ENABLE ALWAYS TRIGGER head_is_kept;
ALTER TABLE ledger.head ENABLE ALWAYS TRIGGER head_moves_forward;

-- The last number of each series is the last event that gave one: a writer that starts finds it at once.
CREATE INDEX event_numbered ON ledger.event (book, type, position)
    WHERE type IN ('invoice.issued', 'credit_note.issued');

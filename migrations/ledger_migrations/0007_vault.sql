-- The vault: personal data of customers, outside the log, sealed under a key of each customer's own, so that it can be
-- erased. Only the role ledger_vault reaches it; the keys are wrapped by a master key that is in no database.

DO $$
DECLARE
    -- From PostgreSQL 16 on, who creates a role is its member without the right to become it.
    may CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_vault') THEN
        BEGIN
            CREATE ROLE ledger_vault NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- created by another database's migration in the meantime
        END;
    END IF;
    -- Two databases that grant the same membership at once stumble over one row of a catalogue.
    FOR attempt IN 1..10 LOOP
        EXIT WHEN pg_has_role(current_user, 'ledger_vault', may);
        BEGIN
            EXECUTE format('GRANT ledger_vault TO %I', current_user);
        EXCEPTION WHEN unique_violation OR internal_error THEN
            PERFORM pg_sleep(0.02 * attempt);
        END;
    END LOOP;
END $$;

CREATE SCHEMA vault AUTHORIZATION ledger_owner;
COMMENT ON SCHEMA vault IS 'Personal data outside the log, sealed for each customer; the role ledger_vault alone reaches it.';

SET LOCAL ROLE ledger_owner;

CREATE TABLE vault.master (
    id         bytea       PRIMARY KEY CHECK (octet_length(id) = 16),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE vault.master IS 'Which master keys ever wrapped customers'' keys, the newest in force; the keys themselves are in files.';
COMMENT ON COLUMN vault.master.id IS 'The first 16 bytes of a hash of the master key: it recognises the key and does not give it away.';
COMMENT ON COLUMN vault.master.created_at IS 'Since when it wraps; the one before it does not any more.';

CREATE TABLE vault.key (
    book       text        NOT NULL,
    customer   text        NOT NULL,
    master     bytea       NOT NULL REFERENCES vault.master,
    wrapped    bytea       NOT NULL CHECK (octet_length(wrapped) = 60),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, customer)
);
COMMENT ON TABLE vault.key IS 'One key a customer, wrapped by the master key. Without it nothing of the customer can be read again.';
COMMENT ON COLUMN vault.key.master IS 'The master key that wrapped it.';
COMMENT ON COLUMN vault.key.wrapped IS 'Nonce, and the 256-bit key under AES-256-GCM.';
COMMENT ON COLUMN vault.key.created_at IS 'When the first personal data of the customer came.';

CREATE TABLE vault.record (
    book       text        NOT NULL,
    customer   text        NOT NULL,
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    sealed     bytea       NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, customer, name)
);
ALTER TABLE vault.record ALTER COLUMN sealed SET STORAGE EXTERNAL;  -- what is sealed cannot be compressed
COMMENT ON TABLE vault.record IS 'What is kept of a customer, by name, sealed under the customer''s key.';
COMMENT ON COLUMN vault.record.name IS 'Which field, note or file: person.name, note.<id>, file.<hash>. Never personal itself.';
COMMENT ON COLUMN vault.record.sealed IS 'Nonce and text under AES-256-GCM, bound to book, customer and name.';
COMMENT ON COLUMN vault.record.changed_at IS 'When it was last put.';

CREATE TABLE vault.erasure (
    book      text        NOT NULL,
    customer  text        NOT NULL,
    position  bigint      NOT NULL CHECK (position > 0),
    records   bigint      NOT NULL CHECK (records >= 0),
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, customer)
);
CREATE INDEX erasure_by_position ON vault.erasure (book, position);
COMMENT ON TABLE vault.erasure IS 'Whose personal data was erased: written in the transaction that deleted key and records.';
COMMENT ON COLUMN vault.erasure.position IS 'Position of the customer.erased that asked for it.';
COMMENT ON COLUMN vault.erasure.records IS 'How many records were deleted with the key.';
COMMENT ON COLUMN vault.erasure.erased_at IS 'When they were deleted.';

GRANT USAGE ON SCHEMA vault, ledger TO ledger_vault;
GRANT SELECT, INSERT ON vault.master, vault.erasure TO ledger_vault;
GRANT SELECT, INSERT, DELETE, UPDATE (master, wrapped) ON vault.key TO ledger_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.record TO ledger_vault;
-- Who is a customer, and who asked to be erased; nothing else of the log concerns the vault.
GRANT SELECT (book, stream, version, position, type, customer) ON ledger.event TO ledger_vault;
GRANT SELECT (book) ON ledger.head TO ledger_vault;

-- The few events that the vault has to act on, in order.
SET LOCAL statement_timeout = '10min';
CREATE INDEX event_erased ON ledger.event (book, position) WHERE type = 'customer.erased';

-- Who looked: which person asked for which customer's data, when and why. Append-only, a chain of hashes for each book.
-- Written in the role ledger_vault, read in the role ledger_auditor, and by nobody else.

SET LOCAL ROLE ledger_owner;

CREATE TABLE ledger.access (
    book      text        NOT NULL,
    number    bigint      NOT NULL CHECK (number > 0),
    looked_at timestamptz NOT NULL,
    principal text        NOT NULL,
    customer  text,
    entry     bytea       NOT NULL,
    hash      bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (book, number)
);
CREATE INDEX access_of_customer ON ledger.access (book, customer, number) WHERE customer IS NOT NULL;
COMMENT ON TABLE ledger.access IS 'Who looked: one row for each time that a person asked for a customer''s data, immutable.';
COMMENT ON COLUMN ledger.access.book IS 'The book.';
COMMENT ON COLUMN ledger.access.number IS 'Place in the book''s access log: 1, 2, 3 … without gaps.';
COMMENT ON COLUMN ledger.access.looked_at IS 'When.';
COMMENT ON COLUMN ledger.access.principal IS 'Who, from the credential.';
COMMENT ON COLUMN ledger.access.customer IS 'Whose data, where the address names a customer.';
COMMENT ON COLUMN ledger.access.entry IS 'All of it as canonical JSON, byte for byte as hashed: also role, key, address, reason and request id.';
COMMENT ON COLUMN ledger.access.hash IS 'SHA-256 over the hash of the row before (32 zero bytes before the first) and the entry.';

CREATE TABLE ledger.access_head (
    book   text   PRIMARY KEY,
    number bigint NOT NULL CHECK (number >= 0),
    hash   bytea  NOT NULL CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger.access_head IS 'Where each book''s access log ends; locked by each append.';
COMMENT ON COLUMN ledger.access_head.number IS 'Number of the last row.';
COMMENT ON COLUMN ledger.access_head.hash IS 'Its hash: kept elsewhere, it shows whether a row was changed or taken away.';

CREATE FUNCTION ledger.refuse_backward_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.book <> OLD.book OR NEW.number <= OLD.number THEN
        RAISE EXCEPTION 'the access log of book % may not move from % back to %', OLD.book, OLD.number, NEW.number
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER access_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.access
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER access_head_is_kept BEFORE DELETE OR TRUNCATE ON ledger.access_head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER access_head_moves_forward BEFORE UPDATE ON ledger.access_head
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_backward_access();
ALTER TABLE ledger.access ENABLE ALWAYS TRIGGER access_is_immutable;
ALTER TABLE ledger.access_head ENABLE ALWAYS TRIGGER access_head_is_kept;
ALTER TABLE ledger.access_head ENABLE ALWAYS TRIGGER access_head_moves_forward;

GRANT INSERT ON ledger.access TO ledger_vault;
GRANT SELECT, INSERT, UPDATE ON ledger.access_head TO ledger_vault;
GRANT SELECT ON ledger.access, ledger.access_head TO ledger_auditor;

RESET ROLE;

-- The service shows the access log, to keys of the scope audit, in the auditor's role.
DO $$
DECLARE
    may CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOR attempt IN 1..10 LOOP
        EXIT WHEN pg_has_role(current_user, 'ledger_auditor', may);
        BEGIN
            EXECUTE format('GRANT ledger_auditor TO %I', current_user);
        EXCEPTION WHEN unique_violation OR internal_error THEN
            PERFORM pg_sleep(0.02 * attempt);
        END;
    END LOOP;
END $$;

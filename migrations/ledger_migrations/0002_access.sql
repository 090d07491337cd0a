-- Who may do what: the roles of a cluster, their rights in this database, and the API's keys.
--
-- Roles belong to the whole cluster, so they may exist already, and another database of the same cluster may be
-- creating them at this very moment: losing that race is fine.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'ledger_owner',      -- owns the log's tables; migrations only
        'ledger_writer',     -- appends to the log
        'ledger_projector',  -- reads the log, owns the read models
        'ledger_finance',    -- reads the read models
        'ledger_auditor',    -- reads the log
        'ledger_service'     -- what the running service becomes: writer and projector
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- created by another database's migration in the meantime
            END;
        END IF;
    END LOOP;
END $$;

-- The service may do what the writer and the projector may; whoever migrates may become the service and the owner.
DO $$
DECLARE
    -- From PostgreSQL 16 on, who creates a role is its member without the right to become it.
    may CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    wanted       record;
BEGIN
    FOR wanted IN
        SELECT v.role, v.member FROM (VALUES
            ('ledger_writer', 'ledger_service'),
            ('ledger_projector', 'ledger_service'),
            ('ledger_service', current_user::text),
            ('ledger_owner', current_user::text)
        ) AS v (role, member)
    LOOP
        -- Two databases that grant the same membership at once stumble over one row of a catalogue.
        FOR attempt IN 1..10 LOOP
            EXIT WHEN pg_has_role(wanted.member, wanted.role, may);
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted.role, wanted.member);
            EXCEPTION WHEN unique_violation OR internal_error THEN
                PERFORM pg_sleep(0.02 * attempt);
            END;
        END LOOP;
    END LOOP;
END $$;

-- The log belongs to a role that nobody logs in as, so the service cannot alter, drop or disable anything of it.
DO $$
DECLARE
    item record;
BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO ledger_owner', current_database());
    ALTER SCHEMA ledger OWNER TO ledger_owner;
    FOR item IN
        SELECT c.oid::regclass AS name FROM pg_class c
        WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO ledger_owner', item.name);
    END LOOP;
    FOR item IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'ledger'::regnamespace
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO ledger_owner', item.name);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM ledger_owner', current_database());
END $$;

SET LOCAL ROLE ledger_owner;

CREATE TABLE ledger.api_key (
    id         text        PRIMARY KEY,
    book       text,
    principal  text        NOT NULL CHECK (principal <> ''),
    hash       bytea       NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    scopes     text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    sources    text[]      NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz CHECK (revoked_at >= created_at)
);
COMMENT ON TABLE ledger.api_key IS 'Keys of the HTTP API. The key itself is 256 random bits and is kept nowhere.';
COMMENT ON COLUMN ledger.api_key.book IS 'The one book that the key opens; null opens all books.';
COMMENT ON COLUMN ledger.api_key.principal IS 'Who acts with this key: written into every event recorded with it.';
COMMENT ON COLUMN ledger.api_key.hash IS 'SHA-256 of the key.';
COMMENT ON COLUMN ledger.api_key.scopes IS 'What the key may do, for example read, write, admin.';
COMMENT ON COLUMN ledger.api_key.sources IS
    'The CloudEvents sources that it may post as: exact, or a prefix that ends in *. Empty: none.';
COMMENT ON COLUMN ledger.api_key.revoked_at IS 'When it stopped working; null while it works.';

GRANT USAGE ON SCHEMA ledger TO ledger_writer, ledger_projector, ledger_auditor, ledger_service;
GRANT SELECT, INSERT ON ledger.event TO ledger_writer;
GRANT SELECT, INSERT, UPDATE ON ledger.head TO ledger_writer;
GRANT SELECT ON ledger.event, ledger.head TO ledger_projector, ledger_auditor;
GRANT SELECT ON ledger.api_key TO ledger_service;

RESET ROLE;

-- Read models come and go (a rebuild makes new schemas): whatever the projector makes, finance may read.
ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector, ledger_service GRANT USAGE ON SCHEMAS TO ledger_finance;
ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector, ledger_service GRANT SELECT ON TABLES TO ledger_finance;

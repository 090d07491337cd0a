-- Finance and auditors see one book at a time: the one that their session names (SET ledger.book = '…'), and none when it
-- names none. No policy and no view of these is ever evaluated for who appends, folds or answers.
--
-- Read models have row-level security, which their owner, who folds them, passes by. The log has views for auditors
-- instead: PostgreSQL refuses COPY, by which the writer appends, on a table where a policy holds for it.

DO $$
DECLARE
    may CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_verifier') THEN
        BEGIN
            CREATE ROLE ledger_verifier NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- created by another database's migration in the meantime
        END;
    END IF;
    FOR attempt IN 1..10 LOOP
        EXIT WHEN pg_has_role(current_user, 'ledger_verifier', may);
        BEGIN
            EXECUTE format('GRANT ledger_verifier TO %I', current_user);
        EXCEPTION WHEN unique_violation OR internal_error THEN
            PERFORM pg_sleep(0.02 * attempt);
        END;
    END LOOP;
END $$;

CREATE SCHEMA audit AUTHORIZATION ledger_owner;
COMMENT ON SCHEMA audit IS 'The log as auditors see it: the book that the session names.';

SET LOCAL ROLE ledger_owner;

CREATE TABLE ledger.reader_book (
    login text NOT NULL,
    book  text NOT NULL,
    PRIMARY KEY (login, book)
);
COMMENT ON TABLE ledger.reader_book IS 'Which books a login may name. A login without a row here may name any.';
COMMENT ON COLUMN ledger.reader_book.login IS 'The login''s name in PostgreSQL.';
COMMENT ON COLUMN ledger.reader_book.book IS 'A book that it may name.';

CREATE FUNCTION ledger.book_in_force() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT named.book FROM (SELECT nullif(current_setting('ledger.book', true), '') AS book) AS named
    WHERE NOT EXISTS (SELECT FROM ledger.reader_book AS r WHERE r.login = session_user)
        OR EXISTS (SELECT FROM ledger.reader_book AS r WHERE r.login = session_user AND r.book = named.book)
$$;
COMMENT ON FUNCTION ledger.book_in_force IS 'The book that the session names, if its login may; else null.';

-- Called for every schema of read models, once its tables are there and once its views are: finance may read nothing that
-- this did not see first. A view that shows the log is the exception: it has its owner's rights because it says so, and then
-- names the book itself.
CREATE FUNCTION ledger.keep_books_apart(of_schema text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind IN ('r', 'p') AND NOT c.relrowsecurity AS is_open,
            c.relkind = 'v' AND coalesce(array_to_string(c.reloptions, ' '), '') NOT LIKE '%security_invoker=%' AS is_owners
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = of_schema AND c.relkind IN ('r', 'p', 'v')
    LOOP
        IF item.is_open THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', item.name);
            EXECUTE format('CREATE POLICY one_book ON %s FOR SELECT TO ledger_finance'
                ' USING (book = (SELECT ledger.book_in_force()))', item.name);
        ELSIF item.is_owners THEN
            EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', item.name);
        END IF;
        EXECUTE format('GRANT SELECT ON %s TO ledger_finance', item.name);
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO ledger_finance', of_schema);
END $$;
COMMENT ON FUNCTION ledger.keep_books_apart IS
    'Lets finance read a schema of read models: of its rows, those of the book that the session names.';
REVOKE EXECUTE ON FUNCTION ledger.keep_books_apart FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.keep_books_apart TO ledger_projector;

DO $$
DECLARE
    seen text;
BEGIN
    FOREACH seen IN ARRAY ARRAY['event', 'head', 'checkpoint', 'cosignature', 'tile_hash', 'access', 'access_head'] LOOP
        -- A barrier: no function in a reader's condition is asked about rows of another book.
        EXECUTE format('CREATE VIEW audit.%1$I WITH (security_barrier) AS SELECT * FROM ledger.%1$I AS t'
            ' WHERE t.book = (SELECT ledger.book_in_force())', seen);
        EXECUTE format('COMMENT ON VIEW audit.%1$I IS %2$L', seen, 'ledger.' || seen || ', of the book that the session names.');
        EXECUTE format('GRANT SELECT ON audit.%I TO ledger_auditor', seen);
        EXECUTE format('GRANT SELECT ON ledger.%I TO ledger_verifier', seen);
        EXECUTE format('REVOKE ALL ON ledger.%I FROM ledger_auditor', seen);
    END LOOP;
END $$;
REVOKE ALL ON ledger.snapshot FROM ledger_auditor;
GRANT USAGE ON SCHEMA audit TO ledger_auditor;
GRANT USAGE ON SCHEMA ledger TO ledger_verifier;
GRANT SELECT ON ledger.log_key TO ledger_verifier;

-- How far each read model is, and where one stands still: of the named book too. For the projector it costs nothing.
ALTER TABLE ledger.cursor ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.fold_failure ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_books ON ledger.cursor TO ledger_projector USING (true);
CREATE POLICY all_books ON ledger.fold_failure TO ledger_projector USING (true);
CREATE POLICY one_book ON ledger.cursor FOR SELECT TO ledger_finance, ledger_auditor
    USING (substr(application_name, strpos(application_name, '/') + 1) = (SELECT ledger.book_in_force()));
CREATE POLICY one_book ON ledger.fold_failure FOR SELECT TO ledger_finance, ledger_auditor
    USING (book = (SELECT ledger.book_in_force()));
-- The last failure of a read model may be one of another book.
REVOKE SELECT ON ledger.read_model FROM ledger_finance, ledger_auditor;
GRANT SELECT (model, version, state, folded_from, changed_at) ON ledger.read_model TO ledger_finance, ledger_auditor;

-- The read models that are there already, under their gates, so that nobody folds them meanwhile. What of them shows the
-- log is refused to finance until they are rebuilt, as this version asks for anyway.
RESET ROLE;
ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector, ledger_service REVOKE USAGE ON SCHEMAS FROM ledger_finance;
ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector, ledger_service REVOKE SELECT ON TABLES FROM ledger_finance;
SET LOCAL ROLE ledger_service;
SELECT pg_advisory_xact_lock(x'6C650003'::integer, hashtext(m.model)) FROM ledger.read_model AS m ORDER BY m.model;
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT n.nspname AS name, EXISTS (SELECT FROM ledger.read_model AS m WHERE m.model = n.nspname) AS known
        FROM pg_namespace AS n WHERE pg_get_userbyid(n.nspowner) IN ('ledger_service', 'ledger_projector')
    LOOP
        IF item.known THEN
            PERFORM ledger.keep_books_apart(item.name);
        ELSE  -- a replay, or what a rebuild left: whoever needs it makes it anew
            EXECUTE format('REVOKE ALL ON SCHEMA %I FROM ledger_finance', item.name);
        END IF;
    END LOOP;
    FOR item IN
        SELECT p.oid::regprocedure AS name FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE pg_get_userbyid(n.nspowner) IN ('ledger_service', 'ledger_projector') AND p.prosecdef
    LOOP
        EXECUTE format('ALTER ROUTINE %s SECURITY INVOKER', item.name);
    END LOOP;
END $$;

-- name: guards
-- What keeps the log as it is, wherever it is not as the migrations made it: triggers, the functions that they and the
-- views call, grants to write, owners, row-level security, and roles. What nobody may do, is not listed.
WITH expected_trigger (relation, trigger, function, kind) AS (
    -- The kind is pg_trigger.tgtype: 58 is before any update, delete or truncate, by statement.
    VALUES ('ledger.event', 'event_is_immutable', 'ledger.refuse_change', 58),
        ('ledger.head', 'head_moves_forward', 'ledger.refuse_backward_head', 19),
        ('ledger.head', 'head_is_kept', 'ledger.refuse_change', 42),
        ('ledger.checkpoint', 'checkpoint_is_immutable', 'ledger.refuse_change', 58),
        ('ledger.cosignature', 'cosignature_is_immutable', 'ledger.refuse_change', 58),
        ('ledger.log_key', 'log_key_is_immutable', 'ledger.refuse_change', 58),
        ('ledger.tile_hash', 'tile_hash_is_immutable', 'ledger.refuse_change', 58),
        ('ledger.access', 'access_is_immutable', 'ledger.refuse_change', 58),
        ('ledger.access_head', 'access_head_moves_forward', 'ledger.refuse_backward_access', 19),
        ('ledger.access_head', 'access_head_is_kept', 'ledger.refuse_change', 42)
), expected_function (function, body) AS (
    VALUES ('ledger.book_in_force', '97d7eb91e52fb4e84f72db9b18519ae4'),
        ('ledger.data_of', '0dd7ce44f01fc667664b823dc5f54e40'),
        ('ledger.keep_books_apart', '89b47b930942a6043191e95ddd945397'),
        ('ledger.moment', '2f426897ec99d5f768ecd750ec168c11'),
        ('ledger.number_of', '75ee8dd8959ab85d19dde3cf8e6d0689'),
        ('ledger.occurred_by', 'e8f5ca49031f2d9ec71d1b3b784ca8b2'),
        ('ledger.refuse_backward_access', 'cb02d883dc825325964a8730e75efec0'),
        ('ledger.refuse_backward_head', '19fa93ae09852473aafe75fe64cf2827'),
        ('ledger.refuse_change', '52f66d53671a3c2279efb03557ac8a55'),
        ('ledger.zone_of', 'b1a48c11fbeb969beff3908498952664')
), expected_writer (relation, role, privileges) AS (
    VALUES ('ledger.event', 'ledger_writer', '{INSERT}'::text[]), ('ledger.head', 'ledger_writer', '{INSERT,UPDATE}'),
        ('ledger.checkpoint', 'ledger_service', '{INSERT}'), ('ledger.cosignature', 'ledger_service', '{INSERT}'),
        ('ledger.log_key', 'ledger_service', '{INSERT}'), ('ledger.tile_hash', 'ledger_service', '{INSERT}'),
        ('ledger.access', 'ledger_vault', '{INSERT}'), ('ledger.access_head', 'ledger_vault', '{INSERT,UPDATE}'),
        ('ledger.snapshot', 'ledger_writer', '{INSERT,UPDATE,DELETE}'),
        ('ledger.cursor', 'ledger_projector', '{INSERT,UPDATE,DELETE}'),
        ('ledger.read_model', 'ledger_projector', '{INSERT,UPDATE,DELETE}'),
        ('ledger.fold_failure', 'ledger_projector', '{INSERT,UPDATE,DELETE}')
), relation AS (
    SELECT c.oid, format('%s.%s', n.nspname, c.relname) AS name, c.relkind, c.relowner, c.relacl, c.relrowsecurity
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('ledger', 'audit') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), trigger AS (
    SELECT r.name AS relation, t.tgname AS trigger, t.tgenabled, t.tgtype, t.tgqual IS NULL AS always,
        format('%s.%s', n.nspname, p.proname) AS function
    FROM pg_trigger AS t JOIN relation AS r ON r.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE NOT t.tgisinternal
), function AS (
    SELECT format('%s.%s', n.nspname, p.proname) AS function, md5(p.prosrc) AS body, p.proowner
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname IN ('ledger', 'audit')
), may_write AS (
    SELECT r.name AS relation, a.grantee, a.privilege_type AS privilege
    FROM relation AS r CROSS JOIN LATERAL aclexplode(r.relacl) AS a
    WHERE a.grantee <> r.relowner AND a.privilege_type NOT IN ('SELECT', 'MAINTAIN')
    UNION
    SELECT r.name, a.grantee, a.privilege_type
    FROM relation AS r JOIN pg_attribute AS c ON c.attrelid = r.oid CROSS JOIN LATERAL aclexplode(c.attacl) AS a
    WHERE a.grantee <> r.relowner AND a.privilege_type <> 'SELECT'
)
SELECT format('the trigger %s of %s is %s', e.trigger, e.relation, CASE
    WHEN t.trigger IS NULL THEN 'missing' WHEN t.tgenabled <> 'A' THEN 'not always enabled' ELSE 'another one' END)
FROM expected_trigger AS e LEFT JOIN trigger AS t ON t.relation = e.relation AND t.trigger = e.trigger
WHERE t.trigger IS NULL OR t.tgenabled <> 'A' OR t.tgtype <> e.kind OR t.function <> e.function OR NOT t.always
UNION ALL
SELECT format('%s has a trigger %s, which no migration made', t.relation, t.trigger)
FROM trigger AS t
WHERE NOT EXISTS (SELECT FROM expected_trigger AS e WHERE e.relation = t.relation AND e.trigger = t.trigger)
UNION ALL
SELECT format('%s has a rule %s, which no migration made', r.name, w.rulename)
FROM pg_rewrite AS w JOIN relation AS r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT format('the function %s is %s', coalesce(e.function, f.function), CASE
    WHEN e.function IS NULL THEN 'of no migration' WHEN f.function IS NULL THEN 'missing' ELSE 'another one' END)
FROM expected_function AS e FULL JOIN function AS f ON f.function = e.function
WHERE e.function IS NULL OR f.function IS NULL OR f.body <> e.body
UNION ALL
SELECT format('%s may %s %s', CASE m.grantee WHEN 0 THEN 'everybody' ELSE m.grantee::regrole::text END, m.privilege, m.relation)
FROM may_write AS m
WHERE NOT EXISTS (SELECT FROM expected_writer AS e
    WHERE e.relation = m.relation AND to_regrole(e.role)::oid = m.grantee AND m.privilege = ANY (e.privileges))
UNION ALL
SELECT format('%s belongs to %s', r.name, r.relowner::regrole) FROM relation AS r
WHERE r.relowner <> 'ledger_owner'::regrole
UNION ALL
SELECT format('the function %s belongs to %s', f.function, f.proowner::regrole) FROM function AS f
WHERE f.proowner <> 'ledger_owner'::regrole
UNION ALL
SELECT format('%s shows the rows of all books to everybody', r.name) FROM relation AS r
WHERE r.name IN ('ledger.cursor', 'ledger.fold_failure') AND NOT r.relrowsecurity
UNION ALL
SELECT format('the role %s is %s', r.rolname, CASE
    WHEN r.rolsuper THEN 'a superuser' WHEN r.rolbypassrls THEN 'free of row-level security'
    WHEN r.rolreplication THEN 'free to replicate' WHEN r.rolcreaterole THEN 'free to make roles' ELSE 'a member of ledger_owner' END)
FROM pg_roles AS r
WHERE r.rolname IN ('ledger_owner', 'ledger_writer', 'ledger_projector', 'ledger_finance', 'ledger_auditor', 'ledger_service',
        'ledger_vault', 'ledger_verifier')
    AND (r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolcreaterole
        OR r.rolname <> 'ledger_owner' AND pg_has_role(r.oid, 'ledger_owner', 'MEMBER'))
ORDER BY 1;

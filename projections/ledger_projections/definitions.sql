-- name: definitions
-- All that a schema consists of: what, which property of it, and how that reads under the search path in force, so that what
-- is visible is told without its schema. Left out is what neither changes what is read nor runs anything: how rows are stored,
-- statistics of columns, and indexes of columns that keep nothing unique, which anybody may add for speed. An expression or a
-- predicate in one of these is computed when a query of its table is planned, whatever function it asks. Of which operator class
-- an index is does not matter: only a superuser makes one.
WITH schema AS (
    SELECT n.oid, n.nspowner, n.nspacl FROM pg_namespace AS n WHERE n.nspname = %(schema)s
), relation AS (
    SELECT c.*, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'relation ' || c.relkind::text
        END || ' ' || quote_ident(c.relname) AS named
    FROM pg_class AS c JOIN schema AS s ON c.relnamespace = s.oid WHERE c.relkind NOT IN ('i', 'I', 't')
), routine AS (
    SELECT p.*, format('%%s %%I(%%s)', CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END,
        p.proname, pg_get_function_identity_arguments(p.oid)) AS named
    FROM pg_proc AS p JOIN schema AS s ON p.pronamespace = s.oid
), owned AS (
    SELECT 'the schema' AS named, s.nspowner AS owner, coalesce(s.nspacl, acldefault('n', s.nspowner)) AS grants FROM schema AS s
    UNION ALL
    SELECT r.named, r.relowner, coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))
    FROM relation AS r
    UNION ALL
    SELECT r.named, r.proowner, coalesce(r.proacl, acldefault('f', r.proowner)) FROM routine AS r
)
SELECT o.named, 'owner', pg_get_userbyid(o.owner)::text FROM owned AS o
UNION ALL
SELECT o.named, 'grants', (
    SELECT string_agg(format('%%s to %%s', a.privilege_type || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END,
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END), ', ' ORDER BY a.grantee, a.privilege_type)
    FROM aclexplode(o.grants) AS a)
FROM owned AS o
UNION ALL
SELECT r.named, k.property, k.said FROM relation AS r CROSS JOIN LATERAL (VALUES
    ('persistence', r.relpersistence::text),
    ('row security', concat_ws(', ', CASE WHEN r.relrowsecurity THEN 'enabled' END, CASE WHEN r.relforcerowsecurity THEN 'forced' END)),
    ('options', CASE WHEN r.relkind = 'v' THEN (SELECT string_agg(o.option, ', ' ORDER BY o.option) FROM unnest(r.reloptions) AS o (option)) END),
    ('definition', CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END)) AS k (property, said)
UNION ALL
SELECT format('column %%I of %%s', a.attname, r.named), k.property, k.said FROM relation AS r
JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
CROSS JOIN LATERAL (VALUES
    ('definition', concat_ws(' ', format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
        CASE WHEN a.attnotnull THEN 'NOT NULL' END, CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END,
        CASE WHEN a.attgenerated <> '' THEN 'generated ' || a.attgenerated::text END, pg_get_expr(d.adbin, d.adrelid),
        'in place ' || a.attnum)),
    ('grants', a.attacl::text)) AS k (property, said)
UNION ALL
SELECT concat_ws(' of ', format('constraint %%I', c.conname), r.named), 'definition', pg_get_constraintdef(c.oid, true)
FROM pg_constraint AS c JOIN schema AS s ON c.connamespace = s.oid
LEFT JOIN relation AS r ON r.oid = c.conrelid
WHERE c.contype <> 'n'  -- what is not null is said of its column
UNION ALL
SELECT format('index %%I of %%s', c.relname, r.named), k.property, k.said FROM relation AS r
JOIN pg_index AS i ON i.indrelid = r.oid AND (i.indisunique OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
JOIN pg_class AS c ON c.oid = i.indexrelid
CROSS JOIN LATERAL (VALUES
    ('definition', pg_get_indexdef(i.indexrelid, 0, true)), ('validity', i.indisvalid::text)) AS k (property, said)
UNION ALL
SELECT format('statistics %%I of %%s', s.stxname, r.named), 'definition', pg_get_statisticsobjdef(s.oid)
FROM relation AS r JOIN pg_statistic_ext AS s ON s.stxrelid = r.oid AND s.stxexprs IS NOT NULL
UNION ALL
SELECT format('trigger %%I of %%s', g.tgname, r.named), k.property, k.said FROM relation AS r
JOIN pg_trigger AS g ON g.tgrelid = r.oid AND NOT g.tgisinternal
CROSS JOIN LATERAL (VALUES
    ('definition', pg_get_triggerdef(g.oid, true)), ('state', CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'O' THEN 'enabled'
        ELSE 'enabled ' || g.tgenabled::text END)) AS k (property, said)
UNION ALL
SELECT format('policy %%I of %%s', p.polname, r.named), 'definition', concat_ws(' ',
    CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, p.polcmd::text,
    'to ' || (SELECT string_agg(CASE o.role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(o.role) END, ', ' ORDER BY o.role)
        FROM unnest(p.polroles) AS o (role)),
    'using ' || pg_get_expr(p.polqual, p.polrelid), 'with check ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM relation AS r JOIN pg_policy AS p ON p.polrelid = r.oid
UNION ALL
SELECT format('rule %%I of %%s', w.rulename, r.named), 'definition', pg_get_ruledef(w.oid, true) || ' ' || w.ev_enabled::text
FROM relation AS r JOIN pg_rewrite AS w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
UNION ALL
SELECT format('%%s of %%s', CASE r.oid WHEN h.inhrelid THEN 'parent ' || h.inhparent::regclass ELSE 'child ' || h.inhrelid::regclass END,
    r.named), 'definition', 'inherited'
FROM relation AS r JOIN pg_inherits AS h ON r.oid IN (h.inhrelid, h.inhparent)
UNION ALL
SELECT r.named, k.property, k.said FROM routine AS r
JOIN pg_language AS l ON l.oid = r.prolang
LEFT JOIN pg_aggregate AS a ON a.aggfnoid = r.oid
CROSS JOIN LATERAL (VALUES
    ('arguments', pg_get_function_arguments(r.oid)),
    ('result', pg_get_function_result(r.oid)),
    ('body', coalesce(pg_get_function_sqlbody(r.oid), r.prosrc) || coalesce(' in ' || r.probin, '')),
    ('properties', concat_ws(', ', l.lanname, 'volatile ' || r.provolatile::text, 'parallel ' || r.proparallel::text,
        CASE WHEN r.prosecdef THEN 'security definer' END, CASE WHEN r.proisstrict THEN 'strict' END,
        CASE WHEN r.proleakproof THEN 'leakproof' END, CASE WHEN r.prosupport <> 0 THEN 'support ' || r.prosupport END)),
    ('settings', array_to_string(r.proconfig, ', ')),
    ('aggregation', concat_ws(', ', a.aggkind::text, a.aggnumdirectargs, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
        a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggsortop, a.aggtranstype::regtype,
        'from ' || a.agginitval, 'moving from ' || a.aggminitval))) AS k (property, said)
UNION ALL
SELECT format('cast from %%s to %%s', c.castsource::regtype, c.casttarget::regtype), 'definition', 'of a type that is made here'
FROM pg_cast AS c
WHERE EXISTS (SELECT FROM pg_type AS t JOIN schema AS s ON s.oid = t.typnamespace WHERE t.oid IN (c.castsource, c.casttarget))
UNION ALL
SELECT pg_describe_object(d.classid, d.objid, d.objsubid), 'definition', 'of its kind'
FROM pg_depend AS d JOIN schema AS s ON d.refclassid = 'pg_namespace'::regclass::oid AND d.refobjid = s.oid
WHERE d.classid <> ALL (ARRAY['pg_class', 'pg_proc', 'pg_constraint', 'pg_statistic_ext']::regclass[]::oid[]);

-- name: audit
-- The log as auditors see it, as migration 0010 makes it.
DO $$
DECLARE
    seen text;
BEGIN
    FOREACH seen IN ARRAY ARRAY['event', 'head', 'checkpoint', 'cosignature', 'tile_hash', 'access', 'access_head'] LOOP
        EXECUTE format('CREATE VIEW %1$I WITH (security_barrier) AS SELECT * FROM ledger.%1$I AS t'
            ' WHERE t.book = (SELECT ledger.book_in_force())', seen);
    END LOOP;
END $$;

-- Every table of every read model: its rows, and a sum over their hashes that no order changes.
SELECT format(
    'SELECT %L AS "table", count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) AS hashes FROM %I.%I t;',
    schemaname || '.' || tablename, schemaname, tablename)
FROM pg_tables WHERE schemaname IN ('journal', 'balances', 'customers', 'invoices', 'discounts', 'disputes')
ORDER BY schemaname, tablename
\gexec

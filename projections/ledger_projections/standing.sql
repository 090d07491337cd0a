-- name: cursors
-- How far each read model, and each rebuild that is under way, has folded a book, and where its log ends.
SELECT split_part(c.application_name, '/', 1), c.notification_id, coalesce(h.position, 0)
FROM ledger.cursor AS c
LEFT JOIN ledger.head AS h ON h.book = %(book)s
WHERE substr(c.application_name, strpos(c.application_name, '/') + 1) = %(book)s ORDER BY c.application_name;

-- name: keep
-- As whoever reads them does, but to the end of the verification: rows may come, and no table goes.
LOCK TABLE {tables} IN ACCESS SHARE MODE;

-- name: migrations
-- What was applied to this database.
SELECT number, sha256 FROM ledger_migrations.migration;

-- name: lags
-- Of each read model that is made: how far it is behind in the book where it is most, books in which it stands still
-- left out; and in how many books it does.
SELECT r.model, coalesce(max(h.position - coalesce(c.notification_id, 0)) FILTER (WHERE f.model IS NULL), 0),
    count(f.model)
FROM ledger.read_model AS r
LEFT JOIN ledger.head AS h ON true
LEFT JOIN ledger.cursor AS c ON c.application_name = r.model || '/' || h.book
LEFT JOIN ledger.fold_failure AS f ON f.model = r.model AND f.book = h.book
WHERE r.model NOT LIKE '%%@rebuild'
GROUP BY r.model
ORDER BY r.model;

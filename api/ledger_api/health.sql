-- name: migrations
-- What was applied to this database.
SELECT number, sha256 FROM ledger_migrations.migration;

-- name: lags
-- Every read model with its state, why it stopped if it did, and how far it is behind in the book where it is most.
SELECT r.model, r.state, r.error, r.stopped_book, r.stopped_after, r.version, r.changed_at, worst.book, coalesce(worst.lag, 0)
FROM ledger.read_model AS r
LEFT JOIN LATERAL (
    SELECT h.book, h.position - coalesce(c.notification_id, 0) AS lag
    FROM ledger.head AS h LEFT JOIN ledger.cursor AS c ON c.application_name = r.model || '/' || h.book
    ORDER BY lag DESC, h.book LIMIT 1
) AS worst ON true
ORDER BY r.model;

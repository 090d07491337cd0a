-- name: server
-- Which PostgreSQL it is, and how much room the database takes.
SELECT current_setting('server_version'), pg_database_size(current_database());

-- name: books
-- Every book and where its log ends.
SELECT book, position, nullif(recorded_at, '-infinity') FROM ledger.head ORDER BY book;

-- name: read_models
-- Every read model: whether it follows, how many events it is behind, over all books, and why it stopped.
SELECT m.model, m.state, coalesce(sum(h.position - coalesce(c.notification_id, 0)), 0)::bigint, m.error
FROM ledger.read_model AS m
LEFT JOIN ledger.head AS h ON true
LEFT JOIN ledger.cursor AS c ON c.application_name = m.model || '/' || h.book
GROUP BY m.model, m.state, m.error
ORDER BY m.model;

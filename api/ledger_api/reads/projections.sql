-- name: projections
-- Every read model, and what of each book it has folded; of all books, or of the one that is asked about.
SELECT r.model, r.version, r.state, r.error, r.stopped_book, r.stopped_after, r.changed_at,
    (SELECT coalesce(json_agg(json_build_object(
        'book', h.book, 'position', coalesce(c.notification_id, 0), 'head', h.position,
        'lag', h.position - coalesce(c.notification_id, 0)) ORDER BY h.book), '[]')
     FROM ledger.head AS h LEFT JOIN ledger.cursor AS c ON c.application_name = r.model || '/' || h.book
     WHERE h.book = coalesce(%(book)s, h.book)) AS cursors
FROM ledger.read_model AS r
ORDER BY r.model;

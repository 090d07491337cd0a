-- name: projections
-- Every read model, and every rebuild under way, with how far it has folded each book (or the one that the key opens)
-- and why it stands still there, if it does.
SELECT r.model AS name, r.version, r.state, r.changed_at,
    (SELECT coalesce(json_agg(json_build_object(
        'book', h.book, 'position', coalesce(c.notification_id, 0), 'head', h.position,
        'lag', h.position - coalesce(c.notification_id, 0), 'error', f.error) ORDER BY h.book), '[]')
     FROM ledger.head AS h
     LEFT JOIN ledger.cursor AS c ON c.application_name = r.model || '/' || h.book
     LEFT JOIN ledger.fold_failure AS f ON f.model = r.model AND f.book = h.book
     WHERE h.book = coalesce(%(book)s, h.book)) AS cursors
FROM ledger.read_model AS r
ORDER BY r.model;

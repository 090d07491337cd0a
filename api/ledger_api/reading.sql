-- name: with_position
-- Goes behind `WITH item AS (a query)`: its rows, how far the read models it asks have come in the book, and where
-- the book's log ends (null: there is no such book). One statement, so one snapshot.
SELECT
    (SELECT min(coalesce(c.notification_id, 0)) FROM unnest(%(read_models)s::text[]) AS m (name)
     LEFT JOIN ledger.cursor AS c ON c.application_name = m.name || '/' || %(book)s) AS position,
    (SELECT h.position FROM ledger.head AS h WHERE h.book = %(book)s) AS head,
    coalesce((SELECT json_agg(item)::text FROM item), '[]') AS items;

-- name: log_position
-- The same of the log itself, which is always where it ends.
SELECT h.position, h.position AS head FROM (VALUES (1)) AS one (row)
LEFT JOIN ledger.head AS h ON h.book = %(book)s;

-- name: books
-- Every book: its first event, which says what it is, and where its log ends.
SELECT h.book, h.position, h.recorded_at, e.state
FROM ledger.head AS h JOIN ledger.event AS e ON e.book = h.book AND e.position = 1
ORDER BY h.book;

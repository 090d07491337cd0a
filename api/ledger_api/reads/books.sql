-- name: books
-- The books that a key opens, in order of name, with where their logs end.
SELECT b.book, b.name, b.currency, b.time_zone, b.opened_at, h.position, h.recorded_at
FROM journal.book AS b JOIN ledger.head AS h ON h.book = b.book
WHERE b.book = coalesce(%(book)s, b.book) AND b.book > %(after)s
ORDER BY b.book LIMIT %(limit)s;

-- name: book
-- One book.
SELECT b.book, b.name, b.currency, b.time_zone, b.opened_at, h.position, h.recorded_at
FROM journal.book AS b JOIN ledger.head AS h ON h.book = b.book
WHERE b.book = %(book)s;

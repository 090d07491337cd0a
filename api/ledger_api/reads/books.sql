-- name: books
-- The books that a key opens, in order of name, with where their logs end.
SELECT b.book, b.name, b.currency, b.time_zone, b.opened_at, h.position, h.recorded_at
FROM journal.book AS b JOIN ledger.head AS h ON h.book = b.book
WHERE b.book = coalesce(%(book)s, b.book) AND b.book > %(after)s
ORDER BY b.book LIMIT %(limit)s;

-- name: book
-- One book, with where its log ends, or ended: at a position that it has come to.
SELECT b.book, b.name, b.currency, b.time_zone, b.opened_at, coalesce(e.position, h.position) AS position,
    coalesce(e.recorded_at, h.recorded_at) AS recorded_at
FROM journal.book AS b JOIN ledger.head AS h ON h.book = b.book
LEFT JOIN ledger.event AS e ON e.book = b.book AND e.position = %(upto)s
WHERE b.book = %(book)s AND b.position <= coalesce(%(upto)s, b.position);

-- name: leaves
-- Leaf hashes of several ranges of entries, each from `begin` to before `end`, counted from 0.
SELECT e.position - 1, e.leaf
FROM unnest(%(begins)s::bigint[], %(ends)s::bigint[]) AS r (first, beyond)
JOIN ledger.event e ON e.book = %(book)s AND e.position > r.first AND e.position <= r.beyond
ORDER BY e.position;

-- name: tile_hashes
-- Upper hashes of several ranges of one level.
SELECT t.number, t.hash
FROM unnest(%(begins)s::bigint[], %(ends)s::bigint[]) AS r (first, beyond)
JOIN ledger.tile_hash t
    ON t.book = %(book)s AND t.level = %(level)s AND t.number >= r.first AND t.number < r.beyond
ORDER BY t.number;

-- name: count_tile_hashes
-- How many hashes of a level there are: they are kept in order, without gaps.
SELECT coalesce(max(number) + 1, 0) FROM ledger.tile_hash WHERE book = %(book)s AND level = %(level)s;

-- name: keep_tile_hashes
-- Another process may have kept the same ones: they follow from the leaves, so they are the same.
INSERT INTO ledger.tile_hash (book, level, number, hash)
SELECT %(book)s, %(level)s, %(first)s + n.ordinality - 1, n.hash
FROM unnest(%(hashes)s::bytea[]) WITH ORDINALITY AS n (hash, ordinality)
ON CONFLICT DO NOTHING;

-- name: entries
-- The stored bytes of a range of entries, counted from 0.
SELECT e.state FROM ledger.event e
WHERE e.book = %(book)s AND e.position > %(begin)s AND e.position <= %(end)s
ORDER BY e.position;

-- name: notes
-- Notes about a customer in the order in which they were added.
SELECT n.note, n.sha256, n.added_at, n.added_by, n.position FROM contacts.note AS n
WHERE n.book = %(book)s AND n.customer = %(customer)s AND n.position > %(after_position)s
ORDER BY n.position LIMIT %(limit)s;

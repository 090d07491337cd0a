-- name: contacts
-- Contacts in the order in which their arrival was recorded.
SELECT c.contact, c.customer, c.channel, c.queue, c.topic, c.language, c.state, c.outcome, c.arrived_at, c.answered_at,
    c.answered_by, c.ended_at, c.waited_seconds, c.handled_seconds, c.position
FROM contacts.contact AS c
WHERE c.book = %(book)s AND c.position > %(after_position)s
    AND (%(customer)s::text IS NULL OR c.customer = %(customer)s)
    AND (%(state)s::text IS NULL OR c.state = %(state)s)
    AND (%(queue)s::text IS NULL OR c.queue = %(queue)s)
    AND (%(channel)s::text IS NULL OR c.channel = %(channel)s)
ORDER BY c.position LIMIT %(limit)s;

-- name: members
-- All contacts of a book whose arrival was recorded by a position, in that order, whatever has become of them.
SELECT m.customer, m.position FROM contacts.contact AS m
WHERE m.book = %(book)s AND m.position > %(after_position)s AND m.position <= coalesce(%(upto)s, m.position)
ORDER BY m.position LIMIT %(limit)s;

-- name: service
-- How contacts were served: by day and key, by key, and in all.
SELECT s.level, s.day, s.key, s.arrived, s.waiting, s.answered, s.abandoned, s.answered_within,
    s.answered_within_percent::text AS answered_within_percent, s.abandoned_percent::text AS abandoned_percent,
    s.wait_seconds_median, s.wait_seconds_p90, s.abandoned_after_seconds_median, s.handled_seconds_median,
    s.handled_seconds_p90, s.handled_seconds
FROM contacts.service(%(book)s, %(from)s::date, %(through)s::date, %(by)s, %(within_seconds)s) AS s;

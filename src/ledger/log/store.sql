-- name: steady_plans
-- The writer only ever looks things up by key. A plan that scans is always wrong here, and the planner would choose
-- one while its statistics still say that the log is small.
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('jit', 'off', false);

-- name: plan_anew
-- Plans made for a small log pick among its indexes by chance; whoever doubles it plans again.
DISCARD PLANS;

-- name: create_head
-- A book gets its head row with its first message; two processes may try at once.
INSERT INTO ledger.head (book, position, frontier) VALUES (%s, 0, '') ON CONFLICT (book) DO NOTHING;

-- name: lock_head
-- The lock that orders all appends of a book. Recorded time goes forwards with each commit, whatever the clock does:
-- so it also names the commit, and a writer that lost a reply knows its own.
SELECT position, frontier, greatest(clock_timestamp(), recorded_at + interval '1 microsecond') FROM ledger.head
WHERE book = %s FOR UPDATE;

-- name: position
-- Where the log of a book ends; a book without a head has no event yet.
SELECT position FROM ledger.head WHERE book = %s;

-- name: move_head
-- In the same transaction as the events; the notice goes out when it commits.
WITH moved AS (
    UPDATE ledger.head SET position = %(position)s, frontier = %(frontier)s, recorded_at = %(recorded_at)s
    WHERE book = %(book)s RETURNING position
)
SELECT pg_notify('ledger_log', %(book)s || ' ' || position) FROM moved;

-- name: find_keys
-- Which of these idempotency keys are taken, and by which decision. Runs under the head's lock. The keys come as two
-- texts joined by U+001F, which neither a source nor an id can contain: arrays would cost more than the look-up.
SELECT key.n, e.position, e.decision_size
FROM unnest(string_to_array(%(sources)s, E'\x1f'), string_to_array(%(ids)s, E'\x1f'))
     WITH ORDINALITY AS key (source, event_id, n)
JOIN ledger.event e ON e.book = %(book)s AND e.source = key.source AND e.event_id = key.event_id;

-- name: decisions
-- All events of the decisions that begin at these positions, to answer a repeated message as the first time. Lateral
-- with its limit, because the planner takes a range of positions for a large part of the log and would read all of it.
SELECT e.causation, e.position, e.version, e.type, e.recorded_at, e.leaf, e.state
FROM unnest(%(firsts)s::bigint[], %(sizes)s::int[]) AS d (first, size)
CROSS JOIN LATERAL (
    SELECT causation, position, version, type, recorded_at, leaf, state FROM ledger.event
    WHERE book = %(book)s AND position >= d.first AND position < d.first + d.size
    ORDER BY position LIMIT d.size
) AS e
ORDER BY e.position;

-- name: streams
-- Whole streams, to rebuild the states that a batch needs.
SELECT e.stream, e.state FROM ledger.event e
WHERE e.book = %(book)s AND e.stream = ANY (%(streams)s) ORDER BY e.stream, e.version;

-- name: last_numbered
-- The last event of each type that takes the next number of a series. The types stand here as literals: steady plans know
-- no values, and only of a type that they know do they find the index that leaves out what is nearly all of a log.
(SELECT state FROM ledger.event WHERE book = %(book)s AND type = 'invoice.issued' ORDER BY position DESC LIMIT 1)
UNION ALL
(SELECT state FROM ledger.event WHERE book = %(book)s AND type = 'credit_note.issued' ORDER BY position DESC LIMIT 1);

-- name: tail
-- What others appended since this process last looked.
SELECT state FROM ledger.event WHERE book = %(book)s AND position > %(after)s ORDER BY position;

-- name: copy_events
-- The append itself.
COPY ledger.event (book, position, stream, version, type, source, event_id, customer, invoice, currency, amount,
    occurred_at, recorded_at, principal, causation, decision_size, state, leaf) FROM STDIN (FORMAT BINARY);

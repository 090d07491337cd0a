-- What finance and auditors read: entries with their cause, and every balance as of any moment.

-- Finance may not read the log, but this of it: hence with its owner's rights, and of the book that the session names.
CREATE VIEW entry WITH (security_barrier, security_invoker = false) AS
SELECT p.book, p.position, p.occurred_on, p.currency, e.type, p.customer, p.invoice,
    sum(p.amount) FILTER (WHERE p.amount > 0) AS debit, e.occurred_at, e.recorded_at, e.principal, e.source, e.event_id
FROM posting p
JOIN ledger.event e ON e.book = p.book AND e.position = p.position
WHERE p.book = (SELECT ledger.book_in_force())
GROUP BY p.book, p.position, p.occurred_on, p.currency, p.customer, p.invoice, e.book, e.position;
COMMENT ON VIEW entry IS 'Entries with the event that each comes from, of the book that the session names.';
COMMENT ON COLUMN entry.book IS 'The book that is posted to.';
COMMENT ON COLUMN entry.position IS 'Position of the event.';
COMMENT ON COLUMN entry.occurred_on IS 'Date of the entry in the book''s time zone.';
COMMENT ON COLUMN entry.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN entry.type IS 'What happened.';
COMMENT ON COLUMN entry.customer IS 'Who the event is about.';
COMMENT ON COLUMN entry.invoice IS 'Number of the invoice that the event is about, if any.';
COMMENT ON COLUMN entry.debit IS 'Sum of the debits in minor units, equal to the sum of the credits.';
COMMENT ON COLUMN entry.occurred_at IS 'When it happened in the world.';
COMMENT ON COLUMN entry.recorded_at IS 'When the log took it.';
COMMENT ON COLUMN entry.principal IS 'Who did it.';
COMMENT ON COLUMN entry.source IS 'Who posted the message; ledger for what followed from it.';
COMMENT ON COLUMN entry.event_id IS 'The message''s id; with the source its idempotency key.';

-- Recorded times never go backwards within a book: halving the positions finds the last one in some thirty steps,
-- without an index of its own.
CREATE FUNCTION position_at(of_book text, recorded timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    WITH RECURSIVE search AS (
        SELECT 0::bigint AS low, coalesce((
            SELECT p.position FROM posting p WHERE p.book = of_book ORDER BY p.position DESC LIMIT 1), 0) AS high
        UNION ALL
        SELECT CASE WHEN probe.recorded_at > recorded THEN s.low ELSE middle.position END,
            CASE WHEN probe.recorded_at > recorded THEN probe.position - 1 ELSE s.high END
        FROM search s
        CROSS JOIN LATERAL (SELECT (s.low + s.high + 1) / 2 AS position) middle
        LEFT JOIN LATERAL (  -- there is none before the first posting: then the search goes on behind the middle
            SELECT p.position, p.recorded_at FROM posting p WHERE p.book = of_book AND p.position <= middle.position
            ORDER BY p.position DESC LIMIT 1) probe ON true
        WHERE s.low < s.high
    )
    SELECT max(s.low) FROM search s;
END;
COMMENT ON FUNCTION position_at IS 'The last position of a book that was recorded at a moment or before.';

CREATE FUNCTION upto(of_book text, as_of_position bigint, as_of_recorded timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT least(as_of_position, CASE WHEN as_of_recorded IS NOT NULL THEN position_at(of_book, as_of_recorded) END,
        9223372036854775807);
END;
COMMENT ON FUNCTION upto IS 'The last position that counts, as of a position and a recorded time (null: no limit).';

CREATE FUNCTION balance_as_of(
    of_book text, of_customer text,
    as_of_position bigint DEFAULT NULL, as_of_recorded timestamptz DEFAULT NULL, as_of_occurred date DEFAULT NULL
) RETURNS TABLE (
    currency text, balance bigint, receivable bigint, disputed bigint, customer_credit bigint, unbilled bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2 BEGIN ATOMIC
    SELECT p.currency,
        coalesce(sum(p.amount) FILTER (WHERE p.account IN ('receivable', 'disputed', 'customer_credit')), 0)::bigint,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'receivable'), 0)::bigint,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'disputed'), 0)::bigint,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'customer_credit'), 0)::bigint,
        coalesce(sum(p.amount) FILTER (WHERE p.account = 'unbilled'), 0)::bigint
    FROM (SELECT of_customer AS customer, of_book AS book OFFSET 0) asked
    JOIN posting p ON p.customer = asked.customer AND p.book = asked.book
        AND p.position <= (SELECT upto(of_book, as_of_position, as_of_recorded))
    WHERE p.occurred_on <= coalesce(as_of_occurred, 'infinity')
    GROUP BY p.currency ORDER BY p.currency;
END;
COMMENT ON FUNCTION balance_as_of IS
    'A customer''s balances, one row a currency, as of a position, a recorded time and an occurred date (null: no limit).';

CREATE FUNCTION trial_balance_as_of(
    of_book text,
    as_of_position bigint DEFAULT NULL, as_of_recorded timestamptz DEFAULT NULL, as_of_occurred date DEFAULT NULL
) RETURNS TABLE (account text, name text, kind text, currency text, debit numeric, credit numeric, balance numeric)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20 BEGIN ATOMIC
    SELECT p.account, a.name, a.kind, p.currency, coalesce(sum(p.amount) FILTER (WHERE p.amount > 0), 0),
        coalesce(-sum(p.amount) FILTER (WHERE p.amount < 0), 0), sum(p.amount)
    FROM posting p
    LEFT JOIN account a ON a.book = p.book AND a.account = p.account
    WHERE p.book = of_book AND p.position <= (SELECT upto(of_book, as_of_position, as_of_recorded))
        AND p.occurred_on <= coalesce(as_of_occurred, 'infinity')
    GROUP BY p.account, a.name, a.kind, p.currency ORDER BY p.currency, p.account;
END;
COMMENT ON FUNCTION trial_balance_as_of IS
    'Debits, credits and balance of every account, as of a position, a recorded time and an occurred date (null: no limit).';

-- With its owner's rights, as the view above.
CREATE FUNCTION statement_as_of(
    of_book text, of_customer text,
    as_of_position bigint DEFAULT NULL, as_of_recorded timestamptz DEFAULT NULL, as_of_occurred date DEFAULT NULL
) RETURNS TABLE (
    occurred_on date, "position" bigint, line integer, type text, account text, invoice text, currency text,
    amount bigint, balance bigint, occurred_at timestamptz, recorded_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SECURITY DEFINER BEGIN ATOMIC
    SELECT p.occurred_on, p.position, p.line, e.type, p.account, p.invoice, p.currency, p.amount,
        sum(p.amount) OVER (PARTITION BY p.currency ORDER BY p.occurred_on, p.position, p.line)::bigint,
        p.occurred_at, p.recorded_at
    FROM (SELECT of_customer AS customer, of_book AS book OFFSET 0) asked
    JOIN posting p ON p.customer = asked.customer AND p.book = asked.book
        AND p.position <= (SELECT upto(of_book, as_of_position, as_of_recorded))
    JOIN ledger.event e ON e.book = p.book AND e.position = p.position
    WHERE p.book = (SELECT ledger.book_in_force()) AND p.account IN ('receivable', 'disputed', 'customer_credit')
        AND p.occurred_on <= coalesce(as_of_occurred, 'infinity')
    ORDER BY p.occurred_on, p.position, p.line;
END;
COMMENT ON FUNCTION statement_as_of IS
    'What moved a customer''s balance, in order of date and with the balance after each, as of any moment (null: no limit). Of the book that the session names.';

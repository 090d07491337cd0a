CREATE FUNCTION overdue(of_book text, as_of date DEFAULT CURRENT_DATE) RETURNS TABLE (
    customer text, invoice text, currency text, due_on date, days_overdue integer, amount bigint, disputed bigint,
    reminders integer, last_kind text, last_sent_on date, next_step integer, next_kind text, next_minimum bigint,
    next_on date, ready boolean, "position" bigint)
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT o.customer, o.invoice, o.currency, o.due_on, as_of - o.due_on, o.amount, o.disputed, o.sent, o.kind, o.sent_on,
        CASE WHEN o.next IS NOT NULL THEN o.sent + 1 END, o.next ->> 'kind', o.minimum, o.next_on,
        coalesce(o.next_on <= as_of AND o.amount >= o.minimum AND o.amount > 0, false), o.position
    FROM (
        SELECT i.customer, i.invoice, i.currency, i.due_on, i.due - i.disputed AS amount, i.disputed, i.position,
            coalesce(r.step, 0) AS sent, r.kind, r.sent_on, n.next,
            CASE WHEN n.next IS NOT NULL THEN coalesce((
                SELECT (m.least ->> 'amount')::bigint FROM jsonb_array_elements(n.next -> 'minimum') AS m (least)
                WHERE m.least ->> 'currency' = i.currency), 1) END AS minimum,
            greatest(i.due_on + (n.next ->> 'days')::integer,
                r.sent_on + (n.next ->> 'days')::integer - (n.previous ->> 'days')::integer) AS next_on
        FROM invoice i
        LEFT JOIN LATERAL (
            SELECT s.step, s.kind, s.sent_on FROM reminder s WHERE s.book = i.book AND s.invoice = i.invoice
            ORDER BY s.step DESC LIMIT 1
        ) r ON true
        LEFT JOIN LATERAL (
            SELECT p.steps -> coalesce(r.step, 0) AS next, p.steps -> r.step - 1 AS previous FROM policy p
            WHERE p.book = i.book AND p.effective_from <= as_of
            ORDER BY p.effective_from DESC LIMIT 1
        ) n ON true
        WHERE i.book = of_book AND i.due > 0 AND i.due_on < as_of AND i.issued_on <= as_of
    ) o
    ORDER BY o.position;
END;
COMMENT ON FUNCTION overdue IS 'The dunning list: invoices of a book past their due date on a day, by what is known of them now; what is due of each and not in dispute (amount), how often it was reminded of, and what comes next, when. ready: the next step is to be sent on that day.';

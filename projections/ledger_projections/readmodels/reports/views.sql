-- The reports of finance, each as of any moment on both clocks: a function, and a view of it as of now for every book.

CREATE FUNCTION known(of_book text, as_of_position bigint, as_of_recorded timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    -- The journal and the invoices are folded one after the other: what counts is what both have.
    SELECT least(upto(of_book, as_of_position, as_of_recorded), (
        SELECT c.notification_id FROM ledger.cursor c WHERE c.application_name = 'reports/' || of_book));
END;
COMMENT ON FUNCTION known IS 'The last position that a report counts: as of a position and a recorded time (null: no limit).';

CREATE FUNCTION day_of(of_book text, as_of_position bigint, as_of_recorded timestamptz, as_of_occurred date)
RETURNS date LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT coalesce(nullif(as_of_occurred, 'infinity'), (coalesce(as_of_recorded, (
            SELECT p.recorded_at FROM posting p WHERE p.book = of_book AND p.position <= as_of_position
            ORDER BY p.position DESC LIMIT 1), ledger.moment()) AT TIME ZONE b.time_zone)::date)
    FROM book b WHERE b.book = of_book;
END;
COMMENT ON FUNCTION day_of IS
    'The date that a report is of: the occurred one that is asked for, else the one on which that was recorded, else today.';

CREATE FUNCTION due_as_of(
    of_book text, as_of_position bigint DEFAULT NULL, as_of_recorded timestamptz DEFAULT NULL,
    as_of_occurred date DEFAULT NULL, as_of_instant timestamptz DEFAULT NULL, of_customer text DEFAULT NULL,
    on_day date DEFAULT NULL
) RETURNS TABLE (
    customer text, invoice text, currency text, issued_on date, due_on date, days integer, receivable bigint,
    disputed bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 BEGIN ATOMIC
    SELECT i.customer, i.invoice, i.currency, i.issued_on, i.due_on, greatest(d.day - i.due_on, 0), s.receivable, s.disputed
    FROM (
        SELECT p.invoice, coalesce(sum(p.amount) FILTER (WHERE p.account = 'receivable'), 0)::bigint AS receivable,
            coalesce(sum(p.amount) FILTER (WHERE p.account = 'disputed'), 0)::bigint AS disputed
        FROM posting p
        WHERE p.book = of_book AND p.account IN ('receivable', 'disputed')
            AND (of_customer IS NULL OR p.customer = of_customer)
            AND p.position <= (SELECT known(of_book, as_of_position, as_of_recorded))
            AND (p.occurred_on < coalesce(as_of_occurred, 'infinity') OR p.occurred_on = as_of_occurred
                AND p.occurred_at <= coalesce(as_of_instant, 'infinity'))
        GROUP BY p.invoice
    ) s
    JOIN invoice i ON i.book = of_book AND i.invoice = s.invoice
    CROSS JOIN (
        SELECT coalesce(on_day, day_of(of_book, as_of_position, as_of_recorded, as_of_occurred)) AS day) d
    WHERE s.receivable <> 0 OR s.disputed <> 0
    ORDER BY i.customer, i.due_on, i.issued_on, i.sequence;
END;
COMMENT ON FUNCTION due_as_of IS
    'What is due of each invoice, and how many days past its due date, as of a position, a recorded time and an occurred date (null: no limit), on that date by an instant, of one customer or of all; counted to a day (null: the one that the report is of).';

CREATE FUNCTION aging_as_of(
    of_book text, as_of_position bigint DEFAULT NULL, as_of_recorded timestamptz DEFAULT NULL,
    as_of_occurred date DEFAULT NULL, as_of_instant timestamptz DEFAULT NULL, of_customer text DEFAULT NULL,
    on_day date DEFAULT NULL
) RETURNS TABLE (
    customer text, currency text, not_due bigint, days_1_to_30 bigint, days_31_to_60 bigint, days_61_to_90 bigint,
    days_over_90 bigint, disputed bigint, total bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 BEGIN ATOMIC
    SELECT d.customer, d.currency, coalesce(sum(d.receivable) FILTER (WHERE d.days = 0), 0)::bigint,
        coalesce(sum(d.receivable) FILTER (WHERE d.days BETWEEN 1 AND 30), 0)::bigint,
        coalesce(sum(d.receivable) FILTER (WHERE d.days BETWEEN 31 AND 60), 0)::bigint,
        coalesce(sum(d.receivable) FILTER (WHERE d.days BETWEEN 61 AND 90), 0)::bigint,
        coalesce(sum(d.receivable) FILTER (WHERE d.days > 90), 0)::bigint,
        sum(d.disputed)::bigint, sum(d.receivable + d.disputed)::bigint
    FROM due_as_of(of_book, as_of_position, as_of_recorded, as_of_occurred, as_of_instant, of_customer,
        on_day) d
    GROUP BY d.customer, d.currency ORDER BY d.customer, d.currency;
END;
COMMENT ON FUNCTION aging_as_of IS
    'What each customer owes by how long it is overdue, in dispute apart, as of any moment (null: no limit), of one customer or of all.';

CREATE VIEW aging AS
SELECT b.book, a.* FROM book b CROSS JOIN LATERAL aging_as_of(b.book) a;
COMMENT ON VIEW aging IS 'What each customer owes by how long it is overdue, now; see aging_as_of for any other moment.';
COMMENT ON COLUMN aging.book IS 'The book.';
COMMENT ON COLUMN aging.customer IS 'Who owes.';
COMMENT ON COLUMN aging.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN aging.not_due IS 'Receivable in minor units that is not past its due date.';
COMMENT ON COLUMN aging.days_1_to_30 IS 'Receivable that is 1 to 30 days past its due date.';
COMMENT ON COLUMN aging.days_31_to_60 IS '31 to 60 days.';
COMMENT ON COLUMN aging.days_61_to_90 IS '61 to 90 days.';
COMMENT ON COLUMN aging.days_over_90 IS 'More than 90 days.';
COMMENT ON COLUMN aging.disputed IS 'In dispute, however old: in none of the others.';
COMMENT ON COLUMN aging.total IS 'All that is due: the sum of the others.';

-- Charges say their service beside their postings; discounts and credit notes say it by the invoice's lines. What is
-- voided goes at its own date, as the journal has it.
CREATE VIEW income AS
SELECT p.book, p.position, p.occurred_on, p.occurred_at, p.currency, 'revenue' AS kind, p.service, -p.amount AS amount
FROM posting p JOIN account a ON a.book = p.book AND a.account = p.account
WHERE a.kind = 'income' AND p.service IS NOT NULL
UNION ALL
SELECT i.book, v.position, (v.at AT TIME ZONE b.time_zone)::date, v.at, i.currency, 'discount', l.service,
    v.sign * l.discount
FROM invoice i JOIN book b ON b.book = i.book
JOIN invoice_line l ON l.book = i.book AND l.invoice = i.invoice
CROSS JOIN LATERAL (VALUES (i.position, i.issued_at, -1), (i.voided_position, i.voided_at, 1)) AS v (position, at, sign)
WHERE i.discount > 0 AND l.discount > 0 AND v.position IS NOT NULL
UNION ALL
SELECT c.book, v.position, (v.at AT TIME ZONE b.time_zone)::date, v.at, c.currency, 'credit_note', l.service,
    v.sign * (n.line ->> 'net')::bigint
FROM credit_note c JOIN book b ON b.book = c.book
CROSS JOIN LATERAL jsonb_array_elements(c.lines) AS n (line)
JOIN invoice_line l ON l.book = c.book AND l.invoice = c.invoice AND l.line = (n.line ->> 'line')::integer
CROSS JOIN LATERAL (VALUES (c.position, c.issued_at, -1), (c.voided_position, c.voided_at, 1)) AS v (position, at, sign)
WHERE v.position IS NOT NULL;
COMMENT ON VIEW income IS 'All income by service, one row a part of an event: what was earned, discounted and credited.';
COMMENT ON COLUMN income.book IS 'The book.';
COMMENT ON COLUMN income.position IS 'Position of the event.';
COMMENT ON COLUMN income.occurred_on IS 'Date of the entry in the book''s time zone; a service period is recognised by its months.';
COMMENT ON COLUMN income.occurred_at IS 'When the event happened.';
COMMENT ON COLUMN income.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN income.kind IS 'revenue, discount or credit_note.';
COMMENT ON COLUMN income.service IS 'The service.';
COMMENT ON COLUMN income.amount IS 'Minor units; what lowers income is below zero.';

CREATE FUNCTION revenue_as_of(
    of_book text, as_of_position bigint DEFAULT NULL, as_of_recorded timestamptz DEFAULT NULL,
    as_of_occurred date DEFAULT NULL, as_of_instant timestamptz DEFAULT NULL
) RETURNS TABLE (
    month date, service text, currency text, recognised bigint, discounts bigint, credited bigint, net bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 BEGIN ATOMIC
    SELECT date_trunc('month', i.occurred_on::timestamp)::date, i.service, i.currency,
        coalesce(sum(i.amount) FILTER (WHERE i.kind = 'revenue'), 0)::bigint,
        coalesce(-sum(i.amount) FILTER (WHERE i.kind = 'discount'), 0)::bigint,
        coalesce(-sum(i.amount) FILTER (WHERE i.kind = 'credit_note'), 0)::bigint,
        sum(i.amount)::bigint
    FROM income i
    WHERE i.book = of_book AND i.position <= (SELECT known(of_book, as_of_position, as_of_recorded))
        AND (i.occurred_on < coalesce(as_of_occurred, 'infinity') OR i.occurred_on = as_of_occurred
            AND i.occurred_at <= coalesce(as_of_instant, 'infinity'))
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
END;
COMMENT ON FUNCTION revenue_as_of IS
    'Revenue recognised of each service in each month, less discounts and credit notes, as of any moment (null: no limit).';

CREATE VIEW revenue AS
SELECT b.book, r.* FROM book b CROSS JOIN LATERAL revenue_as_of(b.book) r;
COMMENT ON VIEW revenue IS 'Revenue of each service in each month, as known now, months to come included; see revenue_as_of for any other moment.';
COMMENT ON COLUMN revenue.book IS 'The book.';
COMMENT ON COLUMN revenue.month IS 'First day of the month, by the dates of the entries.';
COMMENT ON COLUMN revenue.service IS 'The service.';
COMMENT ON COLUMN revenue.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN revenue.recognised IS 'Delivered in that month: charges, a service period by its days, in minor units, before discounts.';
COMMENT ON COLUMN revenue.discounts IS 'Discounts on invoices issued in that month.';
COMMENT ON COLUMN revenue.credited IS 'Nets of credit notes issued in that month.';
COMMENT ON COLUMN revenue.net IS 'recognised - discounts - credited.';

CREATE VIEW tax_item AS
SELECT m.book, m.position, (m.at AT TIME ZONE b.time_zone)::date AS occurred_on, m.at AS occurred_at, m.invoice,
    m.currency, m.kind, t.tax ->> 'category' AS category, (t.tax ->> 'rate')::numeric AS rate,
    m.sign * (t.tax ->> 'base')::bigint AS base, m.sign * (t.tax ->> 'tax')::bigint AS tax
FROM (
    SELECT i.book, v.position, v.at, i.invoice, i.currency, 'invoiced' AS kind, v.sign, i.taxes
    FROM invoice i
    CROSS JOIN LATERAL (VALUES (i.position, i.issued_at, 1), (i.voided_position, i.voided_at, -1)) AS v (position, at, sign)
    WHERE v.position IS NOT NULL
    UNION ALL
    SELECT c.book, v.position, v.at, c.invoice, c.currency, 'credited' AS kind, v.sign, c.taxes
    FROM credit_note c
    CROSS JOIN LATERAL (VALUES (c.position, c.issued_at, 1), (c.voided_position, c.voided_at, -1)) AS v (position, at, sign)
    WHERE v.position IS NOT NULL
    UNION ALL
    SELECT d.book, d.position, d.occurred_at, d.invoice, d.currency, 'relieved' AS kind, sign(d.amount)::integer, d.taxes
    FROM debt d
) m
JOIN book b ON b.book = m.book
CROSS JOIN LATERAL jsonb_array_elements(m.taxes) AS t (tax);
COMMENT ON VIEW tax_item IS 'All that moves the tax that is owed to the state, by category and rate of each event.';
COMMENT ON COLUMN tax_item.book IS 'The book.';
COMMENT ON COLUMN tax_item.position IS 'Position of the event.';
COMMENT ON COLUMN tax_item.occurred_on IS 'Date of the event in the book''s time zone.';
COMMENT ON COLUMN tax_item.occurred_at IS 'When it happened.';
COMMENT ON COLUMN tax_item.invoice IS 'Number of the invoice.';
COMMENT ON COLUMN tax_item.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN tax_item.kind IS 'invoiced, credited (by a credit note) or relieved (with a write-off).';
COMMENT ON COLUMN tax_item.category IS 'Category in the book''s tax table; exempt and reverse_charge too.';
COMMENT ON COLUMN tax_item.rate IS 'Rate in percent.';
COMMENT ON COLUMN tax_item.base IS 'Net that is taxed, in minor units; below zero when it is voided or owed again.';
COMMENT ON COLUMN tax_item.tax IS 'Tax on it; below zero likewise.';

CREATE FUNCTION tax_as_of(
    of_book text, as_of_position bigint DEFAULT NULL, as_of_recorded timestamptz DEFAULT NULL,
    as_of_occurred date DEFAULT NULL, as_of_instant timestamptz DEFAULT NULL
) RETURNS TABLE (
    month date, category text, rate numeric, currency text, base bigint, tax bigint, credited_base bigint,
    credited_tax bigint, relieved_base bigint, relieved_tax bigint, payable bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 BEGIN ATOMIC
    SELECT date_trunc('month', t.occurred_on::timestamp)::date, t.category, t.rate, t.currency,
        coalesce(sum(t.base) FILTER (WHERE t.kind = 'invoiced'), 0)::bigint,
        coalesce(sum(t.tax) FILTER (WHERE t.kind = 'invoiced'), 0)::bigint,
        coalesce(sum(t.base) FILTER (WHERE t.kind = 'credited'), 0)::bigint,
        coalesce(sum(t.tax) FILTER (WHERE t.kind = 'credited'), 0)::bigint,
        coalesce(sum(t.base) FILTER (WHERE t.kind = 'relieved'), 0)::bigint,
        coalesce(sum(t.tax) FILTER (WHERE t.kind = 'relieved'), 0)::bigint,
        sum(CASE t.kind WHEN 'invoiced' THEN t.tax ELSE -t.tax END)::bigint
    FROM tax_item t
    WHERE t.book = of_book AND t.position <= (SELECT known(of_book, as_of_position, as_of_recorded))
        AND (t.occurred_on < coalesce(as_of_occurred, 'infinity') OR t.occurred_on = as_of_occurred
            AND t.occurred_at <= coalesce(as_of_instant, 'infinity'))
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
END;
COMMENT ON FUNCTION tax_as_of IS
    'Tax by month, category and rate: invoiced, credited, relieved and what is payable, as of any moment (null: no limit).';

CREATE VIEW tax AS
SELECT b.book, t.* FROM book b CROSS JOIN LATERAL tax_as_of(b.book) t;
COMMENT ON VIEW tax IS 'Tax by month, category and rate, as known now; see tax_as_of for any other moment.';
COMMENT ON COLUMN tax.book IS 'The book.';
COMMENT ON COLUMN tax.month IS 'First day of the month in which invoices, credit notes and write-offs are dated.';
COMMENT ON COLUMN tax.category IS 'Category in the book''s tax table; exempt and reverse_charge too.';
COMMENT ON COLUMN tax.rate IS 'Rate in percent.';
COMMENT ON COLUMN tax.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN tax.base IS 'Net invoiced, after discounts, in minor units; void invoices taken off in the month of their voiding.';
COMMENT ON COLUMN tax.tax IS 'Tax invoiced on it.';
COMMENT ON COLUMN tax.credited_base IS 'Net credited by credit notes.';
COMMENT ON COLUMN tax.credited_tax IS 'Tax credited on it.';
COMMENT ON COLUMN tax.relieved_base IS 'Net in what was written off with tax relief, less what was made good again.';
COMMENT ON COLUMN tax.relieved_tax IS 'Tax relieved on it.';
COMMENT ON COLUMN tax.payable IS 'tax - credited_tax - relieved_tax: what the journal has on tax_payable.';

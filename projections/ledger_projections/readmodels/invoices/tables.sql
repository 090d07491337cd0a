-- Invoices with what settles them; payments and credit notes with what is left of them.

CREATE TABLE invoice (
    book        text        NOT NULL,
    invoice     text        NOT NULL,
    customer    text        NOT NULL,
    series      text        NOT NULL,
    sequence    bigint      NOT NULL,
    currency    text        NOT NULL,
    issued_on   date        NOT NULL,
    due_on      date        NOT NULL,
    net         bigint      NOT NULL,
    discount    bigint      NOT NULL,
    tax         bigint      NOT NULL,
    total       bigint      NOT NULL,
    allocated   bigint      NOT NULL,
    credited    bigint      NOT NULL,
    written_off bigint      NOT NULL,
    disputed    bigint      NOT NULL,
    due         bigint      NOT NULL GENERATED ALWAYS AS (
        CASE WHEN voided_at IS NULL THEN total - allocated - credited - written_off ELSE 0 END) STORED,
    settled_by  text        CONSTRAINT settled_by_known CHECK (settled_by IN ('paid', 'credited', 'written_off')),
    voided_at   timestamptz,
    void_reason text,
    voided_position bigint,
    discounts   jsonb       NOT NULL,
    taxes       jsonb       NOT NULL,
    rounding    text,
    issued_at   timestamptz NOT NULL,
    position    bigint      NOT NULL,
    PRIMARY KEY (book, invoice)
) WITH (fillfactor = 85);
COMMENT ON TABLE invoice IS 'Every invoice, complete in itself, and what lowers its due.';
COMMENT ON COLUMN invoice.book IS 'The book.';
COMMENT ON COLUMN invoice.invoice IS 'Number: the prefix of the series and the sequence.';
COMMENT ON COLUMN invoice.customer IS 'Who owes.';
COMMENT ON COLUMN invoice.series IS 'Series of numbers.';
COMMENT ON COLUMN invoice.sequence IS 'Place in the series: 1, 2, 3 … without gaps.';
COMMENT ON COLUMN invoice.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN invoice.issued_on IS 'Date of issue in the book''s time zone.';
COMMENT ON COLUMN invoice.due_on IS 'Last date on which it is paid in time.';
COMMENT ON COLUMN invoice.net IS 'Sum of the lines'' nets before discounts, in minor units.';
COMMENT ON COLUMN invoice.discount IS 'Discounts, taken off the net before tax.';
COMMENT ON COLUMN invoice.tax IS 'Tax, summed over the categories.';
COMMENT ON COLUMN invoice.total IS 'net - discount + tax.';
COMMENT ON COLUMN invoice.allocated IS 'Paid: payments and credit used on it.';
COMMENT ON COLUMN invoice.credited IS 'Lowered by credit notes; what they left as credit is not in it.';
COMMENT ON COLUMN invoice.written_off IS 'Given up, and not made good since.';
COMMENT ON COLUMN invoice.disputed IS 'Part of the due that is in dispute.';
COMMENT ON COLUMN invoice.due IS 'total - allocated - credited - written_off; nothing once it is void.';
COMMENT ON COLUMN invoice.settled_by IS 'What lowered the due last: paid, credited or written_off.';
COMMENT ON COLUMN invoice.voided_at IS 'When it was voided.';
COMMENT ON COLUMN invoice.void_reason IS 'Why it was voided.';
COMMENT ON COLUMN invoice.voided_position IS 'Position of the invoice.voided.';
COMMENT ON COLUMN invoice.discounts IS 'The discounts used and their amounts; see invoice_discount.';
COMMENT ON COLUMN invoice.taxes IS 'Rate, base and tax of each category; see invoice_tax.';
COMMENT ON COLUMN invoice.rounding IS 'Name of the policy by which tax was rounded.';
COMMENT ON COLUMN invoice.issued_at IS 'When it was issued.';
COMMENT ON COLUMN invoice.position IS 'Position of the invoice.issued.';

CREATE TABLE invoice_line (
    book         text    NOT NULL,
    invoice      text    NOT NULL,
    line         integer NOT NULL,
    charge       text    NOT NULL,
    service      text    NOT NULL,
    description  text,
    quantity     numeric,
    unit_price   numeric,
    net          bigint  NOT NULL,
    discount     bigint  NOT NULL,
    tax_category text    NOT NULL,
    rate         numeric NOT NULL,
    supplied_on  date    NOT NULL,
    begins_on    date,
    ends_on      date
) WITH (fillfactor = 100);
COMMENT ON TABLE invoice_line IS 'The lines of every invoice.';
COMMENT ON COLUMN invoice_line.book IS 'The book.';
COMMENT ON COLUMN invoice_line.invoice IS 'Number of the invoice.';
COMMENT ON COLUMN invoice_line.line IS 'Place on the invoice, from 1.';
COMMENT ON COLUMN invoice_line.charge IS 'The customer''s charge that it bills.';
COMMENT ON COLUMN invoice_line.service IS 'Identifier of the service.';
COMMENT ON COLUMN invoice_line.description IS 'What a person reads.';
COMMENT ON COLUMN invoice_line.quantity IS 'How many; null where the charge said its net.';
COMMENT ON COLUMN invoice_line.unit_price IS 'Price of one in minor units; may have a fraction.';
COMMENT ON COLUMN invoice_line.net IS 'quantity * unit_price, rounded half away from zero; before discount and tax.';
COMMENT ON COLUMN invoice_line.discount IS 'The line''s share of the discounts.';
COMMENT ON COLUMN invoice_line.tax_category IS 'Category in the book''s tax table.';
COMMENT ON COLUMN invoice_line.rate IS 'Rate of tax in percent.';
COMMENT ON COLUMN invoice_line.supplied_on IS 'Date that decides on the rate.';
COMMENT ON COLUMN invoice_line.begins_on IS 'First day of the service period, if it has one.';
COMMENT ON COLUMN invoice_line.ends_on IS 'Last day of the service period.';

CREATE TABLE payment (
    book         text        NOT NULL,
    customer     text        NOT NULL,
    payment      text        NOT NULL,
    currency     text        NOT NULL,
    amount       bigint      NOT NULL,
    allocated    bigint      NOT NULL,
    refunded     bigint      NOT NULL,
    returned     bigint      NOT NULL,
    charged_back bigint      NOT NULL,
    unallocated  bigint      NOT NULL GENERATED ALWAYS AS (amount - allocated - refunded - returned - charged_back) STORED,
    method       text,
    reference    text,
    received_at  timestamptz NOT NULL,
    position     bigint      NOT NULL,
    PRIMARY KEY (book, customer, payment)
) WITH (fillfactor = 85);
COMMENT ON TABLE payment IS 'Money that came in, and what became of it.';
COMMENT ON COLUMN payment.book IS 'The book.';
COMMENT ON COLUMN payment.customer IS 'Who paid.';
COMMENT ON COLUMN payment.payment IS 'Identifier of the payment, unique for the customer.';
COMMENT ON COLUMN payment.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN payment.amount IS 'What came in, in minor units.';
COMMENT ON COLUMN payment.allocated IS 'Used on invoices.';
COMMENT ON COLUMN payment.refunded IS 'Sent back by us.';
COMMENT ON COLUMN payment.returned IS 'Bounced.';
COMMENT ON COLUMN payment.charged_back IS 'Taken back by a chargeback and not restored.';
COMMENT ON COLUMN payment.unallocated IS 'What is left of it as credit; below zero when the bank took back more than we held.';
COMMENT ON COLUMN payment.method IS 'How it was paid.';
COMMENT ON COLUMN payment.reference IS 'The payer''s or the bank''s reference.';
COMMENT ON COLUMN payment.received_at IS 'When it came in.';
COMMENT ON COLUMN payment.position IS 'Position of the payment.received.';

CREATE TABLE payment_failure (
    book      text        NOT NULL,
    customer  text        NOT NULL,
    payment   text        NOT NULL,
    currency  text        NOT NULL,
    amount    bigint      NOT NULL,
    reason    text        NOT NULL,
    failed_at timestamptz NOT NULL,
    position  bigint      NOT NULL,
    PRIMARY KEY (book, customer, position)
);
COMMENT ON TABLE payment_failure IS 'Payments that failed; no money moved.';
COMMENT ON COLUMN payment_failure.book IS 'The book.';
COMMENT ON COLUMN payment_failure.customer IS 'Who tried to pay.';
COMMENT ON COLUMN payment_failure.payment IS 'Identifier of the payment.';
COMMENT ON COLUMN payment_failure.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN payment_failure.amount IS 'What should have come in, in minor units.';
COMMENT ON COLUMN payment_failure.reason IS 'Reason code.';
COMMENT ON COLUMN payment_failure.failed_at IS 'When it failed.';
COMMENT ON COLUMN payment_failure.position IS 'Position of the payment.failed.';

CREATE TABLE credit_note (
    book          text        NOT NULL,
    credit_note   text        NOT NULL,
    customer      text        NOT NULL,
    series        text        NOT NULL,
    sequence      bigint      NOT NULL,
    invoice       text        NOT NULL,
    currency      text        NOT NULL,
    net           bigint      NOT NULL,
    tax           bigint      NOT NULL,
    total         bigint      NOT NULL,
    to_receivable bigint      NOT NULL,
    to_disputed   bigint      NOT NULL,
    to_credit     bigint      NOT NULL,
    allocated     bigint      NOT NULL,
    refunded      bigint      NOT NULL,
    unallocated   bigint      NOT NULL GENERATED ALWAYS AS (
        CASE WHEN voided_at IS NULL THEN to_credit - allocated - refunded ELSE 0 END) STORED,
    reason        text        NOT NULL,
    voided_at     timestamptz,
    void_reason   text,
    voided_position bigint,
    lines         jsonb       NOT NULL,
    taxes         jsonb       NOT NULL,
    issued_at     timestamptz NOT NULL,
    position      bigint      NOT NULL,
    PRIMARY KEY (book, credit_note)
) WITH (fillfactor = 85);
COMMENT ON TABLE credit_note IS 'Every credit note: what it took off its invoice, and what it left as credit.';
COMMENT ON COLUMN credit_note.book IS 'The book.';
COMMENT ON COLUMN credit_note.credit_note IS 'Number: the prefix of the series and the sequence.';
COMMENT ON COLUMN credit_note.customer IS 'Who owes less.';
COMMENT ON COLUMN credit_note.series IS 'Series of numbers.';
COMMENT ON COLUMN credit_note.sequence IS 'Place in the series: 1, 2, 3 … without gaps.';
COMMENT ON COLUMN credit_note.invoice IS 'Number of the invoice that it lowers.';
COMMENT ON COLUMN credit_note.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN credit_note.net IS 'Net credited, in minor units.';
COMMENT ON COLUMN credit_note.tax IS 'Tax credited.';
COMMENT ON COLUMN credit_note.total IS 'net + tax.';
COMMENT ON COLUMN credit_note.to_receivable IS 'Part that lowers what is due outside disputes.';
COMMENT ON COLUMN credit_note.to_disputed IS 'Part that lowers what is in dispute.';
COMMENT ON COLUMN credit_note.to_credit IS 'The rest, which becomes credit of the customer.';
COMMENT ON COLUMN credit_note.allocated IS 'Part of that credit used on invoices.';
COMMENT ON COLUMN credit_note.refunded IS 'Part of that credit sent back.';
COMMENT ON COLUMN credit_note.unallocated IS 'What is left of that credit; nothing once it is void.';
COMMENT ON COLUMN credit_note.reason IS 'Why it was issued.';
COMMENT ON COLUMN credit_note.voided_at IS 'When it was voided.';
COMMENT ON COLUMN credit_note.void_reason IS 'Why it was voided.';
COMMENT ON COLUMN credit_note.voided_position IS 'Position of the credit_note.voided.';
COMMENT ON COLUMN credit_note.lines IS 'Lines of the invoice and the net credited on each; see credit_note_line.';
COMMENT ON COLUMN credit_note.taxes IS 'Rate, base and tax of each category.';
COMMENT ON COLUMN credit_note.issued_at IS 'When it was issued.';
COMMENT ON COLUMN credit_note.position IS 'Position of the credit_note.issued.';

CREATE TABLE allocation (
    book        text        NOT NULL,
    position    bigint      NOT NULL,
    customer    text        NOT NULL,
    payment     text,
    credit_note text,
    invoice     text        NOT NULL,
    currency    text        NOT NULL,
    amount      bigint      NOT NULL,
    automatic   boolean     NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT one_source CHECK ((payment IS NULL) <> (credit_note IS NULL))
) WITH (fillfactor = 100);
COMMENT ON TABLE allocation IS 'Every use of a payment or of a credit note on an invoice, and every undoing.';
COMMENT ON COLUMN allocation.book IS 'The book.';
COMMENT ON COLUMN allocation.position IS 'Position of the event.';
COMMENT ON COLUMN allocation.customer IS 'Whose payment and invoice they are.';
COMMENT ON COLUMN allocation.payment IS 'The payment that is used, or null.';
COMMENT ON COLUMN allocation.credit_note IS 'The credit note that is used, or null.';
COMMENT ON COLUMN allocation.invoice IS 'Number of the invoice that it is used on.';
COMMENT ON COLUMN allocation.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN allocation.amount IS 'Minor units; below zero when an allocation is undone.';
COMMENT ON COLUMN allocation.automatic IS 'Whether the ledger made it by itself.';
COMMENT ON COLUMN allocation.occurred_at IS 'When it occurred.';

CREATE TABLE holding (
    book     text   NOT NULL,
    position bigint NOT NULL,
    customer text   NOT NULL,
    invoice  text   NOT NULL,
    dispute  text   NOT NULL,
    amount   bigint NOT NULL
) WITH (fillfactor = 100);
COMMENT ON TABLE holding IS 'What each complaint keeps of an invoice in dispute: all that changes it.';
COMMENT ON COLUMN holding.book IS 'The book.';
COMMENT ON COLUMN holding.position IS 'Position of the event.';
COMMENT ON COLUMN holding.customer IS 'Who complains.';
COMMENT ON COLUMN holding.invoice IS 'Number of the invoice.';
COMMENT ON COLUMN holding.dispute IS 'The complaint.';
COMMENT ON COLUMN holding.amount IS 'Minor units; below zero when it keeps less than before.';

CREATE TABLE debt (
    book        text        NOT NULL,
    position    bigint      NOT NULL,
    customer    text        NOT NULL,
    invoice     text        NOT NULL,
    currency    text        NOT NULL,
    amount      bigint      NOT NULL,
    net         bigint      NOT NULL,
    tax         bigint      NOT NULL,
    taxes       jsonb       NOT NULL,
    reason      text,
    credit_note text,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (book, position)
) WITH (fillfactor = 100);
COMMENT ON TABLE debt IS 'Every write-off, and whatever of it was made good: below zero.';
COMMENT ON COLUMN debt.book IS 'The book.';
COMMENT ON COLUMN debt.position IS 'Position of the event.';
COMMENT ON COLUMN debt.customer IS 'Who owed.';
COMMENT ON COLUMN debt.invoice IS 'Number of the invoice.';
COMMENT ON COLUMN debt.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN debt.amount IS 'Minor units given up; below zero when they are owed again.';
COMMENT ON COLUMN debt.net IS 'Part of it that is lost: bad debt.';
COMMENT ON COLUMN debt.tax IS 'Part of it that came back from the state as tax relief.';
COMMENT ON COLUMN debt.taxes IS 'Rate, base and tax of each category in that, always above zero.';
COMMENT ON COLUMN debt.reason IS 'Why it was given up.';
COMMENT ON COLUMN debt.credit_note IS 'The credit note that took it back, where nobody paid.';
COMMENT ON COLUMN debt.occurred_at IS 'When it occurred.';

-- sum() makes a numeric of bigints, for each group, and nothing of none.
CREATE AGGREGATE total(bigint) (sfunc = int8pl, stype = bigint, initcond = '0', parallel = safe);

-- Read from the canonical bytes without parsing them: no text can hold the key with its quotes bare, and what follows is a
-- name, in which nothing is ever escaped. Null where the key is not there.
CREATE FUNCTION source_of(state bytea, key bytea) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN position(key IN state) > 0 THEN
        split_part(encode(substring(state FROM position(key IN state) + length(key) FOR 65), 'escape'), '"', 1) END
$$;

-- Dunning: the steps that each book agreed on, and the reminders that were sent.

CREATE TABLE policy (
    book           text   NOT NULL,
    effective_from date   NOT NULL,
    steps          jsonb  NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (book, effective_from)
);
COMMENT ON TABLE policy IS 'The policies of dunning; the one of the latest date that has come is in force.';
COMMENT ON COLUMN policy.book IS 'The book.';
COMMENT ON COLUMN policy.effective_from IS 'First day that it counts for. A later event for the same day replaces it.';
COMMENT ON COLUMN policy.steps IS 'Its steps in order: days after the due date, kind, and the least amount by currency. None ends dunning.';
COMMENT ON COLUMN policy.position IS 'Position of the policy.changed.';

CREATE TABLE reminder (
    book         text        NOT NULL,
    invoice      text        NOT NULL,
    step         integer     NOT NULL,
    customer     text        NOT NULL,
    kind         text        NOT NULL,
    currency     text        NOT NULL,
    amount       bigint      NOT NULL,
    days_overdue integer     NOT NULL,
    sent_on      date        NOT NULL,
    sent_at      timestamptz NOT NULL,
    sent_by      text        NOT NULL,
    position     bigint      NOT NULL,
    PRIMARY KEY (book, invoice, step)
);
COMMENT ON TABLE reminder IS 'Every reminder that was sent.';
COMMENT ON COLUMN reminder.book IS 'The book.';
COMMENT ON COLUMN reminder.invoice IS 'Number of the invoice that it is about.';
COMMENT ON COLUMN reminder.step IS 'Step of the dunning, from 1.';
COMMENT ON COLUMN reminder.customer IS 'Who owes.';
COMMENT ON COLUMN reminder.kind IS 'Which reminder it is, as the policy names it.';
COMMENT ON COLUMN reminder.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN reminder.amount IS 'What was due of the invoice and not in dispute, in minor units.';
COMMENT ON COLUMN reminder.days_overdue IS 'Days since the due date.';
COMMENT ON COLUMN reminder.sent_on IS 'Date in the book''s time zone.';
COMMENT ON COLUMN reminder.sent_at IS 'When it was sent.';
COMMENT ON COLUMN reminder.sent_by IS 'Who had it sent; ledger when it was by itself.';
COMMENT ON COLUMN reminder.position IS 'Position of the reminder.sent.';

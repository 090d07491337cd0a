-- Disputes: complaints, inquiries and chargebacks, and how each went.

CREATE TABLE dispute (
    book         text        NOT NULL,
    customer     text        NOT NULL,
    dispute      text        NOT NULL,
    kind         text        NOT NULL CONSTRAINT kind_known CHECK (kind IN ('complaint', 'inquiry', 'chargeback')),
    state        text        NOT NULL CONSTRAINT state_known CHECK (state IN ('open', 'resolved')),
    outcome      text,
    invoice      text,
    charge       text,
    payment      text,
    currency     text,
    amount       bigint,
    held         bigint      NOT NULL,
    charged_back bigint      NOT NULL,
    fee          bigint      NOT NULL,
    upheld       bigint      NOT NULL,
    released     bigint      NOT NULL,
    restored     bigint      NOT NULL,
    fee_returned bigint      NOT NULL,
    reason       text        NOT NULL,
    resolution   text,
    respond_by   date,
    lines        jsonb       NOT NULL,
    inquiry      text,
    assignee     text,
    level        integer     NOT NULL,
    escalated_to text,
    evidence     integer     NOT NULL,
    deadline     date,
    acts_at      timestamptz,
    lapsed       date,
    withdrawn_at timestamptz,
    touched_at   timestamptz,
    opened_at    timestamptz NOT NULL,
    opened_by    text        NOT NULL,
    resolved_at  timestamptz,
    resolved_by  text,
    position     bigint      NOT NULL,
    PRIMARY KEY (book, customer, dispute),
    CONSTRAINT resolved_is_told CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE dispute IS 'Every dispute, open or resolved.';
COMMENT ON COLUMN dispute.book IS 'The book.';
COMMENT ON COLUMN dispute.customer IS 'Who disputes.';
COMMENT ON COLUMN dispute.dispute IS 'Identifier of the dispute, unique for the customer.';
COMMENT ON COLUMN dispute.kind IS 'complaint, inquiry (no money moves) or chargeback.';
COMMENT ON COLUMN dispute.state IS 'open or resolved.';
COMMENT ON COLUMN dispute.outcome IS 'How it ended: upheld, partly_upheld, rejected, withdrawn, won or lost.';
COMMENT ON COLUMN dispute.invoice IS 'Number of the invoice that it is about, if any.';
COMMENT ON COLUMN dispute.charge IS 'The charge that it is about, if any.';
COMMENT ON COLUMN dispute.payment IS 'The payment that was charged back, if any.';
COMMENT ON COLUMN dispute.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN dispute.amount IS 'Disputed amount in minor units, tax included.';
COMMENT ON COLUMN dispute.held IS 'What moved from receivable to disputed when it was opened.';
COMMENT ON COLUMN dispute.charged_back IS 'What the bank took back when it was opened.';
COMMENT ON COLUMN dispute.fee IS 'What the bank charged us for it.';
COMMENT ON COLUMN dispute.upheld IS 'What was upheld, tax included.';
COMMENT ON COLUMN dispute.released IS 'What moved back from disputed to receivable.';
COMMENT ON COLUMN dispute.restored IS 'What the bank gave back.';
COMMENT ON COLUMN dispute.fee_returned IS 'What of the fee came back.';
COMMENT ON COLUMN dispute.reason IS 'Reason code of the dispute.';
COMMENT ON COLUMN dispute.resolution IS 'Reason of the outcome.';
COMMENT ON COLUMN dispute.respond_by IS 'The last day to answer that was given when it was opened.';
COMMENT ON COLUMN dispute.lines IS 'Lines of the invoice that it is about.';
COMMENT ON COLUMN dispute.inquiry IS 'The inquiry that became this chargeback, if any.';
COMMENT ON COLUMN dispute.assignee IS 'Who works on it, or worked on it last; null while it waits in the queue.';
COMMENT ON COLUMN dispute.level IS 'How often it was escalated.';
COMMENT ON COLUMN dispute.escalated_to IS 'To whom, the last time that it was said.';
COMMENT ON COLUMN dispute.evidence IS 'How many files of evidence were submitted.';
COMMENT ON COLUMN dispute.deadline IS 'The last day to answer, while an answer is awaited: evidence meets it, an escalation may set another one.';
COMMENT ON COLUMN dispute.acts_at IS 'When the ledger acts by itself, unless an answer comes; null where it does not.';
COMMENT ON COLUMN dispute.lapsed IS 'The last deadline that passed without an answer.';
COMMENT ON COLUMN dispute.withdrawn_at IS 'When the customer withdrew the chargeback, which the bank still decides.';
COMMENT ON COLUMN dispute.touched_at IS 'When somebody first assigned, answered, escalated or resolved it.';
COMMENT ON COLUMN dispute.opened_at IS 'When it was opened.';
COMMENT ON COLUMN dispute.opened_by IS 'Who recorded it.';
COMMENT ON COLUMN dispute.resolved_at IS 'When it was resolved.';
COMMENT ON COLUMN dispute.resolved_by IS 'Who resolved it.';
COMMENT ON COLUMN dispute.position IS 'Position of the dispute.opened.';

CREATE TABLE evidence (
    book         text        NOT NULL,
    customer     text        NOT NULL,
    dispute      text        NOT NULL,
    sha256       text        NOT NULL,
    name         text        NOT NULL,
    media_type   text        NOT NULL,
    size         bigint      NOT NULL,
    submitted_at timestamptz NOT NULL,
    submitted_by text        NOT NULL,
    position     bigint      NOT NULL,
    PRIMARY KEY (book, customer, dispute, sha256)
);
COMMENT ON TABLE evidence IS 'Files of evidence. The files themselves are in the vault.';
COMMENT ON COLUMN evidence.book IS 'The book.';
COMMENT ON COLUMN evidence.customer IS 'Whose dispute it is.';
COMMENT ON COLUMN evidence.dispute IS 'The dispute.';
COMMENT ON COLUMN evidence.sha256 IS 'SHA-256 of the file.';
COMMENT ON COLUMN evidence.name IS 'Name of the file.';
COMMENT ON COLUMN evidence.media_type IS 'Its media type.';
COMMENT ON COLUMN evidence.size IS 'Its bytes.';
COMMENT ON COLUMN evidence.submitted_at IS 'When it was submitted.';
COMMENT ON COLUMN evidence.submitted_by IS 'Who submitted it.';
COMMENT ON COLUMN evidence.position IS 'Position of the dispute.evidence_submitted.';

CREATE TABLE calendar (
    book      text PRIMARY KEY,
    time_zone text NOT NULL
);
COMMENT ON TABLE calendar IS 'When the days of each book end.';
COMMENT ON COLUMN calendar.book IS 'The book.';
COMMENT ON COLUMN calendar.time_zone IS 'IANA time zone in which its days end.';

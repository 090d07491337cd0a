-- Retention trials: their plans, who takes part in which arm, and what became of them since.

CREATE TABLE trial (
    book           text        NOT NULL,
    trial          text        NOT NULL,
    question       text        NOT NULL,
    measure        text        NOT NULL,
    criteria       jsonb       NOT NULL,
    seed           text        NOT NULL,
    ends_on        date        NOT NULL,
    ended_at       timestamptz NOT NULL,
    registered_at  timestamptz NOT NULL,
    registered_by  text        NOT NULL,
    position       bigint      NOT NULL,
    PRIMARY KEY (book, trial)
);
COMMENT ON TABLE trial IS 'Every trial, as it was registered before its data.';
COMMENT ON COLUMN trial.book IS 'The book.';
COMMENT ON COLUMN trial.trial IS 'Identifier of the trial.';
COMMENT ON COLUMN trial.question IS 'What it is to answer.';
COMMENT ON COLUMN trial.measure IS 'What decides it, as it was said before.';
COMMENT ON COLUMN trial.criteria IS 'What must hold of a customer who takes part.';
COMMENT ON COLUMN trial.seed IS 'Seed of the draw.';
COMMENT ON COLUMN trial.ends_on IS 'Last date on which customers take part, and up to which is measured.';
COMMENT ON COLUMN trial.ended_at IS 'The instant after that date, in the book''s time zone.';
COMMENT ON COLUMN trial.registered_at IS 'When it was registered.';
COMMENT ON COLUMN trial.registered_by IS 'Who registered it.';
COMMENT ON COLUMN trial.position IS 'Position of the trial.registered.';

CREATE TABLE trial_arm (
    book        text    NOT NULL,
    trial       text    NOT NULL,
    place       integer NOT NULL,
    arm         text    NOT NULL,
    share       numeric NOT NULL,
    description text,
    PRIMARY KEY (book, trial, arm)
);
COMMENT ON TABLE trial_arm IS 'The arms of each trial, hold_out last.';
COMMENT ON COLUMN trial_arm.book IS 'The book.';
COMMENT ON COLUMN trial_arm.trial IS 'The trial.';
COMMENT ON COLUMN trial_arm.place IS 'Place in the plan, in which the shares are laid next to each other for the draw.';
COMMENT ON COLUMN trial_arm.arm IS 'Identifier of the arm; hold_out is left alone.';
COMMENT ON COLUMN trial_arm.share IS 'Percent of those who take part.';
COMMENT ON COLUMN trial_arm.description IS 'What is done with them.';

CREATE TABLE assignment (
    book        text        NOT NULL,
    customer    text        NOT NULL,
    trial       text        NOT NULL,
    arm         text        NOT NULL,
    assigned_at timestamptz NOT NULL,
    closed_at   timestamptz,
    position    bigint      NOT NULL,
    PRIMARY KEY (book, customer, trial)
) WITH (fillfactor = 80);
COMMENT ON TABLE assignment IS 'Who takes part in which arm, and whether they left since.';
COMMENT ON COLUMN assignment.book IS 'The book.';
COMMENT ON COLUMN assignment.customer IS 'Who takes part.';
COMMENT ON COLUMN assignment.trial IS 'The trial.';
COMMENT ON COLUMN assignment.arm IS 'The arm that was drawn.';
COMMENT ON COLUMN assignment.assigned_at IS 'When.';
COMMENT ON COLUMN assignment.closed_at IS 'When the customer ended, if they did.';
COMMENT ON COLUMN assignment.position IS 'Position of the trial.assigned.';

CREATE TABLE billed (
    book      text        NOT NULL,
    invoice   text        NOT NULL,
    customer  text        NOT NULL,
    currency  text        NOT NULL,
    net       bigint      NOT NULL,
    discount  bigint      NOT NULL,
    credited  bigint      NOT NULL,
    void      boolean     NOT NULL,
    issued_at timestamptz NOT NULL,
    position  bigint      NOT NULL,
    PRIMARY KEY (book, invoice)
) WITH (fillfactor = 80);
COMMENT ON TABLE billed IS 'The invoices of customers who take part in a trial, from their first assignment on.';
COMMENT ON COLUMN billed.book IS 'The book.';
COMMENT ON COLUMN billed.invoice IS 'Number of the invoice.';
COMMENT ON COLUMN billed.customer IS 'Whose it is.';
COMMENT ON COLUMN billed.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN billed.net IS 'Net before discounts, in minor units.';
COMMENT ON COLUMN billed.discount IS 'What discounts took off it.';
COMMENT ON COLUMN billed.credited IS 'Net that credit notes took back.';
COMMENT ON COLUMN billed.void IS 'Whether it was voided.';
COMMENT ON COLUMN billed.issued_at IS 'When it was issued.';
COMMENT ON COLUMN billed.position IS 'Position of the invoice.issued.';

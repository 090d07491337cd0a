-- Discounts: what was granted to whom, by whom and why, and how much of it is used.

CREATE TABLE discount (
    book          text        NOT NULL,
    customer      text        NOT NULL,
    discount      text        NOT NULL,
    kind          text        NOT NULL CONSTRAINT kind_known CHECK (kind IN ('percent', 'fixed')),
    percent       numeric,
    amount        bigint,
    currency      text,
    at_most       bigint,
    charge        text,
    service       text,
    invoices      integer,
    reason        text        NOT NULL,
    campaign      text,
    until         date,
    criterion     text,
    alternative   text,
    worth         bigint,
    role          text,
    policy_from   date,
    requested_at  timestamptz,
    requested_by  text,
    requested_in  text,
    exceeds       text,
    decision      text        CONSTRAINT decision_known CHECK (decision IN ('approved', 'declined')),
    decided_at    timestamptz,
    decided_by    text,
    decided_in    text,
    decision_reason text,
    offered_at    timestamptz,
    offer_recorded_at timestamptz,
    offered_by    text,
    offered_until date,
    answer        text        CONSTRAINT answer_known CHECK (answer IN ('accepted', 'refused')),
    answered_at   timestamptz,
    answered_by   text,
    answer_reason text,
    used          bigint,
    uses          integer     NOT NULL,
    granted_at    timestamptz,
    grant_recorded_at timestamptz,
    granted_by    text,
    revoked_at    timestamptz,
    revoked_by    text,
    revoke_reason text,
    withdrawn_at  timestamptz,
    withdraw_reason text,
    position      bigint      NOT NULL,
    PRIMARY KEY (book, customer, discount),
    CONSTRAINT decided_is_requested CHECK (decision IS NULL OR requested_at IS NOT NULL),
    CONSTRAINT answered_is_offered CHECK (answer IS NULL OR offered_at IS NOT NULL),
    CONSTRAINT never_decided_by_its_asker CHECK (decided_by <> requested_by)
) WITH (fillfactor = 80);
COMMENT ON TABLE discount IS 'Every discount that was granted to a customer, offered to them, or requested for them.';
COMMENT ON COLUMN discount.book IS 'The book.';
COMMENT ON COLUMN discount.customer IS 'Whose it is.';
COMMENT ON COLUMN discount.discount IS 'Identifier of the discount, unique for the customer.';
COMMENT ON COLUMN discount.kind IS 'percent or fixed.';
COMMENT ON COLUMN discount.percent IS 'Percent of what is left after earlier discounts.';
COMMENT ON COLUMN discount.amount IS 'Fixed amount in minor units.';
COMMENT ON COLUMN discount.currency IS 'ISO 4217 code of amount or at_most.';
COMMENT ON COLUMN discount.at_most IS 'Of one in percent, what it may take off on all invoices together, in minor units; null is no bound.';
COMMENT ON COLUMN discount.charge IS 'The one charge that it is limited to, if any.';
COMMENT ON COLUMN discount.service IS 'The one service that it is limited to, if any.';
COMMENT ON COLUMN discount.invoices IS 'For how many invoices it is; null is for ever.';
COMMENT ON COLUMN discount.reason IS 'Reason code.';
COMMENT ON COLUMN discount.campaign IS 'Campaign that it belongs to.';
COMMENT ON COLUMN discount.until IS 'Last date on which it counts.';
COMMENT ON COLUMN discount.criterion IS 'The criterion of the policy that it is granted on.';
COMMENT ON COLUMN discount.alternative IS 'The alternative that was offered before.';
COMMENT ON COLUMN discount.worth IS 'All that it can ever take off, in minor units; null where nothing bounds it.';
COMMENT ON COLUMN discount.role IS 'The role under whose authority it is granted or offered; of a request, that of the asker. Null without a policy.';
COMMENT ON COLUMN discount.policy_from IS 'The day from which that policy counts.';
COMMENT ON COLUMN discount.requested_at IS 'When it was asked of a second person; null where it was within the authority.';
COMMENT ON COLUMN discount.requested_by IS 'Who asked.';
COMMENT ON COLUMN discount.requested_in IS 'In which role they asked.';
COMMENT ON COLUMN discount.exceeds IS 'The first limit that it is beyond: criterion, percent, amount, invoices, customer_grants or customer_amount.';
COMMENT ON COLUMN discount.decision IS 'approved or declined; null while nobody decided.';
COMMENT ON COLUMN discount.decided_at IS 'When it was decided.';
COMMENT ON COLUMN discount.decided_by IS 'Who decided; never who asked.';
COMMENT ON COLUMN discount.decided_in IS 'In which role they decided.';
COMMENT ON COLUMN discount.decision_reason IS 'Why it was decided so.';
COMMENT ON COLUMN discount.offered_at IS 'When it was offered to the customer; null where it was not.';
COMMENT ON COLUMN discount.offer_recorded_at IS 'When the log took the offer: from then on it counts against the authority.';
COMMENT ON COLUMN discount.offered_by IS 'Who offered it, or approved that it is offered.';
COMMENT ON COLUMN discount.offered_until IS 'Last date on which the customer can accept.';
COMMENT ON COLUMN discount.answer IS 'accepted or refused; null while the customer did not answer.';
COMMENT ON COLUMN discount.answered_at IS 'When they answered.';
COMMENT ON COLUMN discount.answered_by IS 'Who recorded the answer.';
COMMENT ON COLUMN discount.answer_reason IS 'Why they refused.';
COMMENT ON COLUMN discount.grant_recorded_at IS 'When the log took the grant: from then on it counts against the authority.';
COMMENT ON COLUMN discount.used IS 'Minor units taken off so far on invoices that are not void. Null of one that is in any currency: see usage.';
COMMENT ON COLUMN discount.uses IS 'On how many invoices that are not void.';
COMMENT ON COLUMN discount.granted_at IS 'When it was granted; null while it is not.';
COMMENT ON COLUMN discount.granted_by IS 'Who recorded that it is granted.';
COMMENT ON COLUMN discount.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN discount.revoked_by IS 'Who revoked it.';
COMMENT ON COLUMN discount.revoke_reason IS 'Why it was revoked.';
COMMENT ON COLUMN discount.withdrawn_at IS 'When who asked withdrew the request.';
COMMENT ON COLUMN discount.withdraw_reason IS 'Why.';
COMMENT ON COLUMN discount.position IS 'Position of the first event about it.';

CREATE TABLE discount_use (
    book     text    NOT NULL,
    invoice  text    NOT NULL,
    customer text    NOT NULL,
    discount text    NOT NULL,
    currency text    NOT NULL,
    amount   bigint  NOT NULL,
    void     boolean NOT NULL,
    position bigint  NOT NULL,
    PRIMARY KEY (book, invoice, discount)
) WITH (fillfactor = 95);
COMMENT ON TABLE discount_use IS 'Which discount took how much off which invoice.';
COMMENT ON COLUMN discount_use.book IS 'The book.';
COMMENT ON COLUMN discount_use.invoice IS 'Number of the invoice.';
COMMENT ON COLUMN discount_use.customer IS 'Whose discount and invoice they are.';
COMMENT ON COLUMN discount_use.discount IS 'Identifier of the discount.';
COMMENT ON COLUMN discount_use.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN discount_use.amount IS 'Minor units taken off the net.';
COMMENT ON COLUMN discount_use.void IS 'Whether the invoice was voided, which gave the discount back.';
COMMENT ON COLUMN discount_use.position IS 'Position of the invoice.issued.';

CREATE TABLE authority (
    book            text    NOT NULL,
    position        bigint  NOT NULL,
    role            text    NOT NULL,
    effective_from  date    NOT NULL,
    percent         numeric NOT NULL,
    invoices        integer,
    customer_days   integer,
    customer_grants integer,
    approves        boolean NOT NULL,
    without_role    boolean NOT NULL,
    PRIMARY KEY (book, position, role)
);
COMMENT ON TABLE authority IS 'What each role may grant, by each policy; the policy of the latest date that has come is in force, see authority_in_force.';
COMMENT ON COLUMN authority.book IS 'The book.';
COMMENT ON COLUMN authority.position IS 'Position of the policy.changed.';
COMMENT ON COLUMN authority.role IS 'The role, as API keys say it.';
COMMENT ON COLUMN authority.effective_from IS 'First date of the policy. A later event for the same date replaces it.';
COMMENT ON COLUMN authority.percent IS 'The most that a discount in percent may have.';
COMMENT ON COLUMN authority.invoices IS 'For how many invoices a discount may be; null is any number.';
COMMENT ON COLUMN authority.customer_days IS 'How many days back discounts of a customer count; null is no limit for each customer.';
COMMENT ON COLUMN authority.customer_grants IS 'How many discounts a customer may be granted in those days; null is no such limit.';
COMMENT ON COLUMN authority.approves IS 'Whether the role may decide on requests of others.';
COMMENT ON COLUMN authority.without_role IS 'Whether keys without a role act in this one.';

CREATE TABLE authority_amount (
    book            text   NOT NULL,
    position        bigint NOT NULL,
    role            text   NOT NULL,
    currency        text   NOT NULL,
    amount          bigint,
    customer_amount bigint,
    PRIMARY KEY (book, position, role, currency)
);
COMMENT ON TABLE authority_amount IS 'The limits of each authority in one currency.';
COMMENT ON COLUMN authority_amount.book IS 'The book.';
COMMENT ON COLUMN authority_amount.position IS 'Position of the policy.changed.';
COMMENT ON COLUMN authority_amount.role IS 'The role.';
COMMENT ON COLUMN authority_amount.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN authority_amount.amount IS 'The most that one fixed discount can ever take off, in minor units; null is none.';
COMMENT ON COLUMN authority_amount.customer_amount IS 'The most that fixed discounts of one customer are worth together within the days; null is no limit.';

CREATE TABLE book (
    book      text   PRIMARY KEY,
    time_zone text   NOT NULL,
    position  bigint NOT NULL
);
COMMENT ON TABLE book IS 'The books, for the day that it is in each.';
COMMENT ON COLUMN book.book IS 'Identifier of the book.';
COMMENT ON COLUMN book.time_zone IS 'IANA time zone in which a moment becomes a date.';
COMMENT ON COLUMN book.position IS 'Position of its book.opened.';

CREATE TABLE leaving (
    book      text        NOT NULL,
    customer  text        NOT NULL,
    closed_at timestamptz NOT NULL,
    closed_by text        NOT NULL,
    position  bigint      NOT NULL,
    PRIMARY KEY (book, customer)
);
COMMENT ON TABLE leaving IS 'The customers who ended, for what became of those with a discount.';
COMMENT ON COLUMN leaving.book IS 'The book.';
COMMENT ON COLUMN leaving.customer IS 'Who ended.';
COMMENT ON COLUMN leaving.closed_at IS 'When.';
COMMENT ON COLUMN leaving.closed_by IS 'Who ended it: customer or book.';
COMMENT ON COLUMN leaving.position IS 'Position of the customer.closed.';

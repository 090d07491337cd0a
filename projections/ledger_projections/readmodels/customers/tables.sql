-- Customers: their terms, what they agreed to take, and how much happened with them.

CREATE TABLE customer (
    book           text        NOT NULL,
    customer       text        NOT NULL,
    status         text        NOT NULL CONSTRAINT status_known CHECK (status IN ('open', 'closed', 'erased')),
    currency       text        NOT NULL,
    payment_days   integer     NOT NULL,
    billing_day    integer     NOT NULL,
    locale         text        NOT NULL,
    tax_treatment  text        NOT NULL,
    segment        text,
    credit_limit   bigint,
    opened_at      timestamptz NOT NULL,
    closed_at      timestamptz,
    closed_by      text,
    closing_reason text,
    erased_at      timestamptz,
    position       bigint      NOT NULL,
    terms_position bigint      NOT NULL,
    PRIMARY KEY (book, customer),
    CONSTRAINT closed_is_told CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT erased_is_told CHECK ((status = 'erased') = (erased_at IS NOT NULL))
) WITH (fillfactor = 90);
COMMENT ON TABLE customer IS 'Who owes: the customers of each book and their terms. No personal data.';
COMMENT ON COLUMN customer.book IS 'The book.';
COMMENT ON COLUMN customer.customer IS 'Identifier of the customer.';
COMMENT ON COLUMN customer.status IS 'open, closed, or erased: closed, and the personal data is gone.';
COMMENT ON COLUMN customer.currency IS 'Currency that the customer is billed in unless a charge says otherwise (ISO 4217).';
COMMENT ON COLUMN customer.payment_days IS 'Days from the issue of an invoice until it is due.';
COMMENT ON COLUMN customer.billing_day IS 'Day of the month on which the customer is billed.';
COMMENT ON COLUMN customer.locale IS 'Language, with or without a country, that the customer reads.';
COMMENT ON COLUMN customer.tax_treatment IS 'standard, exempt or reverse_charge.';
COMMENT ON COLUMN customer.segment IS 'Group of customers, as the upstream system names it.';
COMMENT ON COLUMN customer.credit_limit IS 'Up to what the customer may owe, unbilled deliveries included, in minor units of the customer''s currency; null where nobody set one.';
COMMENT ON COLUMN customer.opened_at IS 'When the customer began.';
COMMENT ON COLUMN customer.closed_at IS 'When the customer ended.';
COMMENT ON COLUMN customer.closed_by IS 'Who ended it: customer or book.';
COMMENT ON COLUMN customer.closing_reason IS 'Reason code of the end.';
COMMENT ON COLUMN customer.erased_at IS 'When the erasure of the personal data was asked for.';
COMMENT ON COLUMN customer.position IS 'Position of the customer.opened.';
COMMENT ON COLUMN customer.terms_position IS 'Position of the last customer.opened, .changed or .closed.';

CREATE TABLE activity (
    book             text        NOT NULL,
    customer         text        NOT NULL,
    events           bigint      NOT NULL,
    charges          bigint      NOT NULL,
    invoices         bigint      NOT NULL,
    credit_notes     bigint      NOT NULL,
    payments         bigint      NOT NULL,
    disputes         bigint      NOT NULL,
    last_occurred_at timestamptz NOT NULL,
    last_position    bigint      NOT NULL,
    PRIMARY KEY (book, customer)
) WITH (fillfactor = 60);
COMMENT ON TABLE activity IS 'How much happened with each customer. Apart from the terms, because it changes with every event.';
COMMENT ON COLUMN activity.book IS 'The book.';
COMMENT ON COLUMN activity.customer IS 'Identifier of the customer.';
COMMENT ON COLUMN activity.events IS 'Events about the customer.';
COMMENT ON COLUMN activity.charges IS 'Charges posted, reversed ones included.';
COMMENT ON COLUMN activity.invoices IS 'Invoices issued, void ones included.';
COMMENT ON COLUMN activity.credit_notes IS 'Credit notes issued.';
COMMENT ON COLUMN activity.payments IS 'Payments received, returned ones included.';
COMMENT ON COLUMN activity.disputes IS 'Disputes opened.';
COMMENT ON COLUMN activity.last_occurred_at IS 'Latest time at which anything happened.';
COMMENT ON COLUMN activity.last_position IS 'Position of the last event.';

CREATE TABLE agreement (
    book           text        NOT NULL,
    customer       text        NOT NULL,
    effective_from date        NOT NULL,
    services       integer     NOT NULL,
    occurred_at    timestamptz NOT NULL,
    position       bigint      NOT NULL,
    PRIMARY KEY (book, customer, effective_from)
);
COMMENT ON TABLE agreement IS 'From which date a customer takes which set of services; the set of the latest date that has come is in force.';
COMMENT ON COLUMN agreement.book IS 'The book.';
COMMENT ON COLUMN agreement.customer IS 'Identifier of the customer.';
COMMENT ON COLUMN agreement.effective_from IS 'First date of the set. A later event for the same date replaces it.';
COMMENT ON COLUMN agreement.services IS 'How many services the set has; none ends the agreement.';
COMMENT ON COLUMN agreement.occurred_at IS 'When it was agreed.';
COMMENT ON COLUMN agreement.position IS 'Position of the agreement.changed.';

CREATE TABLE agreement_service (
    book             text    NOT NULL,
    customer         text    NOT NULL,
    effective_from   date    NOT NULL,
    line             integer NOT NULL,
    service          text    NOT NULL,
    description      text,
    quantity         numeric NOT NULL,
    unit_price       numeric NOT NULL,
    billing_interval text    NOT NULL,
    tax_category     text    NOT NULL,
    billed           text    NOT NULL,
    until            date,
    PRIMARY KEY (book, customer, effective_from, line)
);
COMMENT ON TABLE agreement_service IS 'The services of each agreement.';
COMMENT ON COLUMN agreement_service.book IS 'The book.';
COMMENT ON COLUMN agreement_service.customer IS 'Identifier of the customer.';
COMMENT ON COLUMN agreement_service.effective_from IS 'First date of the set that the service belongs to.';
COMMENT ON COLUMN agreement_service.line IS 'Place in the set, from 1.';
COMMENT ON COLUMN agreement_service.service IS 'Identifier of the service.';
COMMENT ON COLUMN agreement_service.description IS 'What a person reads.';
COMMENT ON COLUMN agreement_service.quantity IS 'How many.';
COMMENT ON COLUMN agreement_service.unit_price IS 'Price of one for a whole interval, in minor units of the customer''s currency; may have a fraction.';
COMMENT ON COLUMN agreement_service.billing_interval IS 'month, quarter or year.';
COMMENT ON COLUMN agreement_service.tax_category IS 'Category in the book''s tax table.';
COMMENT ON COLUMN agreement_service.billed IS 'advance: before an interval begins. arrears: when it is over.';
COMMENT ON COLUMN agreement_service.until IS 'Last date of the service, where it has one of its own.';

CREATE TABLE billed (
    book     text   NOT NULL,
    customer text   NOT NULL,
    currency text   NOT NULL,
    through  date   NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (book, customer, currency)
) WITH (fillfactor = 80);
COMMENT ON TABLE billed IS 'Through which date each customer is billed, by customer.bill and the billing run.';
COMMENT ON COLUMN billed.book IS 'The book.';
COMMENT ON COLUMN billed.customer IS 'Identifier of the customer.';
COMMENT ON COLUMN billed.currency IS 'ISO 4217 code of the invoice.';
COMMENT ON COLUMN billed.through IS 'Last date of the billing period that was billed last.';
COMMENT ON COLUMN billed.position IS 'Last position of the decision that billed it.';

CREATE TABLE waiting (
    book     text   NOT NULL,
    customer text   NOT NULL,
    currency text   NOT NULL,
    net      bigint NOT NULL,
    free_at  timestamptz,
    position bigint,
    PRIMARY KEY (book, customer, currency)
) WITH (fillfactor = 60);
COMMENT ON TABLE waiting IS 'What the charges come to that wait for an invoice, and when something may have come to wait that no sum shows.';
COMMENT ON COLUMN waiting.book IS 'The book.';
COMMENT ON COLUMN waiting.customer IS 'Identifier of the customer.';
COMMENT ON COLUMN waiting.currency IS 'ISO 4217 code of the charges.';
COMMENT ON COLUMN waiting.net IS 'Net of the charges that no invoice bills and nothing reversed, in minor units, whatever the posting rules say.';
COMMENT ON COLUMN waiting.free_at IS 'Latest time at which a charge of nothing occurred; null: there was none.';
COMMENT ON COLUMN waiting.position IS 'Position of the last charge of nothing, void invoice or resolved dispute; null: there was none.';

-- Discounts: what was granted to whom, by whom and why, and how much of it is used.

CREATE TABLE discount (
    book          text        NOT NULL,
    customer      text        NOT NULL,
    discount      text        NOT NULL,
    kind          text        NOT NULL CONSTRAINT kind_known CHECK (kind IN ('percent', 'fixed')),
    percent       numeric,
    amount        bigint,
    currency      text,
    charge        text,
    service       text,
    invoices      integer,
    reason        text        NOT NULL,
    campaign      text,
    until         date,
    used          bigint,
    uses          integer     NOT NULL,
    granted_at    timestamptz NOT NULL,
    granted_by    text        NOT NULL,
    revoked_at    timestamptz,
    revoked_by    text,
    revoke_reason text,
    position      bigint      NOT NULL,
    PRIMARY KEY (book, customer, discount)
) WITH (fillfactor = 80);
COMMENT ON TABLE discount IS 'Every discount granted to a customer.';
COMMENT ON COLUMN discount.book IS 'The book.';
COMMENT ON COLUMN discount.customer IS 'Who was granted it.';
COMMENT ON COLUMN discount.discount IS 'Identifier of the discount, unique for the customer.';
COMMENT ON COLUMN discount.kind IS 'percent or fixed.';
COMMENT ON COLUMN discount.percent IS 'Percent of what is left after earlier discounts.';
COMMENT ON COLUMN discount.amount IS 'Fixed amount in minor units.';
COMMENT ON COLUMN discount.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN discount.charge IS 'The one charge that it is limited to, if any.';
COMMENT ON COLUMN discount.service IS 'The one service that it is limited to, if any.';
COMMENT ON COLUMN discount.invoices IS 'For how many invoices it is; null is for ever.';
COMMENT ON COLUMN discount.reason IS 'Reason code of the grant.';
COMMENT ON COLUMN discount.campaign IS 'Campaign that it belongs to.';
COMMENT ON COLUMN discount.until IS 'Last date on which it counts.';
COMMENT ON COLUMN discount.used IS 'Of a fixed one, minor units taken off so far on invoices that are not void. Of one in percent see usage.';
COMMENT ON COLUMN discount.uses IS 'On how many invoices that are not void.';
COMMENT ON COLUMN discount.granted_at IS 'When it was granted.';
COMMENT ON COLUMN discount.granted_by IS 'Who granted it.';
COMMENT ON COLUMN discount.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN discount.revoked_by IS 'Who revoked it.';
COMMENT ON COLUMN discount.revoke_reason IS 'Why it was revoked.';
COMMENT ON COLUMN discount.position IS 'Position of the discount.granted.';

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

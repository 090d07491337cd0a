-- Sums over the journal that are asked for all the time.

CREATE TABLE customer_balance (
    book            text   NOT NULL,
    customer        text   NOT NULL,
    currency        text   NOT NULL,
    receivable      bigint NOT NULL,
    disputed        bigint NOT NULL,
    customer_credit bigint NOT NULL,
    unbilled        bigint NOT NULL,
    balance         bigint NOT NULL GENERATED ALWAYS AS (receivable + disputed + customer_credit) STORED,
    position        bigint NOT NULL,
    PRIMARY KEY (book, customer, currency)
) WITH (fillfactor = 60);
COMMENT ON TABLE customer_balance IS 'What each customer owes, one row a currency. Positive: the customer owes us.';
COMMENT ON COLUMN customer_balance.book IS 'The book.';
COMMENT ON COLUMN customer_balance.customer IS 'Who owes.';
COMMENT ON COLUMN customer_balance.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN customer_balance.receivable IS 'Billed and not yet paid, in minor units; without what is in dispute.';
COMMENT ON COLUMN customer_balance.disputed IS 'Billed, and in dispute.';
COMMENT ON COLUMN customer_balance.customer_credit IS 'What we owe the customer, below zero; above zero it is overdrawn.';
COMMENT ON COLUMN customer_balance.unbilled IS 'Delivered and not yet billed: net, before discount and tax. Not part of the balance.';
COMMENT ON COLUMN customer_balance.balance IS 'receivable + disputed + customer_credit.';
COMMENT ON COLUMN customer_balance.position IS 'Position of the last event that moved one of these.';

CREATE TABLE account_total (
    book     text    NOT NULL,
    account  text    NOT NULL,
    currency text    NOT NULL,
    debit    numeric NOT NULL,
    credit   numeric NOT NULL,
    balance  numeric NOT NULL GENERATED ALWAYS AS (debit - credit) STORED,
    PRIMARY KEY (book, account, currency)
) WITH (fillfactor = 20);
COMMENT ON TABLE account_total IS 'All that was ever posted to each account, whatever its date.';
COMMENT ON COLUMN account_total.book IS 'The book.';
COMMENT ON COLUMN account_total.account IS 'Account in the book''s chart.';
COMMENT ON COLUMN account_total.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN account_total.debit IS 'Sum of the debits in minor units.';
COMMENT ON COLUMN account_total.credit IS 'Sum of the credits, as a positive number.';
COMMENT ON COLUMN account_total.balance IS 'debit - credit.';

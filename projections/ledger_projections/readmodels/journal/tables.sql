-- The journal: postings, and the chart of accounts and the rules that lead to them.

CREATE TABLE book (
    book      text        PRIMARY KEY,
    name      text        NOT NULL,
    currency  text        NOT NULL,
    time_zone text        NOT NULL,
    opened_at timestamptz NOT NULL,
    position  bigint      NOT NULL
);
COMMENT ON TABLE book IS 'The books: one legal entity each.';
COMMENT ON COLUMN book.book IS 'Identifier of the book.';
COMMENT ON COLUMN book.name IS 'Name of the legal entity.';
COMMENT ON COLUMN book.currency IS 'Currency that the book reports in (ISO 4217).';
COMMENT ON COLUMN book.time_zone IS 'IANA time zone in which a moment becomes a date.';
COMMENT ON COLUMN book.opened_at IS 'When the book was opened.';
COMMENT ON COLUMN book.position IS 'Position of its book.opened.';

CREATE TABLE account (
    book     text   NOT NULL,
    account  text   NOT NULL,
    name     text   NOT NULL,
    kind     text   NOT NULL CONSTRAINT kind_known CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
    position bigint NOT NULL,
    PRIMARY KEY (book, account)
);
COMMENT ON TABLE account IS 'The chart of accounts.';
COMMENT ON COLUMN account.book IS 'The book whose chart it is.';
COMMENT ON COLUMN account.account IS 'Identifier that postings and rules name.';
COMMENT ON COLUMN account.name IS 'What a person reads.';
COMMENT ON COLUMN account.kind IS 'asset, liability, income or expense; a contra account is of the kind that it lowers.';
COMMENT ON COLUMN account.position IS 'Position of the event that brought the account.';

CREATE TABLE rule_set (
    book           text   NOT NULL,
    position       bigint NOT NULL,
    effective_from date   NOT NULL,
    width          integer NOT NULL,
    PRIMARY KEY (book, position)
);
-- The last to begin is looked up for every event that is dated back.
CREATE INDEX rule_set_effective ON rule_set (book, effective_from, position);
COMMENT ON TABLE rule_set IS 'Each set of posting rules. An event is posted by the set that begins last on or before its date, among those recorded before it.';
COMMENT ON COLUMN rule_set.book IS 'The book whose rules they are.';
COMMENT ON COLUMN rule_set.position IS 'Position of the event that brought the set.';
COMMENT ON COLUMN rule_set.effective_from IS 'First occurred date that the set counts for; -infinity for the book''s first set.';
COMMENT ON COLUMN rule_set.width IS 'How many rules the set has.';

CREATE TABLE posting_rule (
    book           text     NOT NULL,
    position       bigint   NOT NULL,
    effective_from date     NOT NULL,
    line           integer  NOT NULL,
    event          text     NOT NULL,
    part           text     NOT NULL CONSTRAINT part_known CHECK (part IN ('now', 'deferred', 'period')),
    account        text     NOT NULL,
    sign           smallint NOT NULL CONSTRAINT sign_is_one CHECK (sign IN (1, -1)),
    measure        text     NOT NULL,
    PRIMARY KEY (book, position, line)
);
COMMENT ON TABLE posting_rule IS 'From event to postings: each rule is one posting, sign times measure on account.';
COMMENT ON COLUMN posting_rule.book IS 'The book whose rule it is.';
COMMENT ON COLUMN posting_rule.position IS 'Position of the event that brought the set of rules.';
COMMENT ON COLUMN posting_rule.effective_from IS 'First occurred date that the set counts for.';
COMMENT ON COLUMN posting_rule.line IS 'Place of the rule in its set, from 1.';
COMMENT ON COLUMN posting_rule.event IS 'Type of the events that are posted by it.';
COMMENT ON COLUMN posting_rule.part IS 'now: on the occurred date. With a service period instead: deferred on the occurred date, and period once a month.';
COMMENT ON COLUMN posting_rule.account IS 'Account that is posted to.';
COMMENT ON COLUMN posting_rule.sign IS '1 is debit, -1 is credit.';
COMMENT ON COLUMN posting_rule.measure IS 'Field of the event that holds the minor units; an absent field is 0.';

CREATE TABLE posting (
    book        text        NOT NULL,
    position    bigint      NOT NULL,
    line        integer     NOT NULL,
    account     text        NOT NULL,
    customer    text,
    invoice     text,
    currency    text        NOT NULL,
    amount      bigint      NOT NULL CONSTRAINT amount_not_zero CHECK (amount <> 0),
    occurred_on date        NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    service     text
) WITH (fillfactor = 100);
COMMENT ON TABLE posting IS 'One signed amount on one account. The postings of one position and date are an entry and sum to zero per currency.';
COMMENT ON COLUMN posting.book IS 'The book that is posted to.';
COMMENT ON COLUMN posting.position IS 'Position of the event that is posted.';
COMMENT ON COLUMN posting.line IS 'Place of the posting among those of its event.';
COMMENT ON COLUMN posting.account IS 'Account in the book''s chart.';
COMMENT ON COLUMN posting.customer IS 'Who the event is about.';
COMMENT ON COLUMN posting.invoice IS 'Number of the invoice that the event is about, if any.';
COMMENT ON COLUMN posting.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN posting.amount IS 'Minor units of the currency; debit is positive, credit negative.';
COMMENT ON COLUMN posting.occurred_on IS 'Date of the entry in the book''s time zone: the event''s own, or the last day of a month''s part of a service period.';
COMMENT ON COLUMN posting.occurred_at IS 'When the event happened.';
COMMENT ON COLUMN posting.recorded_at IS 'When the log took the event.';
COMMENT ON COLUMN posting.service IS 'Of a charge, the service that was charged; null of all else.';

-- Read from the canonical bytes without parsing them: no text can hold the key with its quotes bare. Only where one is
-- escaped, which a backslash tells, is the JSON opened.
CREATE FUNCTION service_of(state bytea) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN position('"service":"'::bytea IN state) = 0 THEN NULL
        WHEN position('\x5c'::bytea IN state) > 0 THEN ledger.data_of(state) ->> 'service'
        ELSE split_part(convert_from(substring(state FROM position('"service":"'::bytea IN state) + 11), 'UTF8'), '"', 1)
        END
$$;

-- The days of a charge's service period, null without one: 2026-01-01","to":"2026-03-31, as the canonical bytes say it. No
-- text can hold the keys with their quotes bare, and their place is fixed: keys are sorted, and days have ten letters.
CREATE FUNCTION period_of(state bytea) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN position('"period":{"from":"'::bytea IN state) > 0 THEN
        encode(substring(state FROM position('"period":{"from":"'::bytea IN state) + 18 FOR 28), 'escape') END
$$;

-- The database's own check that every entry balances, once for each statement that brings postings. An entry comes
-- with one statement, so nothing half-posted is ever accepted.
CREATE FUNCTION check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT f.book, f.position, f.occurred_on, f.currency, sum(f.amount) AS amount INTO wrong
    FROM fresh f GROUP BY f.book, f.position, f.occurred_on, f.currency HAVING sum(f.amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the entry of % at position % of % is out of balance by % %',
            wrong.occurred_on, wrong.position, wrong.book, wrong.amount, wrong.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_balances AFTER INSERT ON posting
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION check_entries();

-- With postings that are never changed, what balanced once balances for ever.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of postings is refused: another event corrects, a rebuild renews', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER posting_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Contacts: who waited for how long, who gave up, and how long an answer took.

CREATE TABLE zone (
    book      text PRIMARY KEY,
    time_zone text NOT NULL
);
COMMENT ON TABLE zone IS 'Where the days of each book begin.';
COMMENT ON COLUMN zone.book IS 'The book.';
COMMENT ON COLUMN zone.time_zone IS 'IANA time zone in which a moment becomes a date.';

CREATE TABLE contact (
    book            text        NOT NULL,
    customer        text        NOT NULL,
    contact         text        NOT NULL,
    channel         text        NOT NULL,
    queue           text        NOT NULL,
    topic           text,
    language        text,
    state           text        NOT NULL GENERATED ALWAYS AS (
        CASE WHEN ended_at IS NOT NULL THEN 'ended' WHEN answered_at IS NOT NULL THEN 'answered' ELSE 'waiting' END) STORED,
    outcome         text,
    arrived_on      date        NOT NULL,
    arrived_at      timestamptz NOT NULL,
    answered_at     timestamptz,
    answered_by     text,
    ended_at        timestamptz,
    waited_seconds  bigint      GENERATED ALWAYS AS (
        floor(extract(epoch FROM coalesce(answered_at, ended_at) - arrived_at))) STORED,
    handled_seconds bigint      GENERATED ALWAYS AS (floor(extract(epoch FROM ended_at - answered_at))) STORED,
    position        bigint      NOT NULL,
    PRIMARY KEY (book, customer, contact),
    CONSTRAINT end_is_told CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT answer_is_told CHECK ((answered_at IS NULL) = (answered_by IS NULL))
) WITH (fillfactor = 70);
COMMENT ON TABLE contact IS 'Every contact with a customer.';
COMMENT ON COLUMN contact.book IS 'The book.';
COMMENT ON COLUMN contact.customer IS 'Who they said they are.';
COMMENT ON COLUMN contact.contact IS 'Identifier of the contact, unique for the customer.';
COMMENT ON COLUMN contact.channel IS 'How they came: phone, chat, …';
COMMENT ON COLUMN contact.queue IS 'Where they waited.';
COMMENT ON COLUMN contact.topic IS 'What it is about, as far as was known when they came.';
COMMENT ON COLUMN contact.language IS 'Language, with or without a country, that they wish for.';
COMMENT ON COLUMN contact.state IS 'waiting, answered or ended.';
COMMENT ON COLUMN contact.outcome IS 'How it ended; abandoned: before anybody answered.';
COMMENT ON COLUMN contact.arrived_on IS 'Date of their coming in the book''s time zone.';
COMMENT ON COLUMN contact.arrived_at IS 'When they came.';
COMMENT ON COLUMN contact.answered_at IS 'When somebody answered.';
COMMENT ON COLUMN contact.answered_by IS 'Who answered.';
COMMENT ON COLUMN contact.ended_at IS 'When it was over.';
COMMENT ON COLUMN contact.waited_seconds IS 'Whole seconds until it was answered, or abandoned.';
COMMENT ON COLUMN contact.handled_seconds IS 'Whole seconds from the answer to the end.';
COMMENT ON COLUMN contact.position IS 'Position of the contact.arrived.';

CREATE TABLE note (
    book     text        NOT NULL,
    customer text        NOT NULL,
    note     text        NOT NULL,
    sha256   text        NOT NULL,
    added_at timestamptz NOT NULL,
    added_by text        NOT NULL,
    position bigint      NOT NULL,
    PRIMARY KEY (book, customer, note)
);
COMMENT ON TABLE note IS 'Every note about a customer. Its text is in the vault.';
COMMENT ON COLUMN note.book IS 'The book.';
COMMENT ON COLUMN note.customer IS 'Who it is about.';
COMMENT ON COLUMN note.note IS 'Identifier of the note, unique for the customer.';
COMMENT ON COLUMN note.sha256 IS 'SHA-256 of a random salt and the text, which are outside the log.';
COMMENT ON COLUMN note.added_at IS 'When it was written.';
COMMENT ON COLUMN note.added_by IS 'Who wrote it.';
COMMENT ON COLUMN note.position IS 'Position of the note.added.';

CREATE TABLE attempt (
    book        text        NOT NULL,
    position    bigint      NOT NULL,
    customer    text        NOT NULL,
    contact     text,
    method      text        NOT NULL,
    result      text        NOT NULL CONSTRAINT result_known CHECK (result IN ('passed', 'failed')),
    valid_until timestamptz,
    tried_at    timestamptz NOT NULL,
    tried_by    text        NOT NULL,
    PRIMARY KEY (book, position)
);
COMMENT ON TABLE attempt IS 'Every attempt of a caller to prove that they are the customer.';
COMMENT ON COLUMN attempt.book IS 'The book.';
COMMENT ON COLUMN attempt.position IS 'Position of the caller.verified.';
COMMENT ON COLUMN attempt.customer IS 'Who they say they are.';
COMMENT ON COLUMN attempt.contact IS 'The contact in which they tried, if any.';
COMMENT ON COLUMN attempt.method IS 'one_time_code, call_back, password or document_number.';
COMMENT ON COLUMN attempt.result IS 'passed or failed.';
COMMENT ON COLUMN attempt.valid_until IS 'Until when one that passed without a contact stands.';
COMMENT ON COLUMN attempt.tried_at IS 'When they tried, by the ledger''s clock.';
COMMENT ON COLUMN attempt.tried_by IS 'Who asked the ledger to compare.';

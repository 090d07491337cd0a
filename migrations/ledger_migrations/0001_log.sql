-- The log: one row per event, one head row per book, and what makes them append-only.

CREATE SCHEMA ledger;

CREATE TABLE ledger.event (
    book        text        NOT NULL,
    position    bigint      NOT NULL CHECK (position > 0),
    stream      text        NOT NULL,
    version     bigint      NOT NULL CHECK (version > 0),
    type        text        NOT NULL,
    source      text        NOT NULL,
    event_id    text        NOT NULL,
    customer    text,
    invoice     text,
    currency    text,
    amount      bigint,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    principal   text        NOT NULL,
    causation   bigint      NOT NULL,
    decision_size integer   NOT NULL,
    state       bytea       NOT NULL,
    leaf        bytea       NOT NULL,
    CONSTRAINT event_pkey PRIMARY KEY (book, position),
    CONSTRAINT event_stream_version UNIQUE (book, stream, version),
    CONSTRAINT event_source_id UNIQUE (book, source, event_id)
);

CREATE TABLE ledger.head (
    book        text        PRIMARY KEY,
    position    bigint      NOT NULL,
    frontier    bytea       NOT NULL,
    recorded_at timestamptz NOT NULL
);

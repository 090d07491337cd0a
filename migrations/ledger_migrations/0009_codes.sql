-- One-time codes that verify callers: one a customer, hashed, for some minutes. It goes with the customer's key.

SET LOCAL ROLE ledger_owner;

CREATE TABLE vault.code (
    book       text        NOT NULL,
    customer   text        NOT NULL,
    hash       text        NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (book, customer),
    FOREIGN KEY (book, customer) REFERENCES vault.key ON DELETE CASCADE
);
COMMENT ON TABLE vault.code IS 'The one-time code that a customer was sent last and that was not used yet. It is erased with the customer''s key.';
COMMENT ON COLUMN vault.code.hash IS 'Argon2id of the code, with its salt and costs.';
COMMENT ON COLUMN vault.code.expires_at IS 'From then on it does not work.';

GRANT SELECT, INSERT, UPDATE, DELETE ON vault.code TO ledger_vault;

-- The transparency log: what was signed of each book's tree, who signed it too, and the tree's upper hashes.
-- Everything here follows from the events; what is signed is kept for ever, because others may hold copies of it.

SET LOCAL ROLE ledger_owner;

CREATE TABLE ledger.log_key (
    public_key bytea       PRIMARY KEY CHECK (octet_length(public_key) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ledger.log_key IS 'Public halves of the keys that sign checkpoints, the newest in force; the private half is in a file, never here.';
COMMENT ON COLUMN ledger.log_key.public_key IS 'Ed25519 public key.';
COMMENT ON COLUMN ledger.log_key.created_at IS 'Since when it signs; the one before it does not sign any more.';

CREATE TABLE ledger.checkpoint (
    book       text        NOT NULL,
    size       bigint      NOT NULL CHECK (size >= 0),
    root       bytea       NOT NULL CHECK (octet_length(root) = 32),
    public_key bytea       NOT NULL REFERENCES ledger.log_key,
    note       text        NOT NULL,
    signed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, size, public_key)
);
COMMENT ON TABLE ledger.checkpoint IS 'Every checkpoint that was signed.';
COMMENT ON COLUMN ledger.checkpoint.book IS 'The book whose tree it is of.';
COMMENT ON COLUMN ledger.checkpoint.size IS 'Number of entries: the position of the last one.';
COMMENT ON COLUMN ledger.checkpoint.root IS 'RFC 6962 root over the leaf hashes of the positions 1 to size.';
COMMENT ON COLUMN ledger.checkpoint.public_key IS 'The key that signed it.';
COMMENT ON COLUMN ledger.checkpoint.note IS 'The signed note, as it was handed out.';
COMMENT ON COLUMN ledger.checkpoint.signed_at IS 'When it was signed.';

CREATE TABLE ledger.cosignature (
    book    text        NOT NULL,
    size    bigint      NOT NULL,
    witness text        NOT NULL,
    line    text        NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (book, size, witness)
);
COMMENT ON TABLE ledger.cosignature IS 'What witnesses signed: that this checkpoint extends all that they saw before.';
COMMENT ON COLUMN ledger.cosignature.witness IS 'Public key of the witness, as a line of a signed note''s verifier.';
COMMENT ON COLUMN ledger.cosignature.line IS 'The signature line that the witness answered.';
COMMENT ON COLUMN ledger.cosignature.seen_at IS 'When the witness saw it, as it says.';

CREATE TABLE ledger.tile_hash (
    book   text     NOT NULL,
    level  smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
    number bigint   NOT NULL CHECK (number >= 0),
    hash   bytea    NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (book, level, number)
);
COMMENT ON TABLE ledger.tile_hash IS 'Hashes of complete subtrees of 256^level leaves; those of level 0 are the leaves in ledger.event.';
COMMENT ON COLUMN ledger.tile_hash.level IS 'Tile level: the subtree has 256^level leaves.';
COMMENT ON COLUMN ledger.tile_hash.number IS 'Place within the level, from 0.';
COMMENT ON COLUMN ledger.tile_hash.hash IS 'RFC 6962 hash of the subtree.';

CREATE TRIGGER log_key_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.log_key
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER checkpoint_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER cosignature_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.cosignature
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER tile_hash_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.tile_hash
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.log_key ENABLE ALWAYS TRIGGER log_key_is_immutable;
ALTER TABLE ledger.checkpoint ENABLE ALWAYS TRIGGER checkpoint_is_immutable;
ALTER TABLE ledger.cosignature ENABLE ALWAYS TRIGGER cosignature_is_immutable;
ALTER TABLE ledger.tile_hash ENABLE ALWAYS TRIGGER tile_hash_is_immutable;

GRANT SELECT, INSERT ON ledger.log_key, ledger.checkpoint, ledger.cosignature, ledger.tile_hash TO ledger_service;
GRANT SELECT ON ledger.log_key, ledger.checkpoint, ledger.cosignature, ledger.tile_hash TO ledger_auditor;

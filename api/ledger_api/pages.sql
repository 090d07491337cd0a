-- name: identity
-- What tells this database from any other: the cluster's number, the database's, and when it was migrated first.
SELECT c.system_identifier, d.oid, m.applied_at
FROM pg_control_system() AS c, pg_database AS d, ledger_migrations.migration AS m
WHERE d.datname = current_database() AND m.number = 1;

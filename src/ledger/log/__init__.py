"""The log: the append-only, tamper-evident record of every event, in PostgreSQL."""

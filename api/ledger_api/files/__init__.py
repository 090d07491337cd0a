"""Files in and out: messages from NDJSON, or from CSV through a mapping; the log as a file."""

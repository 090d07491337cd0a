"""Answer: HTTP and the command line."""

"""Derive: read models are SQL folds over the log."""

"""Numbered SQL migrations and the small runner that applies them."""

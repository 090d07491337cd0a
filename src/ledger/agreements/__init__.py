"""Agreements: the services that a customer takes, what they come to, and the bill that says so."""

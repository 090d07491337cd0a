"""Reads: one module for each noun that can be asked for."""

from __future__ import annotations

from fastapi import APIRouter

from ledger_api.reads import balances, books, customers, discounts, disputes, invoices, persons, projections

ROUTERS: tuple[APIRouter, ...] = (
    books.router,
    customers.router,
    persons.router,
    balances.router,
    invoices.router,
    disputes.router,
    discounts.router,
    projections.router,
)
"""In the order in which the documentation shows them."""

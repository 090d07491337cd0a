"""Reads: one module for each noun that can be asked for."""

from __future__ import annotations

from fastapi import APIRouter

from ledger_api.reads import (
    access_log,
    balances,
    billing,
    books,
    contacts,
    customers,
    discounts,
    disputes,
    dunning,
    evidence,
    invoices,
    notes,
    persons,
    projections,
    reports,
    timeline,
    trials,
    verifications,
)

ROUTERS: tuple[APIRouter, ...] = (
    books.router,
    customers.router,
    persons.router,
    timeline.router,
    notes.router,
    verifications.router,
    balances.router,
    billing.router,
    invoices.router,
    disputes.router,
    evidence.router,
    discounts.router,
    dunning.router,
    trials.router,
    contacts.router,
    access_log.router,
    reports.router,
    projections.router,
)
"""In the order in which the documentation shows them."""

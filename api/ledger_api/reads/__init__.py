"""Reads: one module for each noun that can be asked for."""

from __future__ import annotations

from fastapi import APIRouter

from ledger_api.reads import (
    access_log,
    balances,
    billing,
    books,
    contacts,
    credit_notes,
    customers,
    discounts,
    disputes,
    documents,
    dunning,
    evidence,
    explain,
    invoices,
    notes,
    persons,
    projections,
    reports,
    statements,
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
    documents.router,
    statements.router,
    invoices.router,
    credit_notes.router,
    explain.router,
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
"""In the order in which the documentation shows them; what ends with a dot and a type comes first."""

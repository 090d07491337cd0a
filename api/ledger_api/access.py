"""Who may read: the dependency that every route but the health checks and the documentation stands behind."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ledger_api.keys import ADMIN, AUDIT, PERSON, POST, READ, Principal
from ledger_api.looking import REASON
from ledger_api.services import services_of

_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key of this ledger.")
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


async def _authorise(request: Request, scope: str, *, addressed: bool = False) -> Principal:
    keys = services_of(request).keys
    principal = await keys.authorise(dict(request.scope["headers"]), request.path_params.get("book"), scope)
    request.scope["ledger.principal"] = principal
    of_person = PERSON in (principal.scopes if addressed else (scope,))
    await services_of(request).looks.record(request, principal, of_person=of_person)
    return principal


async def _may_read(request: Request, _: _Bearer) -> Principal:
    """Let in who has the scope read, in the book of the address."""
    return await _authorise(request, READ)


async def _may_post(request: Request, _: _Bearer) -> Principal:
    """Let in who has the scope post, in the book of the address."""
    return await _authorise(request, POST)


async def _may_administer(request: Request, _: _Bearer) -> Principal:
    """Let in who has the scope admin."""
    return await _authorise(request, ADMIN)


async def _may_audit(request: Request, _: _Bearer) -> Principal:
    """Let in who has the scope audit, in the book of the address."""
    return await _authorise(request, AUDIT)


_Reason = Annotated[
    str | None,
    Header(alias=REASON, description="Why: it is recorded. Required.", examples=["caller asks for a copy"]),
]


_DocumentReason = Annotated[
    str | None,
    Header(
        alias=REASON,
        description="Why: it is recorded. Required of a key with the scope person: it gets name and address, "
        "and any other key the customer's id in their place.",
        examples=["caller asks for a copy"],
    ),
]


async def _may_see_persons(request: Request, _: _Bearer, __: _Reason = None) -> Principal:
    """Let in who has the scope person, in the book of the address, and says why."""
    return await _authorise(request, PERSON)


async def _may_read_documents(request: Request, _: _Bearer, __: _DocumentReason = None) -> Principal:
    """Let in who has the scope read; who may see persons too gets them named, and says why."""
    return await _authorise(request, READ, addressed=True)


Reads = Annotated[Principal, Depends(_may_read)]
Posts = Annotated[Principal, Depends(_may_post)]
Administers = Annotated[Principal, Depends(_may_administer)]
SeesPersons = Annotated[Principal, Depends(_may_see_persons)]
ReadsDocuments = Annotated[Principal, Depends(_may_read_documents)]
MAY_READ = Depends(_may_read)
MAY_SEE_PERSONS = Depends(_may_see_persons)
MAY_AUDIT = Depends(_may_audit)
MAY_ADMINISTER = Depends(_may_administer)

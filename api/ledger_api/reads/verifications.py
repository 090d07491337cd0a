"""Verification of callers: a code sent, an attempt made, and whether the caller counts as verified now.

No answer here says anything about a secret but whether an attempt with it passed, and none says that while
the customer is locked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ledger.decider import read_event
from ledger.errors import Malformed, Refusal, Unavailable
from ledger.fields import Name
from ledger.person import record_name
from ledger.sql import queries
from ledger.vault import Vault, caller_secrets
from ledger.verification import SOURCE, CallerVerify, VerificationStart, VerificationStarted
from ledger.verification_policy import Method
from ledger_api.access import MAY_READ, Posts, SeesPersons
from ledger_api.answers import JSON, answer
from ledger_api.documents import body_of, read_posted
from ledger_api.letters import code_letter
from ledger_api.mail import URL_VARIABLE
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, CustomerPath, NoQuery, ReadAsOf, StrictQuery
from ledger_api.posting import Asked, post_for
from ledger_api.reading import Wanted
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.services import Services, services_of
from ledger_api.shapes.verifications import Attempted, CodeSent, Standing

_SQL = queries("ledger_api.reads", "verifications.sql")

BODY_BYTES_MAX = 4 * 1024
"""The body of one attempt, or of a password, in bytes."""
_NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Authorization"}
_Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Password = Annotated[str, msgspec.Meta(min_length=12, max_length=256)]

router = APIRouter(tags=["Verification"])


class _Start(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    contact: Name | None = None


class _Attempt(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    method: Method
    contact: Name | None = None
    secret: _Secret | None = None
    confirmed: bool | None = None


class _NewPassword(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    password: _Password


_decode_start = msgspec.json.Decoder(_Start).decode
_decode_attempt = msgspec.json.Decoder(_Attempt).decode
_decode_password = msgspec.json.Decoder(_NewPassword).decode
_CONTACT: dict[str, object] = {"type": "string", "description": "The contact in which the caller is."}


@router.post(
    "/v1/books/{book}/customers/{customer}/verifications",
    summary="Send a one-time code",
    status_code=201,
    dependencies=[NoQuery],
    openapi_extra=body_of({"type": "object", "properties": {"contact": _CONTACT}}),
    responses={201: {"model": CodeSent, "description": "It was handed to the mail server."}},
    response_class=Response,
)
async def start(request: Request, book: BookPath, customer: CustomerPath, principal: Posts) -> Response:
    """Send a code to the e-mail address on record. It is in no answer and in no log, and works once."""
    services = services_of(request)
    asked = await read_posted(request, _decode_start, BODY_BYTES_MAX)
    mail = services.mail
    if mail is None:
        raise Unavailable(f"no mail server is set up to send codes: {URL_VARIABLE}")
    to = await _on_record(services, book, customer, "email")
    # Asked before anything is recorded: a start counts against the codes that may be sent, letter or not.
    locale, time_zone = await _spoken(services, book, customer)
    receipt = await post_for(
        services, Asked(principal, book, customer), "verification.start",
        VerificationStart(contact=asked.contact), key=(SOURCE, str(uuid4())),
    )  # fmt: skip
    values = {"book": book, "position": receipt.position}
    ((state,),) = await services.reader.rows(_SQL["event"], values, binary=True)
    started = read_event(bytes(state)).data  # type: ignore[call-overload]  # a column of bytes
    if not isinstance(started, VerificationStarted):
        raise TypeError(f"position {receipt.position} holds no verification.started")
    code = await services.vault.work(
        customer, lambda vault: caller_secrets.make_code(vault, book, customer, started.expires_at)
    )
    letter = code_letter(locale, time_zone, code)
    await run_in_threadpool(mail.send, to, letter.subject, letter.text)
    body = {"method": "one_time_code", "expires_at": started.expires_at, "position": receipt.position}
    return Response(msgspec.json.encode(body), 201, _NOT_KEPT, JSON)


async def _spoken(services: Services, book: str, customer: str) -> tuple[str, str]:
    """Tell the customer's locale, as far as the read models have come, and the book's time zone."""
    values = {"book": book, "customer": customer}
    _, items = await services.reader.items(_SQL["spoken"], ("customers",), values, Wanted())
    return str(items[0]["locale"]), str(items[0]["time_zone"])


async def _on_record(services: Services, book: str, customer: str, field: str) -> str:
    """Give a field of the person on record, or refuse: a caller cannot be reached by what is not known."""
    name = record_name(field)
    found = (await services.vault.get(book, customer, [name])).get(name)
    if found is None:
        raise Refusal("nothing_on_record", f"no {field} of {customer} is on record", field=field)
    return msgspec.json.decode(found, type=str)


_ATTEMPT: dict[str, object] = {
    "type": "object",
    "required": ["method"],
    "properties": {
        "method": {"enum": list(Method.__args__)},  # type: ignore[attr-defined]  # the values of a Literal
        "contact": _CONTACT,
        "secret": {"type": "string", "description": "The code, password or document number."},
        "confirmed": {"type": "boolean", "description": "Of call_back: whether the caller was reached."},
    },
}


@router.post(
    "/v1/books/{book}/customers/{customer}/verifications/attempt",
    summary="Try to verify a caller",
    dependencies=[NoQuery],
    openapi_extra=body_of(_ATTEMPT),
    responses={200: {"model": Attempted}},
)
async def attempt(request: Request, book: BookPath, customer: CustomerPath, principal: Posts) -> Response:
    """Compare what a caller says with what is on record, and record how it went, never what they said.

    Refused as `verification_locked` when too many attempts failed, by whomever, whatever is said now.
    """
    services = services_of(request)
    tried = await read_posted(request, _decode_attempt, BODY_BYTES_MAX)
    result: Literal["passed", "failed"] = (
        "passed" if await _holds(services, book, customer, tried) else "failed"
    )
    receipt = await post_for(
        services, Asked(principal, book, customer), "caller.verify",
        CallerVerify(contact=tried.contact, method=tried.method, result=result),
        key=(SOURCE, str(uuid4())),
    )  # fmt: skip
    body = {"method": tried.method, "result": result, "position": receipt.position}
    headers = {**_NOT_KEPT, "Ledger-Position": str(receipt.position)}
    return Response(msgspec.json.encode(body), 200, headers, JSON)


async def _holds(services: Services, book: str, customer: str, tried: _Attempt) -> bool:
    """Say whether what a caller brings is right. Nobody is told before the attempt is recorded."""
    if tried.method == "call_back":
        _refuse_absent(tried.confirmed, "confirmed", tried.method)
        await _on_record(services, book, customer, "phone")
        return tried.confirmed is True
    _refuse_absent(tried.secret, "secret", tried.method)
    secret = tried.secret or ""
    compare: Callable[[Vault, str, str, str], bool] = {
        "one_time_code": caller_secrets.use_code,
        "password": caller_secrets.password_is,
        "document_number": caller_secrets.document_number_is,
    }[tried.method]
    return await services.vault.work(customer, lambda vault: compare(vault, book, customer, secret))


def _refuse_absent(value: object, field: str, method: str) -> None:
    if value is None:
        raise Malformed("field_missing", f"{method} needs {field}", pointer=f"/{field}", field=field)


@router.get(
    "/v1/books/{book}/customers/{customer}/verification",
    summary="Whether the caller is verified now",
    dependencies=[MAY_READ, StrictQuery],
    responses={200: {"model": Standing}},
)
async def show_verification(
    request: Request, book: BookPath, customer: CustomerPath, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Say whether an attempt that passed stands: while its contact goes on, or until its time is over."""
    reader = services_of(request).reader
    values = {"book": book, "customer": customer}
    position, items = await items_at(
        reader, _SQL["verification"], ("contacts",), values, parameters, [customer]
    )
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    return answer(request, {"verified": bool(items), "by": items[0] if items else None}, position)


@router.put(
    "/v1/books/{book}/customers/{customer}/password",
    summary="Keep a customer's password",
    status_code=204,
    response_class=Response,
    dependencies=[NoQuery],
    openapi_extra=body_of({
        "type": "object", "required": ["password"],
        "properties": {"password": {"type": "string", "minLength": 12, "maxLength": 256}},
    }),
    responses={204: {"description": "Its hash is kept, in the place of the one before."}},
)  # fmt: skip
async def put_password(
    request: Request, book: BookPath, customer: CustomerPath, principal: SeesPersons
) -> Response:
    """Keep the hash (Argon2id) of a password that the customer chose, sealed in the vault."""
    del principal
    chosen = await read_posted(request, _decode_password, BODY_BYTES_MAX)
    await services_of(request).vault.work(
        customer, lambda vault: caller_secrets.put_password(vault, book, customer, chosen.password)
    )
    return Response(status_code=204, headers=_NOT_KEPT)

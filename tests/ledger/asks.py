"""Messages in few words, for tables and stories."""

from __future__ import annotations

from collections.abc import Mapping

from tests.ledger.world import Ask


def charge(name: str, net: int, **more: object) -> Ask:
    return "charge.posted", {"charge": name, "service": "mobile", "currency": "EUR", "net": net, **more}


def reverse(name: str) -> Ask:
    return "charge.reverse", {"charge": name, "reason": "mistake"}


def issue(**more: object) -> Ask:
    return "invoice.issue", more


def void(invoice: str, **more: object) -> Ask:
    return "invoice.void", {"invoice": invoice, "reason": "mistake", **more}


def credit(invoice: str, *lines: tuple[int, int]) -> Ask:
    parts = [{"line": line, "net": net} for line, net in lines]
    return "credit_note.issue", {"invoice": invoice, "lines": parts, "reason": "order_change"}


def pay(name: str, amount: int, *to: tuple[str, int], **more: object) -> Ask:
    data: dict[str, object] = {"payment": name, "currency": "EUR", "amount": amount, **more}
    if to:
        data["allocations"] = [{"invoice": invoice, "amount": part} for invoice, part in to]
    return "payment.received", data


def hold(name: str, amount: int) -> Ask:
    """A payment that is to stay credit."""
    return "payment.received", {"payment": name, "currency": "EUR", "amount": amount, "allocations": []}


def bounce(name: str, amount: int, **more: object) -> Ask:
    return "payment.returned", {
        "payment": name,
        "currency": "EUR",
        "amount": amount,
        "reason": "no_funds",
        **more,
    }


def fail(name: str, amount: int) -> Ask:
    return "payment.failed", {"payment": name, "currency": "EUR", "amount": amount, "reason": "declined"}


def allocate(payment: str, invoice: str, amount: int) -> Ask:
    return "allocation.make", {"source": {"payment": payment}, "invoice": invoice, "amount": amount}


def undo(payment: str, invoice: str, amount: int) -> Ask:
    return "allocation.undo", {"source": {"payment": payment}, "invoice": invoice, "amount": amount}


def refund(name: str, amount: int, payment: str | None = None, **more: object) -> Ask:
    data = {"refund": name, "currency": "EUR", "amount": amount, **more}
    return "refund.issue", data if payment is None else {**data, "payment": payment}


def complain(name: str, invoice: str, amount: int | None = None, **more: object) -> Ask:
    data = {"dispute": name, "kind": "complaint", "invoice": invoice, "reason": "not_as_agreed", **more}
    return "dispute.open", data if amount is None else {**data, "amount": amount}


def complain_of_charge(name: str, charge_: str, **more: object) -> Ask:
    return "dispute.open", {
        "dispute": name,
        "kind": "complaint",
        "charge": charge_,
        "reason": "unknown",
        **more,
    }


def chargeback(name: str, payment: str, amount: int | None = None, **more: object) -> Ask:
    data = {"dispute": name, "kind": "chargeback", "payment": payment, "reason": "fraudulent", **more}
    return "dispute.open", data if amount is None else {**data, "amount": amount}


def inquire(name: str, **more: object) -> Ask:
    return "dispute.open", {"dispute": name, "kind": "inquiry", "reason": "general", **more}


def resolve(name: str, outcome: str, *lines: tuple[int, int], **more: object) -> Ask:
    data: dict[str, object] = {"dispute": name, "outcome": outcome, "reason": "checked", **more}
    if lines:
        data["lines"] = [{"line": line, "net": net} for line, net in lines]
    return "dispute.resolve", data


def assign(name: str, assignee: str | None = None) -> Ask:
    return "dispute.assign", {"dispute": name} if assignee is None else {
        "dispute": name,
        "assignee": assignee,
    }


def evidence(dispute: str, file: int = 1, **more: object) -> Ask:
    """Submit one of some files: `file` tells which."""
    about = {"name": f"receipt-{file}.pdf", "media_type": "application/pdf", "size": 100 + file}
    return "dispute.submit_evidence", {"dispute": dispute, **about, "sha256": f"{file:064x}", **more}


def escalate(name: str, **more: object) -> Ask:
    return "dispute.escalate", {"dispute": name, "to": "head_of_care", "reason": "not_solved", **more}


def withdraw(name: str) -> Ask:
    return "dispute.withdraw", {"dispute": name, "reason": "misunderstanding"}


def lapse(name: str, respond_by: str) -> Ask:
    """What the ledger posts by itself."""
    return "dispute.lapse", {"dispute": name, "respond_by": respond_by}


def percent_off(name: str, percent: str, **more: object) -> Ask:
    return "discount.grant", {
        "discount": name,
        "kind": "percent",
        "percent": percent,
        "reason": "loyalty",
        **more,
    }


def amount_off(name: str, amount: int, **more: object) -> Ask:
    data = {"discount": name, "kind": "fixed", "amount": amount, "currency": "EUR", "reason": "loyalty"}
    return "discount.grant", {**data, **more}


def revoke(name: str) -> Ask:
    return "discount.revoke", {"discount": name, "reason": "mistake"}


def offer_off(name: str, percent: str, until: str = "2026-02-14", **more: object) -> Ask:
    return "discount.offer", {**percent_off(name, percent, **more)[1], "offered_until": until}


def accept(name: str) -> Ask:
    return "discount.accept", {"discount": name}


def refuse(name: str) -> Ask:
    return "discount.refuse", {"discount": name, "reason": "too_little"}


def approve(name: str) -> Ask:
    return "discount.approve", {"discount": name}


def decline(name: str) -> Ask:
    return "discount.decline", {"discount": name, "reason": "too_much"}


def take_back(name: str) -> Ask:
    return "discount.withdraw", {"discount": name, "reason": "asked_again"}


def close(**more: object) -> Ask:
    return "customer.closed", {"by": "customer", "reason": "price", **more}


def erase(reason: str = "asked_for") -> Ask:
    return "customer.erase", {"reason": reason}


def offer_fixed(name: str, amount: int, until: str = "2026-02-14", **more: object) -> Ask:
    return "discount.offer", {
        **amount_off(name, amount, invoices=1, **more)[1],
        "offered_until": until,
    }


def trial(name: str, *arms: tuple[str, str], hold_out: str = "20", **more: object) -> Ask:
    plan: dict[str, object] = {
        "trial": name,
        "question": "Does it keep them?",
        "arms": [{"arm": arm, "share": share} for arm, share in arms],
        "hold_out_share": hold_out,
        "measure": "kept",
        "seed": "4711",
        "end": "2026-12-31",
    }
    return "trial.registered", {**plan, **more}


def take_part(trial_: str) -> Ask:
    return "trial.assign", {"trial": trial_}


def poster(ask: Ask) -> tuple[str, str | None]:
    """Who posts it, and in which role, where it matters: a second person decides what an agent asked for."""
    if ask[0] in ("discount.approve", "discount.decline"):
        return "second", "lead"
    if ask[0] == "policy.changed":
        return "finance", None
    return "tester", "agent"


def discount_policy(*roles: Mapping[str, object], from_: str = "2026-01-01", **more: object) -> Ask:
    policy = {"roles": list(roles), **more}
    return "policy.changed", {"policy": "discount_authority", "from": from_, "discount_authority": policy}


def service(name: str, unit_price: int | str, **more: object) -> dict[str, object]:
    return {"service": name, "unit_price": unit_price, "interval": "month", **more}


def agree(from_: str, *services: dict[str, object]) -> Ask:
    return "agreement.changed", {"from": from_, "services": list(services)}


def bill(through: str, **more: object) -> Ask:
    return "customer.bill", {"through": through, **more}


def remind(invoice: str, step: int | None = None) -> Ask:
    return "reminder.send", {"invoice": invoice} if step is None else {"invoice": invoice, "step": step}


def dunning_policy(*steps: tuple[int, str, int], from_: str = "2026-01-01") -> Ask:
    """Steps as days, kind, and the least amount in EUR (0: any)."""
    said = [
        {"days": days, "kind": kind, "minimum": [{"currency": "EUR", "amount": least}] if least else []}
        for days, kind, least in steps
    ]
    return "policy.changed", {"policy": "dunning", "from": from_, "dunning": {"steps": said}}


def verification_policy(*methods: str, from_: str = "2026-01-01", **more: object) -> Ask:
    policy = {"methods": methods or ["password", "one_time_code"], "attempts_max": 3, **more}
    return "policy.changed", {"policy": "verification", "from": from_, "verification": policy}


def seller_policy(from_: str = "2026-01-01", **more: object) -> Ask:
    address = {"lines": ["Havnegade 12"], "postal_code": "8000", "city": "Aarhus C", "country": "DK"}
    seller = {"name": "Nordlys Fibernet ApS", "address": address, "vat_id": "DK12345678", **more}
    return "policy.changed", {"policy": "seller", "from": from_, "seller": seller}


def verify(result: str, contact: str | None = None, method: str = "password") -> Ask:
    data = {"method": method, "result": result}
    return "caller.verify", data if contact is None else {**data, "contact": contact}


def send_code(**more: object) -> Ask:
    return "verification.start", more


def note(name: str, digit: str = "a") -> Ask:
    return "note.added", {"note": name, "sha256": 64 * digit}


def arrive(name: str, **more: object) -> Ask:
    return "contact.arrived", {"contact": name, "channel": "phone", "queue": "billing", **more}


def answer(name: str, **more: object) -> Ask:
    return "contact.answered", {"contact": name, **more}


def end(name: str, outcome: str) -> Ask:
    return "contact.ended", {"contact": name, "outcome": outcome}


def void_note(credit_note: str) -> Ask:
    return "credit_note.void", {"credit_note": credit_note, "reason": "mistake"}


def write_off(invoice: str, amount: int | None = None) -> Ask:
    data: dict[str, object] = {"invoice": invoice, "reason": "insolvent"}
    return "debt.write_off", data if amount is None else {**data, "amount": amount}


def recover(invoice: str, amount: int, payment: str = "r1", **more: object) -> Ask:
    data: dict[str, object] = {"invoice": invoice, "currency": "EUR", "amount": amount, **more}
    return "debt.recover", data if "source" in more else data | {"payment": payment}

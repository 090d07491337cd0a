"""The official SDK of CloudEvents as the client: what it writes is read, what is stored it can read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import (
    HTTPMessage,
    from_structured,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from tests.api.live import AT, Caller, problem


def event(id_: str, **attributes: object) -> CloudEvent:
    """Make an event as an upstream system would; its id needs percent-encoding in a header."""
    return CloudEvent(
        attributes={
            "id": id_, "source": "test", "type": "charge.posted", "subject": "alice", "time": AT,
            "datacontenttype": "application/json", **attributes,
        },
        data={"charge": "a", "service": "Überweisung 100 %", "currency": "EUR", "net": 1_000},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("write", "write_again"),
    [(to_structured_event, to_binary_event), (to_binary_event, to_structured_event)],
)
def test_both_modes_are_taken_and_mean_the_same(
    alice: Caller,
    write: Callable[[BaseCloudEvent], HTTPMessage],
    write_again: Callable[[BaseCloudEvent], HTTPMessage],
) -> None:
    for message, status, said in (
        (write(event("Nr. 1 ä €")), 201, "recorded"),
        (write(event("Nr. 1 ä €")), 200, "replayed"),
        (write_again(event("Nr. 1 ä €")), 200, "replayed"),
    ):
        answer = alice.client.post(f"{alice.at}/events", content=message.body, headers=message.headers)
        assert (answer.status_code, answer.json()["status"]) == (status, said)
    assert alice.read("/events/3")["id"] == "Nr. 1 ä €"
    assert alice.read("/events/3")["data"]["service"] == "Überweisung 100 %"


@pytest.mark.parametrize("write", [to_structured_event, to_binary_event])
def test_extension_attributes_are_read_or_refused(
    alice: Caller, write: Callable[[BaseCloudEvent], HTTPMessage]
) -> None:
    for attributes, expected in (
        ({"expectedversion": 1}, 201), ({"expectedversion": 9}, 422), ({"shoe": "left"}, 400),
    ):  # fmt: skip
        message = write(event(f"k{expected}", **attributes))
        answer = alice.client.post(f"{alice.at}/events", content=message.body, headers=message.headers)
        assert answer.status_code == expected
        if expected >= 400:
            problem(answer)


def test_a_recorded_event_is_a_cloud_event(alice: Caller) -> None:
    answer = alice.get("/events/2")
    read = from_structured(HTTPMessage(dict(answer.headers), answer.content), JSONFormat())
    assert read.get_type() == "customer.opened"
    assert read.get_subject() == "alice"
    assert read.get_time() == AT
    assert read.get_data() == {"currency": "EUR"}
    assert read.get_extension("position") == 2

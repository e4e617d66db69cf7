"""What happens besides operations, as the built-in engine sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from melsec_nsm.codec import Codec
from melsec_nsm.codec.transactions import Endpoint
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Condition, Definition, Exchange, Threshold
from melsec_nsm.engines.base import Result
from melsec_nsm.engines.reference.events import Events
from melsec_nsm.engines.reference.inspection import Handshake
from melsec_nsm.engines.reference.telling import Telling

Ask = Callable[..., Exchange]
Happened = Callable[..., int]

CLIENT, SERVER = Endpoint("192.168.3.18", 49152), Endpoint("192.168.3.250", 5007)


@pytest.fixture
def happened(definition: Definition, verdict: Callable[..., Result]) -> Happened:
    """How often an event is raised in a conversation."""

    def raised(event: str, *exchanges: Exchange, threshold: Threshold | None = None, **others: Any) -> int:
        made = replace(
            definition.detections["malformed-frame"],
            id="made",
            when=Condition((), (), (), "request", event=event, threshold=threshold),
            suppress=1,
        )
        rules = replace(definition, detections={"made": made})
        return sum(one.count for one in verdict(*exchanges, rules=rules, **others).detections)

    return raised


@pytest.fixture
def read(ask: Ask) -> Callable[..., Exchange]:
    """Makes a read in a 4E frame."""

    def made(serial: int, value: int = 1, half: str = "both", status: int = 0, **changes: Any) -> Exchange:
        return ask(
            "read-devices",
            protocol="slmp",
            frame="4e-binary",
            status=status,
            answer={"serial": serial, **({} if status else {"values": (value,)})},
            serial=serial,
            device="D100",
            points=1,
            changes={"half": half, **changes},
        )

    return made


def garbage(**changes: Any) -> Exchange:
    nothing = Exchange("", "", 0, 0, {}, None, None, {}, None, "request", 1)
    return replace(nothing, octets=bytes.fromhex("de ad be ef 00 01 02 03 04 05"), **changes)


def test_garbage_is_told_with_the_pdu_behind_it(read: Ask, happened: Happened) -> None:
    assert happened("malformed-frame", read(1), garbage(), read(2)) == 1
    assert happened("malformed-frame", read(1), garbage(sender="server"), read(2)) == 1
    assert happened("malformed-frame", read(1), garbage()) == 0
    assert happened("malformed-frame", read(1), read(2)) == 0


def test_what_comes_before_the_first_pdu_is_no_mistake(read: Ask, happened: Happened) -> None:
    assert happened("malformed-frame", garbage(), read(1), read(2), shape="midstream") == 0


def test_octets_behind_a_hole_are_no_mistake(read: Ask, happened: Happened) -> None:
    assert happened("malformed-frame", read(1), garbage(), read(2), read(3), shape="lost") == 0


@pytest.mark.parametrize(("transport", "shape"), [("tcp", "plain"), ("udp", "plain")])
def test_a_response_that_nobody_asked_for(read: Ask, happened: Happened, transport: str, shape: str) -> None:
    ways = {"transport": transport, "shape": shape}
    assert happened("unsolicited-response", read(1), read(9, half="response"), **ways) == 1
    assert happened("unsolicited-response", read(1), read(2), **ways) == 0
    assert happened("conflicting-response", read(1), read(9, half="response"), **ways) == 0


def test_who_never_asked_here_may_have_asked_elsewhere(read: Ask, happened: Happened) -> None:
    assert happened("unsolicited-response", read(1, half="response"), read(2, half="response")) == 0


@pytest.mark.parametrize(("transport", "shape"), [("tcp", "midstream"), ("udp", "plain")])
def test_a_capture_may_begin_among_requests(read: Ask, happened: Happened, transport: str, shape: str) -> None:
    begun = [read(1, half="response"), read(3), read(2, half="response")]
    assert happened("unsolicited-response", *begun, transport=transport, shape=shape) == 0
    later = [read(1, half="response"), read(3), read(2, half="response", after=10)]
    assert happened("unsolicited-response", *later, transport=transport, shape=shape) == 1


def test_a_late_response_was_asked_for(read: Ask, happened: Happened) -> None:
    late = [read(1), read(2, half="request"), read(2, half="response", after=15)]
    assert happened("unsolicited-response", *late) == 0
    assert happened("conflicting-response", *late) == 0


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("second", "expected"),
    [({"value": 2}, 1), ({"status": 0xC059}, 1), ({}, 0), ({"value": 2, "after": 12}, 0)],
)
def test_two_responses(read: Ask, happened: Happened, transport: str, second: dict[str, Any], expected: int) -> None:
    again = read(1, half="response", **second)
    assert happened("conflicting-response", read(1), again, transport=transport) == expected


def test_a_different_response_long_after_was_asked_by_nobody(read: Ask, happened: Happened) -> None:
    assert happened("unsolicited-response", read(1), read(1, 2, half="response", after=12)) == 1


def test_connections_to_a_port_that_has_answered(read: Ask, happened: Happened) -> None:
    many = Threshold(5, 10, None, ("server",))
    calls = read(2, fresh=True, repeat=5)
    assert happened("connection", read(1), calls, threshold=many) == 1
    assert happened("connection", read(1), replace(calls, repeat=4), threshold=many) == 0
    assert happened("connection", read(1), replace(calls, after=3), threshold=many) == 0
    assert happened("connection", read(1, half="request"), replace(calls, half="request"), threshold=many) == 0


# Silence: what was done before is told to it


def silent(read: Ask, verdict: Callable[..., Result], *exchanges: Exchange) -> int:
    found = verdict(read(1), garbage(), *exchanges).detections
    return sum(one.count for one in found if one.id == "controller-silent")


def test_a_controller_is_silent_when_requests_come_to_nothing(read: Ask, verdict: Callable[..., Result]) -> None:
    asked = [read(n, half="request", after=2) for n in range(2, 6)]
    assert silent(read, verdict, *asked) == 1
    assert silent(read, verdict, *asked[:3]) == 0, "too short a time"
    assert silent(read, verdict, *[replace(one, after=0) for one in asked]) == 0, "at once"
    assert silent(read, verdict, *asked[:2], read(7), *asked[:2]) == 0, "it has answered"
    assert silent(read, verdict, asked[0], *[replace(one, after=70) for one in asked[1:]]) == 0, "long after"


def test_calls_that_are_not_taken_come_to_nothing() -> None:
    second = 1_000_000_000
    events = Events(Telling(Codec(load())))
    events._services.put(SERVER, None)

    def call(ts: int, *, answer: bool = False, number: int = 0) -> list[str]:
        ways = (SERVER, CLIENT) if answer else (CLIENT, SERVER)
        seen = Handshake(ts * second, *ways, number or ts, answer)
        return [one.event for one in events.handshake(seen)]

    assert call(1) == ["connection"]
    events.suspect(second, SERVER.host)
    assert call(2) == call(3) == ["connection"]
    assert call(4, number=3) == [], "it was sent again"
    assert call(5, answer=True) == []
    assert call(6) == call(8) == call(10) == ["connection"], "the answer has begun it anew"
    assert call(11) == ["connection", "silence"]
    assert call(12) == ["connection"], "it is told once"


def test_malformed_datagrams_on_a_flow_that_has_pdus(read: Ask, happened: Happened) -> None:
    udp = {"transport": "udp", "port": 7777}
    assert happened("malformed-frame", read(1), garbage(), **udp) == 1
    assert happened("malformed-frame", read(1), garbage(sender="server"), **udp) == 1
    assert happened("malformed-frame", garbage(), read(1), **udp) == 0, "nothing was known of it"
    assert happened("malformed-frame", read(1), garbage(fresh=True), **udp) == 0, "another flow"
    assert happened("malformed-frame", read(1), garbage(after=61), **udp) == 0, "the flow had ended"


def test_malformed_datagrams_on_a_usual_port(read: Ask, happened: Happened) -> None:
    udp = {"transport": "udp", "port": 5006}
    cut = replace(garbage(), octets=bytes.fromhex("500000ffff03000c001000"))
    assert happened("malformed-frame", garbage(), **udp) == 0
    assert happened("malformed-frame", cut, **udp) == 1, "it begins like a PDU"
    assert happened("malformed-frame", replace(cut, octets=b"5000"), **udp) == 0, "in characters"
    unknown = replace(cut, octets=bytes.fromhex("5a00007700"))
    assert happened("malformed-frame", read(1), unknown, **udp) == 0, "a control frame that nobody knows"
    assert happened("malformed-frame", read(1), garbage(fresh=True), **udp) == 1, "the controller has answered there"
    assert happened("malformed-frame", cut, transport="udp", port=7777) == 0, "another port"
    assert happened("malformed-frame", replace(cut, octets=b""), **udp) == 0


@pytest.mark.parametrize(
    ("points", "subcommand", "expected"), [(0, 0, 1), (1, 0, 0), (960, 0, 0), (961, 0, 1), (7168, 1, 0), (7169, 1, 1)]
)
def test_quantities(ask: Ask, happened: Happened, points: int, subcommand: int, expected: int) -> None:
    asked = ask(
        "read-devices",
        protocol="slmp",
        frame="3e-binary",
        device="D100",
        points=points,
        changes={"half": "request", "subcommand": subcommand},
    )
    assert happened("impossible-quantity", asked) == expected


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_serial_number_that_comes_again(read: Ask, happened: Happened, transport: str) -> None:
    def again(*exchanges: Exchange) -> int:
        return happened("serial-reuse", *exchanges, transport=transport)

    def other(serial: int, **changes: Any) -> Exchange:
        one = read(serial, **changes)
        return replace(one, values={**one.values, "device": "D200"})

    waits = read(3, half="request")
    assert again(read(1), read(2), waits, other(3)) == 1
    assert again(read(1), read(2), waits, other(3, after=11)) == 0, "it does not wait any more"
    assert again(read(1), read(2), waits, read(3, after=1)) == 0, "the same once more"
    assert again(read(1), read(2), read(3), other(3)) == 0, "it was answered"
    assert again(read(3), read(3), waits, other(3)) == 0, "nobody counts"
    assert again(read(0xFFFF), read(0), read(1, half="request"), other(1)) == 1
    assert again(*(read(n, half="request") for n in (1, 2, 3)), other(3)) == 0, "answers are not seen"

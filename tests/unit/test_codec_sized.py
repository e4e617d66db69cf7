"""1E, whose PDUs have no length: a request is as long as its command's data, a response as its request makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Incomplete, Mismatch, Pdu, compose
from melsec_nsm.codec.sized import LayoutHalf
from melsec_nsm.codec.stream import read_datagram
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Exchange

DEFINITION = load()
CODEC = Codec(DEFINITION)
FRAMES = ("1e-binary", "1e-ascii")


@dataclass(frozen=True)
class Row:
    """A command with what is asked for, and how many octets request and response have in binary.

    ``ahead`` is the registration that a command without points relies on. ASCII has twice as many characters.
    """

    command: int
    values: Mapping[str, Any]
    request: int
    response: int
    ahead: Row | None = None


def half(points: int) -> int:
    return (points + 1) // 2


def items(points: int, **values: Any) -> list[dict[str, Any]]:
    return [{"device": "D1", **values} for _ in range(points)]


def rows(n: int) -> dict[str, Row]:
    """Every command whose size is known, for so many points."""
    block = {"device": "D1", "points": n}
    bits = {"device": "M1", "points": n, "values": (1,) * n}
    words = {"device": "D1", "points": n, "values": (7,) * n}
    registered = {"block": 3, "device": "R1"}
    monitor_bits = Row(0x06, {"devices": [{"device": "M1"}] * n}, 6 + 6 * n, 2)
    monitor_words = Row(0x07, {"devices": items(n)}, 6 + 6 * n, 2)
    # A block of two octets stands beside each device.
    monitor_registers = Row(0x1A, {"devices": [registered] * n}, 6 + 8 * n, 2)
    return {
        "00": Row(0x00, {"device": "M1", "points": n}, 12, 2 + half(n)),
        "01": Row(0x01, block, 12, 2 + 2 * n),
        "02": Row(0x02, bits, 12 + half(n), 2),
        "03": Row(0x03, words, 12 + 2 * n, 2),
        "04": Row(0x04, {"devices": [{"device": "M1", "value": 1}] * n}, 6 + 7 * n, 2),
        "05": Row(0x05, {"devices": items(n, value=7)}, 6 + 8 * n, 2),
        "06": monitor_bits,
        "07": monitor_words,
        "08": Row(0x08, {}, 4, 2 + half(n), monitor_bits),
        "09": Row(0x09, {}, 4, 2 + 2 * n, monitor_words),
        "0E": Row(0x0E, {"address": 0x7F0, "points": n, "module": 0x13}, 10, 2 + n),
        "0F": Row(0x0F, {"address": 0x7F0, "module": 0x13, "content": bytes(n)}, 10 + n, 2),
        "17": Row(0x17, {**registered, "points": n}, 14, 2 + 2 * n),
        "18": Row(0x18, {**registered, "points": n, "values": (7,) * n}, 14 + 2 * n, 2),
        "19": Row(0x19, {"devices": [{**registered, "value": 7}] * n}, 6 + 10 * n, 2),
        "1A": monitor_registers,
        "1B": Row(0x1B, {}, 4, 2 + 2 * n, monitor_registers),
        "3B": Row(0x3B, block, 12, 2 + 2 * n),
        "3C": Row(0x3C, words, 12 + 2 * n, 2),
    }


ALL = {
    **{f"{name} of {n}": row for n in (1, 2, 5, 256) for name, row in rows(n).items()},
    "13": Row(0x13, {}, 4, 2),
    "14": Row(0x14, {}, 4, 2),
    "15": Row(0x15, {}, 4, 4),
    **{f"16 of {n}": Row(0x16, {"content": b"A" * n}, 5 + n, 3 + n) for n in (1, 5, 254)},
}
EACH = pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ALL.items()])
IN_BOTH = pytest.mark.parametrize("frame", FRAMES)


def exchange(frame: str, command: int, values: Mapping[str, Any] | None = None, **others: Any) -> Exchange:
    made: dict[str, Any] = {"subcommand": 0, "data": None, "status": 0, "response_values": {}, "response_data": None}
    made |= {"half": "both", "repeat": 1, **others}
    return Exchange(protocol="mc1e", frame=frame, command=command, values=values or {}, **made)


def read(octets: bytes, *asked: Pdu, strict: bool = True, at: int = 0) -> Pdu | Mismatch | Incomplete:
    return CODEC.read(octets, at, strict=strict, asked=list(asked))


def pdu(octets: bytes, *asked: Pdu, strict: bool = True) -> Pdu:
    found = read(octets, *asked, strict=strict)
    assert isinstance(found, Pdu)
    return found


@dataclass
class Client:
    """Requests of one client, each with the registration that it relies on."""

    frame: str
    registered: dict[int, Pdu] = field(default_factory=dict)

    def ask(self, row: Row) -> tuple[bytes, Pdu]:
        if row.ahead is not None:
            self.ask(row.ahead)
        octets = compose.request(CODEC, exchange(self.frame, row.command, row.values))
        request = pdu(octets)
        registering = CODEC.registration(request)
        if registering is not None:
            request.refers = self.registered.get(registering)
        self.registered[row.command] = request
        return octets, request


def answer(frame: str, row: Row) -> bytes:
    """A good answer."""
    if row.ahead is None:
        same = row.values if row.command == 0x16 else {}
        return compose.response(CODEC, exchange(frame, row.command, row.values, response_values=same))
    content = row.response - 2
    return CODEC.half(frame, "response").encode(
        {"command": row.command}, bytes(content) if frame == "1e-binary" else b"0" * (2 * content)
    )


def test_every_command_is_here() -> None:
    known = {one.code for one in DEFINITION.protocols["mc1e"].commands if one.request and "1e-binary" in one.frames}
    assert {row.command for row in ALL.values()} == known


@IN_BOTH
@EACH
def test_requests(frame: str, row: Row) -> None:
    octets, request = Client(frame).ask(row)
    expected = row.request if frame == "1e-binary" else 2 * row.request
    assert (len(octets), request.size, request.command) == (expected, expected, row.command)
    assert pdu(octets + b"\xee" * 9).size == expected, "what follows does not matter"
    for cut in {*range(min(len(octets), 30)), len(octets) - 1}:
        assert isinstance(read(octets[:cut]), Incomplete), cut
    decoded = CODEC.payload(request)
    assert (decoded.complete, decoded.rest) == (True, b"")
    for name, value in row.values.items():
        if not isinstance(value, list) and name != "device":
            assert decoded.values[name] == value


@IN_BOTH
@EACH
def test_responses(frame: str, row: Row) -> None:
    _, request = Client(frame).ask(row)
    octets = answer(frame, row)
    expected = row.response if frame == "1e-binary" else 2 * row.response
    assert len(octets) == expected
    response = pdu(octets, request)
    assert (response.size, response.command, response.status) == (expected, row.command, 0)
    assert response.refers is request
    assert response.half.direction == "response"
    for cut in {*range(1, min(len(octets), 30)), len(octets) - 1}:
        assert isinstance(read(octets[:cut], request), Incomplete), cut
    assert CODEC.payload(response).complete
    assert isinstance(read(octets), Mismatch), "nobody asked"
    assert isinstance(CODEC.read(octets), Mismatch), "not looked for"


@IN_BOTH
@EACH
def test_error_responses_have_nothing_behind_their_code(frame: str, row: Row) -> None:
    _, request = Client(frame).ask(row)
    for status in (0x50, 0x54, 0x56, 0x57, 0x58, 0x60):
        octets = CODEC.half(frame, "response").encode({"command": row.command, "status": status}, b"")
        response = pdu(octets, request)
        assert (response.size, response.status, response.data, response.trailing) == (len(octets), status, b"", b"")
        assert CODEC.payload(response).values == {}


@pytest.mark.parametrize(
    ("octets", "size", "data", "trailing"),
    [
        ("81 5B 10", 3, b"\x10", b"\0"),
        ("81 5B 10 00", 3, b"\x10", b"\0"),
        ("81 5B 18 81 00", 3, b"\x18", b"\0"),
    ],
)
def test_an_abnormal_code_follows_5b(octets: str, size: int, data: bytes, trailing: bytes) -> None:
    _, request = Client("1e-binary").ask(ALL["01 of 2"])
    response = pdu(bytes.fromhex(octets), request)
    assert (response.status, response.size, response.data, response.trailing) == (0x5B, size, data, trailing)
    assert isinstance(read(bytes.fromhex("81 5B"), request), Incomplete)


def test_an_abnormal_code_in_ascii() -> None:
    _, request = Client("1e-ascii").ask(ALL["01 of 2"])
    for octets in (b"815B10", b"815B1000", b"815b1000"):
        response = pdu(octets, request)
        assert (response.status, response.size, response.data, response.trailing) == (0x5B, 6, b"10", b"00")
    for cut in range(1, 6):
        assert isinstance(read(b"815B10"[:cut], request), Incomplete)


def test_the_layouts_of_a_series_are_not_known() -> None:
    for code in (0x0A, 0x0D, 0x12, 0x1C, 0x21, 0x39):
        octets = bytes([code, 0xFF, 10, 0, 1, 2, 3])
        assert isinstance(read(octets), Mismatch), "nothing speaks for it"
        request = pdu(octets, strict=False)
        assert (request.size, request.data, request.open) == (4, b"", True)
        response = pdu(bytes([code | 0x80, 0, 9, 9]), request)
        assert (response.size, response.data, response.open) == (2, b"", True)
        refused = pdu(bytes([code | 0x80, 0x50]), request)
        assert (refused.size, refused.open) == (2, False)


def test_a_datagram_is_all_of_a_pdu_of_unknown_size() -> None:
    octets = bytes([0x0A, 0xFF, 10, 0, 1, 2, 3])
    request = read_datagram(CODEC, octets, strict=False, asked=[])
    assert request is not None
    assert (request.size, request.data) == (7, b"\1\2\3")


# What is taken for 1E


READ = bytes.fromhex("01 FF 0A00 64000000 2044 02 00")
WORDS = bytes.fromhex("81 00 3412 7856")


@pytest.mark.parametrize(
    "octets",
    [
        "16 03 01 00 A5 01 00 00 A1 03 03",  # TLS
        "03 00 00 16 11 E0 00 00 00 01 00",  # TPKT, S7
        "00 01 00 00 00 06 01 03 00 00 00 0A",  # Modbus/TCP
        "12 34 01 00 00 01 00 00 00 00 00 00",  # DNS
        "01 FE 0A00 64000000 2044 02 00",
        "01 FF 0A00 64000000 2099 02 00",
        "01 FF 0A00 64000000 2044 02 01",
        "3D FF 0A00",
        "22 FF 0A00",
        "60 00 0100 3412",
        "E0 00",
    ],
)
def test_what_is_no_request(octets: str) -> None:
    assert isinstance(read(bytes.fromhex(octets)), Mismatch)


def test_a_known_conversation_may_name_other_stations_and_devices() -> None:
    for octets in ("01 05 0A00 64000000 2044 02 00", "01 FF 0A00 64000000 2099 02 00"):
        request = pdu(bytes.fromhex(octets), strict=False)
        assert request.size == 12
    assert isinstance(read(bytes.fromhex("01 FF 0A00 64000000 2044 02 01"), strict=False), Mismatch)


@pytest.mark.parametrize("octets", [b"01FF000A4420", b"01ff000a4420", b"0"])
def test_a_request_in_ascii_that_goes_on(octets: bytes) -> None:
    assert isinstance(read(octets), Incomplete)


@pytest.mark.parametrize(
    "octets", [b"01FE000A4420000000640200", b"01FF000A44G0000000640200", b"01FF000A4499000000640200", b"0G", b"4"]
)
def test_what_is_no_request_in_ascii(octets: bytes) -> None:
    assert isinstance(read(octets), Mismatch)


def test_self_test_of_nothing_is_none() -> None:
    assert isinstance(read(bytes.fromhex("16 FF 0A00 00")), Mismatch)


def test_a_response_belongs_to_its_command_and_its_frame() -> None:
    request = pdu(READ)
    assert pdu(WORDS, request).refers is request
    assert isinstance(read(bytes.fromhex("80 00 10"), request), Mismatch)
    assert isinstance(read(b"81001234", request), Mismatch)
    assert isinstance(read(bytes.fromhex("81 42"), request), Mismatch), "no end code"
    in_characters = pdu(b"01FF000A4420000000640200")
    assert pdu(b"810012345678", in_characters).refers is in_characters
    assert isinstance(read(WORDS, in_characters), Mismatch)


def test_the_oldest_request_that_fits() -> None:
    two, three = pdu(READ), pdu(READ[:-2] + b"\x03\0")
    six_octets = WORDS + bytes(2)
    assert pdu(WORDS, two, three).refers is two
    assert pdu(WORDS, three, two).refers is two, "too short for the other"
    assert pdu(six_octets, two, three).refers is three, "nothing begins behind four octets"
    assert pdu(WORDS + WORDS, two, two).size == len(WORDS)
    assert pdu(WORDS + bytes.fromhex("815B10"), two, three).refers is two
    assert isinstance(read(WORDS[:-1], two, three), Incomplete)


def test_registrations() -> None:
    monitors = {0x08: 0x06, 0x09: 0x07, 0x1B: 0x1A}
    for name, row in rows(1).items():
        _, request = Client("1e-binary").ask(row)
        assert CODEC.registration(request) == monitors.get(row.command), name
    alone = pdu(bytes.fromhex("09 FF 0A00"))
    # How many points were registered is not known: all that comes are values.
    response = pdu(bytes.fromhex("89 00 3412 7856"), alone)
    assert CODEC.payload(response).values == {"values": (0x1234, 0x5678)}


def test_buffer_messages_follow_another_pdu_only() -> None:
    message = bytes.fromhex("60 00 0200 3412 7856")
    assert isinstance(read(message), Mismatch), "other protocols begin like this"
    request = pdu(message + b"\x01", strict=False)
    assert (request.size, request.command, CODEC.payload(request).values) == (
        8,
        0x60,
        {"points": 2, "values": (0x1234, 0x5678)},
    )
    assert pdu(bytes.fromhex("E0 00"), request).refers is request
    assert isinstance(read(message[:5], strict=False), Incomplete)


@pytest.mark.parametrize(
    ("frame", "direction", "name", "wrong"),
    [(frame, "request", "station", 0x01) for frame in FRAMES]
    + [(frame, "response", "status", 0x4F) for frame in FRAMES],
)
def test_restricted_values(frame: str, direction: str, name: str, wrong: int) -> None:
    found = CODEC.half(frame, direction)
    assert isinstance(found, LayoutHalf)
    asked = [Client(frame).ask(ALL["13"])[1]]
    octets = found.encode({"command": 0x13, name: wrong}, b"")
    assert isinstance(CODEC.read(octets, asked=asked), Mismatch)
    lenient = CODEC.read(octets, strict=False, asked=asked)
    assert isinstance(lenient, Pdu)
    assert lenient.get(name) == wrong


@settings(max_examples=100, deadline=None)
@given(
    head=st.sampled_from(
        [b"", *(bytes([code, 0xFF, 10, 0]) for code in range(0x3D)), b"01FF000A", b"16FF000A", b"05FF000A"]
    ),
    data=st.binary(max_size=120),
    answers=st.booleans(),
    strict=st.booleans(),
)
def test_any_octets_are_read_without_an_error(head: bytes, data: bytes, answers: bool, strict: bool) -> None:
    asked = (
        [Client(frame).ask(row)[1] for frame in FRAMES for row in ALL.values() if row.request < 60] if answers else []
    )
    octets = head + data
    found = CODEC.read(octets, strict=strict, asked=asked)
    if isinstance(found, Pdu):
        assert 0 < found.size <= len(octets)
        CODEC.payload(found)
    for number in range(0x80, 0xBD):
        answered = CODEC.read(bytes([number, 0]) + data, strict=strict, asked=asked)
        assert not isinstance(answered, Pdu) or answered.size <= len(data) + 2


def test_more_points_than_a_buffer_holds() -> None:
    octets = bytes.fromhex("60 00 FA03")
    assert isinstance(read(octets, strict=False), Mismatch)
    assert isinstance(read(bytes.fromhex("60 00 F903"), strict=False), Incomplete)

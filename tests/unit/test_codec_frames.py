"""Frames: PDUs of MELSOFT decode to what is said of them, and nothing else passes for one.

Those of SLMP are in test_codec_worked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Incomplete, Mismatch, Pdu
from melsec_nsm.codec.frames import Half, Value
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Field

DEFINITION = load()
CODEC = Codec(DEFINITION)


def named(halves: Iterable[Half]) -> list[Any]:
    return [pytest.param(half, id=f"{half.frame.id}-{half.direction}") for half in halves]


# Those without a length are in test_codec_sized.
HALVES = named(half for half in CODEC.halves() if half.frame.kind != "layout")
WITH_LENGTH = named(half for half in CODEC.halves() if half.length_end)
PLAIN = named(half for half in CODEC.halves() if half.frame.kind in ("length", "sizes"))


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


def read(data: bytes) -> Pdu:
    found = CODEC.read(data)
    assert isinstance(found, Pdu)
    return found


def encoded(pdu: Pdu) -> bytes:
    """The PDU put together again; its length is counted anew."""
    values = dict(zip(pdu.half.names, pdu.values, strict=True))
    values.pop("length", None)
    return pdu.half.encode(values, pdu.data)


def wire_size(pdu: Pdu) -> int:
    """Octets of a PDU with the sum behind it."""
    return pdu.size + len(pdu.trailing)


@dataclass(frozen=True)
class Worked:
    """A MELSOFT PDU with what is known of it."""

    frame: str
    values: Mapping[str, Value]
    header: str
    data: str


MELSOFT = {
    # An iQ-R safety CPU asked by GX Works3 (captures of NozomiNetworks/blackhat23-melsoft).
    "type name request of GX Works3": Worked(
        "57-long",
        {"variant": 1, "counter": 0, "network": 1, "station": 0x7D, "module_io": 0x3E0, "source_module_io": 0x3FE}
        | {"flags": 0x0A, "command": 0x0121, "serial": 1, "size": 4},
        "57 01 00 0000 1111 07 00 01 7D E003 00 00 FE03 0000 3200 1C 0A 16 14"
        "E003 00 00 00 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 0121 0100 0400",
        "0001 0002 0E00 02 8104 8205 BAA0A9EE 003E36A12B",
    ),
    "type name response of an iQ-R": Worked(
        "57-long",
        {"variant": 0, "counter": 12, "station": 0, "module_io": 0x3A8, "source_station": 0x7D, "status": 0}
        | {"source_module_io": 0x3E0, "flags": 2, "command": 0x0121, "serial": 1, "size": 0x1C},
        "D7 00 0C 0000 1111 07 00 00 00 A803 01 7D E003 0000 4E00 9C 02 18 14 0000"
        "00 00 01 04 E003 00 00 00 00 00 00 00 00 00 00 00 00 00 00 0121 0100 1C00",
        "52303853464350552020202020202020 9148 000800000200 0290 00021000 02 8104 8207 2356C2FA 000000 FA78E00D",
    ),
    "stop of an iQ-R": Worked(
        "57-long",
        {"counter": 8, "network": 1, "station": 0x7D, "command": 0x1002, "serial": 9, "size": 4},
        "57 01 08 0000 1111 07 00 01 7D E003 00 00 FE03 0000 3200 1C 0A 16 14"
        "E003 00 00 00 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 1002 0900 0400",
        "0100 0002 0E00 02 8104 8205 BEBA6128 008F730738",
    ),
    # Captures of ITI/ICS-Security-Tools.
    "stop of an FX5U": Worked(
        "57-long",
        {"counter": 0, "network": 0, "station": 0xFF, "module_io": 0x3FF, "command": 0x1002, "serial": 11, "size": 0},
        "57 01 00 0000 1111 07 00 00 FF FF03 00 00 FE03 0000 2000 1C 0A 16 14"
        "0000 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 1002 0B00 0000",
        "0100",
    ),
    # The probe of nmap's melsecq-discover, and what a Q03UDECPU said to it (hi-KK/ICS-Protocol-identify).
    "probe of a scanner": Worked(
        "57-short",
        {"variant": 0, "flags": 8, "command": 0x0101, "serial": 1, "size": 0},
        "57 00 00 0000 1111 07 00 00 FF FF03 00 00 FE03 0000 1400 1C 08 0A 08 00 00 00 00 00 00 00 04 0101 0100 0000",
        "0001",
    ),
    "answer of a Q03UDECPU": Worked(
        "57-short",
        {"counter": 0xC8, "module_io": 0x3E4, "flags": 0, "status": 0, "command": 0x0101, "serial": 1, "size": 0},
        "D7 00 C8 0000 1111 07 00 00 00 E403 00 FF FF03 0000 3800 9C 00 0C 08 0000"
        "00 00 10 04 00 00 00 00 0101 0100 0000",
        "51303355444543505520202020202020 6802 0008BABA081020210316002002000101E802",
    ),
}


@pytest.mark.parametrize("name", MELSOFT)
def test_melsoft(name: str) -> None:
    worked = MELSOFT[name]
    data = octets(worked.header + worked.data)
    pdu = read(data)
    assert (pdu.protocol, pdu.half.frame.id) == ("melsoft", worked.frame)
    assert pdu.is_request == (data[0] == 0x57)
    assert {field: pdu.get(field) for field in worked.values} == worked.values
    assert (pdu.get("length"), pdu.data) == (len(data) - 21, octets(worked.data))
    assert pdu.known is not None
    assert encoded(pdu) == data


def test_control_frames() -> None:
    # An FX5U says who owns it: 192.168.0.101, asked by 192.168.3.18.
    request, response = octets("5A000001"), octets("DA000001 1400 C0A80312 C0A80065")
    asked, answered = read(request), read(response)
    assert (asked.half.frame.id, asked.command, asked.data, asked.size) == ("5a", 1, b"", 4)
    assert (answered.command, answered.data, answered.size) == (1, response[4:], 14)
    assert asked.known is not None
    assert asked.known.operation == "query-owner"
    assert read(octets("DA0000FF") + bytes(24)).size == 28
    assert isinstance(CODEC.read(octets("5A000005 49")), Mismatch), "PostgreSQL is ready for a query"
    assert isinstance(CODEC.read(octets("DA0000FF") + bytes(23)), Incomplete)


# Properties of every half


def _within(field: Field) -> st.SearchStrategy[int]:
    top = 0xFF if field.type == "u8" else 0xFFFF
    ranges = [st.integers(low, high) for low, high in field.allowed or ((0, top),)]
    return st.one_of(ranges)


def known(half: Half) -> st.SearchStrategy[dict[str, Value]]:
    """A command with its sub-command, or an end code, that the definition knows: it speaks for a rare route."""
    names = set(half.names)
    if half.direction == "response":
        statuses = [one.code for one in DEFINITION.statuses[half.protocol.status_table]]
        return st.sampled_from([{"status": code} for code in statuses] if "status" in names else [{}])
    found: list[dict[str, Value]] = []
    for command in half.protocol.commands_of(half.frame):
        subcommands = (command.subcommands or (0x1234,)) if "subcommand" in names else ()
        found += [{"command": command.code, "subcommand": one} for one in subcommands] or [{"command": command.code}]
    return st.sampled_from(found)


@st.composite
def pdus(draw: st.DrawFn, half: Half) -> tuple[dict[str, Value], bytes]:
    """Values of the header that the definition allows, and data."""
    values: dict[str, Value] = {}
    for field in half.header:
        if field.const is None and field.counts is None:
            if field.type == "bytes":
                assert field.size is not None
                values[field.name] = draw(st.binary(min_size=field.size, max_size=field.size))
            else:
                values[field.name] = draw(_within(field))
    if not half.data_field.sizes:
        return values | draw(known(half)), draw(st.binary(max_size=40))
    code = draw(st.sampled_from(sorted(half.data_field.sizes)))
    values["command"] = code
    size = half.data_field.sizes[code]
    return values, draw(st.binary(min_size=size, max_size=size))


@pytest.mark.parametrize("half", HALVES)
@settings(max_examples=25, deadline=None)
@given(drawn=st.data())
def test_what_is_encoded_is_decoded(half: Half, drawn: st.DataObject) -> None:
    values, data = drawn.draw(pdus(half))
    junk = drawn.draw(st.binary(max_size=5))
    encoding = half.encode(values, data)
    pdu = CODEC.read(junk + encoding + junk, len(junk))
    assert isinstance(pdu, Pdu)
    assert (pdu.half, wire_size(pdu), pdu.data) == (half, len(encoding), data)
    assert {name: pdu.get(name) for name in values} == values
    assert encoded(pdu) == encoding


@pytest.mark.parametrize("half", HALVES)
@settings(max_examples=15, deadline=None)
@given(drawn=st.data())
def test_every_prefix_is_incomplete(half: Half, drawn: st.DataObject) -> None:
    encoding = half.encode(*drawn.draw(pdus(half)))
    pdu = read(encoding)
    for cut in range(pdu.size):
        found = CODEC.read(encoding[:cut])
        assert isinstance(found, Incomplete), cut
        # How many octets will be doubled is not known before they are there.
        told = cut >= half.header_size and half.frame.kind != "stuffed"
        assert found.total == (len(encoding) if told else 0)


@pytest.mark.parametrize("half", [half for half in HALVES if half.values[0].ascii])
@settings(max_examples=15, deadline=None)
@given(drawn=st.data())
def test_headers_in_lower_case(half: Half, drawn: st.DataObject) -> None:
    values, data = drawn.draw(pdus(half))
    encoding = half.encode(values, data)
    lower = encoding[: half.header_size].lower()
    for cut in range(len(lower)):
        assert isinstance(CODEC.read(lower[:cut]), Incomplete)
    pdu = read(lower + encoding[half.header_size :])
    assert (pdu.half, {name: pdu.get(name) for name in values}, pdu.data) == (half, values, data)


@pytest.mark.parametrize("half", PLAIN)
@settings(max_examples=15, deadline=None)
@given(drawn=st.data())
def test_one_wrong_constant_octet_is_a_mismatch(half: Half, drawn: st.DataObject) -> None:
    encoding = half.encode(*drawn.draw(pdus(half)))
    for field in half.header:
        if field.const is None:
            continue
        offset = half.offsets[field.name]
        size = len(field.const) if isinstance(field.const, bytes) else 1
        for position in range(offset, offset + size * half.scale):
            flipped = encoding[position] ^ drawn.draw(st.integers(1, 255))
            # Digits in lower case are digits.
            flipped = 0 if half.ascii and bytes([flipped]).upper()[0] == encoding[position] else flipped
            wrong = encoding[:position] + bytes([flipped]) + encoding[position + 1 :]
            for strict in (True, False):
                assert isinstance(half.measure(wrong, 0, strict=strict), Mismatch), (field.name, position)
                # As soon as the octet is there, too.
                assert isinstance(half.measure(wrong[: position + 1], 0, strict=strict), Mismatch)


@pytest.mark.parametrize("half", [half for half in HALVES if half.values[0].ascii])
def test_a_header_in_ascii_is_nothing_but_digits(half: Half) -> None:
    encoding = half.encode({}, b"")
    for position in range(half.header_size):
        for other in b"G@`g/: \0+_\xff":
            wrong = encoding[:position] + bytes([other]) + encoding[position + 1 :]
            assert isinstance(CODEC.read(wrong, strict=False), Mismatch)
            assert isinstance(CODEC.read(wrong[: position + 1], strict=False), Mismatch)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=80), start=st.integers(0, 90), strict=st.booleans(), drawn=st.data())
def test_any_octets_are_read_without_an_error(data: bytes, start: int, strict: bool, drawn: st.DataObject) -> None:
    # Most octets are no beginning; these are.
    beginning = drawn.draw(st.sampled_from([b"", *(half.values[0].prefix for half in HALVES)]))
    data = data[:start] + beginning + data[start:]
    found = CODEC.read(data, start, strict=strict, asked=drawn.draw(st.sampled_from([None, []])))
    if isinstance(found, Pdu):
        assert found.size <= len(data) - start
    elif start >= len(data):
        assert isinstance(found, Incomplete)


RESTRICTED = [
    pytest.param(half.values[0], field, id=f"{half.id}-{field.name}")
    for half in HALVES
    for field in half.values[0].header
    if field.allowed
]


def test_something_is_restricted_in_every_header_with_a_length() -> None:
    assert {half.values[0] for half in RESTRICTED} == {half for half in CODEC.halves() if half.length_end}


def a_known_one(half: Half) -> dict[str, Value]:
    """The first command or end code that the definition knows."""
    if half.direction == "response":
        return {"status": 0}
    command = next(iter(half.protocol.commands_of(half.frame)))
    return {"command": command.code, "subcommand": next(iter(command.subcommands), 0)}


@pytest.mark.parametrize(("half", "field"), RESTRICTED)
def test_values_out_of_range_are_refused_only_in_the_strict_reading(half: Half, field: Field) -> None:
    top = 0xFF if field.type == "u8" else 0xFFFF
    edges = {edge for low, high in field.allowed for edge in (low, high)}
    outside = {near for edge in edges for near in (edge - 1, edge + 1) if 0 <= near <= top}
    outside = {value for value in outside if not any(low <= value <= high for low, high in field.allowed)}
    assert outside
    for value in edges:
        assert isinstance(CODEC.read(half.encode({**a_known_one(half), field.name: value}, b"")), Pdu), value
    for value in outside:
        wrong = half.encode({**a_known_one(half), field.name: value}, b"")
        assert isinstance(CODEC.read(wrong), Mismatch), value
        found = CODEC.read(wrong, strict=False)
        assert isinstance(found, Pdu)
        assert found.get(field.name) == value


ROUTED = named(
    half for half in CODEC.halves() if {"station", "length"} <= set(half.names) and half.protocol.name == "slmp"
)


@pytest.mark.parametrize("half", ROUTED)
def test_a_rare_route_needs_something_that_is_known(half: Half) -> None:
    unknown: dict[str, Value] = {"command": 0x7777} if half.direction == "request" else {"status": 0x7777}
    for route, strict, is_known, expected in (
        (0xFF, 2, False, True),
        (0x01, 2, False, False),
        (0x01, 2, True, half.direction == "request"),
        (0x01, 1, False, False),
        (0x01, 1, True, True),
        (0x01, 0, False, True),
    ):
        octets = half.encode({"station": route} | (a_known_one(half) if is_known else unknown), b"")
        assert isinstance(CODEC.read(octets, strict=strict), Pdu if expected else Mismatch), (route, strict, is_known)


def test_a_sub_command_that_is_not_known() -> None:
    half = CODEC.half("3e-binary", "request")
    for route, expected in ((0xFF, Pdu), (0x01, Mismatch)):
        octets = half.encode({"station": route, "command": 0x0401, "subcommand": 0x7777}, b"")
        assert isinstance(CODEC.read(octets), expected)


@pytest.mark.parametrize("half", WITH_LENGTH)
@pytest.mark.parametrize("strict", [True, False])
def test_length_is_bounded(half: Half, strict: bool) -> None:
    fixed = half.header_size - half.length_end
    assert half.minimum == fixed, "the shortest PDU carries no data"
    shortest, longest = half.encode({}, b""), half.encode({}, bytes(half.maximum - fixed))
    around = len(shortest) - half.header_size
    assert half.measure(shortest, 0, strict=strict) == read(shortest).size
    assert half.measure(longest, 0, strict=strict) == read(longest).size
    if half.frame.kind == "stuffed":
        assert around == len(b"\x10\x0300")
    else:
        assert (len(shortest), len(longest)) == (half.length_end + half.minimum, half.length_end + half.maximum)
    for length in (0, half.minimum - 1, half.maximum + 1, 0xFFFF):
        wrong = half.encode({"length": length}, bytes(8))
        assert isinstance(half.measure(wrong, 0, strict=strict), Mismatch), length


def test_an_fx5u_may_zero_the_reserved_word() -> None:
    # A client may send anything there; on its own that is not taken for SLMP.
    request = octets("5400 3412CDAB 00FFFF0300 0600 1000 0101 0000")
    pdu = CODEC.read(request, strict=False)
    assert isinstance(pdu, Pdu)
    assert (pdu.serial, pdu.get("reserved")) == (0x1234, 0xABCD)
    assert isinstance(CODEC.read(request), Mismatch)


def test_unknown_commands_are_pdus() -> None:
    pdu = read(octets("5000 00FFFF0300 0800 1000 3412 7856 0100"))
    assert (pdu.command, pdu.subcommand, pdu.known) == (0x1234, 0x5678, None)


def test_fields_and_halves_that_are_not_there() -> None:
    pdu = read(octets("D000 00FFFF0300 0200 0000"))
    assert (pdu.get("timer"), pdu.get("nonsense"), pdu.serial) == (None, None, None)
    with pytest.raises(KeyError):
        CODEC.half("9e-binary", "request")
    with pytest.raises(KeyError):
        CODEC.half("emt-push", "response")


def test_first_octets() -> None:
    slmp = {0x50, 0x54, 0x68, 0x5D, 0x9D, 0xD0, 0xD4, 0xE8, 0xDD, 0x10, *b"5Dd"}
    assert CODEC.first_octets == slmp | {0x57, 0xD7, 0x5A, 0xDA}
    binary = {*range(0x22), *range(0x39, 0x3D), 0x60, 0x61, 0x62}
    assert CODEC.sized_octets == {*binary, *(code | 0x80 for code in binary), *b"0123", *b"89ABab"}

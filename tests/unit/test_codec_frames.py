"""Frames: PDUs written down elsewhere decode to what is said of them, and nothing else passes for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Incomplete, Mismatch, Pdu
from melsec_nsm.codec.frames import Half, Value
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Field

CODEC = Codec(load())
HALVES = [pytest.param(half, id=f"{half.frame.id}-{half.direction}") for half in CODEC.halves()]

# Encoded by pymcprotocol 0.3.0, plc-comm-slmp and aslmp 0.2.0, answered by virtual-plc 0.3.0 and a
# recorded FX5U; the error blocks are aslmp's. X18 and X19 follow the manual (SH(NA)-080008).
REQUESTS = [
    # name, serial, timer, command, sub-command, header, data
    ("X01 read words", None, 4, 0x0401, 0x0000, "5000 00FFFF0300 0C00 0400 0104 0000", "640000A80300"),
    ("X02 read bits", None, 4, 0x0401, 0x0001, "5000 00FFFF0300 0C00 0400 0104 0100", "640000900500"),
    ("X03 write words", None, 4, 0x1401, 0x0000, "5000 00FFFF0300 1200 0400 0114 0000", "640000A80300951902123011"),
    ("X04 write bits", None, 4, 0x1401, 0x0001, "5000 00FFFF0300 0F00 0400 0114 0100", "640000900500110010"),
    (
        "X05 read at random",
        None,
        4,
        0x0403,
        0x0000,
        "5000 00FFFF0300 1400 0400 0304 0000",
        "0201000000A8000000C2DC0500A8",
    ),
    (
        "X06 write words at random",
        None,
        4,
        0x1402,
        0x0000,
        "5000 00FFFF0300 1600 0400 0214 0000",
        "0101000000A85005DC0500A802123904",
    ),
    (
        "X07 write bits at random",
        None,
        4,
        0x1402,
        0x0001,
        "5000 00FFFF0300 1100 0400 0214 0100",
        "0232000090002F00009D01",
    ),
    ("X08 run", None, 4, 0x1001, 0x0000, "5000 00FFFF0300 0A00 0400 0110 0000", "03000200"),
    ("X09 stop", None, 4, 0x1002, 0x0000, "5000 00FFFF0300 0800 0400 0210 0000", "0100"),
    ("X10 pause", None, 4, 0x1003, 0x0000, "5000 00FFFF0300 0800 0400 0310 0000", "0100"),
    ("X11 latch clear", None, 4, 0x1005, 0x0000, "5000 00FFFF0300 0800 0400 0510 0000", "0100"),
    ("X12 reset", None, 4, 0x1006, 0x0000, "5000 00FFFF0300 0800 0400 0610 0000", "0100"),
    ("X13 type name", None, 4, 0x0101, 0x0000, "5000 00FFFF0300 0600 0400 0101 0000", ""),
    ("X14 self test", None, 4, 0x0619, 0x0000, "5000 00FFFF0300 0D00 0400 1906 0000", "05004142434445"),
    ("X15 lock", None, 4, 0x1631, 0x0000, "5000 00FFFF0300 0C00 0400 3116 0000", "040031323334"),
    ("X16 unlock, wrong", None, 4, 0x1630, 0x0000, "5000 00FFFF0300 0C00 0400 3016 0000", "040039393939"),
    ("X16 unlock", None, 4, 0x1630, 0x0000, "5000 00FFFF0300 0C00 0400 3016 0000", "040031323334"),
    ("X18 own memory", None, 16, 0x0613, 0x0000, "5000 00FFFF0300 0C00 1000 1306 0000", "780000000100"),
    ("X19 module buffer", None, 16, 0x0601, 0x0000, "5000 00FFFF0300 0E00 1000 0106 0000", "F007000004001300"),
    (
        "X20 read words, iQ-R",
        0x1234,
        4,
        0x0401,
        0x0002,
        "5400 34120000 00FFFF0300 0E00 0400 0104 0200",
        "64000000A8000200",
    ),
    (
        "X21 write bits, iQ-R",
        0x1234,
        4,
        0x1401,
        0x0003,
        "5400 34120000 00FFFF0300 1000 0400 0114 0300",
        "64000000900003001010",
    ),
    (
        "X22 write bits at random, iQ-R",
        0x1234,
        4,
        0x1402,
        0x0003,
        "5400 34120000 00FFFF0300 1700 0400 0214 0300",
        "0232000000900000002F0000009D000100",
    ),
    (
        "X23 read extended, U3E0 G10",
        0x0000,
        16,
        0x0401,
        0x0082,
        "5400 00000000 00FFFF0300 1500 1000 0104 8200",
        "00000A000000AB000000E003F80100",
    ),
    (
        "X24 read extended, J1 W100",
        0x0001,
        16,
        0x0401,
        0x0080,
        "5400 01000000 00FFFF0300 1300 1000 0104 8000",
        "0000000100B400000100F90100",
    ),
    (
        "X25 read blocks",
        0x0000,
        16,
        0x0406,
        0x0000,
        "5400 00000000 00FFFF0300 1400 1000 0604 0000",
        "0101000000A80200000000900200",
    ),
    (
        "X26 write blocks",
        0x0001,
        16,
        0x1406,
        0x0000,
        "5400 01000000 00FFFF0300 1A00 1000 0614 0000",
        "0101000000A80200080030200000009001003020",
    ),
    (
        "X27 register monitor",
        0x0002,
        16,
        0x0801,
        0x0000,
        "5400 02000000 00FFFF0300 1400 1000 0108 0000",
        "0201000000A8000000C2DC0500A8",
    ),
    ("X28 read monitor", 0x0003, 16, 0x0802, 0x0000, "5400 03000000 00FFFF0300 0600 1000 0208 0000", ""),
    ("X29 type name", 0x0004, 16, 0x0101, 0x0000, "5400 04000000 00FFFF0300 0600 1000 0101 0000", ""),
    ("X30 clear error", 0x0002, 16, 0x1617, 0x0000, "5400 02000000 00FFFF0300 0600 1000 1716 0000", ""),
    ("X31 self test", 0x0003, 16, 0x0619, 0x0000, "5400 03000000 00FFFF0300 0C00 1000 1906 0000", "040041424344"),
    (
        "X32 read label",
        0x0007,
        16,
        0x041C,
        0x0000,
        "5400 07000000 00FFFF0300 1800 1000 1C04 0000",
        "0100000006004C006100620065006C005700",
    ),
    (
        "X33 write label",
        0x0009,
        16,
        0x141B,
        0x0000,
        "5400 09000000 00FFFF0300 1C00 1000 1B14 0000",
        "0100000006004C006100620065006C00570002003412",
    ),
    (
        "X34 unlock, iQ-R",
        0x0005,
        16,
        0x1630,
        0x0000,
        "5400 05000000 00FFFF0300 1000 1000 3016 0000",
        "08005061737377307264",
    ),
]

RESPONSES = [
    # name, serial, end code, header, data
    ("X01 words", None, 0x0000, "D000 00FFFF0300 0800 0000", "34120200EF1D"),
    ("X02 bits", None, 0x0000, "D000 00FFFF0300 0500 0000", "101100"),
    ("X03 nothing", None, 0x0000, "D000 00FFFF0300 0200 0000", ""),
    ("X05 at random", None, 0x0000, "D000 00FFFF0300 0A00 0000", "0000000000000000"),
    ("X13 type name", None, 0x0000, "D000 00FFFF0300 1400 0000", "5669727475616C504C432D5120202020FFFF"),
    ("X14 self test", None, 0x0000, "D000 00FFFF0300 0900 0000", "05004142434445"),
    ("X16 wrong password", None, 0xC200, "D000 00FFFF0300 0B00 00C2", "00FFFF030030160000"),
    ("X17 points out of range", None, 0xC051, "D000 00FFFF0300 0B00 51C0", "00FFFF030001040000"),
    ("X17 unsupported command", None, 0xC059, "D000 00FFFF0300 0B00 59C0", "00FFFF030001010000"),
    ("X17 write in RUN", None, 0x0055, "D000 00FFFF0300 0B00 5500", "00FFFF030001140000"),
    ("X20 words", 0x1234, 0x0000, "D400 34120000 00FFFF0300 0600 0000", "01000200"),
    ("X21 nothing", 0x1234, 0x0000, "D400 34120000 00FFFF0300 0200 0000", ""),
    ("X23 extended", 0x0000, 0x0000, "D400 00000000 00FFFF0300 0400 0000", "3412"),
    ("X24 extended", 0x0001, 0x0000, "D400 01000000 00FFFF0300 0400 0000", "3412"),
    ("X25 blocks", 0x0000, 0x0000, "D400 00000000 00FFFF0300 0A00 0000", "0800302030204915"),
    ("X26 nothing", 0x0001, 0x0000, "D400 01000000 00FFFF0300 0200 0000", ""),
    ("X27 nothing", 0x0002, 0x0000, "D400 02000000 00FFFF0300 0200 0000", ""),
    ("X28 monitor", 0x0003, 0x0000, "D400 03000000 00FFFF0300 0A00 0000", "951902024F4E544C"),
    ("X29 type name", 0x0004, 0x0000, "D400 04000000 00FFFF0300 1400 0000", "523038435055202020202020202020200148"),
    ("X31 self test", 0x0003, 0x0000, "D400 03000000 00FFFF0300 0800 0000", "040041424344"),
    ("X32 label", 0x0007, 0x0000, "D400 07000000 00FFFF0300 0A00 0000", "0100020002003412"),
    ("X33 nothing", 0x0009, 0x0000, "D400 09000000 00FFFF0300 0200 0000", ""),
    ("X34 nothing", 0x0005, 0x0000, "D400 05000000 00FFFF0300 0200 0000", ""),
    ("X35 points out of range", 0x1234, 0xC051, "D400 34120000 00FFFF0300 0B00 51C0", "00FFFF030001040000"),
]


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


@pytest.mark.parametrize("row", [pytest.param(row[1:], id=row[0]) for row in REQUESTS])
def test_slmp_requests(row: tuple[int | None, int, int, int, str, str]) -> None:
    serial, timer, command, subcommand, header, data = row
    pdu = read(octets(header + data))
    assert (pdu.protocol, pdu.half.frame.frame) == ("slmp", "3E" if serial is None else "4E")
    assert pdu.is_request
    assert (pdu.serial, pdu.get("timer"), pdu.command, pdu.subcommand) == (serial, timer, command, subcommand)
    assert (pdu.get("network"), pdu.get("station"), pdu.get("module_io"), pdu.get("multidrop")) == (0, 0xFF, 0x3FF, 0)
    assert pdu.get("length") == 6 + len(octets(data))
    assert (pdu.data, pdu.size) == (octets(data), len(octets(header + data)))
    assert pdu.known is not None
    assert pdu.known.code == command
    assert pdu.status is None
    assert encoded(pdu) == octets(header + data)


@pytest.mark.parametrize("row", [pytest.param(row[1:], id=row[0]) for row in RESPONSES])
def test_slmp_responses(row: tuple[int | None, int, str, str]) -> None:
    serial, status, header, data = row
    pdu = read(octets(header + data))
    assert (pdu.protocol, pdu.half.frame.frame) == ("slmp", "3E" if serial is None else "4E")
    assert not pdu.is_request
    assert (pdu.serial, pdu.status, pdu.command, pdu.subcommand) == (serial, status, None, None)
    assert pdu.get("length") == 2 + len(octets(data))
    assert pdu.data == octets(data)
    assert pdu.known is None
    assert encoded(pdu) == octets(header + data)


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
        return values, draw(st.binary(max_size=40))
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
    assert (pdu.half, pdu.size, pdu.data) == (half, len(encoding), data)
    assert {name: pdu.get(name) for name in values} == values
    assert encoded(pdu) == encoding


@pytest.mark.parametrize("half", HALVES)
@settings(max_examples=15, deadline=None)
@given(drawn=st.data())
def test_every_prefix_is_incomplete(half: Half, drawn: st.DataObject) -> None:
    encoding = half.encode(*drawn.draw(pdus(half)))
    for cut in range(len(encoding)):
        found = CODEC.read(encoding[:cut])
        assert isinstance(found, Incomplete), cut
        assert found.total == (len(encoding) if cut >= half.header_size else 0)


@pytest.mark.parametrize("half", HALVES)
@settings(max_examples=15, deadline=None)
@given(drawn=st.data())
def test_one_wrong_constant_octet_is_a_mismatch(half: Half, drawn: st.DataObject) -> None:
    encoding = half.encode(*drawn.draw(pdus(half)))
    for field in half.header:
        if field.const is None:
            continue
        offset = half.offsets[field.name]
        for position in range(offset, offset + (len(field.const) if isinstance(field.const, bytes) else 1)):
            flipped = encoding[position] ^ drawn.draw(st.integers(1, 255))
            wrong = encoding[:position] + bytes([flipped]) + encoding[position + 1 :]
            for strict in (True, False):
                assert isinstance(half.measure(wrong, 0, strict=strict), Mismatch), (field.name, position)
                # As soon as the octet is there, too.
                assert isinstance(half.measure(wrong[: position + 1], 0, strict=strict), Mismatch)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=80), start=st.integers(0, 90), strict=st.booleans())
def test_any_octets_are_read_without_an_error(data: bytes, start: int, strict: bool) -> None:
    found = CODEC.read(data, start, strict=strict)
    if isinstance(found, Pdu):
        assert found.size <= len(data) - start
    elif start >= len(data):
        assert isinstance(found, Incomplete)


RESTRICTED = [
    pytest.param(half, field, id=f"{half.frame.id}-{half.direction}-{field.name}")
    for half in CODEC.halves()
    for field in half.header
    if field.allowed
]


def test_something_is_restricted_in_every_header_with_a_length() -> None:
    assert {half.values[0] for half in RESTRICTED} == {half for half in CODEC.halves() if half.length_end}


@pytest.mark.parametrize(("half", "field"), RESTRICTED)
def test_values_out_of_range_are_refused_only_in_the_strict_reading(half: Half, field: Field) -> None:
    top = 0xFF if field.type == "u8" else 0xFFFF
    edges = {edge for low, high in field.allowed for edge in (low, high)}
    outside = {near for edge in edges for near in (edge - 1, edge + 1) if 0 <= near <= top}
    outside = {value for value in outside if not any(low <= value <= high for low, high in field.allowed)}
    assert outside
    for value in edges:
        assert isinstance(CODEC.read(half.encode({field.name: value}, b"")), Pdu), value
    for value in outside:
        wrong = half.encode({field.name: value}, b"")
        assert isinstance(CODEC.read(wrong), Mismatch), value
        found = CODEC.read(wrong, strict=False)
        assert isinstance(found, Pdu)
        assert found.get(field.name) == value


WITH_LENGTH = [pytest.param(half, id=f"{half.frame.id}-{half.direction}") for half in CODEC.halves() if half.length_end]


@pytest.mark.parametrize("half", WITH_LENGTH)
@pytest.mark.parametrize("strict", [True, False])
def test_length_is_bounded(half: Half, strict: bool) -> None:
    fixed = half.header_size - half.length_end
    assert half.minimum == fixed, "the shortest PDU carries no data"
    shortest, longest = half.encode({}, b""), half.encode({}, bytes(half.maximum - fixed))
    assert half.measure(shortest, 0, strict=strict) == half.length_end + half.minimum
    assert half.measure(longest, 0, strict=strict) == half.length_end + half.maximum
    for length in (0, half.minimum - 1, half.maximum + 1, 0xFFFF):
        wrong = half.encode({"length": length}, bytes(8))
        assert isinstance(half.measure(wrong, 0, strict=strict), Mismatch), length


def test_an_fx5u_may_zero_the_reserved_word() -> None:
    pdu = read(octets("5400 3412CDAB 00FFFF0300 0600 1000 0101 0000"))
    assert (pdu.serial, pdu.get("reserved")) == (0x1234, 0xABCD)


def test_unknown_commands_are_pdus() -> None:
    pdu = read(octets("5000 00FFFF0300 0800 1000 3412 7856 0100"))
    assert (pdu.command, pdu.subcommand, pdu.known) == (0x1234, 0x5678, None)


def test_fields_and_halves_that_are_not_there() -> None:
    pdu = read(octets("D000 00FFFF0300 0200 0000"))
    assert (pdu.get("timer"), pdu.get("nonsense"), pdu.serial) == (None, None, None)
    assert CODEC.first_octets == {0x50, 0x54, 0xD0, 0xD4, 0x57, 0xD7, 0x5A, 0xDA}
    with pytest.raises(KeyError):
        CODEC.half("9e-binary", "request")

"""What logs say of a payload: target, details, points, values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Pdu, payload
from melsec_nsm.codec.about import MAX_TARGET_TEXT, MAX_TARGETS, MAX_VALUES_TEXT, About, about
from melsec_nsm.codec.devices import DevicePoint
from melsec_nsm.codec.payload import Reading
from melsec_nsm.codec.text import printable
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Field, Protocol

DEFINITION = load()
CODEC = Codec(DEFINITION)
ROUTE = "00FFFF0300"
LONG = "57 01 00 0000 1111 07 00 00 FF FF03 00 00 FE03 0000 {} 1C 0A 16 14" + "00" * 20


def read(octets: bytes, asked: Pdu | None = None) -> Pdu:
    found = CODEC.read(octets, asked=[asked] if asked else [])
    assert isinstance(found, Pdu)
    return found


def said(octets: bytes, **others: Any) -> About:
    return about(CODEC.payload(read(octets)), **others)


def request(frame: str, command: int, values: Mapping[str, Any], subcommand: int = 0) -> bytes:
    """A request with these values in its data."""
    half = CODEC.half(frame, "request")
    layout = payload.layout_of(half, command, subcommand)
    assert layout is not None
    data = payload.encode(layout, values, CODEC.reading(half, command, subcommand))
    return half.encode({"command": command, "subcommand": subcommand}, data)


def answered(frame: str, command: int, values: Mapping[str, Any], data: bytes, subcommand: int = 0) -> About:
    """What is said of the answer to a request."""
    asked = read(request(frame, command, values, subcommand))
    octets = CODEC.half(frame, "response").encode({"command": command}, data)
    return about(CODEC.payload(read(octets, asked), asked))


# The octets come from pymcprotocol 0.3.0, plc-comm-slmp and GX Works3.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"5000 {ROUTE} 0C00 0400 0104 0000 640000A80300", "D100-D102", id="words"),
        pytest.param(f"5000 {ROUTE} 0C00 0400 0104 0100 640000900500", "M100-M104", id="bits"),
        pytest.param(f"5000 {ROUTE} 0C00 0400 0104 0000 1F00009C0100", "X1F-X2E", id="bits as a word, hexadecimal"),
        pytest.param(f"5000 {ROUTE} 0C00 0400 0104 0100 1F00009C0100", "X1F", id="one bit"),
        pytest.param(f"5000 {ROUTE} 0C00 0400 0104 0000 1F0000B41000", "W1F-W2E", id="words, hexadecimal"),
        pytest.param(f"5000 {ROUTE} 0C00 0400 0104 0000 640000FE0300", "unknown-FE/100", id="unknown device"),
        pytest.param(f"5400 34120000 {ROUTE} 0E00 0400 0104 0200 64000000A8000200", "D100-D101", id="iQ-R words"),
        pytest.param(f"5400 34120000 {ROUTE} 1000 0400 0114 0300 640000009000030010 10", "M100-M102", id="iQ-R bits"),
        pytest.param(
            LONG.format("3400") + "0410 0300 0000" + "00" * 10 + "2000 C8000000 00000000 0200",
            "D200-D201",
            id="MELSOFT",
        ),
        pytest.param(
            LONG.format("3400") + "0410 0300 0000" + "00" * 10 + "1000 1F000000 00000000 1900",
            "X1F-X37",
            id="MELSOFT bits",
        ),
    ],
)
def test_target(text: str, expected: str) -> None:
    assert said(bytes.fromhex(text)).target == expected


@pytest.mark.parametrize(
    ("device", "points", "subcommand", "expected"),
    [
        ("D100", 10, 0, "D100-D109"),
        ("D100", 1, 0, "D100"),
        ("D100", 0, 0, "D100"),
        ("X1F", 1, 1, "X1F"),
        ("M0", 1, 0, "M0-M15"),
        ("M0", 2, 0, "M0-M31"),
        ("M0", 2, 1, "M0-M1"),
        ("M0", 1, 2, "M0-M15"),
        ("M0", 1, 3, "M0"),
        ("BFF", 16, 1, "BFF-B10E"),
        ("D100", 10, 1, "D100-D109"),
        ("U3E0\\G10", 4, 0x80, "U3E0\\G10-G13"),
        ("J1\\W100", 2, 0x82, "J1\\W100-W101"),
        ("J1\\B0", 1, 0x80, "J1\\B0-BF"),
    ],
)
@pytest.mark.parametrize("frame", ["3e-binary", "4e-ascii"])
def test_word_access_to_bit_devices_covers_sixteen_points(
    frame: str, device: str, points: int, subcommand: int, expected: str
) -> None:
    found = said(request(frame, 0x0401, {"device": device, "points": points}, subcommand))
    assert (found.target, found.points) == (expected, points)
    assert found.device == CODEC.devices["slmp"].parse(device)


@pytest.mark.parametrize(
    ("command", "expected"), [(0x00, "M0"), (0x01, "M0-M15"), (0x3B, "M0-M15"), (0x17, "B3\\M0-M15")]
)
def test_a_command_of_1e_says_what_a_point_is(command: int, expected: str) -> None:
    values = {"device": "M0", "points": 1, "block": 3} if command == 0x17 else {"device": "M0", "points": 1}
    for frame in ("1e-binary", "1e-ascii"):
        assert said(request(frame, command, values)).target == expected


def test_a_protocol_without_bit_units_counts_bits() -> None:
    text = LONG.format("3400") + "0410 0300 0000" + "00" * 10 + "0100 00000000 00000000 1900"
    assert DEFINITION.protocols["melsoft"].bit_units == 0
    assert said(bytes.fromhex(text)).target == "M0-M24"


def test_x_and_y_of_an_iq_f() -> None:
    outputs = request("3e-binary", 0x0401, {"device": "Y10", "points": 8}, 1)
    assert said(outputs, octal=frozenset({"X", "Y"})).target == "Y20-Y27"
    assert said(outputs).target == "Y10-Y17"


# Lists


def test_many_devices() -> None:
    devices = [{"device": f"D{number}"} for number in range(MAX_TARGETS)]
    found = said(request("3e-binary", 0x0403, {"word_devices": devices}))
    assert found.target == ",".join(f"D{number}" for number in range(MAX_TARGETS))
    assert found.points == MAX_TARGETS
    more = [*devices, *devices]
    found = said(request("3e-binary", 0x0403, {"word_devices": more, "dword_devices": [{"device": "LZ0"}]}, 2))
    assert found.target.endswith(f"D{MAX_TARGETS - 1},+{MAX_TARGETS + 1}")
    assert found.points == 2 * MAX_TARGETS + 1


def test_long_names() -> None:
    labels = [{"name": "\u30e9" * 300}]
    found = said(request("3e-binary", 0x041C, {"label_names": labels}))
    # Three octets a character; none is cut in the middle.
    assert found.target == "\u30e9" * (MAX_TARGET_TEXT // 3)


def test_values_of_bits_and_words() -> None:
    asked = {"device": "M0", "points": 5}
    assert answered("3e-binary", 0x0401, asked, bytes.fromhex("101100"), 1).values == "10110"
    assert answered("3e-ascii", 0x0401, asked, b"10110", 1).values == "10110"
    assert answered("1e-binary", 0x00, asked, bytes.fromhex("101100")).values == "10110"
    assert answered("1e-ascii", 0x00, asked, b"101100").values == "10110"
    assert answered("3e-binary", 0x0401, {"device": "D0", "points": 2}, b"\x34\x12\xcd\xab").values == "1234 ABCD"
    assert answered("3e-ascii", 0x0401, {"device": "D0", "points": 2}, b"1234abcd").values == "1234 ABCD"


def test_values_that_are_missing() -> None:
    found = answered("3e-binary", 0x0401, {"device": "D0", "points": 3}, b"\x34\x12\xcd")
    assert found.values == "1234"
    short = bytearray(request("3e-binary", 0x0401, {"device": "D100", "points": 3}))
    del short[-1]
    short[7] -= 1
    assert said(bytes(short)) == About(), "without its points a device is not known"


def test_too_many_values() -> None:
    found = answered("3e-binary", 0x0403, {"word_devices": [{"device": "D0"}]}, b"\x34\x12" * 2000)
    assert MAX_VALUES_TEXT <= len(found.values) < MAX_VALUES_TEXT + 5
    assert set(found.values.split(" ")) == {"1234"}
    bits = answered("3e-ascii", 0x0401, {"device": "M0", "points": 0xFFFF}, b"10" * 2000, 1)
    assert len(bits.values) == 4000


def test_an_address_belongs_to_its_module() -> None:
    for frame, command in (("3e-binary", 0x0601), ("3e-ascii", 0x0601), ("1e-binary", 0x0E), ("1e-ascii", 0x0E)):
        found = said(request(frame, command, {"address": 0x7F0, "points": 4, "module": 0x13}))
        assert (found.target, found.points) == ("U13:7F0", 4)
    assert said(request("3e-binary", 0x0613, {"address": 0x78, "points": 4})).target == "78"


def test_extensions_of_names() -> None:
    values = {"file_number": 1, "name": "MAIN", "extension": "QPG", "new_name": "OLD", "new_extension": ""}
    assert said(request("3e-binary", 0x1204, values, 1)).target == "MAIN.QPG,OLD"
    assert said(request("3e-ascii", 0x1205, values)).target == "MAIN.QPG"


def test_details() -> None:
    found = said(request("3e-binary", 0x1001, {"mode": 3, "clear_mode": 9}))
    assert found.details == "mode=force clear_mode=9"
    node = said(
        request(
            "4e-binary",
            0x0E31,
            {"client_mac": "1C:39:47:CD:D4:EB", "client_ip": "192.168.0.250", "server_mac": "28:E9:8E:2F:E4:B7"}
            | {"server_ip": "192.168.0.201", "host_name": "press 1\x07"},
        )
    )
    assert "host_name=press\\x201\\x07 " in node.details
    assert "netmask=255.255.255.0 " in node.details


# What must not or cannot be written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MAIN.QPG", "MAIN.QPG"),
        ("R08CPU   \0\0 ", "R08CPU"),
        ("a\nb\x7f\x00c", "a\\x0ab\\x7f\\x00c"),
        ("\u30e9\u30d9\u30eb", "\u30e9\u30d9\u30eb"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_octets_of_a_self_test() -> None:
    half = CODEC.half("3e-binary", "request")
    octets = half.encode({"command": 0x0619}, b"\x05\0A\n\xe9 \xff")
    assert said(octets).values == "A\\x0a\\xe9 \\xff"


def secrets(fields: tuple[Field, ...]) -> Iterator[Field]:
    for field in fields:
        if field.secret:
            yield field
        yield from secrets(field.fields)


def hidden(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Secrets for the fields that take them; lists have one item each."""
    values: dict[str, Any] = {}
    for field in fields:
        if field.type == "list" and any(True for _ in secrets(field.fields)):
            values[field.name] = [hidden(field.fields)]
        elif field.secret:
            values[field.name] = {"u32": 0x5EC2E7AB, "bytes": b"s3cr" * ((field.size or 4) // 4)}.get(
                field.type, "s3cr"
            )
    return values


def exposed(fields: tuple[Field, ...], role: str | None) -> tuple[Field, ...]:
    """The fields, the secret ones with another role."""
    return tuple(
        replace(field, role=role or field.role) if field.secret else replace(field, fields=exposed(field.fields, role))
        for field in fields
    )


SECRET = [
    pytest.param(protocol, layout.name, id=f"{protocol.name}-{layout.name}")
    for protocol in DEFINITION.protocols.values()
    for layout in protocol.layouts.values()
    if any(True for _ in secrets(layout.fields))
]


def test_there_are_secrets() -> None:
    assert {"password", "file", "file-open", "file-copy", "directory", "drive"} <= {one.values[1] for one in SECRET}


@pytest.mark.parametrize(("protocol", "name"), SECRET)
@pytest.mark.parametrize("subcommand", [0x00, 0x04, 0x40])
@pytest.mark.parametrize("ascii_", [False, True])
def test_secrets_reach_no_log(protocol: Protocol, name: str, subcommand: int, ascii_: bool) -> None:
    layout = protocol.layouts[name]
    names = {field.name: "X" for field in layout.fields if field.role == "target"}
    reading = Reading(CODEC.devices[protocol.name], ascii=ascii_, subcommand=subcommand)
    octets = payload.encode(layout, {**names, **hidden(layout.fields)}, reading)
    found = payload.decode(layout, octets, reading)
    assert found.complete
    assert all(
        secret in repr(found.values) for secret in ("s3cr", str(0x5EC2E7AB)) if secret in repr(hidden(layout.fields))
    )
    # Not even where a role would bring them there.
    for role in (None, "target", "detail", "values", "points", "user"):
        told = about(replace(found, layout=replace(layout, fields=exposed(layout.fields, role))))
        written = repr(told).lower()
        for secret in ("s3cr", "73336372", "5ec2e7ab", str(0x5EC2E7AB)):
            assert secret not in written


LAYOUTS = [
    pytest.param(protocol, name, id=f"{protocol.name}-{name}")
    for protocol in DEFINITION.protocols.values()
    for name in protocol.layouts
]


@pytest.mark.parametrize(("protocol", "name"), LAYOUTS)
@settings(max_examples=12, deadline=None)
@given(data=st.binary(max_size=80), drawn=st.data())
def test_any_octets_are_told(protocol: Protocol, name: str, data: bytes, drawn: st.DataObject) -> None:
    reading = Reading(
        CODEC.devices[protocol.name],
        ascii=protocol.name != "melsoft" and drawn.draw(st.booleans()),
        subcommand=drawn.draw(st.sampled_from([0, 1, 2, 4, 0x40, 0x80, 0x82])) if protocol.form_bits else 0,
        bits=drawn.draw(st.booleans()),
    )
    if reading.ascii:
        data = data.hex().encode()[:80]
    found = about(payload.decode(protocol.layouts[name], data, reading))
    assert len(found.target.encode()) <= MAX_TARGET_TEXT
    assert len(found.values) <= MAX_VALUES_TEXT + 80 * 4
    assert found.target.isprintable() or any(ord(letter) > 0x7F for letter in found.target)
    assert all(letter.isprintable() for letter in found.details if ord(letter) < 0x80)


def test_of_nothing() -> None:
    assert about(CODEC.payload(read(bytes.fromhex(f"5000 {ROUTE} 0800 0400 3412 0000 ABCD")))) == About()
    device = said(request("3e-binary", 0x0401, {"device": DevicePoint(0xFE, 7), "points": 1}))
    assert (device.target, device.device) == ("unknown-FE/7", DevicePoint(0xFE, 7))

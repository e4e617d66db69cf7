"""Payloads: fields by layout, and what a request was about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Pdu, payload
from melsec_nsm.codec.frames import Value
from melsec_nsm.codec.payload import DevicePoint, Payload, device_range, parse_device
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Device, Protocol

DEFINITION = load()
CODEC = Codec(DEFINITION)
SLMP, MELSOFT = DEFINITION.protocols["slmp"], DEFINITION.protocols["melsoft"]
ROUTE = "00FFFF0300"
LONG = "57 01 00 0000 1111 07 00 00 FF FF03 00 00 FE03 0000 {} 1C 0A 16 14" + "00" * 20


def request(text: str) -> Payload:
    """The payload of a request by the layout of its command."""
    pdu = CODEC.read(bytes.fromhex(text))
    assert isinstance(pdu, Pdu)
    assert pdu.command is not None
    protocol = pdu.half.protocol
    layout = payload.layout_of(pdu.half, pdu.command, pdu.subcommand or 0)
    return payload.decode(layout, pdu.data, protocol.byte_order)


def target(text: str) -> str:
    """The devices that a request is about."""
    pdu = CODEC.read(bytes.fromhex(text))
    assert isinstance(pdu, Pdu)
    found = request(text)
    point, points = found.role("target"), found.role("points")
    assert isinstance(point, DevicePoint)
    assert isinstance(points, int)
    return device_range(point, points, DEFINITION, pdu.half.protocol, pdu.subcommand or 0)


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
    assert target(text) == expected


@pytest.mark.parametrize(
    ("symbol", "number", "points", "subcommand", "expected"),
    [
        ("D", 100, 10, 0, "D100-D109"),
        ("D", 100, 1, 0, "D100"),
        ("D", 100, None, 0, "D100"),
        ("X", 0x1F, 1, 1, "X1F"),
        ("M", 0, 1, 0, "M0-M15"),
        ("M", 0, 2, 0, "M0-M31"),
        ("M", 0, 2, 1, "M0-M1"),
        ("M", 0, 1, 2, "M0-M15"),
        ("M", 0, 1, 3, "M0"),
        ("B", 0xFF, 16, 1, "BFF-B10E"),
        ("D", 100, 10, 1, "D100-D109"),
    ],
)
def test_word_access_to_bit_devices_covers_sixteen_points(
    symbol: str, number: int, points: int | None, subcommand: int, expected: str
) -> None:
    device = next(one for one in DEFINITION.devices if one.symbol == symbol)
    point = DevicePoint(device.codes["slmp"], number)
    assert device_range(point, points, DEFINITION, SLMP, subcommand) == expected


def test_a_protocol_without_bit_units_counts_bits() -> None:
    assert MELSOFT.bit_units == 0
    assert device_range(DevicePoint(0x01, 0), 25, DEFINITION, MELSOFT, 0) == "M0-M24"


NUMBERED = [
    pytest.param(protocol, device, id=f"{protocol.name}-{device.symbol}")
    for protocol in DEFINITION.protocols.values()
    for device in DEFINITION.devices
    if protocol.device_table in device.codes
]


@pytest.mark.parametrize(("protocol", "device"), NUMBERED)
def test_devices_are_written_as_they_are_read(protocol: Protocol, device: Device) -> None:
    for number in (0, 9, 0x1F, 0xBEEF):
        point = DevicePoint(device.codes[protocol.device_table], number)
        bit_units = protocol.bit_units
        text = device_range(point, 1, DEFINITION, protocol, bit_units)
        assert text == device.symbol + (f"{number:X}" if device.base == 16 else f"{number}")
        assert parse_device(text, DEFINITION, protocol.device_table) == point


@pytest.mark.parametrize("text", ["", "D", "100", "QQ1", "D1F", "d100", "D-1", "D100-D109", "SYS0"])
def test_what_is_no_device(text: str) -> None:
    with pytest.raises(ValueError, match="no device of the slmp numbering"):
        parse_device(text, DEFINITION, "slmp")


def test_values_and_texts() -> None:
    run = request(f"5000 {ROUTE} 0A00 0400 0110 0000 03000200")
    assert (run.values, run.rest, run.complete) == ({"mode": 3, "clear_mode": 2, "fixed": 0}, b"", True)
    unlock = request(f"5000 {ROUTE} 0C00 0400 3016 0000 040031323334")
    assert unlock.values == {"password_length": 4, "password": "1234"}
    assert unlock.role("target") is None
    write = request(f"5000 {ROUTE} 1200 0400 0114 0000 640000A80300951902123011")
    assert write.values["values"] == bytes.fromhex("951902123011")
    assert write.role("points") == 3


def test_model_names_lose_their_padding() -> None:
    blanks = payload.decode(SLMP.layouts["type-name"], b"R08CPU          \x01\x48", "little")
    zeros = payload.decode(MELSOFT.layouts["type-name"], b"FX5U-32MT/ES\0\0\0\0\x29\x4a\0\x08", "little")
    assert blanks.values == {"model": "R08CPU", "model_code": 0x4801}
    assert zeros.values == {"model": "FX5U-32MT/ES", "model_code": 0x4A29, "trailer": b"\0\x08"}
    assert zeros.role("target") == "FX5U-32MT/ES"
    broken = payload.decode(SLMP.layouts["type-name"], b"\xffLC" + b" " * 13 + b"\0\0", "little")
    assert broken.values["model"] == r"\xffLC"


@pytest.mark.parametrize("cut", range(6))
def test_truncated_payload(cut: int) -> None:
    data = bytes.fromhex("640000A80300")
    found = payload.decode(SLMP.layouts["device-block"], data[:cut], "little")
    assert not found.complete
    assert found.role("points") is None
    assert found.values == ({"device": DevicePoint(0xA8, 100)} if cut >= 4 else {})
    assert found.rest == (data[4:cut] if cut >= 4 else data[:cut])


def test_a_length_that_lies() -> None:
    found = payload.decode(SLMP.layouts["password"], bytes.fromhex("FF0031323334"), "little")
    assert not found.complete
    assert found.values == {"password_length": 255}
    assert found.rest == b"1234"


def test_octets_behind_a_layout_are_kept() -> None:
    found = payload.decode(SLMP.layouts["fixed-word"], bytes.fromhex("0100ABCD"), "little")
    assert (found.values, found.rest, found.complete) == ({"fixed": 1}, b"\xab\xcd", True)


def test_what_has_no_layout() -> None:
    unknown = request(f"5000 {ROUTE} 0800 0400 3412 0000 ABCD")
    assert (unknown.layout, unknown.values, unknown.rest) == (None, {}, b"\xab\xcd")
    extended = request(f"5000 {ROUTE} 0800 0400 0104 8200 ABCD")
    assert extended.layout is None, "this sub-command has another layout"
    empty = request(f"5000 {ROUTE} 0600 0400 0101 0000")
    assert (empty.layout, empty.rest) == (None, b"")
    assert empty.role("target") is None


LAYOUTS = [
    pytest.param(protocol, name, id=f"{protocol.name}-{name}")
    for protocol in DEFINITION.protocols.values()
    for name in protocol.layouts
]


@pytest.mark.parametrize(("protocol", "name"), LAYOUTS)
@settings(deadline=None)
@given(data=st.binary(max_size=80))
def test_decoding_never_fails_and_loses_nothing(protocol: Protocol, name: str, data: bytes) -> None:
    layout = protocol.layouts[name]
    found = payload.decode(layout, data, protocol.byte_order)
    assert data.endswith(found.rest)
    if found.complete:
        assert set(found.values) == {field.name for field in layout.fields}


@pytest.mark.parametrize(("protocol", "name"), LAYOUTS)
def test_defaults_make_a_payload(protocol: Protocol, name: str) -> None:
    layout = protocol.layouts[name]
    values = {field.name: "D100" for field in layout.fields if field.type == "device"}
    octets = payload.encode(layout, values, DEFINITION, protocol)
    found = payload.decode(layout, octets, protocol.byte_order)
    assert (found.complete, found.rest) == (True, b"")
    for field in layout.fields:
        if field.default is not None:
            assert found.values[field.name] == field.default
        if field.type == "device":
            assert found.values[field.name] == parse_device("D100", DEFINITION, protocol.device_table)


def test_encoding() -> None:
    block: dict[str, Value] = {"device": "W1F", "points": 2, "values": b"\x34\x12\x02\x00"}
    octets = payload.encode(SLMP.layouts["device-block"], block, DEFINITION, SLMP)
    assert octets.hex() == "1f0000b4020034120200"
    iqr = payload.encode(SLMP.layouts["device-block-iqr"], {"device": "D100", "points": 2}, DEFINITION, SLMP)
    assert iqr.hex() == "64000000a8000200"
    password = payload.encode(SLMP.layouts["password"], {"password": "1234"}, DEFINITION, SLMP)
    assert password.hex() == "040031323334"
    model = payload.encode(SLMP.layouts["type-name"], {"model": "R08CPU", "model_code": 0x4801}, DEFINITION, SLMP)
    assert model == b"R08CPU          \x01\x48"
    with pytest.raises(ValueError, match="QQ1"):
        payload.encode(SLMP.layouts["device-block"], {"device": "QQ1"}, DEFINITION, SLMP)

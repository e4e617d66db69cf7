"""Device points: in each form of the wire, and as an engineer writes them."""

from __future__ import annotations

import pytest

from melsec_nsm.codec import Codec
from melsec_nsm.codec.devices import CPU, LINK, MODULE, DevicePoint, Devices, MisfitError, size_of_form
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Device, Protocol

DEFINITION = load()
CODEC = Codec(DEFINITION)
SLMP, MELSOFT, MC1E = (CODEC.devices[name] for name in ("slmp", "melsoft", "mc1e"))
PLAIN, IQR, EXTENDED, IQR_EXTENDED = 0x00, 0x02, 0x80, 0x82


def code(symbol: str, devices: Devices = SLMP) -> int:
    table = devices.protocol.device_table
    return next(one.codes[table] for one in DEFINITION.devices if one.symbol == symbol and table in one.codes)


# As text


NUMBERED = [
    pytest.param(protocol, device, id=f"{protocol.name}-{device.symbol}")
    for protocol in DEFINITION.protocols.values()
    for device in DEFINITION.devices
    if protocol.device_table in device.codes
]


@pytest.mark.parametrize(("protocol", "device"), NUMBERED)
def test_devices_are_written_as_they_are_read(protocol: Protocol, device: Device) -> None:
    devices = CODEC.devices[protocol.name]
    for number in (0, 9, 0x1F, 0xBEEF):
        point = DevicePoint(device.codes[protocol.device_table], number)
        text = devices.text(point)
        assert text == device.symbol + (f"{number:X}" if device.base == 16 else f"{number}")
        assert devices.parse(text) == point
        assert devices.known(point) is device


@pytest.mark.parametrize(
    "text",
    [
        *("", "D", "100", "QQ1", "D1F", "d100", "D-1", "D100-D109", "SYS0", " D100", "D100 ", "D100\n"),
        *("D100[1:2]", "D100[0001:40000]", "X1F\\D100", "U3E0", "U3E0\\", "UG\\G10", "u3e0\\G10", "U3E0\\J1\\W0"),
    ],
)
def test_what_is_no_device(text: str) -> None:
    with pytest.raises(ValueError, match="no device of the slmp numbering"):
        SLMP.parse(text)


def test_the_number_of_a_network_is_decimal() -> None:
    assert SLMP.parse("J10\\W0").specification == 10
    with pytest.raises(ValueError, match="the number of a network is decimal"):
        SLMP.parse("J1F\\W0")


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("U3E0\\G10", DevicePoint(code("G"), 10, specification=0x3E0, direct=MODULE)),
        ("U3E0\\HG10", DevicePoint(code("HG"), 10, specification=0x3E0, direct=CPU)),
        ("U1F\\G10", DevicePoint(code("G"), 10, specification=0x1F, direct=MODULE)),
        ("U0\\G0", DevicePoint(code("G"), 0, specification=0, direct=MODULE)),
        ("J1\\W100", DevicePoint(code("W"), 0x100, specification=1, direct=LINK)),
        ("J239\\SB1F", DevicePoint(code("SB"), 0x1F, specification=239, direct=LINK)),
        ("D100[0001:4000]", DevicePoint(code("D"), 100, modification=1, ext_modification=0x4000)),
        (
            "U2\\G3[0005:4001]",
            DevicePoint(code("G"), 3, modification=5, ext_modification=0x4001, specification=2, direct=MODULE),
        ),
    ],
)
def test_extended_devices(text: str, point: DevicePoint) -> None:
    assert SLMP.parse(text) == point
    assert SLMP.text(point) == text
    for subcommand in (EXTENDED, IQR_EXTENDED):
        form = SLMP.form(subcommand)
        assert SLMP.read_binary(form, SLMP.write_binary(form, point)) == point


def test_ranges() -> None:
    assert SLMP.text(DevicePoint(code("D"), 100), 1) == "D100"
    assert SLMP.text(DevicePoint(code("D"), 100), 10) == "D100-D109"
    assert SLMP.text(DevicePoint(code("B"), 0xFF), 16) == "BFF-B10E"
    assert SLMP.text(SLMP.parse("U3E0\\G10"), 4) == "U3E0\\G10-G13"
    assert SLMP.text(SLMP.parse("J1\\W1F"), 2) == "J1\\W1F-W20"
    assert SLMP.text(DevicePoint(0xFE, 100), 10) == "unknown-FE/100"
    assert SLMP.text(DevicePoint(0, 100, name="QQ"), 10) == "unknown-QQ/100"
    assert SLMP.text(DevicePoint(0xFE, 1, specification=0x3E0, direct=CPU)) == "U3E0\\unknown-FE/1"


def test_x_and_y_of_an_iq_f_are_octal() -> None:
    octal = frozenset({"X", "Y"})
    assert SLMP.text(DevicePoint(code("Y"), 16), octal=octal) == "Y20"
    assert SLMP.text(DevicePoint(code("X"), 8), 8, octal=octal) == "X10-X17"
    assert SLMP.text(DevicePoint(code("B"), 16), octal=octal) == "B10"


# On the wire


@pytest.mark.parametrize(
    ("devices", "subcommand", "text", "binary", "characters"),
    [
        (SLMP, PLAIN, "D100", "640000 A8", "D*000100"),
        (SLMP, PLAIN, "X1F", "1F0000 9C", "X*00001F"),
        (SLMP, PLAIN, "ZR5", "050000 B0", "ZR000005"),
        # Q/L characters have names of their own for retentive timers.
        (SLMP, PLAIN, "STN1", "010000 C8", "SN000001"),
        (SLMP, PLAIN, "STS1", "010000 C7", "SS000001"),
        (SLMP, PLAIN, "STC1", "010000 C6", "SC000001"),
        (SLMP, 0x01, "M0", "000000 90", "M*000000"),
        (SLMP, IQR, "D100", "64000000 A800", "D***00000100"),
        (SLMP, IQR, "STN1", "01000000 C800", "STN*00000001"),
        (SLMP, IQR, "LSTN7", "07000000 5A00", "LSTN00000007"),
        (SLMP, 0x03, "Y2F", "2F000000 9D00", "Y***0000002F"),
        (SLMP, EXTENDED, "J1\\W100", "0000 000100 B4 0000 0100 F9", "00J001000W*000100000"),
        (SLMP, EXTENDED, "U3E0\\G10", "0000 0A0000 AB 0000 E003 F8", "00U3E0000G*000010000"),
        (SLMP, EXTENDED, "U3E0\\HG10", "0000 0A0000 2E 0000 E003 FA", "00U3E0000HG000010000"),
        (SLMP, EXTENDED, "D100", "0000 640000 A8 0000 0000 00", "000000000D*000100000"),
        (SLMP, IQR_EXTENDED, "U3E0\\G10", "0000 0A000000 AB00 0000 E003 F8", "00U3E00000G***00000000100000"),
        (SLMP, IQR_EXTENDED, "J1\\W100", "0000 00010000 B400 0000 0100 F9", "00J0010000W***00000001000000"),
        (MC1E, PLAIN, "D100", "64000000 2044", "442000000064"),
        (MC1E, PLAIN, "Y80", "80000000 2059", "592000000080"),
        (MC1E, PLAIN, "CN12", "0C000000 4E43", "434E0000000C"),
    ],
)
def test_forms(devices: Devices, subcommand: int, text: str, binary: str, characters: str) -> None:
    form = devices.form(subcommand)
    point = devices.parse(text)
    octets = bytes.fromhex(binary)
    assert size_of_form(form, ascii=False) == len(octets)
    assert size_of_form(form, ascii=True) == len(characters)
    assert devices.write_binary(form, point) == octets
    assert devices.write_ascii(form, point) == characters.encode()
    assert devices.read_binary(form, octets) == point
    assert devices.read_ascii(form, characters.encode()) == point
    assert devices.read_ascii(form, characters.lower().encode()) == point


def test_melsoft_has_one_form_in_binary() -> None:
    form = MELSOFT.form(0)
    assert MELSOFT.write_binary(form, MELSOFT.parse("D200")).hex() == "2000c8000000"


def test_names_that_are_not_known() -> None:
    form = SLMP.form(PLAIN)
    point = SLMP.read_ascii(form, b"QQ000100")
    assert point == DevicePoint(0, 100, name="QQ")
    assert SLMP.known(point) is None
    assert SLMP.write_ascii(form, point) == b"QQ000100"
    # A hexadecimal number of what may be in base 16 cannot be told.
    with pytest.raises(MisfitError, match="no decimal number"):
        SLMP.read_ascii(form, b"QQ00001F")
    assert SLMP.read_ascii(form, b"\xff*000100").name == "\\xff"


@pytest.mark.parametrize(
    ("subcommand", "characters"),
    [
        (PLAIN, b"D*00 100"),
        (PLAIN, b"D*00010A"),
        (PLAIN, b"X*00001G"),
        (PLAIN, b"D*-00100"),
        (PLAIN, b"D*\xb2\xb2\xb2\xb2\xb2\xb2"),
        (EXTENDED, b"00U3G0000G*000010000"),
        (EXTENDED, b"00J0F1000W*000100000"),
    ],
)
def test_numbers_that_are_none(subcommand: int, characters: bytes) -> None:
    with pytest.raises(MisfitError):
        SLMP.read_ascii(SLMP.form(subcommand), characters)


@pytest.mark.parametrize("text", ["U3E0\\G10", "J1\\W100", "D100[0001:0000]", "D100[0000:4000]"])
def test_extended_devices_need_their_form(text: str) -> None:
    point = SLMP.parse(text)
    for subcommand in (PLAIN, IQR):
        with pytest.raises(ValueError, match="this form has none"):
            SLMP.write_binary(SLMP.form(subcommand), point)
        with pytest.raises(ValueError, match="this form has none"):
            SLMP.write_ascii(SLMP.form(subcommand), point)


def test_index_modification_has_no_characters() -> None:
    for text in ("D100[0001:0000]", "U2\\G3[0000:4001]"):
        for subcommand in (EXTENDED, IQR_EXTENDED):
            with pytest.raises(ValueError, match="this form has none"):
                SLMP.write_ascii(SLMP.form(subcommand), SLMP.parse(text))


@pytest.mark.parametrize(
    ("subcommand", "text", "binary_too"),
    [
        (PLAIN, "D16777216", True),
        (PLAIN, "D1000000", False),
        (PLAIN, "X1000000", True),
        (PLAIN, "LSTN1", False),
        (IQR, "D4294967296", True),
        (IQR, "D100000000", False),
        (EXTENDED, "U1000\\G1", False),
        (EXTENDED, "J1000\\W0", False),
        (EXTENDED, "U10000\\G1", True),
    ],
)
def test_numbers_that_are_too_big(subcommand: int, text: str, binary_too: bool) -> None:
    form, point = SLMP.form(subcommand), SLMP.parse(text)
    with pytest.raises(ValueError, match="too big for form"):
        SLMP.write_ascii(form, point)
    if binary_too:
        with pytest.raises(ValueError, match="too big for form"):
            SLMP.write_binary(form, point)
    else:
        assert SLMP.read_binary(form, SLMP.write_binary(form, point)) == point

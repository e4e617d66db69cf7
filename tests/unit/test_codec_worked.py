"""PDUs written down elsewhere: read they say what is said of them, and made from that they have the same octets.

X01 to X31 were encoded by pymcprotocol 0.3.0, plc-comm-slmp and aslmp 0.2.0, and answered by virtual-plc 0.3.0 and a
recorded FX5U; the error blocks are aslmp's. 1E and 4C come from the tests of plc-comm-mcprotocol-serial-cpp and from
fx3u-mcprotocol, the node commands from the corpus of c-link, files from the manual (SH(NA)-080008).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from melsec_nsm.codec import Codec, Pdu, compose, payload
from melsec_nsm.codec.about import About, about
from melsec_nsm.codec.devices import DevicePoint
from melsec_nsm.codec.frames import Value
from melsec_nsm.codec.payload import Payload
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Exchange, Layout

CODEC = Codec(load())
ROUTE: Mapping[str, Value] = {"network": 0, "station": 0xFF, "module_io": 0x3FF, "multidrop": 0}
"""The station that a request reaches first, as all of these PDUs have it."""

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Half:
    """The octets of a half (ASCII: its characters) with all that they say.

    ``fields`` are the values of the data, ``data`` what has no layout. ``target``, ``details``, ``points`` and
    ``values`` are what a log says of it.
    """

    octets: str
    header: Mapping[str, Value] = field(default_factory=dict)
    fields: Fields = field(default_factory=dict)
    data: str = ""
    target: str = ""
    details: str = ""
    points: int | None = None
    values: str = ""
    model_code: int | None = None
    status: int = 0


@dataclass(frozen=True)
class Worked:
    """A request with its answer, or the request alone."""

    frame: str
    command: int
    subcommand: int
    request: Half
    response: Half | None = None


def words(*numbers: int) -> Fields:
    """The data of an answer that has nothing but words."""
    return {"values": numbers}


def mc3(command: int, subcommand: int, request: Half, response: Half | None = None) -> Worked:
    return Worked("3e-binary", command, subcommand, request, response)


def mc4(command: int, subcommand: int, request: Half, response: Half | None = None) -> Worked:
    return Worked("4e-binary", command, subcommand, request, response)


def mc1(command: int, request: Half, response: Half | None = None) -> Worked:
    return Worked("1e-binary", command, 0, request, response)


def refused(command: int) -> Mapping[str, Any]:
    """What the data of an error response say."""
    return {
        "fields": {
            "error_network": 0,
            "error_station": 0xFF,
            "error_module_io": 0x3FF,
            "error_multidrop": 0,
            "error_command": command,
            "error_subcommand": 0,
            "error_data": b"",
        },
        "details": "error_network=0 error_station=255 error_module_io=3FF error_multidrop=0"
        f" error_command={command:X} error_subcommand=0",
    }


DONE = Half("D000 00FFFF0300 0200 0000")
ERROR = "00FFFF0300"
"""The station that answers, which an error response tells before the command that failed."""

THREE_DEVICES: Fields = {
    "words": 2,
    "dwords": 1,
    "word_devices": [{"device": "D0"}, {"device": "TN0"}],
    "dword_devices": [{"device": "D1500"}],
}
OUTPUTS: Fields = {"points": 2, "devices": [{"device": "M50", "value": 0}, {"device": "Y2F", "value": 1}]}
LABEL: Fields = {"labels": 1, "abbreviations": 0, "abbreviation_names": []}
NODE: Fields = {"client_mac": "1C:39:47:CD:D4:EB", "client_ip_size": 4, "client_ip": "192.168.0.250"}
NOWHERE = "255.255.255.255"

BINARY_3E = {
    "X01 words": mc3(
        0x0401,
        0,
        Half(
            "5000 00FFFF0300 0C00 0400 0104 0000 640000A80300",
            {"timer": 4},
            {"device": "D100", "points": 3},
            target="D100-D102",
            points=3,
        ),
        Half("D000 00FFFF0300 0800 0000 34120200EF1D", {}, words(0x1234, 2, 0x1DEF), values="1234 0002 1DEF"),
    ),
    "X02 bits, an odd number": mc3(
        0x0401,
        1,
        Half(
            "5000 00FFFF0300 0C00 0400 0104 0100 640000900500",
            {"timer": 4},
            {"device": "M100", "points": 5},
            target="M100-M104",
            points=5,
        ),
        Half("D000 00FFFF0300 0500 0000 101100", {}, words(1, 0, 1, 1, 0), values="10110"),
    ),
    "X03 write words": mc3(
        0x1401,
        0,
        Half(
            "5000 00FFFF0300 1200 0400 0114 0000 640000A80300951902123011",
            {"timer": 4},
            {"device": "D100", "points": 3, "values": (0x1995, 0x1202, 0x1130)},
            target="D100-D102",
            points=3,
            values="1995 1202 1130",
        ),
        DONE,
    ),
    "X04 write bits": mc3(
        0x1401,
        1,
        Half(
            "5000 00FFFF0300 0F00 0400 0114 0100 640000900500110010",
            {"timer": 4},
            {"device": "M100", "points": 5, "values": (1, 1, 0, 0, 1)},
            target="M100-M104",
            points=5,
            values="11001",
        ),
        DONE,
    ),
    "X05 read at random": mc3(
        0x0403,
        0,
        Half(
            "5000 00FFFF0300 1400 0400 0304 0000 0201000000A8000000C2DC0500A8",
            {"timer": 4},
            THREE_DEVICES,
            target="D0,TN0,D1500",
            points=3,
        ),
        Half("D000 00FFFF0300 0A00 0000 0000000000000000", {}, words(0, 0, 0, 0), values="0000 0000 0000 0000"),
    ),
    "X06 write words at random": mc3(
        0x1402,
        0,
        Half(
            "5000 00FFFF0300 1600 0400 0214 0000 0101000000A85005DC0500A802123904",
            {"timer": 4},
            {
                "words": 1,
                "dwords": 1,
                "word_devices": [{"device": "D0", "value": 0x0550}],
                "dword_devices": [{"device": "D1500", "value": 0x04391202}],
            },
            target="D0,D1500",
            points=2,
            values="0550 04391202",
        ),
        DONE,
    ),
    "X07 write bits at random": mc3(
        0x1402,
        1,
        Half(
            "5000 00FFFF0300 1100 0400 0214 0100 0232000090002F00009D01",
            {"timer": 4},
            OUTPUTS,
            target="M50,Y2F",
            points=2,
            values="01",
        ),
        DONE,
    ),
    "X08 remote RUN": mc3(
        0x1001,
        0,
        Half(
            "5000 00FFFF0300 0A00 0400 0110 0000 03000200",
            {"timer": 4},
            {"mode": 3, "clear_mode": 2, "fixed": 0},
            details="mode=force clear_mode=all",
        ),
        DONE,
    ),
    "X09 remote STOP": mc3(
        0x1002, 0, Half("5000 00FFFF0300 0800 0400 0210 0000 0100", {"timer": 4}, {"fixed": 1}), DONE
    ),
    "X09 remote STOP, iQ-F": mc3(
        0x1002, 0, Half("5000 00FFFF0300 0800 1000 0210 0000 0000", {"timer": 16}, {"fixed": 0})
    ),
    "X10 remote PAUSE": mc3(
        0x1003,
        0,
        Half("5000 00FFFF0300 0800 0400 0310 0000 0100", {"timer": 4}, {"mode": 1}, details="mode=normal"),
        DONE,
    ),
    "X11 latch clear": mc3(
        0x1005, 0, Half("5000 00FFFF0300 0800 0400 0510 0000 0100", {"timer": 4}, {"fixed": 1}), DONE
    ),
    "X12 remote RESET": mc3(
        0x1006, 0, Half("5000 00FFFF0300 0800 0400 0610 0000 0100", {"timer": 4}, {"fixed": 1}), DONE
    ),
    "X13 type name": mc3(
        0x0101,
        0,
        Half("5000 00FFFF0300 0600 0400 0101 0000", {"timer": 4}),
        Half(
            "D000 00FFFF0300 1400 0000 5669727475616C504C432D5120202020FFFF",
            {},
            {"model": "VirtualPLC-Q", "model_code": 0xFFFF},
            target="VirtualPLC-Q",
            model_code=0xFFFF,
        ),
    ),
    "X14 self test": mc3(
        0x0619,
        0,
        Half(
            "5000 00FFFF0300 0D00 0400 1906 0000 05004142434445",
            {"timer": 4},
            {"points": 5, "content": "ABCDE"},
            points=5,
            values="ABCDE",
        ),
        Half(
            "D000 00FFFF0300 0900 0000 05004142434445", {}, {"points": 5, "content": "ABCDE"}, points=5, values="ABCDE"
        ),
    ),
    "X15 lock": mc3(
        0x1631,
        0,
        Half(
            "5000 00FFFF0300 0C00 0400 3116 0000 040031323334",
            {"timer": 4},
            {"password_length": 4, "password": "1234"},
            details="password_length=4",
        ),
        DONE,
    ),
    "X16 unlock, wrong password": mc3(
        0x1630,
        0,
        Half(
            "5000 00FFFF0300 0C00 0400 3016 0000 040039393939",
            {"timer": 4},
            {"password_length": 4, "password": "9999"},
            details="password_length=4",
        ),
        Half(f"D000 00FFFF0300 0B00 00C2 {ERROR} 30160000", **refused(0x1630), data=f"{ERROR} 30160000", status=0xC200),
    ),
    "X16 unlock": mc3(
        0x1630,
        0,
        Half(
            "5000 00FFFF0300 0C00 0400 3016 0000 040031323334",
            {"timer": 4},
            {"password_length": 4, "password": "1234"},
            details="password_length=4",
        ),
        DONE,
    ),
    "X17 points out of range": mc3(
        0x0401,
        0,
        Half(
            "5000 00FFFF0300 0C00 0400 0104 0000 640000A8FFFF",
            {"timer": 4},
            {"device": "D100", "points": 0xFFFF},
            target="D100-D65634",
            points=0xFFFF,
        ),
        Half(f"D000 00FFFF0300 0B00 51C0 {ERROR} 01040000", **refused(0x0401), data=f"{ERROR} 01040000", status=0xC051),
    ),
    "X17 unsupported command": mc3(
        0x0101,
        0,
        Half("5000 00FFFF0300 0600 0400 0101 0000", {"timer": 4}),
        Half(f"D000 00FFFF0300 0B00 59C0 {ERROR} 01010000", **refused(0x0101), data=f"{ERROR} 01010000", status=0xC059),
    ),
    "X17 write in RUN": mc3(
        0x1401,
        0,
        Half(
            "5000 00FFFF0300 0E00 0400 0114 0000 640000A801009519",
            {"timer": 4},
            {"device": "D100", "points": 1, "values": (0x1995,)},
            target="D100",
            points=1,
            values="1995",
        ),
        Half(f"D000 00FFFF0300 0B00 5500 {ERROR} 01140000", **refused(0x1401), data=f"{ERROR} 01140000", status=0x0055),
    ),
    "X18 own memory": mc3(
        0x0613,
        0,
        Half(
            "5000 00FFFF0300 0C00 1000 1306 0000 780000000100",
            {"timer": 16},
            {"address": 0x78, "points": 1},
            target="78",
            points=1,
        ),
        Half("D000 00FFFF0300 0400 0000 3412", {}, words(0x1234), values="1234"),
    ),
    "X19 module buffer": mc3(
        0x0601,
        0,
        Half(
            "5000 00FFFF0300 0E00 1000 0106 0000 F007000004001300",
            {"timer": 16},
            {"address": 0x7F0, "points": 4, "module": 0x13},
            target="U13:7F0",
            points=4,
        ),
        Half("D000 00FFFF0300 0600 0000 34127856", {}, {"content": bytes.fromhex("34127856")}, values="34127856"),
    ),
}

DONE_4E = "D400 {} 0000 00FFFF0300 0200 0000"

BINARY_4E = {
    "X20 words, iQ-R": mc4(
        0x0401,
        2,
        Half(
            "5400 3412 0000 00FFFF0300 0E00 0400 0104 0200 64000000A8000200",
            {"serial": 0x1234, "timer": 4},
            {"device": "D100", "points": 2},
            target="D100-D101",
            points=2,
        ),
        Half("D400 3412 0000 00FFFF0300 0600 0000 01000200", {"serial": 0x1234}, words(1, 2), values="0001 0002"),
    ),
    "X21 write bits, iQ-R": mc4(
        0x1401,
        3,
        Half(
            "5400 3412 0000 00FFFF0300 1000 0400 0114 0300 64000000900003001010",
            {"serial": 0x1234, "timer": 4},
            {"device": "M100", "points": 3, "values": (1, 0, 1)},
            target="M100-M102",
            points=3,
            values="101",
        ),
        Half(DONE_4E.format("3412"), {"serial": 0x1234}),
    ),
    "X22 write bits at random, iQ-R": mc4(
        0x1402,
        3,
        Half(
            "5400 3412 0000 00FFFF0300 1700 0400 0214 0300 0232000000900000002F0000009D000100",
            {"serial": 0x1234, "timer": 4},
            OUTPUTS,
            target="M50,Y2F",
            points=2,
            values="01",
        ),
        Half(DONE_4E.format("3412"), {"serial": 0x1234}),
    ),
    "X23 extended, U3E0 G10": mc4(
        0x0401,
        0x82,
        Half(
            "5400 0000 0000 00FFFF0300 1500 1000 0104 8200 00000A000000AB000000E003F80100",
            {"serial": 0, "timer": 16},
            {"device": "U3E0\\G10", "points": 1},
            target="U3E0\\G10",
            points=1,
        ),
        Half("D400 0000 0000 00FFFF0300 0400 0000 3412", {"serial": 0}, words(0x1234), values="1234"),
    ),
    "X24 extended, J1 W100": mc4(
        0x0401,
        0x80,
        Half(
            "5400 0100 0000 00FFFF0300 1300 1000 0104 8000 0000000100B400000100F90100",
            {"serial": 1, "timer": 16},
            {"device": "J1\\W100", "points": 1},
            target="J1\\W100",
            points=1,
        ),
        Half("D400 0100 0000 00FFFF0300 0400 0000 3412", {"serial": 1}, words(0x1234), values="1234"),
    ),
    "X25 blocks": mc4(
        0x0406,
        0,
        Half(
            "5400 0000 0000 00FFFF0300 1400 1000 0604 0000 0101000000A80200000000900200",
            {"serial": 0, "timer": 16},
            {
                "words": 1,
                "bits": 1,
                "word_blocks": [{"device": "D0", "points": 2}],
                "bit_blocks": [{"device": "M0", "points": 2}],
            },
            target="D0-D1,M0-M31",
            points=4,
        ),
        Half(
            "D400 0000 0000 00FFFF0300 0A00 0000 0800302030204915",
            {"serial": 0},
            words(0x0008, 0x2030, 0x2030, 0x1549),
            values="0008 2030 2030 1549",
        ),
    ),
    "X26 write blocks": mc4(
        0x1406,
        0,
        Half(
            "5400 0100 0000 00FFFF0300 1A00 1000 0614 0000 0101000000A80200080030200000009001003020",
            {"serial": 1, "timer": 16},
            {
                "words": 1,
                "bits": 1,
                "word_blocks": [{"device": "D0", "points": 2, "values": (0x0008, 0x2030)}],
                "bit_blocks": [{"device": "M0", "points": 1, "values": (0x2030,)}],
            },
            target="D0-D1,M0-M15",
            points=3,
            values="0008 2030 2030",
        ),
        Half(DONE_4E.format("0100"), {"serial": 1}),
    ),
    "X27 register monitor": mc4(
        0x0801,
        0,
        Half(
            "5400 0200 0000 00FFFF0300 1400 1000 0108 0000 0201000000A8000000C2DC0500A8",
            {"serial": 2, "timer": 16},
            THREE_DEVICES,
            target="D0,TN0,D1500",
            points=3,
        ),
        Half(DONE_4E.format("0200"), {"serial": 2}),
    ),
    "X28 read monitor": mc4(
        0x0802,
        0,
        Half("5400 0300 0000 00FFFF0300 0600 1000 0208 0000", {"serial": 3, "timer": 16}),
        Half(
            "D400 0300 0000 00FFFF0300 0A00 0000 951902024F4E544C",
            {"serial": 3},
            words(0x1995, 0x0202, 0x4E4F, 0x4C54),
            values="1995 0202 4E4F 4C54",
        ),
    ),
    "X29 type name": mc4(
        0x0101,
        0,
        Half("5400 0400 0000 00FFFF0300 0600 1000 0101 0000", {"serial": 4, "timer": 16}),
        Half(
            "D400 0400 0000 00FFFF0300 1400 0000 523038435055202020202020202020200148",
            {"serial": 4},
            {"model": "R08CPU", "model_code": 0x4801},
            target="R08CPU",
            model_code=0x4801,
        ),
    ),
    "X30 clear error": mc4(
        0x1617,
        0,
        Half("5400 0200 0000 00FFFF0300 0600 1000 1716 0000", {"serial": 2, "timer": 16}),
        Half(DONE_4E.format("0200"), {"serial": 2}),
    ),
    "X31 self test": mc4(
        0x0619,
        0,
        Half(
            "5400 0300 0000 00FFFF0300 0C00 1000 1906 0000 040041424344",
            {"serial": 3, "timer": 16},
            {"points": 4, "content": "ABCD"},
            points=4,
            values="ABCD",
        ),
        Half(
            "D400 0300 0000 00FFFF0300 0800 0000 040041424344",
            {"serial": 3},
            {"points": 4, "content": "ABCD"},
            points=4,
            values="ABCD",
        ),
    ),
    "X32 label": mc4(
        0x041C,
        0,
        Half(
            "5400 0700 0000 00FFFF0300 1800 1000 1C04 0000 0100000006004C006100620065006C005700",
            {"serial": 7, "timer": 16},
            {**LABEL, "label_names": [{"characters": 6, "name": "LabelW"}]},
            target="LabelW",
            points=1,
        ),
        Half(
            "D400 0700 0000 00FFFF0300 0A00 0000 0100020002003412",
            {"serial": 7},
            {"labels": 1, "label_values": [{"data_type": 2, "spare": 0, "value_length": 2, "value": b"\x34\x12"}]},
            values="3412",
        ),
    ),
    "X33 write label": mc4(
        0x141B,
        0,
        Half(
            "5400 0900 0000 00FFFF0300 1C00 1000 1B14 0000 0100000006004C006100620065006C00570002003412",
            {"serial": 9, "timer": 16},
            {
                **LABEL,
                "label_names": [{"characters": 6, "name": "LabelW", "value_length": 2, "value": b"\x34\x12"}],
            },
            target="LabelW",
            points=1,
            values="3412",
        ),
        Half(DONE_4E.format("0900"), {"serial": 9}),
    ),
    "X34 unlock, iQ-R": mc4(
        0x1630,
        0,
        Half(
            "5400 0500 0000 00FFFF0300 1000 1000 3016 0000 08005061737377307264",
            {"serial": 5, "timer": 16},
            {"password_length": 8, "password": "Passw0rd"},
            details="password_length=8",
        ),
        Half(DONE_4E.format("0500"), {"serial": 5}),
    ),
    "X35 points out of range": mc4(
        0x0401,
        0,
        Half(
            "5400 3412 0000 00FFFF0300 0C00 1000 0104 0000 640000A8FFFF",
            {"serial": 0x1234, "timer": 16},
            {"device": "D100", "points": 0xFFFF},
            target="D100-D65634",
            points=0xFFFF,
        ),
        Half(
            f"D400 3412 0000 00FFFF0300 0B00 51C0 {ERROR} 01040000",
            {"serial": 0x1234},
            **refused(0x0401),
            data=f"{ERROR} 01040000",
            status=0xC051,
        ),
    ),
}


def ascii3(command: int, subcommand: int, request: Half, response: Half | None = None) -> Worked:
    return Worked("3e-ascii", command, subcommand, request, response)


def ascii4(command: int, subcommand: int, request: Half, response: Half | None = None) -> Worked:
    return Worked("4e-ascii", command, subcommand, request, response)


DONE_ASCII = Half("D00000FF03FF0000040000")

ASCII = {
    "X36 words": ascii3(
        0x0401,
        0,
        Half(
            "500000FF03FF000018000404010000D*0001000002",
            {"timer": 4},
            {"device": "D100", "points": 2},
            target="D100-D101",
            points=2,
        ),
        Half("D00000FF03FF00000C000012340002", {}, words(0x1234, 2), values="1234 0002"),
    ),
    "X37 bits": ascii3(
        0x0401,
        1,
        Half(
            "500000FF03FF000018000404010001M*0001000004",
            {"timer": 4},
            {"device": "M100", "points": 4},
            target="M100-M103",
            points=4,
        ),
        Half("D00000FF03FF00000800001011", {}, words(1, 0, 1, 1), values="1011"),
    ),
    "X38 write bits": ascii3(
        0x1401,
        1,
        Half(
            "500000FF03FF00001B001014010001M*0001000003101",
            {"timer": 16},
            {"device": "M100", "points": 3, "values": (1, 0, 1)},
            target="M100-M102",
            points=3,
            values="101",
        ),
        DONE_ASCII,
    ),
    "X39 number in the base of its device": ascii3(
        0x0401,
        0,
        Half(
            "500000FF03FF000018001004010000W*00001F0001",
            {"timer": 16},
            {"device": "W1F", "points": 1},
            target="W1F",
            points=1,
        ),
    ),
    # pymcprotocol means X1F and writes the number in decimal; nothing tells that from X31.
    "X39 number in decimal": ascii3(
        0x0401,
        1,
        Half(
            "500000FF03FF000018000404010001X*0000310001",
            {"timer": 4},
            {"device": "X31", "points": 1},
            target="X31",
            points=1,
        ),
    ),
    "X40 write bits at random": ascii3(
        0x1402,
        1,
        Half(
            "500000FF03FF00002200101402000102M*00005000Y*00002F01",
            {"timer": 16},
            OUTPUTS,
            target="M50,Y2F",
            points=2,
            values="01",
        ),
    ),
    "X41 remote RUN": ascii3(
        0x1001,
        0,
        Half(
            "500000FF03FF00001400101001000000010000",
            {"timer": 16},
            {"mode": 1, "clear_mode": 0, "fixed": 0},
            details="mode=normal clear_mode=none",
        ),
        DONE_ASCII,
    ),
    "X41 remote STOP": ascii3(
        0x1002, 0, Half("500000FF03FF0000100010100200000001", {"timer": 16}, {"fixed": 1}), DONE_ASCII
    ),
    "X41 unlock": ascii3(
        0x1630,
        0,
        Half(
            "500000FF03FF00001400101630000000041234",
            {"timer": 16},
            {"password_length": 4, "password": "1234"},
            details="password_length=4",
        ),
        DONE_ASCII,
    ),
    "X41 self test": ascii3(
        0x0619,
        0,
        Half(
            "500000FF03FF0000140010061900000004ABCD",
            {"timer": 16},
            {"points": 4, "content": "ABCD"},
            points=4,
            values="ABCD",
        ),
    ),
    "X41 type name": ascii3(
        0x0101,
        0,
        Half("500000FF03FF00000C001001010000", {"timer": 16}),
        Half(
            "D00000FF03FF0000180000VirtualPLC-Q    FFFF",
            {},
            {"model": "VirtualPLC-Q", "model_code": 0xFFFF},
            target="VirtualPLC-Q",
            model_code=0xFFFF,
        ),
    ),
    "X42 blocks": ascii3(
        0x0406,
        0,
        Half(
            "500000FF03FF0000280010040600000101D*0000000002M*0000000002",
            {"timer": 16},
            {
                "words": 1,
                "bits": 1,
                "word_blocks": [{"device": "D0", "points": 2}],
                "bit_blocks": [{"device": "M0", "points": 2}],
            },
            target="D0-D1,M0-M31",
            points=4,
        ),
    ),
    "X43 points out of range": ascii3(
        0x0401,
        0,
        Half(
            "500000FF03FF000018000404010000D*000100FFFF",
            {"timer": 4},
            {"device": "D100", "points": 0xFFFF},
            target="D100-D65634",
            points=0xFFFF,
        ),
        Half("D00000FF03FF000016C05100FF03FF0004010000", **refused(0x0401), data="00FF03FF0004010000", status=0xC051),
    ),
    "X44 words, iQ-R": ascii4(
        0x0401,
        2,
        Half(
            "54001234000000FF03FF00001C000404010002D***000001000002",
            {"serial": 0x1234, "timer": 4},
            {"device": "D100", "points": 2},
            target="D100-D101",
            points=2,
        ),
        Half("D4001234000000FF03FF00000C000000000000", {"serial": 0x1234}, words(0, 0), values="0000 0000"),
    ),
    "X44 points out of range": ascii4(
        0x0401,
        0,
        Half(
            "54001234000000FF03FF000018000404010000D*000100FFFF",
            {"serial": 0x1234, "timer": 4},
            {"device": "D100", "points": 0xFFFF},
            target="D100-D65634",
            points=0xFFFF,
        ),
        Half(
            "D4001234000000FF03FF000016C05100FF03FF0004010000",
            {"serial": 0x1234},
            **refused(0x0401),
            data="00FF03FF0004010000",
            status=0xC051,
        ),
    ),
    "X45 write bits at random, iQ-R": ascii4(
        0x1402,
        3,
        Half(
            "54001234000000FF03FF00002E00041402000302M***000000500000Y***0000002F0001",
            {"serial": 0x1234, "timer": 4},
            OUTPUTS,
            target="M50,Y2F",
            points=2,
            values="01",
        ),
    ),
}

OWN_STATION: Mapping[str, Value] = {"station": 0xFF, "timer": 10}
ONE_E = {
    "X46 bits": mc1(
        0x00,
        Half(
            "00 FF 0A00 64000000 204D 08 00",
            OWN_STATION,
            {"device": "M100", "points": 8, "pad": 0},
            target="M100-M107",
            points=8,
        ),
        Half("80 00 10100110", {}, words(1, 0, 1, 0, 0, 1, 1, 0), values="10100110"),
    ),
    "X47 write words at random": mc1(
        0x05,
        Half(
            "05 FF 1000 03 00 80000000 2059 297B 26000000 2057 3412 0C000000 4E43 5000",
            {"station": 0xFF, "timer": 16},
            {
                "points": 3,
                "pad": 0,
                "devices": [
                    {"device": "Y80", "value": 0x7B29},
                    {"device": "W26", "value": 0x1234},
                    {"device": "CN12", "value": 0x0050},
                ],
            },
            target="Y80,W26,CN12",
            points=3,
            values="7B29 1234 0050",
        ),
        Half("85 00"),
    ),
    "X48 module buffer": mc1(
        0x0E,
        Half(
            "0E FF 1000 F00700 04 13 00",
            {"station": 0xFF, "timer": 16},
            {"address": 0x7F0, "points": 4, "module": 0x13, "pad": 0},
            target="U13:7F0",
            points=4,
        ),
        Half("8E 00 34127856", {}, {"content": bytes.fromhex("34127856")}, values="34127856"),
    ),
    "X49 abnormal": mc1(
        0x01,
        Half(
            "01 FF 0A00 64000000 2044 03 00",
            OWN_STATION,
            {"device": "D100", "points": 3, "pad": 0},
            target="D100-D102",
            points=3,
        ),
        Half("81 5B 10 00", fields={"abnormal_code": 0x10}, details="abnormal_code=10", data="10 00", status=0x5B),
    ),
    "X50 words in ASCII": Worked(
        "1e-ascii",
        0x01,
        0,
        Half(
            "01FF000A4420000000640300",
            OWN_STATION,
            {"device": "D100", "points": 3, "pad": 0},
            target="D100-D102",
            points=3,
        ),
        Half("81001234000200EF", {}, words(0x1234, 2, 0xEF), values="1234 0002 00EF"),
    ),
    "X50 bits in ASCII": Worked(
        "1e-ascii",
        0x00,
        0,
        Half(
            "00FF000A4D20000000640800",
            OWN_STATION,
            {"device": "M100", "points": 8, "pad": 0},
            target="M100-M107",
            points=8,
        ),
        Half("800010100110", {}, words(1, 0, 1, 0, 0, 1, 1, 0), values="10100110"),
    ),
    "X49 abnormal in ASCII": Worked(
        "1e-ascii",
        0x01,
        0,
        Half(
            "01FF000A4420000000640300",
            OWN_STATION,
            {"device": "D100", "points": 3, "pad": 0},
            target="D100-D102",
            points=3,
        ),
        Half("815B1000", fields={"abnormal_code": 0x10}, details="abnormal_code=10", data="1000", status=0x5B),
    ),
    "X51 type name": mc1(
        0x15,
        Half("15 FF 0A00", OWN_STATION),
        Half("95 00 F3 00", {}, {"model_code": 0xF3, "pad": 0}, model_code=0xF3),
    ),
}

NODES = {
    "X52 node search": mc4(
        0x0E30,
        0,
        Half(
            "5400 0300 0000 00FFFF0300 1100 0000 300E 0000 EBD4CD47391C 04 FA00A8C0",
            {"serial": 3, "timer": 0},
            NODE,
            target="1C:39:47:CD:D4:EB",
            details="client_ip=192.168.0.250",
        ),
        # The corpus answers another request.
        Half(
            "D400 0300 0000 00FFFF0300 3500 0000 EBD4CD47391C 04 FA00A8C0 B7E42F8EE928 04 C900A8C0 00FFFFFF FFFFFFFF"
            "00 0000 05300000 0100 04 FFFFFFFF FFFF 0000 0BF0 01",
            {"serial": 3},
            {
                **NODE,
                "server_mac": "28:E9:8E:2F:E4:B7",
                "server_ip_size": 4,
                "server_ip": "192.168.0.201",
                "netmask": "255.255.255.0",
                "gateway": NOWHERE,
                "host_name_length": 0,
                "host_name": "",
                "vendor_code": 0,
                "node_model": 0x3005,
                "node_version": 1,
                "peer_ip_size": 4,
                "peer_ip": NOWHERE,
                "peer_port": 0xFFFF,
                "node_status": 0,
                "node_port": 61451,
                "node_transport": 1,
            },
            target="28:E9:8E:2F:E4:B7,192.168.0.201",
            details="netmask=255.255.255.0 gateway=255.255.255.255 host_name= vendor_code=0 node_model=3005"
            " node_version=1 peer_ip=255.255.255.255 peer_port=65535 node_status=0 node_port=61451 node_transport=udp",
        ),
    ),
    "X53 IP address set": mc4(
        0x0E31,
        0,
        Half(
            "5400 0400 0000 00FFFF0300 2D00 0000 310E 0000 EBD4CD47391C 04 FA00A8C0 B7E42F8EE928 04 C900A8C0"
            "00FFFFFF FFFFFFFF 00 04 FFFFFFFF FFFF 01",
            {"serial": 4, "timer": 0},
            {
                **NODE,
                "server_mac": "28:E9:8E:2F:E4:B7",
                "server_ip_size": 4,
                "server_ip": "192.168.0.201",
                "netmask": "255.255.255.0",
                "gateway": NOWHERE,
                "host_name_length": 0,
                "host_name": "",
                "peer_ip_size": 4,
                "peer_ip": NOWHERE,
                "peer_port": 0xFFFF,
                "node_transport": 1,
            },
            target="28:E9:8E:2F:E4:B7,192.168.0.201",
            details="netmask=255.255.255.0 gateway=255.255.255.255 host_name= peer_ip=255.255.255.255 peer_port=65535"
            " node_transport=udp",
        ),
        Half("D400 0400 0000 00FFFF0300 0800 0000 EBD4CD47391C", {"serial": 4}, {"client_mac": "1C:39:47:CD:D4:EB"}),
    ),
    "X53 IP address set, refused": mc4(
        0x0E31,
        0,
        Half(
            "5400 0200 0000 00FFFF0300 2D00 0000 310E 0000 EBD4CD47391C 04 FA00A8C0 B7E42F8EE928 04 C900A8C0"
            "00FFFFFF FFFFFFFF 00 04 FFFFFFFF FFFF 01",
            {"serial": 2, "timer": 0},
            {
                **NODE,
                "server_mac": "28:E9:8E:2F:E4:B7",
                "server_ip_size": 4,
                "server_ip": "192.168.0.201",
                "netmask": "255.255.255.0",
                "gateway": NOWHERE,
                "host_name_length": 0,
                "host_name": "",
                "peer_ip_size": 4,
                "peer_ip": NOWHERE,
                "peer_port": 0xFFFF,
                "node_transport": 1,
            },
            target="28:E9:8E:2F:E4:B7,192.168.0.201",
            details="netmask=255.255.255.0 gateway=255.255.255.255 host_name= peer_ip=255.255.255.255 peer_port=65535"
            " node_transport=udp",
        ),
        Half(
            f"D400 0200 0000 00FFFF0300 0B00 5CC0 {ERROR} 310E0000",
            {"serial": 2},
            **refused(0x0E31),
            data=f"{ERROR} 310E0000",
            status=0xC05C,
        ),
    ),
    # The capture goes on with the configuration; its first octets are zeros.
    "X54 LMT": Worked(
        "lmt-binary",
        0x0E90,
        0,
        Half(
            "6800 0000 0000 00FFFF030000 0000 4800 0000 900E 0000 00 00 0000 0000" + "00" * 60,
            {"serial": 0, "reserved": 0, "reserved_route": 0, "large_station": 0, "length": 72, "timer": 0}
            | {"reserved_id": 0, "data_id": 0, "divided_total": 0, "divided_number": 0},
            data="00" * 60,
        ),
    ),
    "X55 on-demand": mc3(
        0x2101,
        0,
        Half("5000 00FFFF0300 0800 0000 0121 0000 1234", {"timer": 0}, {"content": b"\x12\x34"}, values="1234"),
    ),
    "X56 CC-Link IE Field Basic": mc3(
        0x0E70,
        0,
        Half(
            "5000 00FFFF0300 8600 0000 700E 0000 0100" + "00" * 126,
            {"timer": 0, "length": 134},
            data="0100" + "00" * 126,
        ),
    ),
}

FILES = {
    "X57 open for writing": mc3(
        0x1827,
        0,
        Half(
            "5000 00FFFF0300 1700 1000 2718 0000 31323334 0001 0000 0700 4142432E515047",
            {"timer": 16},
            {"password": "1234", "mode": 0x0100, "drive": 0, "name": "ABC.QPG"},
            target="ABC.QPG",
            details="mode=write drive=0",
        ),
        Half("D000 00FFFF0300 0400 0000 0000", {}, {"pointer": 0}, details="pointer=0"),
    ),
    "X58 read": mc3(
        0x1828,
        0,
        Half(
            "5000 00FFFF0300 0E00 1000 2818 0000 0000 00000000 8007",
            {"timer": 16},
            {"pointer": 0, "offset": 0, "points": 1920},
            details="pointer=0 offset=0",
            points=1920,
        ),
        Half("D000 00FFFF0300 0800 0000 0400 01020304", {}, {"octets": 4, "content": b"\1\2\3\4"}, details="octets=4"),
    ),
    "X59 write": mc3(
        0x1829,
        0,
        Half(
            "5000 00FFFF0300 1200 1000 2918 0000 0000 00000000 0400 DEADBEEF",
            {"timer": 16},
            {"pointer": 0, "offset": 0, "points": 4, "content": b"\xde\xad\xbe\xef"},
            details="pointer=0 offset=0",
            points=4,
        ),
        Half("D000 00FFFF0300 0400 0000 0400", {}, {"octets": 4}, details="octets=4"),
    ),
    "X60 close": mc3(
        0x182A,
        0,
        Half(
            "5000 00FFFF0300 0A00 1000 2A18 0000 0000 0000",
            {"timer": 16},
            {"pointer": 0, "close_type": 0},
            details="pointer=0 close_type=0",
        ),
        DONE,
    ),
    "X61 delete, iQ-R": mc3(
        0x1822,
        0x40,
        Half(
            "5000 00FFFF0300 2200 1000 2218 4000 0600 534543524554 0400 0800 4C0049004E0045002E00430053005600",
            {"timer": 16},
            {"password": "SECRET", "drive": 4, "name": "LINE.CSV"},
            target="LINE.CSV",
            details="drive=4",
        ),
    ),
    "X62 list directory, iQ-R": mc3(
        0x1810,
        0x40,
        Half(
            "5000 00FFFF0300 2000 1000 1018 4000 30303030 0400 01000000 0300 0600 530055004200440049005200",
            {"timer": 16},
            {"password": "0000", "drive": 4, "first_file": 1, "points": 3, "directory": "SUBDIR"},
            target="SUBDIR",
            details="drive=4 first_file=1",
            points=3,
        ),
    ),
}

SERIAL_ROUTE: Mapping[str, Value] = {"serial_station": 0, "module_station": 0, "self_station": 0}
SERIAL = {
    "X63 words": Worked(
        "4c-format5",
        0x0401,
        0,
        Half(
            "1002 1200 F8 00 00 FF FF03 00 00 0104 0000 64000090 0200 1003 3036",
            {**SERIAL_ROUTE, "length": 18},
            {"device": "M100", "points": 2},
            target="M100-M131",
            points=2,
        ),
        Half(
            "1002 101000 F8 00 00 FF FF03 00 00 FFFF 0000 34120200 1003 3446",
            {**SERIAL_ROUTE, "length": 16},
            words(0x1234, 2),
            values="1234 0002",
        ),
    ),
    "X64 points out of range": Worked(
        "4c-format5",
        0x0401,
        0,
        Half(
            "1002 1200 F8 00 00 FF FF03 00 00 0104 0000 64000090 0200 1003 3036",
            SERIAL_ROUTE,
            {"device": "M100", "points": 2},
            target="M100-M131",
            points=2,
        ),
        Half(
            "1002 0C00 F8 00 00 FF FF03 00 00 FFFF 51C0 1003 3134",
            {**SERIAL_ROUTE, "length": 12},
            status=0xC051,
        ),
    ),
    "X65 remote STOP": Worked(
        "4c-format5",
        0x1002,
        0,
        Half(
            "1002 0E00 F8 00 00 FF FF03 00 00 021010 0000 0100 1003 3141",
            {**SERIAL_ROUTE, "length": 14},
            {"fixed": 1},
        ),
    ),
}

WORKED = {**BINARY_3E, **BINARY_4E, **ASCII, **ONE_E, **NODES, **FILES, **SERIAL}
ROWS = pytest.mark.parametrize("worked", [pytest.param(one, id=name) for name, one in WORKED.items()])


def octets(worked: Worked, text: str) -> bytes:
    """What is on the wire."""
    return text.encode() if "ascii" in worked.frame else bytes.fromhex(text)


def read(data: bytes, asked: list[Pdu] | None = None) -> Pdu:
    found = CODEC.read(data, asked=asked or [])
    assert isinstance(found, Pdu)
    return found


def plain(value: object) -> object:
    """A decoded value with its device points as text."""
    if isinstance(value, DevicePoint):
        return CODEC.devices["mc1e" if value.code > 0xFF else "slmp"].text(value)
    if isinstance(value, list):
        return [{name: plain(inner) for name, inner in item.items()} for item in value]
    return value


def same(pdu: Pdu, found: Payload, half: Half, worked: Worked) -> None:
    """The half says what is written of it."""
    expected = {name: value for name, value in ROUTE.items() if name in pdu.half.names} | dict(half.header)
    assert {name: pdu.get(name) for name in expected} == expected
    wire = octets(worked, half.octets)
    assert pdu.size + len(pdu.trailing) == len(wire)
    if pdu.half.frame.kind == "length":
        assert (pdu.get("length"), pdu.data) == (len(wire) - pdu.half.length_end, wire[pdu.half.header_size :])
    if half.fields:
        assert {name: plain(value) for name, value in found.values.items()} == half.fields
        assert (found.rest, found.complete) == (b"", True)
    if half.data or not half.fields:
        assert pdu.data + (pdu.trailing if pdu.half.frame.kind == "layout" else b"") == octets(worked, half.data)
    said = about(found)
    assert (said.target, said.points, said.values) == (half.target, half.points, half.values)
    assert said.details == half.details
    assert said.model_code == half.model_code


def test_all_of_them_are_here() -> None:
    numbers = {int(name[1:3]) for name in WORKED}
    assert numbers == set(range(1, 66))


@ROWS
def test_what_they_say(worked: Worked) -> None:
    asked = read(octets(worked, worked.request.octets))
    assert asked.half is CODEC.half(worked.frame, "request")
    assert (asked.is_request, asked.command, asked.status) == (True, worked.command, None)
    assert asked.subcommand == (worked.subcommand if "subcommand" in asked.half.names else None)
    assert asked.known is not None
    assert asked.known.code == worked.command
    same(asked, CODEC.payload(asked), worked.request, worked)
    if worked.response is None:
        return
    answered = read(octets(worked, worked.response.octets), [asked])
    assert answered.half is CODEC.half(worked.frame, "response")
    assert (answered.is_request, answered.status) == (False, worked.response.status)
    # An answer does not say to what, except in 1E.
    assert answered.command == (worked.command if "command" in answered.half.names else None)
    same(answered, CODEC.payload(answered, asked), worked.response, worked)


def exchange(worked: Worked, request: Fields, response: Fields) -> Exchange:
    asked, answered = worked.request, worked.response or Half("")
    return Exchange(
        protocol=CODEC.half(worked.frame, "request").protocol.name,
        frame=worked.frame,
        command=worked.command,
        subcommand=worked.subcommand,
        values={**asked.header, **request},
        data=octets(worked, asked.data) if asked.data else None,
        status=answered.status,
        response_values=answered.header if answered.status else {**answered.header, **response},
        response_data=octets(worked, answered.data) if answered.status else None,
        half="both",
        repeat=1,
    )


def composed(worked: Worked, made: Exchange) -> None:
    assert compose.request(CODEC, made) == octets(worked, worked.request.octets)
    if worked.response is not None:
        assert compose.response(CODEC, made) == octets(worked, worked.response.octets)


@ROWS
def test_made_from_what_they_say(worked: Worked) -> None:
    composed(worked, exchange(worked, worked.request.fields, worked.response.fields if worked.response else {}))


def uncounted(layout: Layout | None, values: Fields) -> Fields:
    """Values without those that count others."""

    def without(fields: Any, here: Fields) -> Fields:
        counts = {one.count_of or one.size_of for one in fields}
        left = {name: value for name, value in here.items() if name not in counts}
        for one in fields:
            if one.type == "list" and one.name in left:
                left[one.name] = [without(one.fields, item) for item in left[one.name]]
        return left

    return without(layout.fields, values) if layout is not None else values


@ROWS
def test_counts_need_not_be_given(worked: Worked) -> None:
    layouts = [
        payload.layout_of(CODEC.half(worked.frame, direction), worked.command, worked.subcommand)
        for direction in ("request", "response")
        if worked.response is not None or direction == "request"
    ]
    given = [uncounted(layouts[0], worked.request.fields)]
    if worked.response is not None and not worked.response.status:
        given.append(uncounted(layouts[1], worked.response.fields))
    composed(worked, exchange(worked, given[0], given[1] if len(given) > 1 else {}))


@pytest.mark.parametrize("name", [name for name, one in WORKED.items() if "ascii" in one.frame])
def test_digits_may_be_in_lower_case(name: str) -> None:
    worked = WORKED[name]
    halves = [worked.request] + ([worked.response] if worked.response else [])
    asked: list[Pdu] = []
    for half in halves:
        upper = read(octets(worked, half.octets), asked)
        lower = read(octets(worked, half.octets).lower(), asked)
        assert (lower.half, lower.values, lower.size) == (upper.half, upper.values, upper.size)
        ours, theirs = (CODEC.payload(pdu, asked[0] if asked else None) for pdu in (lower, upper))
        asked = [upper]
        for field_name, value in theirs.values.items():
            expected = value.lower() if isinstance(value, str) else value
            assert ours.values[field_name] == expected


def test_passwords_reach_no_log() -> None:
    for name, secret in {
        "X15 lock": "1234",
        "X16 unlock": "1234",
        "X34 unlock, iQ-R": "Passw0rd",
        "X41 unlock": "1234",
    }.items():
        worked = WORKED[name]
        pdu = read(octets(worked, worked.request.octets))
        assert CODEC.payload(pdu).values["password"] == secret
        assert about(CODEC.payload(pdu)) == About(details=f"password_length={len(secret)}")

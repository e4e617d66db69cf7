"""Payloads: fields by layout, what is wrong with octets, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Pdu, payload
from melsec_nsm.codec.devices import CPU, LINK, MODULE, WIDTHS, DevicePoint
from melsec_nsm.codec.frames import Half
from melsec_nsm.codec.payload import MAX_ITEMS, GivenValue, Payload, Reading
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Command, Field, Layout

DEFINITION = load()
CODEC = Codec(DEFINITION)
SLMP, MELSOFT, MC1E = (DEFINITION.protocols[name] for name in ("slmp", "melsoft", "mc1e"))
ROUTE = "00FFFF0300"


def reading(protocol: str = "slmp", subcommand: int = 0, **others: Any) -> Reading:
    """How data are read that belong to no command."""
    return Reading(CODEC.devices[protocol], subcommand=subcommand, **others)


def request(text: str) -> Payload:
    """The payload of a request by the layout of its command."""
    pdu = CODEC.read(bytes.fromhex(text))
    assert isinstance(pdu, Pdu)
    return CODEC.payload(pdu)


# What is in the octets


def test_values_and_texts() -> None:
    run = request(f"5000 {ROUTE} 0A00 0400 0110 0000 03000200")
    assert (run.values, run.rest, run.complete) == ({"mode": 3, "clear_mode": 2, "fixed": 0}, b"", True)
    unlock = request(f"5000 {ROUTE} 0C00 0400 3016 0000 040031323334")
    assert unlock.values == {"password_length": 4, "password": "1234"}
    assert unlock.role("target") is None
    write = request(f"5000 {ROUTE} 1200 0400 0114 0000 640000A80300951902123011")
    assert write.values["values"] == (0x1995, 0x1202, 0x1130)
    assert write.role("points") == 3


def test_roles_of_a_file() -> None:
    found = request(f"5000 {ROUTE} 1200 1000 2918 0000 0700 00010000 0400 DEADBEEF")
    assert (found.role("pointer"), found.role("offset"), found.role("points")) == (7, 256, 4)
    opened = request(f"5000 {ROUTE} 1700 1000 2718 0000 31323334 0001 0400 0700 4142432E515047")
    assert (opened.role("drive"), opened.role("target")) == (4, "ABC.QPG")


def test_model_names_lose_their_padding() -> None:
    blanks = payload.decode(SLMP.layouts["type-name"], b"R08CPU          \x01\x48", reading())
    zeros = payload.decode(MELSOFT.layouts["type-name"], b"FX5U-32MT/ES\0\0\0\0\x29\x4a\0\x08", reading("melsoft"))
    assert blanks.values == {"model": "R08CPU", "model_code": 0x4801}
    assert zeros.values == {"model": "FX5U-32MT/ES", "model_code": 0x4A29, "trailer": b"\0\x08"}
    assert zeros.role("target") == "FX5U-32MT/ES"
    broken = payload.decode(SLMP.layouts["type-name"], b"\xffLC" + b" " * 13 + b"\0\0", reading())
    assert broken.values["model"] == r"\xffLC"


@pytest.mark.parametrize("cut", range(6))
def test_truncated_payload(cut: int) -> None:
    data = bytes.fromhex("640000A80300")
    found = payload.decode(SLMP.layouts["device-block"], data[:cut], reading())
    assert (found.complete, found.ended) == (False, True)
    assert found.role("points") is None
    assert found.values == ({"device": DevicePoint(0xA8, 100)} if cut >= 4 else {})
    assert found.rest == (data[4:cut] if cut >= 4 else data[:cut])


def test_a_length_that_lies() -> None:
    found = payload.decode(SLMP.layouts["password"], bytes.fromhex("FF0031323334"), reading())
    assert not found.complete
    assert found.values == {"password_length": 255}
    assert found.rest == b"1234"


def test_octets_behind_a_layout_are_kept() -> None:
    found = payload.decode(SLMP.layouts["fixed-word"], bytes.fromhex("0100ABCD"), reading())
    assert (found.values, found.rest, found.complete) == ({"fixed": 1}, b"\xab\xcd", True)


def test_what_has_no_layout() -> None:
    unknown = request(f"5000 {ROUTE} 0800 0400 3412 0000 ABCD")
    assert (unknown.layout, unknown.values, unknown.rest) == (None, {}, b"\xab\xcd")
    conditional = request(f"5000 {ROUTE} 0800 0400 0304 4000 ABCD")
    assert conditional.layout is None, "this sub-command has another layout"
    empty = request(f"5000 {ROUTE} 0600 0400 0101 0000")
    assert (empty.layout, empty.rest) == (None, b"")
    assert empty.role("target") is None


def test_an_error_carries_no_payload_of_its_command() -> None:
    half = CODEC.half("57-long", "response")
    pdu = CODEC.read(
        half.encode({"command": 0x0121, "status": 0x4002}, bytes.fromhex("0148 23110312271405200266 0000"))
    )
    assert isinstance(pdu, Pdu)
    assert CODEC.payload(pdu).layout is MELSOFT.layouts["error-block"]
    assert CODEC.payload(pdu).values == {
        "error_kind": 0x4801,
        "controller_clock": "2023-11-03T12:27:14.266",
        "error_more": b"\0\0",
    }
    terse = CODEC.read(half.encode({"command": 0x0121, "status": 0x4002}, b""))
    assert isinstance(terse, Pdu)
    assert CODEC.payload(terse).values == {}


@pytest.mark.parametrize(("ascii_", "data"), [(False, bytes.fromhex("640000A80300")), (True, b"D*0001000003")])
def test_points_of_q_behind_a_sub_command_of_iq_r(ascii_: bool, data: bytes) -> None:
    # A client library writes this; a controller refuses it.
    layout = SLMP.layouts["device-block"]
    for subcommand in (2, 3):
        found = payload.decode(layout, data, reading(subcommand=subcommand, ascii=ascii_))
        assert (found.values, found.complete) == ({"device": DevicePoint(0xA8, 100), "points": 3}, True)
        assert found.reading.subcommand == subcommand & 1
        for other in (data[:-1], data + data[:2]):
            assert payload.decode(layout, other, reading(subcommand=subcommand, ascii=ascii_)).values.get("points") != 3
    right = payload.encode(layout, found.values, reading(subcommand=2, ascii=ascii_))
    assert payload.decode(layout, right, reading(subcommand=2, ascii=ascii_)).reading.subcommand == 2


def test_an_answer_is_read_by_its_request() -> None:
    answer = CODEC.read(bytes.fromhex(f"D000 {ROUTE} 0500 0000 101100"))
    words = CODEC.read(bytes.fromhex(f"5000 {ROUTE} 0C00 0400 0104 0000 640000900500"))
    bits = CODEC.read(bytes.fromhex(f"5000 {ROUTE} 0C00 0400 0104 0100 640000900500"))
    assert isinstance(answer, Pdu)
    assert isinstance(words, Pdu)
    assert isinstance(bits, Pdu)
    assert CODEC.payload(answer).layout is None
    assert CODEC.payload(answer, bits).values == {"values": (1, 0, 1, 1, 0)}
    short = CODEC.payload(answer, words)
    assert (short.values, short.rest, short.complete, short.ended) == ({"values": (0x1110,)}, b"\0", False, True)


# Values by their types


@pytest.mark.parametrize(
    ("count", "octets", "characters", "padded"),
    [
        (1, "10", b"1", b"10"),
        (2, "10", b"10", b"10"),
        (3, "1010", b"101", b"1010"),
        (5, "101100", b"10110", b"101100"),
    ],
)
def test_an_odd_number_of_bits(count: int, octets: str, characters: bytes, padded: bytes) -> None:
    bits = (1, 0, 1, 1, 0)[:count]
    layout = SLMP.layouts["device-values"]
    asked = {"points": count}
    for data, how in (
        (bytes.fromhex(octets), reading(bits=True, request=asked)),
        (characters, reading(bits=True, ascii=True, request=asked)),
        (padded, reading(bits=True, ascii=True, padded=True, request=asked)),
    ):
        found = payload.decode(layout, data + b"!", how)
        assert (found.values, found.rest, found.complete) == ({"values": bits}, b"!", True)
        assert payload.encode(layout, {"values": bits}, how) == data
        short = payload.decode(layout, data[:-1], how)
        assert (short.complete, short.ended) == (False, True)


def test_double_words_and_words_to_the_end() -> None:
    random = SLMP.layouts["random-write-words"]
    given: Mapping[str, Any] = {
        "word_devices": [{"device": "D0", "value": 0x1234}],
        "dword_devices": [{"device": "D2", "value": 0x12345678}],
    }
    binary = payload.encode(random, given, reading())
    assert binary.hex() == "0101" + "000000a83412" + "020000a878563412"
    text = payload.encode(random, given, reading(ascii=True))
    assert text == b"0101" + b"D*0000001234" + b"D*00000212345678"
    for data, how in ((binary, reading()), (text, reading(ascii=True))):
        assert payload.decode(random, data, how).values["dword_devices"] == [
            {"device": DevicePoint(0xA8, 2), "value": 0x12345678}
        ]
    odd = payload.decode(SLMP.layouts["words"], b"\x34\x12\x02", reading())
    assert (odd.values, odd.rest, odd.complete) == ({"values": (0x1234,)}, b"\x02", True)
    odd = payload.decode(SLMP.layouts["words"], b"12340002A", reading(ascii=True))
    assert (odd.values, odd.rest, odd.complete) == ({"values": (0x1234, 2)}, b"A", True)


@pytest.mark.parametrize(
    ("layout", "data", "left"),
    [
        ("words", b"12G4", b"12G4"),
        ("on-demand", b"0G", b"0G"),
        ("own-memory", b"0000+1FF0001", b"0000+1FF0001"),
        ("device-block", b"D*00 1000002", b"D*00 1000002"),
        ("device-block", b"W*00001G0002", b"W*00001G0002"),
        ("node-indication", b"1C3947CDD4 B0001", b"1C3947CDD4 B0001"),
    ],
)
def test_characters_that_are_no_digits(layout: str, data: bytes, left: bytes) -> None:
    found = payload.decode(SLMP.layouts[layout], data, reading(ascii=True))
    assert (found.rest, found.complete, found.ended) == (left, False, False)


def test_addresses_stand_backwards_in_binary_only() -> None:
    given = {"client_mac": "1C:39:47:CD:D4:EB", "client_ip": "192.168.0.250"}
    layout = SLMP.layouts["node-search"]
    assert payload.encode(layout, given, reading()).hex() == "ebd4cd47391c04fa00a8c0"
    text = payload.encode(layout, given, reading(ascii=True))
    assert text == b"1C3947CDD4EB04C0A800FA"
    assert payload.decode(layout, text, reading(ascii=True)).values == {**given, "client_ip_size": 4}


LABELS = {
    "abbreviation_names": [{"abbreviation": "Typ"}],
    "label_names": [{"name": "LabelW"}, {"name": "\u30e9\u30d9\u30eb[1]"}],
}


@pytest.mark.parametrize("name", ["labels", "label-arrays"])
def test_labels_are_named_in_utf_16(name: str) -> None:
    layout = SLMP.layouts[name]
    binary = payload.encode(layout, LABELS, reading())
    text = payload.encode(layout, LABELS, reading(ascii=True))
    assert binary[:12].hex() == "0200" + "0100" + "0300" + "540079007000"
    assert text[:24] == b"0002" + b"0001" + b"0003" + b"005400790070"
    assert b"0006" + b"004C006100620065006C0057" in text
    assert "\u30e9\u30d9\u30eb".encode("utf-16-le") in binary
    assert b"30E930D930EB" in text
    for data, how in ((binary, reading()), (text, reading(ascii=True)), (text.lower(), reading(ascii=True))):
        found = payload.decode(layout, data, how)
        assert (found.rest, found.complete) == (b"", True)
        labels = found.values["label_names"]
        assert isinstance(labels, list)
        assert [(one["characters"], one["name"]) for one in labels] == [(6, "LabelW"), (6, "\u30e9\u30d9\u30eb[1]")]


def test_a_label_in_bits_has_its_length_in_words() -> None:
    layout = SLMP.layouts["label-arrays-write"]
    bits: Mapping[str, Any] = {"name": "b", "unit": 0, "value": b"\x01\x00"}
    octets: Mapping[str, Any] = {"name": "w", "unit": 1, "value": b"\x34\x12"}
    for how in (reading(), reading(ascii=True)):
        data = payload.encode(layout, {"label_names": [bits, octets]}, how)
        found = payload.decode(layout, data, how)
        labels = found.values["label_names"]
        assert isinstance(labels, list)
        assert [(one["value_length"], one["value"]) for one in labels] == [(1, b"\x01\x00"), (2, b"\x34\x12")]
        assert (found.rest, found.complete) == (b"", True)


def test_text_that_is_no_utf_16() -> None:
    lone = payload.decode(SLMP.layouts["labels"], bytes.fromhex("0100 0000 0100 00D8"), reading())
    assert lone.complete
    assert lone.values["label_names"] == [{"characters": 1, "name": "\ufffd"}]
    wrong = payload.decode(SLMP.layouts["labels"], b"00010000000100G8", reading(ascii=True))
    assert (wrong.complete, wrong.ended, wrong.rest) == (False, False, b"00G8")


@pytest.mark.parametrize(
    ("subcommand", "binary", "text"),
    [
        (0x0000, b"1234" + b"\x07\0MAIN.QP", b"1234" + b"0007MAIN.QP"),
        (0x0004, b"1234".ljust(32) + b"\x07\0MAIN.QP", b"1234".ljust(32) + b"0007MAIN.QP"),
        (
            0x0040,
            b"\x04\x001234" + b"\x07\0M\0A\0I\0N\0.\0Q\0P\0",
            b"00041234" + b"0007004D00410049004E002E00510050",
        ),
    ],
)
def test_names_and_passwords_of_files(subcommand: int, binary: bytes, text: bytes) -> None:
    layout = Layout(
        "toy",
        (Field("password", "file_password", secret=True), Field("name", "file_name", role="target")),
        SLMP.layouts["file"].provenance,
        SLMP.layouts["file"].location,
    )
    given = {"password": "1234", "name": "MAIN.QP"}
    for data, how in (
        (binary, reading(subcommand=subcommand)),
        (text, reading(subcommand=subcommand, ascii=True)),
    ):
        assert payload.encode(layout, given, how) == data
        found = payload.decode(layout, data, how)
        assert (found.values, found.rest, found.complete) == (given, b"", True)
        for cut in range(len(data)):
            short = payload.decode(layout, data[:cut], how)
            assert (short.complete, short.ended) == (False, True)
            assert data[:cut].endswith(short.rest)
            assert "name" not in short.values


def test_no_password() -> None:
    layout = SLMP.layouts["file"]
    for subcommand, expected in ((0, "20202020"), (0x40, "0000")):
        data = payload.encode(layout, {"name": "A"}, reading(subcommand=subcommand))
        assert data.hex().startswith(expected)
        assert payload.decode(layout, data, reading(subcommand=subcommand)).values["password"] == ""
    with pytest.raises(ValueError, match="password: longer than 4 characters"):
        payload.encode(layout, {"password": "12345", "name": "A"}, reading())


@pytest.mark.parametrize("ascii_", [False, True])
def test_no_points_are_256_in_1e(ascii_: bool) -> None:
    how = reading("mc1e", ascii=ascii_, per_word=16)
    layout = MC1E.layouts["device-block-write"]
    values = tuple(range(256))
    data = payload.encode(layout, {"device": "D0", "values": values}, how)
    head = b"44200000000000" if ascii_ else b"\0\0\0\0\x20\x44\0"
    assert data.startswith(head)
    assert payload.encode(layout, {"device": "D0", "points": 256, "values": values}, how) == data
    found = payload.decode(layout, data, how)
    assert (found.values["points"], found.values["values"], found.rest) == (256, values, b"")
    answered = payload.encode(MC1E.layouts["device-values"], {}, how.answering({"points": 256}))
    assert len(answered) == 512 * (2 if ascii_ else 1), "as many zeros as were asked for"


def test_a_list_that_lies() -> None:
    lied = payload.decode(SLMP.layouts["labels"], bytes.fromhex("FFFF 0000 0100 4100"), reading())
    assert (lied.complete, lied.ended) == (False, True)
    assert lied.values["label_names"] == [{"characters": 1, "name": "A"}, {}]
    empty = Layout(
        "toy",
        (Field("many", "list", count_of="rest", fields=(Field("nothing", "bytes", size=0),)),),
        SLMP.layouts["file"].provenance,
        SLMP.layouts["file"].location,
    )
    endless = payload.decode(empty, b"x", reading())
    assert (endless.complete, endless.ended, endless.rest) == (False, False, b"x")
    assert len(endless.values["many"]) == MAX_ITEMS  # type: ignore[arg-type]


# The way back


LAYOUTS = [
    pytest.param(protocol, name, id=f"{protocol.name}-{name}")
    for protocol in DEFINITION.protocols.values()
    for name in protocol.layouts
]
SUBCOMMANDS = {"slmp": (0, 1, 2, 3, 4, 0x40, 0x80, 0x81, 0x82, 0x83), "melsoft": (0,), "mc1e": (0,)}


@st.composite
def readings(draw: st.DrawFn, protocol: str) -> Reading:
    """Any way to read data."""
    return reading(
        protocol,
        draw(st.sampled_from(SUBCOMMANDS[protocol])),
        ascii=draw(st.booleans()) if protocol != "melsoft" else False,
        bits=draw(st.booleans()),
        padded=draw(st.booleans()),
        request=draw(st.sampled_from([None, {}, {"points": 3}, {"points": b"x"}])),
    )


@pytest.mark.parametrize(("protocol", "name"), LAYOUTS)
@settings(max_examples=15, deadline=None)
@given(
    data=st.one_of(st.binary(max_size=80), st.text("0123456789ABCDEFabcdefDM*UJ", max_size=80).map(str.encode)),
    drawn=st.data(),
)
def test_decoding_never_fails_and_loses_nothing(protocol: Any, name: str, data: bytes, drawn: st.DataObject) -> None:
    layout = protocol.layouts[name]
    found = payload.decode(layout, data, drawn.draw(readings(protocol.name)))
    assert data.endswith(found.rest)
    if found.complete:
        there = [field for field in layout.fields if field.only is None]
        ends = [number for number, field in enumerate(there) if field.optional]
        assert set(found.values) >= {field.name for field in there[: min(ends, default=len(there))]}
        assert set(found.values) <= {field.name for field in layout.fields}
        assert not found.ended
    assert payload.plausible(found, strict=False) in (True, False)


def examples_for(fields: tuple[Field, ...], counted: Mapping[str | None, Field]) -> dict[str, Any]:
    """A value for each field that needs one."""
    examples = {"device": "D100", "mac": "1C:39:47:CD:D4:EB", "ipv4": "192.168.0.1", "ipv4be": "192.168.0.1"}
    given: dict[str, Any] = {}
    for field in fields:
        if field.type in examples and field.default is None:
            given[field.name] = examples[field.type]
        elif field.zero and field.name in counted:
            # Nothing would be 256 of them.
            one = counted[field.name]
            lists = {"list": [examples_for(one.fields, {})], "bytes": b"\0"}
            given[one.name] = lists.get(one.type, (0,))
    return given


@pytest.mark.parametrize(("protocol", "name"), LAYOUTS)
def test_defaults_make_a_payload(protocol: Any, name: str) -> None:
    layout = protocol.layouts[name]
    how = reading(protocol.name, request={"points": 3})
    given = examples_for(layout.fields, {one.count_of or one.size_of: one for one in layout.fields})
    found = payload.decode(layout, payload.encode(layout, given, how), how)
    assert (found.complete, found.rest) == (True, b"")
    for field in layout.fields:
        if field.default is not None:
            default = field.default
            assert found.values[field.name] == (default.rstrip(" ") if isinstance(default, str) else default)
        if field.type == "device":
            assert found.values[field.name] == CODEC.devices[protocol.name].parse("D100")


def test_encoding() -> None:
    layout = SLMP.layouts["device-block-write"]
    block: Mapping[str, Any] = {"device": "W1F", "points": 2, "values": b"\x34\x12\x02\x00"}
    assert payload.encode(layout, block, reading()).hex() == "1f0000b4020034120200"
    assert payload.encode(layout, {**block, "values": (0x1234, 2)}, reading()).hex() == "1f0000b4020034120200"
    iqr = payload.encode(SLMP.layouts["device-block"], {"device": "D100", "points": 2}, reading(subcommand=2))
    assert iqr.hex() == "64000000a8000200"
    password = payload.encode(SLMP.layouts["password"], {"password": "1234"}, reading())
    assert password.hex() == "040031323334"
    model = payload.encode(SLMP.layouts["type-name"], {"model": "R08CPU", "model_code": 0x4801}, reading())
    assert model == b"R08CPU          \x01\x48"


@pytest.mark.parametrize(
    ("layout", "values", "message"),
    [
        ("device-block", {"device": "QQ1"}, "QQ1: no device of the slmp numbering"),
        ("device-block", {"device": "D16777216"}, "D16777216: too big for form ql"),
        ("device-block", {"device": "U3E0\\G10"}, "specification 0x3e0 of a device: this form has none"),
        ("device-block", {"device": "D0", "points": 65536}, "points: 65536 does not fit in 2 octets"),
        ("device-block", {"device": "D0", "points": -1}, "points: -1 does not fit in 2 octets"),
        ("node-indication", {"node_mac": "1C:39:47:CD:D4"}, "1C:39:47:CD:D4: no MAC address"),
        ("node-search", {"client_mac": "1C:39:47:CD:D4:EB", "client_ip": "1.2.3"}, "1.2.3"),
        ("random-write-bits", {"devices": ["D0"]}, "devices: 'D0' is no item of a list"),
    ],
)
@pytest.mark.parametrize("ascii_", [False, True])
def test_values_that_cannot_be_written(
    layout: str, values: Mapping[str, GivenValue], message: str, ascii_: bool
) -> None:
    with pytest.raises(ValueError, match=message.replace("\\", ".")):
        payload.encode(SLMP.layouts[layout], values, reading(ascii=ascii_))


# Every command in every frame that it travels in


@dataclass(frozen=True)
class Way:
    """The data of one half of a command with one of its sub-commands, and the frames with this encoding."""

    halves: tuple[Half, ...]
    command: Command
    subcommand: int

    @property
    def layout(self) -> Layout:
        found = payload.layout_of(self.halves[0], self.command.code, self.subcommand)
        assert found is not None
        return found


def ways() -> list[Any]:
    found: dict[str, Way] = {}
    for half in CODEC.halves():
        for command in half.protocol.commands_of(half.frame):
            for subcommand in command.subcommands or (0,):
                if payload.layout_of(half, command.code, subcommand) is not None:
                    ident = (
                        f"{half.protocol.name}-{command.text}-{subcommand:04X}-{half.direction}-{half.frame.encoding}"
                    )
                    known = found[ident].halves if ident in found else ()
                    found[ident] = Way((*known, half), command, subcommand)
    return [pytest.param(way, id=ident) for ident, way in found.items()]


TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
WIDE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xD7FF), max_size=12)


@st.composite
def points_in(draw: st.DrawFn, how: Reading) -> DevicePoint:
    """A device point that the form can hold."""
    table, form = how.devices.protocol.device_table, how.devices.form(how.subcommand)
    known = [one for one in DEFINITION.devices if table in one.codes]
    parts = dict(form.ascii if how.ascii else form.binary)
    if how.ascii and not parts["code"].startswith("hex"):
        # Q/L characters have no room for the names of iQ-R devices.
        name = form.name.removesuffix("-ext")
        known = [one for one in known if len(one.ascii.get(name, one.symbol)) <= int(parts["code"])]
    device = draw(st.sampled_from(known))
    if how.ascii:
        base = 16 if parts["number"].startswith("hex") else device.base
        most = min(base ** int(parts["number"].removeprefix("hex")), 1 << 32) - 1
    else:
        most = (1 << 8 * WIDTHS[parts["number"]]) - 1
    extension: dict[str, Any] = {}
    if "specification" in parts:
        buffer = {"specification": draw(st.integers(0, 0xFFF)), "direct": CPU if device.symbol == "HG" else MODULE}
        link = {"specification": draw(st.integers(0, 239)), "direct": LINK}
        extension = draw(st.sampled_from([{}, buffer, link]))
    if "modification" in parts:
        extension |= {"modification": draw(st.integers(0, 0xFFFF)), "ext_modification": draw(st.integers(0, 0xFFFF))}
    return DevicePoint(device.codes[table], draw(st.integers(0, most)), **extension)


def numbers(field: Field) -> st.SearchStrategy[int]:
    if field.allowed:
        return st.one_of([st.integers(low, high) for low, high in field.allowed])
    top = (1 << 8 * WIDTHS[field.type]) - 1
    return st.integers(1, field.zero) if field.zero else st.integers(0, top)


@st.composite
def text_of(draw: st.DrawFn, field: Field, how: Reading, size: int | None) -> str:
    wide = (
        field.charset == "utf-16-le" or field.type == "path" or (field.type == "file_name" and how.subcommand == 0x40)
    )
    text = draw(WIDE if wide else TEXT)
    return text[:4] if field.type == "file_password" else text if size is None else text[:size].ljust(size, "x")


@st.composite
def one_value(draw: st.DrawFn, field: Field, how: Reading, size: int | None) -> Any:
    """A value of a field; ``size`` says how many there are of what it counts, None where it is all the same."""
    if field.const is not None:
        return field.const
    if field.type in WIDTHS:
        return draw(numbers(field))
    if field.type == "device":
        return draw(points_in(how))
    if field.type == "mac":
        return ":".join(f"{octet:02X}" for octet in draw(st.binary(min_size=6, max_size=6)))
    if field.type in ("ipv4", "ipv4be"):
        return ".".join(str(octet) for octet in draw(st.binary(min_size=4, max_size=4)))
    if field.type == "clock":
        time = draw(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)))
        return time.isoformat(timespec="milliseconds")
    if field.type in ("text", "file_name", "file_password", "path"):
        return draw(text_of(field, how, size if field.size is None else field.size))
    if field.type == "bytes":
        size = size if field.size is None else field.size
        return draw(st.binary(min_size=size or 0, max_size=12 if size is None else size))
    if field.type == "list":
        size = draw(st.integers(0, 3)) if size is None else size
        return [draw(values_of(field.fields, how)) for _ in range(size)]
    bit = field.type == "bit_value" or (field.type == "values" and how.bits)
    value = st.integers(0, 1 if bit else 0xFFFFFFFF if field.type == "dwords" else 0xFFFF)
    if field.type == "bit_value":
        return draw(value)
    return tuple(draw(st.lists(value, min_size=size or 0, max_size=5 if size is None else size)))


@st.composite
def values_of(draw: st.DrawFn, fields: tuple[Field, ...], how: Reading) -> dict[str, Any]:
    """Values of all fields; counts count."""
    given: dict[str, Any] = {}
    counting = {name for field in fields for name in (field.count_of, field.size_of) if name}
    for field in fields:
        if field.only is not None and given[field.only[0]] not in field.only[1]:
            continue
        counter = field.count_of or field.size_of
        size: int | None = None
        if counter and counter.startswith("request."):
            assert how.request is not None
            asked = how.request[counter.removeprefix("request.")]
            assert isinstance(asked, int)
            size = asked
        elif counter and counter != "rest":
            size = given[counter] * (2 if field.unit_of and given[field.unit_of] == 0 else 1)
        if field.name in counting and field.const is None:
            low = field.allowed[0][0] if field.allowed else 1 if field.zero else 0
            # Now and then what 0 stands for.
            given[field.name] = draw(st.sampled_from([*range(low, low + 5), field.zero or low]))
        elif field.type == "device_values":
            device = how.devices.known(given["device"])
            assert device is not None
            top = {"bit": 1, "word": 0xFFFF, "dword": 0xFFFFFFFF}[device.unit]
            given[field.name] = tuple(draw(st.lists(st.integers(0, top), min_size=size or 0, max_size=size)))
        elif field.names and any(one.only is not None and one.only[0] == field.name for one in fields):
            given[field.name] = draw(st.sampled_from(sorted(field.names)))
        else:
            given[field.name] = draw(one_value(field, how, size))
    return given


@pytest.mark.parametrize("way", ways())
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn=st.data())
def test_values_come_back(way: Way, drawn: st.DataObject) -> None:
    code, layout = way.command.code, way.layout
    how = CODEC.reading(way.halves[0], code, way.subcommand).answering({"points": drawn.draw(st.integers(1, 9))})
    given = drawn.draw(values_of(layout.fields, how))
    octets = payload.encode(layout, given, how)
    found = payload.decode(layout, octets, how)
    assert (found.values, found.rest, found.complete) == (given, b"", True)
    assert payload.encode(layout, found.values, how) == octets
    assert payload.plausible(found, strict=True)
    for half in way.halves:
        # Buffer messages of 1E are never taken for such on their own.
        strict = half.frame.id != "1e-buffer-binary"
        encoding = half.encode({"command": code, "subcommand": way.subcommand}, octets)
        pdu = CODEC.read(encoding, strict=strict, asked=[])
        if half.frame.kind == "layout" and half.direction == "response":
            assert not isinstance(pdu, Pdu), "nobody asked"
            continue
        assert isinstance(pdu, Pdu)
        assert (pdu.half, pdu.data) == (half, octets)
        if pdu.command is not None and not layout_asks(layout):
            assert CODEC.payload(pdu).values == given


def layout_asks(layout: Layout) -> bool:
    """Whether a layout has something in it that only the request tells."""
    return any((one.count_of or one.size_of or "").startswith("request.") for one in layout.fields)

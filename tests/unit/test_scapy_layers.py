"""Scapy layers: they say of every generated PDU what the codec says, and build the same octets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import NoPayload, Packet, Padding, Raw, fuzz, ls
from scapy.sendrecv import sniff
from scapy.sessions import TCPSession
from scapy.utils import PcapReader

from melsec_nsm import scapy_layers
from melsec_nsm.codec import Codec, Pdu, compose
from melsec_nsm.codec.devices import DevicePoint
from melsec_nsm.codec.payload import Payload
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Capture, Command, Exchange, Field
from melsec_nsm.generate import captures
from melsec_nsm.scapy_layers import (
    MC1E,
    MELSEC,
    MELSOFT,
    PAYLOADS,
    PDUS,
    SLMP,
    MC1EAsciiRequest,
    MC1ERequest,
    MC1EResponse,
    MELSOFTControlRequest,
    MELSOFTControlResponse,
    MELSOFTLongRequest,
    MELSOFTLongResponse,
    MELSOFTShortRequest,
    SLMP3EAsciiRequest,
    SLMP3EAsciiResponse,
    SLMP3ERequest,
    SLMP3EResponse,
    SLMP4CRequest,
    SLMP4ERequest,
    SLMP4EResponse,
    SLMPDeviceBlock,
    SLMPEMTPushRequest,
    SLMPLMTResponse,
    SLMPRandomWriteBits,
    answer,
    bind,
    camel,
    unbind,
)

DEFINITION = load()
CODEC = Codec(DEFINITION)
CAPTURES = [pytest.param(capture, id=name) for name, capture in DEFINITION.captures.items()]

READ = bytes.fromhex("5000 00FFFF0300 0C00 1000 0104 0000 640000A80300")
WORDS = bytes.fromhex("D000 00FFFF0300 0800 0000 34120200EF1D")
STOP = bytes.fromhex("5000 00FFFF0300 0800 1000 0210 0000 0100")
MELSOFT_STOP = bytes.fromhex(
    "57 01 00 0000 1111 07 00 00 FF FF03 00 00 FE03 0000 2000 1C 0A 16 14" + "00" * 20 + "1002 0B00 0000 0100"
)


def halves(capture: Capture) -> Iterator[tuple[Exchange, bytes | None, bytes | None]]:
    """The exchanges of a capture that are PDUs, with the octets of both halves."""
    for exchange in capture.exchanges:
        if exchange.octets is None:
            made = captures._halves(CODEC, exchange)
            yield exchange, made.request, made.response


def decoded(octets: bytes, request: bytes | None = None) -> Pdu:
    asked = [decoded(request)] if request is not None else []
    pdu = CODEC.read(octets, strict=False, asked=asked)
    assert isinstance(pdu, Pdu)
    return pdu


def dissected(octets: bytes, exchange: Exchange) -> Any:
    """A packet, found by what it begins with."""
    return (MC1E if exchange.protocol == "mc1e" else MELSEC)(octets)


def same_values(packet: Any, values: Any) -> None:
    for name, value in values.items():
        held = packet.getfieldval(camel(name))
        if isinstance(value, list):
            for item, inner in zip(held, value, strict=True):
                same_values(item, inner)
        else:
            held = held.rstrip("\0") if isinstance(held, str) else held
            assert held == (list(value) if isinstance(value, tuple) else value)


def same_payload(packet: Any, found: Payload, behind: bytes) -> None:
    """The payload class holds what the codec decodes."""
    assert found.complete
    assert found.layout is not None
    assert type(packet) is PAYLOADS[found.reading.devices.protocol.name, found.layout.name]
    same_values(packet, found.values)
    assert bytes(packet.payload) == found.rest + behind


def rebuilt(packet: Any) -> bytes:
    """The octets of a packet whose fields are all built again."""
    packet.clear_cache()
    return bytes(packet)


def says_what_the_codec_says(exchange: Exchange, request: bytes | None, response: bytes | None) -> None:
    for octets in (request, response):
        if octets is None:
            continue
        pdu = decoded(octets, request if octets is response and exchange.protocol == "mc1e" else None)
        packet = dissected(octets, exchange)
        assert type(packet) is PDUS[exchange.frame, pdu.half.direction]
        assert {name: packet.getfieldval(camel(name)) for name in pdu.half.names} == dict(
            zip(pdu.half.names, pdu.values, strict=True)
        )
        trailing = pdu.trailing if pdu.half.frame.kind == "layout" and octets.endswith(pdu.trailing) else b""
        assert bytes(packet.payload) == pdu.data + trailing
        assert Padding not in packet
        if octets is response and request is not None:
            packet = answer(dissected(request, exchange), packet)
            found = CODEC.payload(pdu, decoded(request))
            assert bytes(packet) == octets
        else:
            pdu.refers = None
            found = CODEC.payload(pdu)
        # A client may write device points in another form than its sub-command says.
        in_its_form = found.reading.subcommand == (pdu.subcommand or found.reading.subcommand)
        if found.layout is not None and found.complete and pdu.body and in_its_form:
            same_payload(packet.payload, found, pdu.data[len(pdu.body) :] + trailing)
        else:
            assert type(packet.payload) is (Raw if pdu.data else NoPayload)


@pytest.mark.parametrize("capture", CAPTURES)
def test_what_the_codec_says(capture: Capture) -> None:
    for exchange, request, response in halves(capture):
        says_what_the_codec_says(exchange, request, response)


def examples(fields: tuple[Field, ...], counted: frozenset[str | None] = frozenset()) -> dict[str, Any]:
    """A value for each field that has no default."""
    texts = {"device": "D100", "mac": "1C:39:47:CD:D4:EB", "ipv4": "192.168.0.1", "file_name": "MAIN.QPG", "text": "AB"}
    texts |= {"ipv4be": "192.168.0.1", "path": "$MELPRJ$\\MAIN.PRG"}
    counting = {name for field in fields for name in (field.count_of, field.size_of)}
    given: dict[str, Any] = {}
    for field in fields:
        if field.const is not None or field.default is not None or field.name in counting:
            continue
        if field.type == "list":
            given[field.name] = (examples(field.fields),)
        elif field.type in texts:
            given[field.name] = texts[field.type]
        elif field.type in ("values", "words", "dwords", "device_values"):
            given[field.name] = (1,)
        elif field.type == "bytes":
            given[field.name] = b"\x12\x10" if field.size is None else bytes(field.size)
        elif field.type != "file_password":
            given[field.name] = 1
    return given


def exchanges_of(command: Command, frame: str) -> Iterator[tuple[Exchange, bytes, bytes | None]]:
    """A command with each of its sub-commands, and an answer where one is known."""
    request, response = CODEC.half(frame, "request"), PDUS.get((frame, "response"))
    protocol = request.protocol
    for subcommand in command.subcommands or (0,):
        layouts = [table.get(subcommand, "") for table in (command.request, command.response)]
        asked, answered = ({} if not name else examples(protocol.layouts[name].fields) for name in layouts)
        made = Exchange(protocol.name, frame, command.code, subcommand, asked, None, 0, answered, None, "both", 1)
        if layouts[1] and any(
            (one.count_of or one.size_of or "").startswith("request.") for one in protocol.layouts[layouts[1]].fields
        ):
            # As many as were asked for.
            made = replace(made, response_values={})
        yield made, compose.request(CODEC, made), compose.response(CODEC, made) if response is not None else None


FRAMES = [pytest.param(frame.id, id=frame.id) for one in DEFINITION.protocols.values() for frame in one.frames]


@pytest.mark.parametrize("frame", FRAMES)
def test_every_command_in_every_frame(frame: str) -> None:
    half = CODEC.half(frame, "request")
    count = 0
    for command in half.protocol.commands_of(half.frame):
        if half.frame.kind == "layout" and command.request.get(0) is None:
            continue
        reads_what_was_registered = half.frame.kind == "layout" and command.code in (0x08, 0x09, 0x1B)
        for exchange, request, answered in exchanges_of(command, frame):
            response = None if reads_what_was_registered else answered
            says_what_the_codec_says(exchange, request, response)
            for octets in (request, response):
                if octets is not None:
                    assert rebuilt(dissected(octets, exchange)) == octets
            if response is not None:
                assert rebuilt(answer(dissected(request, exchange), dissected(response, exchange))) == response
            count += 1
    assert count


@pytest.mark.parametrize("capture", CAPTURES)
def test_rebuilt_octets_are_the_same(capture: Capture) -> None:
    for exchange, *both in halves(capture):
        for octets in both:
            if octets is not None:
                assert rebuilt(dissected(octets, exchange)) == octets
                packet = dissected(octets, exchange)
                if "length" in packet.fields:
                    del packet.length
                    assert packet.getfieldval("length") is None
                if "passwordLength" in packet.payload.fields:
                    del packet.payload.passwordLength
                assert rebuilt(packet) == octets


@pytest.mark.parametrize("capture", CAPTURES)
def test_answers(capture: Capture) -> None:
    for exchange, request, response in halves(capture):
        if request is None or response is None:
            continue
        asked, answered = dissected(request, exchange), dissected(response, exchange)
        assert answered.answers(asked)
        assert not asked.answers(answered)
        assert not asked.answers(asked)
        assert not answered.answers(answered)
        assert not answered.answers(Raw(request))
        for name in ("serial", "commandCode"):
            if name in asked.fields and name in answered.fields:
                other = asked.copy()
                other.setfieldval(name, asked.getfieldval(name) ^ 1)
                assert not answered.answers(other)


def test_frames_do_not_answer_for_each_other() -> None:
    assert not SLMP4EResponse().answers(SLMP3ERequest())
    assert SLMP4EResponse(serial=7).answers(SLMP4ERequest(serial=7))
    assert not MELSOFTLongResponse(serial=1).answers(MELSOFTShortRequest(serial=1))


def test_a_class_for_every_frame_and_layout() -> None:
    assert set(PDUS) == {(half.frame.id, half.direction) for half in CODEC.halves()}
    assert set(PAYLOADS) == {(one.name, layout) for one in DEFINITION.protocols.values() for layout in one.layouts}
    assert {(frame.id, "request") for one in DEFINITION.protocols.values() for frame in one.frames} <= set(PDUS)
    names = [made.__name__ for made in [*PDUS.values(), *PAYLOADS.values()]]
    assert len(set(names)) == len(names)
    assert set(names) < set(scapy_layers.__all__)
    for name in scapy_layers.__all__:
        assert hasattr(scapy_layers, name)
    for made in [*PDUS.values(), *PAYLOADS.values()]:
        assert getattr(scapy_layers, made.__name__) is made
        for field in made.fields_desc:
            assert not hasattr(Packet, field.name), "scapy would hide the field behind its own"
            assert field.name.isalnum()
            assert field.name[0].islower()


def test_camel() -> None:
    assert [camel(name) for name in ("module_io", "source_module_io", "serial", "command", "name")] == [
        "moduleIo",
        "sourceModuleIo",
        "serial",
        "commandCode",
        "nameText",
    ]


# Building


def test_defaults_make_a_pdu_that_the_codec_takes() -> None:
    for (frame, direction), made in PDUS.items():
        half = CODEC.half(frame, direction)
        code = {"sizes": 0x22, "layout": 0x60 if "buffer" in frame else 0x13}.get(half.frame.kind)
        packet = made() if code is None else made(commandCode=code)
        data = bytes(half.data_field.sizes.get(0x22, 0)) + (
            b"\1\0\0\0" if code == 0x60 and direction == "request" else b""
        )
        asked = PDUS[frame, "request"](commandCode=code) / Raw(b"\1\0\0\0" if code == 0x60 else b"")
        request = bytes(asked) if half.frame.kind == "layout" and direction == "response" else None
        pdu = decoded(bytes(packet / Raw(data) if data else packet), request)
        assert pdu.half.frame.id == frame
        for field in half.header:
            expected = field.const if field.const is not None else field.default
            if expected is not None:
                assert pdu.get(field.name) in {expected, field.const}, field.name


def test_names_stand_for_codes() -> None:
    run = SLMP3ERequest(commandCode="remote-run") / PAYLOADS["slmp", "remote-mode"](mode="force", clearMode="all")
    assert bytes(run).hex() == "500000ffff03000a001000011000000300" + "0200"
    read = SLMP3ERequest(commandCode="read-devices") / PAYLOADS["slmp", "device-block"](device="D100", points=3)
    assert bytes(read) == READ
    with pytest.raises(ValueError, match="commandCode: nothing is called remote-halt"):
        SLMP3ERequest(commandCode="remote-halt")
    refused = SLMP3EResponse(status="unsupported-command")
    assert decoded(bytes(refused)).status == 0xC059
    stop = MELSOFTLongRequest(commandCode="remote-stop", serial=11) / PAYLOADS["melsoft", "remote-word"]()
    assert bytes(stop) == MELSOFT_STOP
    identity = PAYLOADS["slmp", "type-name"](model="R08CPU", modelCode="R08CPU")
    assert bytes(identity) == b"R08CPU          \x01\x48"


def test_names_are_shown() -> None:
    packet = MELSEC(READ)
    assert packet.sprintf("%commandCode% %timer% %moduleIo%") == "read-devices 16 0x3ff"
    assert packet.payload.sprintf("%device% %points%") == "D100 3"
    assert packet.payload.device == "D100"
    assert packet.payload.getfieldval("device") == DevicePoint(0xA8, 100)
    assert SLMP3EResponse(status=0xC059).sprintf("%status%") == "unsupported-command"
    assert SLMP3EResponse(status=0xBEEF).sprintf("%status%") == "0xbeef"


def test_length_counts_what_follows_it() -> None:
    packet = SLMP4ERequest() / Raw(bytes(5))
    assert MELSEC(bytes(packet)).length == 11
    assert MELSEC(bytes(MELSOFTShortRequest() / Raw(bytes(5)))).length == 23
    assert SLMP3ERequest(bytes(SLMP3ERequest(length=99))).length == 99, "a length that is given stays"
    both = SLMP3ERequest() / Raw(b"ab") / SLMP3ERequest() / Raw(b"cde")
    first = MELSEC(bytes(both))
    assert (first.length, MELSEC(first[Padding].load).length) == (8, 9)


# Dissecting


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (READ, "SLMP 3E request read-devices 0401/0000"),
        (STOP, "SLMP 3E request remote-stop 1002/0000"),
        (bytes(SLMP4ERequest(commandCode=0x1234, subcommand=0x5678)), "SLMP 4E request unknown-1234 1234/5678"),
        (WORDS, "SLMP 3E response success"),
        (bytes(SLMP3EResponse(status=0xC059)), "SLMP 3E response unsupported-command"),
        (bytes(SLMP3EResponse(status=0xBEEF)), "SLMP 3E response status BEEF"),
        (MELSOFT_STOP, "MELSOFT 57 request remote-stop 1002"),
        (bytes(MELSOFTLongResponse(commandCode=0x1002)), "MELSOFT 57 response remote-stop 1002 success"),
        (bytes.fromhex("5A000022"), "MELSOFT 5A request release-owner 22"),
    ],
)
def test_summary(octets: bytes, expected: str) -> None:
    assert MELSEC(octets).mysummary() == expected
    assert MELSEC(octets).summary().startswith(expected)


def test_dispatch() -> None:
    assert type(SLMP(READ)) is SLMP3ERequest
    assert type(MELSOFT(MELSOFT_STOP)) is MELSOFTLongRequest
    for dispatcher, other in ((SLMP, MELSOFT_STOP), (MELSOFT, READ)):
        assert type(dispatcher(other)) is Raw
        assert bytes(dispatcher(other)) == other
    for foreign in (b"GET / HTTP/1.1", b"\x50\x01", bytes(40), bytes.fromhex("5A00000549")):
        assert type(MELSEC(foreign)) is Raw
        assert bytes(MELSEC(foreign)) == foreign


@pytest.mark.parametrize("cut", range(len(READ)))
def test_a_pdu_that_was_cut_off(cut: int) -> None:
    packet = MELSEC(READ[:cut])
    assert type(packet) is (SLMP3ERequest if cut >= 15 else MELSEC)
    assert rebuilt(packet) == READ[:cut]


def test_unknown_commands_and_what_follows_a_layout_stay_raw() -> None:
    unknown = SLMP3ERequest(commandCode=0x1234) / Raw(b"\x01\x02")
    assert type(MELSEC(bytes(unknown)).payload) is Raw
    conditional = SLMP3ERequest(commandCode=0x0403, subcommand=0x0040) / Raw(bytes(21))
    assert type(MELSEC(bytes(conditional)).payload) is Raw
    stop = MELSEC(bytes(SLMP3ERequest(commandCode=0x1002) / Raw(bytes.fromhex("0100ABCD"))))
    assert type(stop.payload) is PAYLOADS["slmp", "fixed-word"]
    assert stop[Raw].load == b"\xab\xcd"
    short = MELSEC(bytes(SLMP3ERequest(commandCode=0x0401) / Raw(b"\x64\0\0\xa8\x03")))
    assert type(short.payload) is Raw
    liar = MELSEC(bytes(SLMP3ERequest(commandCode=0x1630) / Raw(b"\xff\x001234")))
    assert type(liar.payload) is Raw
    error = MELSEC(bytes(MELSOFTLongResponse(commandCode=0x0121, status=0x4002) / Raw(bytes(24))))
    assert type(error.payload) is PAYLOADS["melsoft", "error-block"]
    name = MELSEC(bytes(MELSOFTLongResponse(commandCode=0x0121) / Raw(bytes(24))))
    assert type(name.payload) is PAYLOADS["melsoft", "type-name"]


def test_control_frames_end_by_their_type() -> None:
    packet = MELSEC(bytes.fromhex("5A0000FF") + MELSOFT_STOP)
    assert type(packet) is MELSOFTControlRequest
    assert packet[Padding].load == MELSOFT_STOP
    answer = MELSEC(bytes.fromhex("DA000001") + bytes(10) + b"rest")
    assert type(answer) is MELSOFTControlResponse
    assert type(answer.payload) is PAYLOADS["melsoft", "owner"]
    assert (bytes(answer)[4:14], answer[Padding].load) == (bytes(10), b"rest")


def test_several_pdus_in_one_segment() -> None:
    octets = READ + STOP + MELSOFT_STOP
    found = []
    while octets:
        packet = MELSEC(octets)
        octets = packet[Padding].load if Padding in packet else b""
        if octets:
            del packet[Padding].underlayer.payload
        found.append(bytes(packet))
    assert found == [READ, STOP, MELSOFT_STOP]


@settings(max_examples=200, deadline=None)
@given(frame=st.sampled_from(list(PDUS)), data=st.binary(max_size=90))
def test_any_octets_are_dissected(frame: tuple[str, str], data: bytes) -> None:
    half = CODEC.half(*frame)
    head = half.encode({"command": 0x13}, b"")
    for octets in (
        data,
        head[: half.header_size - 1] + data,
        head + data,
        half.encode({}, data),
        half.encode({}, data)[:-2],
    ):
        for dispatcher in (MELSEC, SLMP, MELSOFT, MC1E):
            assert bytes(dispatcher(octets)) == octets


# Streams


def reassembled(stream: bytes, cls: Any = MELSEC, ended: bool = False) -> list[Packet]:
    """What a session makes of a stream, as long as there is something."""
    found = []
    while stream:
        packet = cls.tcp_reassemble(stream, {"tcp_end": True} if ended else {}, {})
        if packet is None:
            break
        rest = packet.getlayer(Padding)
        stream = b"" if rest is None else bytes(rest.load)
        if rest is not None:
            del rest.underlayer.payload
        found.append(packet)
    return found


def test_reassembly() -> None:
    assert [bytes(one) for one in reassembled(READ + STOP + MELSOFT_STOP)] == [READ, STOP, MELSOFT_STOP]
    for cut in range(1, len(STOP)):
        assert [bytes(one) for one in reassembled(READ + STOP[:cut])] == [READ]
    garbage = bytes.fromhex("DEADBEEF50005400")
    assert [bytes(one) for one in reassembled(garbage + STOP)] == [garbage, STOP]
    assert [type(one) for one in reassembled(garbage + STOP)] == [Raw, SLMP3ERequest]
    assert [bytes(one) for one in reassembled(b"\0" * 9)] == [bytes(9)]
    assert MELSEC.tcp_reassemble(b"", {}, {}) is None


def test_the_end_of_a_stream_gives_what_is_left() -> None:
    assert reassembled(STOP[:7]) == []
    assert [bytes(one) for one in reassembled(STOP[:7], ended=True)] == [STOP[:7]]


def test_reassembly_by_one_class() -> None:
    assert [type(one) for one in reassembled(READ + STOP, SLMP3ERequest)] == [SLMP3ERequest] * 2
    assert [type(one) for one in reassembled(WORDS, SLMP3EResponse)] == [SLMP3EResponse]


@pytest.fixture
def bound() -> Iterator[None]:
    """The ports of the definition and one more, for one test."""
    bind()
    bind(40000)
    yield
    unbind()
    unbind(40000)


def segments(capture: Capture) -> list[Any]:
    """The packets of a generated capture."""
    with PcapReader(io.BytesIO(captures.build(CODEC, capture))) as reader:
        return list(reader)


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("capture", CAPTURES)
def test_captures_with_a_session(capture: Capture) -> None:
    if capture.shape == "lost":
        pytest.skip("scapy's session does not notice a lost segment")
    protocols = {exchange.protocol for exchange in capture.exchanges if exchange.octets is None}
    bind(capture.port, layer=MC1E if protocols == {"mc1e"} else MELSEC)
    seen = sniff(offline=segments(capture), session=TCPSession, quiet=True)
    unbind(capture.port)
    counts: dict[Any, int] = {}
    expected: dict[Any, int] = {}
    for packet in seen:
        for layer in packet.iterpayloads():
            if type(layer) in PDUS.values():
                counts[type(layer)] = counts.get(type(layer), 0) + 1
    for exchange in capture.exchanges:
        made = captures._halves(CODEC, exchange)
        for octets in (made.request, made.response):
            if octets is not None and exchange.octets is None and not exchange.lost:
                kind = type(dissected(octets, exchange))
                expected[kind] = expected.get(kind, 0) + exchange.repeat
    if any(exchange.octets is not None for exchange in capture.exchanges):
        # A layer takes any header for one: it does not ask whether the route is plausible.
        assert all(counts.get(kind, 0) >= count for kind, count in expected.items())
    else:
        assert counts == expected


@pytest.mark.usefixtures("bound")
def test_bound_ports() -> None:
    for lower, upper in ((TCP, STOP), (UDP, READ)):
        for ports in ({"sport": 5007 if lower is TCP else 5006}, {"dport": 40000}):
            packet = Ether(bytes(Ether() / IP() / lower(**ports) / Raw(upper)))
            assert SLMP3ERequest in packet
    answer = Ether(bytes(Ether() / IP() / TCP(sport=5007) / Raw(WORDS)))
    question = Ether(bytes(Ether() / IP() / TCP(dport=5007) / Raw(READ)))
    assert SLMP3EResponse in answer
    assert answer[TCP].payload.answers(question[TCP].payload)
    http = Ether(bytes(Ether() / IP() / TCP(dport=5007) / Raw(b"GET /")))
    assert type(http[TCP].payload) is Raw


def test_nothing_is_bound_at_import_nor_after_unbind() -> None:
    def guessed() -> list[Any]:
        return [upper for layer in (TCP, UDP) for _, upper in layer.payload_guess if upper is MELSEC]

    assert guessed() == []
    bind()
    once = len(guessed())
    bind()
    assert len(guessed()) == once > 0
    unbind()
    assert guessed() == []
    assert SLMP3ERequest not in Ether(bytes(Ether() / IP() / TCP(dport=5007) / Raw(READ)))


# Lists, forms and encodings


def test_lists_of_packets() -> None:
    write = SLMP4ERequest(
        commandCode="write-devices-random", subcommand=3, serial=0x1234, timer=4
    ) / SLMPRandomWriteBits(devices=[{"device": "M50", "value": 0}, {"device": "Y2F", "value": 1}])
    octets = bytes.fromhex("5400 3412 0000 00FFFF0300 1700 0400 0214 0300 0232000000900000002F0000009D000100")
    assert bytes(write) == octets
    packet = MELSEC(octets)
    assert [(item.device, item.value) for item in packet.devices] == [("M50", 0), ("Y2F", 1)]
    packet.devices[0].value = 1
    assert bytes(packet).endswith(bytes.fromhex("02320000009000 0100 2F0000009D00 0100"))
    again = MELSEC(bytes(write))
    again.devices = [*again.devices, {"device": "D7", "value": 0}]
    del again.points
    del again.length
    rebuilt_one = MELSEC(bytes(again))
    assert [item.device for item in rebuilt_one.devices] == ["M50", "Y2F", "D7"]
    assert (rebuilt_one.points, rebuilt_one.length) == (3, 23 + 8)
    shown = packet.show(dump=True)
    assert "M50" in shown
    assert "Y2F" in shown


def test_a_copy_is_independent() -> None:
    packet = MELSEC(bytes.fromhex("5000 00FFFF0300 1100 0400 0214 0100 0232000090002F00009D01"))
    before = bytes(packet)
    other = packet.copy()
    other.devices[0].value = 1
    assert bytes(packet) == before
    assert bytes(other) != before


def test_the_form_of_a_device_comes_from_the_sub_command() -> None:
    def asked(subcommand: int, device: str, cls: Any = SLMP3ERequest) -> bytes:
        return bytes(cls(commandCode="read-devices", subcommand=subcommand) / SLMPDeviceBlock(device=device, points=1))

    assert asked(0, "D100").hex().endswith("640000a8" + "0100")
    assert asked(2, "D100").hex().endswith("64000000a800" + "0100")
    assert asked(0x80, "J1\\W100").hex().endswith("0000000100b400000100f9" + "0100")
    assert asked(0, "W1F", SLMP3EAsciiRequest).endswith(b"W*00001F" + b"0001")
    assert asked(2, "W1F", SLMP3EAsciiRequest).endswith(b"W***0000001F" + b"0001")
    assert MELSEC(asked(0x82, "U3E0\\G10")).device == "U3E0\\G10"
    with pytest.raises(ValueError, match="QQ1"):
        SLMPDeviceBlock(device="QQ1")
    with pytest.raises(ValueError, match="this form has none"):
        asked(0, "U3E0\\G10")


def test_ascii() -> None:
    octets = b"500000FF03FF000018000404010000D*0001000002"
    packet = MELSEC(octets)
    assert type(packet) is SLMP3EAsciiRequest
    assert packet.mysummary() == "SLMP 3E ASCII request read-devices 0401/0000"
    assert (packet.moduleIo, packet.length, packet.timer, packet.device, packet.points) == (0x3FF, 24, 4, "D100", 2)
    lower = MELSEC(octets.lower())
    assert bytes(lower) == octets.lower()
    assert rebuilt(lower) == octets
    assert bytes(packet.payload) == b"D*0001000002"
    words = answer(packet, MELSEC(b"D00000FF03FF00000C000012340002"))
    assert type(words) is SLMP3EAsciiResponse
    assert words.values == [0x1234, 2]
    assert words.payload.sprintf("%values%") == "1234 2"
    words.values = (0xABCD, 7)
    assert bytes(words) == b"D00000FF03FF00000C0000ABCD0007"


def test_answers_that_do_not_say_to_what() -> None:
    bits = SLMP3ERequest(commandCode="read-devices", subcommand=1) / SLMPDeviceBlock(device="M100", points=5)
    octets = bytes.fromhex("D000 00FFFF0300 0500 0000 101100")
    response = MELSEC(octets)
    assert type(response.payload) is Raw
    found = answer(bits, response)
    assert found.values == [1, 0, 1, 1, 0]
    assert type(response.payload) is Raw, "the first is left as it was"
    assert bytes(found) == octets
    other = found.copy()
    other.values = (0, 1, 1)
    del other.length
    assert bytes(other).hex() == "d00000ffff0300" + "0400" + "0000" + "0110"
    stacked = MELSEC(octets + octets)
    found = answer(bits, stacked)
    assert found.values == [1, 0, 1, 1, 0]
    assert found[Padding].load == octets
    assert bytes(found) == octets + octets
    with pytest.raises(ValueError, match="no whole PDU"):
        answer(Raw(b"nonsense"), response)
    assert type(answer(bits, MELSEC(octets[:-1])).payload) is Raw, "not as many as were asked for"


def test_a_password_and_a_file() -> None:
    unlock = SLMP3ERequest(commandCode="unlock-password") / PAYLOADS["slmp", "password"](password="1234")
    assert bytes(unlock).hex().endswith("0400" + "31323334")
    delete = SLMP3ERequest(commandCode="delete-file", subcommand=0x40) / PAYLOADS["slmp", "file"](
        password="SECRET", drive=4, nameText="LINE.CSV"
    )
    expected = "5000 00FFFF0300 2200 1000 2218 4000 0600 534543524554 0400 0800 4C0049004E0045002E00430053005600"
    assert bytes(delete) == bytes.fromhex(expected)
    packet = MELSEC(bytes(delete))
    assert (packet.password, packet.drive, packet.nameText) == ("SECRET", 4, "LINE.CSV")


def test_refusals() -> None:
    refused = MELSEC(bytes.fromhex("D000 00FFFF0300 0B00 51C0 00FFFF030001040000"))
    assert refused.mysummary() == "SLMP 3E response points-out-of-range"
    assert type(refused.payload) is PAYLOADS["slmp", "error"]
    assert (refused.errorCommand, refused.errorStation) == (0x0401, 0xFF)
    bare = MELSEC(bytes.fromhex("D000 00FFFF0300 0200 51C0"))
    assert type(bare.payload) is NoPayload


# 1E


READ_1E = bytes.fromhex("01 FF 0A00 64000000 2044 02 00")
WORDS_1E = bytes.fromhex("81 00 3412 7856")


def test_1e() -> None:
    assert type(MELSEC(READ_1E)) is MC1ERequest
    assert type(MELSEC(WORDS_1E)) is Raw, "nothing speaks for it"
    request, response = MC1E(READ_1E), MC1E(WORDS_1E)
    assert (type(request), type(response)) == (MC1ERequest, MC1EResponse)
    assert request.mysummary() == "MC1E 1E request read-devices 01"
    assert response.mysummary() == "MC1E 1E response read-devices 01 success"
    assert (request.station, request.device, request.points) == (0xFF, "D100", 2)
    assert answer(request, response).values == [0x1234, 0x5678]
    assert response.answers(request)
    assert not MC1EResponse(bytes.fromhex("80 00 10")).answers(request)
    assert (
        bytes(MC1ERequest(commandCode="read-devices-word") / PAYLOADS["mc1e", "device-block"](device="D100", points=2))
        == READ_1E
    )
    abnormal = MC1E(bytes.fromhex("81 5B 10 00"))
    assert abnormal.abnormalCode == 0x10
    assert abnormal[Raw].load == b"\0"
    other_station = b"\x01\x05" + READ_1E[2:]
    assert type(MELSEC(other_station)) is Raw
    assert type(MC1E(other_station)) is MC1ERequest
    assert type(MC1E(b"GET / HTTP/1.1")) is Raw


def test_1e_in_ascii() -> None:
    request, response = MC1E(b"01FF000A4420000000640200"), MC1E(b"8100123456ab")
    assert type(request) is type(MELSEC(b"01FF000A4420000000640200")) is MC1EAsciiRequest
    assert (request.device, request.timer) == ("D100", 10)
    assert answer(request, response).values == [0x1234, 0x56AB]
    assert MC1E(b"9300").mysummary() == "MC1E 1E ASCII response remote-run 13 success"


def test_1e_in_a_stream() -> None:
    assert [bytes(one) for one in reassembled(READ_1E + READ_1E, MC1E)] == [READ_1E, READ_1E]
    assert [bytes(one) for one in reassembled(READ_1E[:9], MC1E)] == []
    assert [bytes(one) for one in reassembled(WORDS_1E, MC1E)] == [WORDS_1E], "as long as its octets"
    assert [type(one) for one in reassembled(READ_1E + READ)] == [MC1ERequest, SLMP3ERequest]


# 4C


STOP_4C = bytes.fromhex("1002 0E00 F8 00 00 FF FF03 00 00 021010 0000 0100 1003 3141")


def test_4c() -> None:
    packet = MELSEC(STOP_4C)
    assert type(packet) is SLMP4CRequest
    assert packet.mysummary() == "SLMP 4C request remote-stop 1002/0000"
    assert (packet.length, packet.commandCode, packet.checksum) == (14, 0x1002, b"1A")
    assert bytes(packet) == STOP_4C
    assert bytes(SLMP4CRequest(commandCode="remote-stop") / PAYLOADS["slmp", "fixed-word"]()) == STOP_4C
    for tail in (b"", b"zz"):
        odd = STOP_4C[:-2] + tail
        assert MELSEC(odd).checksum == tail
        assert bytes(MELSEC(odd)) == odd
    both = MELSEC(STOP_4C[:-2] + STOP_4C)
    assert (both.checksum, both[Padding].load) == (b"", STOP_4C)
    packet.fixed = 0x1010
    packet.checksum = None
    assert bytes(packet).hex().endswith("10101010" + "1003" + b"39".hex())
    for cut in range(2, len(STOP_4C) - 2):
        assert bytes(MELSEC(STOP_4C[:cut])) == STOP_4C[:cut]
    with pytest.raises(ValueError, match="no complete frame"):
        SLMP4CRequest(STOP_4C[:-3])
    assert [bytes(one) for one in reassembled(STOP_4C + STOP_4C)] == [STOP_4C, STOP_4C]


def test_frames_with_more_in_their_header() -> None:
    notification = SLMPLMTResponse(commandCode=0x0E94, serial=5)
    assert MELSEC(bytes(notification)).mysummary() == "SLMP LMT response notify-tsn 0E94/0000 success"
    push = SLMPEMTPushRequest(commandCode="remote-stop", division=0x8001) / PAYLOADS["slmp", "fixed-word"]()
    assert bytes(push)[:2] == b"\x9d\0"
    assert (MELSEC(bytes(push)).division, MELSEC(bytes(push)).fixed) == (0x8001, 1)
    assert ("emt-push", "response") not in PDUS


def test_layers_can_be_listed_and_fuzzed() -> None:
    for made in [*PDUS.values(), *PAYLOADS.values()]:
        ls(made, verbose=False)
        assert made().show(dump=True)
        assert bytes(made()) is not None
    for _ in range(20):
        octets = bytes(fuzz(SLMP3ERequest() / SLMPDeviceBlock(device="D100")))
        assert octets[2:]

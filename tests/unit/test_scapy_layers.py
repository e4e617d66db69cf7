"""Scapy layers: they say of every generated PDU what the codec says, and build the same octets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import NoPayload, Packet, Padding, Raw
from scapy.sendrecv import sniff
from scapy.sessions import TCPSession
from scapy.utils import PcapReader

from melsec_nsm import scapy_layers
from melsec_nsm.codec import Codec, Pdu, payload
from melsec_nsm.codec.payload import DevicePoint
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Capture, Exchange, Layout
from melsec_nsm.generate import captures
from melsec_nsm.scapy_layers import (
    MELSEC,
    MELSOFT,
    PAYLOADS,
    PDUS,
    SLMP,
    MELSOFTControlRequest,
    MELSOFTControlResponse,
    MELSOFTLongRequest,
    MELSOFTLongResponse,
    MELSOFTShortRequest,
    SLMP3ERequest,
    SLMP3EResponse,
    SLMP4ERequest,
    SLMP4EResponse,
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


def decoded(octets: bytes) -> Pdu:
    pdu = CODEC.read(octets)
    assert isinstance(pdu, Pdu)
    return pdu


def flat(value: object) -> object:
    """A value of the codec as scapy holds it."""
    return value.rstrip(b"\0 ") if isinstance(value, bytes) else value


def same_payload(packet: Any, layout: Layout, data: bytes, byte_order: str) -> None:
    """The payload class holds what the codec decodes."""
    found = payload.decode(layout, data, byte_order)
    assert found.complete
    for name, value in found.values.items():
        if isinstance(value, DevicePoint):
            assert packet.getfieldval(camel(f"{name}_code")) == value.code
            assert packet.getfieldval(camel(f"{name}_number")) == value.number
        elif isinstance(value, str):
            assert flat(packet.getfieldval(camel(name))) == value.encode()
        else:
            assert packet.getfieldval(camel(name)) == value
    assert bytes(packet.payload) == found.rest


def rebuilt(packet: Any) -> bytes:
    """The octets of a packet whose fields are all built again."""
    packet.clear_cache()
    return bytes(packet)


@pytest.mark.parametrize("capture", CAPTURES)
def test_what_the_codec_says(capture: Capture) -> None:
    for exchange, *both in halves(capture):
        for octets in both:
            if octets is None:
                continue
            pdu, packet = decoded(octets), MELSEC(octets)
            assert type(packet) is PDUS[exchange.frame, pdu.half.direction]
            assert {name: packet.getfieldval(camel(name)) for name in pdu.half.names} == dict(
                zip(pdu.half.names, pdu.values, strict=True)
            )
            assert bytes(packet.payload) == pdu.data
            assert Padding not in packet
            layout = None
            if pdu.command is not None and not pdu.status:
                layout = payload.layout_of(pdu.half, pdu.command, pdu.subcommand or 0)
            if layout is not None:
                assert type(packet.payload) is PAYLOADS[pdu.protocol, layout.name]
                same_payload(packet.payload, layout, pdu.data, pdu.half.protocol.byte_order)
            else:
                assert type(packet.payload) is (Raw if pdu.data else NoPayload)


@pytest.mark.parametrize("capture", CAPTURES)
def test_rebuilt_octets_are_the_same(capture: Capture) -> None:
    for _, *both in halves(capture):
        for octets in both:
            if octets is not None:
                assert rebuilt(MELSEC(octets)) == octets
                packet = MELSEC(octets)
                if "length" in packet.fields:
                    del packet.length
                    assert packet.getfieldval("length") is None
                if "passwordLength" in packet.payload.fields:
                    del packet.payload.passwordLength
                assert rebuilt(packet) == octets


@pytest.mark.parametrize("capture", CAPTURES)
def test_answers(capture: Capture) -> None:
    for _, request, response in halves(capture):
        if request is None or response is None:
            continue
        asked, answered = MELSEC(request), MELSEC(response)
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
    assert [camel(name) for name in ("module_io", "source_module_io", "serial", "command")] == [
        "moduleIo",
        "sourceModuleIo",
        "serial",
        "commandCode",
    ]


# Building


def test_defaults_make_a_pdu_that_the_codec_takes() -> None:
    for (frame, direction), made in PDUS.items():
        half = CODEC.half(frame, direction)
        packet = made(commandCode=0x22) if frame == "5a" else made()
        data = bytes(half.data_field.sizes.get(0x22, 0))
        pdu = decoded(bytes(packet / Raw(data) if data else packet))
        assert pdu.half.frame.id == frame
        for field in half.header:
            expected = field.const if field.const is not None else field.default
            if expected is not None:
                assert pdu.get(field.name) in {expected, field.const}, field.name


def test_names_stand_for_codes() -> None:
    run = SLMP3ERequest(commandCode="remote-run") / PAYLOADS["slmp", "remote-mode"](mode="force", clearMode="all")
    assert bytes(run).hex() == "500000ffff03000a001000011000000300" + "0200"
    read = SLMP3ERequest(commandCode="read-devices") / PAYLOADS["slmp", "device-block"](
        deviceCode="D", deviceNumber=100, points=3
    )
    assert bytes(read) == READ
    refused = SLMP3EResponse(status="unsupported-command")
    assert decoded(bytes(refused)).status == 0xC059
    stop = MELSOFTLongRequest(commandCode="remote-stop", serial=11) / PAYLOADS["melsoft", "remote-word"]()
    assert bytes(stop) == MELSOFT_STOP
    identity = PAYLOADS["slmp", "type-name"](model=b"R08CPU".ljust(16), modelCode="R08CPU")
    assert bytes(identity) == b"R08CPU          \x01\x48"


def test_names_are_shown() -> None:
    packet = MELSEC(READ)
    assert packet.sprintf("%commandCode% %timer% %moduleIo%") == "read-devices 16 0x3ff"
    assert packet.payload.sprintf("%deviceCode% %deviceNumber% %points%") == "D 100 3"
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
    extended = SLMP3ERequest(commandCode=0x0401, subcommand=0x0082) / Raw(bytes(21))
    assert type(MELSEC(bytes(extended)).payload) is Raw
    stop = MELSEC(bytes(SLMP3ERequest(commandCode=0x1002) / Raw(bytes.fromhex("0100ABCD"))))
    assert type(stop.payload) is PAYLOADS["slmp", "fixed-word"]
    assert stop[Raw].load == b"\xab\xcd"
    short = MELSEC(bytes(SLMP3ERequest(commandCode=0x0401) / Raw(b"\x64\0\0\xa8\x03")))
    assert type(short.payload) is Raw
    liar = MELSEC(bytes(SLMP3ERequest(commandCode=0x1630) / Raw(b"\xff\x001234")))
    assert type(liar.payload) is Raw
    error = MELSEC(bytes(MELSOFTLongResponse(commandCode=0x0121, status=0x4002) / Raw(bytes(24))))
    assert type(error.payload) is Raw
    name = MELSEC(bytes(MELSOFTLongResponse(commandCode=0x0121) / Raw(bytes(24))))
    assert type(name.payload) is PAYLOADS["melsoft", "type-name"]


def test_control_frames_end_by_their_type() -> None:
    packet = MELSEC(bytes.fromhex("5A0000FF") + MELSOFT_STOP)
    assert type(packet) is MELSOFTControlRequest
    assert packet[Padding].load == MELSOFT_STOP
    answer = MELSEC(bytes.fromhex("DA000001") + bytes(10) + b"rest")
    assert type(answer) is MELSOFTControlResponse
    assert (answer[Raw].load, answer[Padding].load) == (bytes(10), b"rest")


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
    for octets in (data, half.encode({}, b"")[: half.header_size - 1] + data):
        assert bytes(MELSEC(octets)) == octets


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
    seen = sniff(offline=segments(capture), session=TCPSession, quiet=True)
    counts: dict[Any, int] = {}
    expected: dict[Any, int] = {}
    for packet in seen:
        for layer in packet.iterpayloads():
            if type(layer) in PDUS.values():
                counts[type(layer)] = counts.get(type(layer), 0) + 1
    for exchange in capture.exchanges:
        made = captures._halves(CODEC, exchange)
        for octets in (made.request, made.response):
            if octets is not None and exchange.octets is None:
                kind = type(MELSEC(octets))
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

"""4C, format 5: DLE STX, octets with every DLE doubled, DLE ETX, and a sum that may be missing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Incomplete, Mismatch, Pdu
from melsec_nsm.codec.frames import Half
from melsec_nsm.codec.stream import Conversation, StreamParser
from melsec_nsm.definitions import load

CODEC = Codec(load())
REQUEST, RESPONSE = CODEC.half("4c-format5", "request"), CODEC.half("4c-format5", "response")
HALVES = pytest.mark.parametrize("half", [pytest.param(half, id=half.direction) for half in (REQUEST, RESPONSE)])
STOP = bytes.fromhex("1002 0E00 F8 00 00 FF FF03 00 00 021010 0000 0100 1003 3141")


def read(octets: bytes, strict: bool = True) -> Pdu:
    found = CODEC.read(octets, strict=strict)
    assert isinstance(found, Pdu)
    return found


def altered(half: Half, position: int, octet: int, data: bytes = b"") -> bytes:
    """A PDU with another octet at a place before doubling; its sum is that of the first."""
    octets = half.encode({}, data)
    plain = bytearray(octets[:2] + octets[2:-4].replace(b"\x10\x10", b"\x10"))
    plain[position] = octet
    return bytes(plain[:2]) + bytes(plain[2:]).replace(b"\x10", b"\x10\x10") + octets[-4:]


def test_worked_sum() -> None:
    pdu = read(STOP)
    assert (pdu.command, pdu.data, pdu.trailing, pdu.size) == (0x1002, b"\x01\0", b"1A", len(STOP) - 2)


@HALVES
@settings(max_examples=60, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=40),
        st.lists(st.sampled_from([b"\x10", b"\x02", b"\x03", b"\x10\x03", b"\x10\x02"]), max_size=20).map(b"".join),
    ),
    station=st.sampled_from([0x01, 0x10, 0xFF]),
    junk=st.binary(max_size=6),
)
def test_every_dle_is_doubled(half: Half, data: bytes, station: int, junk: bytes) -> None:
    octets = half.encode({"command": 0x0401, "station": station, "self_station": 0x10}, data)
    assert octets.startswith(b"\x10\x02")
    assert octets[-4:-2] == b"\x10\x03"
    inside = octets[2:-4]
    assert b"\x10" not in inside.replace(b"\x10\x10", b"")
    plain = inside.replace(b"\x10\x10", b"\x10")
    assert octets[-2:] == f"{sum(plain) % 256:02X}".encode()
    assert int.from_bytes(plain[:2], "little") == len(plain) - 2
    found = CODEC.read(junk + octets + junk, len(junk))
    assert isinstance(found, Pdu)
    assert (found.half, found.data, found.size) == (half, data, len(octets) - 2)
    assert (found.get("station"), found.get("self_station")) == (station, 0x10)
    for cut in range(len(octets) - 2):
        assert isinstance(CODEC.read(octets[:cut]), Incomplete), cut
    assert read(octets[:-2]).size == found.size, "a sum is not needed"


@HALVES
def test_what_is_no_frame(half: Half) -> None:
    good = half.encode({}, b"\x10")
    for position, octet in ((4, 0xF9), (5, 0x20), (7, 0x79), (10, 0x20)):
        assert isinstance(CODEC.read(altered(half, position, octet)), Mismatch), position
    for wrong in (
        good[:1] + b"\x01" + good[2:],
        # A DLE that is neither doubled nor an end.
        good[:6] + b"\x10\x41" + good[6:],
        good[:6] + b"\x10\x02" + good[6:],
        # An end before or behind the counted octets.
        good[:-5] + good[-4:],
        good[:-4] + b"x" + good[-4:],
        good[:4] + b"\x10\x03" + good[4:],
    ):
        assert isinstance(CODEC.read(wrong), Mismatch), wrong.hex()
        assert isinstance(CODEC.read(wrong, strict=False), Mismatch), wrong.hex()


@HALVES
def test_octets_that_never_end_are_given_up(half: Half) -> None:
    good = half.encode({}, bytes(100))
    unended = good[:-4]
    assert isinstance(CODEC.read(unended), Incomplete)
    assert isinstance(CODEC.read(unended + b"\0"), Mismatch), "more than were counted"
    lied = half.encode({"length": 4200}, bytes(10))[:-4] + bytes(5000)
    assert isinstance(CODEC.read(lied), Mismatch)


def test_a_length_that_counts_doubled_octets_is_wrong() -> None:
    data = b"\x10" * 3
    assert isinstance(CODEC.read(REQUEST.encode({"length": 12 + 6}, data)), Mismatch)
    assert read(REQUEST.encode({}, data)).get("length") == 12 + 3


def fed(*pieces: bytes) -> list[tuple[int | None, bytes]]:
    """Commands and data of what a connection brings."""
    parser = StreamParser(CODEC, Conversation(CODEC), 0)
    return [(pdu.command, pdu.data) for piece in pieces for _, _, pdu in parser.feed(0, piece)]


def test_a_sum_belongs_to_its_pdu() -> None:
    stop = (0x1002, b"\x01\0")
    for first in (STOP, STOP[:-2]):
        for cut in range(len(first) + 1):
            assert fed(first[:cut], first[cut:] + STOP) == [stop, stop], cut
    # What follows in place of a sum is looked at.
    conversation: Conversation[int] = Conversation(CODEC)
    parser = StreamParser(CODEC, conversation, 0)
    assert [pdu.command for _, _, pdu in parser.feed(0, STOP[:-2] + b"zz" + STOP)] == [0x1002, 0x1002]
    assert conversation.malformed == 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([b"\x10", b"\x02", b"\x03", b"\x0c\0", b"\xf8", b"\0", b"\xff", STOP]), max_size=30))
def test_any_octets_are_survived(pieces: list[bytes]) -> None:
    octets = b"\x10\x02" + b"".join(pieces)
    found = CODEC.read(octets, strict=False)
    assert not isinstance(found, Pdu) or found.size <= len(octets)
    parser = StreamParser(CODEC, Conversation(CODEC), 0)
    for piece in pieces:
        list(parser.feed(0, piece))

"""PDUs in the octets of a connection: segmentation, garbage, holes, and what is no MELSEC."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.codec import Codec
from melsec_nsm.codec.stream import HELD_LIMIT, SEARCH_LIMIT, Conversation, StreamParser, read_datagram
from melsec_nsm.definitions import load

CODEC = Codec(load())
CLIENT, SERVER = 0, 1

READ = bytes.fromhex("5000 00FFFF0300 0C00 1000 0104 0000 640000A80300")
WORDS = bytes.fromhex("D000 00FFFF0300 0800 0000 34120200EF1D")
STOP = bytes.fromhex("5000 00FFFF0300 0800 1000 0210 0000 0100")
DONE = bytes.fromhex("D000 00FFFF0300 0200 0000")
MELSOFT_STOP = bytes.fromhex(
    "57 01 00 0000 1111 07 00 00 FF FF03 00 00 FE03 0000 2000 1C 0A 16 14" + "00" * 20 + "1002 0B00 0000 0100"
)
NUMBERED = [
    bytes.fromhex("5400") + number.to_bytes(2, "little") + bytes.fromhex("0000 00FFFF0300 0600 1000 0101 0000")
    for number in range(20)
]
IDENTIFY = bytes.fromhex("5A0000FF")
IDENTITY = bytes.fromhex("DA0000FF") + bytes(24)
HTTP = b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n"
GARBAGE = bytes.fromhex("DEADBEEF0001020304050607")


class Connection:
    """Both directions of a connection, with the PDUs found so far as they were on the wire."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.parsers = [StreamParser(CODEC, self.conversation, side) for side in (CLIENT, SERVER)]
        self.found: list[tuple[int, int, bytes]] = []

    def feed(self, side: int, data: bytes, gap: int = 0, ts: int = 0) -> list[bytes]:
        """The PDUs that ``data`` brings, in order."""
        before = len(self.found)
        for when, who, pdu in self.parsers[side].feed(ts, data, gap):
            octets = pdu.half.encode(dict(zip(pdu.half.names, pdu.values, strict=True)), pdu.data)
            self.found.append((when, who, octets))
        return [octets for _, _, octets in self.found[before:]]


@settings(max_examples=150, deadline=None)
@given(
    pdus=st.lists(st.sampled_from([READ, STOP, MELSOFT_STOP, IDENTIFY, *NUMBERED]), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_any_segmentation_gives_the_same_pdus(pdus: list[bytes], cuts: list[int]) -> None:
    stream = b"".join([READ, *pdus])
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    connection = Connection()
    for start, end in pairwise(edges):
        connection.feed(CLIENT, stream[start:end])
    assert [octets for _, _, octets in connection.found] == [READ, *pdus]
    assert connection.conversation.malformed == 0


def test_octet_by_octet() -> None:
    connection = Connection()
    for position in range(len(MELSOFT_STOP) - 1):
        assert connection.feed(CLIENT, MELSOFT_STOP[position : position + 1]) == []
    assert connection.feed(CLIENT, MELSOFT_STOP[-1:]) == [MELSOFT_STOP]


@settings(max_examples=150, deadline=None)
@given(
    garbage=st.binary(min_size=1, max_size=40).filter(lambda octets: not set(octets) & CODEC.first_octets),
    cut=st.integers(0, 40),
)
def test_garbage_between_pdus(garbage: bytes, cut: int) -> None:
    connection = Connection()
    assert connection.feed(CLIENT, READ) == [READ]
    stream = garbage + STOP
    assert connection.feed(CLIENT, stream[:cut]) + connection.feed(CLIENT, stream[cut:]) == [STOP]
    assert connection.conversation.malformed == 1, "reported once"
    assert connection.feed(CLIENT, garbage + READ + STOP) == [READ, STOP]
    assert connection.conversation.malformed == 2


def test_garbage_that_looks_like_a_beginning() -> None:
    connection = Connection()
    connection.feed(CLIENT, READ)
    wrong = bytes.fromhex("5000 00FFFF0300 FFFF 1000 0104 0000")
    assert connection.feed(CLIENT, wrong + bytes.fromhex("500054D7D0") + STOP) == [STOP]
    assert connection.conversation.malformed == 1


def test_search_is_strict_even_in_a_confirmed_conversation() -> None:
    # Station 0x99 does not exist, but a controller that was confirmed may be asked for it.
    strange = bytes.fromhex("5000 0099FF0300 0600 1000 0101 0000")
    connection = Connection()
    assert connection.feed(CLIENT, READ + strange) == [READ, strange]
    assert connection.feed(CLIENT, GARBAGE + strange + STOP) == [STOP]


def test_nothing_is_lenient_before_it_is_confirmed() -> None:
    connection = Connection()
    strange = bytes.fromhex("5000 0099FF0300 0600 1000 0101 0000")
    assert connection.feed(CLIENT, strange) == []
    assert not connection.conversation.confirmed
    assert connection.feed(CLIENT, READ) == [READ]
    assert connection.conversation.malformed == 0, "what came before the first PDU is no error"


@pytest.mark.parametrize("seen", [0, 1, 5, 15, len(READ) - 1])
@pytest.mark.parametrize("resumed", [b"", READ[-1:], READ[16:], b"\x00\x01\x02"])
def test_gap_inside_a_pdu(seen: int, resumed: bytes) -> None:
    connection = Connection()
    connection.feed(CLIENT, STOP)
    assert connection.feed(CLIENT, READ[:seen]) == []
    assert connection.feed(CLIENT, resumed + STOP, gap=7) == [STOP]
    assert connection.feed(CLIENT, READ) == [READ]
    assert connection.conversation.malformed == 0, "a lost segment is nobody's mistake"


def test_octets_before_a_gap_are_not_joined_to_those_behind_it() -> None:
    connection = Connection()
    connection.feed(CLIENT, STOP + READ[:10])
    assert connection.feed(CLIENT, READ[10:], gap=100) == []
    assert connection.feed(CLIENT, STOP) == [STOP]


@pytest.mark.parametrize("cut", [3, 9, 11, len(WORDS) - 1])
def test_start_inside_a_pdu(cut: int) -> None:
    connection = Connection()
    assert connection.feed(SERVER, WORDS[cut:]) == []
    assert not connection.conversation.declined
    assert connection.feed(CLIENT, READ) == [READ]
    assert connection.feed(SERVER, WORDS) == [WORDS]
    assert connection.conversation.malformed == 0


def test_one_side_confirms_the_other() -> None:
    connection = Connection()
    strange = bytes.fromhex("D000 0099FF0300 0200 0000")
    connection.feed(CLIENT, READ)
    assert connection.feed(SERVER, strange) == [strange]


def test_foreign_octets_are_given_up_when_both_sides_show_some() -> None:
    connection = Connection()
    connection.feed(CLIENT, HTTP)
    assert not connection.conversation.declined, "one side may have been joined inside a PDU"
    connection.feed(SERVER, HTTP)
    assert connection.conversation.declined
    assert connection.feed(CLIENT, READ) == connection.feed(SERVER, WORDS) == []
    assert not connection.conversation.confirmed


def test_confirmed_conversations_are_never_given_up() -> None:
    connection = Connection()
    connection.feed(CLIENT, READ)
    connection.feed(SERVER, GARBAGE * 1000)
    connection.feed(CLIENT, GARBAGE * 1000)
    assert connection.feed(CLIENT, STOP) == [STOP]
    assert connection.feed(SERVER, DONE) == [DONE]
    assert not connection.conversation.declined


@pytest.mark.parametrize("piece", [1, 100, SEARCH_LIMIT + 1])
def test_search_ends_at_its_limit(piece: int) -> None:
    foreign = bytes(SEARCH_LIMIT + 1)
    connection = Connection()
    for start in range(0, len(foreign) - piece + 1, piece):
        connection.feed(CLIENT, foreign[start : start + piece])
    connection.feed(CLIENT, bytes(piece))
    assert connection.conversation.declined
    assert connection.feed(CLIENT, READ) == []


def test_search_up_to_its_limit() -> None:
    connection = Connection()
    connection.feed(CLIENT, bytes(SEARCH_LIMIT))
    assert connection.feed(CLIENT, READ) == [READ]


def test_control_frame_alone_proves_nothing() -> None:
    connection = Connection()
    assert connection.feed(CLIENT, IDENTIFY, ts=1) == []
    assert connection.feed(CLIENT, IDENTIFY, ts=2) == []
    assert not connection.conversation.confirmed
    assert connection.feed(SERVER, IDENTITY, ts=3) == [IDENTIFY, IDENTIFY, IDENTITY]
    assert connection.found == [(1, CLIENT, IDENTIFY), (2, CLIENT, IDENTIFY), (3, SERVER, IDENTITY)]
    assert connection.feed(CLIENT, IDENTIFY, ts=4) == [IDENTIFY], "and nothing twice"


def test_control_frame_before_a_long_frame() -> None:
    connection = Connection()
    assert connection.feed(CLIENT, IDENTIFY, ts=1) == []
    assert connection.feed(CLIENT, MELSOFT_STOP, ts=2) == [IDENTIFY, MELSOFT_STOP]
    assert [when for when, _, _ in connection.found] == [1, 2]


def test_postgresql_is_not_confirmed() -> None:
    connection = Connection()
    ready = bytes.fromhex("5A 00000005 49")
    connection.feed(CLIENT, bytes.fromhex("0000000804D2162F"))
    connection.feed(SERVER, ready)
    assert connection.conversation.declined
    assert connection.found == []


def test_control_frames_that_nothing_proves_are_forgotten() -> None:
    connection = Connection()
    for number in range(3 * HELD_LIMIT):
        assert connection.feed(CLIENT, IDENTIFY, ts=number) == []
    assert len(connection.feed(SERVER, IDENTITY)) <= HELD_LIMIT + 1
    assert connection.found[-2][0] == 3 * HELD_LIMIT - 1, "the last ones are kept"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=60), st.sampled_from([0, 0, 0, 5])), max_size=12))
def test_any_octets_are_survived(pieces: list[tuple[int, bytes, int]]) -> None:
    stranger, known = Connection(), Connection()
    known.feed(CLIENT, READ)
    for side, data, gap in pieces:
        stranger.feed(side, data, gap)
        known.feed(side, data, gap)
    for side, pdu in ((CLIENT, STOP), (SERVER, DONE)):
        # A beginning in the rubbish may ask for as many octets as a PDU can have.
        assert pdu in [octets for _ in range(700) for octets in known.feed(side, pdu)]


def test_datagrams() -> None:
    pdu = read_datagram(CODEC, STOP)
    assert pdu is not None
    assert pdu.command == 0x1002
    assert read_datagram(CODEC, IDENTIFY) is not None
    for wrong in (b"", STOP[:-1], STOP + b"\0", STOP + STOP, b"\0" + STOP, HTTP, IDENTIFY + b"\0"):
        assert read_datagram(CODEC, wrong) is None, wrong

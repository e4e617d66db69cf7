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
        self.conversation: Conversation[int] = Conversation(CODEC)
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


# Every frame


def written(frame: str, direction: str, data: bytes = b"", **values: int) -> bytes:
    half = CODEC.half(frame, direction)
    return half.encode(values, data)


def one_of_each() -> dict[str, list[bytes]]:
    """Some PDUs of each frame that says how long it is, by frame and direction."""
    found: dict[str, list[bytes]] = {}
    for half in CODEC.halves():
        if half.frame.kind == "layout":
            continue
        if half.frame.kind == "sizes":
            pdus = [half.encode({"command": code}, bytes(size)) for code, size in half.data_field.sizes.items()]
        else:
            data = [b"", b"\x10\x03\x10", bytes(range(256))]
            pdus = [
                half.encode({"command": 0x0401}, octets.hex().upper().encode() if half.ascii else octets)
                for octets in data
            ]
        found[f"{half.frame.id}-{half.direction}"] = pdus
    return found


EACH = one_of_each()


def confirmed() -> Connection:
    """A connection in which MELSEC was seen."""
    connection = Connection()
    connection.feed(SERVER, WORDS)
    return connection


@pytest.mark.parametrize("name", EACH)
def test_every_frame_split_at_every_octet(name: str) -> None:
    pdus = EACH[name]
    stream = b"".join(pdus)
    for cut in range(len(stream) + 1):
        connection = confirmed()
        assert connection.feed(CLIENT, stream[:cut]) + connection.feed(CLIENT, stream[cut:]) == pdus, cut
        assert connection.conversation.malformed == 0
    connection = confirmed()
    assert [one for octet in stream for one in connection.feed(CLIENT, bytes([octet]))] == pdus


@pytest.mark.parametrize("name", EACH)
def test_every_frame_behind_garbage_and_a_hole(name: str) -> None:
    pdus = EACH[name]
    connection = confirmed()
    # Digits that are no header, a DLE that is no beginning.
    assert connection.feed(CLIENT, b"00ABC\x10\x10 50005\xff" + b"".join(pdus)) == pdus
    assert connection.conversation.malformed == 1
    for cut in (1, 3, len(pdus[-1]) // 2, len(pdus[-1]) - 1):
        connection.feed(CLIENT, pdus[-1][:cut])
        assert connection.feed(CLIENT, b"".join(pdus), gap=9) == pdus
    assert connection.conversation.malformed == 1


@pytest.mark.parametrize("name", EACH)
def test_every_frame_from_the_middle(name: str) -> None:
    pdus = EACH[name]
    weak = name.startswith("5a")
    for cut in range(1, len(pdus[1])):
        connection = Connection()
        found = connection.feed(CLIENT, pdus[1][cut:] + b"".join(pdus))
        if weak:
            found += connection.feed(SERVER, WORDS)[:-1]
        assert found == pdus, cut
        assert connection.conversation.malformed == 0


def test_a_hole_does_not_join_what_is_around_it() -> None:
    connection = Connection()
    words = written("3e-ascii", "response", b"12340002")
    assert connection.feed(SERVER, words) == [words]
    assert connection.feed(SERVER, words[:20]) == []
    assert connection.feed(SERVER, words[20:], gap=1) == []
    assert connection.feed(SERVER, words) == [words]


def test_ascii_in_lower_case_on_a_connection() -> None:
    read = b"500000FF03FF000018000404010000D*0001000002"
    connection = Connection()
    assert connection.feed(CLIENT, read.lower()) == [read[:-12] + b"d*0001000002"]
    words = b"d00000ff03ff00000c00001234000a"
    assert connection.feed(SERVER, words[:3]) == []
    assert [one.upper() for one in connection.feed(SERVER, words[3:])] == [words.upper()]
    assert connection.conversation.malformed == 0


@pytest.mark.parametrize(
    "foreign",
    [
        b"5000 bytes received\r\n",
        b"D0000 OK\r\n",
        b"50000000000000000000000000",
        b"DDDD00000000000000000000",
        bytes.fromhex("1603010200010001FC0303"),
        bytes.fromhex("0300001611E00000000100C1020100C2020102C0010A"),
        bytes.fromhex("680400000700000068040700"),
        bytes.fromhex("D000D000D000"),
        bytes.fromhex("100210021003"),
        b"01FF is no request\r\n",
    ],
)
def test_what_is_foreign(foreign: bytes) -> None:
    connection = Connection()
    connection.feed(CLIENT, foreign * 3)
    connection.feed(SERVER, foreign * 3)
    connection.feed(CLIENT, bytes(SEARCH_LIMIT + 1))
    assert (connection.conversation.confirmed, connection.found) == (False, [])
    assert connection.conversation.declined


# 1E, whose PDUs have no length


READ_1E = bytes.fromhex("01 FF 0A00 64000000 2044 02 00")
WORDS_1E = bytes.fromhex("81 00 3412 7856")
RUN_1E, DONE_1E = bytes.fromhex("13 FF 0A00"), bytes.fromhex("93 00")
ABNORMAL_1E = bytes.fromhex("81 5B 10")


def dialogue(*turns: tuple[int, bytes], connection: Connection | None = None) -> list[bytes]:
    """All PDUs that are found when two sides say these octets in turn."""
    connection = connection or Connection()
    return [one for ts, (side, octets) in enumerate(turns) for one in connection.feed(side, octets, ts=ts)]


def test_an_answer_proves_1e() -> None:
    connection = Connection()
    assert connection.feed(CLIENT, READ_1E, ts=1) == []
    assert not connection.conversation.confirmed
    assert connection.feed(SERVER, WORDS_1E, ts=2) == [READ_1E, WORDS_1E]
    assert connection.found == [(1, CLIENT, READ_1E), (2, SERVER, WORDS_1E)]
    assert connection.conversation.confirmed
    assert connection.feed(CLIENT, RUN_1E) == [RUN_1E]
    assert connection.feed(SERVER, DONE_1E) == [DONE_1E]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (READ_1E, WORDS_1E),
        (RUN_1E, DONE_1E),
        (READ_1E, ABNORMAL_1E),
        (b"01FF000A4420000000640200", b"810012345678"),
        (b"00FF000A4D20000000640500", b"8000101100"),
        (b"13FF000A", b"9300"),
        (b"16FF000A054142434445", b"9600054142434445"),
    ],
    ids=["words", "run", "abnormal", "words in ASCII", "bits in ASCII", "run in ASCII", "self test in ASCII"],
)
def test_1e_split_at_every_octet(asked: bytes, answer: bytes) -> None:
    for cut in range(1, len(asked)):
        found = dialogue((CLIENT, asked[:cut]), (CLIENT, asked[cut:]), (SERVER, answer))
        assert found == [asked, answer], cut
    for cut in range(1, len(answer)):
        found = dialogue((CLIENT, asked), (SERVER, answer[:cut]), (SERVER, answer[cut:]))
        assert found == [asked, answer], cut
    # Known by now, and in lower case.
    connection = Connection()
    dialogue((CLIENT, asked), (SERVER, answer), connection=connection)
    for octet in asked.lower() if asked[:1].isdigit() else asked:
        connection.feed(CLIENT, bytes([octet]))
    for octet in answer.lower() if answer[:1].isdigit() else answer:
        connection.feed(SERVER, bytes([octet]))
    assert [octets.lower() for _, _, octets in connection.found] == [one.lower() for one in (asked, answer) * 2]
    assert connection.conversation.malformed == 0


def test_1e_coalesced() -> None:
    found = dialogue((CLIENT, READ_1E + RUN_1E + READ_1E), (SERVER, WORDS_1E + DONE_1E + WORDS_1E))
    assert found == [READ_1E, RUN_1E, READ_1E, WORDS_1E, DONE_1E, WORDS_1E]


@pytest.mark.parametrize("zero", [b"", b"\0"])
def test_a_zero_behind_an_abnormal_code_may_be_missing(zero: bytes) -> None:
    turns = [(CLIENT, READ_1E), (SERVER, ABNORMAL_1E + zero), (CLIENT, READ_1E), (SERVER, WORDS_1E)]
    assert dialogue(*turns) == [READ_1E, ABNORMAL_1E, READ_1E, WORDS_1E]
    connection = Connection()
    dialogue(
        *turns, (CLIENT, READ_1E + READ_1E), (SERVER, ABNORMAL_1E), (SERVER, zero + WORDS_1E), connection=connection
    )
    assert [octets for _, _, octets in connection.found[-2:]] == [ABNORMAL_1E, WORDS_1E]
    assert connection.conversation.malformed == 0


def test_monitored_points_come_from_the_registration() -> None:
    register = bytes.fromhex("07 FF 0A00 03 00 00000000 2044 01000000 2044 02000000 2044")
    turns = [(CLIENT, register), (SERVER, b"\x87\0")]
    for values in (b"\1\0\2\0\3\0", b"\4\0\5\0\6\0"):
        turns += [(CLIENT, bytes.fromhex("09 FF 0A00")), (SERVER, b"\x89\0" + values)]
    connection = Connection()
    assert dialogue(*turns, connection=connection) == [octets for _, octets in turns]
    again = bytes.fromhex("07 FF 0A00 01 00 00000000 2044")
    turns = [(CLIENT, again), (SERVER, b"\x87\0"), (CLIENT, bytes.fromhex("09 FF 0A00")), (SERVER, b"\x89\0\x07\0")]
    assert dialogue(*turns, connection=connection) == [octets for _, octets in turns]


def test_1e_behind_3e() -> None:
    # A module of the Q series understands both on one connection: polling in 3E must not hide a 1E command.
    for turns in (
        [(CLIENT, READ), (SERVER, WORDS), (CLIENT, RUN_1E), (SERVER, DONE_1E), (CLIENT, STOP), (SERVER, DONE)],
        [(CLIENT, READ + RUN_1E + STOP), (SERVER, WORDS + DONE_1E + DONE)],
    ):
        connection = Connection()
        dialogue(*turns, connection=connection)
        asked = [octets for _, side, octets in connection.found if side == CLIENT]
        answers = [octets for _, side, octets in connection.found if side == SERVER]
        assert sorted(asked) == sorted([READ, RUN_1E, STOP])
        assert answers == [WORDS, DONE_1E, DONE]
        assert connection.conversation.malformed == 0


def test_1e_behind_3e_is_read_strictly() -> None:
    for wrong in ("13 05 0A00", "0A FF 0A00", "01 FF 0A00 64000000 2099 02 00"):
        connection = Connection()
        connection.feed(CLIENT, READ)
        assert connection.feed(CLIENT, bytes.fromhex(wrong) + STOP) == [STOP]
        assert connection.conversation.malformed == 1


def test_1e_in_garbage_behind_3e() -> None:
    connection = Connection()
    connection.feed(CLIENT, READ)
    assert connection.feed(CLIENT, GARBAGE + RUN_1E) == []
    assert connection.feed(SERVER, DONE_1E) == []
    assert connection.conversation.malformed == 2


def test_3e_behind_1e() -> None:
    connection = Connection()
    turns = [
        (CLIENT, READ_1E),
        (SERVER, WORDS_1E),
        (CLIENT, READ),
        (SERVER, WORDS),
        (CLIENT, RUN_1E),
        (SERVER, DONE_1E),
    ]
    assert dialogue(*turns, connection=connection) == [octets for _, octets in turns]
    assert dialogue((CLIENT, READ_1E + READ + RUN_1E), (SERVER, WORDS_1E + WORDS + DONE_1E), connection=connection) == [
        READ_1E,
        READ,
        RUN_1E,
        WORDS_1E,
        WORDS,
        DONE_1E,
    ]
    assert connection.conversation.malformed == 0


def test_3e_before_1e_was_answered() -> None:
    connection = Connection()
    assert connection.feed(CLIENT, READ_1E) == []
    assert connection.feed(CLIENT, READ) == [READ], "that was no 1E"
    assert connection.feed(SERVER, WORDS) == [WORDS]


def test_1e_that_nobody_answers_proves_nothing() -> None:
    connection = Connection()
    for number in range(3):
        assert connection.feed(CLIENT, READ_1E, ts=number) == []
    assert connection.feed(SERVER, HTTP) == []
    assert not connection.conversation.confirmed
    assert connection.feed(SERVER, WORDS_1E) == [], "those were no requests"


def test_a_late_answer_proves_nothing() -> None:
    connection = Connection()
    assert connection.feed(CLIENT, READ_1E, ts=0) == []
    assert connection.feed(SERVER, WORDS_1E, ts=10_000_000_000) == []
    assert not connection.conversation.confirmed


def test_another_answer_proves_nothing() -> None:
    for wrong in (bytes.fromhex("80 00 10"), bytes.fromhex("81 42"), b"810012345678", bytes.fromhex("01 00 3412 7856")):
        connection = Connection()
        assert dialogue((CLIENT, READ_1E), (SERVER, wrong), connection=connection) == []
        assert not connection.conversation.confirmed


def test_1e_in_the_middle_of_a_segment_proves_nothing() -> None:
    assert dialogue((CLIENT, b"\xee" + READ_1E), (SERVER, WORDS_1E)) == []


def test_1e_that_was_joined_late() -> None:
    # The capture begins with an answer, or inside one.
    turns = [(CLIENT, READ_1E), (SERVER, WORDS_1E)]
    for before in (WORDS_1E, WORDS_1E[3:], DONE_1E, b"\x78"):
        connection = Connection()
        assert dialogue((SERVER, before), *turns, *turns, connection=connection) == [octets for _, octets in turns * 2]
        assert connection.conversation.malformed == 0


def test_garbage_and_holes_in_1e() -> None:
    connection = Connection()
    turns = [(CLIENT, READ_1E), (SERVER, WORDS_1E)]
    dialogue(*turns, connection=connection)
    assert connection.feed(CLIENT, GARBAGE + READ_1E) == [READ_1E]
    assert connection.conversation.malformed == 1
    assert connection.feed(SERVER, GARBAGE[:4] + WORDS_1E) == [WORDS_1E]
    assert connection.feed(CLIENT, READ_1E[:5]) == []
    assert connection.feed(CLIENT, READ_1E, gap=7) == [READ_1E]
    assert connection.feed(SERVER, WORDS_1E) == [WORDS_1E]
    assert connection.conversation.malformed == 2


def test_answers_in_ascii_are_no_requests_in_binary() -> None:
    # "93" is the code of a command in binary, whose data nobody knows.
    connection = Connection()
    turns = [(CLIENT, b"13FF000A"), (SERVER, b"9300")]
    assert dialogue(*turns, *turns, connection=connection) == [octets for _, octets in turns * 2]
    assert connection.conversation.encoding == "ascii"
    assert connection.feed(SERVER, b"9300") == [], "nobody asked"
    assert connection.feed(SERVER, b"930") == []
    assert all(octets in (b"13FF000A", b"9300") for _, _, octets in connection.found)


def test_buffer_messages_behind_1e() -> None:
    connection = Connection()
    message = bytes.fromhex("60 00 0200 3412 7856")
    assert dialogue((CLIENT, message), (SERVER, b"\xe0\0"), connection=connection) == []
    turns = [(CLIENT, READ_1E), (SERVER, WORDS_1E), (CLIENT, message), (SERVER, b"\xe0\0")]
    assert dialogue(*turns) == [octets for _, octets in turns]


@settings(max_examples=100, deadline=None)
@given(
    names=st.lists(st.sampled_from(["words", "run", "abnormal", "3e"]), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 100), max_size=8),
)
def test_any_segmentation_of_1e_gives_the_same_pdus(names: list[str], cuts: list[int]) -> None:
    known = {
        "words": (READ_1E, WORDS_1E),
        "run": (RUN_1E, DONE_1E),
        "abnormal": (READ_1E, ABNORMAL_1E),
        "3e": (READ, WORDS),
    }
    connection = Connection()
    dialogue((CLIENT, READ_1E), (SERVER, WORDS_1E), connection=connection)
    connection.found.clear()
    pairs = [known[name] for name in names]
    for side in (CLIENT, SERVER):
        stream = b"".join(pair[side] for pair in pairs)
        edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        for start, end in pairwise(edges):
            connection.feed(side, stream[start:end])
    found = [octets for _, _, octets in connection.found]
    assert found == [pair[side] for side in (CLIENT, SERVER) for pair in pairs]
    assert connection.conversation.malformed == 0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from([READ_1E, WORDS_1E, RUN_1E, DONE_1E, ABNORMAL_1E, b"01FF000A4420"]),
            ),
            st.sampled_from([0, 0, 0, 5]),
        ),
        max_size=12,
    )
)
def test_any_octets_around_1e_are_survived(pieces: list[tuple[int, bytes, int]]) -> None:
    connection = Connection()
    dialogue((CLIENT, READ_1E), (SERVER, WORDS_1E), connection=connection)
    for side, data, gap in pieces:
        connection.feed(side, data, gap)
    # Behind a request of unknown length nothing is looked for until the other side speaks.
    turns = [(CLIENT, READ), (SERVER, WORDS)] * 700
    assert {READ, WORDS} <= {octets for side, pdu in turns for octets in connection.feed(side, pdu)}


def test_datagrams_of_every_frame() -> None:
    for name, pdus in EACH.items():
        udp = "udp" in CODEC.half(name.rpartition("-")[0], name.rpartition("-")[2]).frame.transports
        for octets in pdus:
            found = read_datagram(CODEC, octets)
            assert (found is not None) == udp
            assert read_datagram(CODEC, octets + b"\0") is None
            assert read_datagram(CODEC, octets[:-1]) is None


def test_datagrams_of_1e() -> None:
    request = read_datagram(CODEC, READ_1E, asked=[])
    assert request is not None
    assert read_datagram(CODEC, READ_1E) is None
    assert read_datagram(CODEC, WORDS_1E, asked=[]) is None
    response = read_datagram(CODEC, WORDS_1E, asked=[request])
    assert response is not None
    assert response.refers is request
    for abnormal in (ABNORMAL_1E, ABNORMAL_1E + b"\0"):
        assert read_datagram(CODEC, abnormal, asked=[request]) is not None
    for wrong in (WORDS_1E[:-1], WORDS_1E + b"\0", READ_1E + b"\0", ABNORMAL_1E + b"\1"):
        assert read_datagram(CODEC, wrong, asked=[request]) is None

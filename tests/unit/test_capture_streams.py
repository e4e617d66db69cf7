"""TCP packets to in-order octets: order, copies, overlaps, holes, beginnings and ends."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melsec_nsm.capture import ACK, FIN, RST, SYN, Chunk, Packet, Reassembler, read

A, B = ("192.168.3.18", 1025), ("192.168.3.250", 5562)
ISN, PEER_ISN = 1000, 500_000
NEAR_WRAP = 2**32 - 20


def packet(
    seq: int, data: bytes = b"", flags: int = ACK, ack: int = 0, *, back: bool = False, ts: int = 0, clipped: int = 0
) -> Packet:
    """A packet from A to B, or ``back``. ``ack`` 0 acknowledges nothing that matters."""
    src, dst = (B, A) if back else (A, B)
    if not ack:
        flags &= ~ACK
    seq %= 2**32
    return Packet(ts, "tcp", src[0], src[1], dst[0], dst[1], data, seq, ack % 2**32, flags, clipped)


def syn(isn: int = ISN, data: bytes = b"") -> Packet:
    return packet(isn, data, SYN)


def syn_ack(isn: int = PEER_ISN, ack: int = ISN + 1) -> Packet:
    return packet(isn, b"", SYN | ACK, ack, back=True)


def run(packets: Iterable[Packet], reassembler: Reassembler | None = None, finish: bool = True) -> list[Chunk]:
    reassembler = reassembler or Reassembler()
    chunks = [chunk for each in packets for chunk in reassembler.feed(each)]
    return chunks + list(reassembler.finish()) if finish else chunks


def side(chunks: Iterable[Chunk], end: tuple[str, int] = A) -> list[Chunk]:
    return [chunk for chunk in chunks if (chunk.flow.src, chunk.flow.sport) == end]


def shape(chunks: Iterable[Chunk], end: tuple[str, int] = A) -> list[tuple[int, bytes]]:
    """Gap and data of the chunks from ``end`` that hold any."""
    return [(chunk.gap, chunk.data) for chunk in side(chunks, end) if chunk.gap or chunk.data]


def octets(chunks: Iterable[Chunk], end: tuple[str, int] = A) -> bytes:
    """The octets from ``end``, with ``?`` for those missing."""
    return b"".join(b"?" * gap + data for gap, data in shape(chunks, end))


# Properties


@st.composite
def ranges(draw: st.DrawFn, size: int) -> list[tuple[int, int]]:
    """Ranges that cover 0 to ``size``, some of them more than once, in any order."""
    cuts = sorted({0, size, *draw(st.lists(st.integers(0, size), max_size=12))})
    found = list(pairwise(cuts))
    for start, length in draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(1, size)), max_size=8)):
        found.append((start, min(start + length, size)))
    return draw(st.permutations(found))


@settings(max_examples=300, deadline=None)
@given(data=st.data(), isn=st.sampled_from([ISN, 2**32 - 1, NEAR_WRAP, 0]), text=st.binary(min_size=1, max_size=80))
def test_any_segmentation_order_and_overlap_gives_the_octets(data: st.DataObject, isn: int, text: bytes) -> None:
    segments = [packet(isn + 1 + start, text[start:end]) for start, end in data.draw(ranges(len(text)))]
    segments.insert(data.draw(st.integers(0, len(segments))), packet(isn + 1 + len(text), flags=FIN))
    chunks = run([syn(isn), *segments], finish=False)
    assert octets(chunks) == text
    assert [chunk.gap for chunk in chunks] == [0] * len(chunks)
    assert [chunk.start for chunk in chunks] == [True] + [False] * (len(chunks) - 1)
    assert [chunk.end for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), size=st.integers(1, 60))
def test_of_contradicting_octets_those_seen_first_win(data: st.DataObject, size: int) -> None:
    expected: dict[int, int] = {}
    segments = []
    for number, (start, end) in enumerate(data.draw(ranges(size))):
        segments.append(packet(ISN + 1 + start, bytes([number]) * (end - start)))
        for position in range(start, end):
            expected.setdefault(position, number)
    assert octets(run([syn(), *segments])) == bytes(expected[position] for position in range(size))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), size=st.integers(2, 200), acknowledged=st.booleans())
def test_what_is_lost_is_counted_and_the_rest_stands_in_its_place(
    data: st.DataObject, size: int, acknowledged: bool
) -> None:
    text = bytes(range(1, size + 1))
    cuts = sorted({0, size, *data.draw(st.lists(st.integers(0, size), max_size=12))})
    parts = list(pairwise(cuts))
    kept = [part for part in parts if data.draw(st.booleans())]
    packets = [syn()]
    for start, end in kept:
        packets.append(packet(ISN + 1 + start, text[start:end]))
        if acknowledged:
            packets.append(packet(PEER_ISN, ack=ISN + 1 + end, back=True))
    present = {position for start, end in kept for position in range(start, end)}
    last = max(present, default=-1) + 1
    chunks = run(packets, finish=not acknowledged)
    assert octets(chunks) == bytes(text[position] if position in present else ord("?") for position in range(last))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 60))
def test_arbitrary_packets_never_raise_and_ends_are_told(seed: int, count: int) -> None:
    rng = random.Random(seed)
    reassembler = Reassembler(segments=4, octets=40, total=60)
    packets = []
    for _ in range(count):
        number = rng.choice([0, 1, 5, 20, 2**31, 2**32 - 3, 2**24 + 9]) + rng.randrange(12)
        flags = rng.choice([0, ACK, ACK, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, SYN | FIN])
        each = packet(number, rng.randbytes(rng.choice([0, 0, 1, 7])), flags, 1, back=rng.random() < 0.5)
        each.ack, each.clipped = rng.choice([0, 3, 20, 2**32 - 1]), rng.choice([0, 0, 0, 2])
        packets.append(each)
    chunks = run(packets, reassembler)
    assert reassembler._held == 0
    for number, src in {(chunk.conn.number, chunk.flow.src) for chunk in chunks}:
        of_direction = [chunk for chunk in chunks if (chunk.conn.number, chunk.flow.src) == (number, src)]
        assert of_direction[-1].end
        assert all(chunk.gap >= 0 for chunk in of_direction)


# Beginnings


def test_handshake_and_start() -> None:
    chunks = run([syn(), syn_ack(), packet(ISN + 1, b"ask", ack=PEER_ISN + 1), packet(PEER_ISN + 1, b"say", back=True)])
    ask, say = (chunk for chunk in chunks if chunk.data)
    assert (ask.flow.src, ask.flow.sport, ask.flow.dst, ask.flow.dport) == (*A, *B)
    assert (say.flow.src, say.flow.sport, say.flow.dst, say.flow.dport) == (*B, *A)
    assert ask.conn is say.conn
    assert ask.flow.conn == say.flow.conn == ask.conn.number == 1
    assert ask.conn.opener == A
    assert [(chunk.start, chunk.syn_seen) for chunk in (ask, say)] == [(True, True)] * 2


def test_only_the_first_octets_are_the_start() -> None:
    first, second = run([syn(), packet(ISN + 1, b"ab"), packet(ISN + 3, b"cd")], finish=False)
    assert (first.start, first.syn_seen) == (True, True)
    assert (second.start, second.syn_seen) == (False, True)


def test_octets_behind_a_lost_beginning_are_no_start() -> None:
    chunks = run([syn(), packet(ISN + 4, b"later")])
    assert shape(chunks) == [(3, b"later")]
    assert not side(chunks)[0].start


def test_the_answer_to_a_syn_tells_who_opened_and_where_the_octets_begin() -> None:
    chunks = run([syn_ack(), packet(ISN + 3, b"c"), packet(ISN + 1, b"ab")])
    assert octets(chunks) == b"abc"
    assert chunks[0].conn.opener == A
    assert chunks[0].start


def test_without_syn_the_first_segment_is_the_beginning() -> None:
    chunks = run([packet(PEER_ISN, b"answer", back=True), packet(ISN, b"ask"), packet(ISN + 3, b"ed")])
    assert octets(chunks, B) == b"answer"
    assert octets(chunks) == b"asked"
    assert {(chunk.start, chunk.syn_seen, chunk.conn.opener) for chunk in chunks} == {(False, False, None)}


def test_what_precedes_the_first_segment_seen_is_dropped() -> None:
    assert octets(run([packet(ISN, b"world"), packet(ISN - 6, b"hello "), packet(ISN + 5, b"!")])) == b"world!"
    assert octets(run([packet(ISN, b"world"), packet(ISN - 2, b"??world!")])) == b"world!"


def test_an_empty_segment_does_not_set_the_beginning() -> None:
    assert octets(run([packet(ISN + 5, ack=7), packet(ISN, b"first")])) == b"first"


def test_a_late_syn_of_the_same_connection() -> None:
    chunks = run([packet(ISN + 1, b"data"), syn(), packet(ISN + 5, b"more")])
    assert octets(chunks) == b"datamore"
    assert {chunk.conn.number for chunk in chunks} == {1}
    assert chunks[0].conn.opener == A


def test_repeated_handshakes_are_one_connection() -> None:
    handshake = [syn(), syn(), syn_ack(), syn_ack(), packet(ISN + 1, ack=PEER_ISN + 1), syn_ack()]
    chunks = run([*handshake, packet(ISN + 1, b"data"), syn()])
    assert octets(chunks) == b"data"
    assert {chunk.conn.number for chunk in chunks} == {1}


def test_syn_with_data_and_its_repetition() -> None:
    chunks = run([syn(data=b"early"), syn(data=b"early"), syn_ack(ack=ISN + 6), packet(ISN + 6, b" bird")])
    assert shape(chunks) == [(0, b"early"), (0, b" bird")]
    assert chunks[0].start
    assert {chunk.conn.number for chunk in chunks} == {1}


def test_both_sides_may_open() -> None:
    other = packet(PEER_ISN, b"", SYN, back=True)
    chunks = run([syn(), other, packet(ISN + 1, b"a"), packet(PEER_ISN + 1, b"b", back=True)])
    assert [(chunk.data, chunk.start, chunk.conn.number) for chunk in chunks if chunk.data] == [
        (b"a", True, 1),
        (b"b", True, 1),
    ]


def test_a_syn_with_another_number_is_a_new_connection() -> None:
    old = [
        syn(),
        syn_ack(),
        packet(ISN + 1, b"old"),
        packet(ISN + 9, b"lost before"),
        packet(PEER_ISN + 1, b"x", back=True),
    ]
    new = [syn(9_000), syn_ack(8_000, 9_001), packet(9_001, b"new", ack=8_001), packet(8_001, b"y", back=True)]
    chunks = run([*old, *new])
    assert shape(chunk for chunk in chunks if chunk.conn.number == 1) == [(0, b"old"), (5, b"lost before")]
    assert shape(chunk for chunk in chunks if chunk.conn.number == 2) == [(0, b"new")]
    assert octets((chunk for chunk in chunks if chunk.conn.number == 2), B) == b"y"
    first_ends = [index for index, chunk in enumerate(chunks) if chunk.end and chunk.conn.number == 1]
    second = [index for index, chunk in enumerate(chunks) if chunk.conn.number == 2]
    assert len(first_ends) == 2
    assert max(first_ends) < min(second)
    assert [chunks[index].start for index in second[:2]] == [True, True]


def test_the_other_side_may_open_the_ports_again() -> None:
    chunks = run([packet(ISN, b"old"), packet(70_000, b"", SYN, back=True), packet(70_001, b"new", back=True)])
    assert [(chunk.data, chunk.conn.number) for chunk in chunks if chunk.data] == [(b"old", 1), (b"new", 2)]
    assert chunks[-1].conn.opener == B


def test_an_answer_that_belongs_to_an_unseen_syn_is_a_new_connection() -> None:
    chunks = run([syn(), packet(ISN + 1, b"old"), syn_ack(8_000, 777_001), packet(777_001, b"new")])
    assert [(chunk.data, chunk.conn.number, chunk.start) for chunk in chunks if chunk.data] == [
        (b"old", 1, True),
        (b"new", 2, True),
    ]


def test_the_peer_may_choose_another_number_before_it_sends() -> None:
    chunks = run([syn(), syn_ack(), syn_ack(8_000), packet(ISN + 1, b"a"), packet(8_001, b"b", back=True)])
    assert [(chunk.data, chunk.conn.number, chunk.start) for chunk in chunks if chunk.data] == [
        (b"a", 1, True),
        (b"b", 1, True),
    ]


def test_ports_used_again_without_a_handshake() -> None:
    far = ISN + 2**30
    chunks = run([packet(ISN, b"old"), packet(far, b"new"), packet(far + 3, b"er"), packet(ISN + 3, b"back")])
    assert [(chunk.data, chunk.conn.number) for chunk in chunks if chunk.data] == [
        (b"old", 1),
        (b"new", 2),
        (b"er", 2),
        (b"back", 3),
    ]


# Holes


def test_octets_wait_for_those_before_them() -> None:
    reassembler = Reassembler()
    assert run([syn(), packet(ISN + 4, b"def", ts=1)], reassembler, finish=False) == []
    chunks = run([packet(ISN + 1, b"abc", ts=2)], reassembler, finish=False)
    assert [(chunk.data, chunk.ts) for chunk in chunks] == [(b"abc", 2), (b"def", 1)]


def test_what_the_peer_acknowledged_is_not_waited_for() -> None:
    reassembler = Reassembler()
    packets = [syn(), syn_ack(), packet(ISN + 1, b"one"), packet(ISN + 11, b"three")]
    assert octets(run(packets, reassembler, finish=False)) == b"one"
    answer = packet(PEER_ISN + 1, b"answer", ack=ISN + 16, back=True)
    chunks = run([answer], reassembler, finish=False)
    # The request comes out before the answer that proved it was received.
    assert [(chunk.gap, chunk.data) for chunk in chunks] == [(7, b"three"), (0, b"answer")]


def test_a_hole_that_was_acknowledged_before_it_showed() -> None:
    packets = [syn(), syn_ack(), packet(PEER_ISN + 1, ack=ISN + 8, back=True), packet(ISN + 8, b"next")]
    assert shape(run(packets, finish=False)) == [(7, b"next")]


def test_an_acknowledgement_of_less_closes_no_hole() -> None:
    packets = [syn(), syn_ack(), packet(ISN + 8, b"next"), packet(PEER_ISN + 1, ack=ISN + 4, back=True)]
    assert run(packets, finish=False) == []
    assert octets(run([*packets, packet(ISN + 1, b"first, ")], finish=False)) == b"first, next"


def test_an_acknowledgement_seen_before_its_segment_loses_nothing() -> None:
    packets = [syn(), syn_ack(), packet(PEER_ISN + 1, ack=ISN + 5, back=True), packet(ISN + 1, b"data")]
    assert shape(run(packets, finish=False)) == [(0, b"data")]


def test_too_many_segments_behind_a_hole_close_it() -> None:
    reassembler = Reassembler(segments=10)
    waiting = [packet(ISN + 3 + 2 * index, b"x") for index in range(11)]
    assert run([syn(), *waiting[:10]], reassembler, finish=False) == []
    chunks = run(waiting[10:], reassembler, finish=False)
    assert shape(chunks) == [(2, b"x")]
    assert shape(run([], reassembler)) == [(1, b"x")] * 10


def test_too_many_octets_behind_a_hole_close_it() -> None:
    reassembler = Reassembler(octets=1000)
    assert run([syn(), packet(ISN + 5, bytes(600))], reassembler, finish=False) == []
    assert shape(run([packet(ISN + 605, bytes(600))], reassembler, finish=False)) == [(4, bytes(600)), (0, bytes(600))]


def test_too_many_octets_in_all_close_a_hole() -> None:
    reassembler = Reassembler(total=5000)
    out = []
    for port in range(20):
        each = packet(ISN + 5, bytes(600))
        opening = syn()
        each.sport = opening.sport = 2000 + port
        out += run([opening, each], reassembler, finish=False)
    assert [(chunk.gap, len(chunk.data)) for chunk in out] == [(4, 600)] * 12
    assert reassembler._held == 8 * 600


def test_the_default_bounds() -> None:
    small = [packet(ISN + 3 + 2 * index, b"x") for index in range(256)]
    assert run([syn(), *small], finish=False) == []
    assert shape(run([syn(), *small, packet(ISN + 900, b"y")], finish=False)) == [(2, b"x")]
    large = [packet(ISN + 3 + 0x8000 * index, bytes(0x8000)) for index in range(33)]
    assert run([syn(), *large[:32]], finish=False) == []
    assert len(octets(run([syn(), *large], finish=False))) == 2 + 33 * 0x8000


def test_clipped_octets_are_a_gap() -> None:
    packets = [syn(), packet(ISN + 1, b"head", clipped=6), packet(ISN + 11, b"next"), packet(ISN + 15, b"last")]
    assert shape(run(packets)) == [(0, b"head"), (6, b"next"), (0, b"last")]
    assert shape(run([packets[0], packets[2], packets[1], packets[3]])) == [(0, b"head"), (6, b"next"), (0, b"last")]
    assert shape(run([syn(), packet(ISN + 1, b"", clipped=6), packet(ISN + 7, b"x")])) == [(6, b"x")]
    assert shape(run([syn(), packet(ISN + 1, b"head", FIN, clipped=6)])) == [(0, b"head"), (6, b"")]


def test_a_clipped_segment_that_is_partly_old() -> None:
    packets = [syn(), packet(ISN + 1, b"abcdef"), packet(ISN + 3, b"cd", clipped=6), packet(ISN + 11, b"x")]
    assert shape(run(packets)) == [(0, b"abcdef"), (4, b"x")]


def test_clipped_and_lost_octets_add_up() -> None:
    packets = [syn(), packet(ISN + 1, b"head", clipped=6), packet(ISN + 14, b"next")]
    assert shape(run(packets)) == [(0, b"head"), (9, b"next")]


# Copies and probes


def test_segments_recorded_twice_count_once() -> None:
    exchange = [
        packet(PEER_ISN, b"answer", ack=ISN, back=True),
        packet(ISN, b"ask", ack=PEER_ISN + 6),
        packet(PEER_ISN + 6, b"again", ack=ISN + 3, back=True),
    ]
    chunks = run(each for each in exchange for _ in range(2))
    assert octets(chunks) == b"ask"
    assert octets(chunks, B) == b"answeragain"


def test_a_doubled_close_ends_once() -> None:
    closing = [packet(ISN + 5, b"", FIN), packet(PEER_ISN + 1, b"", FIN, back=True)]
    chunks = run([syn(), syn_ack(), packet(ISN + 1, b"data"), *closing, *closing, packet(ISN + 1, b"data")])
    assert octets(chunks) == b"data"
    assert sum(chunk.end for chunk in chunks) == 2


@pytest.mark.parametrize("probe", [b"", b"\0"])
def test_keep_alive_probes_are_ignored(probe: bytes) -> None:
    packets = [syn(), packet(ISN + 1, b"data"), packet(ISN + 4, probe), packet(ISN + 5, b"more")]
    assert octets(run(packets)) == b"datamore"


def test_a_keep_alive_probe_as_the_first_packet_of_a_direction() -> None:
    packets = [packet(PEER_ISN, b"answer", ack=ISN, back=True), packet(ISN - 1, b"\0"), packet(ISN, b"ask")]
    assert octets(run(packets)) == b"ask"


def test_zero_window_probes() -> None:
    packets = [syn(), packet(ISN + 1, b"data"), packet(ISN + 5, b"m"), packet(ISN + 5, b"m"), packet(ISN + 5, b"more")]
    assert octets(run(packets)) == b"datamore"


def test_sequence_numbers_wrap_around_more_than_once() -> None:
    reassembler = Reassembler()
    step = 2**23
    position = 2**32 - 5
    run([packet(position, b"xyz")], reassembler, finish=False)
    gaps = 0
    for index in range(1, 1100):
        at = position + index * step
        acknowledged = packet(PEER_ISN, ack=at, back=True)
        chunks = run([packet(at, b"xyz"), acknowledged], reassembler, finish=False)
        assert [chunk.data for chunk in chunks] == [b"xyz"]
        gaps += chunks[0].gap
    assert gaps == 1099 * (step - 3)


# Ends


def test_fin_with_data() -> None:
    chunks = side(run([syn(), packet(ISN + 1, b"data", FIN)], finish=False))
    assert [(chunk.data, chunk.end) for chunk in chunks] == [(b"data", False), (b"", True)]


def test_fin_waits_for_the_octets_before_it() -> None:
    reassembler = Reassembler()
    assert run([syn(), packet(ISN + 5, b"data", FIN)], reassembler, finish=False) == []
    chunks = run([packet(ISN + 1, b"more")], reassembler, finish=False)
    assert [(chunk.data, chunk.end) for chunk in chunks] == [(b"more", False), (b"data", False), (b"", True)]


@pytest.mark.parametrize("acknowledged", [9, 10])
def test_fin_behind_a_hole_that_was_acknowledged(acknowledged: int) -> None:
    answer = packet(PEER_ISN + 1, ack=ISN + acknowledged, back=True)
    packets = [syn(), syn_ack(), packet(ISN + 9, b"", FIN), answer]
    chunks = run(packets, finish=False)
    assert [(chunk.gap, chunk.data, chunk.end) for chunk in chunks] == [(8, b"", True)]


def test_fin_behind_a_hole_at_the_end_of_the_capture() -> None:
    chunks = side(run([syn(), packet(ISN + 9, b"", FIN)]))
    assert [(chunk.gap, chunk.data, chunk.end) for chunk in chunks] == [(8, b"", True)]


def test_reset_ends_both_directions_and_passes_on_what_waits() -> None:
    packets = [
        syn(),
        syn_ack(),
        packet(ISN + 4, b"late"),
        packet(PEER_ISN + 3, b"answer", back=True),
        packet(PEER_ISN + 1, b"", RST, back=True),
    ]
    chunks = run(packets, finish=False)
    assert shape(chunks) == [(3, b"late")]
    assert shape(chunks, B) == [(2, b"answer")]
    assert sum(chunk.end for chunk in chunks) == 2


def test_octets_under_way_while_the_connection_is_reset_belong_to_it() -> None:
    chunks = run(
        [syn(), syn_ack(), packet(ISN + 1, b"ask"), packet(ISN + 4, b"", RST), packet(PEER_ISN + 1, b"say", back=True)]
    )
    assert octets(chunks, B) == b"say"
    assert {chunk.conn.number for chunk in chunks} == {1}
    assert side(chunks, B)[-1].end


def test_a_reset_that_cannot_be_of_this_connection_is_ignored() -> None:
    chunks = run([syn(), packet(ISN + 1, b"data"), packet(ISN + 2**30, b"", RST)], finish=False)
    assert not any(chunk.end for chunk in chunks)


def test_a_fin_that_cannot_be_of_this_connection_is_ignored() -> None:
    packets = [syn(), packet(ISN + 1, b"data"), packet(ISN + 2**30, b"", FIN), packet(ISN + 5, b"more")]
    chunks = run(packets, finish=False)
    assert [(chunk.data, chunk.conn.number, chunk.end) for chunk in chunks] == [
        (b"data", 1, False),
        (b"more", 1, False),
    ]


def test_a_refused_connection() -> None:
    refusal = packet(0, b"", RST | ACK, ISN + 1, back=True)
    assert [(chunk.data, chunk.end) for chunk in run([syn(), refusal], finish=False)] == [(b"", True)] * 2
    assert run([refusal]) == []


def test_the_end_of_the_capture_passes_on_what_waits_and_ends_all() -> None:
    reassembler = Reassembler()
    run([syn(), packet(ISN + 1, b"one"), packet(ISN + 7, b"three")], reassembler, finish=False)
    chunks = list(reassembler.finish())
    assert [(chunk.gap, chunk.data, chunk.end) for chunk in side(chunks)] == [(3, b"three", False), (0, b"", True)]
    assert [chunk.end for chunk in side(chunks, B)] == [True]
    assert list(reassembler.finish()) == []


# Bounds and other traffic


def test_udp_gives_nothing() -> None:
    datagram = packet(0, b"data")
    datagram.proto = "udp"
    assert run([datagram]) == []


def test_the_state_changes_even_if_nobody_looks_at_the_chunks() -> None:
    reassembler = Reassembler()
    reassembler.feed(syn())
    reassembler.feed(packet(ISN + 1, b"unseen"))
    assert shape(run([packet(ISN + 7, b"seen")], reassembler, finish=False)) == [(0, b"seen")]


def opened(port: int, ts: int) -> Sequence[Packet]:
    packets = [syn(), packet(ISN + 1, b"data")]
    for each in packets:
        each.sport, each.ts = port, ts
    return packets


def test_connections_are_bounded_and_those_idle_for_longest_end() -> None:
    reassembler = Reassembler(connections=3000)
    ended = []
    for index in range(20_000):
        ended += [chunk.flow.sport for chunk in run(opened(index, index), reassembler, finish=False) if chunk.end]
        assert len(reassembler._directions) <= 2 * 2 * 3001
    assert ended
    own = [port for port in ended if port != B[1]]
    assert own == sorted(own)


def test_closed_connections_are_forgotten_after_a_while() -> None:
    reassembler = Reassembler()
    for index in range(20_000):
        ts = index * 1_000_000_000
        reset = packet(ISN + 5, b"", RST, ts=ts)
        reset.sport = index
        chunks = run([*opened(index, ts), reset], reassembler, finish=False)
        assert sum(chunk.end for chunk in chunks) == 2
        assert len(reassembler._directions) <= 5000


def test_a_connection_from_an_address_to_itself() -> None:
    own = [packet(ISN + index * 2, b"ab") for index in range(3)]
    for each in own:
        each.dst, each.dport = each.src, each.sport
    assert octets(run(own)) == b"ababab"


# Real captures


@pytest.mark.parametrize(
    ("name", "messages", "connections", "opened_connections"),
    [
        # Every segment twice, picked up in the middle with an answer.
        ("melsoft_129_clean.pcap", (491, 492), 1, 0),
        ("cve_2021_20594_username_bruteforce.pcapng", (9, 9), 1, 1),
        # 696 of the long frame and 51 of the short one each way.
        ("legitimate_user_addition_plc_stop_test.pcapng", (747, 747), 45, 45),
    ],
)
def test_real_streams(
    shared: Path, name: str, messages: tuple[int, int], connections: int, opened_connections: int
) -> None:
    path = shared / "captures" / "real" / name
    if not path.exists():
        pytest.skip("no such capture")
    chunks = run(read(path))
    assert sum(chunk.gap for chunk in chunks) == 0
    assert len({chunk.conn.number for chunk in chunks}) == connections
    assert len({chunk.conn.number for chunk in chunks if chunk.conn.opener}) == opened_connections
    # In these captures a segment is one message, and only there.
    requests = sum(bool(chunk.data) and chunk.flow.dport in (5007, 5562) for chunk in chunks)
    responses = sum(bool(chunk.data) and chunk.flow.sport in (5007, 5562) for chunk in chunks)
    assert (requests, responses) == messages

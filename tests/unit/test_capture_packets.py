"""Records to packets: link types, VLAN tags, IP headers, what is cut off, and fragments."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, IPOption_RR, fragment
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    fragment6,
)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import HDLC, PPP
from scapy.utils import wrpcap

from melsec_nsm.capture import ACK, SYN, Defragmenter, Packet, Record, decode, read

CLIENT, SERVER = "192.168.3.18", "192.168.3.250"
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
PAYLOAD = b"some octets of an application"


def udp() -> Any:
    return IP(src=CLIENT, dst=SERVER) / UDP(sport=1025, dport=5560) / PAYLOAD


def tcp() -> Any:
    return IP(src=CLIENT, dst=SERVER) / TCP(sport=1025, dport=5562, seq=7, ack=9, flags="PA") / PAYLOAD


def udp6() -> Any:
    return IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=1025, dport=5560) / PAYLOAD


def record(data: Any, linktype: int = 1, wire: int | None = None, ts: int = 5) -> Record:
    octets = bytes(data)
    return Record(ts, linktype, octets, len(octets) if wire is None else wire)


def decoded(data: Any, linktype: int = 1, wire: int | None = None) -> Packet:
    packet = decode(record(data, linktype, wire))
    assert packet is not None
    return packet


def test_every_field_of_a_tcp_segment() -> None:
    assert decoded(Ether(**MACS) / tcp()) == Packet(
        ts=5,
        proto="tcp",
        src=CLIENT,
        sport=1025,
        dst=SERVER,
        dport=5562,
        payload=PAYLOAD,
        seq=7,
        ack=9,
        flags=ACK | 0x08,
        clipped=0,
        src_mac=MACS["src"],
        dst_mac=MACS["dst"],
        vlan=(),
    )


def test_every_field_of_a_udp_datagram() -> None:
    packet = decoded(Ether(**MACS) / udp())
    assert (packet.proto, packet.src, packet.sport, packet.dst, packet.dport) == ("udp", CLIENT, 1025, SERVER, 5560)
    assert (packet.payload, packet.seq, packet.ack, packet.flags) == (PAYLOAD, 0, 0, 0)


def test_tcp_options_are_no_payload() -> None:
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 7)]
    packet = decoded(Ether() / IP() / TCP(flags="S", options=options) / PAYLOAD)
    assert packet.payload == PAYLOAD
    assert packet.flags == SYN


@pytest.mark.parametrize("linktype", [101, 12, 14, 228])
def test_raw_ipv4(linktype: int) -> None:
    packet = decoded(udp(), linktype)
    assert (packet.src, packet.payload, packet.src_mac, packet.dst_mac) == (CLIENT, PAYLOAD, "", "")


@pytest.mark.parametrize("linktype", [101, 12, 14, 229])
def test_raw_ipv6(linktype: int) -> None:
    assert decoded(udp6(), linktype).payload == PAYLOAD


def test_ppp_with_and_without_address_field_and_compressed_protocol() -> None:
    for link in (HDLC() / PPP(), PPP(), b"\xff\x03\x00\x21", b"\x00\x21", b"\xff\x03\x21", b"\x21"):
        assert decoded(bytes(link / udp() if not isinstance(link, bytes) else link + bytes(udp())), 9).src == CLIENT
    assert decoded(b"\xff\x03\x00\x57" + bytes(udp6()), 9).src == "fd00::1"
    assert decode(record(b"\xff\x03\xc0\x21" + bytes(udp()), 9)) is None


def cooked_v1(ethertype: int, data: bytes) -> bytes:
    return struct.pack(">HHH", 0, 1, 6) + bytes.fromhex("0200000000010000") + struct.pack(">H", ethertype) + data


def cooked_v2(ethertype: int, data: bytes) -> bytes:
    return struct.pack(">HHIHBB", ethertype, 0, 3, 1, 0, 6) + bytes.fromhex("0200000000010000") + data


@pytest.mark.parametrize(("cooked", "linktype"), [(cooked_v1, 113), (cooked_v2, 276)])
def test_linux_cooked(cooked: Any, linktype: int) -> None:
    packet = decoded(cooked(0x0800, bytes(udp())), linktype)
    assert (packet.payload, packet.src_mac, packet.dst_mac, packet.vlan) == (PAYLOAD, MACS["src"], "", ())
    assert decoded(cooked(0x86DD, bytes(udp6())), linktype).src == "fd00::1"
    tagged = decoded(cooked(0x8100, b"\x60\x0a\x08\x00" + bytes(udp())), linktype)
    assert (tagged.payload, tagged.vlan) == (PAYLOAD, (10,))


@pytest.mark.parametrize("family", [b"\x02\0\0\0", b"\0\0\0\x02"])
@pytest.mark.parametrize("linktype", [0, 108])
def test_loopback(family: bytes, linktype: int) -> None:
    assert decoded(family + bytes(udp()), linktype).payload == PAYLOAD


@pytest.mark.parametrize("family", [10, 24, 28, 30])
def test_loopback_ipv6(family: int) -> None:
    assert decoded(struct.pack("<I", family) + bytes(udp6()), 0).payload == PAYLOAD


def test_vlan_tags() -> None:
    assert decoded(Ether(**MACS) / Dot1Q(vlan=10, prio=5) / udp()).vlan == (10,)
    assert decoded(Ether(**MACS) / Dot1AD(vlan=100) / Dot1Q(vlan=10) / udp()).vlan == (100, 10)
    three = Ether(**MACS) / Dot1AD(vlan=1) / Dot1Q(vlan=4095) / Dot1Q(vlan=3) / tcp()
    packet = decoded(three)
    assert (packet.vlan, packet.payload, packet.src_mac) == ((1, 4095, 3), PAYLOAD, MACS["src"])


def test_padding_is_cut_by_the_ip_length() -> None:
    short = Ether(**MACS) / IP() / UDP() / b"four"
    assert decoded(bytes(short) + bytes(20)).payload == b"four"
    short6 = Ether(**MACS) / IPv6() / TCP() / b"x"
    assert decoded(bytes(short6) + bytes(20)).payload == b"x"


def test_padding_behind_a_udp_datagram_inside_ip_is_cut_too() -> None:
    data = IP(src=CLIENT, dst=SERVER) / UDP(len=8 + 4) / b"four and more"
    assert decoded(data, 101).payload == b"four"


def test_a_udp_length_beyond_the_ip_length_takes_what_is_there() -> None:
    packet = decoded(IP(src=CLIENT, dst=SERVER) / UDP(len=500) / PAYLOAD, 101)
    assert (packet.payload, packet.clipped) == (PAYLOAD, 0)


def test_length_zero_of_off_loaded_segments_takes_what_is_there() -> None:
    assert decoded(Ether() / IP(len=0) / TCP() / PAYLOAD).payload == PAYLOAD
    assert decoded(Ether() / IPv6(plen=0) / TCP() / PAYLOAD).payload == PAYLOAD
    snapped = bytes(Ether() / IP(len=0) / TCP() / PAYLOAD)
    packet = decoded(snapped[:-10], wire=len(snapped))
    assert (packet.payload, packet.clipped) == (PAYLOAD[:-10], 10)


def test_ipv4_options() -> None:
    options = [IPOption_RR(length=7, routers=["10.0.0.1"]), IPOption_NOP()]
    assert decoded(Ether() / IP(options=options) / UDP() / PAYLOAD).payload == PAYLOAD


def test_ipv6_extension_headers() -> None:
    chain = IPv6(src="fd00::1", dst="fd00::2") / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting() / IPv6ExtHdrDestOpt()
    packet = decoded(Ether() / chain / TCP(sport=1, dport=2) / PAYLOAD)
    assert (packet.src, packet.dst, packet.sport, packet.payload) == ("fd00::1", "fd00::2", 1, PAYLOAD)
    alone = Ether() / IPv6() / IPv6ExtHdrFragment(offset=0, m=0) / UDP() / PAYLOAD
    assert decoded(alone).payload == PAYLOAD


@pytest.mark.parametrize("data", [Ether() / tcp(), Ether() / udp(), Ether() / udp6()], ids=["tcp", "udp", "udp6"])
def test_snapped_packets_tell_what_is_missing(data: Any) -> None:
    octets = bytes(data)
    for kept in range(len(octets) - len(PAYLOAD), len(octets)):
        packet = decoded(octets[:kept], wire=len(octets))
        assert packet.payload + bytes(packet.clipped) == PAYLOAD[: len(packet.payload)] + bytes(len(octets) - kept)
        assert len(packet.payload) + packet.clipped == len(PAYLOAD)


@pytest.mark.parametrize(
    "data",
    [
        Ether() / Dot1Q(vlan=1) / tcp(),
        Ether() / udp(),
        Ether() / IPv6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(offset=0, m=0) / TCP() / PAYLOAD,
    ],
    ids=["tcp", "udp", "ipv6"],
)
def test_a_packet_cut_off_anywhere_is_decoded_or_skipped(data: Any) -> None:
    octets = bytes(data)
    headers = len(octets) - len(PAYLOAD)
    for length in range(len(octets)):
        packet = decode(record(octets[:length], wire=len(octets)))
        assert (packet is not None) == (length >= headers)


@pytest.mark.parametrize(
    "data",
    [
        Ether() / ARP(),
        Ether(type=0x890F) / PAYLOAD,
        Ether() / IP(proto=1) / PAYLOAD,
        Ether() / IP(version=5) / UDP() / PAYLOAD,
        Ether() / IP(ihl=4) / UDP() / PAYLOAD,
        Ether() / IP(len=19) / UDP() / PAYLOAD,
        Ether() / IP() / TCP(dataofs=4) / PAYLOAD,
        Ether() / IP(len=44) / TCP(dataofs=15) / PAYLOAD,
        Ether() / IP() / UDP(len=7) / PAYLOAD,
        Ether() / IPv6(nh=59) / PAYLOAD,
        b"",
    ],
)
def test_what_is_no_tcp_or_udp_is_none(data: Any) -> None:
    assert decode(record(data)) is None


def test_unknown_link_types_are_none() -> None:
    assert decode(record(Ether() / udp(), 105)) is None


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=120), linktype=st.sampled_from([0, 1, 9, 12, 14, 101, 108, 113, 228, 229, 276]))
def test_any_octets_are_a_packet_or_none(data: bytes, linktype: int) -> None:
    decode(record(data, linktype), Defragmenter())


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), min_size=1, max_size=4),
    data=st.sampled_from([bytes(Ether() / Dot1Q() / tcp()), bytes(Ether() / udp()), bytes(Ether() / udp6())]),
)
def test_damaged_packets_are_a_packet_or_none(changes: list[tuple[int, int]], data: bytes) -> None:
    damaged = bytearray(data)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    packet = decode(record(damaged), Defragmenter())
    assert packet is None or len(packet.payload) < len(damaged)


# Fragments


def big(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def pieces(size: int = 3000, each: int = 600, ident: int = 77, src: str = CLIENT, seed: int = 1) -> list[bytes]:
    """The fragments, in order, of a UDP datagram with ``size`` octets."""
    whole = IP(src=src, dst=SERVER, id=ident) / UDP(sport=1025, dport=5560, chksum=0) / big(size, seed)
    return [bytes(part) for part in fragment(whole, fragsize=each)]


def pieces6(size: int = 3000) -> list[bytes]:
    packet = (
        IPv6(src="fd00::1", dst="fd00::2")
        / IPv6ExtHdrHopByHop()
        / IPv6ExtHdrFragment(id=9)
        / IPv6ExtHdrDestOpt()
        / UDP(sport=1025, dport=5560)
        / big(size)
    )
    return [bytes(part) for part in fragment6(packet, 1280)]


def through(parts: list[bytes], defragmenter: Defragmenter | None = None, step: int = 1) -> list[Packet]:
    """Packets that come out; the parts are ``step`` ns apart."""
    defragmenter = defragmenter or Defragmenter()
    packets = []
    for index, part in enumerate(parts):
        packet = decode(record(part, 101, ts=index * step), defragmenter)
        if packet is not None:
            packets.append(packet)
    return packets


def test_fragments_are_joined_with_the_time_of_the_last_one() -> None:
    parts = pieces()
    assert len(parts) == 6
    (packet,) = through(parts)
    assert (packet.payload, packet.src, packet.sport, packet.ts) == (big(3000), CLIENT, 1025, 5)


def test_without_a_defragmenter_fragments_are_none() -> None:
    assert [decode(record(part, 101)) for part in pieces()] == [None] * 6


def test_ipv6_fragments_with_extension_headers_on_both_sides() -> None:
    parts = pieces6()
    assert len(parts) == 3
    (packet,) = through(parts[::-1])
    assert (packet.payload, packet.src, packet.dport) == (big(3000), "fd00::1", 5560)


def test_the_first_ipv6_fragment_tells_the_protocol() -> None:
    header = struct.pack(">HHHH", 1025, 5560, 8 + 16, 0)
    base = IPv6(src="fd00::1", dst="fd00::2")
    parts = [
        bytes(base / IPv6ExtHdrFragment(nh=6, offset=2, m=0, id=9) / (b"b" * 8)),
        bytes(base / IPv6ExtHdrFragment(nh=17, offset=0, m=1, id=9) / (header + b"a" * 8)),
    ]
    for order in (parts, parts[::-1]):
        (packet,) = through(order)
        assert (packet.proto, packet.payload) == ("udp", b"a" * 8 + b"b" * 8)


@settings(max_examples=60, deadline=None)
@given(random_order=st.randoms(use_true_random=False), copies=st.integers(0, 6), each=st.integers(64, 800))
def test_any_order_and_duplicates(random_order: random.Random, copies: int, each: int) -> None:
    parts = pieces(1000, each)
    parts += random_order.choices(parts, k=copies)
    random_order.shuffle(parts)
    packets = through(parts)
    assert [packet.payload for packet in packets] == [big(1000)]


def test_a_capture_with_every_fragment_twice_gives_each_datagram_once() -> None:
    defragmenter = Defragmenter()
    parts = [part for each in (pieces(ident=1), pieces(ident=2)) for part in each for _ in range(2)]
    assert [packet.payload for packet in through(parts, defragmenter)] == [big(3000)] * 2
    defragmenter.flush()
    assert defragmenter.dropped == 0


def test_a_number_used_again_is_a_new_datagram() -> None:
    first, second = pieces(seed=1), pieces(seed=2)
    assert [packet.payload for packet in through(first + second)] == [big(3000, 1), big(3000, 2)]
    # The same octets again, later than a copy on the wire can be.
    assert len(through(first + first, step=100_000_000)) == 2


def test_of_overlapping_octets_the_first_win() -> None:
    def part(offset: int, data: bytes, more: bool) -> bytes:
        return bytes(IP(src=CLIENT, dst=SERVER, id=5, proto=17, flags="MF" if more else 0, frag=offset // 8) / data)

    header = struct.pack(">HHHH", 1025, 5560, 8 + 32, 0)
    parts = [
        part(16, b"b" * 16, True),
        part(0, header + b"a" * 16, True),
        part(8, b"x" * 24, True),
        part(24, b"c" * 16, False),
    ]
    (packet,) = through(parts)
    assert packet.payload == b"a" * 8 + b"b" * 16 + b"c" * 8


def test_octets_over_a_multiple_of_eight_are_cut_from_a_fragment_that_others_follow() -> None:
    first = struct.pack(">HHHH", 1025, 5560, 8 + 16, 0) + b"a" * 13
    parts = [
        bytes(IP(src=CLIENT, dst=SERVER, id=5, proto=17, flags="MF") / first),
        bytes(IP(src=CLIENT, dst=SERVER, id=5, proto=17, frag=2) / (b"b" * 8)),
    ]
    (packet,) = through(parts)
    assert packet.payload == b"a" * 8 + b"b" * 8


def test_fragments_of_different_senders_are_kept_apart() -> None:
    mixed = [part for pair in zip(pieces(seed=1), pieces(src="192.168.3.19", seed=2), strict=True) for part in pair]
    assert {packet.src: packet.payload for packet in through(mixed)} == {
        CLIENT: big(3000, 1),
        "192.168.3.19": big(3000, 2),
    }


def test_a_datagram_with_a_missing_fragment_is_dropped_after_a_while() -> None:
    defragmenter = Defragmenter(timeout=100)
    parts = pieces(seed=1)
    through(parts[:2] + parts[3:], defragmenter)
    assert defragmenter.dropped == 0
    # Its missing fragment comes too late.
    assert decode(record(parts[2], 101, ts=1000), defragmenter) is None
    assert defragmenter.dropped == 1


def test_memory_is_bounded_in_number_and_octets() -> None:
    few = Defragmenter(datagrams=10)
    for ident in range(100):
        through(pieces(ident=ident)[:1], few)
    assert few.dropped == 90
    small = Defragmenter(octets=5999)
    for ident in range(100):
        through(pieces(ident=ident)[:1], small)
    assert small.dropped == 91  # 600 octets each: nine fit
    assert len(through(pieces(ident=99)[1:], small)) == 1


def test_a_snapped_fragment_leaves_its_datagram_incomplete() -> None:
    defragmenter = Defragmenter()
    parts = pieces()
    parts[1] = parts[1][:-5]
    assert through(parts, defragmenter) == []
    defragmenter.flush()
    assert defragmenter.dropped == 1


def test_reading_a_file_counts_what_is_skipped(tmp_path: Path) -> None:
    parts = [Ether() / IP(part) for part in pieces()]
    path = tmp_path / "x.pcap"
    wrpcap(str(path), [Ether() / ARP(), Ether() / tcp(), *parts, *parts[:2], Ether(type=0x890F) / PAYLOAD])
    source = read(path)
    assert [(packet.proto, len(packet.payload)) for packet in source] == [("tcp", len(PAYLOAD)), ("udp", 3000)]
    assert (source.records, source.skipped, source.incomplete, source.truncated) == (11, 2, 0, None)
    path.write_bytes(path.read_bytes()[:-1])
    source = read(path)
    assert next(source).proto == "tcp"
    assert [packet.proto for packet in source] == ["udp"]
    assert source.truncated == f"{path}: cut off in record 11; 10 records were read"


@pytest.mark.parametrize(
    ("name", "records", "tcp_packets", "udp_packets"),
    [
        ("cve_2021_20594_username_bruteforce.pcapng", 36, 36, 0),
        ("legitimate_user_addition_plc_stop_test.pcapng", 1905, 1905, 0),
        ("melsoft_UDP_clean_1.pcap", 1214, 0, 1214),
        ("melsoft_UDP_clean_2.pcap", 432, 0, 432),
        ("melsoft_UDP_unclean_1.pcap", 1778, 0, 1307),
        ("cclink_ie_noip_1.pcap", 500, 0, 0),
    ],
)
def test_real_captures(shared: Path, name: str, records: int, tcp_packets: int, udp_packets: int) -> None:
    path = shared / "captures" / "real" / name
    if not path.exists():
        pytest.skip("no such capture")
    source = read(path)
    protos = [packet.proto for packet in source]
    assert (source.records, protos.count("tcp"), protos.count("udp")) == (records, tcp_packets, udp_packets)
    assert source.skipped == records - tcp_packets - udp_packets
    assert source.truncated is None

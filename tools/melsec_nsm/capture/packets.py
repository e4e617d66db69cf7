"""One record to one TCP segment or UDP datagram: link layer, VLAN tags, IP, transport header.

Works on the octets with struct alone; checksums are not verified, because analysts' captures
hold off-loaded ones. What cannot be decoded is None, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop
from struct import Struct
from typing import NamedTuple

from .defrag import Defragmenter, Fragment
from .record import Record

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
"""TCP flags."""

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN_TYPES = frozenset((0x8100, 0x88A8, 0x9100, 0x9200))
_PPP_TYPES = {0x0021: _IPV4, 0x0057: _IPV6}
_TCP, _UDP = 6, 17
_FRAGMENT, _AUTHENTICATION = 44, 51
_EXTENSIONS = frozenset((0, 43, _FRAGMENT, _AUTHENTICATION, 60))

_IPV4_HEADER = Struct(">xxHHHxB")
_IPV6_HEADER = Struct(">xxxxHB")
_FRAGMENT_HEADER = Struct(">BxHI")
_TCP_HEADER = Struct(">HHIIBB")
_UDP_HEADER = Struct(">HHH")

_NAMES_KEPT = 0x10000


@dataclass(slots=True)
class Packet:
    """A TCP segment or UDP datagram. ``ts`` in ns since the epoch; addresses as text, '' if there is none.

    ``clipped`` octets of the payload were on the wire but not captured. ``seq``, ``ack`` and
    ``flags`` are 0 for UDP. ``vlan`` holds the VLAN numbers, outermost first.
    """

    ts: int
    proto: str
    src: str
    sport: int
    dst: str
    dport: int
    payload: bytes
    seq: int = 0
    ack: int = 0
    flags: int = 0
    clipped: int = 0
    src_mac: str = ""
    dst_mac: str = ""
    vlan: tuple[int, ...] = ()


class _Frame(NamedTuple):
    """What the link layer says: type and offset of the network layer, addresses, VLAN numbers."""

    ethertype: int
    offset: int
    src_mac: str = ""
    dst_mac: str = ""
    vlan: tuple[int, ...] = ()


class _Body(NamedTuple):
    """What the network layer says: octets ``start`` to ``end`` are the payload, ``missing`` more were on the wire."""

    protocol: int
    src: str
    dst: str
    start: int
    end: int
    missing: int
    fragment: tuple[Hashable, int, bool] | None = None
    """Key of the datagram, offset in octets, whether more follow."""


_names: dict[bytes, str] = {}


def _name(raw: bytes) -> str:
    """An IPv4, IPv6 or MAC address as text; the same object for the same address."""
    name = _names.get(raw)
    if name is None:
        if len(_names) >= _NAMES_KEPT:
            _names.clear()
        name = raw.hex(":") if len(raw) == 6 else inet_ntop(AF_INET if len(raw) == 4 else AF_INET6, raw)
        _names[raw] = name
    return name


def _tagged(data: bytes, ethertype: int, offset: int, src_mac: str, dst_mac: str) -> _Frame | None:
    """The frame with this type field, whose next octets stand at ``offset``; VLAN tags are passed over."""
    vlan: tuple[int, ...] = ()
    while ethertype in _VLAN_TYPES:
        if offset + 4 > len(data):
            return None
        vlan += ((data[offset] & 0x0F) << 8 | data[offset + 1],)
        ethertype = data[offset + 2] << 8 | data[offset + 3]
        offset += 4
    return _Frame(ethertype, offset, src_mac, dst_mac, vlan)


def _ethernet(data: bytes) -> _Frame | None:
    if len(data) < 14:
        return None
    return _tagged(data, data[12] << 8 | data[13], 14, _name(data[6:12]), _name(data[:6]))


def _cooked_v1(data: bytes) -> _Frame | None:
    if len(data) < 16:
        return None
    src_mac = _name(data[6:12]) if data[5] == 6 else ""
    return _tagged(data, data[14] << 8 | data[15], 16, src_mac, "")


def _cooked_v2(data: bytes) -> _Frame | None:
    if len(data) < 20:
        return None
    src_mac = _name(data[12:18]) if data[11] == 6 else ""
    return _tagged(data, data[0] << 8 | data[1], 20, src_mac, "")


def _ppp(data: bytes) -> _Frame | None:
    offset = 2 if data.startswith(b"\xff\x03") else 0
    if len(data) < offset + 2:
        return None
    protocol = data[offset]
    offset += 1
    if not protocol & 1:  # an odd first octet is a compressed protocol field
        protocol = protocol << 8 | data[offset]
        offset += 1
    ethertype = _PPP_TYPES.get(protocol)
    return None if ethertype is None else _Frame(ethertype, offset)


def _by_version(data: bytes, offset: int) -> _Frame | None:
    if len(data) <= offset:
        return None
    version = data[offset] >> 4
    return _Frame(_IPV4, offset) if version == 4 else _Frame(_IPV6, offset) if version == 6 else None


def _raw(data: bytes) -> _Frame | None:
    return _by_version(data, 0)


def _loopback(data: bytes) -> _Frame | None:
    # The family field differs between systems and byte orders; the IP version does not.
    return _by_version(data, 4)


_LINKS: dict[int, Callable[[bytes], _Frame | None]] = {
    0: _loopback,
    1: _ethernet,
    9: _ppp,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _loopback,
    113: _cooked_v1,
    228: _raw,
    229: _raw,
    276: _cooked_v2,
}
LINK_TYPES = frozenset(_LINKS)
"""Link types (pcap numbers) that ``decode`` knows."""


def _ipv4(data: bytes, offset: int, wire: int) -> _Body | None:
    if len(data) < offset + 20 or data[offset] >> 4 != 4:
        return None
    header = (data[offset] & 0x0F) * 4
    total, ident, flags, protocol = _IPV4_HEADER.unpack_from(data, offset)
    if total == 0:  # segmentation is off-loaded: the length was not yet known
        total = max(wire, len(data)) - offset
    start = offset + header
    end = min(offset + total, len(data))
    if header < 20 or total < header or start > end:
        return None
    src = _name(data[offset + 12 : offset + 16])
    dst = _name(data[offset + 16 : offset + 20])
    fragment: tuple[Hashable, int, bool] | None = None
    if flags & 0x3FFF:
        fragment = ((src, dst, protocol, ident), (flags & 0x1FFF) * 8, bool(flags & 0x2000))
    return _Body(protocol, src, dst, start, end, offset + total - end, fragment)


def _ipv6(data: bytes, offset: int, wire: int) -> _Body | None:
    if len(data) < offset + 40 or data[offset] >> 4 != 6:
        return None
    length, protocol = _IPV6_HEADER.unpack_from(data, offset)
    # A length of 0 is a jumbogram or off-loaded segmentation.
    total = 40 + length if length else max(wire, len(data)) - offset
    end = min(offset + total, len(data))
    src = _name(data[offset + 8 : offset + 24])
    dst = _name(data[offset + 24 : offset + 40])
    return _extensions(data, _Body(protocol, src, dst, offset + 40, end, offset + total - end))


_NETWORKS: dict[int, Callable[[bytes, int, int], _Body | None]] = {_IPV4: _ipv4, _IPV6: _ipv6}


def _extensions(data: bytes, body: _Body) -> _Body | None:
    """Pass over IPv6 extension headers, up to a fragment header that stands for a real fragment."""
    protocol, src, dst, start, end, missing, _ = body
    while protocol in _EXTENSIONS:
        if start + 8 > end:
            return None
        if protocol == _FRAGMENT:
            protocol, flags, ident = _FRAGMENT_HEADER.unpack_from(data, start)
            start += 8
            if flags & 0xFFF9:
                key: Hashable = (src, dst, ident)
                return _Body(protocol, src, dst, start, end, missing, (key, flags & 0xFFF8, bool(flags & 1)))
            continue
        length = (data[start + 1] + 2) * 4 if protocol == _AUTHENTICATION else (data[start + 1] + 1) * 8
        protocol = data[start]
        start += length
        if start > end:
            return None
    return _Body(protocol, src, dst, start, end, missing)


def _whole(data: bytes, body: _Body, ts: int, defragmenter: Defragmenter) -> tuple[bytes, _Body | None]:
    """The datagram that this fragment completes and where its payload stands in it; no body if it completes none."""
    assert body.fragment is not None
    key, position, more = body.fragment
    part = data[body.start : body.end]
    whole = defragmenter.add(Fragment(key, position, more, body.protocol, part, body.missing, ts))
    if whole is None:
        return data, None
    protocol, data = whole
    joined = _Body(protocol, body.src, body.dst, 0, len(data), 0)
    # Extension headers occur in IPv6 only, where they may follow the fragment header.
    return data, _extensions(data, joined) if ":" in body.src else joined


def _tcp(data: bytes, body: _Body, frame: _Frame, ts: int) -> Packet | None:
    _, src, dst, start, end, missing, _ = body
    if start + 20 > end:
        return None
    sport, dport, seq, ack, words, flags = _TCP_HEADER.unpack_from(data, start)
    header = (words >> 4) * 4
    length = end - start + missing - header
    if header < 20 or length < 0:
        return None
    payload = data[start + header : end]
    clipped = length - len(payload)
    _, _, src_mac, dst_mac, vlan = frame
    return Packet(ts, "tcp", src, sport, dst, dport, payload, seq, ack, flags, clipped, src_mac, dst_mac, vlan)


def _udp(data: bytes, body: _Body, frame: _Frame, ts: int) -> Packet | None:
    _, src, dst, start, end, missing, _ = body
    if start + 8 > end:
        return None
    sport, dport, length = _UDP_HEADER.unpack_from(data, start)
    available = end - start + missing
    if 0 < length < 8:
        return None
    if length == 0 or length > available:
        length = available
    payload = data[start + 8 : min(start + length, end)]
    clipped = length - 8 - len(payload)
    _, _, src_mac, dst_mac, vlan = frame
    return Packet(ts, "udp", src, sport, dst, dport, payload, 0, 0, 0, clipped, src_mac, dst_mac, vlan)


def decode(record: Record, defragmenter: Defragmenter | None = None) -> Packet | None:
    """The packet in a record; None if it holds no TCP or UDP, or is malformed.

    A fragment goes to the ``defragmenter`` and is None until the last one completes the datagram,
    which then comes with that record's time. Without a defragmenter a fragment is None.
    """
    data = record.data
    link = _LINKS.get(record.linktype)
    frame = None if link is None else link(data)
    if frame is None:
        return None
    network = _NETWORKS.get(frame.ethertype)
    body = None if network is None else network(data, frame.offset, record.wire)
    if body is not None and body.fragment is not None:
        if defragmenter is None:
            return None
        data, body = _whole(data, body, record.ts, defragmenter)
    if body is None:
        return None
    if body.protocol == _TCP:
        return _tcp(data, body, frame, record.ts)
    if body.protocol == _UDP:
        return _udp(data, body, frame, record.ts)
    return None

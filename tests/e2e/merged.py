"""Captures one behind the other as one: each with addresses of its own, an hour behind the one before."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import wire

from melsec_nsm.capture import Record, open_capture

SECOND = 1_000_000_000
APART = 3600 * SECOND
_BEAT, _BEATEN = 60 * SECOND, 1200 * SECOND
_GRAIN = 10_000
"""Times are multiples of this, in ns: what computes with them as floating-point numbers is off by a microsecond."""

_ETHERNET, _PPP = 1, 9
_IPV4, _VLAN = b"\x08\x00", b"\x81\x00"
_PPP_IPV4 = b"\xff\x03\x00\x21"
# Of an ethertype for experiments: nobody makes anything of it.
_FRAME = bytes.fromhex("ffffffffffff02005e00530188b5") + bytes(46)
_TEN, _MOST = 256, 256 + 12


def network(number: int) -> str:
    """The first two octets of the addresses of a capture: private, and no capture's own."""
    assert 0 < number < _MOST
    return f"10.{number}" if number < _TEN else f"172.{20 + number - _TEN}"


def moved(host: str, number: int) -> str:
    """The address of a host in the capture with this number; groups stay, and what is not in 192.0.0.0/8."""
    octets = host.split(".")
    return host if octets[0] != "192" else f"{network(number)}.{octets[2]}.{octets[3]}"


def begin(number: int) -> int:
    """When the capture with this number begins, in ns."""
    return wire.START + number * APART


def ip_offset(data: bytes | bytearray) -> int | None:
    """Where the IPv4 header of an Ethernet frame begins; None where there is none."""
    at = 12
    while data[at : at + 2] == _VLAN:
        at += 4
    return at + 2 if data[at : at + 2] == _IPV4 else None


def records(capture: Path, number: int) -> Iterator[Record]:
    """The packets of a capture, moved in address and time. Checksums stay: engines do not look at them."""
    offset = None
    for record in open_capture(capture).records():
        if offset is None:
            offset = begin(number) - record.ts
        data = bytearray(_framed(record))
        at = ip_offset(data)
        for place in () if at is None else (at + 12, at + 16):
            host = str(IPv4Address(bytes(data[place : place + 4])))
            data[place : place + 4] = IPv4Address(moved(host, number)).packed
        ts = (record.ts + offset) // _GRAIN * _GRAIN
        yield Record(ts, _ETHERNET, bytes(data), max(record.wire, len(data)))


def _framed(record: Record) -> bytes:
    """The packet in an Ethernet frame, also where it was caught in a tunnel."""
    if record.linktype == _PPP:
        assert record.data.startswith(_PPP_IPV4)
        return bytes(12) + _IPV4 + record.data[len(_PPP_IPV4) :]
    assert record.linktype == _ETHERNET
    return record.data


def beats(captures: int) -> Iterator[Record]:
    """Frames that mean nothing, to be put among so many captures: time passes, as on a network that never rests."""
    for number in range(1, captures + 1):
        first = begin(number)
        for ts in (*range(first, first + _BEATEN, _BEAT), first + APART - _BEAT):
            yield Record(ts, _ETHERNET, _FRAME, len(_FRAME))


def is_beat(record: Record) -> bool:
    """Whether it is one of those frames."""
    return record.data == _FRAME

"""Packets made from dialogues: what two hosts said to each other, put on the wire in one way or another.

Everything is written octet by octet, which is some hundred times faster than a general library and gives
captures with a hundred thousand connections in seconds. Checksums are left out: the engines run with
verification off.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from melsec_nsm.capture import Record, read
from melsec_nsm.engines.cleaned import write_pcap

START = 1_767_225_600_000_000_000  # 2026-01-01 00:00:00 UTC, in ns
STEP = 1_000_000
_MACS = bytes.fromhex("104b460053fa 02005e005312")
_NUMBERS = struct.Struct(">II")
SYN, ACK, PUSH, FIN = 0x02, 0x10, 0x08, 0x01


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with its port."""

    host: str
    port: int

    def packed(self) -> bytes:
        """The address as in an IP header."""
        return ipaddress.ip_address(self.host).packed


@dataclass(slots=True)
class Dialogue:
    """What a client and a server said, in order: whether the client spoke, and the octets."""

    client: Endpoint
    server: Endpoint
    transport: str
    said: list[tuple[bool, bytes]] = field(default_factory=list)

    def at(self, client: Endpoint, server: Endpoint | None = None) -> Dialogue:
        """The same between others."""
        return Dialogue(client, server or self.server, self.transport, self.said)


def dialogues(capture: Path) -> list[Dialogue]:
    """The dialogues of a capture without losses or repetitions. Who sends first is the client."""
    found: dict[tuple[str, frozenset[tuple[str, int]]], Dialogue] = {}
    for packet in read(capture):
        source, destination = Endpoint(packet.src, packet.sport), Endpoint(packet.dst, packet.dport)
        key = packet.proto, frozenset(((packet.src, packet.sport), (packet.dst, packet.dport)))
        dialogue = found.setdefault(key, Dialogue(source, destination, packet.proto))
        if packet.payload:
            dialogue.said.append((source == dialogue.client, packet.payload))
    return [one for one in found.values() if one.said]


@dataclass(slots=True)
class Wire:
    """A capture in the making. Time goes on a millisecond a packet."""

    vlan: int | None = None
    records: list[Record] = field(default_factory=list)
    ts: int = START

    def frame(self, source: bytes, destination: bytes, protocol: int, body: bytes) -> bytes:
        """An Ethernet frame with an IP packet."""
        tag = b"" if self.vlan is None else b"\x81\x00" + self.vlan.to_bytes(2, "big")
        if len(source) == 16:
            header = b"\x60\0\0\0" + len(body).to_bytes(2, "big") + bytes((protocol, 64)) + source + destination
            return _MACS + tag + b"\x86\xdd" + header + body
        length = (20 + len(body)).to_bytes(2, "big")
        header = b"\x45\0" + length + b"\0\0\x40\0\x40" + bytes((protocol,)) + b"\0\0" + source + destination
        return _MACS + tag + b"\x08\0" + header + body

    def put(self, *frames: bytes) -> None:
        """Adds frames."""
        for frame in frames:
            self.records.append(Record(self.ts, 1, frame, len(frame)))
            self.ts += STEP

    def write(self, path: Path) -> Path:
        """Writes the capture."""
        write_pcap(path, self.records)
        return path


class Link:
    """The packets between a client and a server; sequence numbers are kept per direction."""

    def __init__(self, wire: Wire, client: Endpoint, server: Endpoint, transport: str) -> None:
        self._wire = wire
        self._hosts = {True: client.packed(), False: server.packed()}
        self._ports = {True: client.port.to_bytes(2, "big"), False: server.port.to_bytes(2, "big")}
        self._sent = {True: 1, False: 1}
        self._tcp = transport == "tcp"

    def _frame(self, from_client: bool, protocol: int, body: bytes) -> bytes:
        return self._wire.frame(self._hosts[from_client], self._hosts[not from_client], protocol, body)

    def segment(self, from_client: bool, flags: int, data: bytes = b"") -> bytes:
        """A TCP segment, acknowledging what the other side has sent."""
        numbers = _NUMBERS.pack(self._sent[from_client], self._sent[not from_client] if flags & ACK else 0)
        self._sent[from_client] = (self._sent[from_client] + len(data) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
        ports = self._ports[from_client] + self._ports[not from_client]
        return self._frame(from_client, 6, ports + numbers + bytes((0x50, flags)) + b"\x20\0\0\0\0\0" + data)

    def lost(self, from_client: bool, octets: int) -> None:
        """Octets that go over the wire, but not into the capture."""
        self._sent[from_client] += octets

    def datagram(self, from_client: bool, data: bytes) -> bytes:
        """A UDP datagram."""
        ports = self._ports[from_client] + self._ports[not from_client]
        return self._frame(from_client, 17, ports + (8 + len(data)).to_bytes(2, "big") + b"\0\0" + data)

    def packet(self, from_client: bool, data: bytes) -> bytes:
        """A packet with data."""
        return self.segment(from_client, PUSH | ACK, data) if self._tcp else self.datagram(from_client, data)

    def opening(self) -> list[bytes]:
        """The handshake of a connection."""
        if not self._tcp:
            return []
        self._sent = {True: 0, False: 0}
        return [self.segment(True, SYN), self.segment(False, SYN | ACK), self.segment(True, ACK)]

    def closing(self) -> list[bytes]:
        """The end of a connection."""
        if not self._tcp:
            return []
        return [self.segment(True, FIN | ACK), self.segment(False, FIN | ACK), self.segment(True, ACK)]


def cut(octets: bytes, size: int) -> Iterator[bytes]:
    """Octets in pieces."""
    for start in range(0, len(octets), size):
        yield octets[start : start + size]


def joined(said: Iterable[tuple[bool, bytes]]) -> tuple[bytes, bytes]:
    """What the client said, and what the server said."""
    both = {True: bytearray(), False: bytearray()}
    for from_client, octets in said:
        both[from_client] += octets
    return bytes(both[True]), bytes(both[False])


def exchanges(said: Sequence[tuple[bool, bytes]]) -> Iterator[list[tuple[bool, bytes]]]:
    """A dialogue in pieces that begin where the client speaks after the server."""
    piece: list[tuple[bool, bytes]] = []
    for from_client, octets in said:
        if piece and from_client and not piece[-1][0]:
            yield piece
            piece = []
        piece.append((from_client, octets))
    if piece:
        yield piece

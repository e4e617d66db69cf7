"""Captures of polling: many connections on which the same is asked again and again, as a display or a SCADA does."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm.capture import Record
from melsec_nsm.engines.cleaned import write_pcap

_START = 1_767_225_600_000_000_000  # 2026-01-01 00:00:00 UTC, in ns
_STEP = 1_000_000
"""Nanoseconds between packets: with 50 connections each asks ten times a second."""
_ETHERNET = bytes.fromhex("104b460053fa 02005e005312 0800")
_SYN, _ACK, _PUSH, _FIN = 0x02, 0x10, 0x08, 0x01
_NUMBERS = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What is asked, what is answered, and at which port of the server."""

    name: str
    port: int
    request: bytes
    response: bytes

    def at(self, port: int) -> Dialogue:
        """The same octets at another port."""
        return Dialogue(self.name, port, self.request, self.response)


# Ten registers each, so that all protocols carry as much.
SLMP_3E = Dialogue(
    "3E",
    5007,
    bytes.fromhex("5000 00ffff0300 0c00 1000 0104 0000 640000 a8 0a00"),
    bytes.fromhex("d000 00ffff0300 1600 0000") + bytes(range(20)),
)
MELSOFT = Dialogue(
    "MELSOFT",
    5007,
    bytes.fromhex("5701000000 1111 0700 00ffff03 0000fe03 0000 3400 1c0a1614")
    + bytes(20)
    + bytes.fromhex("0410 0100 0000")
    + bytes(10)
    + bytes.fromhex("2000 c8000000 00000000 0a00"),
    bytes.fromhex("d701000000 1111 7f00 0000a803 00ffff03 0000 3400 9c0a1814 0000")
    + bytes(20)
    + bytes.fromhex("0410 0100 0000")
    + bytes(range(20)),
)
MODBUS = Dialogue(
    "Modbus",
    502,
    bytes.fromhex("0001 0000 0006 ff 03 0064 000a"),
    bytes.fromhex("0001 0000 0017 ff 03 14") + bytes(range(20)),
)


def write(path: Path, dialogue: Dialogue, exchanges: int, connections: int, transport: str = "tcp") -> None:
    """Writes a capture in which ``connections`` take turns until there were ``exchanges`` of them.

    Over ``tcp`` each connection is opened and closed; there is no packet without data in between.
    """
    records = _segments if transport == "tcp" else _datagrams
    write_pcap(path, records(dialogue, exchanges, connections))


@dataclass(slots=True)
class _Side:
    """One direction of a connection: addresses and ports as they stand in every packet, and how far it is."""

    addresses: bytes
    ports: bytes
    sent: int = 1

    def packet(self, protocol: int, body: bytes) -> bytes:
        """A frame. Without checksums: the engines run with verification off."""
        length = (20 + len(body)).to_bytes(2, "big")
        return _ETHERNET + b"\x45\0" + length + b"\0\0\x40\0\x40" + bytes((protocol,)) + b"\0\0" + self.addresses + body

    def segment(self, other: _Side, flags: int, data: bytes = b"") -> bytes:
        """A TCP segment, acknowledging what the other side has sent."""
        numbers = _NUMBERS.pack(self.sent, other.sent if flags & _ACK else 0)
        self.sent += len(data) + bool(flags & (_SYN | _FIN))
        return self.packet(6, self.ports + numbers + bytes((0x50, flags)) + b"\x20\0\0\0\0\0" + data)

    def datagram(self, data: bytes) -> bytes:
        """A UDP datagram."""
        return self.packet(17, self.ports + (8 + len(data)).to_bytes(2, "big") + b"\0\0" + data)


def _connection(number: int, port: int) -> tuple[_Side, _Side]:
    """Client and server: every tenth connection is another client's."""
    client = bytes((192, 168, 3, 10 + number // 10))
    server = bytes((192, 168, 4, 10 + number % 10))
    client_port, server_port = (49152 + number).to_bytes(2, "big"), port.to_bytes(2, "big")
    return _Side(client + server, client_port + server_port), _Side(server + client, server_port + client_port)


def _segments(dialogue: Dialogue, exchanges: int, connections: int) -> Iterator[Record]:
    sides = [_connection(number, dialogue.port) for number in range(connections)]
    ts = _START
    for client, server in sides:
        for frame in (client.segment(server, _SYN), server.segment(client, _SYN | _ACK), client.segment(server, _ACK)):
            yield Record(ts, 1, frame, len(frame))
            ts += _STEP
    for number in range(exchanges):
        client, server = sides[number % connections]
        for sender, other, data in ((client, server, dialogue.request), (server, client, dialogue.response)):
            frame = sender.segment(other, _PUSH | _ACK, data)
            yield Record(ts, 1, frame, len(frame))
            ts += _STEP
    for client, server in sides:
        for frame in (
            client.segment(server, _FIN | _ACK),
            server.segment(client, _FIN | _ACK),
            client.segment(server, _ACK),
        ):
            yield Record(ts, 1, frame, len(frame))
            ts += _STEP


def _datagrams(dialogue: Dialogue, exchanges: int, connections: int) -> Iterator[Record]:
    sides = [_connection(number, dialogue.port) for number in range(connections)]
    ts = _START
    for number in range(exchanges):
        client, server = sides[number % connections]
        for sender, data in ((client, dialogue.request), (server, dialogue.response)):
            frame = sender.datagram(data)
            yield Record(ts, 1, frame, len(frame))
            ts += _STEP

"""Captures made from the definition, and the manifest of what each engine must say of them.

Everything in them is fixed: addresses, ports, sequence numbers, times. Building them twice gives the
same octets.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import yaml
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import PcapWriter

from melsec_nsm.codec import Codec, compose
from melsec_nsm.definitions.model import ENGINES, Capture, Definition, Detection, Exchange
from melsec_nsm.generate import examples
from melsec_nsm.generate.text import comment

_START = 1_767_225_600  # 2026-01-01 00:00:00 UTC
_STEP = 0.01
_CLIENT_MAC = "02:00:5e:00:53:12"
_SERVER_MAC = "10:4b:46:00:53:fa"  # a Mitsubishi Electric prefix, as on a controller
_BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
_BROADCAST = "255.255.255.255"
_CLIENT_PORT = 49152
_SEGMENT = 1460


def render(definition: Definition) -> dict[str, bytes]:
    """Every capture and ``pcaps/manifest.yaml``, by path in the checkout."""
    codec = Codec(definition)
    files: dict[str, bytes] = {}
    entries: list[dict[str, object]] = []
    for capture in all_captures(definition):
        octets = build(codec, capture)
        files[f"pcaps/{capture.name}.pcap"] = octets
        entries.append(_entry(definition, codec, capture, octets))
    text = yaml.safe_dump({"captures": entries}, sort_keys=False, width=120, allow_unicode=False)
    files["pcaps/manifest.yaml"] = f"{comment()}\n{text}".encode("ascii")
    return files


def all_captures(definition: Definition) -> Iterator[Capture]:
    """The captures of the definition, and those of every command in every frame."""
    yield from definition.captures.values()
    yield from examples.captures(definition)


def build(codec: Codec, capture: Capture) -> bytes:
    """The octets of a capture file."""
    wire = _Wire(capture)
    shape = _SHAPES[capture.shape]
    shape(wire, capture, [_halves(codec, item) for item in _repeated(capture.exchanges)])
    return wire.written()


def expected_transactions(definition: Definition, codec: Codec, capture: Capture) -> Counter[tuple[str, str, str, str]]:
    """Requests of a capture by (protocol, frame, encoding, command), as the definition intends them."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for item in _believed(codec, capture):
        if item.half != "response":
            half = codec.half(item.frame, "request")
            text = f"{item.command:0{half.digits}X}"
            counts[item.protocol, half.frame.frame, half.frame.encoding, text] += item.repeat
    return counts


def _believed(codec: Codec, capture: Capture) -> Iterator[Exchange]:
    """The PDUs of a capture but for those without a length where none of their kind is answered: they prove nothing."""
    answered = {item.protocol for item in capture.exchanges if item.half == "both" and item.status is not None}
    for item in capture.exchanges:
        if item.octets is None:
            sized = codec.half(item.frame, "request").frame.kind == "layout"
            if not sized or item.protocol in answered:
                yield item


def expected_detections(definition: Definition, capture: Capture, engine: str) -> dict[str, int]:
    """Detections that an engine must raise in a capture, with how often.

    The captures of all commands are those of every detection that looks for one of them.
    """
    return {
        detection.id: 1
        for detection in definition.detections.values()
        if engine in detection.engines()
        and (
            capture.name in detection.fires
            if capture.name in definition.captures
            else any(_looks_for(definition, detection, item) for item in capture.exchanges)
        )
    }


def _looks_for(definition: Definition, detection: Detection, item: Exchange) -> bool:
    """Whether a half that a detection looks for is in an exchange of a capture of all commands."""
    protocol = definition.protocols[item.protocol]
    command = protocol.command(item.command, protocol.frame(item.frame).digits)
    if command is None or not detection.when.matches(command):
        return False
    return detection.when.direction == "request" or item.status is not None


def _entry(definition: Definition, codec: Codec, capture: Capture, octets: bytes) -> dict[str, object]:
    transactions = expected_transactions(definition, codec, capture)
    return {
        "capture": capture.name,
        "title": capture.title,
        "sha256": hashlib.sha256(octets).hexdigest(),
        "transactions": [
            dict(zip(("protocol", "frame", "encoding", "command"), key, strict=True)) | {"count": count}
            for key, count in sorted(transactions.items())
        ],
        "detections": {engine: expected_detections(definition, capture, engine) for engine in ENGINES},
    }


def _repeated(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    for exchange in exchanges:
        for _ in range(exchange.repeat):
            yield exchange


@dataclass(frozen=True, slots=True)
class _Halves:
    """The octets of one exchange; what is not on the wire is None."""

    from_client: bool
    request: bytes | None
    response: bytes | None
    after: int = 0

    def sent(self) -> Iterator[tuple[bool, bytes]]:
        """What goes out, in order, and whether the client sends it."""
        if self.request is not None:
            yield self.from_client, self.request
        if self.response is not None:
            yield not self.from_client, self.response


def _halves(codec: Codec, exchange: Exchange) -> _Halves:
    from_client = exchange.sender == "client"
    if exchange.octets is not None:
        return _Halves(from_client, exchange.octets, None, exchange.after)
    request = compose.request(codec, exchange) if exchange.half != "response" else None
    answered = exchange.half != "request" and exchange.status is not None
    return _Halves(from_client, request, compose.response(codec, exchange) if answered else None, exchange.after)


@dataclass(slots=True)
class _Wire:
    """Packets between one client and one server, as they are written."""

    capture: Capture
    packets: list[Packet] = field(default_factory=list)
    client_port: int = _CLIENT_PORT
    waited: int = 0
    sequence: dict[bool, int] = field(default_factory=lambda: {True: 1000, False: 500_000})

    def _send(self, from_client: bool, layer: Packet, group: bool) -> None:
        capture = self.capture
        source, target = (capture.client, capture.server) if from_client else (capture.server, capture.client)
        macs = (_CLIENT_MAC, _SERVER_MAC) if from_client else (_SERVER_MAC, _CLIENT_MAC)
        number = len(self.packets)
        ether = Ether(src=macs[0], dst=_BROADCAST_MAC if group else macs[1], type=0x0800)
        ip = IP(src=source, dst=_BROADCAST if group else target, id=number + 1, ttl=64, flags="DF")
        packet = ether / ip / layer
        packet.time = _START + self.waited + number * _STEP
        self.packets.append(packet)

    def datagram(self, from_client: bool, data: bytes, *, group: bool = False) -> None:
        """One UDP datagram."""
        ports = (self.client_port, self.capture.port)
        source, target = ports if from_client else ports[::-1]
        self._send(from_client, UDP(sport=source, dport=target) / Raw(data), group)

    def segment(self, from_client: bool, flags: str, data: bytes = b"") -> None:
        """One TCP segment; SYN and FIN take a sequence number of their own."""
        ports = (self.client_port, self.capture.port)
        source, target = ports if from_client else ports[::-1]
        options = [("MSS", _SEGMENT)] if "S" in flags else []
        layer = TCP(
            sport=source,
            dport=target,
            seq=self.sequence[from_client],
            ack=self.sequence[not from_client] if "A" in flags else 0,
            flags=flags,
            window=64240,
            options=options,
        )
        self._send(from_client, layer / Raw(data) if data else layer, False)
        self.sequence[from_client] += len(data) + ("S" in flags) + ("F" in flags)

    def octets(self, from_client: bool, data: bytes) -> None:
        """Octets over TCP, in segments of full size, or as one datagram."""
        if self.capture.transport == "udp":
            self.datagram(from_client, data)
            return
        for start in range(0, len(data), _SEGMENT):
            self.segment(from_client, "PA", data[start : start + _SEGMENT])

    def open(self) -> None:
        """The handshake."""
        if self.capture.transport == "tcp":
            self.segment(True, "S")
            self.segment(False, "SA")
            self.segment(True, "A")

    def close(self) -> None:
        """Both sides say good-bye."""
        if self.capture.transport == "tcp":
            self.segment(True, "FA")
            self.segment(False, "FA")
            self.segment(True, "A")

    def written(self) -> bytes:
        """The capture file."""
        file = _Unclosed()
        writer = PcapWriter(file, linktype=1, nano=False, sync=False, append=False)
        writer.write_header(None)
        for packet in self.packets:
            writer.write_packet(bytes(packet), sec=int(packet.time), usec=round(packet.time % 1 * 1_000_000))
        writer.flush()
        return file.getvalue()


class _Unclosed(io.BytesIO):
    """A buffer that can be read after the writer closed it."""

    def close(self) -> None:
        """Stays open."""


def _plain(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    wire.open()
    _dialogue(wire, exchanges)
    wire.close()


def _midstream(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    """The connection is older than the capture: no handshake."""
    _dialogue(wire, exchanges)
    wire.close()


def _dialogue(wire: _Wire, exchanges: list[_Halves]) -> None:
    for exchange in exchanges:
        wire.waited += exchange.after
        for from_client, octets in exchange.sent():
            wire.octets(from_client, octets)


def _coalesced(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    """All requests in one segment, all responses in another."""
    wire.open()
    wire.octets(True, b"".join(exchange.request or b"" for exchange in exchanges))
    wire.octets(False, b"".join(exchange.response or b"" for exchange in exchanges))
    wire.close()


def _split(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    """Each PDU in two segments."""
    wire.open()
    for exchange in exchanges:
        for from_client, octets in exchange.sent():
            middle = len(octets) // 2
            wire.octets(from_client, octets[:middle])
            wire.octets(from_client, octets[middle:])
    wire.close()


def _lost(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    """The capture misses the second half of the first PDU: it went over the wire all the same."""
    wire.open()
    sent = [item for exchange in exchanges for item in exchange.sent()]
    from_client, octets = sent[0]
    middle = len(octets) // 2
    wire.octets(from_client, octets[:middle])
    wire.sequence[from_client] += len(octets) - middle
    for from_client, octets in sent[1:]:
        wire.octets(from_client, octets)
    wire.close()


def _broadcast(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    """Both ways to the broadcast address, each exchange from a new client port."""
    for number, exchange in enumerate(exchanges):
        wire.client_port = _CLIENT_PORT + number
        for from_client, octets in exchange.sent():
            wire.datagram(from_client, octets, group=True)


_SHAPES = {
    "plain": _plain,
    "midstream": _midstream,
    "coalesced": _coalesced,
    "split": _split,
    "lost": _lost,
    "broadcast": _broadcast,
}

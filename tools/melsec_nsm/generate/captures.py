"""Captures made from the definition, and the manifest of what each engine must say of them, under policies too.

Everything in them is fixed: addresses, ports, sequence numbers, times. Building them twice gives the
same octets.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import PcapWriter

from melsec_nsm.codec import Codec, compose
from melsec_nsm.definitions import model
from melsec_nsm.definitions.model import ENGINES, Capture, Case, Definition, Detection, Exchange
from melsec_nsm.generate import examples
from melsec_nsm.generate.text import comment
from melsec_nsm.policy import parse

POLICIES = Path(model.__file__).parent / "policies"
"""Where the policies stand that cases name."""

_START = 1_767_225_600  # 2026-01-01 00:00:00 UTC
_CLIENT_MAC = "02:00:5e:00:53"  # the last octet is that of the address
_SERVER_MAC = "10:4b:46:00:53"  # a Mitsubishi Electric prefix, as on a controller
_BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
_BROADCAST = "255.255.255.255"
_CLIENT_PORT = 49152
_FRESH = 1000
"""Connections from here on are those that exchanges have for themselves."""
_SEGMENT = 1460


class CaseError(Exception):
    """A case cannot be made. One line, with the position of the case."""


def render(definition: Definition) -> dict[str, bytes]:
    """Every capture and ``pcaps/manifest.yaml``, by path in the checkout."""
    codec = Codec(definition)
    files: dict[str, bytes] = {}
    entries: list[dict[str, object]] = []
    for capture in all_captures(definition):
        octets = build(codec, capture)
        files[f"pcaps/{capture.name}.pcap"] = octets
        entries.append(_entry(definition, codec, capture, octets))
    cases: list[dict[str, object]] = []
    for case in definition.cases.values():
        files[f"pcaps/{_policy_name(case)}"] = policy_of(definition, case)
        cases.append(_case(definition, case))
    text = yaml.safe_dump({"captures": entries, "cases": cases}, sort_keys=False, width=120, allow_unicode=False)
    files["pcaps/manifest.yaml"] = f"{comment()}\n{text}".encode("ascii")
    return files


def all_captures(definition: Definition) -> Iterator[Capture]:
    """The captures of the definition, and those of every command in every frame."""
    yield from definition.captures.values()
    yield from examples.captures(definition)


def policy_of(definition: Definition, case: Case) -> bytes:
    """The policy of a case: the one that it names, with its change.

    Raises:
        CaseError: there is no such policy, or the text that is replaced does not stand in it once.
        PolicyError: the policy is not sound.
    """
    file = POLICIES / f"{case.policy}.yaml"
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise CaseError(f"{case.location}: {case.name}: {file.name}: {error.strerror}") from None
    if case.old:
        if text.count(case.old) != 1:
            raise CaseError(f"{case.location}: {case.name}: what is replaced stands {text.count(case.old)} times")
        text = text.replace(case.old, case.new)
    octets = text.encode("utf-8")
    parse(octets, f"{case.name}.yaml", definition)
    return octets


def _policy_name(case: Case) -> str:
    return f"policies/{case.name}.yaml"


def _case(definition: Definition, case: Case) -> dict[str, object]:
    return {
        "case": case.name,
        "title": case.title,
        "capture": case.capture,
        "policy": _policy_name(case),
        "detections": {engine: expected_in_case(definition, case, engine) for engine in ENGINES},
    }


def expected_in_case(definition: Definition, case: Case, engine: str) -> dict[str, int]:
    """Detections that an engine must raise in a capture under a policy, with how often.

    Those of the capture, but for the ones that name the case among their near misses, and those that name it.
    """
    without = expected_detections(definition, definition.captures[case.capture], engine)
    return {name: count for name, count in without.items() if case.name not in definition.detections[name].quiet} | {
        detection.id: detection.counts.get(case.name, 1)
        for detection in definition.detections.values()
        if engine in detection.engines() and case.name in detection.fires
    }


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
        if item.half != "response" and not item.lost:
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

    The captures of all commands are those of every detection that looks for every PDU of one of them; what the
    others make of all of them together nobody intends (`unjudged`).
    """
    return {
        detection.id: detection.counts.get(capture.name, 1)
        for detection in definition.detections.values()
        if engine in detection.engines()
        and (
            capture.name in detection.fires and not detection.misses(engine, capture.name)
            if capture.name in definition.captures
            else any(_looks_for(definition, detection, item) for item in capture.exchanges)
        )
    }


def unjudged(definition: Definition, capture: Capture) -> list[str]:
    """Detections of which the definition does not say whether a capture raises them."""
    if capture.name in definition.captures:
        return []
    return sorted(one.id for one in definition.detections.values() if not (one.when.plain or one.when.policy))


def _looks_for(definition: Definition, detection: Detection, item: Exchange) -> bool:
    """Whether a half that a detection looks for is in an exchange of a capture of all commands."""
    protocol = definition.protocols[item.protocol]
    command = protocol.command(item.command, protocol.frame(item.frame).digits)
    if command is None or not detection.when.matches(command):
        return False
    return detection.when.direction == "request" or item.status is not None


def _entry(definition: Definition, codec: Codec, capture: Capture, octets: bytes) -> dict[str, object]:
    transactions = expected_transactions(definition, codec, capture)
    open_ones = unjudged(definition, capture)
    return {
        "capture": capture.name,
        "title": capture.title,
        "sha256": hashlib.sha256(octets).hexdigest(),
        "transactions": [
            dict(zip(("protocol", "frame", "encoding", "command"), key, strict=True)) | {"count": count}
            for key, count in sorted(transactions.items())
        ],
        "detections": {engine: expected_detections(definition, capture, engine) for engine in ENGINES},
        **({"unjudged": open_ones} if open_ones else {}),
    }


def _repeated(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    number = _FRESH
    for exchange in exchanges:
        for _ in range(exchange.repeat):
            number += 1
            yield replace(exchange, connection=number) if exchange.fresh else exchange


@dataclass(frozen=True, slots=True)
class _Halves:
    """The octets of one exchange; what is not on the wire is None."""

    from_client: bool
    request: bytes | None
    response: bytes | None
    after: int = 0
    lost: bool = False
    where: tuple[str, str, int] = ("", "", 0)
    """Client, server and number of the connection, as the exchange says."""

    def sent(self) -> Iterator[tuple[bool, bytes]]:
        """What goes out, in order, and whether the client sends it."""
        if self.request is not None:
            yield self.from_client, self.request
        if self.response is not None:
            yield not self.from_client, self.response


def _halves(codec: Codec, exchange: Exchange) -> _Halves:
    from_client = exchange.sender == "client"
    where = (exchange.client, exchange.server, exchange.connection)
    request, response = exchange.octets, None
    if exchange.octets is None:
        request = compose.request(codec, exchange) if exchange.half != "response" else None
        answered = exchange.half != "request" and exchange.status is not None
        response = compose.response(codec, exchange) if answered else None
    return _Halves(from_client, request, response, exchange.after, exchange.lost, where)


@dataclass(slots=True)
class _Connection:
    """A connection (over UDP: two ports) of a client with a server."""

    client: str
    server: str
    client_port: int
    sequence: dict[bool, int] = field(default_factory=lambda: {True: 1000, False: 500_000})


@dataclass(slots=True)
class _Wire:
    """Packets between clients and servers, as they are written: on the connection ``at``."""

    capture: Capture
    packets: list[Packet] = field(default_factory=list)
    waited: int = 0
    connections: dict[tuple[str, str, int], _Connection] = field(default_factory=dict)
    at: _Connection = field(init=False)

    def __post_init__(self) -> None:
        self.at = _Connection(self.capture.client, self.capture.server, _CLIENT_PORT)

    def turn(self, where: tuple[str, str, int]) -> None:
        """Goes on with the connection of an exchange, which is opened where it is new."""
        client, server, number = where[0] or self.capture.client, where[1] or self.capture.server, where[2] or 1
        known = self.connections.get((client, server, number))
        if known is not None:
            self.at = known
            return
        self.at = _Connection(client, server, _CLIENT_PORT + len(self.connections))
        self.connections[client, server, number] = self.at
        if self.capture.shape != "midstream":
            self.open()

    def _send(self, from_client: bool, layer: Packet, group: bool) -> None:
        source, target = (self.at.client, self.at.server) if from_client else (self.at.server, self.at.client)
        macs = (_mac(_CLIENT_MAC, self.at.client), _mac(_SERVER_MAC, self.at.server))
        macs = macs if from_client else macs[::-1]
        number = len(self.packets)
        ether = Ether(src=macs[0], dst=_BROADCAST_MAC if group else macs[1], type=0x0800)
        ip = IP(src=source, dst=_BROADCAST if group else target, id=number + 1, ttl=64, flags="DF")
        packet = ether / ip / layer
        packet.time = _START + self.waited + number * self.capture.interval / 1_000_000
        self.packets.append(packet)

    def datagram(self, from_client: bool, data: bytes, *, group: bool = False) -> None:
        """One UDP datagram."""
        ports = (self.at.client_port, self.capture.port)
        source, target = ports if from_client else ports[::-1]
        self._send(from_client, UDP(sport=source, dport=target) / Raw(data), group)

    def segment(self, from_client: bool, flags: str, data: bytes = b"") -> None:
        """One TCP segment; SYN and FIN take a sequence number of their own."""
        ports = (self.at.client_port, self.capture.port)
        source, target = ports if from_client else ports[::-1]
        options = [("MSS", _SEGMENT)] if "S" in flags else []
        layer = TCP(
            sport=source,
            dport=target,
            seq=self.at.sequence[from_client],
            ack=self.at.sequence[not from_client] if "A" in flags else 0,
            flags=flags,
            window=64240,
            options=options,
        )
        self._send(from_client, layer / Raw(data) if data else layer, False)
        self.at.sequence[from_client] += len(data) + ("S" in flags) + ("F" in flags)

    def octets(self, from_client: bool, data: bytes) -> None:
        """Octets over TCP, in segments of full size, or as one datagram."""
        if self.capture.transport == "udp":
            self.datagram(from_client, data)
            return
        for start in range(0, len(data), _SEGMENT):
            self.segment(from_client, "PA", data[start : start + _SEGMENT])

    def miss(self, from_client: bool, data: bytes) -> None:
        """Octets that go over the wire while nobody captures."""
        self.at.sequence[from_client] += len(data)

    def open(self) -> None:
        """The handshake."""
        if self.capture.transport == "tcp":
            self.segment(True, "S")
            self.segment(False, "SA")
            self.segment(True, "A")

    def close(self) -> None:
        """Both sides of every connection say good-bye."""
        for connection in list(self.connections.values()) or [self.at]:
            self.at = connection
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


def _mac(prefix: str, address: str) -> str:
    return f"{prefix}:{int(address.rpartition('.')[2]):02x}"


class _Unclosed(io.BytesIO):
    """A buffer that can be read after the writer closed it."""

    def close(self) -> None:
        """Stays open."""


def _plain(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    _dialogue(wire, exchanges)
    wire.close()


def _midstream(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    """The connection is older than the capture: no handshake."""
    _dialogue(wire, exchanges)
    wire.close()


def _dialogue(wire: _Wire, exchanges: list[_Halves]) -> None:
    for exchange in exchanges:
        wire.waited += exchange.after
        wire.turn(exchange.where)
        send = wire.miss if exchange.lost else wire.octets
        for from_client, octets in exchange.sent():
            send(from_client, octets)


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
    wire.miss(from_client, octets[middle:])
    for from_client, octets in sent[1:]:
        wire.octets(from_client, octets)
    wire.close()


def _broadcast(wire: _Wire, capture: Capture, exchanges: list[_Halves]) -> None:
    """Both ways to the broadcast address, each exchange from a new client port."""
    for number, exchange in enumerate(exchanges):
        wire.at.client_port = _CLIENT_PORT + number
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

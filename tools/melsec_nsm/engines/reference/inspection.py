"""From a capture file to transactions, in pure Python."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from melsec_nsm.capture import Packet, Reassembler, read
from melsec_nsm.capture.packets import ACK, SYN
from melsec_nsm.capture.streams import Chunk
from melsec_nsm.codec.frames import Codec, Pdu
from melsec_nsm.codec.stream import Conversation, StreamParser, is_control, read_datagram
from melsec_nsm.codec.transactions import (
    MAX_CONVERSATIONS,
    REQUEST_TIMEOUT,
    CopyFilter,
    DatagramPairing,
    Endpoint,
    Half,
    Pairing,
    Transaction,
)

_Ways = tuple[Endpoint, Endpoint]
_LATE = REQUEST_TIMEOUT * 1_000_000_000


@dataclass(slots=True)
class _Stream:
    """A TCP connection: what is known of it, and a parser per direction."""

    conversation: Conversation[int]
    parsers: dict[Endpoint, StreamParser] = field(default_factory=dict)
    spoken: set[int] = field(default_factory=set)
    """Sides that have said something, or whose beginning was not seen."""
    began: int = 0
    holed: int | None = None
    """When octets were last missed."""

    def unbroken(self, ts: int) -> bool:
        """Whether no octets were missed of late."""
        return self.holed is None or ts - self.holed >= _LATE

    def begun(self, ts: int, *, syn_seen: bool) -> bool:
        """Whether what came before a capture that begins in the middle does not matter any more."""
        return syn_seen or ts - self.began >= _LATE


@dataclass(frozen=True, slots=True)
class Handshake:
    """A SYN with its sequence number, or the ``answer`` to one."""

    ts: int
    source: Endpoint
    destination: Endpoint
    number: int
    answer: bool


@dataclass(frozen=True, slots=True)
class Stray:
    """A datagram that is no PDU. ``mark`` is the half that its first octets speak for, None where for none."""

    ts: int
    source: Endpoint
    destination: Endpoint
    mark: str | None


class Inspection:
    """Reads one capture. Iterate once; afterwards ``truncated`` and the counts are final.

    Yields each half as it comes in, as ``(half, None)``, and each transaction once it is complete
    or known to stay incomplete, as ``(None, transaction)``. ``handshake`` is called for every packet of one,
    ``stray`` for every datagram that is no PDU.

    Raises:
        CaptureError: the file is no capture.
    """

    def __init__(
        self,
        codec: Codec,
        path: Path,
        handshake: Callable[[Handshake], None] | None = None,
        stray: Callable[[Stray], None] | None = None,
    ) -> None:
        self._codec = codec
        self._handshake = handshake
        self._stray = stray
        self._packets = read(path)
        self._reassembler = Reassembler()
        self._streams: OrderedDict[int, _Stream] = OrderedDict()
        self._pairing = Pairing()
        self._datagrams = DatagramPairing()
        # PDUs without a length are known by what two hosts said to each other before.
        self._peers: OrderedDict[tuple[str, str], Conversation[_Ways]] = OrderedDict()
        self._copies = CopyFilter()
        self._macs: OrderedDict[str, str] = OrderedDict()
        self._prefixes = tuple(one.prefix.lower() for one in codec.definition.mac_prefixes)
        self.pdus = 0
        self.malformed = 0

    @property
    def truncated(self) -> str | None:
        """Why the capture ended early, None where it did not."""
        return self._packets.truncated

    def __iter__(self) -> Iterator[tuple[Half | None, Transaction | None]]:
        for packet in self._packets:
            if packet.src_mac.startswith(self._prefixes):
                self._macs[packet.src] = packet.src_mac
                if len(self._macs) > MAX_CONVERSATIONS:
                    self._macs.popitem(last=False)
            if packet.proto == "udp":
                yield from self._datagram(packet)
            else:
                if packet.flags & SYN and self._handshake is not None:
                    source, destination = Endpoint(packet.src, packet.sport), Endpoint(packet.dst, packet.dport)
                    answer = bool(packet.flags & ACK)
                    self._handshake(Handshake(packet.ts, source, destination, packet.seq, answer))
                for chunk in self._reassembler.feed(packet):
                    yield from self._chunk(chunk)
        for chunk in self._reassembler.finish():
            yield from self._chunk(chunk)
        for pairing in (self._pairing, self._datagrams):
            for transaction in pairing.finish():
                yield None, transaction

    def _datagram(self, packet: Packet) -> Iterator[tuple[Half | None, Transaction | None]]:
        data = packet.payload
        if not data:
            return
        pdu = read_datagram(self._codec, data) if data[0] in self._codec.first_octets else None
        if pdu is None:
            sized = self._sized(packet) if data[0] in self._codec.sized_octets else None
            if sized is not None:
                yield from sized
            elif self._stray is not None and not packet.clipped and not is_control(data):
                source, destination = Endpoint(packet.src, packet.sport), Endpoint(packet.dst, packet.dport)
                self._stray(Stray(packet.ts, source, destination, self._codec.marks.get(data[:2])))
            return
        source, destination = Endpoint(packet.src, packet.sport), Endpoint(packet.dst, packet.dport)
        if not self._copies.is_copy(packet.ts, source, destination, data):
            yield from self._pair_datagram(packet.ts, (source, destination), pdu)

    def _sized(self, packet: Packet) -> Iterator[tuple[Half | None, Transaction | None]] | None:
        """A datagram that is believed because of what was seen between its hosts; None where it is no PDU."""
        hosts = (packet.src, packet.dst) if packet.src < packet.dst else (packet.dst, packet.src)
        peers = self._peers.get(hosts)
        asked = peers.asked(packet.ts) if peers is not None else []
        pdu = read_datagram(self._codec, packet.payload, strict=peers is None or not peers.sized, asked=asked)
        if pdu is None or pdu.half.frame.kind != "layout":
            return None
        return self._offered(packet, hosts, peers, pdu)

    def _offered(
        self, packet: Packet, hosts: tuple[str, str], peers: Conversation[_Ways] | None, pdu: Pdu
    ) -> Iterator[tuple[Half | None, Transaction | None]]:
        source, destination = Endpoint(packet.src, packet.sport), Endpoint(packet.dst, packet.dport)
        if self._copies.is_copy(packet.ts, source, destination, packet.payload):
            return
        if peers is None:
            peers = self._peers[hosts] = Conversation(self._codec)
            if len(self._peers) > MAX_CONVERSATIONS:
                self._peers.popitem(last=False)
        self._peers.move_to_end(hosts)
        for ts, ways, believed in peers.offer(packet.ts, (source, destination), pdu):
            yield from self._pair_datagram(ts, ways, believed)

    def _pair_datagram(self, ts: int, ways: _Ways, pdu: Pdu) -> Iterator[tuple[Half | None, Transaction | None]]:
        self.pdus += 1
        half = Half(ts, pdu, *ways, transport="udp", mac=self._macs.get(ways[0].host, ""))
        yield half, None
        for transaction in self._datagrams.pair(half):
            yield None, transaction

    def _chunk(self, chunk: Chunk) -> Iterator[tuple[Half | None, Transaction | None]]:
        number = chunk.flow.conn
        stream = self._streams.get(number)
        if stream is None:
            stream = self._streams[number] = _Stream(Conversation(self._codec), began=chunk.ts)
            if len(self._streams) > MAX_CONVERSATIONS:
                self._streams.popitem(last=False)
        flow = chunk.flow
        source, destination = Endpoint(flow.src, flow.sport), Endpoint(flow.dst, flow.dport)
        if not stream.parsers:
            for side, endpoint in enumerate((source, destination)):
                stream.parsers[endpoint] = StreamParser(self._codec, stream.conversation, side)
        parser = stream.parsers[source]
        ways = ((source, destination), (destination, source))
        before = stream.conversation.malformed
        if not chunk.syn_seen:
            stream.spoken.add(parser.side)
        if chunk.gap:
            stream.holed = chunk.ts
        unbroken = stream.unbroken(chunk.ts)
        whole = unbroken and stream.begun(chunk.ts, syn_seen=chunk.syn_seen)
        for ts, side, pdu in parser.feed(chunk.ts, chunk.data, chunk.gap):
            here = ways[side != parser.side]
            first = side not in stream.spoken
            stream.spoken.add(side)
            mac = self._macs.get(here[0].host, "")
            half = Half(ts, pdu, *here, transport="tcp", mac=mac, first=first, unbroken=unbroken, whole=whole)
            yield from self._pair(number, half)
        self.malformed += stream.conversation.malformed - before

    def _pair(self, key: object, half: Half) -> Iterator[tuple[Half | None, Transaction | None]]:
        self.pdus += 1
        yield half, None
        for transaction in self._pairing.add(key, half):
            yield None, transaction

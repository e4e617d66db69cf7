"""From a capture file to transactions, in pure Python."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from melsec_nsm.capture import Packet, Reassembler, read
from melsec_nsm.capture.streams import Chunk
from melsec_nsm.codec.frames import Codec
from melsec_nsm.codec.stream import Conversation, StreamParser, read_datagram
from melsec_nsm.codec.transactions import (
    MAX_CONVERSATIONS,
    CopyFilter,
    Endpoint,
    Half,
    Pairing,
    Transaction,
    datagram_key,
)


@dataclass(slots=True)
class _Stream:
    """A TCP connection: what is known of it, and a parser per direction."""

    conversation: Conversation = field(default_factory=Conversation)
    parsers: dict[Endpoint, StreamParser] = field(default_factory=dict)


class Inspection:
    """Reads one capture. Iterate once; afterwards ``truncated`` and the counts are final.

    Yields each half as it comes in, as ``(half, None)``, and each transaction once it is complete
    or known to stay incomplete, as ``(None, transaction)``.

    Raises:
        CaptureError: the file is no capture.
    """

    def __init__(self, codec: Codec, path: Path) -> None:
        self._codec = codec
        self._packets = read(path)
        self._reassembler = Reassembler()
        self._streams: OrderedDict[int, _Stream] = OrderedDict()
        self._pairing = Pairing()
        self._copies = CopyFilter()
        self.pdus = 0
        self.malformed = 0

    @property
    def truncated(self) -> str | None:
        """Why the capture ended early, None where it did not."""
        return self._packets.truncated

    def __iter__(self) -> Iterator[tuple[Half | None, Transaction | None]]:
        for packet in self._packets:
            if packet.proto == "udp":
                yield from self._datagram(packet)
            else:
                for chunk in self._reassembler.feed(packet):
                    yield from self._chunk(chunk)
        for chunk in self._reassembler.finish():
            yield from self._chunk(chunk)
        for transaction in self._pairing.finish():
            yield None, transaction

    def _datagram(self, packet: Packet) -> Iterator[tuple[Half | None, Transaction | None]]:
        if not packet.payload or packet.payload[0] not in self._codec.first_octets:
            return
        pdu = read_datagram(self._codec, packet.payload)
        if pdu is None:
            return
        source, destination = Endpoint(packet.src, packet.sport), Endpoint(packet.dst, packet.dport)
        if self._copies.is_copy(packet.ts, source, destination, packet.payload):
            return
        half = Half(packet.ts, pdu, source, destination)
        yield from self._pair(datagram_key(half), half)

    def _chunk(self, chunk: Chunk) -> Iterator[tuple[Half | None, Transaction | None]]:
        number = chunk.flow.conn
        stream = self._streams.get(number)
        if stream is None:
            stream = self._streams[number] = _Stream()
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
        for ts, side, pdu in parser.feed(chunk.ts, chunk.data, chunk.gap):
            yield from self._pair(number, Half(ts, pdu, *ways[side != parser.side]))
        self.malformed += stream.conversation.malformed - before

    def _pair(self, key: object, half: Half) -> Iterator[tuple[Half | None, Transaction | None]]:
        self.pdus += 1
        yield half, None
        for transaction in self._pairing.add(key, half):
            yield None, transaction

"""TCP packets to in-order octets, one direction at a time.

Positions are sequence numbers carried on past 2^32, so that they only ever grow. The octets seen
first win, whatever a retransmission says. A hole is waited for until it cannot be filled any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .packets import ACK, FIN, RST, SYN, Packet
from .pieces import Piece, Pieces

_MODULUS = 1 << 32
_HALF = 1 << 31
# Farther from the expected position than this no segment belongs to the same connection: the
# handshake of another one on the same ports was not captured.
_FAR = 1 << 24
_CLOSED_KEPT = 60_000_000_000
_SWEEP_AT = 4096


@dataclass(frozen=True, slots=True)
class FlowKey:
    """One direction of a connection: from ``src`` to ``dst``. ``conn`` numbers the connections from 1."""

    conn: int
    src: str
    sport: int
    dst: str
    dport: int


@dataclass(slots=True)
class Connection:
    """A TCP connection. ``opener`` is the address and port that sent the SYN, None while not known."""

    number: int
    opener: tuple[str, int] | None = None
    last: int = 0
    """Time of the latest packet, ns since the epoch."""


@dataclass(slots=True)
class Chunk:
    """The next octets of one direction.

    ``gap`` octets are missing before ``data``. ``ts`` is the time of the packet that carried them.
    ``syn_seen``: the direction's beginning is known from the handshake; ``start``: these are its
    very first octets. ``end``: FIN, RST, a new connection on the same ports or the end of the
    capture; ``data`` may be empty then. Data after an end is possible (a reset that was not obeyed).
    """

    flow: FlowKey
    conn: Connection
    ts: int
    data: bytes
    gap: int
    start: bool
    syn_seen: bool
    end: bool


class _Direction:
    """What is known of one direction. ``next`` is the position expected, None before the first octet."""

    __slots__ = ("acked", "conn", "ended", "fin", "first", "flow", "gap", "next", "peer", "pieces", "syn_seen")

    peer: _Direction

    def __init__(self, conn: Connection, src: str, sport: int, dst: str, dport: int) -> None:
        self.conn = conn
        self.flow = FlowKey(conn.number, src, sport, dst, dport)
        self.next: int | None = None
        self.first = 0
        """Position of the first octet of the direction (of those seen, if the SYN was not)."""
        self.syn_seen = False
        self.acked: int | None = None
        """Latest acknowledgement number of the peer, as on the wire."""
        self.fin: int | None = None
        """Position of a FIN that waits for the octets before it."""
        self.gap = 0
        """Missing octets not yet reported."""
        self.pieces = Pieces()
        self.ended = False

    def begin(self, position: int, syn_seen: bool) -> None:
        self.next = self.first = position
        self.syn_seen = syn_seen

    @property
    def untouched(self) -> bool:
        """Whether no octet was delivered or is waiting."""
        return self.next is None or (self.next == self.first and not self.pieces)

    def position(self, number: int) -> int:
        """The position that a sequence number means: the nearest one to the expected. Needs ``next``."""
        assert self.next is not None
        return self.next + ((number - self.next + _HALF) & (_MODULUS - 1)) - _HALF

    def chunk(self, ts: int, data: bytes, end: bool = False) -> Chunk:
        """Deliver ``data``, which stands at ``next``, and any gap before it."""
        start = self.syn_seen and self.next == self.first and not self.gap and bool(data)
        chunk = Chunk(self.flow, self.conn, ts, data, self.gap, start, self.syn_seen, end)
        self.gap = 0
        self.ended = end
        return chunk


class Reassembler:
    """Puts the octets of TCP connections in order.

    At most ``segments`` pieces and ``octets`` octets wait behind a hole in one direction, and
    ``total`` octets in all; past that the hole is declared a gap. At most ``connections`` are
    remembered; past that those idle for longest end.
    """

    def __init__(
        self, segments: int = 256, octets: int = 0x100000, total: int = 0x4000000, connections: int = 0x10000
    ) -> None:
        self._segments = segments
        self._octets = octets
        self._total = total
        self._connections = connections
        self._directions: dict[tuple[str, int, str, int], _Direction] = {}
        self._numbered = 0
        self._held = 0
        self._sweep_at = _SWEEP_AT

    def feed(self, packet: Packet) -> Iterator[Chunk]:
        """Take a packet; what it makes available, in order. Packets that are not TCP give nothing.

        The state has changed when this returns, whether the chunks are looked at or not.
        """
        if packet.proto != "tcp":
            return iter(())
        out: list[Chunk] = []
        flags = packet.flags
        direction = self._directions.get((packet.src, packet.sport, packet.dst, packet.dport))
        if flags & RST:
            if direction is not None:
                self._reset(packet, direction, out)
            return iter(out)
        if direction is None:
            direction = self._connect(packet, out)
        offset = packet.seq
        if flags & SYN:
            direction = self._synchronise(packet, direction, out)
            offset += 1
        direction.conn.last = packet.ts
        if flags & ACK:
            peer = direction.peer
            peer.acked = packet.ack
            if peer.pieces or peer.fin is not None:
                self._close_holes(peer, packet.ts, out)
        if packet.payload or packet.clipped or flags & FIN:
            self._segment(packet, direction, offset, out)
        return iter(out)

    def finish(self) -> Iterator[Chunk]:
        """The capture is over: what still waits, with its gaps, and an end for each direction that had none."""
        out: list[Chunk] = []
        for direction in list(self._directions.values()):
            self._end(direction, direction.conn.last, out)
        self._directions.clear()
        return iter(out)

    # Connections

    def _connect(self, packet: Packet, out: list[Chunk]) -> _Direction:
        """A new connection on the ports of the packet; the direction of the packet."""
        if len(self._directions) >= self._sweep_at:
            self._sweep(packet.ts, out)
        self._numbered += 1
        conn = Connection(self._numbered, None, packet.ts)
        direction = _Direction(conn, packet.src, packet.sport, packet.dst, packet.dport)
        peer = _Direction(conn, packet.dst, packet.dport, packet.src, packet.sport)
        direction.peer, peer.peer = peer, direction
        self._directions[packet.dst, packet.dport, packet.src, packet.sport] = peer
        self._directions[packet.src, packet.sport, packet.dst, packet.dport] = direction
        return direction

    def _replace(self, packet: Packet, old: _Direction, out: list[Chunk]) -> _Direction:
        """End the connection on these ports and begin another."""
        for direction in (old, old.peer):
            self._end(direction, packet.ts, out)
        return self._connect(packet, out)

    def _sweep(self, now: int, out: list[Chunk]) -> None:
        """Forget what ended a while ago and, if still too much is remembered, what is idle for longest."""
        live: dict[int, Connection] = {}
        for key, direction in list(self._directions.items()):
            if direction.ended and direction.peer.ended and now - direction.conn.last > _CLOSED_KEPT:
                del self._directions[key]
            else:
                live[direction.conn.number] = direction.conn
        if len(live) > self._connections:
            by_age = sorted(live.values(), key=lambda conn: conn.last)
            idle = {conn.number for conn in by_age[: len(live) - self._connections * 3 // 4]}
            for key, direction in list(self._directions.items()):
                if direction.conn.number in idle:
                    self._end(direction, direction.conn.last, out)
                    del self._directions[key]
        self._sweep_at = max(_SWEEP_AT, min(2 * len(self._directions), 2 * self._connections + 2))

    def _synchronise(self, packet: Packet, direction: _Direction, out: list[Chunk]) -> _Direction:
        """Take a SYN: the beginning of this connection, its repetition, or the beginning of another."""
        peer = direction.peer
        answer = bool(packet.flags & ACK)
        if direction.next is None:
            if answer:
                # The answer must be one to the SYN seen, if one was seen.
                fits = peer.next is None or peer.first <= peer.position(packet.ack) <= peer.next
            else:
                # Both sides may open at once; else octets of the peer belong to an older connection.
                fits = peer.untouched
        else:
            fits = (direction.first - packet.seq - 1) % _MODULUS == 0
            if not fits and answer and direction.untouched and peer.next is not None:
                # The peer was given another initial number before anything was sent.
                fits = peer.syn_seen and peer.position(packet.ack) == peer.first
                direction.next = None if fits else direction.next
        if not fits:
            direction = self._replace(packet, direction, out)
            peer = direction.peer
        if direction.next is None:
            direction.begin(packet.seq + 1, True)
        direction.syn_seen = True
        if answer and peer.next is None:
            # Who answers tells where the octets of the opener begin.
            peer.begin(packet.ack, True)
        if direction.conn.opener is None:
            direction.conn.opener = (packet.dst, packet.dport) if answer else (packet.src, packet.sport)
        return direction

    def _reset(self, packet: Packet, direction: _Direction, out: list[Chunk]) -> None:
        """End both directions, unless the RST cannot be of this connection."""
        if direction.next is not None and abs(direction.position(packet.seq) - direction.next) > _FAR:
            return
        direction.conn.last = packet.ts
        self._end(direction, packet.ts, out)
        self._end(direction.peer, packet.ts, out)

    # Octets

    def _segment(self, packet: Packet, direction: _Direction, offset: int, out: list[Chunk]) -> None:
        """Take the payload and FIN of a packet, whose payload begins at sequence number ``offset``."""
        data, lost = packet.payload, packet.clipped
        length = len(data) + lost
        if direction.next is None:
            if length == 1 and direction.acked == (offset + 1) % _MODULUS:
                return  # a keep-alive probe: its octet was acknowledged before
            direction.begin(offset, False)
        start = direction.position(offset)
        assert direction.next is not None
        if abs(start - direction.next) > _FAR:
            if not length:
                return
            direction = self._replace(packet, direction, out)
            direction.begin(offset, False)
            start = offset
        if packet.flags & FIN and direction.next is not None and start + length >= direction.next:
            direction.fin = start + length
        if length:
            piece = Piece(start, data, lost, packet.ts)
            if start == direction.next and not direction.pieces:
                self._deliver(direction, piece, out)
            else:
                self._keep(direction, piece, out)
        self._close_holes(direction, packet.ts, out)

    def _deliver(self, direction: _Direction, piece: Piece, out: list[Chunk]) -> None:
        """Pass on octets that stand at the expected position."""
        if piece.data:
            out.append(direction.chunk(piece.ts, piece.data))
        direction.next = piece.end
        direction.gap += piece.lost

    def _keep(self, direction: _Direction, piece: Piece, out: list[Chunk]) -> None:
        """Keep octets that are not (or not all) at the expected position; pass on what is in order then."""
        start, data, lost, ts = piece
        assert direction.next is not None
        old = direction.next - start
        if old > 0:
            if old >= len(data) + lost:
                return
            piece = Piece(direction.next, data[old:], lost - max(0, old - len(data)), ts)
        pieces = direction.pieces
        held = pieces.octets
        pieces.add(piece)
        self._held += pieces.octets - held
        self._in_order(direction, out)
        while pieces and (len(pieces) > self._segments or pieces.octets > self._octets or self._held > self._total):
            self._skip(direction, pieces.first, out)

    def _in_order(self, direction: _Direction, out: list[Chunk]) -> None:
        """Pass on the pieces that stand at the expected position."""
        pieces = direction.pieces
        while pieces and pieces.first == direction.next:
            piece = pieces.pop()
            self._held -= len(piece.data)
            self._deliver(direction, piece, out)

    def _skip(self, direction: _Direction, position: int, out: list[Chunk]) -> None:
        """Declare what is missing before ``position`` a gap; pass on what follows it."""
        assert direction.next is not None
        direction.gap += position - direction.next
        direction.next = position
        self._in_order(direction, out)

    def _close_holes(self, direction: _Direction, ts: int, out: list[Chunk]) -> None:
        """Pass over the holes that the peer acknowledged; end the direction when its FIN is reached."""
        if direction.next is None:
            return
        acked = direction.next if direction.acked is None else direction.position(direction.acked)
        while direction.pieces and direction.pieces.first <= acked:
            self._skip(direction, direction.pieces.first, out)
        if direction.fin is None:
            return
        if not direction.pieces and direction.next < direction.fin <= acked:
            self._skip(direction, direction.fin, out)
        if direction.next >= direction.fin:
            direction.next = max(direction.next, direction.fin + 1)
            direction.fin = None
            if not direction.ended:
                out.append(direction.chunk(ts, b"", end=True))

    def _end(self, direction: _Direction, ts: int, out: list[Chunk]) -> None:
        """Pass on all that waits, with gaps, and say that the direction ended if that was not said."""
        while direction.pieces:
            self._skip(direction, direction.pieces.first, out)
        if direction.fin is not None and direction.next is not None:
            self._skip(direction, max(direction.fin, direction.next), out)
            direction.fin = None
        if not direction.ended:
            out.append(direction.chunk(ts, b"", end=True))

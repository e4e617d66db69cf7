"""Finding PDUs in the octets of a conversation.

Both directions of a connection share a `Conversation`: what one side proves helps the other. Until
something is proved the octets are held to the strict reading of the definition, and given up when
both sides have shown something else or nothing was found within `SEARCH_LIMIT`. Once a PDU has been
confirmed, garbage and lost segments only make the parser look for the next PDU.

PDUs without a length (1E) are believed once a response was what a request had asked for, whatever else was
confirmed. Before that they are looked for where a PDU has to begin only: behind another one, or at the beginning
of a segment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from melsec_nsm.codec.frames import Codec, Incomplete, Mismatch, Pdu
from melsec_nsm.codec.transactions import MAX_PENDING, REQUEST_TIMEOUT

SEARCH_LIMIT = 4096
"""Octets of a direction that are searched for a first PDU: a capture may begin inside one."""

CONTROL_LEADS = (0x5A, 0x5B, 0xDA, 0xDB)
"""Octets before ``00 00`` with which control frames of MELSOFT begin. Not all of these are known: adapters of FX3 have
others than CPUs (5B, by public code), and nobody has seen every sub-type. Such a datagram is unknown, not malformed."""

HELD_LIMIT = 64
"""Control frames of a connection that wait for a proof; the oldest is forgotten beyond it."""

_CONTROL = frozenset(bytes([lead]) for lead in CONTROL_LEADS)

Way = TypeVar("Way")
"""What a conversation is told of the way that a PDU takes."""


@dataclass(slots=True)
class Conversation(Generic[Way]):
    """What is known of a connection (over UDP: of two hosts): whether it is MELSEC, and what was odd in it.

    ``pdus`` counts those of both sides. ``sized`` are the frames without a length that have been confirmed,
    ``encoding`` is theirs.
    """

    codec: Codec
    confirmed: bool = False
    declined: bool = False
    malformed: int = 0
    pdus: int = 0
    mismatched: set[Way] = field(default_factory=set)
    held: list[tuple[int, Way, Pdu]] = field(default_factory=list)
    sized: set[str] = field(default_factory=set)
    encoding: str | None = None
    _asked: deque[tuple[int, Pdu]] = field(default_factory=deque)
    _registered: dict[tuple[str, int], Pdu] = field(default_factory=dict)

    def offer(self, ts: int, way: Way, pdu: Pdu) -> list[tuple[int, Way, Pdu]]:
        """The PDUs, with time and way, that may be believed now that this one has been seen.

        A control frame is too short to prove anything alone: it waits for an answer of its own
        kind or for a longer frame.
        """
        if pdu.half.frame.kind == "layout":
            return self._offer_sized(ts, way, pdu)
        if self.confirmed:
            return [(ts, way, pdu)]
        self._hold(ts, way, pdu)
        held = [one for one in self.held if one[2].half.frame.kind != "layout"]
        if pdu.half.frame.weak and len({one.is_request for _, _, one in held}) < 2:
            return []
        self.confirmed = True
        self.held = []
        self._asked.clear()
        return held

    def _hold(self, ts: int, way: Way, pdu: Pdu) -> None:
        self.held.append((ts, way, pdu))
        if len(self.held) > HELD_LIMIT:
            del self.held[0]

    def _offer_sized(self, ts: int, way: Way, pdu: Pdu) -> list[tuple[int, Way, Pdu]]:
        frame = pdu.half.frame.id
        if pdu.is_request:
            self._ask(ts, pdu)
        else:
            self._answer(pdu)
        if frame in self.sized:
            return [(ts, way, pdu)]
        self._hold(ts, way, pdu)
        if pdu.is_request:
            return []
        self.confirmed = True
        self.sized.add(frame)
        self.encoding = self.encoding or pdu.half.frame.encoding
        believed = [one for one in self.held if one[2].half.frame.id == frame]
        self.held = []
        return believed

    def _ask(self, ts: int, request: Pdu) -> None:
        frame, command = request.half.frame.id, request.command or 0
        registering = self.codec.registration(request)
        if registering is not None:
            request.refers = self._registered.get((frame, registering))
        self._registered[frame, command] = request
        self._asked.append((ts, request))
        if len(self._asked) > MAX_PENDING:
            self._asked.popleft()

    def _answer(self, response: Pdu) -> None:
        """Takes an answered request out of those that wait, with those before it that nobody will answer any more."""
        answered = response.refers
        kept: deque[tuple[int, Pdu]] = deque()
        before = True
        for ts, request in self._asked:
            if not (before and request.half.frame is response.half.frame and request.command == response.command):
                kept.append((ts, request))
            before = before and request is not answered
        self._asked = kept

    def asked(self, ts: int) -> list[Pdu]:
        """The requests without a length that wait for a response, the oldest first."""
        while self._asked and ts - self._asked[0][0] >= REQUEST_TIMEOUT * 1_000_000_000:
            self._asked.popleft()
        return [request for _, request in self._asked]

    def mismatch(self, way: Way) -> None:
        """One side shows something else before anything was confirmed."""
        self.mismatched.add(way)
        self.doubt()
        if len(self.mismatched) == 2 and not self.confirmed:
            self.declined = True

    def doubt(self) -> None:
        """What came where a PDU without a length would have to begin is none: so were those before it."""
        self._asked.clear()
        self.held = [one for one in self.held if one[2].half.frame.kind != "layout"]


class StreamParser:
    """The octets of one direction of a TCP connection, cut into PDUs."""

    def __init__(self, codec: Codec, conversation: Conversation[int], side: int) -> None:
        self._codec = codec
        self._conversation = conversation
        self.side = side
        self._buffer = bytearray()
        self._searching = False
        self._searched = 0
        # A PDU may begin with the buffer, since a segment does.
        self._aligned = True
        # What the buffer begins with came before anything was confirmed.
        self._unproved = False
        self._garbage = False
        self._trailing = b""
        # PDUs of the conversation when one began whose end is not known.
        self._open_since: int | None = None

    def feed(self, ts: int, data: bytes, gap: int = 0) -> Iterator[tuple[int, int, Pdu]]:
        """The PDUs that ``data`` completes, with time and side. ``gap`` octets before it were never seen.

        A PDU of the other side may be among them: it was held back until now.
        """
        conversation = self._conversation
        if conversation.declined:
            return
        if gap:
            self._buffer.clear()
            self._searching = True
            self._trailing = b""
            self._open_since = None
        if self._open_since is not None:
            if self._open_since == conversation.pdus:
                return
            self._open_since = None
        if not self._buffer:
            self._aligned = True
        self._buffer += data
        buffer = bytes(self._buffer)
        position = beginning = self._without_trailing(buffer, 0)
        while position < len(buffer):
            strict = self._searching + (not conversation.confirmed)
            aligned = not self._searching or (self._aligned and position == beginning)
            found = self._codec.read(buffer, position, strict=strict)
            if not isinstance(found, Pdu) and (aligned or conversation.sized):
                found = self._sized(ts, buffer, position, found, strict=strict > 0)
            if isinstance(found, Pdu):
                self._searching = self._unproved = False
                found.garbage, self._garbage = self._garbage, False
                self._trailing = found.trailing
                position += found.size
                if found.trailing:
                    position = self._without_trailing(buffer, position)
                conversation.pdus += 1
                yield from conversation.offer(ts, self.side, found)
                if found.open:
                    # It goes on, nobody knows how far, until the other side has said something.
                    self._open_since = conversation.pdus
                    position = len(buffer)
                continue
            if isinstance(found, Incomplete):
                self._aligned = aligned
                self._unproved = self._unproved or not conversation.confirmed
                break
            self._mismatch(aligned)
            position = self._next(buffer, position)
            if conversation.declined:
                self._buffer.clear()
                return
        del self._buffer[:position]

    def _mismatch(self, aligned: bool) -> None:
        """There is no PDU. What came before anything was confirmed is no mistake: a capture may begin inside one."""
        conversation = self._conversation
        if self._searching:
            if aligned:
                conversation.doubt()
            return
        self._searching = True
        if not conversation.confirmed:
            conversation.mismatch(self.side)
        elif not self._unproved:
            conversation.malformed += 1
            self._garbage = True

    def _sized(
        self, ts: int, buffer: bytes, position: int, other: Mismatch | Incomplete, *, strict: bool
    ) -> Pdu | Mismatch | Incomplete:
        """The PDU without a length at a place where there is none with one (yet), or why there is neither."""
        conversation = self._conversation
        strict = strict or not conversation.sized
        asked, encoding = conversation.asked(ts), conversation.encoding
        found = self._codec.read_sized(buffer, position, strict=strict, asked=asked, encoding=encoding)
        return found if isinstance(found, Pdu) or isinstance(other, Mismatch) else other

    def _without_trailing(self, buffer: bytes, position: int) -> int:
        """The place behind the octets that may follow the last PDU and mean nothing."""
        trailing = self._trailing
        if not trailing or position == len(buffer):
            return position
        here = buffer[position : position + len(trailing)]
        self._trailing = b""
        if not trailing.startswith(here):
            return position
        self._trailing = trailing[len(here) :]
        return position + len(here)

    def _next(self, buffer: bytes, position: int) -> int:
        """The place where the next PDU may begin; the octets up to there count as searched."""
        candidate = self._codec.any_candidate if self._conversation.sized else self._codec.candidate
        found = candidate.search(buffer, position + 1)
        following = found.start() if found else len(buffer)
        self._searched += following - position
        if not self._conversation.confirmed and self._searched > SEARCH_LIMIT:
            self._conversation.declined = True
        return following


def is_control(data: bytes) -> bool:
    """Whether a datagram may be a control frame that the definition does not have."""
    return data[:1] in _CONTROL and data[1:3] == b"\0\0"


def read_datagram(codec: Codec, data: bytes, *, strict: bool = True, asked: list[Pdu] | None = None) -> Pdu | None:
    """The PDU that fills a datagram, None where it is none. ``asked`` as in `Codec.read`."""
    found = codec.read(data, strict=strict, asked=asked)
    if isinstance(found, (Mismatch, Incomplete)) or "udp" not in found.half.frame.transports:
        return None
    if found.open:
        found.data += data[found.size :]
        found.size = len(data)
    return found if found.size == len(data) or data[found.size :] == found.trailing else None

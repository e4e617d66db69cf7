"""Finding PDUs in the octets of a conversation.

Both directions of a connection share a `Conversation`: what one side proves helps the other. Until
something is proved the octets are held to the strict reading of the definition, and given up when
both sides have shown something else or nothing was found within `SEARCH_LIMIT`. Once a PDU has been
confirmed, garbage and lost segments only make the parser look for the next PDU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from melsec_nsm.codec.frames import Codec, Incomplete, Mismatch, Pdu

SEARCH_LIMIT = 4096
"""Octets of a direction that are searched for a first PDU: a capture may begin inside one."""

HELD_LIMIT = 64
"""Control frames of a connection that wait for a proof; the oldest is forgotten beyond it."""


@dataclass(slots=True)
class Conversation:
    """What is known of a connection: whether it is MELSEC, and what was odd in it."""

    confirmed: bool = False
    declined: bool = False
    malformed: int = 0
    mismatched: set[int] = field(default_factory=set)
    held: list[tuple[int, int, Pdu]] = field(default_factory=list)

    def offer(self, ts: int, side: int, pdu: Pdu) -> list[tuple[int, int, Pdu]]:
        """The PDUs, with time and side, that may be believed now that this one has been seen.

        A control frame is too short to prove anything alone: it waits for an answer of its own
        kind or for a longer frame.
        """
        if self.confirmed:
            return [(ts, side, pdu)]
        self.held.append((ts, side, pdu))
        directions = {held.is_request for _, _, held in self.held}
        if not pdu.half.frame.weak or len(directions) == 2:
            self.confirmed = True
            believed, self.held = self.held, []
            return believed
        if len(self.held) > HELD_LIMIT:
            del self.held[0]
        return []

    def mismatch(self, side: int) -> None:
        """One side shows something else before anything was confirmed."""
        self.mismatched.add(side)
        if len(self.mismatched) == 2 and not self.confirmed:
            self.declined = True


class StreamParser:
    """The octets of one direction of a TCP connection, cut into PDUs."""

    def __init__(self, codec: Codec, conversation: Conversation, side: int) -> None:
        self._codec = codec
        self._conversation = conversation
        self.side = side
        self._buffer = bytearray()
        self._searching = False
        self._searched = 0
        self._candidate = re.compile(b"[" + re.escape(bytes(sorted(codec.first_octets))) + b"]")

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
        self._buffer += data
        buffer = bytes(self._buffer)
        position = 0
        while position < len(buffer):
            strict = self._searching or not conversation.confirmed
            found = self._codec.read(buffer, position, strict=strict)
            if isinstance(found, Pdu):
                self._searching = False
                position += found.size
                yield from conversation.offer(ts, self.side, found)
                continue
            if isinstance(found, Incomplete):
                break
            if not self._searching:
                self._searching = True
                if conversation.confirmed:
                    conversation.malformed += 1
                else:
                    conversation.mismatch(self.side)
            candidate = self._candidate.search(buffer, position + 1)
            skipped_to = candidate.start() if candidate else len(buffer)
            self._searched += skipped_to - position
            position = skipped_to
            if not conversation.confirmed and self._searched > SEARCH_LIMIT:
                conversation.declined = True
            if conversation.declined:
                self._buffer.clear()
                return
        del self._buffer[:position]


def read_datagram(codec: Codec, data: bytes) -> Pdu | None:
    """The PDU that fills a datagram, None where it is none."""
    found = codec.read(data)
    if isinstance(found, (Mismatch, Incomplete)) or found.size != len(data):
        return None
    return found

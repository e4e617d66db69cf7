"""All frames of a definition: recognising, decoding and encoding PDUs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

from melsec_nsm.codec import payload
from melsec_nsm.codec.devices import Devices
from melsec_nsm.codec.payload import Payload, Reading
from melsec_nsm.codec.pdu import INCOMPLETE, MISMATCH, AsciiHalf, Half, Incomplete, Mismatch, Pdu, Value
from melsec_nsm.codec.sized import LayoutHalf, registrations
from melsec_nsm.codec.stuffed import StuffedHalf
from melsec_nsm.definitions.model import Definition, Frame, Protocol

__all__ = ["Codec", "Half", "Incomplete", "LayoutHalf", "Mismatch", "Pdu", "Value"]


class Codec:
    """All frames of a definition, ready to recognise, decode and encode."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.devices = {name: Devices(definition, protocol) for name, protocol in definition.protocols.items()}
        self._halves: dict[tuple[str, str], Half] = {}
        self._registrations: dict[tuple[str, int], int] = {}
        for protocol in definition.protocols.values():
            for frame in protocol.frames:
                for direction in ("request", "response"):
                    if frame.half(direction):
                        self._halves[frame.id, direction] = self._half(protocol, frame, direction)
                if frame.kind == "layout":
                    self._registrations |= {(frame.id, reader): code for reader, code in registrations(protocol)}
        plain = [half for half in self._halves.values() if not isinstance(half, LayoutHalf)]
        sized = [half for half in self._halves.values() if isinstance(half, LayoutHalf)]
        # Where one is a special case of another it comes first.
        self._by_first = _by_first(sorted(plain, key=lambda half: -half.certainty))
        # Responses come first: there has to be a request that they answer.
        self._sized = _by_first(sorted(sized, key=lambda half: half.direction == "request"))

    def _half(self, protocol: Protocol, frame: Frame, direction: str) -> Half:
        statuses = frozenset(one.code for one in self.definition.statuses.get(protocol.status_table, ()))
        if frame.kind == "layout":
            return LayoutHalf(protocol, frame, direction, self.devices[protocol.name], statuses)
        kind = StuffedHalf if frame.kind == "stuffed" else AsciiHalf if frame.encoding == "ascii" else Half
        return kind(protocol, frame, direction, statuses)

    @cached_property
    def first_octets(self) -> frozenset[int]:
        """The octets with which a PDU may begin that says itself how long it is."""
        return frozenset(self._by_first)

    @cached_property
    def marks(self) -> dict[bytes, str]:
        """The pairs of octets that no binary PDU lacks which says itself how long it is, with the half they begin."""
        plain = [half for half in self._halves.values() if type(half) is Half]
        return {
            bytes((lead, second)): half.direction
            for half in plain
            for (low, high), (low_second, high_second) in first_two(half.frame, half.direction)
            for lead in range(low, high + 1)
            for second in range(low_second, high_second + 1)
        }

    @cached_property
    def sized_octets(self) -> frozenset[int]:
        """The octets with which a PDU without a length may begin."""
        return frozenset(self._sized)

    @cached_property
    def candidate(self) -> re.Pattern[bytes]:
        """Where a PDU that says itself how long it is may begin, at the end of the octets too."""
        starts = {_start(half) for half in self._halves.values() if not isinstance(half, LayoutHalf)}
        return re.compile(b"|".join(sorted(starts)), re.DOTALL)

    @cached_property
    def any_candidate(self) -> re.Pattern[bytes]:
        """Where a PDU of any kind may begin."""
        sized = b"[" + re.escape(bytes(sorted(self.sized_octets))) + b"]"
        return re.compile(self.candidate.pattern + b"|" + sized, re.DOTALL)

    def half(self, frame_id: str, direction: str) -> Half:
        """A compiled half; KeyError where the definition has no such frame, or it has no such direction."""
        return self._halves[frame_id, direction]

    def halves(self) -> Iterable[Half]:
        """Every compiled half."""
        return self._halves.values()

    def read(
        self, buffer: bytes, start: int = 0, *, strict: int = 1, asked: Sequence[Pdu] | None = None
    ) -> Pdu | Mismatch | Incomplete:
        """The PDU at ``start``, or why there is none.

        ``asked`` are the requests without a length that wait for a response, the oldest first; None where
        such PDUs (1E) are not looked for.
        """
        if start >= len(buffer):
            return INCOMPLETE
        waiting: Incomplete | None = None
        for half in self._by_first.get(buffer[start], ()):
            total = half.measure(buffer, start, strict=strict)
            if isinstance(total, int):
                return half.decode(buffer, start, total)
            if isinstance(total, Incomplete) and (waiting is None or total.total):
                waiting = total
        if asked is not None:
            found = self.read_sized(buffer, start, strict=bool(strict), asked=asked)
            if waiting is None or isinstance(found, Pdu):
                return found
        return waiting or MISMATCH

    def read_sized(
        self, buffer: bytes, start: int, *, strict: bool, asked: Sequence[Pdu], encoding: str | None = None
    ) -> Pdu | Mismatch | Incomplete:
        """The PDU without a length at ``start``, or why there is none.

        ``asked`` are the requests that wait for a response, the oldest first. ``encoding`` is that of all these
        PDUs, None where it is not known.
        """
        waiting: Incomplete | None = None
        for half in self._sized.get(buffer[start], ()):
            if encoding is None or half.frame.encoding == encoding:
                found = half.find(buffer, start, strict=strict, asked=asked)
                if isinstance(found, Pdu):
                    return found
                if isinstance(found, Incomplete):
                    waiting = waiting or found
        return waiting or MISMATCH

    def registration(self, request: Pdu) -> int | None:
        """The code of the command whose registration a request without data reads, None for any other request."""
        return self._registrations.get((request.half.frame.id, request.command or 0))

    # Payloads

    def reading(self, half: Half, code: int, subcommand: int) -> Reading:
        """How the data of a half are read for a command."""
        command = half.protocol.command(code, half.digits)
        return Reading.of(self.devices[half.protocol.name], command, subcommand, ascii=half.ascii)

    def payload(self, pdu: Pdu, request: Pdu | None = None) -> Payload:
        """The fields in the data of a PDU; of a response given its request where it does not say what it answers.

        The data of an error response are those of its frame, whatever the command.
        """
        asked = request or pdu.refers if not pdu.is_request else None
        code = pdu.command if pdu.command is not None else asked.command if asked is not None else None
        subcommand = pdu.subcommand if pdu.subcommand is not None else asked.subcommand if asked is not None else None
        half = pdu.half
        if code is None or pdu.status:
            error = half.protocol.layouts.get(half.frame.error) if pdu.status else None
            return payload.decode(error, pdu.body, self.reading(half, -1, 0))
        layout = payload.layout_of(half, code, subcommand or 0)
        reading = self.reading(half, code, subcommand or 0)
        if asked is not None and layout is not None and layout.asks and asked.half.protocol is half.protocol:
            reading = reading.answering(payload.asked_for(asked, reading.devices))
        return payload.decode(layout, pdu.body, reading)


def first_two(frame: Frame, direction: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Ranges of the first two octets of a half on the wire."""
    lead, *rest = frame.half(direction)
    assert isinstance(lead.const, bytes)
    octets = lead.const
    if frame.encoding == "ascii":
        text = octets.hex().upper().encode()
        yield (text[0], text[0]), (text[1], text[1])
        if text[:1].isalpha():
            yield (text[0] | 0x20, text[0] | 0x20), (text[1], text[1])
    elif len(octets) > 1:
        yield (octets[0], octets[0]), (octets[1], octets[1])
    else:
        for low, high in rest[0].allowed:
            yield (octets[0], octets[0]), (low, high)


_AnyHalf = TypeVar("_AnyHalf", bound=Half)


def _by_first(halves: Iterable[_AnyHalf]) -> dict[int, tuple[_AnyHalf, ...]]:
    """Halves by the octet they start with."""
    found: dict[int, list[_AnyHalf]] = {}
    for half in halves:
        for octet in half.first_octets:
            found.setdefault(octet, []).append(half)
    return {octet: tuple(halves) for octet, halves in found.items()}


def _start(half: Half) -> bytes:
    """An expression for the octets that a PDU starts with, as far as the octets go."""
    expression = b""
    for octet in reversed(half.prefix):
        one = re.escape(bytes([octet]))
        if half.ascii and one.isalpha():
            one = b"[" + one.upper() + one.lower() + b"]"
        expression = one + (b"(?:" + expression + rb"|\Z)" if expression else b"")
    return expression

"""Frames compiled from the definition: recognising, decoding and encoding PDUs.

The definition describes each header as a list of fields of fixed size with ``data`` at the end.
Compiling turns that into one `struct.Struct` and a few constants per half, so that decoding a
PDU costs one unpack and no look at the definition.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from melsec_nsm.definitions.model import Command, Definition, Field, Frame, Protocol

_SCALARS = {"u8": ("B", 1), "u16": ("H", 2), "u32": ("I", 4), "u16be": ("H", 2)}

Value = int | str | bytes


def _swap(value: int) -> int:
    return (value >> 8) | ((value & 0xFF) << 8)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The octets at this place are no PDU."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The octets so far may be a PDU; more are needed to tell or to complete it.

    ``total`` is the size of the PDU where the length field has been seen, else 0.
    """

    total: int = 0


class Half:
    """One half (request or response) of a frame, compiled."""

    def __init__(self, protocol: Protocol, frame: Frame, direction: str) -> None:
        self.protocol = protocol
        self.frame = frame
        self.direction = direction
        fields = frame.half(direction)
        self.header = fields[:-1]
        self.data_field = fields[-1]
        self.names = tuple(field.name for field in self.header)
        self._index = {name: position for position, name in enumerate(self.names)}
        order = "<" if protocol.byte_order == "little" else ">"
        swapped = {"u16be"} if order == "<" else set()
        self._swapped = tuple(position for position, field in enumerate(self.header) if field.type in swapped)
        pieces: list[str] = []
        self.offsets: dict[str, int] = {}
        offset = 0
        consts: list[tuple[int, bytes]] = []
        allowed: list[tuple[int, tuple[tuple[int, int], ...]]] = []
        self.length_end = 0
        self._length_position = -1
        self.minimum = self.maximum = 0
        for position, field in enumerate(self.header):
            self.offsets[field.name] = offset
            code, size = _SCALARS.get(field.type, (f"{_size_of(field)}s", _size_of(field)))
            pieces.append(code)
            if field.const is not None:
                consts.append((offset, _const_octets(field, order)))
            if field.allowed:
                allowed.append((position, field.allowed))
            offset += size
            if field.counts == "rest":
                self._length_position = position
                self.length_end = offset
                self.minimum = field.minimum or 0
                self.maximum = field.maximum or 0xFFFF
        self.struct = struct.Struct(order + "".join(pieces))
        self.header_size = self.struct.size
        self._consts = tuple(consts)
        self._allowed = tuple(allowed)
        self._length_struct = struct.Struct(order + "H")
        self._length_offset = self.length_end - 2
        self._command = self._index.get("command")
        self._subcommand = self._index.get("subcommand")
        self._serial = self._index.get("serial")
        self._status = self._index.get("status")
        self.digits = 2 if "command" in self._index and self.header[self._index["command"]].type == "u8" else 4

    @property
    def first_octet(self) -> int:
        """The octet every PDU of this half starts with."""
        offset, octets = self._consts[0]
        assert offset == 0, "a frame starts with its sub-header"
        return octets[0]

    def measure(self, buffer: bytes, start: int, *, strict: bool) -> int | Mismatch | Incomplete:
        """The size of the PDU that starts at ``start``.

        ``strict`` also insists on the values that the definition allows in the route; it is for
        octets of which nothing vouches yet that they are MELSEC.
        """
        available = len(buffer) - start
        for offset, octets in self._consts:
            if available < offset + len(octets):
                seen = buffer[start + offset : start + available]
                return Incomplete() if octets.startswith(seen) else MISMATCH
            if buffer[start + offset : start + offset + len(octets)] != octets:
                return MISMATCH
        if available < self.header_size:
            return INCOMPLETE
        values: tuple[Value, ...] | None = None
        if self._length_position >= 0:
            length = self._length_struct.unpack_from(buffer, start + self._length_offset)[0]
            if not self.minimum <= length <= self.maximum:
                return MISMATCH
            total = int(self.length_end + length)
        else:
            values = self._unpack(buffer, start)
            code = values[self._command] if self._command is not None else 0
            assert isinstance(code, int)
            rest = self.data_field.sizes.get(code)
            if rest is None:
                return MISMATCH
            total = self.header_size + rest
        if strict and self._allowed:
            values = values or self._unpack(buffer, start)
            for position, ranges in self._allowed:
                value = values[position]
                assert isinstance(value, int)
                if not any(low <= value <= high for low, high in ranges):
                    return MISMATCH
        return total if available >= total else Incomplete(total)

    def _unpack(self, buffer: bytes, start: int) -> tuple[Value, ...]:
        values = self.struct.unpack_from(buffer, start)
        if self._swapped:
            changed = list(values)
            for position in self._swapped:
                changed[position] = _swap(changed[position])
            return tuple(changed)
        return values

    def decode(self, buffer: bytes, start: int, total: int) -> Pdu:
        """The PDU of ``total`` octets at ``start``; the caller has measured it."""
        values = self._unpack(buffer, start)
        return Pdu(self, values, bytes(buffer[start + self.header_size : start + total]), total)

    def encode(self, values: Mapping[str, Value], data: bytes) -> bytes:
        """The octets of a PDU. Fields that ``values`` leaves out take their constant or default."""
        size = self.header_size + len(data)
        packed: list[Value] = []
        for position, field in enumerate(self.header):
            value = values.get(field.name)
            if value is None and field.counts == "rest":
                value = size - self.length_end
            if value is None:
                value = field.const if field.const is not None else field.default
            if value is None:
                value = bytes(_size_of(field)) if field.type == "bytes" else 0
            if position in self._swapped:
                assert isinstance(value, int)
                value = _swap(value)
            packed.append(value)
        return self.struct.pack(*packed) + data


def _size_of(field: Field) -> int:
    if field.type == "bytes":
        if field.size is not None:
            return field.size
        assert isinstance(field.const, bytes)
        return len(field.const)
    return _SCALARS[field.type][1]


def _const_octets(field: Field, order: str) -> bytes:
    if isinstance(field.const, bytes):
        return field.const
    code, _ = _SCALARS[field.type]
    return struct.pack((">" if field.type == "u16be" else order) + code, field.const)


MISMATCH = Mismatch()
INCOMPLETE = Incomplete()


class Pdu:
    """One decoded PDU: its header fields and the octets of its data."""

    __slots__ = ("data", "half", "size", "values")

    def __init__(self, half: Half, values: tuple[Value, ...], data: bytes, size: int) -> None:
        self.half = half
        self.values = values
        self.data = data
        self.size = size

    def _number(self, position: int | None) -> int | None:
        if position is None:
            return None
        value = self.values[position]
        assert isinstance(value, int)
        return value

    def get(self, name: str) -> Value | None:
        """A header field by name, None where this half has no such field."""
        position = self.half._index.get(name)
        return None if position is None else self.values[position]

    @property
    def protocol(self) -> str:
        """Name of the protocol."""
        return self.half.protocol.name

    @property
    def is_request(self) -> bool:
        """Whether the sub-header says request."""
        return self.half.direction == "request"

    @property
    def command(self) -> int | None:
        """The command code, None in responses that do not carry it."""
        return self._number(self.half._command)

    @property
    def subcommand(self) -> int | None:
        """The sub-command, None where the half has none."""
        return self._number(self.half._subcommand)

    @property
    def serial(self) -> int | None:
        """4E serial number or MELSOFT packet reference."""
        return self._number(self.half._serial)

    @property
    def status(self) -> int | None:
        """End code or status; None in requests and control frames."""
        return self._number(self.half._status)

    @property
    def known(self) -> Command | None:
        """The definition's entry for the command."""
        code = self.command
        return None if code is None else self.half.protocol.command(code, self.half.digits)

    def __repr__(self) -> str:
        fields = " ".join(f"{name}={value!r}" for name, value in zip(self.half.names, self.values, strict=True))
        return f"<{self.half.frame.id} {self.half.direction} {fields} data={self.data.hex()}>"


class Codec:
    """All frames of a definition, ready to recognise, decode and encode."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._halves: dict[tuple[str, str], Half] = {}
        by_first: dict[int, list[Half]] = {}
        for protocol in definition.protocols.values():
            for frame in protocol.frames:
                for direction in ("request", "response"):
                    half = Half(protocol, frame, direction)
                    self._halves[frame.id, direction] = half
                    by_first.setdefault(half.first_octet, []).append(half)
        self._by_first = {octet: tuple(halves) for octet, halves in by_first.items()}

    @cached_property
    def first_octets(self) -> frozenset[int]:
        """The octets with which a PDU may begin."""
        return frozenset(self._by_first)

    def half(self, frame_id: str, direction: str) -> Half:
        """A compiled half; KeyError where the definition has no such frame."""
        return self._halves[frame_id, direction]

    def halves(self) -> Iterable[Half]:
        """Every compiled half."""
        return self._halves.values()

    def read(self, buffer: bytes, start: int = 0, *, strict: bool = True) -> Pdu | Mismatch | Incomplete:
        """The PDU at ``start``, or why there is none."""
        if start >= len(buffer):
            return INCOMPLETE
        waiting: Incomplete | None = None
        for half in self._by_first.get(buffer[start], ()):
            total = half.measure(buffer, start, strict=strict)
            if isinstance(total, int):
                return half.decode(buffer, start, total)
            if isinstance(total, Incomplete) and (waiting is None or total.total):
                waiting = total
        return waiting or MISMATCH

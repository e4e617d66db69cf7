"""PDUs, and the halves of frames that they are read and written by.

The definition describes a header as a list of fields of fixed size with ``data`` at the end. Compiling
turns that into one `struct.Struct` and a few constants per half, so that decoding a PDU costs one unpack
and no look at the definition. In an ASCII frame every octet of the header is two hexadecimal characters,
the most significant digit first, and its length counts characters.
"""

from __future__ import annotations

import struct
from binascii import unhexlify
from collections.abc import Mapping

from melsec_nsm.codec import footer as footers
from melsec_nsm.codec.footer import FooterSeen
from melsec_nsm.definitions.model import Command, Field, Frame, Protocol

SCALARS = {"u8": ("B", 1), "u16": ("H", 2), "u32": ("I", 4), "u16be": ("H", 2)}
"""Struct code and octets of the numbers in a header."""

HEX_DIGITS = b"0123456789ABCDEFabcdef"

Value = int | str | bytes


class Mismatch:
    """The octets at this place are no PDU."""

    __slots__ = ()


class Incomplete:
    """The octets so far may be a PDU; more are needed to tell or to complete it.

    ``total`` is the size of the PDU where that can be told already, else 0.
    """

    __slots__ = ("total",)

    def __init__(self, total: int = 0) -> None:
        self.total = total


MISMATCH = Mismatch()
INCOMPLETE = Incomplete()


class Half:
    """One half (request or response) of a frame in binary, compiled.

    Sizes and offsets are in octets as they are on the wire.
    """

    def __init__(
        self, protocol: Protocol, frame: Frame, direction: str, statuses: frozenset[int] = frozenset()
    ) -> None:
        self.protocol = protocol
        self.frame = frame
        self.direction = direction
        self.ascii = frame.encoding == "ascii"
        self.scale = 2 if self.ascii else 1
        fields = frame.half(direction)
        self.header = fields[:-1]
        self.data_field = fields[-1]
        self.names = tuple(field.name for field in self.header)
        self._index = {name: position for position, name in enumerate(self.names)}
        self._order = order = "<" if protocol.byte_order == "little" and not self.ascii else ">"
        swapped = {"u16be"} if order == "<" else set()
        self._swapped = tuple(position for position, field in enumerate(self.header) if field.type in swapped)
        self._flagged = tuple((position, field.flag) for position, field in enumerate(self.header) if field.flag)
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
            code, size = SCALARS.get(field.type, (f"{size_of(field)}s", size_of(field)))
            pieces.append(code)
            if field.const is not None:
                consts.append((offset, self.written(_const_octets(field, order))))
            if field.allowed:
                allowed.append((position, field.allowed))
            offset += size * self.scale
            if field.counts == "rest":
                self._length_position = position
                self.length_end = offset
                self.minimum = (field.minimum or 0) * self.scale
                self.maximum = min((field.maximum or 0xFFFF) * self.scale, 0xFFFF)
        self.struct = struct.Struct(order + "".join(pieces))
        self.header_size = offset
        self._consts = tuple(consts)
        self._allowed = tuple(allowed)
        # Only a route leaves so much open that its usual values say something.
        routed = any(field.name == "station" and field.allowed for field in self.header)
        self._usual = tuple(
            (position, field.default)
            for position, field in enumerate(self.header)
            if routed and field.allowed and field.default is not None
        )
        self._statuses = statuses
        self._length_struct = struct.Struct(order + "H")
        self._length_offset = self.length_end - 2 * self.scale
        self._command = self._index.get("command")
        self._subcommand = self._index.get("subcommand")
        self._serial = self._index.get("serial")
        self._status = self._index.get("status")
        self.digits = 2 if self._command is not None and self.header[self._command].type == "u8" else 4
        self.status_digits = 2 if self._status is not None and self.header[self._status].type == "u8" else 4

    @property
    def footed(self) -> bool:
        """Whether a footer may follow the data."""
        footer = self.protocol.footer
        return footer is not None and footer.size in self._index

    def written(self, octets: bytes) -> bytes:
        """Octets of the definition as they are on the wire."""
        return octets.hex().upper().encode() if self.ascii else octets

    @property
    def prefix(self) -> bytes:
        """The octets with which every PDU of this half starts (in ASCII upper case); empty where none are fixed."""
        prefix = b""
        for offset, octets in self._consts:
            if offset != len(prefix):
                break
            prefix += octets
        return prefix

    @property
    def first_octets(self) -> frozenset[int]:
        """The octets with which a PDU of this half may start."""
        first = self.prefix[:1]
        return frozenset(first + first.lower() if self.ascii else first)

    @property
    def certainty(self) -> int:
        """How many octets are fixed: of two halves with one beginning the more certain is tried first."""
        return sum(len(octets) for _, octets in self._consts)

    def measure(self, buffer: bytes, start: int, *, strict: int) -> int | Mismatch | Incomplete:
        """The size of the PDU that starts at ``start``.

        ``strict`` is for octets of which nothing vouches yet that they are MELSEC. 1 also insists on the
        values that the definition allows in the header, and, unless these are the usual ones, the route to
        the own station among them, on a command or an end code that the definition knows. 2, for the middle
        of octets that are no PDU, believes no response but with the usual values.
        """
        available = len(buffer) - start
        for offset, octets in self._consts:
            if available < offset + len(octets):
                seen = buffer[start + offset : start + available]
                return INCOMPLETE if octets.startswith(seen) else MISMATCH
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
        if strict and self._allowed and not self._is_vouched_for(values or self._unpack(buffer, start), strict):
            return MISMATCH
        return total if available >= total else Incomplete(total)

    def _is_allowed(self, values: tuple[Value, ...]) -> bool:
        for position, ranges in self._allowed:
            value = values[position]
            assert isinstance(value, int)
            if not any(low <= value <= high for low, high in ranges):
                return False
        return True

    def _is_vouched_for(self, values: tuple[Value, ...], strict: int) -> bool:
        """Whether values are more than octets that happen to look like a header."""
        if not self._is_allowed(values):
            return False
        if all(values[position] == default for position, default in self._usual):
            return True
        if self.direction == "request":
            code = values[self._command] if self._command is not None else None
            command = self.protocol.command(code, self.digits) if isinstance(code, int) else None
            if command is None:
                return False
            return (
                self._subcommand is None or not command.subcommands or values[self._subcommand] in command.subcommands
            )
        return strict == 1 and (self._status is None or values[self._status] in self._statuses)

    def _unpack(self, buffer: bytes, start: int) -> tuple[Value, ...]:
        values = self.struct.unpack_from(buffer, start)
        return self._adjusted(values) if self._swapped or self._flagged else values

    def _adjusted(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        """Values as the definition means them: big-endian ones the right way round, flags taken off."""
        changed = list(values)
        for position in self._swapped:
            value = changed[position]
            assert isinstance(value, int)
            changed[position] = _swap(value)
        for position, flag in self._flagged:
            value = changed[position]
            assert isinstance(value, int)
            changed[position] = value & ~flag
        return tuple(changed)

    def decode(self, buffer: bytes, start: int, total: int) -> Pdu:
        """The PDU of ``total`` octets at ``start``; the caller has measured it."""
        values = self._unpack(buffer, start)
        return Pdu(self, values, bytes(buffer[start + self.header_size : start + total]), total)

    def encode(self, values: Mapping[str, Value], data: bytes) -> bytes:
        """The octets of a PDU. Fields that ``values`` leaves out take their constant or default.

        ``data`` is as on the wire: characters in an ASCII frame.
        """
        return self.written(self._packed(values, self.header_size + len(data) - self.length_end)) + data

    def _packed(self, values: Mapping[str, Value], length: int) -> bytes:
        """The header as octets. ``length`` is what a length field counts."""
        packed: list[Value] = []
        for field in self.header:
            value = values.get(field.name)
            if value is None and field.counts == "rest":
                value = length
            if value is None:
                value = field.const if field.const is not None else field.default
            if value is None:
                value = bytes(size_of(field)) if field.type == "bytes" else 0
            packed.append(value)
        for position in self._swapped:
            value = packed[position]
            assert isinstance(value, int)
            packed[position] = _swap(value)
        for position, flag in self._flagged:
            value = packed[position]
            assert isinstance(value, int)
            packed[position] = value | flag
        return self.struct.pack(*packed)


class AsciiHalf(Half):
    """One half of a frame in ASCII with a length field. Digits may be in upper or lower case."""

    def measure(self, buffer: bytes, start: int, *, strict: int) -> int | Mismatch | Incomplete:
        """As for a binary half; besides, a header is nothing but hexadecimal digits."""
        header = bytes(buffer[start : start + self.header_size])
        if header.translate(None, HEX_DIGITS):
            return MISMATCH
        upper = header.upper()
        for offset, octets in self._consts:
            if not octets.startswith(upper[offset : offset + len(octets)]):
                return MISMATCH
        if len(header) < self.header_size:
            return INCOMPLETE
        values = self._unpack(header, 0)
        length = values[self._length_position]
        assert isinstance(length, int)
        if not self.minimum <= length <= self.maximum:
            return MISMATCH
        if strict and not self._is_vouched_for(values, strict):
            return MISMATCH
        total = self.length_end + length
        return total if len(buffer) - start >= total else Incomplete(total)

    def _unpack(self, buffer: bytes, start: int) -> tuple[Value, ...]:
        return super()._unpack(unhexlify(buffer[start : start + self.header_size]), 0)


def size_of(field: Field) -> int:
    """Octets of a header field in binary."""
    if field.type == "bytes":
        if field.size is not None:
            return field.size
        assert isinstance(field.const, bytes)
        return len(field.const)
    return SCALARS[field.type][1]


def _const_octets(field: Field, order: str) -> bytes:
    if isinstance(field.const, bytes):
        return field.const
    code, _ = SCALARS[field.type]
    return struct.pack((">" if field.type == "u16be" else order) + code, field.const)


def _swap(value: int) -> int:
    return (value >> 8) | ((value & 0xFF) << 8)


class Pdu:
    """One decoded PDU: its header fields and its data as on the wire (characters in an ASCII frame).

    ``body`` are the data without the footer, which is None where there is none. ``refers`` is the request that a
    response without a length was measured by, or the registration that a request relies on. ``trailing`` are octets
    that may still follow the PDU and belong to it, but mean nothing; ``size`` does not count them. ``open`` says that
    it goes on for an unknown number of octets, ``garbage`` that between it and the PDU before it was what is none.
    """

    __slots__ = ("_footer", "_kind", "data", "garbage", "half", "open", "refers", "size", "trailing", "values")

    def __init__(self, half: Half, values: tuple[Value, ...], data: bytes, size: int) -> None:
        self.half = half
        self.values = values
        self.data = data
        self.size = size
        self.refers: Pdu | None = None
        self.trailing = b""
        self.open = False
        self.garbage = False
        self._footer: FooterSeen | Mismatch | None = MISMATCH
        self._kind: tuple[str, int, int] | None = None

    @property
    def kind(self) -> tuple[str, int, int]:
        """Protocol, digits and code of the command, -1 where the half carries none: what the definition knows it by."""
        if self._kind is None:
            code = self.command
            self._kind = self.half.protocol.name, self.half.digits, -1 if code is None else code
        return self._kind

    @property
    def footer(self) -> FooterSeen | None:
        """What follows the data, None where there is nothing."""
        if isinstance(self._footer, Mismatch):
            self._footer = footers.seen(self) if self.half.footed else None
        return self._footer

    @property
    def body(self) -> bytes:
        """The data that a layout describes."""
        footer = self.footer
        return self.data if footer is None else self.data[: footer.at]

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

    @property
    def is_unanswered(self) -> bool:
        """Whether it is normal that nobody answers."""
        known = self.known
        return known is not None and known.unanswered

    def __repr__(self) -> str:
        fields = " ".join(f"{name}={value!r}" for name, value in zip(self.half.names, self.values, strict=True))
        return f"<{self.half.frame.id} {self.half.direction} {fields} data={self.data.hex()}>"

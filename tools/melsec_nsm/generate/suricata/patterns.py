"""From the fields of a frame to Suricata's payload keywords.

A header becomes a list of constraints with offsets from the start of the PDU. The same list is
written in two ways: *anchored*, where the PDU starts at the first octet of the packet and every
keyword takes an absolute offset, and *floating*, where the PDU may stand anywhere in a stream and
every keyword is relative to the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from melsec_nsm.definitions.model import Field, Frame, Protocol

_SIZES = {"u8": 1, "u16": 2, "u16be": 2, "u24": 3, "u32": 4}

Ranges = tuple[tuple[int, int], ...]


class UnsupportedByBackend(Exception):  # noqa: N818 - the name says what is wrong
    """A detection needs something that plain Suricata keywords cannot say."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a header field stands: offset and size in octets, and its byte order."""

    field: Field
    offset: int
    size: int
    order: str

    def octets(self, value: int) -> bytes:
        """The field's octets on the wire for a value."""
        return value.to_bytes(self.size, "little" if self.order == "little" else "big")

    @property
    def end(self) -> int:
        """Offset of the octet behind the field."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Octets:
    """These octets stand at this offset."""

    offset: int
    octets: bytes
    fast: bool = False

    @property
    def end(self) -> int:
        """Offset of the octet behind them."""
        return self.offset + len(self.octets)


@dataclass(frozen=True, slots=True)
class Interval:
    """The number at this offset lies between two bounds, both included."""

    offset: int
    size: int
    order: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Expression:
    """The octets at this offset match a regular expression of fixed width."""

    offset: int
    size: int
    regex: str

    @property
    def end(self) -> int:
        """Offset of the octet behind what the expression consumes."""
        return self.offset + self.size


Constraint = Octets | Interval | Expression


@dataclass(frozen=True, slots=True)
class Length:
    """The length field: it counts the octets behind itself."""

    offset: int
    size: int
    order: str

    @property
    def end(self) -> int:
        """Offset of the first octet that is counted."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Header:
    """One half of a frame as constraints, in the order of their offsets.

    ``bounds`` are those of the value of the length field. ``length`` is None for a frame without
    one: ``bounds`` are then those of the whole PDU, ``size`` is the size of the header, and the
    data behind it has the size that ``data`` gives for a command.
    """

    spans: Mapping[str, Span]
    constraints: tuple[Constraint, ...]
    length: Length | None
    bounds: tuple[int, int]
    size: int
    data: Field

    @classmethod
    def of(cls, protocol: Protocol, frame: Frame, direction: str) -> Header:
        """The header of a frame's half; `UnsupportedByBackend` where a field has no fixed place."""
        if frame.encoding != "binary":
            raise UnsupportedByBackend(f"frame {frame.id}: {frame.encoding} frames have no rules")
        *fields, data = frame.half(direction)
        offset = 0
        spans: dict[str, Span] = {}
        constraints: list[Constraint] = []
        length: Length | None = None
        bounds = (0, 0)
        for field in fields:
            size = _size(frame, field)
            span = Span(field, offset, size, "big" if field.type == "u16be" else protocol.byte_order)
            spans[field.name] = span
            constraints += _of_field(span)
            if field.counts == "rest":
                length = Length(offset, size, span.order)
                bounds = _bounds(span)
            elif field.counts is not None:
                raise UnsupportedByBackend(f"frame {frame.id}: a length that counts {field.counts!r}")
            offset += size
        if length is None:
            sizes = data.sizes.values() or [0]
            bounds = (offset + min(sizes), offset + max(sizes))
        return cls(spans, tuple(constraints), length, bounds, offset, data)


def _size(frame: Frame, field: Field) -> int:
    if field.type in _SIZES:
        return _SIZES[field.type]
    if field.size is not None:
        return field.size
    if isinstance(field.const, bytes):
        return len(field.const)
    raise UnsupportedByBackend(f"frame {frame.id}: header field {field.name} has no fixed size")


def _of_field(span: Span) -> list[Constraint]:
    field = span.field
    if isinstance(field.const, bytes):
        return [Octets(span.offset, field.const)]
    if field.const is not None:
        return [Octets(span.offset, span.octets(field.const))]
    if field.counts is not None:
        return among(span, (_bounds(span),))
    return among(span, field.allowed) if field.allowed else []


def _bounds(span: Span) -> tuple[int, int]:
    top = (1 << 8 * span.size) - 1
    return span.field.minimum or 0, top if span.field.maximum is None else span.field.maximum


def among(span: Span, ranges: Iterable[tuple[int, int]]) -> list[Constraint]:
    """The constraint that a field's value lies in one of the ranges; none where every value does."""
    merged = _merge(ranges)
    if len(merged) != 1:
        return [Expression(span.offset, span.size, ranges_regex(merged, span.size, span.order))]
    low, high = merged[0]
    if low == high:
        return [Octets(span.offset, span.octets(low))]
    if (low, high) == (0, (1 << 8 * span.size) - 1):
        return []
    return [Interval(span.offset, span.size, span.order, low, high)]


def _merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


# Regular expressions over octets


def _octet(value: int) -> str:
    return f"\\x{value:02x}"


def _octet_class(ranges: Ranges) -> str:
    if ranges == ((0, 0xFF),):
        return "."
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _octet(ranges[0][0])
    parts = (_octet(low) if low == high else f"{_octet(low)}-{_octet(high)}" for low, high in ranges)
    return f"[{''.join(parts)}]"


def ranges_regex(ranges: Iterable[tuple[int, int]], size: int, order: str) -> str:
    """A regular expression of ``size`` octets for the numbers in any of the ranges."""
    return _ranges_regex(_merge(ranges), size, order)


def _ranges_regex(ranges: Ranges, size: int, order: str) -> str:
    if size == 1:
        return _octet_class(ranges)
    width = 8 * (size - 1)
    rows: dict[Ranges, list[tuple[int, int]]] = {}
    for top in range(256):
        first, last = top << width, (top + 1 << width) - 1
        here = ((low, high) for low, high in ranges if low <= last and high >= first)
        below = tuple((max(low, first) - first, min(high, last) - first) for low, high in here)
        if below:
            rows.setdefault(below, []).append((top, top))
    alternatives = []
    for below, tops in rows.items():
        rest, lead = _ranges_regex(below, size - 1, order), _octet_class(_merge(tops))
        alternatives.append(rest + lead if order == "little" else lead + rest)
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


def literal_regex(octets: bytes) -> str:
    """A regular expression for exactly these octets."""
    return "".join(map(_octet, octets))


def skip_regex(count: int) -> str:
    """A regular expression for any ``count`` octets."""
    return "" if count == 0 else "." if count == 1 else f".{{{count}}}"


# Keywords


def ordered(constraints: Iterable[Constraint]) -> list[Constraint]:
    """The constraints by offset, neighbouring octets and neighbouring expressions joined."""
    joined: list[Constraint] = []
    for constraint in sorted(constraints, key=lambda one: one.offset):
        last = joined[-1] if joined else None
        if isinstance(constraint, Octets) and isinstance(last, Octets) and last.end == constraint.offset:
            joined[-1] = Octets(last.offset, last.octets + constraint.octets, last.fast or constraint.fast)
        elif isinstance(constraint, Expression) and isinstance(last, Expression) and last.end == constraint.offset:
            joined[-1] = Expression(last.offset, last.size + constraint.size, last.regex + constraint.regex)
        else:
            joined.append(constraint)
    return joined


def shifted(constraints: Iterable[Constraint], by: int) -> list[Constraint]:
    """The constraints of a PDU that starts ``by`` octets further on."""
    return [replace(constraint, offset=constraint.offset + by) for constraint in constraints]


def anchored(constraints: Iterable[Constraint]) -> list[str]:
    """Keywords for a PDU that starts at the first octet of the packet."""
    rows = _checked(constraints)
    # Bound to an offset even two octets are a good fast pattern, and the command is what is rare among PDUs.
    fast = next((row for row in rows if isinstance(row, Octets) and row.fast), None) or _longest(rows)
    keywords: list[str] = []
    expressions: list[str] = []
    for row in rows:
        if isinstance(row, Octets):
            place = "startswith" if row.offset == 0 else f"offset:{row.offset}; depth:{len(row.octets)}"
            keywords.append(_content(row.octets, place, row is fast))
        elif isinstance(row, Interval):
            expressions += _byte_tests(row, str(row.offset))
        else:
            expressions.append(f'pcre:"/^{skip_regex(row.offset)}{row.regex}/s"')
    return keywords + expressions


def floating(constraints: Iterable[Constraint], length: Length | None) -> list[str]:
    """Keywords for a PDU that starts anywhere, and for its length to fit what was seen."""
    rows = _checked(constraints)
    fast = _longest(rows)
    keywords: list[str] = []
    pointer = 0
    for row in rows:
        ahead = row.offset - pointer
        if isinstance(row, Octets):
            place = f"distance:{ahead}; within:{len(row.octets)}" if keywords else ""
            keywords.append(_content(row.octets, place, row is fast))
            pointer = row.end
        elif isinstance(row, Interval):
            keywords += _byte_tests(row, f"{ahead},relative")
        else:
            keywords.append(f'pcre:"/^{skip_regex(ahead)}{row.regex}/Rs"')
            pointer = row.end
    if length is not None:
        keywords.append(_byte_jump(length, f"{length.offset - pointer},relative"))
    return keywords


def within_packet(length: Length) -> str:
    """The keyword that the anchored PDU ends in the packet; the pointer is then behind it."""
    return _byte_jump(length, str(length.offset))


def beyond_packet(length: Length) -> list[str]:
    """Keywords that the anchored PDU has octets behind the end of the packet."""
    endian = "" if length.size == 1 else f", endian {length.order}"
    place = f"bytes {length.size}, offset {length.offset}, oper +, rvalue {length.end - 1}, result last{endian}"
    return [f"byte_math:{place}", "isdataat:!last"]


def _checked(constraints: Iterable[Constraint]) -> list[Constraint]:
    rows = ordered(constraints)
    if not rows or not isinstance(rows[0], Octets) or rows[0].offset != 0:
        raise UnsupportedByBackend("a frame whose header does not start with a constant")
    return rows


def _longest(rows: Sequence[Constraint]) -> Octets | None:
    """The longest constant; of equal ones the last, which is nearer to the command."""
    constants = [row for row in rows if isinstance(row, Octets)]
    return max(reversed(constants), key=lambda row: len(row.octets), default=None)


def _content(octets: bytes, place: str, fast: bool) -> str:
    text = f'content:"|{octets.hex(" ")}|"'
    return "; ".join([text, *([place] if place else []), *(["fast_pattern"] if fast else [])])


def _byte_tests(row: Interval, place: str) -> list[str]:
    order = "" if row.size == 1 else f",{row.order}"
    tests = []
    if row.low > 0:
        tests.append(f"byte_test:{row.size},>=,{row.low},{place}{order}")
    if row.high < (1 << 8 * row.size) - 1:
        tests.append(f"byte_test:{row.size},<=,{row.high},{place}{order}")
    return tests


def _byte_jump(length: Length, place: str) -> str:
    order = "" if length.size == 1 else f",{length.order}"
    return f"byte_jump:{length.size},{place}{order}"

"""From the fields of a frame to Suricata's payload keywords.

A header becomes a list of constraints with offsets from the start of the PDU. The same list is
written in two ways: *anchored*, where the PDU starts at the first octet of the packet and every
keyword takes an absolute offset, and *floating*, where the PDU may stand anywhere in a stream and
every keyword is relative to the one before it.

Offsets and sizes are those on the wire: characters in an ASCII frame, where each octet is two
hexadecimal digits in either case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from melsec_nsm.codec.devices import WIDTHS
from melsec_nsm.definitions.model import Command, Field, Frame, Protocol
from melsec_nsm.generate.suricata.writing import BINARY, STUFFED, TEXT, Writing, either, merged

_LARGEST_LENGTH = 0xFFFF


class UnsupportedByBackend(Exception):  # noqa: N818 - the name says what is wrong
    """A detection needs something that plain Suricata keywords cannot say."""


# Constraints


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number stands: offset and size on the wire, its byte order, and the bits that are always set.

    Of a stuffed frame it is the place before doubling.
    """

    offset: int
    size: int
    order: str
    writing: Writing = BINARY
    flag: int = 0

    @property
    def end(self) -> int:
        """Offset of what stands behind it."""
        return self.offset + self.size

    @property
    def _width(self) -> int:
        return self.size // self.writing.scale

    def octets(self, value: int) -> bytes:
        """What is on the wire for a value, in ASCII the characters in upper case."""
        little = self.order == "little" and not self.writing.text
        octets = (value | self.flag).to_bytes(self._width, "little" if little else "big")
        return octets.hex().upper().encode() if self.writing.text else octets

    def regex(self, ranges: Iterable[tuple[int, int]] = ()) -> str:
        """An expression for values in any of the ranges, for any value where there are none."""
        flagged = self._flagged(ranges)
        return self.writing.among(flagged, self._width, self.order) if flagged else self.writing.skip(self.size)

    def among(self, ranges: Iterable[tuple[int, int]] = (), *, fast: bool = False) -> list[Constraint]:
        """The constraint that the value lies in one of the ranges; without ranges, that it is a number at all."""
        wanted = tuple(ranges)
        flagged = merged(self._flagged(wanted))
        if len(flagged) == 1 and flagged[0][0] == flagged[0][1]:
            return [Octets(self.offset, self.octets(flagged[0][0]), fast, text=self.writing.text)]
        if self.writing.text:
            return [Expression(self.offset, self.size, self.regex(wanted), text=True, fast=fast)]
        if not flagged or flagged == ((0, (1 << 8 * self._width) - 1),):
            return []
        bounds = Interval(self.offset, self.size, self.order, flagged[0][0], flagged[-1][1], fast)
        if len(flagged) == 1:
            return [bounds]
        found = Expression(self.offset, self.size, self.regex(wanted), fast=fast)
        return [bounds, found] if fast and self.writing is BINARY else [found]

    def _flagged(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(low | self.flag, high | self.flag) for low, high in ranges]


@dataclass(frozen=True, slots=True)
class Octets:
    """These octets stand at this offset; ``text`` are hexadecimal digits in either case."""

    offset: int
    octets: bytes
    fast: bool = False
    text: bool = False

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
    fast: bool = False

    @property
    def end(self) -> int:
        """Offset of the octet behind the number."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Unset:
    """In the number at this offset none of some bits is set."""

    offset: int
    size: int
    order: str
    bits: int
    fast: bool = True

    @property
    def end(self) -> int:
        """Offset of the octet behind the number."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands at this offset matches a regular expression of fixed width; ``text`` in either case."""

    offset: int
    size: int
    regex: str
    text: bool = False
    fast: bool = False

    @property
    def end(self) -> int:
        """Offset of the octet behind what the expression consumes."""
        return self.offset + self.size


Constraint = Octets | Interval | Unset | Expression
"""What is ``fast`` is rare among PDUs, or sorts them out at little cost: it is looked at first."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How what ends where a length says ends: with one of some expressions, by their widths.

    ``length`` is the place of the length, which counts units of ``unit`` symbols behind itself; None in a stuffed
    frame, which ends with control codes.
    """

    length: Place | None
    unit: int
    alternatives: tuple[tuple[int, str], ...]

    def keywords(self, pointer: int | None = None) -> list[str]:
        """Keywords for the end; ``pointer`` is where the keyword before them ended, None for absolute ones."""
        assert self.length is not None
        place = f"{self.length.offset}" if pointer is None else f"{self.length.offset - pointer},relative"
        back = max(width for width, _ in self.alternatives)
        regex = either([f"{BINARY.skip(back - width)}{one}" for width, one in self.alternatives])
        multiplier = f",multiplier {self.unit}" if self.unit > 1 else ""
        return [f"{_byte_jump(self.length, place)}{multiplier},post_offset -{back}", f'pcre:"/^{regex}/Rs"']


@dataclass(frozen=True, slots=True)
class Sought:
    """PDUs that carry one of some commands, and what else holds of them."""

    commands: tuple[Command, ...]
    constraints: tuple[Constraint, ...]
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """One half of a frame as constraints, in the order of their offsets.

    ``length`` is the place of the length field, which counts what stands behind it; ``bounds`` are
    those of its value. It is None for a frame without one: ``bounds`` are then those of the whole PDU,
    ``size`` is the size of the header, and the data behind it has the size that ``data`` gives for a command.
    """

    places: Mapping[str, Place]
    constraints: tuple[Constraint, ...]
    length: Place | None
    bounds: tuple[int, int]
    size: int
    data: Field

    @classmethod
    def of(cls, protocol: Protocol, frame: Frame, direction: str) -> Header:
        """The header of a frame's half; `UnsupportedByBackend` where a field has no fixed place."""
        *fields, data = frame.half(direction)
        writing = writing_of(frame)
        offset = 0
        places: dict[str, Place] = {}
        constraints: list[Constraint] = []
        length: Place | None = None
        bounds = (0, 0)
        for field in fields:
            size = _size(frame, field) * writing.scale
            place = places[field.name] = place_of(protocol, field, offset, size, writing)
            # Which commands it may be says the detection.
            if field.name not in ("command", "subcommand"):
                constraints += of_field(place, field)
            if field.counts == "rest":
                length, bounds = place, _bounds(place, field)
            elif field.counts is not None:
                raise UnsupportedByBackend(f"frame {frame.id}: a length that counts {field.counts!r}")
            offset += size
        if length is None:
            sizes = data.sizes.values() or [0]
            bounds = (offset + min(sizes), offset + max(sizes))
        return cls(places, tuple(constraints), length, bounds, offset, data)


def writing_of(frame: Frame) -> Writing:
    """How the numbers of a frame's header are written."""
    if frame.kind == "stuffed":
        return STUFFED
    return TEXT if frame.encoding == "ascii" else BINARY


def place_of(protocol: Protocol, field: Field, offset: int, size: int, writing: Writing) -> Place:
    """Where a field stands that takes ``size`` symbols."""
    order = "big" if field.type == "u16be" else protocol.byte_order
    return Place(offset, size, order, writing, field.flag)


def _size(frame: Frame, field: Field) -> int:
    if field.type in WIDTHS:
        return WIDTHS[field.type]
    if field.size is not None:
        return field.size
    if isinstance(field.const, bytes):
        return len(field.const)
    raise UnsupportedByBackend(f"frame {frame.id}: header field {field.name} has no fixed size")


def of_field(place: Place, field: Field) -> list[Constraint]:
    """What a header field insists on."""
    if isinstance(field.const, bytes):
        text = place.writing.text
        return [Octets(place.offset, field.const.hex().upper().encode() if text else field.const, text=text)]
    if field.const is not None:
        return place.among([(field.const, field.const)])
    if field.counts is not None:
        return place.among([_bounds(place, field)])
    return place.among(field.allowed)


def _bounds(place: Place, field: Field) -> tuple[int, int]:
    top = (1 << 8 * place.size // place.writing.scale) - 1 if field.maximum is None else field.maximum
    scale = place.writing.scale
    return (field.minimum or 0) * scale, min(top * scale, _LARGEST_LENGTH)


def of_commands(header: Header, frame: Frame, commands: Sequence[Command]) -> list[Constraint]:
    """That a header carries one of the commands, with one of its sub-commands where those are known."""
    place = header.places.get("command")
    if place is None:
        raise UnsupportedByBackend(f"frame {frame.id}: this half does not carry the command")
    second = header.places.get("subcommand")
    if second is not None and second.offset < place.end:
        raise UnsupportedByBackend(f"frame {frame.id}: the sub-command stands before the command")
    if len(commands) == 1:
        text = place.writing.text
        lone: Constraint = Octets(place.offset, place.octets(commands[0].code), fast=True, text=text)
        return [lone, *(second.among(_subcommands(commands[0])) if second is not None else ())]
    # One rule for all, so that the suppression interval holds for the detection as a whole.
    quick = [] if place.writing is not BINARY else _quick([one.code for one in commands], place)
    size = place.size if second is None else second.end - place.offset
    alternatives = [
        place.regex([(one.code, one.code)])
        + ("" if second is None else place.writing.skip(second.offset - place.end) + second.regex(_subcommands(one)))
        for one in sorted(commands, key=lambda one: one.code)
    ]
    return [*quick, Expression(place.offset, size, either(alternatives), text=place.writing.text, fast=True)]


def _quick(codes: Sequence[int], place: Place) -> list[Constraint]:
    """What holds of all these numbers and sorts most others out before an expression is asked, which costs more."""
    unset = (1 << 8 * place.size) - 1
    for code in codes:
        unset &= ~(code | place.flag)
    return [
        Unset(place.offset, place.size, place.order, unset),
        Interval(place.offset, place.size, place.order, min(codes) | place.flag, max(codes) | place.flag, fast=True),
    ]


def _subcommands(command: Command) -> list[tuple[int, int]]:
    return [(value, value) for value in command.subcommands]


# Keywords


def ordered(constraints: Iterable[Constraint]) -> list[Constraint]:
    """The constraints by offset, neighbouring octets and neighbouring expressions joined."""
    joined: list[Constraint] = []
    for constraint in sorted(constraints, key=lambda one: one.offset):
        last = joined[-1] if joined else None
        if isinstance(constraint, Octets) and isinstance(last, Octets) and last.end == constraint.offset:
            joined[-1] = replace(last, octets=last.octets + constraint.octets, fast=last.fast or constraint.fast)
        elif isinstance(constraint, Expression) and isinstance(last, Expression) and _follows(last, constraint):
            size, fast = last.size + constraint.size, last.fast or constraint.fast
            joined[-1] = replace(last, size=size, regex=last.regex + constraint.regex, fast=fast)
        else:
            joined.append(constraint)
    return joined


def _follows(last: Expression, constraint: Expression) -> bool:
    return last.end == constraint.offset and last.text == constraint.text


def regex_of(constraints: Iterable[Constraint], size: int, *, start: int = 0, writing: Writing = BINARY) -> str:
    """An expression for the octets (ASCII: characters) from ``start`` to ``size`` of what the constraints describe."""
    pieces: list[str] = []
    at = start
    for row in ordered(constraints):
        pieces.append(writing.skip(row.offset - at))
        if isinstance(row, Octets):
            pieces.append(row.octets.decode().lower() if row.text else writing.literal(row.octets))
        elif isinstance(row, Expression):
            pieces.append(row.regex)
        elif isinstance(row, Interval):
            pieces.append(writing.among([(row.low, row.high)], row.size, row.order))
        else:
            continue
        at = row.end
    return "".join([*pieces, writing.skip(size - at)])


def shifted(constraints: Iterable[Constraint], by: int) -> list[Constraint]:
    """The constraints of a PDU that starts ``by`` octets further on."""
    return [replace(constraint, offset=constraint.offset + by) for constraint in constraints]


def first_octet(constraints: Iterable[Constraint]) -> list[Constraint]:
    """The constraint that the first octet is what it has to be."""
    first, *_ = _checked(constraints)
    assert isinstance(first, Octets)
    return [replace(first, octets=first.octets[:1])]


def anchored(constraints: Iterable[Constraint], ending: Ending | None = None) -> list[str]:
    """Keywords for a PDU that starts at the first octet of the packet."""
    rows = _checked(constraints)
    # Bound to an offset even two octets are a good fast pattern, and the command is what is rare among PDUs.
    fast = next((row for row in rows if isinstance(row, Octets) and row.fast), None) or _longest(rows)
    keywords: list[str] = []
    for row in sorted(rows, key=lambda row: 0 if isinstance(row, Octets) else 1 if row.fast else 2):
        if isinstance(row, Octets):
            place = "startswith" if row.offset == 0 else f"offset:{row.offset}; depth:{len(row.octets)}"
            keywords.append(content(row, place, fast=row is fast))
        elif isinstance(row, Expression):
            keywords.append(f'pcre:"/^{BINARY.skip(row.offset)}{row.regex}/{_flags(row)}"')
        else:
            keywords += _byte_tests(row, str(row.offset))
    return keywords if ending is None else keywords + ending.keywords()


def floating(constraints: Iterable[Constraint], length: Place | None, ending: Ending | None = None) -> list[str]:
    """Keywords for a PDU that starts anywhere, and for its length, or where it ends, to fit what was seen."""
    rows = _checked(constraints)
    fast = _longest(rows)
    keywords: list[str] = []
    pointer = 0
    for row in rows:
        ahead = row.offset - pointer
        if isinstance(row, Octets):
            place = f"distance:{ahead}; within:{len(row.octets)}" if keywords else ""
            keywords.append(content(row, place, fast=row is fast))
            pointer = row.end
        elif isinstance(row, Expression):
            keywords.append(f'pcre:"/^{BINARY.skip(ahead)}{row.regex}/R{_flags(row)}"')
            pointer = row.end
        else:
            keywords += _byte_tests(row, f"{ahead},relative")
    if ending is not None:
        keywords += ending.keywords(pointer)
    elif length is not None:
        keywords.append(_byte_jump(length, f"{length.offset - pointer},relative"))
    return keywords


def within_packet(length: Place) -> str:
    """The keyword that the anchored PDU ends in the packet; the pointer is then behind it."""
    return _byte_jump(length, str(length.offset))


def beyond_packet(length: Place) -> list[str]:
    """Keywords that the anchored PDU has octets behind the end of the packet."""
    place = f"bytes {length.size}, offset {length.offset}, oper +, rvalue {length.end - 1}, result last"
    how = ", string hex" if length.writing.text else "" if length.size == 1 else f", endian {length.order}"
    return [f"byte_math:{place}{how}", "isdataat:!last"]


def _checked(constraints: Iterable[Constraint]) -> list[Constraint]:
    rows = ordered(constraints)
    if not rows or not isinstance(rows[0], Octets) or rows[0].offset != 0:
        raise UnsupportedByBackend("a frame whose header does not start with a constant")
    return rows


def _longest(rows: Sequence[Constraint]) -> Octets | None:
    """The longest constant; of equal ones the last, which is nearer to the command."""
    constants = [row for row in rows if isinstance(row, Octets)]
    return max(reversed(constants), key=lambda row: len(row.octets), default=None)


def content(row: Octets, place: str, *, fast: bool) -> str:
    """The keyword for octets at a place that is given as further keywords."""
    text = row.octets.decode() if row.text else f"|{row.octets.hex(' ')}|"
    nocase = ["nocase"] if row.text and not text.isdigit() else []
    return "; ".join([f'content:"{text}"', *nocase, *([place] if place else []), *(["fast_pattern"] if fast else [])])


def _flags(row: Expression) -> str:
    return TEXT.flags if row.text else BINARY.flags


def _byte_tests(row: Interval | Unset, place: str) -> list[str]:
    order = "" if row.size == 1 else f",{row.order}"
    if isinstance(row, Unset):
        return [f"byte_test:{row.size},!&,{row.bits},{place}{order}"]
    tests = []
    if row.low > 0:
        tests.append(f"byte_test:{row.size},>=,{row.low},{place}{order}")
    if row.high < (1 << 8 * row.size) - 1:
        tests.append(f"byte_test:{row.size},<=,{row.high},{place}{order}")
    return tests


def _byte_jump(length: Place, place: str) -> str:
    how = ",string,hex" if length.writing.text else "" if length.size == 1 else f",{length.order}"
    return f"byte_jump:{length.size},{place}{how}"

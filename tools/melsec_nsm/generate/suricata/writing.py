"""Regular expressions for numbers as a frame writes them: in octets, some of them doubled, or hexadecimal digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """How numbers are written: in symbols of ``bits`` bits.

    ``symbol`` is the expression for a symbol in any of some ranges, ``flags`` are the letters that such
    expressions need behind them.
    """

    bits: int
    symbol: Callable[[Ranges], str]
    flags: str = "s"

    @property
    def text(self) -> bool:
        """Whether the symbols are hexadecimal digits, of which the most significant comes first."""
        return self.bits == 4

    @property
    def scale(self) -> int:
        """Symbols that an octet takes."""
        return 8 // self.bits

    def skip(self, count: int) -> str:
        """An expression for any ``count`` symbols."""
        one = self.symbol(((0, (1 << self.bits) - 1),))
        return "" if count == 0 else one if count == 1 else f"{one}{{{count}}}"

    def literal(self, octets: bytes) -> str:
        """An expression for exactly these octets."""
        return "".join(self.among([(octet, octet)], 1, "big") for octet in octets)

    def among(self, ranges: Iterable[tuple[int, int]], size: int, order: str) -> str:
        """An expression for the numbers of ``size`` octets in any of the ranges."""
        return self._among(merged(ranges), size * self.scale, "big" if self.text else order)

    def _among(self, ranges: Ranges, count: int, order: str) -> str:
        if ranges == ((0, (1 << self.bits * count) - 1),):
            return self.skip(count)
        if count == 1:
            return self.symbol(ranges)
        width = self.bits * (count - 1)
        rows: dict[Ranges, list[tuple[int, int]]] = {}
        for top in range(1 << self.bits):
            first, last = top << width, (top + 1 << width) - 1
            here = ((low, high) for low, high in ranges if low <= last and high >= first)
            below = tuple((max(low, first) - first, min(high, last) - first) for low, high in here)
            if below:
                rows.setdefault(below, []).append((top, top))
        alternatives = []
        for below, tops in rows.items():
            rest, lead = self._among(below, count - 1, order), self.symbol(merged(tops))
            alternatives.append(rest + lead if order == "little" else lead + rest)
        return either(alternatives)


def either(alternatives: Sequence[str]) -> str:
    """An expression for any of these expressions."""
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


def without(values: Iterable[int], octets: int) -> Ranges:
    """The ranges of numbers of so many octets that are none of these values."""
    found: list[tuple[int, int]] = []
    low = 0
    for value in sorted(values):
        if low < value:
            found.append((low, value - 1))
        low = value + 1
    top = (1 << 8 * octets) - 1
    return (*found, *([(low, top)] if low <= top else ()))


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The ranges in order, with those joined that touch."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _class(ranges: Ranges, sign: Callable[[int], str]) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return sign(ranges[0][0])
    parts = (sign(low) if low == high else f"{sign(low)}-{sign(high)}" for low, high in ranges)
    return f"[{''.join(parts)}]"


def _octet(value: int) -> str:
    return f"\\x{value:02x}"


def _octets(ranges: Ranges) -> str:
    return "." if ranges == ((0, 0xFF),) else _class(ranges, _octet)


def _digits(ranges: Ranges) -> str:
    # A range over the gap between the characters 9 and A is two ranges of characters.
    cut = [(low, min(high, 9)) for low, high in ranges if low <= 9]
    cut += [(max(low, 10), high) for low, high in ranges if high >= 10]
    return _class(tuple(cut), lambda digit: f"{digit:x}")


DLE = 0x10


def _doubled(ranges: Ranges) -> str:
    single = [(low, min(high, DLE - 1)) for low, high in ranges if low < DLE]
    single += [(max(low, DLE + 1), high) for low, high in ranges if high > DLE]
    double = [_octet(DLE) * 2] if any(low <= DLE <= high for low, high in ranges) else []
    return either([*([_class(tuple(single), _octet)] if single else []), *double])


BINARY = Writing(8, _octets)
TEXT = Writing(4, _digits, "si")
STUFFED = Writing(8, _doubled)
"""Octets between control codes, of which each DLE is written twice."""

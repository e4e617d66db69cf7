"""Header fields as regular expressions over octets.

Zeek's ``.`` stops at a line feed, so that an arbitrary octet is always ``[\\x00-\\xff]``.
"""

from __future__ import annotations

from collections.abc import Iterable

from melsec_nsm.definitions.model import Field

ANY = r"[\x00-\xff]"


def octet(value: int) -> str:
    """One octet."""
    return f"\\x{value:02x}"


def octet_class(ranges: Iterable[tuple[int, int]]) -> str:
    """One octet within any of the ranges."""
    parts = [octet(low) if low == high else f"{octet(low)}-{octet(high)}" for low, high in merged(ranges)]
    return parts[0] if len(parts) == 1 and len(parts[0]) == 4 else f"[{''.join(parts)}]"


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same values in as few ranges as possible, in order."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return result


def word(ranges: Iterable[tuple[int, int]], order: str = "little") -> str:
    """Two octets whose number lies within any of the ranges."""
    lows_by_high: dict[int, list[tuple[int, int]]] = {}
    for low, high in merged(ranges):
        for upper in range(low >> 8, (high >> 8) + 1):
            first = low & 0xFF if upper == low >> 8 else 0
            last = high & 0xFF if upper == high >> 8 else 0xFF
            lows_by_high.setdefault(upper, []).append((first, last))
    # Upper octets that go with the same lower ones share an alternative.
    uppers: dict[str, list[tuple[int, int]]] = {}
    for upper, lows in lows_by_high.items():
        uppers.setdefault(octet_class(lows), []).append((upper, upper))
    parts = []
    for lower, upper_ranges in uppers.items():
        pair = (lower, octet_class(upper_ranges))
        parts.append("".join(pair if order == "little" else reversed(pair)))
    return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"


def field(entry: Field, order: str = "little") -> str:
    """The octets that a header field may have."""
    if isinstance(entry.const, bytes):
        return "".join(octet(value) for value in entry.const)
    width = {"u8": 1, "u16": 2, "u16be": 2, "u32": 4}.get(entry.type, entry.size or 0)
    byte_order = "big" if entry.type == "u16be" else order
    if entry.const is not None:
        octets = int(entry.const).to_bytes(width, "little" if byte_order == "little" else "big")
        return "".join(octet(value) for value in octets)
    ranges = entry.allowed
    if entry.counts:
        ranges = ((entry.minimum or 0, entry.maximum or 0xFFFF),)
    if ranges and width == 1:
        return octet_class(ranges)
    if ranges and width == 2:
        return word(ranges, byte_order)
    return ANY if width == 1 else f"{ANY}{{{width}}}"


def hex_digits(ranges: Iterable[tuple[int, int]], digits: int) -> str:
    """Numbers within any of the ranges, written with as many hexadecimal digits in either case."""
    if digits == 0:
        return ""
    full = (1 << 4 * digits) - 1
    merged_ranges = merged(ranges)
    if merged_ranges == [(0, full)]:
        return _HEX if digits == 1 else f"{_HEX}{{{digits}}}"
    below = 4 * (digits - 1)
    firsts_by_rest: dict[str, list[int]] = {}
    for first in range(16):
        low, high = first << below, ((first + 1) << below) - 1
        inside = [(max(a, low) - low, min(b, high) - low) for a, b in merged_ranges if a <= high and b >= low]
        if inside:
            firsts_by_rest.setdefault(hex_digits(inside, digits - 1), []).append(first)
    parts = [_digit_class(firsts) + rest for rest, firsts in firsts_by_rest.items()]
    return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"


_HEX = "[0-9A-Fa-f]"


def _digit_class(digits: Iterable[int]) -> str:
    characters = "".join(f"{digit:X}" if digit < 10 else f"{digit:X}{digit:x}" for digit in digits)
    return characters if len(characters) == 1 else f"[{characters}]"


def hex_field(entry: Field) -> str:
    """The characters that a header field may have in an ASCII frame."""
    if isinstance(entry.const, bytes):
        return "".join(hex_digits([(value, value)], 2) for value in entry.const)
    width = {"u8": 1, "u16": 2, "u16be": 2, "u32": 4}.get(entry.type, entry.size or 0)
    ranges = entry.allowed
    if entry.counts:
        # Characters, not octets.
        ranges = (((entry.minimum or 0) * 2, min(0xFFFF, (entry.maximum or 0xFFFF) * 2)),)
    if entry.const is not None:
        ranges = ((int(entry.const), int(entry.const)),)
    return hex_digits(ranges or [(0, (1 << 8 * width) - 1)], 2 * width)

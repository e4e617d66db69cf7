"""Values as the files spell them: numbers of a width, ranges, octets, devices."""

from __future__ import annotations

import re

OCTETS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u16be": 2}
"""Size of the number types."""

_RANGE = re.compile(r"\s*(0x[0-9A-Fa-f]+|[0-9]+)\s*-\s*(0x[0-9A-Fa-f]+|[0-9]+)\s*")
_DIGITS = {8: "[0-7]+", 10: "[0-9]+", 16: "[0-9A-F]+"}


def fits(number: int, kind: str) -> bool:
    """Whether a number fits a number type."""
    return 0 <= number < 1 << 8 * OCTETS[kind]


def parse_octets(text: str) -> bytes | None:
    """The octets of a hex string, which may hold blanks; None where it is none."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def parse_range(item: int | str) -> tuple[int, int] | None:
    """``0x00-0xEF`` or a number as an inclusive range; None where it is neither."""
    if isinstance(item, int):
        return item, item
    match = _RANGE.fullmatch(item)
    if match is None:
        return None
    try:
        return int(match.group(1), 0), int(match.group(2), 0)
    except ValueError:
        # A decimal number with a leading zero.
        return None


def device_number(text: str, symbol: str, base: int) -> int | None:
    """The number of ``D100`` for the symbol ``D``; None where the text is no such device."""
    digits = text[len(symbol) :]
    if not text.startswith(symbol) or not re.fullmatch(_DIGITS[base], digits):
        return None
    return int(digits, base)

"""Values as the files spell them: numbers of a width, ranges, octets, devices."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime

OCTETS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u16be": 2}
"""Size of the number types."""

CLOCK_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"

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


_EXTENDED = re.compile(
    r"(?:(?P<owner>U[0-9A-F]{1,4}|J[0-9]{1,3})\\)?(?P<point>[A-Z0-9]+)(?P<modified>\[[0-9A-F]{4}:[0-9A-F]{4}\])?"
)


def device_point(text: str) -> tuple[str, bool] | None:
    r"""The point of a device text, and whether it is extended: ``U3E0\G10``, ``J1\W100``, ``D100[0001:4000]``."""
    match = _EXTENDED.fullmatch(text)
    if match is None:
        return None
    return match["point"], bool(match["owner"] or match["modified"])


def device_number(text: str, symbol: str, base: int) -> int | None:
    """The number of ``D100`` for the symbol ``D``; None where the text is no such device."""
    digits = text[len(symbol) :]
    if not text.startswith(symbol) or not re.fullmatch(_DIGITS[base], digits):
        return None
    return int(digits, base)


def is_mac(text: object) -> bool:
    """Whether this is a MAC address such as ``1C:39:47:CD:D4:EB``."""
    return isinstance(text, str) and bool(re.fullmatch("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", text))


def is_ipv4(text: object) -> bool:
    """Whether this is an IPv4 address such as ``192.168.0.250``."""
    try:
        ipaddress.IPv4Address(text if isinstance(text, str) else "")
    except ValueError:
        return False
    return True


def is_text(text: object) -> bool:
    """Whether this is text."""
    return isinstance(text, str)


def is_clock(text: object) -> bool:
    """Whether this is a time such as ``2026-01-31T12:30:00.250``."""
    try:
        datetime.strptime(text if isinstance(text, str) else "", CLOCK_FORMAT)
    except ValueError:
        return False
    return True


TEXTS: dict[str, Callable[[object], bool]] = {
    "mac": is_mac,
    "ipv4": is_ipv4,
    "ipv4be": is_ipv4,
    "clock": is_clock,
    "path": is_text,
    "file_password": is_text,
    "file_name": is_text,
}
"""Whether something is a value of a type that is written as text."""

EXAMPLES = {
    "mac": "1C:39:47:CD:D4:EB",
    "ipv4": "192.168.0.250",
    "ipv4be": "192.168.0.250",
    "clock": "2026-01-31T12:30:00.250",
    "path": "$MELPRJ$\\MAIN.PRG",
    "file_password": '"1234"',
    "file_name": "MAIN.QPG",
}
"""A value of each of these types."""

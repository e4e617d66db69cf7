"""Device points: in the forms of the wire, and as an engineer writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from melsec_nsm.codec.pdu import HEX_DIGITS
from melsec_nsm.codec.text import printable
from melsec_nsm.definitions.model import Definition, Device, DeviceForm, Protocol

WIDTHS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u16be": 2}
"""Octets of the number types."""

MODULE, LINK, CPU = 0xF8, 0xF9, 0xFA
"""Direct memory specifications: buffer of a module, device of a network, buffer of a CPU."""

_EXTENSIONS = ("modification", "ext_modification", "specification", "direct")
_DECIMAL, _HEXADECIMAL = re.compile(r"[0-9]+"), re.compile(r"[0-9A-F]+")
_DEVICE = re.compile(
    r"(?:(?P<kind>[UJ])(?P<unit>[0-9A-F]+)\\)?(?P<device>[A-Z]+[0-9A-F]+)"
    r"(?:\[(?P<modification>[0-9A-F]{4}):(?P<ext_modification>[0-9A-F]{4})\])?"
)


class MisfitError(ValueError):
    """Octets that the form of a device point, or the type of a field, does not allow."""


@dataclass(frozen=True, slots=True)
class DevicePoint:
    """A device number with its code, as on the wire; ``name`` is that of a device unknown to ASCII.

    The rest is for extended points: index modification, which module or network, and what kind of.
    """

    code: int
    number: int
    modification: int = 0
    ext_modification: int = 0
    specification: int = 0
    direct: int = 0
    name: str = ""


class Devices:
    """The device points of one protocol, as its numbering and its forms have them."""

    def __init__(self, definition: Definition, protocol: Protocol) -> None:
        self.protocol = protocol
        table = protocol.device_table
        self.order: Literal["little", "big"] = "little" if protocol.byte_order == "little" else "big"
        self._by_code = {device.codes[table]: device for device in definition.devices if table in device.codes}
        self._by_name: dict[str, int] = {}
        for code, device in self._by_code.items():
            for name in (device.symbol, *device.ascii.values()):
                self._by_name.setdefault(name, code)

    def known(self, point: DevicePoint) -> Device | None:
        """The device with the code of a point."""
        return None if point.name else self._by_code.get(point.code)

    def form(self, subcommand: int) -> DeviceForm:
        """The form of the points of a command with this sub-command.

        Raises:
            MisfitError: there is none.
        """
        try:
            return self.protocol.device_form(subcommand)
        except KeyError:
            raise MisfitError("no such form of device points") from None

    # Binary

    def read_binary(self, form: DeviceForm, octets: bytes) -> DevicePoint:
        """A device point of as many octets as its form has."""
        parts: dict[str, Any] = {}
        position = 0
        for part, kind in form.binary:
            width = WIDTHS[kind]
            parts[part] = int.from_bytes(octets[position : position + width], self.order)
            position += width
        return DevicePoint(**parts)

    def write_binary(self, form: DeviceForm, point: DevicePoint) -> bytes:
        """The octets of a device point.

        Raises:
            ValueError: a part does not fit its width, or the form has no place for it.
        """
        _fits({part for part, _ in form.binary}, point)
        try:
            return b"".join(getattr(point, part).to_bytes(WIDTHS[kind], self.order) for part, kind in form.binary)
        except OverflowError:
            raise ValueError(f"{self.text(point)}: too big for form {form.name}") from None

    # ASCII

    def read_ascii(self, form: DeviceForm, characters: bytes) -> DevicePoint:
        """A device point of as many characters as its form has.

        Raises:
            MisfitError: digits or a specification that are none.
        """
        pieces: dict[str, bytes] = {}
        parts: dict[str, Any] = {}
        position = 0
        for part, width in form.ascii:
            piece = characters[position : position + _characters(width)]
            position += len(piece)
            if part == "specification":
                parts |= _specification(piece.upper())
            elif part in ("code", "number") and not width.startswith("hex"):
                pieces[part] = piece
            elif part != "fixed":
                parts[part] = hexadecimal(piece)
        name = ""
        if "code" in pieces:
            written = pieces["code"].upper().rstrip(b"* ").decode("ascii", "backslashreplace")
            parts["code"] = self._by_name.get(written, 0)
            name = "" if written in self._by_name else written
        device = self._by_code.get(parts["code"])
        if "direct" in parts and parts["direct"] != LINK:
            parts["direct"] = _owner(device)
        if "number" in pieces:
            parts["number"] = (hexadecimal if device and device.base == 16 else decimal)(pieces["number"])
        return DevicePoint(**parts, name=name)

    def write_ascii(self, form: DeviceForm, point: DevicePoint) -> bytes:
        """The characters of a device point.

        Raises:
            ValueError: a part does not fit its width, or the form has no place for it.
        """
        # The specification says what kind it is; index modification is not written in characters.
        here = {part for part, _ in form.ascii}
        _fits(here | {"direct"} if "specification" in here else here, point)
        device = self.known(point)
        text = ""
        for part, width in form.ascii:
            size = _characters(width)
            if part == "fixed":
                written = "0" * size
            elif part == "specification":
                written = _written_specification(point, size)
            elif part == "code" and not width.startswith("hex"):
                symbol = device.ascii.get(form.name.removesuffix("-ext"), device.symbol) if device else point.name
                written = symbol.ljust(size, "*")
            elif part == "number" and not width.startswith("hex"):
                written = f"{point.number:0{size}{'X' if device and device.base == 16 else 'd'}}"
            else:
                written = f"{getattr(point, part):0{size}X}"
            if len(written) != size:
                raise ValueError(f"{self.text(point)}: too big for form {form.name}")
            text += written
        return text.encode("ascii")

    # Text

    def parse(self, text: str) -> DevicePoint:
        """``X1F``, ``U3E0\\G10``, ``J2\\SW10``, ``D100[0001:4000]`` as a device point.

        Raises:
            ValueError: no such device, or a number that is not one in the device's base.
        """
        match = _DEVICE.fullmatch(text)
        if match:
            written = match["device"]
            # A hexadecimal number may begin with a letter that continues a symbol (B + 1F, BL + 0): try each.
            for code, device in self._by_code.items():
                digits = written.removeprefix(device.symbol)
                if digits != written and (_HEXADECIMAL if device.base == 16 else _DECIMAL).fullmatch(digits):
                    return DevicePoint(code, int(digits, device.base), **_extension(match, device))
        raise ValueError(f"{text}: no device of the {self.protocol.device_table} numbering")

    def text(self, point: DevicePoint, covered: int = 0, *, octal: frozenset[str] = frozenset()) -> str:
        """The devices meant, as an engineer writes them: ``D100-D109``, ``X1F``, ``U3E0\\G10-G13``.

        ``covered`` is how many devices from the point on, 0 for one by itself. The devices named by ``octal``
        are written in octal. An unknown device is kept as ``unknown-FE/100``.
        """
        where = ""
        if point.direct == LINK:
            where = f"J{point.specification}\\"
        elif point.direct or point.specification:
            where = f"U{point.specification:X}\\"
        device = self.known(point)
        if device is None:
            devices = f"unknown-{printable(point.name) if point.name else f'{point.code:02X}'}/{point.number}"
        else:
            digits = "o" if device.symbol in octal else "X" if device.base == 16 else "d"
            devices = f"{device.symbol}{point.number:{digits}}"
            if covered > 1:
                devices += f"-{device.symbol}{point.number + covered - 1:{digits}}"
        if point.modification or point.ext_modification:
            devices += f"[{point.modification:04X}:{point.ext_modification:04X}]"
        return where + devices


def size_of_form(form: DeviceForm, *, ascii: bool) -> int:  # noqa: A002
    """Octets (ASCII: characters) of a device point."""
    if ascii:
        return sum(_characters(width) for _, width in form.ascii)
    return sum(WIDTHS[kind] for _, kind in form.binary)


def hexadecimal(digits: bytes) -> int:
    """The value of hexadecimal digits in either case.

    Raises:
        MisfitError: they are none.
    """
    if not digits or digits.translate(None, HEX_DIGITS):
        raise MisfitError("no hexadecimal number")
    return int(digits, 16)


def decimal(digits: bytes) -> int:
    """The value of decimal digits.

    Raises:
        MisfitError: they are none.
    """
    if not digits.isdigit():
        raise MisfitError("no decimal number")
    return int(digits)


def _characters(width: str) -> int:
    return int(width.removeprefix("hex"))


def _fits(here: set[str], point: DevicePoint) -> None:
    """Refuses an extended point in a form whose parts have no place for it."""
    for part in _EXTENSIONS:
        if part not in here and getattr(point, part):
            raise ValueError(f"{part} {getattr(point, part):#x} of a device: this form has none")


def _specification(text: bytes) -> dict[str, int]:
    """What an extended point belongs to: ``U3E0`` a module, ``J001`` a network, anything else nothing."""
    if text[:1] == b"U":
        return {"specification": hexadecimal(text[1:]), "direct": MODULE}
    if text[:1] == b"J":
        return {"specification": decimal(text[1:]), "direct": LINK}
    return {}


def _written_specification(point: DevicePoint, size: int) -> str:
    if point.direct == LINK:
        return f"J{point.specification:0{size - 1}d}"
    return f"U{point.specification:0{size - 1}X}" if point.direct or point.specification else "0" * size


def _extension(match: re.Match[str], device: Device) -> dict[str, Any]:
    parts: dict[str, Any] = {name: int(match[name] or "0", 16) for name in ("modification", "ext_modification")}
    if match["kind"] == "J":
        if not match["unit"].isdigit():
            raise ValueError(f"{match[0]}: the number of a network is decimal")
        parts |= {"specification": int(match["unit"]), "direct": LINK}
    elif match["kind"]:
        parts |= {"specification": int(match["unit"], 16), "direct": _owner(device)}
    return parts


def _owner(device: Device | None) -> int:
    """Whose buffer a device is in: HG is that of a CPU."""
    return CPU if device is not None and device.symbol == "HG" else MODULE

"""Payloads: the fields of a layout.

A layout is a list of fields that several commands share. Decoding never fails: what does not fit
the layout is left as octets under ``rest``, because a controller's odd answer is no reason to
lose the transaction.

In an ASCII frame every number is hexadecimal digits, the most significant first, and every octet of
``bytes`` two of them; ``text`` stands as it is.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from binascii import unhexlify
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from melsec_nsm.codec.devices import WIDTHS, DevicePoint, Devices, MisfitError, hexadecimal, size_of_form
from melsec_nsm.codec.pdu import HEX_DIGITS, Half, Pdu
from melsec_nsm.definitions.model import Command, Field, Layout
from melsec_nsm.definitions.values import CLOCK_FORMAT

MAX_ITEMS = 4096
"""Items of a list that are decoded: more than any PDU can hold that is not nonsense."""

PayloadValue: TypeAlias = "int | str | bytes | DevicePoint | tuple[int, ...] | list[dict[str, PayloadValue]]"
"""A decoded value: the numbers of ``values``, ``words`` and ``dwords`` (bits are 0 and 1), the items of a ``list``."""

GivenValue: TypeAlias = "int | str | bytes | DevicePoint | Sequence[int] | Sequence[Mapping[str, GivenValue]]"
"""A value to encode. Devices, MAC and IPv4 addresses are text; ``values`` may be octets as they are on the wire."""

_ARRAYS = {"words": ("H", 2), "dwords": ("I", 4)}
_MAC = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")
_CLOCK = 10
"""Octets of a controller's clock."""

PASSWORD_SIZES = {0x0000: 4, 0x0004: 32}
"""Characters of the password of a file command by its sub-command."""

COUNTED = 0x0040
"""Sub-command of a file command with counted passwords and UTF-16 names (iQ-R)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What fields mean besides their layout.

    ``bits``: points are bits; ``padded``: their ASCII characters come in pairs. ``per_word``: devices that a point
    of a bit device covers. ``request``: the fields of the request that is answered, where it is known.
    """

    devices: Devices
    ascii: bool = False
    subcommand: int = 0
    bits: bool = False
    padded: bool = False
    per_word: int = 1
    request: Mapping[str, PayloadValue] | None = None

    @classmethod
    def of(cls, devices: Devices, command: Command | None, subcommand: int, *, ascii: bool) -> Reading:  # noqa: A002
        """How the data of a command are read."""
        protocol = devices.protocol
        units = command.units if command is not None else None
        if units is not None:
            bits, counted = units == "bit", True
        else:
            bits, counted = bool(subcommand & protocol.bit_units), bool(protocol.bit_units)
        return cls(
            devices,
            ascii=ascii,
            subcommand=subcommand,
            bits=bits,
            padded=units is not None,
            per_word=16 if counted and not bits else 1,
        )

    def answering(self, request: Mapping[str, PayloadValue] | None) -> Reading:
        """The same for the response to a request with these fields."""
        return replace(self, request=request)


@dataclass(slots=True)
class Payload:
    """A decoded payload.

    ``complete`` is False where the octets do not fill or fit the layout; ``ended`` says that it is only their
    number that is wrong, so that more might complete it.
    """

    layout: Layout | None
    reading: Reading
    values: dict[str, PayloadValue] = field(default_factory=dict)
    rest: bytes = b""
    complete: bool = True
    ended: bool = False

    def role(self, role: str) -> PayloadValue | None:
        """The value of the first field with this role (``drive``, ``pointer``, ``offset``), not within lists."""
        for entry in self.layout.fields if self.layout is not None else ():
            if entry.role == role:
                return self.values.get(entry.name)
        return None


def layout_of(half: Half, code: int, subcommand: int) -> Layout | None:
    """The layout of a half's data, None where the definition knows none or says it is empty."""
    command = half.protocol.command(code, half.digits)
    if command is None:
        return None
    table = command.request if half.direction == "request" else command.response
    name = table.get(subcommand)
    return half.protocol.layouts[name] if name else None


def asked_for(request: Pdu, devices: Devices) -> dict[str, PayloadValue]:
    """The fields of a request, with those of the registration that it relies on."""
    found: dict[str, PayloadValue] = {}
    for pdu in (request.refers, request):
        if pdu is not None and pdu.command is not None:
            subcommand = pdu.subcommand or 0
            layout = layout_of(pdu.half, pdu.command, subcommand)
            reading = Reading.of(devices, pdu.known, subcommand, ascii=pdu.half.ascii)
            found |= decode(layout, pdu.body, reading).values
    return found


class _EndedError(Exception):
    """The octets ended inside a field."""


# Decoding


def decode(layout: Layout | None, data: bytes, reading: Reading) -> Payload:
    """The fields of ``data`` by ``layout``.

    There are clients that ask for the forms of iQ-R and write those of Q: data that end before the points, but fill
    the layout in that form, are read in it.
    """
    found = _decode(layout, data, reading)
    iqr = reading.devices.protocol.form_bits.get("iqr", 0)
    if found.ended and reading.subcommand & iqr and found.role("points") is None:
        other = _decode(layout, data, replace(reading, subcommand=reading.subcommand & ~iqr))
        if other.complete and not other.rest:
            return other
    return found


def _decode(layout: Layout | None, data: bytes, reading: Reading) -> Payload:
    payload = Payload(layout, reading)
    if layout is None:
        payload.rest = data
        return payload
    decoder = _Decoder(data, reading)
    try:
        decoder.fields(layout.fields, payload.values, ())
    except _EndedError:
        payload.complete, payload.ended = False, True
    except MisfitError:
        payload.complete = False
    payload.rest = data[decoder.at :]
    return payload


Scopes: TypeAlias = "tuple[Mapping[str, PayloadValue], ...]"


class _Decoder:
    """The place in some data. Where a field does not fit, ``at`` stays in front of it."""

    __slots__ = ("_data", "_order", "_reading", "_struct", "at")

    def __init__(self, data: bytes, reading: Reading) -> None:
        self._data = data
        self._reading = reading
        protocol = reading.devices.protocol
        self._order = reading.devices.order
        self._struct = "<" if protocol.byte_order == "little" else ">"
        self.at = 0

    def fields(self, fields: tuple[Field, ...], into: dict[str, PayloadValue], scopes: Scopes) -> None:
        """Reads fields into a mapping. ``scopes`` are the mappings around it, the innermost first."""
        for entry in fields:
            if entry.only is not None and into.get(entry.only[0]) not in entry.only[1]:
                continue
            if entry.optional and self.at == len(self._data):
                return
            read = _READERS.get(entry.type)
            if read is not None:
                into[entry.name] = read(self, entry)
            elif entry.type == "list":
                self._list(entry, into, (into, *scopes))
            elif entry.type in ("bytes", "text"):
                into[entry.name] = self._octets(entry, (into, *scopes))
            else:
                self._values(entry, into, (into, *scopes))

    def _take(self, size: int) -> bytes:
        """The next octets, without going on."""
        taken = self._data[self.at : self.at + size]
        if len(taken) < size:
            raise _EndedError
        return taken

    def _number_of(self, width: int, *, big: bool = False) -> int:
        if self._reading.ascii:
            number = hexadecimal(self._take(2 * width))
            self.at += 2 * width
        else:
            number = int.from_bytes(self._take(width), "big" if big else self._order)
            self.at += width
        return number

    def number(self, entry: Field) -> int:
        """A number; what 0 stands for where that is something else."""
        return self._number_of(WIDTHS[entry.type], big=entry.type == "u16be") or entry.zero

    def bit_value(self, entry: Field) -> int:
        """One bit in an octet, in iQ-R numbering in a word."""
        return self._number_of(bit_value_width(self._reading)) & 1

    def device(self, entry: Field) -> DevicePoint:
        """A device point."""
        reading = self._reading
        devices = reading.devices
        form = devices.form(reading.subcommand)
        size = size_of_form(form, ascii=reading.ascii)
        octets = self._take(size)
        point = devices.read_ascii(form, octets) if reading.ascii else devices.read_binary(form, octets)
        self.at += size
        return point

    def mac(self, entry: Field) -> str:
        """A MAC address; backwards in binary."""
        number = self._backwards(6)
        return ":".join(f"{octet:02X}" for octet in number.to_bytes(6, "big"))

    def ipv4(self, entry: Field) -> str:
        """An IPv4 address; backwards in binary."""
        number = self._backwards(4)
        return ".".join(str(octet) for octet in number.to_bytes(4, "big"))

    def _backwards(self, width: int) -> int:
        if self._reading.ascii:
            return self._number_of(width)
        number = int.from_bytes(self._take(width), "little")
        self.at += width
        return number

    def ipv4be(self, entry: Field) -> str:
        """An IPv4 address the right way round."""
        number = self._number_of(4, big=True)
        return ".".join(str(octet) for octet in number.to_bytes(4, "big"))

    def clock(self, entry: Field) -> str:
        """A controller's clock: the digits as they are, so that nonsense stays visible."""
        octets = self._plain_octets(_CLOCK)
        year, month, day, hour, minute, second, _, century, *rest = (f"{octet:02x}" for octet in octets)
        return f"{century}{year}-{month}-{day}T{hour}:{minute}:{second}.{''.join(rest)[1:]}"

    def path(self, entry: Field) -> str:
        """A counted path, without the NUL behind it."""
        start = self.at
        try:
            octets = self._number_of(2)
            return self._text(octets // 2, "utf-16-le").rstrip("\0")
        except (_EndedError, MisfitError):
            self.at = start
            raise

    def file_password(self, entry: Field) -> str:
        """The password of a file command, without its padding."""
        size = PASSWORD_SIZES.get(self._reading.subcommand)
        if size is not None:
            password = self._take(size)
            self.at += size
            return _decoded(password, "ascii").rstrip(" ")
        return self._counted("ascii")

    def file_name(self, entry: Field) -> str:
        """The file name of a file command."""
        return self._counted("utf-16-le" if self._reading.subcommand == COUNTED else "ascii")

    def _counted(self, charset: str) -> str:
        start = self.at
        try:
            size = self._number_of(2)
            return self._text(size, charset)
        except (_EndedError, MisfitError):
            self.at = start
            raise

    def _text(self, characters: int | None, charset: str | None) -> str:
        """Text of as many characters, all the rest for None."""
        width = _character_width(charset, self._reading)
        size = (len(self._data) - self.at) // width * width if characters is None else characters * width
        octets = self._take(size)
        if self._reading.ascii and width > 1:
            octets = b"".join(
                hexadecimal(octets[at : at + width]).to_bytes(width // 2, "little") for at in range(0, size, width)
            )
        self.at += size
        return _decoded(octets, charset)

    def _octets(self, entry: Field, scopes: Scopes) -> str | bytes:
        size = entry.size if entry.size_of is None else self._counted_octets(entry, scopes)
        if entry.type == "text":
            text = self._text(size, entry.charset)
            # Padding: a text of counted characters has none.
            return text if entry.size_of else text.rstrip("\0 ")
        if size is None:
            size = (len(self._data) - self.at) // (2 if self._reading.ascii else 1)
        return self._plain_octets(size)

    def _plain_octets(self, size: int) -> bytes:
        """Octets, from their digits in ASCII."""
        if not self._reading.ascii:
            octets = self._take(size)
            self.at += size
            return octets
        digits = self._take(2 * size)
        if digits.translate(None, HEX_DIGITS):
            raise MisfitError("no hexadecimal digits")
        self.at += 2 * size
        return unhexlify(digits)

    def _counted_octets(self, entry: Field, scopes: Scopes) -> int | None:
        assert entry.size_of is not None
        size = self._count(entry.size_of, scopes)
        if size is not None and entry.unit_of is not None and self._count(entry.unit_of, scopes) == 0:
            return 2 * size
        return size

    def _count(self, name: str | None, scopes: Scopes) -> int | None:
        """The number that a field holds, None for all that is left."""
        if name is None or name == "rest":
            return None
        if name.startswith("request."):
            scopes = (self._reading.request or {},)
            name = name.removeprefix("request.")
        for scope in scopes:
            if name in scope:
                found = scope[name]
                return found if isinstance(found, int) else None
        return None

    def _list(self, entry: Field, into: dict[str, PayloadValue], scopes: Scopes) -> None:
        items: list[dict[str, PayloadValue]] = []
        into[entry.name] = items
        count = self._count(entry.count_of, scopes)
        while len(items) < count if count is not None else self.at < len(self._data):
            if len(items) == MAX_ITEMS:
                raise MisfitError("more items than a PDU can have")
            item: dict[str, PayloadValue] = {}
            items.append(item)
            self.fields(entry.fields, item, scopes)

    def _values(self, entry: Field, into: dict[str, PayloadValue], scopes: Scopes) -> None:
        """Bits or numbers; as many as there are, where there are too few."""
        count = self._count(entry.count_of, scopes)
        unit = _device_unit(self._reading, scopes) if entry.type == "device_values" else ""
        if entry.type == "values" and self._reading.bits:
            values, size, wanted = self._bits(count)
        elif unit == "bit":
            words = None if count is None else (count + 15) // 16
            packed, size, wanted = self._numbers(*_ARRAYS["words"], words)
            values = tuple(word >> bit & 1 for word in packed for bit in range(16))[:count]
        elif unit:
            values, size, wanted = self._numbers(*_ARRAYS["dwords" if unit == "dword" else "words"], count)
        else:
            values, size, wanted = self._numbers(*_ARRAYS.get(entry.type, _ARRAYS["words"]), count)
        into[entry.name] = values
        self.at += size
        if size < wanted:
            raise _EndedError

    def _bits(self, count: int | None) -> tuple[tuple[int, ...], int, int]:
        left = len(self._data) - self.at
        if self._reading.ascii:
            wanted = left if count is None else count + (count & 1 if self._reading.padded else 0)
            octets = self._data[self.at : self.at + wanted]
            return tuple(octet & 1 for octet in octets[:count]), len(octets), wanted
        wanted = left if count is None else (count + 1) // 2
        octets = self._data[self.at : self.at + wanted]
        bits = tuple(bit for octet in octets for bit in (octet >> 4 & 1, octet & 1))
        return bits[:count], len(octets), wanted

    def _numbers(self, code: str, width: int, count: int | None) -> tuple[tuple[int, ...], int, int]:
        size = 2 * width if self._reading.ascii else width
        here = (len(self._data) - self.at) // size
        found = here if count is None else min(count, here)
        octets = self._data[self.at : self.at + found * size]
        order = self._struct
        if self._reading.ascii:
            if octets.translate(None, HEX_DIGITS):
                raise MisfitError("no hexadecimal digits")
            octets, order = unhexlify(octets), ">"
        wanted = found if count is None else count
        return struct.unpack(f"{order}{found}{code}", octets), found * size, wanted * size


def _device_unit(reading: Reading, scopes: Scopes) -> str:
    """What the device holds that was read last: ``bit``, ``word`` or ``dword``; words where it is not known."""
    for scope in scopes:
        for value in reversed(list(scope.values())):
            if isinstance(value, DevicePoint):
                device = reading.devices.known(value)
                return device.unit if device is not None else "word"
    return "word"


_READERS: Mapping[str, Callable[[_Decoder, Field], PayloadValue]] = {
    **dict.fromkeys(WIDTHS, _Decoder.number),
    "bit_value": _Decoder.bit_value,
    "device": _Decoder.device,
    "mac": _Decoder.mac,
    "ipv4": _Decoder.ipv4,
    "ipv4be": _Decoder.ipv4be,
    "clock": _Decoder.clock,
    "path": _Decoder.path,
    "file_password": _Decoder.file_password,
    "file_name": _Decoder.file_name,
}


def bit_value_width(reading: Reading) -> int:
    """Octets of a ``bit_value``."""
    iqr = reading.devices.protocol.form_bits.get("iqr", 0)
    return 2 if reading.subcommand & iqr else 1


def _character_width(charset: str | None, reading: Reading) -> int:
    """Octets of a character on the wire."""
    if not charset or not charset.startswith("utf-16"):
        return 1
    return 4 if reading.ascii else 2


def _decoded(octets: bytes, charset: str | None) -> str:
    if charset and charset.startswith("utf-16"):
        return octets.decode(charset, "replace")
    return octets.decode(charset or "ascii", "backslashreplace")


def plausible(payload: Payload, *, strict: bool) -> bool:
    """Whether the fields read so far may be meant: they are what is allowed and, in a strict reading, devices exist."""
    fields = payload.layout.fields if payload.layout is not None else ()
    return _plausible(fields, payload.values, payload.reading, strict)


def _plausible(fields: tuple[Field, ...], values: Mapping[str, PayloadValue], reading: Reading, strict: bool) -> bool:
    for entry in fields:
        value = values.get(entry.name)
        if value is None:
            continue
        if entry.const is not None and value != entry.const:
            return False
        if entry.allowed and isinstance(value, int) and not any(low <= value <= high for low, high in entry.allowed):
            return False
        if strict and isinstance(value, DevicePoint) and reading.devices.known(value) is None:
            return False
        if isinstance(value, list) and not all(_plausible(entry.fields, item, reading, strict) for item in value):
            return False
    return True


# Encoding


def encode(layout: Layout, values: Mapping[str, GivenValue], reading: Reading) -> bytes:
    """The octets (ASCII: characters) of a payload. Counts and lengths may be left out.

    Raises:
        ValueError: a device that the protocol's device table does not have, a number that does not fit.
    """
    return b"".join(_encoded(layout.fields, values, reading))


def _encoded(fields: tuple[Field, ...], values: Mapping[str, GivenValue], reading: Reading) -> Iterator[bytes]:
    for entry in fields:
        if entry.only is not None and values.get(entry.only[0]) not in entry.only[1]:
            continue
        value = values.get(entry.name)
        if value is None:
            value = _counted(entry, fields, values, reading)
        if value is None:
            value = entry.const if entry.const is not None else entry.default
        if value is None:
            value = _nothing(entry, values, reading)
        if entry.type == "list":
            for item in _items(entry, value):
                yield from _encoded(entry.fields, item, reading)
        elif entry.type == "device_values":
            yield _written_device_values(entry, value, fields, values, reading)
        else:
            yield _written(entry, value, reading)


def _items(entry: Field, value: GivenValue | None) -> Iterator[Mapping[str, GivenValue]]:
    for item in value if isinstance(value, (list, tuple)) else ():
        if not isinstance(item, Mapping):
            raise ValueError(f"{entry.name}: {item!r} is no item of a list")
        yield item


def _counted(entry: Field, fields: tuple[Field, ...], values: Mapping[str, GivenValue], reading: Reading) -> int | None:
    """What a field that is not given has to say, where it counts another one that is."""
    for other in fields:
        if other.name not in values:
            continue
        if other.count_of == entry.name:
            return _length(other, values[other.name], reading)
        if other.size_of == entry.name:
            size = len(_plain(other, values[other.name]))
            if other.type == "text":
                size //= _character_width(other.charset, replace(reading, ascii=False))
            if other.unit_of is not None and values.get(other.unit_of) == 0:
                size //= 2
            return size
    return None


def _nothing(entry: Field, values: Mapping[str, GivenValue], reading: Reading) -> tuple[int, ...] | bytes | None:
    """As many zeros as the request asks for, or as the field says that counts them."""
    if entry.type not in ("bytes", "values", *_ARRAYS, "device_values"):
        return None
    counted = entry.count_of or entry.size_of or ""
    name = counted.removeprefix("request.")
    asked = values.get(name) if name == counted else (reading.request or {}).get(name)
    if not isinstance(asked, int):
        return None
    return bytes(asked) if entry.type == "bytes" else (0,) * asked


def _length(entry: Field, value: GivenValue, reading: Reading) -> int:
    """How many values or items were given."""
    if not isinstance(value, bytes):
        return len(value) if isinstance(value, (list, tuple)) else 0
    if entry.type == "values" and reading.bits:
        return len(value) if reading.ascii else 2 * len(value)
    _, width = _ARRAYS.get(entry.type, _ARRAYS["words"])
    return len(value) // (2 * width if reading.ascii else width)


def _plain(entry: Field, value: GivenValue | None) -> bytes:
    """The octets of ``bytes`` or ``text`` before they are written in ASCII."""
    if isinstance(value, str):
        return value.encode(entry.charset or "ascii")
    return value if isinstance(value, bytes) else b""


def _written(entry: Field, value: GivenValue | None, reading: Reading) -> bytes:
    if entry.type in WIDTHS:
        number = value if isinstance(value, int) else 0
        number = 0 if entry.zero and number == entry.zero else number
        return _written_number(entry, number, WIDTHS[entry.type], reading, big=entry.type == "u16be")
    if entry.type == "bit_value":
        number = value if isinstance(value, int) else 0
        return _written_number(entry, number, bit_value_width(reading), reading)
    if entry.type == "device":
        return _written_device(value, reading)
    if entry.type in _ADDRESSES:
        return _ADDRESSES[entry.type](_ZEROS[entry.type] if value is None else str(value), reading)
    if entry.type in ("file_password", "file_name"):
        return _written_file(entry, str(value or ""), reading)
    if entry.type == "path":
        octets = (str(value or "") + "\0").encode("utf-16-le")
        return _written_number(entry, len(octets), 2, reading) + _characters(octets, "utf-16-le", reading)
    if entry.type in ("bytes", "text"):
        return _written_octets(entry, value, reading)
    return _written_values(entry, value, reading)


def _written_number(entry: Field, number: int, width: int, reading: Reading, *, big: bool = False) -> bytes:
    try:
        if reading.ascii:
            return number.to_bytes(width, "big").hex().upper().encode()
        return number.to_bytes(width, "big" if big else reading.devices.order)
    except OverflowError:
        raise ValueError(f"{entry.name}: {number} does not fit in {width} octets") from None


def _written_device(value: GivenValue | None, reading: Reading) -> bytes:
    devices = reading.devices
    point = value if isinstance(value, DevicePoint) else devices.parse(str(value))
    form = devices.form(reading.subcommand)
    return devices.write_ascii(form, point) if reading.ascii else devices.write_binary(form, point)


def _written_mac(text: str, reading: Reading) -> bytes:
    if not _MAC.fullmatch(text):
        raise ValueError(f"{text}: no MAC address")
    return _backwards(bytes.fromhex(text.replace(":", "")), reading)


def _written_ipv4(text: str, reading: Reading) -> bytes:
    return _backwards(ipaddress.IPv4Address(text).packed, reading)


def _backwards(octets: bytes, reading: Reading) -> bytes:
    return octets.hex().upper().encode() if reading.ascii else octets[::-1]


def _written_ipv4be(text: str, reading: Reading) -> bytes:
    octets = ipaddress.IPv4Address(text).packed
    return octets.hex().upper().encode() if reading.ascii else octets


def _written_clock(text: str, reading: Reading) -> bytes:
    time = datetime.strptime(text, CLOCK_FORMAT)
    # Sunday is 0, milliseconds have four digits.
    digits = f"{time:%y%m%d%H%M%S}{time.isoweekday() % 7:02}{time.year // 100:02}{time.microsecond // 1000:04}"
    return digits.encode() if reading.ascii else bytes.fromhex(digits)


_ZEROS = {
    "mac": "00:00:00:00:00:00",
    "ipv4": "0.0.0.0",
    "ipv4be": "0.0.0.0",
    "clock": "2000-01-01T00:00:00.000",
}
_ADDRESSES = {"mac": _written_mac, "ipv4": _written_ipv4, "ipv4be": _written_ipv4be, "clock": _written_clock}


def _written_file(entry: Field, text: str, reading: Reading) -> bytes:
    size = PASSWORD_SIZES.get(reading.subcommand) if entry.type == "file_password" else None
    if size is not None:
        if len(text) > size:
            raise ValueError(f"{entry.name}: longer than {size} characters")
        return text.ljust(size).encode("ascii")
    wide = entry.type == "file_name" and reading.subcommand == COUNTED
    charset = "utf-16-le" if wide else "ascii"
    octets = text.encode(charset)
    count = _written_number(entry, len(octets) // (2 if wide else 1), 2, reading)
    return count + _characters(octets, charset, reading)


def _characters(octets: bytes, charset: str | None, reading: Reading) -> bytes:
    """Encoded text as it is on the wire."""
    if not reading.ascii or _character_width(charset, reading) == 1:
        return octets
    units = struct.unpack(f"<{len(octets) // 2}H", octets)
    return "".join(f"{unit:04X}" for unit in units).encode()


def _written_octets(entry: Field, value: GivenValue | None, reading: Reading) -> bytes:
    octets = _plain(entry, value)
    if entry.type == "text":
        if entry.size is not None:
            width = _character_width(entry.charset, replace(reading, ascii=False))
            pad = ("\0" if entry.padding == "zero" else " ").encode(entry.charset or "ascii")
            octets = (octets + pad * entry.size)[: entry.size * width]
        return _characters(octets, entry.charset, reading)
    if entry.size is not None:
        octets = octets.ljust(entry.size, b"\0")[: entry.size]
    return octets.hex().upper().encode() if reading.ascii else octets


def _written_device_values(
    entry: Field,
    value: GivenValue | None,
    fields: tuple[Field, ...],
    values: Mapping[str, GivenValue],
    reading: Reading,
) -> bytes:
    """Values of the device that is given: words, double words, or bits packed 16 to a word."""
    if isinstance(value, bytes):
        return value
    numbers = [number for number in value if isinstance(number, int)] if isinstance(value, (list, tuple)) else []
    points: dict[str, PayloadValue] = {}
    for field_ in fields:
        given = values.get(field_.name)
        if field_.type == "device" and given is not None:
            points[field_.name] = given if isinstance(given, DevicePoint) else reading.devices.parse(str(given))
    unit = _device_unit(reading, (points,))
    if unit == "bit":
        padded = [*numbers, *[0] * (-len(numbers) % 16)]
        numbers = [
            sum((bit & 1) << place for place, bit in enumerate(padded[at : at + 16]))
            for at in range(0, len(padded), 16)
        ]
    return b"".join(_written_number(entry, number, 4 if unit == "dword" else 2, reading) for number in numbers)


def _written_values(entry: Field, value: GivenValue | None, reading: Reading) -> bytes:
    if isinstance(value, bytes):
        return value
    numbers = [number for number in value if isinstance(number, int)] if isinstance(value, (list, tuple)) else []
    if entry.type == "values" and reading.bits:
        digits = "".join("1" if number else "0" for number in numbers)
        if reading.ascii:
            return (digits + "0" * (len(digits) % 2 if reading.padded else 0)).encode()
        return bytes.fromhex(digits + "0" * (len(digits) % 2))
    _, width = _ARRAYS.get(entry.type, _ARRAYS["words"])
    return b"".join(_written_number(entry, number, width, reading) for number in numbers)

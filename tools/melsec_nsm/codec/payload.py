"""Payloads: the fields of a layout, and what a request was about.

A layout is a list of fields that several commands share. Decoding never fails: what does not fit
the layout is left as octets under ``rest``, because a controller's odd answer is no reason to
lose the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from melsec_nsm.codec.frames import Half, Value
from melsec_nsm.definitions.model import Definition, Field, Layout, Protocol

_WIDTHS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u16be": 2}
_DEVICE = re.compile(r"([A-Z]+)([0-9A-F]+)")


@dataclass(frozen=True, slots=True)
class DevicePoint:
    """A device number with its code, as on the wire."""

    code: int
    number: int


PayloadValue = int | str | bytes | DevicePoint


@dataclass(slots=True)
class Payload:
    """A decoded payload. ``complete`` is False where the octets ended inside the layout."""

    layout: Layout | None
    values: dict[str, PayloadValue] = field(default_factory=dict)
    rest: bytes = b""
    complete: bool = True

    def role(self, role: str) -> PayloadValue | None:
        """The value of the field with this role (``target``, ``points``)."""
        if self.layout is not None:
            for entry in self.layout.fields:
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


def decode(layout: Layout | None, data: bytes, byte_order: str) -> Payload:
    """The fields of ``data`` by ``layout``."""
    payload = Payload(layout)
    if layout is None:
        payload.rest = data
        return payload
    position = 0
    for entry in layout.fields:
        size = _field_size(entry, payload.values, len(data) - position)
        if size is None or position + size > len(data):
            payload.complete = False
            break
        payload.values[entry.name] = _read(entry, data[position : position + size], byte_order)
        position += size
    payload.rest = data[position:]
    return payload


def encode(layout: Layout, values: Mapping[str, Value], definition: Definition, protocol: Protocol) -> bytes:
    """The octets of a payload. Devices are given as text (``D100``), lengths may be left out.

    Raises:
        ValueError: a device that the protocol's device table does not have.
    """
    octets = b""
    counted = {entry.size_of: entry.name for entry in layout.fields if entry.size_of}
    for entry in layout.fields:
        value = values.get(entry.name)
        if value is None and entry.name in counted:
            value = len(_octets(values.get(counted[entry.name], b""), entry.charset))
        if value is None:
            value = entry.const if entry.const is not None else entry.default
        octets += _write(entry, value, definition, protocol)
    return octets


def _order(byte_order: str) -> Literal["little", "big"]:
    return "little" if byte_order == "little" else "big"


def _field_size(entry: Field, values: Mapping[str, PayloadValue], left: int) -> int | None:
    if entry.type in _WIDTHS:
        return _WIDTHS[entry.type]
    if entry.type == "device":
        return sum(_WIDTHS[kind] for _, kind in entry.parts)
    if entry.size is not None:
        return entry.size
    if entry.size_of is not None:
        counted = values.get(entry.size_of)
        return counted if isinstance(counted, int) else None
    return left


def _read(entry: Field, octets: bytes, byte_order: str) -> PayloadValue:
    order = _order(byte_order)
    if entry.type == "u16be":
        return int.from_bytes(octets, "big")
    if entry.type in _WIDTHS:
        return int.from_bytes(octets, order)
    if entry.type == "device":
        parts: dict[str, int] = {}
        position = 0
        for name, kind in entry.parts:
            parts[name] = int.from_bytes(octets[position : position + _WIDTHS[kind]], order)
            position += _WIDTHS[kind]
        return DevicePoint(parts["code"], parts["number"])
    if entry.type == "text":
        return octets.decode(entry.charset or "ascii", "backslashreplace").rstrip("\0 ")
    return octets


def _octets(value: Value | None, charset: str | None) -> bytes:
    if isinstance(value, str):
        return value.encode(charset or "ascii")
    return value if isinstance(value, bytes) else b""


def _write(entry: Field, value: Value | None, definition: Definition, protocol: Protocol) -> bytes:
    order = _order(protocol.byte_order)
    if entry.type in _WIDTHS:
        number = value if isinstance(value, int) else 0
        return number.to_bytes(_WIDTHS[entry.type], "big" if entry.type == "u16be" else order)
    if entry.type == "device":
        point = parse_device(str(value), definition, protocol.device_table)
        numbers = {"code": point.code, "number": point.number}
        return b"".join(numbers[name].to_bytes(_WIDTHS[kind], order) for name, kind in entry.parts)
    octets = _octets(value, entry.charset)
    if entry.size is not None:
        octets = octets.ljust(entry.size, b" " if entry.type == "text" else b"\0")[: entry.size]
    return octets


def parse_device(text: str, definition: Definition, table: str) -> DevicePoint:
    """``X1F`` as a device code and number in one of the numberings.

    Raises:
        ValueError: no such device, or a number that is not one in the device's base.
    """
    # A hexadecimal number may begin with a letter that continues a symbol (B + 1F, BL + 0): try each.
    for device in definition.devices:
        if text.startswith(device.symbol) and table in device.codes:
            match = _DEVICE.fullmatch(text)
            digits = text[len(device.symbol) :]
            if match and re.fullmatch(r"[0-9A-F]+" if device.base == 16 else r"[0-9]+", digits):
                return DevicePoint(device.codes[table], int(digits, device.base))
    raise ValueError(f"{text}: no device of the {table} numbering")


def device_range(
    point: DevicePoint, points: int | None, definition: Definition, protocol: Protocol, subcommand: int
) -> str:
    """The devices meant, as an engineer writes them: ``D100-D109``, ``X1F``.

    A bit device accessed in word units covers 16 points a word (SH-080956, device batch read).
    An unknown device code is kept as ``unknown-FE/100``.
    """
    device = definition.device(protocol.device_table, point.code)
    if device is None:
        return f"unknown-{point.code:02X}/{point.number}"
    per_point = 1
    if protocol.bit_units and not subcommand & protocol.bit_units and device.unit == "bit":
        per_point = 16
    digits = "X" if device.base == 16 else "d"
    first = f"{device.symbol}{point.number:{digits}}"
    covered = (1 if points is None else points) * per_point
    return first if covered <= 1 else f"{first}-{device.symbol}{point.number + covered - 1:{digits}}"

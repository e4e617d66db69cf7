"""What a payload is about, as logs write it: target, details, points, values, model.

Zeek writes the same texts (``zeek/analyzer/melsec_reader.spicy``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from melsec_nsm.codec.devices import WIDTHS, DevicePoint
from melsec_nsm.codec.payload import Payload, PayloadValue, Reading
from melsec_nsm.codec.text import printable
from melsec_nsm.definitions.model import Field

MAX_TARGETS = 16
"""Targets of one PDU that are written down; then only how many more there are."""

MAX_TARGET_TEXT = 512
"""Octets of the text of the targets; it is cut behind them."""

MAX_VALUES_TEXT = 8192
"""Octets of the text of the values behind which no further one is written; no PDU of a controller needs as many."""

MAX_POINTS = 0xFFFF_FFFF
"""What counts of several items add up to at most."""

_TEXTS = frozenset({"text", "file_name", "path", "mac", "ipv4", "ipv4be"})
_NAMES = frozenset({"target", "user"})
_DETAILS = frozenset({"detail", "drive", "pointer", "offset"})


@dataclass(slots=True)
class About:
    """What logs say of a payload; ``device`` is the first device point that it names.

    ``details`` are pairs ``name=value`` with spaces between them.
    """

    target: str = ""
    details: str = ""
    points: int | None = None
    values: str = ""
    model_code: int | None = None
    device: DevicePoint | None = None


def about(payload: Payload, *, octal: frozenset[str] = frozenset()) -> About:
    """What a payload is about. The devices named by ``octal`` are written in octal (X and Y of an iQ-F)."""
    found = About()
    if payload.layout is None:
        return found
    collector = _Collector(payload.reading, found, octal)
    collector.fields(payload.layout.fields, payload.values)
    found.target = collector.target()
    found.details = " ".join(collector.details)
    found.values = collector.values
    return found


def devices_of(payload: Payload) -> Iterator[tuple[DevicePoint, int]]:
    """The device points of a payload, with how many devices are meant from each on."""
    if payload.layout is not None:
        yield from _devices_of(payload.layout.fields, payload.values, payload.reading)


def _devices_of(
    fields: tuple[Field, ...], values: Mapping[str, PayloadValue], reading: Reading
) -> Iterator[tuple[DevicePoint, int]]:
    for position, entry in enumerate(fields):
        value = values.get(entry.name)
        if isinstance(value, list):
            for item in value:
                yield from _devices_of(entry.fields, item, reading)
        elif isinstance(value, DevicePoint):
            counting = _points_of(fields[position + 1 :])
            points = values.get(counting.name) if counting is not None else 1
            device = reading.devices.known(value)
            per_point = reading.per_word if device is not None and device.unit == "bit" else 1
            yield value, (points if isinstance(points, int) else 1) * per_point


@dataclass(slots=True)
class _Collector:
    reading: Reading
    found: About
    octal: frozenset[str]
    targets: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    more: int = 0
    values: str = ""
    last: DevicePoint | None = None

    def fields(self, fields: tuple[Field, ...], values: Mapping[str, PayloadValue]) -> None:
        """Takes up fields in the order of the wire, as far as they were decoded."""
        owner = _owner(fields, values)
        for position, entry in enumerate(fields):
            value = values.get(entry.name)
            if value is None or entry.secret:
                continue
            if entry.role in _DETAILS:
                self.details.append(f"{entry.name}={worded(entry, value)}")
            elif isinstance(value, list):
                self._items(entry, value)
            elif isinstance(value, DevicePoint):
                self.last = value
                if entry.role == "target" and owner is not None:
                    self._device(owner, value, fields[position + 1 :], values)
            elif entry.type in WIDTHS and isinstance(value, int):
                self._number(entry, value, owner)
            elif entry.role in _NAMES and entry.type in _TEXTS:
                self._name(printable(str(value)))
            elif entry.role == "extension" and self.targets:
                self._extend(printable(str(value)))
            elif entry.role == "values":
                self._values(entry, value)

    def _items(self, entry: Field, items: list[dict[str, PayloadValue]]) -> None:
        for item in items:
            self.fields(entry.fields, item)
            if entry.role == "points" and len(item) == len(entry.fields):
                self._add_points(1)

    def _number(self, entry: Field, value: int, owner: str | None) -> None:
        if entry.role == "points":
            self._add_points(value)
        elif entry.role == "target" and owner is not None:
            self._name(f"{owner}{value:X}")
        elif entry.role == "model_code":
            self.found.model_code = value
        elif entry.role == "values":
            self._add_value(f"{value:0{2 * WIDTHS[entry.type]}X}")

    def _add_points(self, points: int) -> None:
        self.found.points = min((self.found.points or 0) + points, MAX_POINTS)

    def _device(
        self, owner: str, point: DevicePoint, behind: tuple[Field, ...], values: Mapping[str, PayloadValue]
    ) -> None:
        counting = _points_of(behind)
        points = 0
        if counting is not None:
            counted = values.get(counting.name)
            if not isinstance(counted, int):
                return
            points = counted
        if self.found.device is None:
            self.found.device = point
        devices = self.reading.devices
        device = devices.known(point)
        if device is not None and device.unit == "bit":
            points *= self.reading.per_word
        self._name(owner + devices.text(point, points, octal=self.octal))

    def _name(self, text: str) -> None:
        if len(self.targets) < MAX_TARGETS:
            self.targets.append(text)
        else:
            self.more += 1

    def _extend(self, text: str) -> None:
        if not self.more and text:
            self.targets[-1] += f".{text}"

    def _values(self, entry: Field, value: PayloadValue) -> None:
        if isinstance(value, (str, bytes)):
            self._add_value(value.hex().upper() if isinstance(value, bytes) else _shown(entry, value))
        elif entry.type == "bit_value":
            self.values += "1" if value else "0"
        elif isinstance(value, tuple) and self._bits(entry):
            room = max(MAX_VALUES_TEXT - len(self.values), 0)
            self.values += "".join("1" if bit else "0" for bit in value[:room])
        elif isinstance(value, tuple):
            width = 8 if entry.type == "dwords" or self._unit(entry) == "dword" else 4
            room = max(MAX_VALUES_TEXT - len(self.values), 0) // (width + 1) + 1
            for number in value[:room]:
                self._add_value(f"{number:0{width}X}")

    def _unit(self, entry: Field) -> str:
        """What the last device holds, for values that are as it is."""
        if entry.type != "device_values" or self.last is None:
            return ""
        device = self.reading.devices.known(self.last)
        return device.unit if device is not None else ""

    def _bits(self, entry: Field) -> bool:
        return (entry.type == "values" and self.reading.bits) or self._unit(entry) == "bit"

    def _add_value(self, text: str) -> None:
        if len(self.values) < MAX_VALUES_TEXT:
            self.values += f" {text}" if self.values else text

    def target(self) -> str:
        """The targets as one text."""
        text = ",".join(self.targets) + (f",+{self.more}" if self.more else "")
        octets = text.encode("utf-8", "replace")
        return text if len(octets) <= MAX_TARGET_TEXT else octets[:MAX_TARGET_TEXT].decode("utf-8", "ignore")


def worded(entry: Field, value: PayloadValue) -> str:
    """A value as one word: what the definition calls it, else a number in decimal or text without spaces."""
    if isinstance(value, int):
        return entry.names.get(value, f"{value:X}" if entry.base == 16 else str(value))
    return _shown(entry, str(value)).replace(" ", "\\x20")


def _shown(entry: Field, text: str) -> str:
    """Text as a log has it; characters of one octet are those of ASCII or escaped."""
    if entry.charset == "latin-1":
        text = text.encode("latin-1", "replace").decode("ascii", "backslashreplace")
    return printable(text)


def _owner(fields: tuple[Field, ...], values: Mapping[str, PayloadValue]) -> str | None:
    """What the address or the device of a group belongs to, as it stands before it; None where that was not seen."""
    for entry in fields:
        if entry.role in ("module", "block"):
            value = values.get(entry.name)
            if not isinstance(value, int):
                return None
            return f"U{value:X}:" if entry.role == "module" else f"B{value}\\"
    return ""


def _points_of(behind: tuple[Field, ...]) -> Field | None:
    """The points of a device: the next field with that role, unless another device comes before it."""
    for entry in behind:
        if entry.type == "device":
            return None
        if entry.role == "points" and entry.type in WIDTHS:
            return entry
    return None

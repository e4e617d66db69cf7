"""Captures of every command in every frame, with values made up from the layouts.

They hold each command with each of its sub-commands once, so that the engines can be compared field by field
over everything that the definition knows. Layouts that are known are filled; of the others the data are some octets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from melsec_nsm.definitions.model import (
    Capture,
    Command,
    Definition,
    DeviceForm,
    Exchange,
    ExchangeValue,
    Field,
    Frame,
    Layout,
    Location,
    Protocol,
)

_PORTS = {"tcp": 4999, "udp": 4998}
"""Ports on which nobody expects MELSEC: what is found is found by its content."""

SECRET = "Pw#7"
"""Every password."""

_CLIENT, _SERVER = "192.168.3.18", "192.168.3.250"
_UNKNOWN_DATA = bytes.fromhex("01 00 02 00")
_LOCATION = Location("", 0, 0)

_WORD_DEVICES = ("D100", "W1F", "R12000")
_BIT_DEVICES = ("M100", "X1F", "Y20")
_EXTENDED_DEVICES = ("U3E0\\G10", "J1\\W100", "U1\\G0")
_MAC, _IPV4 = "10:4B:46:00:53:FB", "192.168.3.251"
_NUMBERS = {"words": 0x1234, "dwords": 0x12345678}
_TEXTS = {"model": "R08CPU", "name": "MAIN", "new_name": "SUB1", "to_name": "COPY", "content": "ABCDE"}
_ITEMS = 3
"""Items of a list, and points: what is registered is as much as what is read."""

_BY_ROLE = {"points": _ITEMS, "module": 0x10, "model_code": 0x4801, "offset": 0x780, "target": 0x78, "block": 2}


def captures(definition: Definition) -> Iterator[Capture]:
    """One capture for each frame layout and transport, and one of what has no size that anybody knows."""
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            sized = [command for command in protocol.commands_of(frame) if _is_sized(frame, command)]
            others = [command for command in protocol.commands_of(frame) if not _is_sized(frame, command)]
            for transport in frame.transports:
                yield _capture(protocol, frame, transport, sized)
                if others:
                    yield _capture(protocol, frame, transport, others, "unsized")


def _is_sized(frame: Frame, command: Command) -> bool:
    """Whether a command's PDUs end somewhere: where nothing but its layout says where, that has to be known."""
    return frame.kind != "layout" or command.request.get(0) is not None


def _capture(protocol: Protocol, frame: Frame, transport: str, commands: Sequence[Command], kind: str = "") -> Capture:
    return Capture(
        name="-".join(filter(None, ("commands", frame.id, transport, kind))),
        title=f"Every command{' of unknown size' if kind else ''} in frame {frame.id} over {transport.upper()}",
        transport=transport,
        port=_PORTS[transport],
        client=_CLIENT,
        server=_SERVER,
        shape="plain",
        exchanges=tuple(_exchanges(protocol, frame, commands)),
        location=_LOCATION,
    )


def _exchanges(protocol: Protocol, frame: Frame, commands: Sequence[Command]) -> Iterator[Exchange]:
    if frame.kind == "layout" and not all(_is_proof(frame, command) for command in commands):
        # What may mean anything is believed only where another frame of the protocol was seen.
        other = next(one for one in protocol.frames if one.encoding == frame.encoding)
        yield example(protocol, other, next(protocol.commands_of(other)), 0)
    number = 0
    for command in commands:
        for subcommand in command.subcommands or (0,):
            number += 1
            yield example(protocol, frame, command, subcommand, number)


def _is_proof(frame: Frame, command: Command) -> bool:
    """Whether a request with its answer proves the protocol."""
    return _is_sized(frame, command) and any(field.allowed for field in frame.request)


def example(protocol: Protocol, frame: Frame, command: Command, subcommand: int, number: int = 1) -> Exchange:
    """A request of a command with its answer. ``number`` is the serial number, where the frame has one."""
    maker = _Maker(protocol, command, subcommand)
    asked = _layout(protocol, command.request, subcommand)
    answered = _layout(protocol, command.response, subcommand)
    header: dict[str, ExchangeValue] = {}
    if any(field.name == "serial" for field in frame.request):
        header["serial"] = number
    values = maker.fields(asked.fields) if asked else {}
    maker.asked = values
    answer = maker.fields(answered.fields) if answered else {}
    unknown = _UNKNOWN_DATA.hex().upper().encode() if frame.encoding == "ascii" else _UNKNOWN_DATA
    sizes = frame.response[-1].sizes if frame.response else {}
    return Exchange(
        protocol=protocol.name,
        frame=frame.id,
        command=command.code,
        subcommand=subcommand,
        values={**header, **values},
        data=unknown if subcommand not in command.request and frame.kind != "sizes" else None,
        status=None if command.unanswered or not frame.response else 0,
        response_values={**header, **answer},
        response_data=unknown if subcommand not in command.response and not sizes else None,
        half="both",
        repeat=1,
    )


def _layout(protocol: Protocol, table: Mapping[int, str], subcommand: int) -> Layout | None:
    name = table.get(subcommand)
    return protocol.layouts[name] if name else None


class _Maker:
    """Makes up values for the fields of one command's layouts."""

    def __init__(self, protocol: Protocol, command: Command, subcommand: int) -> None:
        self._protocol = protocol
        self._subcommand = subcommand
        self._bits = command.units == "bit" or bool(command.units is None and subcommand & protocol.bit_units)
        self.asked: Mapping[str, ExchangeValue] = {}

    def fields(self, fields: tuple[Field, ...], item: int = 0) -> dict[str, ExchangeValue]:
        """A value for each field that the encoder does not fill by itself; ``item`` is the place in a list."""
        counts = {name for entry in fields for name in (entry.count_of, entry.size_of) if name}
        values: dict[str, ExchangeValue] = {}
        for entry in fields:
            if entry.name in counts or entry.const is not None:
                continue
            value = self._value(entry, item)
            if value is not None:
                values[entry.name] = value
        return values

    def _value(self, entry: Field, item: int) -> ExchangeValue | None:
        if entry.type == "list":
            return tuple(self.fields(entry.fields, number) for number in range(_ITEMS))
        if entry.type == "device":
            return self._device(item)
        if entry.type in ("values", "words", "dwords", "device_values"):
            return self._numbers(entry)
        if entry.type == "bit_value":
            return (item + 1) & 1
        if entry.type in ("text", "file_name", "file_password", "path"):
            return self._text(entry, item)
        if entry.type == "mac":
            return _MAC
        if entry.type in ("ipv4", "ipv4be"):
            return _IPV4 if entry.default is None else None
        if entry.type == "clock":
            return None
        if entry.type == "bytes":
            return None if entry.default is not None else self._octets(entry)
        if entry.default is not None or entry.names:
            return max(entry.names) if entry.names and entry.role is None else None
        return min(_BY_ROLE.get(entry.role or "", 1) + item, 0xFF if entry.type == "u8" else 0xFFFF)

    def _device(self, item: int) -> str:
        form: DeviceForm = self._protocol.device_form(self._subcommand)
        if any(part == "specification" for part, _ in form.binary):
            return _EXTENDED_DEVICES[item % len(_EXTENDED_DEVICES)]
        return (_BIT_DEVICES if self._bits else _WORD_DEVICES)[item % len(_WORD_DEVICES)]

    def _numbers(self, entry: Field) -> tuple[int, ...]:
        count = _ITEMS
        if entry.count_of and entry.count_of.startswith("request."):
            asked = self.asked.get(entry.count_of.removeprefix("request."), _ITEMS)
            count = asked if isinstance(asked, int) else _ITEMS
        if entry.type == "values" and self._bits:
            return tuple((number + 1) & 1 for number in range(count))
        return tuple(_NUMBERS.get(entry.type, 0x1234) + number for number in range(count))

    def _text(self, entry: Field, item: int) -> str:
        if entry.type == "path":
            return "$MELPRJ$\\" + ("" if entry.name == "directory" else "MAIN.PRG")
        if entry.type == "file_name":
            return "SUB.PRG" if entry.name.startswith("from") else "" if entry.name == "directory" else "MAIN.PRG"
        if entry.type == "file_password" or entry.secret:
            return SECRET
        if entry.role == "extension" or entry.name == "extension":
            return "QPG"
        return _TEXTS.get(entry.name, "ABC" if entry.size else f"Label{item}")

    def _octets(self, entry: Field) -> bytes:
        if entry.size:
            return bytes(range(1, entry.size + 1))
        if entry.size_of and entry.size_of.startswith("request."):
            asked = self.asked.get(entry.size_of.removeprefix("request."), 4)
            return bytes(range(1, (asked if isinstance(asked, int) else 4) + 1))
        return bytes.fromhex("01 02 03 04")

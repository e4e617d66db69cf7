# scapy.contrib.description = MELSEC protocols: SLMP (3E, 4E) and MELSOFT
# scapy.contrib.status = loads

"""Scapy layers for MELSEC: one class per frame and direction, one per payload layout.

All fields, constants, defaults and names come from the signature definition, which is read when this
module is imported. Field names are those of the definition in lowerCamelCase (``module_io`` is
``moduleIo``); ``command`` is ``commandCode`` because every scapy packet has a method ``command``.

``MELSEC``, ``SLMP`` and ``MELSOFT`` find the class by the sub-header::

    >>> MELSEC(bytes.fromhex("500000ffff030008001000021000000100")).mysummary()
    'SLMP 3E request remote-stop 1002/0000'

Nothing is bound to a port at import, unlike in scapy's contrib: users set the ports, and those that are
usual (5000, 5001, 5007) serve other protocols too. `bind` does it for the ports of the definition or for
those given. Octets that are no PDU, commands without a layout and what follows a layout stay `Raw`. The
data of an SLMP response are `Raw` as well, since it does not say what it answers: dissect ``load`` with
the payload class that the request asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from scapy.fields import (
    ByteField,
    FieldLenField,
    LEIntField,
    LEShortEnumField,
    LEShortField,
    LEThreeBytesField,
    ShortField,
    StrField,
    StrFixedLenField,
    StrLenField,
    XByteEnumField,
    XByteField,
    XLE3BytesField,
    XLEIntEnumField,
    XLEIntField,
    XLEShortField,
    XShortEnumField,
    XShortField,
    XStrField,
    XStrFixedLenField,
    XStrLenField,
)
from scapy.layers.inet import TCP, UDP
from scapy.packet import Packet, Padding, Raw, bind_bottom_up, split_bottom_up

from melsec_nsm.codec.frames import Codec, Half, Incomplete
from melsec_nsm.codec.payload import decode
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Command, Field, Layout, Protocol

__all__ = [
    "MELSEC",
    "MELSOFT",
    "PAYLOADS",
    "PDUS",
    "SLMP",
    "MELSOFTControlRequest",
    "MELSOFTControlResponse",
    "MELSOFTLongRequest",
    "MELSOFTLongResponse",
    "MELSOFTShortRequest",
    "MELSOFTShortResponse",
    "SLMP3ERequest",
    "SLMP3EResponse",
    "SLMP4ERequest",
    "SLMP4EResponse",
    "bind",
    "unbind",
]

_DEFINITION = load()
_CODEC = Codec(_DEFINITION)
_CANDIDATE = re.compile(b"[" + re.escape(bytes(sorted(_CODEC.first_octets))) + b"]")


class _XLEShortEnumField(LEShortEnumField):  # type: ignore[misc]
    """Scapy has this one in big-endian only."""

    def _i2repr(self, pkt: Any, x: int) -> str:
        return f"{x:#x}"


_PLAIN: Mapping[str, Any] = {
    "u8": ByteField,
    "u16": LEShortField,
    "u16be": ShortField,
    "u24": LEThreeBytesField,
    "u32": LEIntField,
}
_HEX: Mapping[str, Any] = {
    "u8": XByteField,
    "u16": XLEShortField,
    "u16be": XShortField,
    "u24": XLE3BytesField,
    "u32": XLEIntField,
}
_ENUM: Mapping[str, Any] = {
    "u8": XByteEnumField,
    "u16": _XLEShortEnumField,
    "u16be": XShortEnumField,
    "u32": XLEIntEnumField,
}
_DECIMAL = frozenset({"counter", "length", "points", "serial", "size", "timer"})
"""Fields that count something, shown in decimal; all others are shown in hexadecimal."""

Names = Mapping[str, Mapping[int, str]]
"""What the values of a field are called, by the field's name in the definition."""


def camel(name: str) -> str:
    """The scapy name of a field of the definition: ``module_io`` is ``moduleIo``."""
    first, *others = name.split("_")
    found = first + "".join(word.capitalize() for word in others)
    return f"{found}Code" if hasattr(Packet, found) else found


def _scapy_fields(fields: Sequence[Field], protocol: Protocol, names: Names) -> list[Any]:
    """The scapy fields of a header or a layout."""
    counted = {field.size_of: field.name for field in fields if field.size_of}
    found: list[Any] = []
    for field in fields:
        default = field.const if field.const is not None else field.default
        known = field.names or names.get(field.name)
        if field.name in counted:
            fmt = _PLAIN[field.type](field.name, 0).fmt
            found.append(FieldLenField(camel(field.name), None, length_of=camel(counted[field.name]), fmt=fmt))
        elif field.counts == "rest":
            found.append(_PLAIN[field.type](camel(field.name), None))
        elif field.type == "device":
            found += _device(field, protocol)
        elif field.type not in _PLAIN:
            found.append(_octets(field, default))
        elif known:
            found.append(_ENUM[field.type](camel(field.name), default or 0, dict(known)))
        else:
            kinds = _PLAIN if field.name in _DECIMAL else _HEX
            found.append(kinds[field.type](camel(field.name), default or 0))
    return found


def _device(field: Field, protocol: Protocol) -> Iterator[Any]:
    table = protocol.device_table
    symbols = {device.codes[table]: device.symbol for device in _DEFINITION.devices if table in device.codes}
    for part, kind in field.parts:
        name = camel(f"{field.name}_{part}")
        yield _ENUM[kind](name, 0, dict(symbols)) if part == "code" else _PLAIN[kind](name, 0)


def _octets(field: Field, default: object) -> Any:
    octets = default.encode(field.charset or "ascii") if isinstance(default, str) else default or b""
    size = len(field.const) if isinstance(field.const, bytes) else field.size
    is_text = field.type == "text"
    if size is not None:
        return (StrFixedLenField if is_text else XStrFixedLenField)(camel(field.name), octets, size)
    if field.size_of is None:
        return (StrField if is_text else XStrField)(camel(field.name), octets)
    counter = camel(field.size_of)
    kind = StrLenField if is_text else XStrLenField
    return kind(camel(field.name), octets, length_from=lambda packet: getattr(packet, counter))


class _Stream(Packet):  # type: ignore[misc]
    """What finds its PDUs in the octets of a TCP connection."""

    fields_desc: ClassVar[list[Any]] = []
    _halves: ClassVar[tuple[Half, ...]] = ()

    @classmethod
    def _measure(cls, octets: bytes, start: int, *, strict: bool) -> tuple[Half | None, bool]:
        """The half that a PDU at ``start`` is of, None where that cannot be told; whether there may be one."""
        waiting = False
        for half in cls._halves:
            size = half.measure(octets, start, strict=strict)
            if isinstance(size, int) or (isinstance(size, Incomplete) and size.total):
                return half, True
            waiting = waiting or isinstance(size, Incomplete)
        return None, waiting

    @classmethod
    def tcp_reassemble(cls, data: bytes, metadata: dict[str, Any], session: dict[str, Any]) -> Any:
        """The next PDU of a stream, or the octets before it as `Raw`; None where more are needed."""
        position = 0
        while position < len(data):
            strict = position > 0
            half, possible = cls._measure(data, position, strict=strict)
            if not possible:
                candidate = _CANDIDATE.search(data, position + 1)
                position = candidate.start() if candidate else len(data)
                continue
            if position:
                return Raw(data[:position]) / Padding(data[position:])
            if half is not None and isinstance(half.measure(data, 0, strict=False), int):
                return PDUS[half.frame.id, half.direction](data)
            return Raw(data) if metadata.get("tcp_end") else None
        return Raw(data) if data else None


class _Pdu(_Stream):
    """One direction of a frame; the payload is what the definition calls ``data``."""

    def _own(self, name: str) -> Any:
        """A header field by its name in the definition, None where this half has none (payloads are not asked)."""
        return self.getfieldval(camel(name)) if name in self._halves[0].names else None

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """Fills in the length, which does not count a PDU stacked behind this one."""
        half = self._halves[0]
        end = half.length_end
        if end and self.getfieldval(_length_name(half)) is None:
            size = len(pkt) - end + len(pay)
            following = next((layer for layer in self.payload.iterpayloads() if isinstance(layer, _Pdu)), None)
            if following is not None:
                size -= len(following.do_build())
            order: Literal["little", "big"] = "little" if half.protocol.byte_order == "little" else "big"
            pkt = pkt[: end - 2] + size.to_bytes(2, order) + pkt[end:]
        return pkt + pay

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes | None]:
        """What follows the PDU is another one."""
        half = self._halves[0]
        if half.length_end:
            size = max(self.getfieldval(_length_name(half)) - (half.header_size - half.length_end), 0)
        else:
            size = half.data_field.sizes.get(self._own("command"), len(s))
        return s[:size], s[size:]

    def guess_payload_class(self, payload: bytes) -> Any:
        """The layout that the command has in this direction, if the octets fill it."""
        half = self._halves[0]
        command = self._known()
        if command is not None and not self._own("status"):
            table = command.request if half.direction == "request" else command.response
            name = table.get(self._own("subcommand") or 0)
            if name and decode(half.protocol.layouts[name], payload, half.protocol.byte_order).complete:
                return PAYLOADS[half.protocol.name, name]
        return super().guess_payload_class(payload)

    def answers(self, other: Any) -> bool:
        """Whether this is a response to ``other``: same frame, and same reference and command where it has them."""
        half = self._halves[0]
        if not isinstance(other, _Pdu) or half.direction != "response":
            return False
        asked = other._halves[0]
        if asked.frame.id != half.frame.id or asked.direction != "request":
            return False
        return all(self._own(name) in {None, other._own(name)} for name in ("serial", "command"))

    def mysummary(self) -> str:
        """``SLMP 3E request remote-stop 1002/0000``."""
        half = self._halves[0]
        words = [self._name]
        code, known, status = self._own("command"), self._known(), self._own("status")
        if code is not None:
            text = f"{code:0{half.digits}X}"
            words.append(known.operation if known else f"unknown-{text}")
            words.append(f"{text}/{self._own('subcommand'):04X}" if "subcommand" in half.names else text)
        if status is not None:
            entry = _DEFINITION.status(half.protocol.status_table, status)
            words.append(entry.name if entry else f"status {status:04X}")
        return " ".join(words)

    def _known(self) -> Command | None:
        code, half = self._own("command"), self._halves[0]
        return None if code is None else half.protocol.command(code, half.digits)


def _length_name(half: Half) -> str:
    return next(camel(field.name) for field in half.header if field.counts == "rest")


PDUS: dict[tuple[str, str], Any] = {}
"""The class of each frame, by its id in the definition and the direction."""


def _pdu(name: str, frame: str, direction: str) -> Any:
    half = _CODEC.half(frame, direction)
    protocol = half.protocol
    names = {
        "command": {command.code: command.operation for command in protocol.commands_of(half.frame)},
        "status": {status.code: status.name for status in _DEFINITION.statuses.get(protocol.status_table, ())},
    }
    content = {
        "__module__": __name__,
        "__doc__": f"{direction.capitalize()} in a frame {half.frame.frame} of {protocol.title}.",
        "name": f"{protocol.name.upper()} {half.frame.frame} {direction}",
        "fields_desc": _scapy_fields(half.header, protocol, names),
        "_halves": (half,),
    }
    made = PDUS[frame, direction] = type(Packet)(name, (_Pdu,), content)
    return made


SLMP3ERequest = _pdu("SLMP3ERequest", "3e-binary", "request")
SLMP3EResponse = _pdu("SLMP3EResponse", "3e-binary", "response")
SLMP4ERequest = _pdu("SLMP4ERequest", "4e-binary", "request")
SLMP4EResponse = _pdu("SLMP4EResponse", "4e-binary", "response")
MELSOFTLongRequest = _pdu("MELSOFTLongRequest", "57-long", "request")
MELSOFTLongResponse = _pdu("MELSOFTLongResponse", "57-long", "response")
MELSOFTShortRequest = _pdu("MELSOFTShortRequest", "57-short", "request")
MELSOFTShortResponse = _pdu("MELSOFTShortResponse", "57-short", "response")
MELSOFTControlRequest = _pdu("MELSOFTControlRequest", "5a", "request")
MELSOFTControlResponse = _pdu("MELSOFTControlResponse", "5a", "response")


def _payload(protocol: Protocol, layout: Layout) -> Any:
    words = [word for word in layout.name.split("-") if word != protocol.name]
    content = {
        "__module__": __name__,
        "__doc__": f"Data laid out as {layout.name} in {protocol.title}.",
        "name": f"{protocol.name.upper()} {' '.join(words)}",
        "fields_desc": _scapy_fields(layout.fields, protocol, {"model_code": _MODELS}),
    }
    name = protocol.name.upper() + "".join(word.capitalize() for word in words)
    return type(Packet)(name, (Packet,), content)


_MODELS = {model.code: model.name for model in _DEFINITION.models}

PAYLOADS: dict[tuple[str, str], Any] = {
    (protocol.name, layout.name): _payload(protocol, layout)
    for protocol in _DEFINITION.protocols.values()
    for layout in protocol.layouts.values()
}
"""The class of each payload layout, by protocol and layout; each also stands in this module by its own name."""

globals().update({made.__name__: made for made in PAYLOADS.values()})
__all__ += [made.__name__ for made in PAYLOADS.values()]


def _halves_of(*protocols: str) -> tuple[Half, ...]:
    return tuple(half for half in _CODEC.halves() if half.protocol.name in protocols)


def _class_of(dispatcher: type[_Stream], octets: bytes) -> Any:
    """The class of the PDU that ``octets`` begin with; the dispatcher itself where too few are there."""
    half, possible = dispatcher._measure(octets, 0, strict=False) if octets else (None, True)
    if half is not None:
        return PDUS[half.frame.id, half.direction]
    return dispatcher if possible else Raw


class MELSEC(_Stream):
    """Any PDU of the protocols of the definition, told by its sub-header."""

    _halves = _halves_of(*_DEFINITION.protocols)

    # Scapy asks only the class's own dictionary for the hook, so that it is not inherited.
    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *args: Any, **kargs: Any) -> Any:
        """The class of the PDU, `Raw` where there is none."""
        return _class_of(cls, _pkt)


class SLMP(_Stream):
    """A PDU of SLMP, told by its sub-header."""

    _halves = _halves_of("slmp")

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *args: Any, **kargs: Any) -> Any:
        """The class of the PDU, `Raw` where there is none."""
        return _class_of(cls, _pkt)


class MELSOFT(_Stream):
    """A PDU of MELSOFT, told by its lead octet and its form."""

    _halves = _halves_of("melsoft")

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *args: Any, **kargs: Any) -> Any:
        """The class of the PDU, `Raw` where there is none."""
        return _class_of(cls, _pkt)


def _places(ports: Sequence[int]) -> Iterator[tuple[Any, int]]:
    """Transports with ports: those given, else those of the definition."""
    layers = {"tcp": TCP, "udp": UDP}
    if ports:
        yield from ((layer, port) for layer in layers.values() for port in ports)
        return
    hints = {(hint.transport, hint.port) for protocol in _DEFINITION.protocols.values() for hint in protocol.ports}
    yield from ((layers[transport], port) for transport, port in sorted(hints))


def bind(*ports: int) -> None:
    """Dissects these ports of TCP and UDP as MELSEC; without arguments those that the definition expects."""
    unbind(*ports)
    for layer, port in _places(ports):
        bind_bottom_up(layer, MELSEC, sport=port)
        bind_bottom_up(layer, MELSEC, dport=port)


def unbind(*ports: int) -> None:
    """Takes back `bind`."""
    for layer, port in _places(ports):
        split_bottom_up(layer, MELSEC, sport=port)
        split_bottom_up(layer, MELSEC, dport=port)

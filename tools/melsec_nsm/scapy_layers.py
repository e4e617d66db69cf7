# scapy.contrib.description = MELSEC protocols: SLMP / MC protocol (1E, 3E, 4E, 4C, LMT, EMT) and MELSOFT
# scapy.contrib.status = loads

r"""Scapy layers for MELSEC: one class per frame and direction, one per payload layout.

All fields, constants, defaults and names come from the signature definition, which is read when this
module is imported; the codec reads and writes their octets, in binary and in ASCII. Field names are those of
the definition in lowerCamelCase (``module_io`` is ``moduleIo``); ``command`` and ``name`` are ``commandCode`` and
``nameText`` because scapy has other uses for the words.

``MELSEC``, ``SLMP``, ``MELSOFT`` and ``MC1E`` find the class by what a PDU begins with::

    >>> MELSEC(bytes.fromhex("500000ffff030008001000021000000100")).mysummary()
    'SLMP 3E request remote-stop 1002/0000'
    >>> bytes(SLMP3EAsciiRequest(commandCode="read-devices") / SLMPDeviceBlock(device="D100", points=2))
    b'500000FF03FF000018001004010000D*0001000002'

Devices are text (``D100``, ``U3E0\G10``), or a `DevicePoint` for what has no name. Items of a list are packets, or
mappings that become some. Counts and lengths are filled in where they are left out.

The data of a response that does not say what it answers (3E, 4E, 4C, 1E) stay `Raw`; `answer` dissects them by the
request. Octets that are no PDU, commands without a layout and what follows a layout stay `Raw`, too.

1E has neither a sub-header nor a length: ``MELSEC`` takes only requests for it that nothing else looks like, ``MC1E``
all that may be 1E, a response as long as its octets.

Nothing is bound to a port at import, unlike in scapy's contrib: users set the ports, and those that are
usual (5000, 5001, 5007) serve other protocols too. `bind` does it for the ports of the definition or for
those given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from scapy.fields import Field as ScapyField
from scapy.layers.inet import TCP, UDP
from scapy.packet import Packet, Padding, Raw, bind_bottom_up, split_bottom_up

from melsec_nsm.codec import Pdu, payload
from melsec_nsm.codec.devices import WIDTHS, DevicePoint, Devices
from melsec_nsm.codec.frames import Codec, Half, Incomplete, LayoutHalf
from melsec_nsm.codec.payload import Reading
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Command, Field, Frame, Layout, Protocol

__all__ = ["MC1E", "MELSEC", "MELSOFT", "PAYLOADS", "PDUS", "SLMP", "DevicePoint", "answer", "bind", "unbind"]

_DEFINITION = load()
_CODEC = Codec(_DEFINITION)

_FORMATS = {"u8": "B", "u16": "H", "u16be": "H", "u24": "I", "u32": "I"}
_NOTHING = {
    "mac": "00:00:00:00:00:00",
    "ipv4": "0.0.0.0",
    "ipv4be": "0.0.0.0",
    "clock": "2000-01-01T00:00:00.000",
}
_LISTED = ("values", "words", "dwords", "device_values")
_DECIMAL = frozenset({"counter", "length", "points", "serial", "size", "timer"})
"""Fields that count something, shown in decimal; all other numbers are shown in hexadecimal."""

_RESERVED = {"command": "commandCode", "name": "nameText"}
_NAMED = {"57-long": "MELSOFTLong", "57-short": "MELSOFTShort", "5a": "MELSOFTControl", "4c-format5": "SLMP4C"}
"""The classes of frames whose ids are no good names."""

Names = Mapping[str, Mapping[int, str]]
"""What the values of a field are called, by the field's name in the definition."""


def camel(name: str) -> str:
    """The scapy name of a field of the definition: ``module_io`` is ``moduleIo``."""
    first, *others = name.split("_")
    return _RESERVED.get(name) or first + "".join(word.capitalize() for word in others)


class _Value(ScapyField):  # type: ignore[misc]
    """A value that the codec reads and writes. ``None`` is left to the definition: a count, a default."""

    __slots__ = ("_decimal", "_devices", "_names", "_values", "entry")

    def __init__(self, entry: Field, devices: Devices, names: Mapping[int, str], *, counted: bool) -> None:
        self.entry = entry
        self._devices = devices
        self._names = names
        self._values = {name: value for value, name in names.items()}
        self._decimal = entry.name in _DECIMAL or counted
        super().__init__(camel(entry.name), self._default(counted), _FORMATS.get(entry.type, "H"))

    def _default(self, counted: bool) -> Any:
        entry = self.entry
        if counted or entry.counts:
            return None
        for value in (entry.const, entry.default):
            if value is not None:
                return value
        if entry.type in WIDTHS or entry.type == "bit_value":
            return 0
        if entry.type == "device":
            return DevicePoint(0, 0)
        if entry.type == "bytes":
            return bytes(entry.size or 0)
        return _NOTHING.get(entry.type, "")

    def any2i(self, pkt: Any, x: Any) -> Any:
        """Names stand for codes, texts for devices."""
        if isinstance(x, str) and self.entry.type == "device":
            return self._devices.parse(x)
        if isinstance(x, str) and self.entry.type in WIDTHS:
            if x not in self._values:
                raise ValueError(f"{self.name}: nothing is called {x}")
            return self._values[x]
        return x

    def i2h(self, pkt: Any, x: Any) -> Any:
        """Devices as an engineer writes them."""
        return self._devices.text(x) if isinstance(x, DevicePoint) else x

    def i2repr(self, pkt: Any, x: Any) -> str:
        """Names of codes, octets and other numbers in hexadecimal."""
        if isinstance(x, int):
            return self._names.get(x) or (str(x) if self._decimal else f"{x:#x}")
        if isinstance(x, DevicePoint):
            return self._devices.text(x)
        return x.hex() if isinstance(x, bytes) else repr(x)

    def randval(self) -> Any:
        """A random number; other values stay as they are."""
        return super().randval() if self.entry.type in WIDTHS else None


class _Values(_Value):
    """Numbers, or bits that are 0 and 1; octets stand as they are on the wire."""

    __slots__ = ()
    islist = 1

    def _default(self, counted: bool) -> Any:
        return []

    def any2i(self, pkt: Any, x: Any) -> Any:
        """A list: scapy takes other sequences for something else."""
        return x if isinstance(x, bytes) else list(x)

    def i2repr(self, pkt: Any, x: Any) -> str:
        """Hexadecimal numbers."""
        return x.hex() if isinstance(x, bytes) else " ".join(f"{number:X}" for number in x)


class _Items(_Value):
    """The items of a list, a packet each."""

    __slots__ = ("cls",)
    islist = 1
    holds_packets = 1

    def __init__(self, entry: Field, devices: Devices, cls: Any) -> None:
        self.cls = cls
        super().__init__(entry, devices, {}, counted=False)

    def _default(self, counted: bool) -> Any:
        return []

    def any2i(self, pkt: Any, x: Any) -> Any:
        """Mappings become packets; their keys are scapy's names or those of the definition."""
        items = [self._item(item) for item in (x if isinstance(x, (list, tuple)) else [x])]
        for item in items if pkt is not None else ():
            item.add_parent(pkt)
        return items

    def _item(self, item: Any) -> Any:
        return self.cls(**{camel(name): value for name, value in item.items()}) if isinstance(item, Mapping) else item


def _fields(fields: Sequence[Field], protocol: Protocol, name: str, names: Names) -> list[Any]:
    """The scapy fields of a header, a layout or the items of a list. ``name`` is that of the packet."""
    devices = _CODEC.devices[protocol.name]
    counting = {counted for field in fields for counted in (field.count_of, field.size_of)}
    found: list[Any] = []
    for field in fields:
        if field.type == "list":
            words = field.name.split("_")
            title = f"{name} {' '.join(words)}"
            cls = _payload(protocol, title, field.fields)
            found.append(_Items(field, devices, cls))
        else:
            known = field.names or names.get(field.name, {})
            kind = _Values if field.type in _LISTED else _Value
            found.append(kind(field, devices, known, counted=field.name in counting))
    return found


class _Stream(Packet):  # type: ignore[misc]
    """What finds its PDUs in the octets of a TCP connection."""

    fields_desc: ClassVar[list[Any]] = []
    _halves: ClassVar[tuple[Half, ...]] = ()
    _sized: ClassVar[bool] = False
    """Whether all is taken that may be a PDU without a length."""

    @classmethod
    def _measure(cls, octets: bytes, start: int, *, strict: bool) -> tuple[Half | None, bool]:
        """The half that a PDU at ``start`` is of, None where that cannot be told; whether there may be one."""
        waiting = False
        for half in cls._halves:
            # A layer takes any header for one: it does not ask whether the route is plausible, unless it searches.
            wary = strict or (isinstance(half, LayoutHalf) and not cls._sized)
            size = _size(half, octets, start, strict=wary)
            if isinstance(size, int) or (isinstance(size, Incomplete) and size.total):
                return half, True
            waiting = waiting or isinstance(size, Incomplete)
        return None, waiting

    @classmethod
    def tcp_reassemble(cls, data: bytes, metadata: dict[str, Any], session: dict[str, Any]) -> Any:
        """The next PDU of a stream, or the octets before it as `Raw`; None where more are needed."""
        position = 0
        while position < len(data):
            half, possible = cls._measure(data, position, strict=position > 0)
            if not possible:
                candidate = _CODEC.candidate.search(data, position + 1)
                position = candidate.start() if candidate else len(data)
                continue
            if position:
                return Raw(data[:position]) / Padding(data[position:])
            if half is not None and isinstance(_size(half, data, 0, strict=False), int):
                return PDUS[half.frame.id, half.direction](data)
            return Raw(data) if metadata.get("tcp_end") else None
        return Raw(data) if data else None


def _size(half: Half, octets: bytes, start: int, *, strict: bool) -> Any:
    """How long a PDU is. A response without a length is as long as its octets, where it may be one."""
    if isinstance(half, LayoutHalf) and half.direction == "response":
        if strict or not half.begins(octets[start : start + half.header_size]):
            return None
        return len(octets) - start if len(octets) - start >= half.header_size else Incomplete()
    return half.measure(octets, start, strict=strict)


class _Pdu(_Stream):
    """One direction of a frame; the payload is what the definition calls ``data``."""

    __slots__ = ("_asked", "_tail")

    def _own(self, name: str) -> Any:
        """A header field by its name in the definition, None where this half has none (payloads are not asked)."""
        return self.getfieldval(camel(name)) if name in self._halves[0].names else None

    def _request(self) -> Pdu | None:
        """The request that this response was said to answer."""
        found: Pdu | None = getattr(self, "_asked", None)
        return found

    def reading(self) -> Reading:
        """How the data are read."""
        half, asked = self._halves[0], self._request()
        code, subcommand = self._own("command"), self._own("subcommand")
        if asked is not None:
            code = asked.command if code is None else code
            subcommand = asked.subcommand if subcommand is None else subcommand
        found = _CODEC.reading(half, -1 if code is None else code, subcommand or 0)
        if asked is None:
            return found
        return found.answering(payload.asked_for(asked, found.devices))

    # Dissecting

    def dissect(self, s: bytes) -> None:
        """The header, the data by their layout, and what follows the PDU as padding."""
        half = self._halves[0]
        size = _size(half, s, 0, strict=False)
        if half.frame.kind == "stuffed" and not isinstance(size, int):
            raise ValueError("no complete frame between DLE STX and DLE ETX")
        pdu = half.decode(s, 0, size if isinstance(size, int) else len(s))
        self.fields.update(zip(map(camel, half.names), pdu.values, strict=True))
        self.explicit = 1
        if half.frame.kind == "stuffed":
            # A sum is not always there, and it is not always right.
            checksum = s[pdu.size : pdu.size + 2]
            self.fields["checksum"] = checksum = b"" if checksum[:1] == b"\x10" else checksum
        else:
            checksum = b""
            self.raw_packet_cache = s[: half.header_size]
            self.raw_packet_cache_fields = {}  # type: ignore[var-annotated]
        self._tail = pdu.data[len(pdu.body) :]
        self._dissect_data(pdu.data)
        rest = s[pdu.size + len(checksum) :]
        if rest:
            self.add_payload(Padding(rest))

    def _dissect_data(self, data: bytes) -> None:
        """The data by their layout, and the footer behind them as it is: who changes data has to mend its checksums."""
        tail: bytes = getattr(self, "_tail", b"")
        if tail and data.endswith(tail):
            self.do_dissect_payload(data[: -len(tail)])
            self.lastlayer().add_payload(Raw(tail))
        else:
            self.do_dissect_payload(data)

    def guess_payload_class(self, payload: bytes) -> Any:
        """The layout that the command has in this direction, if the octets fill it."""
        half, reading = self._halves[0], self.reading()
        if self._own("status"):
            name = half.frame.error
        else:
            command = self._known()
            table = {} if command is None else command.request if half.direction == "request" else command.response
            name = table.get(reading.subcommand, "")
        cls = PAYLOADS.get((half.protocol.name, name))
        if cls is not None:
            found = _decode(cls, payload, reading)
            # Device points in another form than the sub-command's would be built in that one: they stay octets.
            if found.complete and found.reading == reading:
                return cls
        return super().guess_payload_class(payload)

    # Building

    def self_build(self) -> bytes:
        """The header as it came, else nothing: `post_build` makes it with the data."""
        return self.raw_packet_cache or b""

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """The header in front of the data; its length does not count a PDU stacked behind this one."""
        half = self._halves[0]
        data = pay[: len(pay) - len(self._stacked())]
        values = {name: self._own(name) for name in half.names}
        octets = half.encode({name: value for name, value in values.items() if value is not None}, data)
        if half.frame.kind == "stuffed" and self.checksum is not None:
            octets = octets[:-2] + self.checksum
        return octets + pay[len(data) :]

    def _stacked(self) -> bytes:
        """The octets of the PDUs that a session has put behind this one."""
        following = next((layer for layer in self.payload.iterpayloads() if isinstance(layer, _Pdu)), None)
        return following.do_build() if following is not None else b""

    def copy(self) -> Any:
        """A deep copy."""
        return self._answering(super().copy())

    def clone_with(self, *args: Any, **kargs: Any) -> Any:
        """A copy with other fields."""
        return self._answering(super().clone_with(*args, **kargs))

    def _answering(self, other: Any) -> Any:
        other._asked = self._request()
        other._tail = getattr(self, "_tail", b"")
        return other

    # Meaning

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
            words.append(entry.name if entry else f"status {status:0{half.status_digits}X}")
        return " ".join(words)

    def _known(self) -> Command | None:
        code, half, asked = self._own("command"), self._halves[0], self._request()
        if code is None and asked is not None:
            return asked.known
        return None if code is None else half.protocol.command(code, half.digits)


class _Data(Packet):  # type: ignore[misc]
    """Data by a layout, or an item of a list in them."""

    _layout: ClassVar[Layout]
    _protocol: ClassVar[Protocol]

    def reading(self) -> Reading:
        """How the data are read: as the PDU says, or the data around an item."""
        around = self.underlayer if self.underlayer is not None else self.parent
        if isinstance(around, (_Pdu, _Data)):
            found: Reading = around.reading()
            return found
        return Reading(_CODEC.devices[self._protocol.name])

    def _values(self) -> dict[str, Any]:
        """What is given, by the names of the definition."""
        given = {field.entry.name: self.getfieldval(field.name) for field in self.fields_desc}
        return {
            name: [item._values() if isinstance(item, _Data) else item for item in value]
            if isinstance(value, list)
            else value
            for name, value in given.items()
            if value is not None
        }

    def do_dissect(self, s: bytes) -> bytes:
        """The fields, as far as the octets fill them; those that are left."""
        found = _decode(type(self), s, self.reading())
        octets = s[: len(s) - len(found.rest)]
        for field in self.fields_desc:
            if field.entry.name in found.values:
                self.fields[field.name] = field.any2i(self, found.values[field.entry.name])
        texts = [field for field in self.fields_desc if _is_padded(field.entry) and field.name in self.fields]
        if texts and payload.encode(self._layout, self._values(), self.reading()) != octets:
            for field in texts:
                self.fields[field.name] = field.any2i(self, _padded(field.entry, self.fields[field.name], octets))
        self.explicit = 1
        self.raw_packet_cache = octets
        self.raw_packet_cache_fields = {
            field.name: self._raw_packet_cache_field_value(field, self.fields[field.name], copy=True)
            for field in self.fields_desc
            if field.islist and field.name in self.fields
        }
        return found.rest

    def self_build(self) -> bytes:
        """The octets as they came, or made from the fields."""
        octets, kept = self.raw_packet_cache, self.raw_packet_cache_fields
        if octets is not None and kept is not None:
            held = {name: self._raw_packet_cache_field_value(*self.getfield_and_val(name)) for name in kept}
            if held == kept:
                return octets
            self.clear_cache()
        return payload.encode(self._layout, self._values(), self.reading())


def _decode(cls: Any, octets: bytes, reading: Reading) -> payload.Payload:
    return payload.decode(cls._layout, octets, reading)


def _is_padded(entry: Field) -> bool:
    """Whether the codec takes padding off a text, and writes blanks."""
    return entry.type == "text" and entry.size is not None


def _padded(entry: Field, value: str, octets: bytes) -> str:
    """A text with the zeros behind it, where it had some."""
    padded = value.ljust(entry.size or 0, "\0")
    return padded if padded.encode("ascii", "ignore") in octets else value


def answer(request: Any, response: Any) -> Any:
    """A copy of a response with its data dissected as the answer to a request.

    Raises:
        ValueError: the request is no whole PDU.
    """
    asked = _CODEC.read(bytes(request), strict=False, asked=[])
    if not isinstance(asked, Pdu):
        raise ValueError("the request is no whole PDU")
    found = response.copy()
    found._asked = asked
    behind = found._stacked() + b"".join(layer.load for layer in found.payload.iterpayloads() if type(layer) is Padding)
    octets = bytes(found.payload)
    found.remove_payload()
    found._dissect_data(octets[: len(octets) - len(behind)])
    if behind:
        found.add_payload(Padding(behind))
    return found


# The classes


PDUS: dict[tuple[str, str], Any] = {}
"""The class of each frame, by its id in the definition and the direction."""

PAYLOADS: dict[tuple[str, str], Any] = {}
"""The class of each payload layout, by protocol and layout; each also stands in this module by its own name."""


_made: dict[str, Any] = {}


def _export(cls: Any) -> Any:
    _made[cls.__name__] = cls
    return cls


def _pdu(half: Half) -> Any:
    protocol, frame = half.protocol, half.frame
    encoding = " ASCII" if half.ascii else ""
    fields = _fields(half.header, protocol, "", _names(half))
    if frame.kind == "stuffed":
        fields.append(_Value(Field("checksum", "bytes"), _CODEC.devices[protocol.name], {}, counted=True))
    content = {
        "__module__": __name__,
        "__slots__": (),
        "__doc__": f"{half.direction.capitalize()} in a frame {frame.frame}{encoding} of {protocol.title}.",
        "name": f"{protocol.name.upper()} {frame.frame}{encoding} {half.direction}",
        "fields_desc": fields,
        "_halves": (half,),
    }
    return type(Packet)(f"{_class_name(protocol, frame)}{half.direction.capitalize()}", (_Pdu,), content)


def _class_name(protocol: Protocol, frame: Frame) -> str:
    """``SLMP3EAscii``, ``SLMPEMTPush``, ``MC1E``."""
    first, *words = frame.id.split("-")
    own = "" if protocol.name.endswith(first) else first.upper()
    return _NAMED.get(frame.id) or protocol.name.upper() + own + "".join(
        word.capitalize() for word in words if word != "binary"
    )


def _names(half: Half) -> Names:
    """What commands and end codes are called. Where commands of a frame share a name, their units tell them apart."""
    commands = list(half.protocol.commands_of(half.frame))
    operations = [command.operation for command in commands]
    return {
        "command": {
            command.code: f"{command.operation}-{command.units}"
            if command.units and operations.count(command.operation) > 1
            else command.operation
            for command in commands
        },
        "status": {one.code: one.name for one in _DEFINITION.statuses.get(half.protocol.status_table, ())},
    }


def _payload(protocol: Protocol, title: str, fields: tuple[Field, ...]) -> Any:
    """The class of a layout, or of the items of a list in one."""
    name = f"{protocol.name.upper()} {title}"
    shape = next(iter(protocol.layouts.values()))
    content = {
        "__module__": __name__,
        "__slots__": (),
        "__doc__": f"Data laid out as {title} in {protocol.title}.",
        "name": name,
        "fields_desc": _fields(fields, protocol, title, {"model_code": _MODELS}),
        "_layout": replace(shape, name=title, fields=fields),
        "_protocol": protocol,
    }
    words = (word.capitalize() for word in title.split(" "))
    return _export(type(Packet)(protocol.name.upper() + "".join(words), (_Data,), content))


_MODELS = {model.code: model.name for model in _DEFINITION.models}

for _half in _CODEC.halves():
    PDUS[_half.frame.id, _half.direction] = _export(_pdu(_half))
for _protocol in _DEFINITION.protocols.values():
    for _layout in _protocol.layouts.values():
        _words = [word for word in _layout.name.split("-") if word != _protocol.name]
        PAYLOADS[_protocol.name, _layout.name] = _payload(_protocol, " ".join(_words), _layout.fields)

globals().update(_made)
__all__ += list(_made)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """The classes made above."""


def _halves_of(*protocols: str) -> tuple[Half, ...]:
    """Halves of protocols: what is more certain goes first, of what has no length the responses."""
    halves = [half for half in _CODEC.halves() if half.protocol.name in protocols]
    return tuple(sorted(halves, key=_doubt))


def _doubt(half: Half) -> tuple[bool, int]:
    sized = isinstance(half, LayoutHalf)
    return sized, int(half.direction == "request") if sized else -half.certainty


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


class MC1E(_Stream):
    """A PDU of 1E, for ports that are known to speak it."""

    _halves = _halves_of("mc1e")
    _sized = True

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


def bind(*ports: int, layer: Any = MELSEC) -> None:
    """Dissects these ports of TCP and UDP as MELSEC; without arguments those that the definition expects."""
    unbind(*ports)
    for lower, port in _places(ports):
        bind_bottom_up(lower, layer, sport=port)
        bind_bottom_up(lower, layer, dport=port)


def unbind(*ports: int) -> None:
    """Takes back `bind`."""
    for lower, port in _places(ports):
        for layer in (MELSEC, SLMP, MELSOFT, MC1E):
            split_bottom_up(lower, layer, sport=port)
            split_bottom_up(lower, layer, dport=port)

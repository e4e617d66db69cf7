"""The generated Spicy module: sub-headers, bounds, and one unit per payload layout.

Compile time grows with units, so that commands share layouts and the way from a command to its
layout is a switch over numbers (a unit per command took minutes where this takes seconds).
"""

from __future__ import annotations

from melsec_nsm.codec.frames import Codec
from melsec_nsm.codec.stream import SEARCH_LIMIT
from melsec_nsm.codec.transactions import MAX_PENDING
from melsec_nsm.definitions.model import Command, Definition, Field, Frame, Layout, Protocol
from melsec_nsm.generate.text import comment, identifier
from melsec_nsm.generate.zeek.frames import numbered
from melsec_nsm.generate.zeek.patterns import octet_class, prefix

_TYPES = {"u8": "uint8", "u16": "uint16", "u32": "uint32", "u16be": "uint16"}
_WIDTHS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u16be": 2}
_ROLES = {"points": "points"}


def layouts(definition: Definition) -> str:
    """``melsec_layouts.spicy``."""
    leads = {half.first_octet for half in Codec(definition).halves()}
    no_lead = octet_class((octet, octet) for octet in range(256) if octet not in leads)
    lines = [
        comment(),
        "",
        "module MELSEC_Layouts;",
        "",
        "import spicy;",
        "import MELSEC_Types;",
        "",
        "%byte-order = spicy::ByteOrder::Little;",
        "",
        "## Octets with which no PDU starts.",
        f"public const NoLead = /{no_lead}*/;",
        "",
        *_sub_header_test(definition),
    ]
    lines += [
        "## Octets of a direction that are searched for a first PDU.",
        f"public const SearchLimit: uint64 = {SEARCH_LIMIT};",
        "",
        "## Requests remembered for the layout of their responses.",
        f"public const MaxPending: uint64 = {MAX_PENDING};",
        "",
    ]
    for number, _, frame in numbered(definition):
        lines.append(f"public const Frame_{identifier(frame.id)}: uint8 = {number};")
    lines.append("")
    for protocol in definition.protocols.values():
        lines += _bounds(protocol)
        lines += _route(protocol)
        lines += _control_sizes(protocol)
    table = _layout_numbers(definition)
    for protocol in definition.protocols.values():
        for direction in ("request", "response"):
            lines += _lookup(protocol, direction, table)
    lines += _payload(definition, table)
    for protocol in definition.protocols.values():
        for layout in protocol.layouts.values():
            if (protocol.name, layout.name) in table:
                lines += _unit(protocol, layout)
    return "\n".join(lines) + "\n"


def sub_headers(definition: Definition) -> list[str]:
    """What PDUs start with, as expressions; the hand-written grammar has them once more."""
    patterns: list[str] = []
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            for direction in ("request", "response"):
                pattern = prefix(frame.half(direction))
                if pattern not in patterns:
                    patterns.append(pattern)
    return patterns


def _sub_header_test(definition: Definition) -> list[str]:
    """The first two octets of every frame, as a function: cheaper than the expression, once a PDU."""
    conditions: list[str] = []
    for half in Codec(definition).halves():
        lead, *rest = half.frame.half(half.direction)
        assert isinstance(lead.const, bytes)
        if len(lead.const) > 1:
            second = f"second == {lead.const[1]:#04x}"
        else:
            second = " || ".join(_in_range("second", low, high) for low, high in rest[0].allowed)
        condition = f"( lead == {lead.const[0]:#04x} && ( {second} ) )"
        if condition not in conditions:
            conditions.append(condition)
    joined = "\n        || ".join(conditions)
    return [
        "## Whether a PDU may start with these two octets.",
        "public function is_sub_header(lead: uint8, second: uint8): bool {",
        f"    return {joined};",
        "}",
        "",
    ]


def _length_field(frame: Frame, direction: str) -> Field | None:
    return next((field for field in frame.half(direction) if field.counts), None)


def _bounds(protocol: Protocol) -> list[str]:
    """Bounds of the length over all frames of a protocol: each unit reads several of them."""
    name = protocol.name.upper()
    lines = []
    for direction in ("request", "response"):
        fields = [field for frame in protocol.frames if (field := _length_field(frame, direction))]
        if fields:
            least = min(field.minimum or 0 for field in fields)
            most = max(field.maximum or 0xFFFF for field in fields)
            word = direction.capitalize()
            lines.append(f"public const {name}_Min{word}: uint16 = {least};")
            lines.append(f"public const {name}_Max{word}: uint16 = {most};")
    return [*lines, ""]


def _route(protocol: Protocol) -> list[str]:
    """The values that recognition insists on in a route, as one function."""
    names = [
        field.name
        for field in protocol.frames[0].request
        if field.allowed and field.name in ("network", "station", "module_io", "multidrop")
    ]
    if not names:
        return []
    fields = {field.name: field for field in protocol.frames[0].request}
    parameters = ", ".join(f"{_variable(name)}: {_TYPES[fields[name].type]}" for name in names)
    conditions = []
    for name in names:
        parts = [_in_range(_variable(name), low, high) for low, high in fields[name].allowed]
        conditions.append("( " + " || ".join(parts) + " )")
    body = "\n        && ".join(conditions)
    return [
        "## Whether a route is one that the protocol's documents allow.",
        f"public function {protocol.name}_route({parameters}): bool {{",
        f"    return {body};",
        "}",
        "",
    ]


def _variable(name: str) -> str:
    """A parameter's name: `network` is a keyword of Spicy."""
    return f"{name}_no" if name in ("network", "station") else name


def _in_range(name: str, low: int, high: int) -> str:
    if low == high:
        return f"{name} == {low:#x}"
    return f"{name} <= {high:#x}" if low == 0 else f"( {name} >= {low:#x} && {name} <= {high:#x} )"


def _control_sizes(protocol: Protocol) -> list[str]:
    """Sizes of the data of frames without a length, by command."""
    sizes: dict[int, int] = {}
    for frame in protocol.frames:
        sizes.update(frame.response[-1].sizes)
    if not sizes:
        return []
    known = " || ".join(f"sub_type == {code:#04x}" for code in sorted(sizes))
    lines = [
        "## Whether a control frame may have this sub-type.",
        "public function is_control(sub_type: uint8): bool {",
        f"    return {known};",
        "}",
        "",
        "## Octets that follow the sub-type in an answer.",
        "public function control_size(sub_type: uint8): uint8 {",
        "    switch ( sub_type ) {",
    ]
    lines += [f"        case {code:#04x}: return {size};" for code, size in sorted(sizes.items())]
    return [*lines, "        default: return 0;", "    }", "}", ""]


def _table(command: Command, direction: str) -> dict[int, str]:
    return dict(command.request if direction == "request" else command.response)


def _layout_numbers(definition: Definition) -> dict[tuple[str, str], int]:
    """Numbers of the layouts that some command uses and that tell something, from 1."""
    numbers: dict[tuple[str, str], int] = {}
    for protocol in definition.protocols.values():
        used = {
            name
            for command in protocol.commands
            for direction in ("request", "response")
            for name in _table(command, direction).values()
            if name
        }
        for layout in protocol.layouts.values():
            if layout.name in used and any(_tells(field) for field in layout.fields):
                numbers[protocol.name, layout.name] = len(numbers) + 1
    return numbers


def _tells(field: Field) -> bool:
    """Whether an event carries something of this field."""
    return not field.secret and (field.role is not None or field.name == "model_code")


def _lookup(protocol: Protocol, direction: str, table: dict[tuple[str, str], int]) -> list[str]:
    subcommands = any(command.subcommands not in ((), (0,)) for command in protocol.commands)
    key = "( cast<uint32>(command) << 16 ) | subcommand" if subcommands else "command"
    parameters = "command: uint16, subcommand: uint16" if subcommands else "command: uint16"
    lines = [
        f"## The layout of a {direction}'s data; 0 where none is known or nothing in it is told.",
        f"public function {protocol.name}_{direction}({parameters}): uint8 {{",
        f"    switch ( {key} ) {{",
    ]
    for command in protocol.commands:
        if command.digits != 4:
            continue
        for subcommand, name in sorted(_table(command, direction).items()):
            number = table.get((protocol.name, name))
            if number:
                value = (command.code << 16) | subcommand if subcommands else command.code
                lines.append(f"        case {value:#x}: return {number};")
    return [*lines, "        default: return 0;", "    }", "}", ""]


def _payload(definition: Definition, table: dict[tuple[str, str], int]) -> list[str]:
    lines = [
        "## The data of a PDU by its layout. Data that is too short for its layout is left alone.",
        "public type Payload = unit(layout: uint8, size: uint64, pdu: MELSEC_Types::PDU&) {",
        "    switch ( layout ) {",
    ]
    for (protocol, name), number in table.items():
        lines.append(f"        {number} -> : {_unit_name(protocol, name)}(size, pdu);")
    return [*lines, "        * -> : void;", "    };", "};", ""]


def _unit_name(protocol: str, layout: str) -> str:
    words = layout.split("-")
    if words[0] != protocol:
        words.insert(0, protocol)
    return "".join(word.upper() if word in ("slmp", "melsoft") else word.capitalize() for word in words)


def _least(layout: Layout) -> int:
    """Octets up to the last field of fixed size that tells something."""
    size = least = 0
    for field in layout.fields:
        width = _width(field)
        if width is None:
            break
        size += width
        if _tells(field):
            least = size
    return least


def _width(field: Field) -> int | None:
    if field.type == "device":
        return sum(_WIDTHS[kind] for _, kind in field.parts)
    return _WIDTHS.get(field.type, field.size)


def _unit(protocol: Protocol, layout: Layout) -> list[str]:
    least = _least(layout)
    lines = [
        f"## {layout.name} ({layout.provenance.source}; confidence {layout.provenance.confidence})",
        f"type {_unit_name(protocol.name, layout.name)} = unit(size: uint64, pdu: MELSEC_Types::PDU&) {{",
        f"    if ( size >= {least} ) {{",
    ]
    size = 0
    for field in layout.fields:
        width = _width(field)
        if width is None or size >= least:
            break
        size += width
        lines += ["        " + line for line in _field(field, width)]
    return [*lines, "    };", "};", ""]


def _field(field: Field, width: int) -> list[str]:
    if field.type == "device":
        lines = []
        for name, kind in field.parts:
            if kind == "u24":
                lines.append(
                    f": bytes &size=3 {{ pdu.device_{name} = cast<uint32>($$.to_uint(spicy::ByteOrder::Little)); }}"
                )
            else:
                lines.append(f": {_TYPES[kind]} {{ pdu.device_{name} = $$; }}")
        return lines
    if field.role in _ROLES and field.type in _TYPES:
        return [f": {_TYPES[field.type]} {{ pdu.{_ROLES[field.role]} = $$; }}"]
    if field.name == "model_code":
        return [": uint16 { pdu.model_code = $$; }"]
    if field.role == "target" and field.type == "text":
        return [f": bytes &size={width} {{ pdu.text = $$; }}"]
    return [f": skip bytes &size={width};"]

"""``melsec_tables.spicy``: what the hand-written grammar asks for. Limits, sub-headers, bounds, routes, devices.

Everything is a switch over numbers: cheap to compile and to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from melsec_nsm.codec import Codec
from melsec_nsm.codec.about import MAX_TARGET_TEXT, MAX_TARGETS, MAX_VALUES_TEXT
from melsec_nsm.codec.footer import zlib_start
from melsec_nsm.codec.frames import first_two
from melsec_nsm.codec.sized import registrations
from melsec_nsm.codec.stream import CONTROL_LEADS, SEARCH_LIMIT
from melsec_nsm.codec.transactions import (
    MAX_OPEN_FILES,
    MAX_PENDING,
    NAMED_FILE_TIMEOUT,
    OPEN_FILE_TIMEOUT,
    REQUEST_TIMEOUT,
)
from melsec_nsm.definitions.model import Command, Definition, Field, Footer, Frame, Protocol
from melsec_nsm.generate.text import comment, identifier
from melsec_nsm.generate.zeek import compared
from melsec_nsm.generate.zeek.frames import numbered
from melsec_nsm.generate.zeek.layouts import Sizes, layout_numbers, said, shows_values
from melsec_nsm.generate.zeek.patterns import merged, octet_class

_ROUTE = ("network", "station", "module_io", "multidrop")
_TYPES = {"u8": "uint8", "u16": "uint16", "u32": "uint32", "u16be": "uint16"}


def tables(definition: Definition) -> str:
    """The module, as text."""
    lines = [
        comment(),
        "",
        "module MELSEC_Tables;",
        "",
        "import spicy;",
        "import MELSEC_Types;",
        "",
        *_limits(),
        *_frames(definition),
        *_header_sizes(definition),
        *_lengths(definition),
    ]
    for protocol in definition.protocols.values():
        lines += _route(definition, protocol)
        lines += _control_sizes(protocol)
        lines += _file_steps(definition, protocol)
        if protocol.footer is not None:
            lines += _footer(protocol.footer)
            lines += _compared_headers(definition, protocol)
            lines += _route_kinds(protocol)
    lines += _lookups(definition)
    lines += _devices(definition)
    for protocol in definition.protocols.values():
        if any(frame.kind == "layout" for frame in protocol.frames):
            lines += _sized_by_layout(definition, protocol)
    return "\n".join(lines).rstrip("\n") + "\n"


def _halves(definition: Definition) -> Iterator[tuple[Protocol, Frame, str]]:
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            for direction in ("request", "response"):
                if frame.half(direction):
                    yield protocol, frame, direction


def _limits() -> list[str]:
    return [
        "## Octets of a direction that are searched for a first PDU.",
        f"public const SearchLimit: uint64 = {SEARCH_LIMIT};",
        "",
        *_switch(
            "Whether control frames begin with an octet, known ones or not.",
            "is_control_lead(lead: uint8) : bool",
            "lead",
            {f"{lead:#x}": "True" for lead in CONTROL_LEADS},
            "False",
        ),
        "## Requests remembered for the layout of their responses, and for how long.",
        f"public const MaxPending: uint64 = {MAX_PENDING};",
        f"public const RequestTimeout: interval = interval({REQUEST_TIMEOUT});",
        "",
        "## Targets named of a PDU, octets of their text, octets of the text of its values.",
        f"public const MaxTargets: uint64 = {MAX_TARGETS};",
        f"public const MaxTargetText: uint64 = {MAX_TARGET_TEXT};",
        f"public const MaxValuesText: uint64 = {MAX_VALUES_TEXT};",
        "",
        "## Files on their way at a time, and for how long without a block: one that was opened, and one that every",
        "## request names.",
        f"public const MaxFiles: uint64 = {MAX_OPEN_FILES};",
        f"public const OpenFileTimeout: interval = interval({OPEN_FILE_TIMEOUT});",
        f"public const NamedFileTimeout: interval = interval({NAMED_FILE_TIMEOUT});",
        "",
    ]


def _frames(definition: Definition) -> list[str]:
    """Numbers of frames, and the frame that two octets speak for."""
    lines = [
        f"public const Frame_{identifier(frame.id)}: uint8 = {number};" for number, _, frame in numbered(definition)
    ]
    conditions: dict[str, str] = {}
    leads: set[int] = set()
    for _, frame, direction in _halves(definition):
        if frame.kind == "layout":
            continue
        for first, second in first_two(frame, direction):
            leads.update(range(first[0], first[1] + 1))
            test = f"( {_in_range('lead', *first)} ) && ( {_in_range('second', *second)} )"
            # Frames with the same sub-header are told apart further on; the first stands for them.
            conditions.setdefault(test, f"Frame_{identifier(frame.id)}")
    no_lead = octet_class((octet, octet) for octet in range(256) if octet not in leads)
    lines += [
        "",
        "## Octets with which no PDU starts.",
        f"public const NoLead = /{no_lead}*/;",
        "",
        "## The frame that the first two octets of a PDU speak for, 0 for none.",
        "public function frame_of(lead: uint8, second: uint8) : uint8 {",
    ]
    lines += [f"    if ( {test} )\n        return {frame};\n" for test, frame in conditions.items()]
    return [*lines, "    return 0;", "}", ""]


def _in_range(name: str, low: int, high: int) -> str:
    if low == high:
        return f"{name} == {low:#x}"
    return f"{name} <= {high:#x}" if low == 0 else f"( {name} >= {low:#x} && {name} <= {high:#x} )"


def _header_sizes(definition: Definition) -> list[str]:
    """Octets on the wire of a header behind its first two."""
    codec = Codec(definition)
    lines = [
        "## Octets of a header behind its first two.",
        "public function header_rest(frame: uint8, is_request: bool) : uint64 {",
        "    switch ( frame ) {",
    ]
    for _, _, frame in numbered(definition):
        sizes = [codec.half(frame.id, half).header_size - 2 for half in ("request", "response") if frame.half(half)]
        body = str(sizes[0]) if len(set(sizes)) == 1 else f"is_request ? {sizes[0]} : {sizes[1]}"
        lines.append(f"        case Frame_{identifier(frame.id)}: return {body};")
    return [*lines, "        default: return 0;", "    }", "}", ""]


def _lengths(definition: Definition) -> list[str]:
    """Bounds of the length field, in the units in which the frame counts."""
    lines = [
        "## Whether a length is one that a frame may have.",
        "public function length_fits(frame: uint8, is_request: bool, length: uint64) : bool {",
        "    switch ( frame ) {",
    ]
    for _, _, frame in numbered(definition):
        bounds = {
            direction: (
                (entry.minimum or 0) * _scale(frame),
                (0xFFFF if entry.maximum is None else entry.maximum) * _scale(frame),
            )
            for direction in ("request", "response")
            for entry in frame.half(direction)
            if entry.counts
        }
        if not bounds:
            continue
        tests = [
            f"length >= {low} && length <= {high}"
            for low, high in (bounds.get(d, (1, 0)) for d in ("request", "response"))
        ]
        body = tests[0] if tests[0] == tests[1] else f"is_request ? {tests[0]} : {tests[1]}"
        lines.append(f"        case Frame_{identifier(frame.id)}: return {body};")
    return [*lines, "        default: return False;", "    }", "}", ""]


def _scale(frame: Frame) -> int:
    """Octets (characters) on the wire for an octet of the layout."""
    return 2 if frame.encoding == "ascii" else 1


def _route(definition: Definition, protocol: Protocol) -> list[str]:
    """What vouches for a header: the values that recognition insists on in a route, and known codes."""
    fields = {field.name: field for field in protocol.frames[0].request}
    names = [name for name in _ROUTE if name in fields and fields[name].allowed]
    if len(names) < len(_ROUTE):
        return []
    parameters = ", ".join(f"{_variable(name)}: {_TYPES[fields[name].type]}" for name in names)
    fits = [_among(_variable(name), fields[name].allowed) for name in names]
    own = [f"{_variable(name)} == {_default(fields[name]):#x}" for name in names]
    lines = []
    for title, name, conditions in (
        ("Whether a route is one that the protocol's documents allow.", "route", fits),
        ("Whether a route leads to the very station that is asked.", "own_route", own),
    ):
        body = "\n        && ".join(conditions)
        lines += [
            f"## {title}",
            f"public function {protocol.name}_{name}({parameters}) : bool {{",
            f"    return {body};",
        ]
        lines += ["}", ""]
    known: dict[str, list[str]] = {}
    for command in protocol.commands:
        known.setdefault(_among("subcommand", ((code, code) for code in command.subcommands)), []).append(
            f"{command.code:#06x}"
        )
    lines += [
        "## Whether there is such a command.",
        f"public function {protocol.name}_known(command: uint16, subcommand: uint16) : bool {{",
        "    switch ( command ) {",
        *(f"        case {', '.join(codes)}: return {test};" for test, codes in known.items()),
        "        default: return False;",
        "    }",
        "}",
        "",
    ]
    lines += _switch(
        "Whether it is normal that nobody answers a command.",
        f"{protocol.name}_unanswered(command: uint16) : bool",
        "command",
        {f"{command.code:#06x}": "True" for command in protocol.commands if command.unanswered},
        "False",
    )
    statuses = [f"{status.code:#06x}" for status in definition.statuses[protocol.status_table]]
    lines += _switch(
        "Whether there is such an end code.",
        f"{protocol.name}_status(status: uint16) : bool",
        "status",
        dict.fromkeys(statuses, "True"),
        "False",
    )
    packet = next((field for frame in protocol.frames for field in frame.request if field.name == "packet_type"), None)
    if packet is not None:
        lines += [
            "## Packet types of EMT; the constant is that of an ordinary one.",
            f"public const PacketType: uint8 = {_default(packet):#x};",
            "",
            "public function is_packet_type(packet_type: uint8) : bool {",
            f"    return {_among('packet_type', packet.allowed)};",
            "}",
            "",
        ]
    return lines


def _default(entry: Field) -> int:
    assert isinstance(entry.default, int)
    return entry.default


def _among(name: str, ranges: Iterable[tuple[int, int]]) -> str:
    """An expression for a number in any of the ranges; true where there are none."""
    parts = [_in_range(name, low, high) for low, high in merged(ranges)]
    return "( " + " || ".join(parts) + " )" if parts else "True"


def _variable(name: str) -> str:
    """A parameter's name: `network` is a keyword of Spicy."""
    return f"{name}_no" if name in ("network", "station") else name


def _file_steps(definition: Definition, protocol: Protocol) -> list[str]:
    """What commands do in the transfer of a file."""
    steps: dict[str, str] = {}
    named: dict[str, str] = {}
    by_operation = {command.operation: f"{command.code:#06x}" for command in protocol.commands if command.digits == 4}
    for transfer in definition.engineering.transfers:
        for step in ("open", "read", "write", "close"):
            code = by_operation.get(getattr(transfer, step) or "")
            if code is not None:
                steps[code] = f"MELSEC_Types::FileStep::{step.capitalize()}"
                if transfer.open is None:
                    named[code] = "True"
    if not steps:
        return []
    return [
        *_switch(
            "What a command does in the transfer of a file.",
            f"{protocol.name}_file_step(command: uint16) : MELSEC_Types::FileStep",
            "command",
            steps,
            "MELSEC_Types::FileStep::Nothing",
        ),
        *_switch(
            "Whether every request of a transfer names the file.",
            f"{protocol.name}_file_named(command: uint16) : bool",
            "command",
            named,
            "False",
        ),
    ]


def _control_sizes(protocol: Protocol) -> list[str]:
    """Sizes of the data of frames without a length, by command."""
    sizes: dict[int, int] = {}
    for frame in protocol.frames:
        if frame.response:
            sizes.update(frame.response[-1].sizes)
    if not sizes:
        return []
    known = " || ".join(f"sub_type == {code:#04x}" for code in sorted(sizes))
    return [
        "## Whether a control frame may have this sub-type.",
        "public function is_control(sub_type: uint8) : bool {",
        f"    return {known};",
        "}",
        "",
        *_switch(
            "Octets that follow the sub-type in an answer.",
            "control_size(sub_type: uint8) : uint8",
            "sub_type",
            {f"{code:#04x}": str(size) for code, size in sorted(sizes.items())},
            "0",
        ),
    ]


def _footer(facts: Footer) -> list[str]:
    """What the grammar has to know of a footer."""
    parameters = {
        name: facts.parameter(use)
        for name, use in (
            ("Token", "token"),
            ("Padding", "padding"),
            ("DataChecksum", "data_checksum"),
            ("Checksum", "checksum"),
        )
    }
    starts = {"data": 0, **facts.starts}
    return [
        "## Octets between the data with their padding and the footer.",
        f"public const FooterGap: uint64 = {len(facts.gap)};",
        "",
        "## Parameters of a footer by what they are good for.",
        *(
            f"public const Parameter_{name}: uint8 = {parameter.code:#04x};"
            for name, parameter in parameters.items()
            if parameter is not None
        ),
        "",
        "## Where checksums start, as the CRC-32 of zlib has it: bits reversed and inverted.",
        *(
            f"public const ChecksumStart_{identifier(name)}: uint64 = {zlib_start(facts, start):#010x};"
            for name, start in starts.items()
        ),
        "",
    ]


def _compared_headers(definition: Definition, protocol: Protocol) -> list[str]:
    """Whether conditions compare header fields that the record of a PDU does not have."""
    codes = {
        f"{command.code:#06x}": "True"
        for condition in compared.conditions(definition)
        if any(name in compared.HEADER_FIELDS for name, _ in condition.fields)
        for command in compared.commands(definition, condition)
        if command.protocol == protocol.name
    }
    return _switch(
        "Whether a condition compares more of the header of such a request than the record of a PDU has.",
        f"{protocol.name}_compares_header(command: uint16) : bool",
        "command",
        codes,
        "False",
    )


def _route_kinds(protocol: Protocol) -> list[str]:
    """Values of the octet before the route; all frames that have one agree."""
    tests = []
    for direction in ("request", "response"):
        allowed = {
            bounds
            for frame in protocol.frames
            for entry in frame.half(direction)
            if entry.name == "route_kind"
            for bounds in entry.allowed
        }
        tests.append(" || ".join(f"kind == {low:#04x}" for low, high in sorted(allowed) if low == high))
    return [
        "## Whether a route is of a kind that a header may have.",
        f"public function {protocol.name}_route_fits(is_request: bool, kind: uint8) : bool {{",
        f"    return is_request ? {tests[0]} : {tests[1]};",
        "}",
        "",
    ]


def _switch(title: str, signature: str, key: str, cases: dict[str, str], default: str) -> list[str]:
    """A function that maps numbers; keys with the same result share a case."""
    by_result: dict[str, list[str]] = {}
    for value, result in cases.items():
        by_result.setdefault(result, []).append(value)
    lines = [f"## {title}", f"public function {signature} {{", f"    switch ( {key} ) {{"]
    lines += [f"        case {', '.join(values)}: return {result};" for result, values in by_result.items()]
    if not by_result:
        return [*lines[:2], f"    return {default};", "}", ""]
    return [*lines, f"        default: return {default};", "    }", "}", ""]


def _lookups(definition: Definition) -> list[str]:
    """From commands to the numbers of their layouts, and what those are good for."""
    numbers = layout_numbers(definition)
    lines: list[str] = []
    for protocol in definition.protocols.values():
        # Control frames have codes of their own.
        control = any(frame.kind == "sizes" for frame in protocol.frames)
        commands = [command for command in protocol.commands if not control or command.digits == 4]
        lines += _layout_lookups(protocol.name, commands, numbers)
        if control:
            others = [command for command in protocol.commands if command.digits == 2]
            lines += _layout_lookups(f"{protocol.name}_control", others, numbers)
    errors = {
        f"Frame_{identifier(frame.id)}": str(numbers[protocol.name, frame.error])
        for _, protocol, frame in numbered(definition)
        if (protocol.name, frame.error) in numbers
    }
    lines += _switch(
        "The layout of the data of a response that refuses; 0 where none is known.",
        "error_layout(frame: uint8) : uint8",
        "frame",
        errors,
        "0",
    )
    used = [(number, definition.protocols[protocol].layouts[name]) for (protocol, name), number in numbers.items()]
    wanted = said(definition)
    lines += _switch(
        "Whether a layout tells something but values.",
        "tells(layout: uint8) : bool",
        "layout",
        {str(number): "True" for key, number in numbers.items() if key in wanted},
        "False",
    )
    lines += _switch(
        "Whether there are values in a layout.",
        "has_values(layout: uint8) : bool",
        "layout",
        {str(number): "True" for number, layout in used if any(shows_values(field) for field in layout.fields)},
        "False",
    )
    return lines


def _layout_lookups(name: str, commands: Iterable[Command], numbers: Mapping[tuple[str, str], int]) -> Iterator[str]:
    for direction in ("request", "response"):
        cases: dict[str, str] = {}
        for command in commands:
            table = command.request if direction == "request" else command.response
            for subcommand, layout in sorted(table.items()):
                number = numbers.get((command.protocol, layout))
                if number:
                    cases[f"{(command.code << 16) | subcommand:#x}"] = str(number)
        yield from _switch(
            f"The layout of a {direction}'s data; 0 where none is known or nothing in it is told.",
            f"{name}_{direction}(command: uint16, subcommand: uint16) : uint8",
            "( cast<uint32>(command) << 16 ) | subcommand",
            cases,
            "0",
        )


def _devices(definition: Definition) -> list[str]:
    """Devices of each numbering: symbols, what they are, and the way back from a symbol."""
    slmp = next(protocol for protocol in definition.protocols.values() if protocol.form_bits)
    names = sorted({protocol.device_table for protocol in definition.protocols.values()})
    number = {name: position for position, name in enumerate(names, 1)}
    traits: dict[str, str] = {}
    symbols: dict[str, str] = {}
    for name in names:
        for device in definition.devices:
            if name not in device.codes:
                continue
            key = f"{(number[name] << 32) | device.codes[name]:#x}"
            flags = 4 | (1 if device.base == 16 else 0) | {"bit": 2, "dword": 8}.get(device.unit, 0)
            traits[key] = str(flags)
            symbols[key] = f'b"{device.symbol}"'
    key = "( cast<uint64>(table) << 32 ) | code"
    lines = [
        "## Numberings of devices.",
        *(f"public const Table_{name}: uint8 = {position};" for name, position in number.items()),
        "",
        "## Bits of a sub-command: points are bits, device points have the form of iQ-R.",
        f"public const BitUnits: uint16 = {slmp.bit_units:#x};",
        f"public const IqrBit: uint16 = {slmp.form_bits['iqr']:#x};",
        "",
        "## Traits of a device: numbers are written in hexadecimal, it is a bit, a double word. None if it is unknown.",
        "public const Hexadecimal: uint8 = 1;",
        "public const Bit: uint8 = 2;",
        "public const DoubleWord: uint8 = 8;",
        "",
        *_switch("Traits of a device.", "traits(table: uint8, code: uint32) : uint8", key, traits, "0"),
        *_switch("Symbol of a device.", "symbol(table: uint8, code: uint32) : bytes", key, symbols, 'b""'),
        *_codes(definition, names, number),
    ]
    frames = {
        f"Frame_{identifier(frame.id)}": (str(number[protocol.device_table]), protocol)
        for _, protocol, frame in numbered(definition)
    }
    lines += _switch(
        "The numbering of a frame's devices.",
        "device_table(frame: uint8) : uint8",
        "frame",
        {name: table for name, (table, _) in frames.items()},
        "0",
    )
    counting = {name: "True" for name, (_, protocol) in frames.items() if protocol.bit_units or _has_units(protocol)}
    lines += _switch(
        "Whether a point of a bit device is a word of 16 where bits are not asked for.",
        "counts_words(frame: uint8) : bool",
        "frame",
        counting,
        "False",
    )
    return lines


def _has_units(protocol: Protocol) -> bool:
    return any(command.units for command in protocol.commands)


def _codes(definition: Definition, names: Iterable[str], number: dict[str, int]) -> list[str]:
    """The code of a symbol as ASCII frames write it; 0 where there is none."""
    lines = [
        "## The code of a device that ASCII names; 0 for an unknown one.",
        "public function code_of(table: uint8, name: bytes) : uint32 {",
    ]
    for table in names:
        cases: dict[str, int] = {}
        for device in definition.devices:
            if table in device.codes:
                for name in {device.symbol, *device.ascii.values()}:
                    cases.setdefault(name, device.codes[table])
        lines += [f"    if ( table == {number[table]} ) {{", "        switch ( name ) {"]
        lines += [f'            case b"{name}": return {code:#x};' for name, code in sorted(cases.items())]
        lines += ["            default: return 0;", "        }", "    }", ""]
    return [*lines, "    return 0;", "}", ""]


def _sized_by_layout(definition: Definition, protocol: Protocol) -> list[str]:
    """Sizes of PDUs that have no length field: by command, and by what the request asked for."""
    sizes = [Sizes(protocol, command) for command in protocol.commands if command.request.get(0) is not None]
    name = protocol.name
    errors = [f"{status.code:#04x}" for status in definition.statuses[protocol.status_table]]
    lines = _switch(
        "Whether there is such a command.",
        f"{name}_listed(command: uint8) : bool",
        "command",
        {f"{command.code:#04x}": "True" for command in protocol.commands},
        "False",
    )
    lines += _switch(
        "Whether a command's size is known.",
        f"{name}_known(command: uint8) : bool",
        "command",
        {f"{one.code:#04x}": "True" for one in sizes},
        "False",
    )
    lines += _switch(
        "Octets of a request's data up to the last that tells its size.",
        f"{name}_head(command: uint8) : uint64",
        "command",
        {f"{one.code:#04x}": str(one.head) for one in sizes},
        "0",
    )
    lines += _switch(
        "Octets of the data of a response, by the points of its request.",
        f"{name}_answer(command: uint8, points: uint64) : uint64",
        "command",
        {f"{one.code:#04x}": one.answer("points") for one in sizes},
        "0",
    )
    lines += _switch(
        "Whether a command is about bits.",
        f"{name}_bits(command: uint16) : bool",
        "command",
        {f"{one.code:#04x}": "True" for one in sizes if one.command.units == "bit"},
        "False",
    )
    lines += _switch(
        "Whether an end code is one that a controller may answer.",
        f"{name}_error(status: uint8) : bool",
        "status",
        dict.fromkeys(errors, "True"),
        "False",
    )
    registered = {f"{code:#04x}": f"{reader:#04x}" for reader, code in registrations(protocol)}
    lines += _switch(
        "The command that reads what a command registers; 0 where it registers nothing.",
        f"{name}_registers(command: uint16) : uint16",
        "command",
        registered,
        "0",
    )
    return lines

"""``melsec_layouts.spicy``: a function per payload layout, over the hand-written reader.

A function reads a layout in both encodings and in every form of a device point, so that commands
share layouts and the way from a command to its layout is a switch over numbers. Units would do
the same for minutes of compile time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from melsec_nsm.definitions.model import Command, Definition, DeviceForm, Field, Layout, Protocol
from melsec_nsm.generate.text import comment
from melsec_nsm.generate.zeek.purposes import Purpose, purposes

_WIDTHS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u16be": 2}
_VALUE_WIDTHS = {"words": 2, "dwords": 4}
_FIXED = {"mac": 6, "ipv4": 4, "ipv4be": 4, "clock": 10}
_READ = (*_FIXED, "path", "file_name")
_TEXTS = ("text", *_READ)
_DETAILS = ("detail", "drive", "pointer", "offset")
_NUMBERS = ("points", "target", "module", "block", "model_code", *_DETAILS)
_NAMING = {"target": "add_target", "user": "add_user", "extension": "extend_target"}
_REST = "0xffffffff"
"""A count that no data reaches: to the end."""


def layouts(definition: Definition) -> str:
    """The module, as text."""
    numbers = layout_numbers(definition)
    found = purposes(definition)
    lines = [
        comment(),
        "",
        "module MELSEC_Layouts;",
        "",
        "import spicy;",
        "import MELSEC_Types;",
        "import MELSEC_Tables;",
        "import MELSEC_Reader;",
        "",
        "## Reads the data of a PDU by its layout.",
        "public function read(inout r: MELSEC_Reader::Reader, pdu: MELSEC_Types::PDU&) {",
        "    switch ( r.layout ) {",
    ]
    lines += [f"        case {number}: {_function(*key)}(r, pdu);" for key, number in numbers.items()]
    lines += ["        default: return;", "    }", "}", ""]
    for protocol in definition.protocols.values():
        lines += _forms(protocol)
        if any(frame.kind == "layout" for frame in protocol.frames):
            lines += _rest(protocol)
    for protocol_name, name in numbers:
        protocol = definition.protocols[protocol_name]
        lines += _layout(protocol, protocol.layouts[name], found.get((protocol_name, name), {}))
    return "\n".join(lines).rstrip("\n") + "\n"


def said(definition: Definition) -> frozenset[tuple[str, str]]:
    """Layouts in which something but values is told or kept, by protocol and name."""
    kept = purposes(definition)
    return frozenset(
        (protocol.name, layout.name)
        for protocol in definition.protocols.values()
        for layout in protocol.layouts.values()
        if (protocol.name, layout.name) in kept or any(tells(field) or field.asset for field in layout.fields)
    )


def layout_numbers(definition: Definition) -> dict[tuple[str, str], int]:
    """Numbers of the layouts that some command uses and that tell something, from 1."""
    numbers: dict[tuple[str, str], int] = {}
    wanted = said(definition)
    for protocol in definition.protocols.values():
        used = {
            name
            for command in protocol.commands
            for table in (command.request, command.response)
            for name in table.values()
            if name
        } | {frame.error for frame in protocol.frames if frame.error}
        for layout in protocol.layouts.values():
            key = (protocol.name, layout.name)
            if layout.name in used and (key in wanted or any(map(shows_values, layout.fields))):
                numbers[key] = len(numbers) + 1
    return numbers


def tells(field: Field) -> bool:
    """Whether a PDU's event carries something of this field."""
    if field.type == "list":
        return field.role == "points" or any(tells(entry) for entry in field.fields)
    return not field.secret and field.role in (*_NAMING, "points", "model_code", *_DETAILS)


def shows_values(field: Field) -> bool:
    """Whether there are values in this field."""
    return field.role == "values" or any(shows_values(entry) for entry in field.fields)


def _is_wanted(field: Field) -> bool:
    return tells(field) or shows_values(field) or bool(field.asset)


def _function(protocol: str, layout: str) -> str:
    return f"{protocol}_{layout.replace('-', '_')}"


def _width(field: Field, protocol: Protocol) -> int | None:
    """Octets of a field in binary, None where they vary."""
    if field.type == "device" and not protocol.form_bits:
        return sum(_WIDTHS[kind] for _, kind in protocol.device_form(0).binary)
    return _FIXED.get(field.type, _WIDTHS.get(field.type, field.size))


# --- device points


def _forms(protocol: Protocol) -> list[str]:
    """Functions that read a device point in each form, and the one that chooses."""
    lines: list[str] = []
    for form in protocol.device_forms.values():
        lines += [
            f"## Device point, form {form.name}: {', '.join(part for part, _ in form.binary)}.",
            f"function {_form_function(protocol, form)}(inout r: MELSEC_Reader::Reader) : MELSEC_Types::Device {{",
            "    local d: MELSEC_Types::Device;",
            "",
        ]
        binary = [f"d.{part} = MELSEC_Reader::number(r, {_WIDTHS[kind]});" for part, kind in form.binary]
        if form.ascii:
            ascii_lines = [line for part, width in form.ascii for line in _ascii_part(part, width)]
            lines += ["    if ( r.ascii ) {", *(f"        {line}" for line in ascii_lines), "    }", "    else {"]
            lines += [*(f"        {line}" for line in binary), "    }"]
        else:
            lines += [f"    {line}" for line in binary]
        lines += ["", "    return d;", "}", ""]
    if len(protocol.device_forms) > 1:
        lines += _choice(protocol)
    return lines


def _ascii_part(part: str, width: str) -> list[str]:
    if part == "fixed":
        return [f"MELSEC_Reader::skip_octets(r, {width});"]
    if width.startswith("hex"):
        return [f"d.{part} = MELSEC_Reader::number(r, {int(width[3:]) // 2});"]
    if part == "code":
        return [f"MELSEC_Reader::device_symbol(r, d, {width});"]
    if part == "number":
        return [f"d.number = MELSEC_Reader::device_digits(r, d, {width});"]
    if part == "specification":
        return [f"MELSEC_Reader::device_specification(r, d, {width});"]
    return [f"d.{part} = MELSEC_Reader::number(r, {int(width) // 2});"]


def _form_function(protocol: Protocol, form: DeviceForm) -> str:
    return f"{protocol.name}_device_{form.name.replace('-', '_')}"


def _choice(protocol: Protocol) -> list[str]:
    """The form that the sub-command asks for."""
    bits = protocol.form_bits
    lines = [
        "## Device point in the form that the sub-command asks for.",
        f"function {protocol.name}_device(inout r: MELSEC_Reader::Reader) : MELSEC_Types::Device {{",
        f"    switch ( r.subcommand & {bits['iqr'] | bits['ext']:#x} ) {{",
    ]
    default = _form_function(protocol, protocol.device_forms["ql"])
    for value in (bits["iqr"], bits["ext"], bits["iqr"] | bits["ext"]):
        lines.append(f"        case {value:#x}: return {_form_function(protocol, protocol.device_form(value))}(r);")
    return [*lines, f"        default: return {default}(r);", "    }", "}", ""]


def _device_call(protocol: Protocol) -> str:
    if len(protocol.device_forms) > 1:
        return f"{protocol.name}_device(r)"
    return f"{_form_function(protocol, next(iter(protocol.device_forms.values())))}(r)"


# --- layouts


def _layout(protocol: Protocol, layout: Layout, kept: Mapping[str, tuple[Purpose, ...]]) -> list[str]:
    provenance = layout.provenance
    lines = [
        f"## {layout.name} ({provenance.source}; confidence {provenance.confidence})",
        f"function {_function(protocol.name, layout.name)}(inout r: MELSEC_Reader::Reader, pdu: MELSEC_Types::PDU&) {{",
    ]
    return [*lines, *_indented(_Body(protocol, kept).fields(layout.fields)), "}", ""]


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" if line else line for line in lines)


class _Body:
    """Statements that read fields. Names of lists and fields are unique within a layout.

    ``kept`` says of fields by name what they are kept for besides the log.
    """

    def __init__(self, protocol: Protocol, kept: Mapping[str, tuple[Purpose, ...]]) -> None:
        self._protocol = protocol
        self._kept = kept

    def fields(self, fields: tuple[Field, ...], *, whole: bool = False, device: Field | None = None) -> Iterator[str]:
        """Statements for fields, up to the last that anything is told of, or for the ``whole`` of them.

        ``device`` is the last device before them.
        """
        names = dict(_named(fields))
        last = max((n for n, field in enumerate(fields) if _is_wanted(field) or field.name in self._kept), default=-1)
        wanted = fields if whole else fields[: max([last, *names]) + 1]
        yield from self._statements(list(enumerate(wanted)), _counting(wanted), names, device)

    def _statements(
        self,
        fields: Sequence[tuple[int, Field]],
        counts: set[str],
        names: Mapping[int, str],
        device: Field | None,
    ) -> Iterator[str]:
        """Statements for fields with their positions; ``names`` are those that name devices and addresses."""
        for number, (position, field) in enumerate(fields):
            if field.only is not None:
                name, values = field.only
                test = " || ".join(f"{_local(name)} == {value}" for value in values)
                alike = _alike(fields[number:])
                inside = [(at, replace(one, only=None)) for at, one in alike]
                yield f"if ( {test} ) {{"
                yield from _indented(self._statements(inside, counts, names, device))
                yield "}"
                yield from self._statements(fields[number + len(alike) :], counts, names, device)
                return
            if field.optional:
                inside = [(position, replace(field, optional=False)), *fields[number + 1 :]]
                yield "if ( r.at != r.limit ) {"
                yield from _indented(self._statements(inside, counts, names, device))
                yield "}"
                return
            if field.type == "device":
                device = field
                yield f"local {_local(field.name)} = {_device_call(self._protocol)};"
            elif field.type in _WIDTHS:
                yield from self._number(field, counts)
            elif field.type == "list":
                yield from self._list(field, device)
            elif field.type == "device_values":
                assert device is not None, f"{field.name}: there is no device before it"
                yield f"MELSEC_Reader::device_values(r, {_local(device.name)}, {_count(field)});"
            else:
                yield from self._other(field)
            if position in names:
                yield names[position]

    def _number(self, field: Field, counts: set[str]) -> Iterator[str]:
        width = _WIDTHS[field.type]
        if field.role == "values":
            yield f"MELSEC_Reader::value(r, {width});"
            return
        kept = self._purposes(field)
        role = None if field.secret else field.role
        if role not in _NUMBERS and field.name not in counts and not kept:
            yield f"MELSEC_Reader::skip_octets(r, {_octets(width)});"
            return
        function = "number_big" if field.type == "u16be" else "number"
        name = _local(field.name)
        yield f"local {name}: uint64 = MELSEC_Reader::{function}(r, {width});"
        if field.zero:
            yield f"{name} = ( {name} == 0 ? {field.zero} : {name} );"
        if role == "points":
            yield f"MELSEC_Reader::add_points(r, pdu, {name});"
        elif role == "model_code":
            yield f"MELSEC_Reader::set_model_code(r, pdu, {name});"
        elif role in _DETAILS:
            yield f'MELSEC_Reader::add_detail(r, pdu, b"{field.name}", {_worded(field)});'
        for purpose in kept:
            yield f"MELSEC_Reader::{purpose.call(_worded(field) if purpose.worded else name)};"

    def _other(self, field: Field) -> Iterator[str]:
        if field.type == "values":
            yield f"MELSEC_Reader::points(r, {_count(field)});"
        elif field.type in _VALUE_WIDTHS:
            yield f"MELSEC_Reader::values(r, {_VALUE_WIDTHS[field.type]}, {_count(field)});"
        elif field.type == "bit_value":
            yield "MELSEC_Reader::bit_value(r);"
        elif field.type == "file_password":
            yield "MELSEC_Reader::file_password(r);"
        elif field.type in _TEXTS:
            yield from self._texts(field)
        elif field.role == "values":
            yield f"MELSEC_Reader::octets_value(r, {self._size(field)});"
        elif kept := self._purposes(field):
            size = self._characters(field)
            if size == "r.limit - r.at":
                size = "( r.limit - r.at ) / ( r.ascii ? 2 : 1 )"
            yield f"local {_local(field.name)} = MELSEC_Reader::content(r, {size});"
            for purpose in kept:
                yield f"MELSEC_Reader::{purpose.call(_local(field.name))};"
        else:
            yield f"MELSEC_Reader::skip_octets(r, {self._size(field)});"

    def _texts(self, field: Field) -> Iterator[str]:
        # What is done with the text, with {} in its place.
        done = []
        if field.role == "values":
            yield f"MELSEC_Reader::text_value(r, {self._size(field)});"
            return
        if field.role in _NAMING and not field.secret:
            done.append(f"{_NAMING[field.role]}(r, pdu, {{}})")
        elif field.role in _DETAILS and not field.secret:
            done.append(f'add_detail(r, pdu, b"{field.name}", MELSEC_Reader::word({{}}))')
        for purpose in self._purposes(field):
            done.append(purpose.call("MELSEC_Reader::word({})" if purpose.worded else "{}"))
        if not done:
            yield (
                f"MELSEC_Reader::{field.type}(r);"
                if field.type in ("file_name", "path")
                else (f"MELSEC_Reader::skip_octets(r, {self._size(field)});")
            )
            return
        text = self._text(field)
        if len(done) > 1:
            yield f"local {_local(field.name)} = {text};"
            text = _local(field.name)
        for call in done:
            yield f"MELSEC_Reader::{call.format(text)};"

    def _purposes(self, field: Field) -> tuple[Purpose, ...]:
        learnt = (Purpose("learn", field.asset, worded=True),) if field.asset and not field.secret else ()
        return (*self._kept.get(field.name, ()), *learnt)

    def _text(self, field: Field) -> str:
        if field.type != "text":
            return f"MELSEC_Reader::{field.type}(r)"
        if field.charset and field.charset.startswith("utf-16"):
            return f"MELSEC_Reader::wide_text(r, {self._characters(field)})"
        return f"MELSEC_Reader::text(r, {self._characters(field)})"

    def _characters(self, field: Field) -> str:
        if field.size_of:
            return "r.asked" if field.size_of.startswith("request.") else _local(field.size_of)
        return str(field.size) if field.size is not None else "r.limit - r.at"

    def _size(self, field: Field) -> str:
        """Octets on the wire of what is passed over."""
        if field.type in _FIXED:
            return _octets(_FIXED[field.type])
        characters = self._characters(field)
        if field.type == "text":
            wide = bool(field.charset and field.charset.startswith("utf-16"))
            if characters == "r.limit - r.at" or not wide:
                return characters
            return f"( r.ascii ? 4 : 2 ) * {characters}"
        if characters == "r.limit - r.at":
            return characters
        if field.unit_of:
            # Bit units are counted in words.
            return f"( {_local(field.unit_of)} == 0 ? 2 : 1 ) * {_octets(characters)}"
        return _octets(characters)

    def _list(self, field: Field, device: Field | None) -> Iterator[str]:
        count = _count(field)
        index = f"i_{field.name}"
        more = "r.at < r.limit" if count == _REST else f"{index} < {count}"
        yield f"local {index}: uint64 = 0;"
        yield ""
        yield f"while ( {more} && ! r.short ) {{"
        yield from _indented(self.fields(field.fields, whole=True, device=device))
        if field.role == "points":
            yield "    MELSEC_Reader::add_points(r, pdu, 1);"
        yield f"    {index} += 1;"
        yield "}"
        yield ""


def _alike(fields: Sequence[tuple[int, Field]]) -> list[tuple[int, Field]]:
    """The first fields, as far as they are there under the same condition."""
    return list(takewhile(lambda one: one[1].only == fields[0][1].only, fields))


def _octets(width: int | str) -> str:
    """Octets in binary, twice as many characters in ASCII."""
    return f"( r.ascii ? 2 : 1 ) * {width}"


def _worded(field: Field) -> str:
    """A number as a log has it: its name, else decimal digits."""
    name = _local(field.name)
    written = f"MELSEC_Reader::point({'True' if field.base == 16 else 'False'}, {name})"
    for value, word in reversed(list(field.names.items())):
        written = f'( {name} == {value} ? b"{word}" : {written} )'
    return written


def _local(name: str) -> str:
    return f"f_{name}"


def _count(field: Field) -> str:
    if field.count_of is None or field.count_of == "rest":
        return _REST
    if field.count_of.startswith("request."):
        return "r.asked"
    return _local(field.count_of)


def _counting(fields: tuple[Field, ...]) -> set[str]:
    """Names of the fields that say how many or how long others are, or whether they are there."""
    names = {name for field in fields for name in (field.count_of, field.size_of, field.unit_of) if name}
    names |= {field.only[0] for field in fields if field.only is not None}
    for field in fields:
        names |= _counting(field.fields)
    return names


def _named(fields: tuple[Field, ...]) -> Iterator[tuple[int, str]]:
    """Statements that name devices and addresses, each with the position of the last field that it needs.

    A device goes with the points, and the block of file registers, that follow it before the next device; an address
    with the module that it is of.
    """
    for position, field in enumerate(fields):
        if field.role != "target" or field.secret:
            continue
        name = _local(field.name)
        if field.type == "device":
            points = _companion(fields, position, "points")
            block = _companion(fields, position, "block")
            at = max(n for n in (position, points, block) if n is not None)
            count = _local(fields[points].name) if points is not None else "0"
            if block is None:
                yield at, f"MELSEC_Reader::add_device(r, pdu, {name}, {count});"
            else:
                yield at, f"MELSEC_Reader::add_block_device(r, pdu, {_local(fields[block].name)}, {name}, {count});"
        elif field.type in _WIDTHS:
            module = next((n for n, other in enumerate(fields) if other.role == "module"), None)
            if module is None:
                yield position, f"MELSEC_Reader::add_number(r, pdu, {name});"
            else:
                yield (
                    max(position, module),
                    f"MELSEC_Reader::add_address(r, pdu, {_local(fields[module].name)}, {name});",
                )


def _companion(fields: tuple[Field, ...], position: int, role: str) -> int | None:
    """The field with a role that belongs to a device: the next, if no other device comes before it."""
    for number in range(position + 1, len(fields)):
        if fields[number].type == "device":
            return None
        if fields[number].role == role and fields[number].type in _WIDTHS:
            return number
    return None


# --- PDUs without a length field


@dataclass(frozen=True)
class Sizes:
    """What the size of a command's request and response depends on, for frames without a length field."""

    protocol: Protocol
    command: Command

    @property
    def code(self) -> int:
        """Code of the command."""
        return self.command.code

    @property
    def fields(self) -> tuple[Field, ...]:
        """Fields of a request's data."""
        return self._fields(self.command.request)

    def _fields(self, table: Mapping[int, str]) -> tuple[Field, ...]:
        name = table.get(0)
        return self.protocol.layouts[name].fields if name else ()

    @property
    def fixed(self) -> tuple[Field, ...]:
        """The leading fields of fixed size: those that say how long the rest is are among them."""
        fields: list[Field] = []
        for field in self.fields:
            if field.count_of or field.size_of or _width(field, self.protocol) is None:
                break
            fields.append(field)
        return tuple(fields)

    @property
    def head(self) -> int:
        """Octets of the leading fields."""
        return sum(_width(field, self.protocol) or 0 for field in self.fixed)

    def varying(self) -> tuple[Field, ...]:
        """The fields behind the leading ones."""
        return self.fields[len(self.fixed) :]

    def answer(self, points: str) -> str:
        """Octets of a response's data, as an expression."""
        return self._octets(self._fields(self.command.response), lambda _: points)

    def rest(self) -> str:
        """Octets of a request's data behind the leading fields, as an expression over their names."""
        return self._octets(self.varying(), _local)

    def _octets(self, fields: tuple[Field, ...], name: object) -> str:
        assert callable(name)
        terms = []
        for field in fields:
            count = field.count_of or field.size_of
            if count is None:
                terms.append(str(_width(field, self.protocol) or 0))
                continue
            number = name(count.removeprefix("request."))
            if field.type == "list":
                item = sum(self._item(entry) for entry in field.fields)
                terms.append(f"{item} * {number}")
            elif field.type == "values":
                terms.append(f"( {number} + 1 ) / 2" if self.command.units == "bit" else f"2 * {number}")
            else:
                terms.append(f"{_VALUE_WIDTHS.get(field.type, 1)} * {number}")
        return " + ".join(terms) or "0"

    def _item(self, field: Field) -> int:
        if field.type == "bit_value":
            return 1
        width = _width(field, self.protocol)
        assert width is not None, f"{field.name} varies inside a list of {self.protocol.name}"
        return width


def _rest(protocol: Protocol) -> list[str]:
    """The function that tells a request's size from its leading fields, and whether those can be meant."""
    table = f"Table_{protocol.device_table}"
    lines = [
        "## Octets of a request's data behind the leading fields, less than 0 where those make no sense. `strict`",
        "## insists on a device that exists.",
        f"public function {protocol.name}_rest(command: uint8, inout r: MELSEC_Reader::Reader, strict: bool)",
        "    : int64 {",
        "    switch ( command ) {",
    ]
    for command in protocol.commands:
        if command.request.get(0) is None:
            continue
        sizes = Sizes(protocol, command)
        lines.append(f"        case {command.code:#04x}: {{")
        counts = _counting(sizes.fields)
        for field in sizes.fixed:
            name = _local(field.name)
            if field.type == "device":
                lines.append(f"            local {name} = {_device_call(protocol)};")
                lines.append(
                    f"            if ( strict && MELSEC_Tables::traits(MELSEC_Tables::{table}, {name}.code) == 0 )"
                )
                lines.append("                return -1;")
            elif field.type not in _WIDTHS:
                lines.append(f"            MELSEC_Reader::skip_octets(r, {_octets(_width(field, protocol) or 0)});")
            elif field.name in counts or field.const is not None or field.allowed:
                lines.append(f"            local {name}: uint64 = MELSEC_Reader::number(r, {_WIDTHS[field.type]});")
                if field.zero:
                    lines.append(f"            {name} = ( {name} == 0 ? {field.zero} : {name} );")
                if field.const is not None:
                    lines += [f"            if ( {name} != {field.const!r} )", "                return -1;"]
                if field.allowed:
                    tests = " || ".join(f"( {name} >= {low} && {name} <= {high} )" for low, high in field.allowed)
                    lines += [f"            if ( ! ( {tests} ) )", "                return -1;"]
            else:
                lines.append(f"            MELSEC_Reader::skip_octets(r, {_octets(_WIDTHS[field.type])});")
        lines += [f"            return r.short ? -1 : cast<int64>({sizes.rest()});", "        }", ""]
    return [*lines, "        default: return -1;", "    }", "}", ""]

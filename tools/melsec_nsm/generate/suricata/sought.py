"""From a look to constraints on the PDUs of a frame: its command, its status, fields of the header and of the data."""

from __future__ import annotations

from collections.abc import Sequence

from melsec_nsm.codec.devices import WIDTHS
from melsec_nsm.codec.payload import COUNTED, PASSWORD_SIZES
from melsec_nsm.definitions.model import Command, Definition, Device, Field, Frame, Protocol
from melsec_nsm.generate.suricata.looks import FileSought, Look
from melsec_nsm.generate.suricata.patterns import (
    Constraint,
    Ending,
    Expression,
    Header,
    Octets,
    Place,
    Sought,
    UnsupportedByBackend,
    of_commands,
    place_of,
    writing_of,
)
from melsec_nsm.generate.suricata.writing import Writing, either, without

_LONGEST_PASSWORD = 32
_NUL = bytes(2)
"""What stands behind a counted path and belongs to it."""


def sought_in(
    definition: Definition, protocol: Protocol, frame: Frame, look: Look, commands: Sequence[Command]
) -> Sought | None:
    """What a look seeks in a frame, None where it can find nothing there.

    Where a response does not carry the command that it answers, the end codes alone have to tell.
    """
    half = _Half(protocol, frame, look.direction, commands)
    constraints: list[Constraint] = []
    ending = None
    if look.statuses:
        known = definition.statuses[protocol.status_table]
        if "status" not in half.header.places:
            return None
        codes = [(one.code, one.code) for one in known if one.name in look.statuses]
        if "failed" in look.statuses:
            codes = [(1, 0xFFFF)]
        if not codes:
            return None
        constraints += half.header.places["status"].among(codes, fast=True)
    if look.file is not None:
        more, ending = _Name(half, look.file).sought()
        constraints += more
    elif look.devices:
        found = half.command_with_device([device for device in definition.devices if device.symbol in look.devices])
        if found is None:
            return None
        constraints.append(found)
    elif look.unknown and half.header.length is not None:
        constraints += half.command_but(look)
    elif "command" in half.header.places or not look.statuses:
        constraints += half.command()
    for name, value in look.fields:
        constraints += half.field(name, value)
    return Sought(tuple(commands), tuple(constraints), ending)


class _Half:
    """One half of a frame with one of some commands."""

    def __init__(self, protocol: Protocol, frame: Frame, direction: str, commands: Sequence[Command]) -> None:
        self.protocol, self.frame, self.commands = protocol, frame, commands
        self.header = Header.of(protocol, frame, direction)
        self.writing = writing_of(frame)
        self._direction = direction

    def command(self) -> list[Constraint]:
        """That it is one of the commands."""
        return of_commands(self.header, self.frame, self.commands)

    def command_but(self, look: Look) -> list[Constraint]:
        """That it is none of the commands of the frame that are not meant, so that unknown ones are."""
        place = self.header.places.get("command")
        found: list[Constraint] = []
        if place is None:
            if look.statuses:
                return []
            raise UnsupportedByBackend(f"frame {self.frame.id}: this half does not carry the command")
        if look.counting is None:
            # Nothing vouches for a command that nobody knows but what is usual around it.
            fields = [field for field in self.frame.half(self._direction) if field.allowed]
            for field in fields if any(field.name == "station" for field in fields) else ():
                if isinstance(field.default, int):
                    found += self.header.places[field.name].among([(field.default, field.default)])
        others = {one.code for one in self.protocol.commands_of(self.frame)} - {one.code for one in self.commands}
        return [*found, *place.among(without(others, place.size // place.writing.scale))]

    def field(self, name: str, value: int | bytes | str) -> list[Constraint]:
        """That a field of the header or the data has a value."""
        place = self.header.places.get(name) or self.place(name)
        if isinstance(value, str):
            raise UnsupportedByBackend(f"field {name}: text cannot be compared")
        if isinstance(value, int):
            return place.among([(value, value)])
        text = self.writing.text
        return [Octets(place.offset, value.hex().upper().encode() if text else value, text=text)]

    def place(self, name: str) -> Place:
        """Where a field of the data stands, the same for all the commands and their sub-commands."""
        places = {
            self._place(name, command, subcommand)
            for command in self.commands
            for subcommand in command.subcommands or (0,)
        }
        if len(places) != 1:
            raise UnsupportedByBackend(f"field {name}: has no single place in frame {self.frame.id}")
        return places.pop()

    def _place(self, name: str, command: Command, subcommand: int) -> Place:
        offset = self.header.size
        for field in self.fields(command, subcommand):
            size = fixed_size(field, self.writing)
            if field.name == name:
                return place_of(self.protocol, field, offset, size or 0, self.writing)
            if size is None:
                raise UnsupportedByBackend(f"field {name}: stands behind one of variable size")
            offset += size
        raise UnsupportedByBackend(f"field {name}: command {command.text} has none of that name")

    def command_with_device(self, devices: Sequence[Device]) -> Expression | None:
        """That it is one of the commands, and that the first device that it names is one of these.

        None where none of them can be named.
        """
        first, second = self.header.places["command"], self.header.places.get("subcommand")
        alternatives = []
        for command in self.commands:
            subcommands = command.subcommands if second is not None else ()
            for subcommand in subcommands or (0,):
                point = self._device_point(command, subcommand, devices)
                if point is None:
                    continue
                wanted = first.regex([(command.code, command.code)])
                if second is not None:
                    wanted += self.writing.skip(second.offset - first.end) + second.regex([(subcommand, subcommand)])
                behind = first.end if second is None else second.end
                alternatives.append(wanted + self.writing.skip(self.header.size - behind) + point)
        if not alternatives:
            return None
        # It takes the octets of the command only, as what it looks at has different places.
        regex = f"(?={either(alternatives)}){self.writing.skip(first.size)}"
        return Expression(first.offset, first.size, regex, text=self.writing.text)

    def _device_point(self, command: Command, subcommand: int, devices: Sequence[Device]) -> str | None:
        """An expression for the data of a command up to the code of its first device, that of one of these."""
        before = ""
        fields = list(self.fields(command, subcommand))
        while fields:
            field = fields.pop(0)
            if field.type == "device":
                code = self._device_code(subcommand, devices)
                return None if code is None else before + code
            if field.type == "list":
                fields = [*field.fields, *fields]
                continue
            size = fixed_size(field, self.writing)
            if size is None:
                break
            before += self.writing.skip(size)
        return None

    def _device_code(self, subcommand: int, devices: Sequence[Device]) -> str | None:
        form, table = self.protocol.device_form(subcommand), self.protocol.device_table
        codes = [device.codes[table] for device in devices if table in device.codes]
        found = ""
        if not codes:
            return None
        if not self.writing.text:
            for part, kind in form.binary:
                size = WIDTHS[kind]
                if part == "code":
                    return found + self.writing.among([(code, code) for code in codes], size, self.protocol.byte_order)
                found += self.writing.skip(size)
            return None
        for part, width in form.ascii:
            size = int(width.removeprefix("hex"))
            if part == "code" and not width.startswith("hex"):
                symbols = [device.symbol for device in devices if table in device.codes]
                return found + either([rf"{symbol}[* ]{{{size - len(symbol)}}}" for symbol in symbols])
            found += f".{{{size}}}"
        return None

    def fields(self, command: Command, subcommand: int) -> Sequence[Field]:
        """The fields of the data of a command, none where nothing is known of them."""
        table = command.request if self._direction == "request" else command.response
        name = table.get(subcommand)
        return self.protocol.layouts[name].fields if name else ()


def fixed_size(field: Field, writing: Writing) -> int | None:
    """The symbols that a field takes, None where that depends on others."""
    if field.only is not None or field.optional:
        return None
    if field.type in WIDTHS:
        return WIDTHS[field.type] * writing.scale
    if field.type == "bytes" and field.size is not None:
        return field.size * writing.scale
    if field.type == "text" and field.size is not None:
        wide = field.charset is not None and field.charset.startswith("utf-16")
        return field.size * (_wide(writing) if wide else 1)
    return None


def _wide(writing: Writing) -> int:
    """The symbols of a character in UTF-16, which an ASCII frame writes in digits; others take one in any frame."""
    return 2 * writing.scale


class _Name:
    """The request that names a file."""

    def __init__(self, half: _Half, wanted: FileSought) -> None:
        if len(half.commands) != 1:
            raise UnsupportedByBackend(f"frame {half.frame.id}: several commands name a file")
        self._half, self._wanted = half, wanted
        self._command = half.commands[0]
        self._fields = half.fields(self._command, self._command.subcommands[0])
        self._writing, self._order = half.writing, half.protocol.byte_order

    def sought(self) -> tuple[list[Constraint], Ending | None]:
        """Constraints, and how the name ends where it is not of fixed size."""
        command = self._half.command()
        for field in self._fields:
            if field.role == "extension":
                place = self._half.place(field.name)
                return [*command, Expression(place.offset, place.size, self._narrow())], None
        name = next(field for field in self._fields if field.role == "target")
        if name.type == "path":
            return [*command, *self._half.place(self._mode.name).among(self._modes())], self._end_of_path(name)
        if name is not self._fields[-1]:
            raise UnsupportedByBackend(f"field {name.name}: its end is not known")
        # The name ends where the PDU does.
        ending = Ending(self._half.header.length, 1, ((4, rf"\.{self._narrow()}"), (4 * self._width, self._wide())))
        return [command[0], self._by_subcommand()], ending

    def _end_of_path(self, name: Field) -> Ending:
        """The end of a path whose octets are counted, mostly with the NUL behind it."""
        place, scale = self._half.place(name.name), self._writing.scale
        count = Place(place.offset, WIDTHS["u16"] * scale, place.order, self._writing)
        ended, width = self._wide() + self._writing.literal(_NUL), 4 * self._width
        return Ending(count, scale, ((width + len(_NUL) * scale, ended), (width, self._wide())))

    @property
    def _width(self) -> int:
        return _wide(self._writing)

    @property
    def _mode(self) -> Field:
        return next(field for field in self._fields if field.name == self._wanted.transfer.mode)

    def _modes(self) -> list[tuple[int, int]]:
        """The values of the field that says whether a file is written."""
        (write,) = (value for value, name in self._mode.names.items() if name == "write")
        if self._wanted.written:
            return [(write, write)]
        return [(0, write - 1), (write + 1, (1 << 8 * WIDTHS[self._mode.type]) - 1)]

    def _by_subcommand(self) -> Expression:
        """The mode behind the password, whose size the sub-command tells."""
        place, mode = self._half.header.places["subcommand"], self._mode
        wanted = self._writing.among(self._modes(), WIDTHS[mode.type], self._order)
        alternatives = [
            place.regex([(subcommand, subcommand)]) + self._before(mode, subcommand) + wanted
            for subcommand in self._command.subcommands
        ]
        # It takes no octets, as the alternatives take different numbers of them.
        return Expression(place.offset, 0, f"(?={'|'.join(alternatives)})", text=self._writing.text)

    def _before(self, mode: Field, subcommand: int) -> str:
        """An expression for the fields in front of the mode."""
        found = ""
        for field in self._fields[: self._fields.index(mode)]:
            size = fixed_size(field, self._writing)
            if field.type == "file_password":
                found += self._password(subcommand)
            elif size is None:
                raise UnsupportedByBackend(f"field {field.name}: has no fixed size")
            else:
                found += self._writing.skip(size)
        return found

    def _password(self, subcommand: int) -> str:
        if subcommand != COUNTED:
            return self._characters(PASSWORD_SIZES[subcommand])
        return either(
            [
                self._writing.among([(count, count)], WIDTHS["u16"], self._order) + self._characters(count)
                for count in range(_LONGEST_PASSWORD + 1)
            ]
        )

    def _characters(self, count: int) -> str:
        """Any characters, which in an ASCII frame need not be digits."""
        return (f".{{{count}}}" if count else "") if self._writing.text else self._writing.skip(count)

    def _narrow(self) -> str:
        """The extensions in either case."""
        return f"(?i:{either(self._wanted.extensions)})"

    def _wide(self) -> str:
        """A dot and the extensions in UTF-16, in either case."""
        if self._writing.text:
            dot, letter = "002e", lambda one: f"00(?:{ord(one):02x}|{ord(one.lower()):02x})"
        else:
            dot, letter = r"\.\x00", r"{}\x00".format
        return f"(?i:{dot}{either([''.join(map(letter, name)) for name in self._wanted.extensions])})"

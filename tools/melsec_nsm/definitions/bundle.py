"""All documents of a definition together, with the indexes that checks look names up in.

The indexes are lenient: a name counts as known even where its entry has faults, so that one
mistake does not draw a trail of "unknown name" behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from melsec_nsm.definitions.document import DataPath, Document
from melsec_nsm.definitions.model import Issue, Location


@dataclass(frozen=True)
class Entry:
    """A mapping somewhere in a document: a command, a field, a capture, or a whole file."""

    document: Document
    path: DataPath
    data: Mapping[str, Any]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self.data.get(key, default)

    def text(self, key: str) -> str:
        """The value of a key where it is text, else nothing."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""

    def texts(self, key: str) -> list[str]:
        """The texts of a key that may be one text or a list of them."""
        value = self.data.get(key)
        if isinstance(value, str):
            return [value]
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def number(self, key: str) -> int | None:
        """The value of a key where it is a number."""
        value = self.data.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def child(self, key: str) -> Entry | None:
        """The mapping below a key."""
        value = self.data.get(key)
        return Entry(self.document, (*self.path, key), value) if isinstance(value, dict) else None

    def children(self, key: str) -> Iterator[Entry]:
        """The mappings of the list below a key."""
        value = self.data.get(key)
        if isinstance(value, list):
            for position, item in enumerate(value):
                if isinstance(item, dict):
                    yield Entry(self.document, (*self.path, key, position), item)

    def sound(self, *below: str | int) -> bool:
        """Whether nothing is wrong with this entry, or with what stands below it at a path."""
        return self.document.sound((*self.path, *below))

    def locate(self, *below: str | int) -> Location:
        """Where the entry or a value below it stands."""
        return self.document.locate((*self.path, *below))

    def issue(self, message: str, *below: str | int, hint: str = "", key: bool = False) -> Issue:
        """An issue at a value below this entry, or at its key."""
        path = (*self.path, *below)
        location = self.document.locate_key(path) if key else self.document.locate(path)
        return Issue(location, message, hint)


@dataclass(frozen=True)
class ProtocolFacts:
    """A protocol file with its entries by name."""

    entry: Entry
    name: str

    @cached_property
    def frames(self) -> dict[str, Entry]:
        """Frames by id."""
        return _by_text(self.entry.children("frames"), "id")

    @cached_property
    def layouts(self) -> dict[str, Entry]:
        """Layouts by name."""
        return _by_text(self.entry.children("layouts"), "layout")

    @cached_property
    def commands(self) -> tuple[Entry, ...]:
        """Commands in the order of the file."""
        return tuple(self.entry.children("commands"))

    @cached_property
    def by_operation(self) -> dict[str, Entry]:
        """Commands by operation."""
        return _by_text(self.commands, "operation")

    @cached_property
    def by_code(self) -> dict[tuple[int, int], Entry]:
        """Commands by code and digits."""
        found: dict[tuple[int, int], Entry] = {}
        for command in self.commands:
            code = command.number("code")
            if code is not None:
                found.setdefault((code, digits_of(command)), command)
        return found

    @cached_property
    def named(self) -> dict[str, tuple[Entry, ...]]:
        """All commands of an operation: there are two where one is about bits and one about words."""
        found: dict[str, tuple[Entry, ...]] = {}
        for command in self.commands:
            name = command.text("operation")
            found[name] = (*found.get(name, ()), command)
        return found

    def shape(self, frame: Entry) -> Entry:
        """The frame that holds the fields of a frame: itself, or the one that it is like."""
        return self.frames.get(frame.text("like"), frame)

    @cached_property
    def widths(self) -> dict[str, int | None]:
        """Digits of the command field by frame id, None for frames without one."""
        return {name: command_digits(self.shape(frame)) for name, frame in self.frames.items()}

    def frames_of(self, command: Entry) -> list[str]:
        """Ids of the frames a command travels in."""
        named = command.texts("frames")
        if named:
            return named
        return [name for name, digits in self.widths.items() if digits == digits_of(command)]


@dataclass
class Bundle:
    """The files of a definition by kind."""

    files: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, kind: str, document: Document) -> None:
        """Add a file that holds a mapping; others have nothing to check."""
        if isinstance(document.data, dict):
            self.files.setdefault(kind, []).append(Entry(document, (), document.data))

    def of(self, kind: str) -> list[Entry]:
        """The files of a kind."""
        return self.files.get(kind, [])

    def entries(self, kind: str, key: str) -> Iterator[Entry]:
        """The entries below a key in all files of a kind."""
        for file in self.of(kind):
            yield from file.children(key)

    @cached_property
    def protocols(self) -> dict[str, ProtocolFacts]:
        """Protocols by name."""
        found: dict[str, ProtocolFacts] = {}
        for file in self.of("protocol"):
            name = file.text("protocol")
            if name:
                found.setdefault(name, ProtocolFacts(file, name))
        return found

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """All names of operations."""
        return tuple(dict.fromkeys(name for facts in self.protocols.values() for name in facts.by_operation))

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """All names that engineering operations can have."""
        names = [
            entry.text(key)
            for kind, keys in (("file_kinds", ("upload", "download")), ("actions", ("action", "failed", "known")))
            for entry in self.entries("engineering", kind)
            for key in keys
        ]
        return tuple(dict.fromkeys(name for name in names if name))

    @cached_property
    def statuses(self) -> dict[str, set[str]]:
        """Names of end codes by table."""
        return {
            file.text("table"): {status.text("name") for status in file.children("statuses")}
            for file in self.of("statuses")
        }

    @cached_property
    def captures(self) -> dict[str, Entry]:
        """Captures by name."""
        return _by_text(self.entries("captures", "captures"), "capture")

    @cached_property
    def cases(self) -> dict[str, Entry]:
        """Cases of captures under a policy by name."""
        return _by_text(self.entries("captures", "cases"), "case")

    @cached_property
    def techniques(self) -> set[str]:
        """Known technique ids."""
        tables = (file.child("techniques") for file in self.of("attack"))
        return {key for table in tables if table is not None for key in table.data}

    @cached_property
    def devices(self) -> tuple[Entry, ...]:
        """Devices whose entries are sound."""
        return tuple(device for device in self.entries("devices", "devices") if device.sound())

    @cached_property
    def device_tables(self) -> set[str]:
        """Numberings in which a device has a code."""
        tables = (device.child("codes") for device in self.entries("devices", "devices"))
        return {key for table in tables if table is not None for key in table.data}

    @cached_property
    def device_forms(self) -> set[str]:
        """Names of the forms in which protocols write device points."""
        forms = (file.child("device_forms") for file in self.of("protocol"))
        return {key for table in forms if table is not None for key in table.data}

    @cached_property
    def status_tables(self) -> set[str]:
        """Names of the tables of end codes."""
        return {file.text("table") for file in self.of("statuses")} - {""}

    @cached_property
    def source_keys(self) -> set[str]:
        """Keys of the sources of all files."""
        found: set[str] = set()
        for kind in ("protocol", "devices", "statuses", "models", "engineering"):
            for file in self.of(kind):
                sources = file.child("sources")
                found.update(sources.data if sources is not None else ())
        return found


def _by_text(entries: Iterator[Entry] | tuple[Entry, ...], key: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        name = entry.text(key)
        if name:
            found.setdefault(name, entry)
    return found


def field_name(field: Entry) -> str:
    """The name of a field, or of a list of fields."""
    return field.text("field") or field.text("list")


def by_field_name(fields: Iterator[Entry]) -> dict[str, Entry]:
    """Fields by name."""
    return {field_name(field): field for field in fields}


def digits_of(command: Entry) -> int:
    """Width of a command's code in hex digits."""
    return command.number("digits") or 4


def command_digits(frame: Entry) -> int | None:
    """Width of the command field of a frame in hex digits, None where it has none."""
    for half in ("request", "response"):
        for header_field in frame.children(half):
            if header_field.get("field") == "command":
                return 2 if header_field.get("type") == "u8" else 4
    return None


def subcommands_of(command: Entry) -> list[int]:
    """The sub-commands of a command; none where they are not known."""
    listed = command.get("subcommands")
    if not isinstance(listed, list):
        return [0]
    return [item for item in listed if isinstance(item, int) and not isinstance(item, bool)]


def layout_name(command: Entry, half: str, subcommand: int) -> str | None:
    """The layout of a half for a sub-command: "" for nothing, None where it is not known."""
    layouts = command.get(half)
    if isinstance(layouts, dict):
        for key, name in layouts.items():
            if int(key, 0) == subcommand:
                return name if isinstance(name, str) else ""
        return None
    if subcommand not in subcommands_of(command):
        return None
    return layouts if isinstance(layouts, str) else "" if isinstance(layouts, list) else None


def fires(captures: Entry, *, often: bool = False) -> dict[str, int]:
    """How often a detection fires, by the name of the capture; only where that is not once if ``often``."""
    found: dict[str, int] = {}
    listed = captures.get("fires")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, str) and not often:
            found[item] = 1
        elif isinstance(item, dict):
            found.update({name: count for name, count in item.items() if isinstance(count, int)})
    return found

"""Fields that conditions name, seen with the protocol facts that they belong to."""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.definitions.bundle import Bundle, Entry, ProtocolFacts, by_field_name, layout_name, subcommands_of
from melsec_nsm.definitions.model import ANY
from melsec_nsm.definitions.values import parse_octets


def means(when: Entry, command: Entry) -> bool:
    """Whether the operation or the class of a command is one that a condition names."""
    classes = when.texts("class")
    return command.text("operation") in when.texts("operation") or command.text("class") in classes or ANY in classes


def commands_meant(bundle: Bundle, when: Entry) -> Iterator[tuple[ProtocolFacts, Entry]]:
    """The commands whose PDUs a condition may mean, with their protocols; those of its alternatives too."""
    for one in when.children("any"):
        yield from commands_meant(bundle, one)
    protocols = when.texts("protocol")
    for facts in bundle.protocols.values():
        if protocols and facts.name not in protocols:
            continue
        for command in facts.commands:
            if means(when, command):
                yield facts, command


def request_fields(facts: ProtocolFacts, command: Entry, frames: list[str]) -> dict[str, Entry]:
    """Fields of the requests of a command by name: those of its data, and those of the headers of its frames."""
    found: dict[str, Entry] = {}
    for name in facts.frames_of(command):
        frame = facts.frames.get(name)
        if frame is not None and (not frames or name in frames):
            header = by_field_name(facts.shape(frame).children("request"))
            found |= {key: field for key, field in header.items() if key != "data"}
    for subcommand in subcommands_of(command) or [0]:
        layout = facts.layouts.get(layout_name(command, "request", subcommand) or "")
        if layout is not None:
            found |= by_field_name(layout.children("fields"))
    return found


def meant_fields(bundle: Bundle, when: Entry) -> dict[str, Entry]:
    """Fields of the requests that a condition may mean, by name."""
    found: dict[str, Entry] = {}
    for facts, command in commands_meant(bundle, when):
        found |= request_fields(facts, command, when.texts("frame"))
    return found


def condition_fields(bundle: Bundle, when: Entry) -> Iterator[tuple[str, int | bytes | str]]:
    """The fields of a condition with their values; those of bytes fields, hex in the file, become octets."""
    wanted = when.child("fields")
    if wanted is None:
        return
    known = meant_fields(bundle, when)
    for name, value in wanted.data.items():
        field = known.get(name)
        octets = (
            parse_octets(value)
            if isinstance(value, str) and field is not None and field.get("type") == "bytes"
            else None
        )
        yield name, value if octets is None else octets

"""Fields of requests that conditions compare with a value: which of them reach Zeek's scripts, and how.

The record of a PDU has a few fields of every header. Others of a header, and those of the data, are handed over for the
commands whose conditions name them, all as numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.definitions.model import Command, Condition, Definition, Field, Layout

PDU_FIELDS = ("network", "station", "module_io", "multidrop", "serial")
"""Those that the record of a PDU has, whatever the command."""

HEADER_FIELDS = ("variant", "counter", "source_module_io", "flags", "size")
"""Those of MELSOFT's header besides, which the grammar hands over where a condition names one of them."""

MAX_OCTETS = 8
"""Octets of a field of octets that make a number."""

_NUMBERS = ("u8", "u16", "u32", "u16be")


def conditions(definition: Definition) -> Iterator[Condition]:
    """The conditions that Zeek's scripts look at; of alternatives each."""
    for detection in definition.detections.values():
        if "zeek" in detection.engines():
            yield from detection.when.alternatives or (detection.when,)
    for action in definition.engineering.actions:
        yield from (one for one in (action.when, action.proof) if one is not None)


def commands(definition: Definition, condition: Condition) -> Iterator[Command]:
    """The commands that a condition may mean."""
    return (command for command in definition.commands() if condition.mentions(command))


def request_layouts(definition: Definition, command: Command) -> Iterator[Layout]:
    """The layouts that requests of a command may have."""
    layouts = definition.protocols[command.protocol].layouts
    return (layouts[name] for name in command.request.values() if name)


def is_comparable(field: Field) -> bool:
    """Whether a field of the data makes a number."""
    return field.type in _NUMBERS or (
        field.type == "bytes" and isinstance(field.size, int) and field.size <= MAX_OCTETS
    )


def is_handed_over(definition: Definition, condition: Condition, name: str) -> bool:
    """Whether the scripts get a field of some request that a condition may mean."""
    if name in PDU_FIELDS:
        return True
    meant = list(commands(definition, condition))
    if name in HEADER_FIELDS:
        return any(definition.protocols[command.protocol].footer is not None for command in meant)
    return any(
        field.name == name and is_comparable(field)
        for command in meant
        for layout in request_layouts(definition, command)
        for field in layout.fields
    )


def number(value: int | bytes | str) -> int | None:
    """The value of a field as the number that the scripts compare; None for texts and what is too long."""
    if isinstance(value, bytes):
        return int.from_bytes(value, "big") if len(value) <= MAX_OCTETS else None
    return value if isinstance(value, int) else None

"""What conditions ask for beyond the commands that they mention, as Zeek's scripts look at it."""

from __future__ import annotations

from collections.abc import Iterable

from melsec_nsm.definitions.model import Condition, Definition, Threshold
from melsec_nsm.generate.text import quoted
from melsec_nsm.generate.zeek import compared
from melsec_nsm.generate.zeek.frames import numbered

FAILED = "failed"
"""Stands for every end code but success."""


class NotForZeekError(ValueError):
    """A condition that Zeek's scripts cannot look at, and that does not say so."""


def meanings(definition: Definition, condition: Condition, name: str) -> str | None:
    """What a PDU of one of the commands has to fulfil: one of several. None where nothing else is asked for.

    NotForZeekError.
    """
    if condition.alternatives:
        found = [_meaning(definition, one, name, _commands(one)) for one in condition.alternatives]
        return f"vector({', '.join(found)})"
    one = meaning(definition, condition, name)
    return None if one is None else f"vector({one})"


def meaning(definition: Definition, condition: Condition, name: str) -> str | None:
    """The same where there is no choice, as in operations. NotForZeekError."""
    if condition.alternatives:
        raise NotForZeekError(f"{name}: Zeek looks at alternatives in detections only")
    found = _meaning(definition, condition, name, [])
    return None if found == "Meaning()" else found


def _commands(condition: Condition) -> list[str]:
    """Which commands an alternative means: the others of the detection are no matter of it."""
    named = {
        "operations": condition.operations,
        "classes": condition.classes,
        "protocols": condition.protocols,
    }
    return [f"${field}={_strings(names)}" for field, names in named.items() if names]


def _strings(names: Iterable[str]) -> str:
    return f"set({', '.join(map(quoted, names))})"


def _meaning(definition: Definition, condition: Condition, name: str, parts: list[str]) -> str:
    if condition.frames:
        numbers = [number for number, _, frame in numbered(definition) if frame.id in condition.frames]
        parts.append(f"$frames=set({', '.join(map(str, numbers))})")
    if FAILED in condition.statuses:
        parts.append("$failed=T")
    named = [one for one in condition.statuses if one != FAILED]
    if named:
        parts.append(f"$statuses={_strings(named)}")
    if condition.first:
        parts.append("$first=T")
    if condition.devices:
        parts.append(f"$devices={_targets(condition.devices)}")
    if condition.fields:
        values = []
        for field, value in condition.fields:
            number = compared.number(value)
            if number is None or not compared.is_handed_over(definition, condition, field):
                raise NotForZeekError(f"{name}: Zeek cannot compare the field {field}")
            values.append(f"[{quoted(field)}] = {number:#x}")
        parts.append(f"$fields=table({', '.join(values)})")
    return f"Meaning({', '.join(parts)})"


def _targets(devices: tuple[str, ...]) -> str:
    """A pattern for targets of a log line one of which is one of the devices, directly or in a module or network."""
    return rf"/(^|[,\\])({'|'.join(devices)})[0-9]/"


def threshold(found: Threshold) -> str:
    """How often it has to happen."""
    distinct = "" if found.distinct is None else f", $distinct={quoted(found.distinct)}"
    per = ", ".join(map(quoted, found.per))
    fixed = ", $fixed=T" if found.fixed else ""
    return f"Threshold($n={found.count}, $within={found.seconds}sec{distinct}{fixed}, $per=vector({per}))"

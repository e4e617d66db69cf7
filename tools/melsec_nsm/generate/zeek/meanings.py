"""What conditions ask for beyond the commands that they mention, as Zeek's scripts look at it."""

from __future__ import annotations

from melsec_nsm.definitions.model import Condition, Definition, Threshold
from melsec_nsm.generate.text import quoted
from melsec_nsm.generate.zeek.frames import numbered

FIELDS = ("network", "station", "module_io", "multidrop", "serial", "source_module_io")
"""Fields of a request that the scripts can compare: the grammar hands over no others as numbers."""

FAILED = "failed"
"""Stands for every end code but success."""


class NotForZeekError(ValueError):
    """A condition that Zeek's scripts cannot look at, and that does not say so."""


def meaning(definition: Definition, condition: Condition, name: str) -> str | None:
    """What a PDU of one of the commands has to fulfil, None where nothing else is asked for. NotForZeekError."""
    if condition.alternatives:
        raise NotForZeekError(f"{name}: Zeek looks at no alternatives")
    parts = []
    if condition.frames:
        numbers = [number for number, _, frame in numbered(definition) if frame.id in condition.frames]
        parts.append(f"$frames=set({', '.join(map(str, numbers))})")
    if FAILED in condition.statuses:
        parts.append("$failed=T")
    named = [one for one in condition.statuses if one != FAILED]
    if named:
        parts.append(f"$statuses=set({', '.join(map(quoted, named))})")
    if condition.first:
        parts.append("$first=T")
    if condition.devices:
        parts.append(f"$devices={_targets(condition.devices)}")
    if condition.fields:
        values = []
        for field, value in condition.fields:
            if field not in FIELDS or not isinstance(value, int):
                raise NotForZeekError(f"{name}: Zeek cannot compare the field {field}")
            values.append(f"[{quoted(field)}] = {value:#x}")
        parts.append(f"$fields=table({', '.join(values)})")
    return f"Meaning({', '.join(parts)})" if parts else None


def _targets(devices: tuple[str, ...]) -> str:
    """A pattern for targets of a log line one of which is one of the devices, directly or in a module or network."""
    return rf"/(^|[,\\])({'|'.join(devices)})[0-9]/"


def threshold(found: Threshold) -> str:
    """How often it has to happen."""
    distinct = "" if found.distinct is None else f", $distinct={quoted(found.distinct)}"
    per = ", ".join(map(quoted, found.per))
    fixed = ", $fixed=T" if found.fixed else ""
    return f"Threshold($n={found.count}, $within={found.seconds}sec{distinct}{fixed}, $per=vector({per}))"

"""The lock: which sids a detection was published with, and in which revision.

A sid is never given to another detection, so entries are never removed: a detection that is gone
is retired and keeps its block. Rules that change move the revision of their detection by one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from melsec_nsm.definitions.bundle import Bundle
from melsec_nsm.definitions.checks.codes import lock_unique
from melsec_nsm.definitions.document import read_document
from melsec_nsm.definitions.model import DefinitionError, LockEntry
from melsec_nsm.definitions.schema import check_structure

FIRST_SID = 1880000
BLOCK = 100
"""Sids of one detection: its variants (frame, encoding, transport, ...)."""

LOCK_FILE = Path(__file__).parent / "lock.yaml"
HEADER = "# generated from detections/*.yaml by melsec-nsm generate: do not edit"

_NUMBERING = re.compile(r"\s*\b(?:sid|rev)\s*:\s*\d+\s*;")

Lock = Mapping[str, LockEntry]
"""Entries by id of the detection."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an entry: ``added``, ``changed``, ``retired`` or ``revived``."""

    id: str
    what: str
    rev: int


def read(file: Path = LOCK_FILE) -> dict[str, LockEntry]:
    """The entries of a lock file; none where there is no file yet.

    Raises:
        DefinitionError: the file is damaged. It must be mended from history, never made anew.
    """
    if not file.exists():
        return {}
    document = read_document(file, file.name)
    bundle = Bundle()
    if document.readable:
        check_structure(document, "lock")
        bundle.add("lock", document)
    issues = [*document.issues, *lock_unique(bundle)]
    if issues:
        raise DefinitionError(issues)
    entries = bundle.entries("lock", "lock")
    return {entry.text("id"): _entry(entry.data) for entry in entries}


def _entry(data: Mapping[str, Any]) -> LockEntry:
    return LockEntry(**{**data, "variants": _numbers(data.get("variants", ""))})


def dump(lock: Lock) -> bytes:
    """The octets of a lock file, the same for the same entries."""
    lines = [HEADER, "lock:" if lock else "lock: []"]
    for entry in _by_base(lock.values()):
        lines.append(f"  - id: {entry.id}")
        lines.append(f"    base: {entry.base}")
        lines.append(f"    rev: {entry.rev}")
        lines.append(f'    hash: "{entry.hash}"')
        lines.append(f"    retired: {'true' if entry.retired else 'false'}")
        lines.append(f'    variants: "{runs(entry.variants)}"')
    return ("\n".join(lines) + "\n").encode()


def update(lock: Lock, rendered: Mapping[str, Mapping[int, str]]) -> tuple[dict[str, LockEntry], tuple[Change, ...]]:
    """The lock after publishing rules, and what changed.

    ``rendered`` holds the rule of each variant (0 to 99) of each detection. Their own ``sid`` and
    ``rev`` do not count as content, so rules may be rendered before or after numbering.

    Raises:
        ValueError: a variant that has no place in the block of its detection.
    """
    entries = dict(lock)
    changes: list[Change] = []
    next_base = max((entry.base + BLOCK for entry in lock.values()), default=0)
    for name in sorted(rendered):
        _check_variants(name, rendered[name])
        digest = rules_hash(rendered[name])
        old = lock.get(name)
        variants = tuple(sorted(rendered[name]))
        if old is None:
            entries[name] = LockEntry(name, next_base, 1, digest, False, variants)
            next_base += BLOCK
            changes.append(Change(name, "added", 1))
            continue
        rev = old.rev if old.hash == digest else old.rev + 1
        entries[name] = LockEntry(name, old.base, rev, digest, False, variants)
        if rev != old.rev or old.retired:
            changes.append(Change(name, "revived" if old.retired else "changed", rev))
    for name in sorted(set(lock) - set(rendered)):
        if not lock[name].retired:
            entries[name] = replace(lock[name], retired=True)
            changes.append(Change(name, "retired", lock[name].rev))
    return {entry.id: entry for entry in _by_base(entries.values())}, tuple(changes)


def rules_hash(rules: Mapping[int, str]) -> str:
    """SHA-256 of the rules of a detection, without their sids and revisions."""
    texts = (f"{variant} {_NUMBERING.sub('', rules[variant]).strip()}\n" for variant in sorted(rules))
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def sid(entry: LockEntry, variant: int) -> int:
    """The sid of a variant of a detection.

    Raises:
        ValueError: the variant is outside the detection's block.
    """
    if not 0 <= variant < BLOCK:
        raise ValueError(f"{entry.id}: variant {variant} is outside its block of {BLOCK} sids")
    return FIRST_SID + entry.base + variant


def runs(numbers: Iterable[int]) -> str:
    """Numbers in order, those without a gap as one: ``0-5 9``."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return " ".join("-".join(map(str, run)) for run in found)


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers that `runs` wrote."""
    parts = (word.partition("-") for word in text.split())
    return tuple(number for first, _, last in parts for number in range(int(first), int(last or first) + 1))


def _check_variants(name: str, rules: Mapping[int, str]) -> None:
    if len(rules) > BLOCK:
        raise ValueError(f"{name}: {len(rules)} variants, a block holds {BLOCK} sids")
    outside = [variant for variant in rules if not 0 <= variant < BLOCK]
    if outside:
        raise ValueError(f"{name}: variant {outside[0]} is outside its block of {BLOCK} sids")


def _by_base(entries: Iterable[LockEntry]) -> list[LockEntry]:
    return sorted(entries, key=lambda entry: entry.base)

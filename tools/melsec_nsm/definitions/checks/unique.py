"""Names and codes that must not stand twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from melsec_nsm.definitions.bundle import Entry
from melsec_nsm.definitions.model import Issue

Keyed = tuple[Hashable, Entry, tuple[str | int, ...]]
"""What must be unique, the entry that has it, and where it stands in the entry."""


def repeated(items: Iterable[Keyed], what: str) -> Iterator[Issue]:
    """An issue for each item whose identity an earlier one has. ``what`` describes it: ``operation '{}'``."""
    first: dict[Hashable, tuple[Entry, tuple[str | int, ...]]] = {}
    for identity, entry, below in items:
        if identity in first:
            earlier, place = first[identity]
            shown = identity[-1] if isinstance(identity, tuple) else identity
            yield entry.issue(f"{what.format(shown)} stands twice", *below, hint=f"first at {earlier.locate(*place)}")
        else:
            first[identity] = (entry, below)


def by_text(entries: Iterable[Entry], key: str) -> Iterator[Keyed]:
    """The entries that have a text below a key."""
    for entry in entries:
        name = entry.text(key)
        if name:
            yield name, entry, (key,)

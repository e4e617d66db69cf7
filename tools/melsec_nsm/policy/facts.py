"""A policy file as the checks see it: entries by name, with their positions, however faulty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from melsec_nsm.definitions.bundle import Entry
from melsec_nsm.definitions.document import DataPath
from melsec_nsm.definitions.model import Definition
from melsec_nsm.policy.addresses import AddressError, parse_address, parse_network
from melsec_nsm.policy.clock import MINUTES_A_DAY
from melsec_nsm.policy.model import Network

ALL = "all"
"""What stands for every controller."""

Placed = tuple[Network, Entry, DataPath]
"""A network, the entry that has it, and where it stands in the entry."""


@dataclass(frozen=True)
class Facts:
    """A policy file, and the definition that its words come from."""

    entry: Entry
    definition: Definition

    @cached_property
    def zones(self) -> dict[str, list[Placed]]:
        """Networks of the zones; those that are none are left out."""
        zones = self.entry.child("zones")
        return {name: list(self._networks(zones, name)) for name in zones.data} if zones is not None else {}

    @cached_property
    def roles(self) -> dict[str, Entry]:
        """Roles by name."""
        roles = self.entry.child("roles")
        found = ((name, roles.child(name)) for name in roles.data) if roles is not None else ()
        return {name: role for name, role in found if role is not None}

    @cached_property
    def hosts(self) -> tuple[Entry, ...]:
        """Hosts in the order of the file."""
        return tuple(self.entry.children("hosts"))

    @cached_property
    def controllers(self) -> tuple[Entry, ...]:
        """Controllers in the order of the file."""
        return tuple(self.entry.children("controllers"))

    @cached_property
    def windows(self) -> tuple[Entry, ...]:
        """Maintenance windows in the order of the file."""
        return tuple(self.entry.children("maintenance_windows"))

    @cached_property
    def changes(self) -> tuple[Entry, ...]:
        """Changes in the order of the file."""
        return tuple(self.entry.children("changes"))

    @cached_property
    def baseline(self) -> Entry | None:
        """What is said to be usual."""
        return self.entry.child("baseline")

    @cached_property
    def known(self) -> tuple[Entry, ...]:
        """What is usual beforehand, in the order of the file."""
        return tuple(self.baseline.children("known")) if self.baseline is not None else ()

    @cached_property
    def host_names(self) -> dict[str, Entry]:
        """Hosts by name."""
        return {host.text("name"): host for host in reversed(self.hosts)}

    @cached_property
    def controller_names(self) -> dict[str, Entry]:
        """Controllers by name."""
        return {one.text("name"): one for one in reversed(self.controllers)}

    def networks(self, entry: Entry) -> Iterator[Placed]:
        """The networks of a host or a controller; those that are none are left out."""
        return self._networks(entry, "address")

    def _networks(self, entry: Entry, key: str) -> Iterator[Placed]:
        for text, below in texts_at(entry, key):
            try:
                yield parse_network(text), entry, below
            except AddressError:
                continue


def texts_at(entry: Entry, key: str) -> Iterator[tuple[str, DataPath]]:
    """The texts below a key that may hold one or a list, with where they stand in the entry."""
    value = entry.get(key)
    if isinstance(value, str):
        yield value, (key,)
    elif isinstance(value, list):
        yield from ((item, (key, position)) for position, item in enumerate(value) if isinstance(item, str))


def is_network(text: str, *, single: bool) -> AddressError | None:
    """What is wrong with a text that has to be an address or, unless ``single``, a network."""
    try:
        if single:
            parse_address(text)
        else:
            parse_network(text)
    except AddressError as error:
        return error
    return None


def minutes(text: str) -> int:
    """A time of day such as ``02:00`` in minutes."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def span(window: Entry) -> tuple[int, int]:
    """First and last minute (exclusive) of a window, from the midnight at which its day begins."""
    start, end = minutes(window.text("from")), minutes(window.text("to"))
    return start, end if end > start else end + MINUTES_A_DAY


def moment(text: str, *, end: bool = False) -> datetime:
    """A date or a minute by the clocks of the site; as an ``end`` a date lasts until the next one begins.

    Raises:
        ValueError: there is no such date or time.
    """
    found = datetime.fromisoformat(text)
    return found + timedelta(days=1) if end and len(text) == len("2026-01-01") else found


def bounds(entry: Entry) -> tuple[datetime | None, datetime | None]:
    """From when and until when (exclusive) an entry is valid, by the clocks of the site; ValueError as `moment`."""
    begins, ends = entry.text("not_before"), entry.text("not_after")
    return moment(begins) if begins else None, moment(ends, end=True) if ends else None

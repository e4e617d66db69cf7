"""The site policy as it is written: names, addresses and hours by the clocks of the site.

What judges by it is made from these by `melsec_nsm.policy.compiled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from melsec_nsm.definitions.model import Issue, Location

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

Names: TypeAlias = "frozenset[str] | None"
"""Names of controllers; None for all of them."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week, as Python numbers them from 0."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the network. No address lies in two zones."""

    name: str
    networks: tuple[Network, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Path:
    """Cleartext is allowed from clients in a zone to controllers in a zone."""

    client: str
    server: str
    location: Location


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller. ``ports`` are written as ``5562/tcp``; none means any."""

    name: str
    addresses: tuple[Address, ...]
    model: str
    ports: frozenset[str]
    location: Location


@dataclass(frozen=True, slots=True)
class Role:
    """What hosts of a kind may do: classes of operations."""

    name: str
    allow: frozenset[str]
    location: Location


@dataclass(frozen=True, slots=True)
class Host:
    """Who may speak to controllers. No address belongs to two hosts; one may belong to a controller as well."""

    name: str
    networks: tuple[Network, ...]
    role: str
    controllers: Names
    location: Location


@dataclass(frozen=True, slots=True)
class Window:
    """A time of the week in which changes are made, by the clocks of the site.

    It begins on ``days`` (0 is Monday) in minute ``start`` and is over in minute ``end``, both counted from the
    midnight at which the day begins: an ``end`` beyond 1440 is of the next day. ``begins`` and ``ends`` (exclusive)
    bound its validity, in local time without a zone. ``actions`` are as written: operations and classes.
    """

    name: str
    days: tuple[int, ...]
    start: int
    end: int
    controllers: Names
    actions: tuple[str, ...]
    begins: datetime | None
    ends: datetime | None
    location: Location


@dataclass(frozen=True, slots=True)
class Change:
    """A file that may be written to a controller; ``sha256`` in lower case, ``begins`` and ``ends`` as of windows."""

    ticket: str
    controller: str
    file: str
    sha256: str
    begins: datetime | None
    ends: datetime | None
    location: Location


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a detection is other than as shipped. ``count`` and ``seconds`` are None where they stay as they are."""

    detection: str
    enabled: bool
    count: int | None
    seconds: int | None
    spared: frozenset[str]
    """Names of hosts for which it is not raised."""
    location: Location


@dataclass(frozen=True, slots=True)
class Known:
    """What is usual between two hosts: an ``operation`` (empty: all), about some ``targets`` (none: anything)."""

    client: Address
    controller: Address
    operation: str
    targets: tuple[str, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual at the site. Sensors learn ``until`` a local time without a zone (exclusive); None: never."""

    until: datetime | None
    known: tuple[Known, ...]
    location: Location


@dataclass(frozen=True)
class Policy:
    """What is allowed at a site. ``advice`` names what is no mistake and yet probably not meant."""

    site: str
    timezone: str
    zones: Mapping[str, Zone]
    paths: tuple[Path, ...]
    controllers: Mapping[str, Controller]
    roles: Mapping[str, Role]
    hosts: Mapping[str, Host]
    windows: tuple[Window, ...]
    changes: tuple[Change, ...]
    tunings: Mapping[str, Tuning]
    location: Location
    baseline: Baseline | None = None
    advice: tuple[Issue, ...] = field(default=(), compare=False)

"""What judges by a policy: look-ups instead of names, offset transitions instead of time zones.

`judge` is what every engine has to agree with, so it does nothing that a sensor cannot do. It asks four questions, and
answers each with one detection at most:

* *Who*: is the client a host of the policy (``host-not-allowed``), may that host speak to this controller
  (``controller-not-allowed``), and does its role allow this class of operation (``role-not-allowed``)? The first that
  fails speaks: of a host that nobody knows there is nothing to say about roles. A server that answers and is no
  controller of the policy is ``unknown-controller``, whoever asked; one that stays silent is a controller that the host
  may not speak to.
* *When*: an operation that needs a window (``needs_window`` in the definition) has to begin while one is open for this
  controller and this operation (``outside-window``).
* *Which way*: neither party is public (``public-address``; addresses in a zone never are), and a path leads from the
  client's zone to the controller's (``outside-path``, only where neither is public). The controller is spoken to on one
  of its ports (``unexpected-port``), where the policy names any.
* *What*: a file whose writing needs a change (``needs_change``) has the digest of an approved change for this
  controller and this name, valid when the transfer began (``unapproved-program``). A digest that is not known, since
  octets were missed, is not that of a change.

The questions are independent: a STOP by an unknown host in the middle of the day is two alerts. But windows and changes
are those of a controller: of one that the policy does not have, nothing is said but that it is unknown. The resolved
pair is judged: a broadcast that nobody answered names no controller, so that only its client is judged, by the host and
the role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from melsec_nsm.definitions.model import Definition
from melsec_nsm.policy.addresses import Networks, address, is_public
from melsec_nsm.policy.clock import LAST_YEAR, MINUTES_A_DAY, MINUTES_A_WEEK, Clock
from melsec_nsm.policy.model import Change, Controller, Host, Names, Path, Policy, Role, Tuning, Window, Zone

HOST = "host-not-allowed"
ROLE = "role-not-allowed"
CONTROLLER = "controller-not-allowed"
UNKNOWN = "unknown-controller"
WINDOW = "outside-window"
PATH = "outside-path"
PUBLIC = "public-address"
PORT = "unexpected-port"
PROGRAM = "unapproved-program"

VIOLATIONS = (HOST, ROLE, CONTROLLER, UNKNOWN, WINDOW, PATH, PUBLIC, PORT, PROGRAM)
"""What a policy can be violated in, in the order in which verdicts name them: the ids of the detections."""

ALLOWED = "allowed"
"""The verdict where nothing is violated."""

_NS = 1_000_000_000


class Content(NamedTuple):
    """A file that was written: its name without drive and folders, its digest in hex (None: octets are missing)."""

    file: str
    sha256: str | None


class Request(NamedTuple):
    """What is judged: a transaction or an engineering operation, once it is known who took part.

    ``ts`` is when it began, in ns since the epoch (UTC). ``client`` is None where only an answer to a broadcast was
    seen, ``server`` where nobody answered one. ``port`` is the controller's, as ``5562/tcp``; empty where unknown.
    ``classes`` are those of the commands. ``action`` names an engineering operation; ``content`` is that of a file
    that has been written, judged in addition.
    """

    ts: int
    client: str | None
    server: str | None
    port: str = ""
    classes: tuple[str, ...] = ()
    answered: bool = True
    action: str = ""
    content: Content | None = None


Entry = Host | Controller | Role | Path | Window | Change | Zone | None


class Ruling(NamedTuple):
    """An answer to one question: what it is ``about``, the entry that speaks, and what is violated, if anything.

    ``spared``: the policy switches the detection off, or for this host.
    """

    about: str
    entry: Entry
    violation: str = ""
    spared: Tuning | None = None


class Verdict(NamedTuple):
    """What is violated, in the order of `VIOLATIONS`, and what the audit trail says of it: names, empty where none."""

    violations: tuple[str, ...]
    role: str
    window: str
    change: str
    rulings: tuple[Ruling, ...]

    @property
    def text(self) -> str:
        """The verdict as the audit trail has it."""
        return ",".join(self.violations) or ALLOWED


class OpenWindow(NamedTuple):
    """A window by the minutes of the week in which it is open, and the seconds (UTC) between which it is valid."""

    window: Window
    spans: tuple[tuple[int, int], ...]
    actions: frozenset[str]
    begins: int | None
    ends: int | None

    def covers(self, second: int, minute: int) -> bool:
        """Whether it is open at a time: seconds since the epoch (UTC) and the minute of the week there."""
        return _valid(second, self.begins, self.ends) and any(start <= minute < end for start, end in self.spans)


class ApprovedChange(NamedTuple):
    """A change with the seconds (UTC) between which it is valid."""

    change: Change
    begins: int | None
    ends: int | None


class CompiledPolicy:
    """A policy, ready to judge.

    ``last_year`` bounds the transitions of the time zone; the last holds for ever.
    """

    def __init__(self, policy: Policy, definition: Definition, last_year: int = LAST_YEAR) -> None:
        engineering = definition.engineering
        self.policy = policy
        self.definition = definition
        self.clock = Clock(policy.timezone, last_year)
        self.need_window = frozenset(engineering.need_window)
        self.need_change = frozenset(engineering.need_change)
        self.windows = tuple(self._opened(one, definition) for one in policy.windows)
        self.changes = tuple(self._approved(one) for one in policy.changes)
        baseline = policy.baseline
        until = baseline.until if baseline is not None else None
        self.learn_until = None if until is None else self.clock.last_before(until)
        self._hosts = Networks((network, host) for host in policy.hosts.values() for network in host.networks)
        self._controllers = {one: each for each in policy.controllers.values() for one in each.addresses}
        self._zones = Networks((network, zone) for zone in policy.zones.values() for network in zone.networks)
        self._paths = {(path.client, path.server): path for path in policy.paths}
        self._windows = self._by_controller()
        self._changes: dict[tuple[str, str], list[ApprovedChange]] = {}
        for change in self.changes:
            key = (change.change.controller, change.change.file.upper())
            self._changes.setdefault(key, []).append(change)
        self._tunings: Mapping[str, Tuning] = {
            name: policy.tunings[name] for name in VIOLATIONS if name in policy.tunings
        }

    # Compiling

    def _opened(self, window: Window, definition: Definition) -> OpenWindow:
        wanted = set(window.actions)
        return OpenWindow(
            window,
            tuple(sorted(_spans(window))),
            frozenset(
                action
                for action in self.need_window
                if action in wanted or not wanted.isdisjoint(definition.action_classes[action])
            ),
            None if window.begins is None else self.clock.first_at(window.begins),
            None if window.ends is None else self.clock.last_before(window.ends),
        )

    def _approved(self, change: Change) -> ApprovedChange:
        return ApprovedChange(
            change,
            None if change.begins is None else self.clock.first_at(change.begins),
            None if change.ends is None else self.clock.last_before(change.ends),
        )

    def _by_controller(self) -> dict[str, tuple[OpenWindow, ...]]:
        return {
            name: tuple(one for one in self.windows if _names(one.window.controllers, name))
            for name in self.policy.controllers
        }

    # Looking up

    def host(self, client: str) -> Host | None:
        """The host that has an address."""
        return self._hosts.find(address(client))

    def controller(self, server: str) -> Controller | None:
        """The controller that has an address."""
        return self._controllers.get(address(server))

    def zone(self, party: str) -> Zone | None:
        """The zone in which an address lies."""
        return self._zones.find(address(party))

    def public(self, party: str) -> bool:
        """Whether an address is public and in no zone: sites may have networks that are public elsewhere."""
        return is_public(party) and self.zone(party) is None

    def windows_of(self, controller: Controller, action: str) -> tuple[OpenWindow, ...]:
        """The windows in which an operation may be done to a controller."""
        return tuple(one for one in self._windows[controller.name] if action in one.actions)

    def changes_of(self, controller: Controller, file: str) -> list[ApprovedChange]:
        """The changes that name a file of a controller."""
        return self._changes.get((controller.name, file.upper()), [])

    # Judging

    def judge(self, request: Request) -> Verdict:
        """What the policy says of a transaction or an operation."""
        host = self.host(request.client) if request.client is not None else None
        controller = self.controller(request.server) if request.server is not None else None
        rulings = [
            self._spared(ruling, host)
            for ruling in (
                *self._who(request, host, controller),
                *self._when(request, controller),
                *self._which_way(request, controller),
                *self._what(request, controller),
            )
        ]
        found = {one.violation for one in rulings if one.violation and one.spared is None}
        window = next((one.entry.name for one in rulings if isinstance(one.entry, Window)), "")
        change = next((one.entry.ticket for one in rulings if isinstance(one.entry, Change) and not one.violation), "")
        return Verdict(
            tuple(name for name in VIOLATIONS if name in found),
            host.role if host is not None else "",
            window,
            change,
            tuple(rulings),
        )

    def _who(self, request: Request, host: Host | None, controller: Controller | None) -> Iterator[Ruling]:
        if request.client is not None:
            yield from self._client(request, host, controller)
        if request.server is not None:
            if controller is not None:
                yield Ruling("server", controller)
            elif request.answered:
                yield Ruling("server", None, UNKNOWN)

    def _client(self, request: Request, host: Host | None, controller: Controller | None) -> Iterator[Ruling]:
        yield Ruling("client", host, HOST if host is None else "")
        if host is None:
            return
        if request.server is not None and (controller is not None or not request.answered):
            reached = controller is not None and _names(host.controllers, controller.name)
            yield Ruling("controller", host, "" if reached else CONTROLLER)
            if not reached:
                return
        if request.classes:
            role = self.policy.roles[host.role]
            yield Ruling("role", role, "" if role.allow.issuperset(request.classes) else ROLE)

    def _when(self, request: Request, controller: Controller | None) -> Iterator[Ruling]:
        if request.action not in self.need_window or controller is None:
            return
        second, minute = request.ts // _NS, self.clock.minute_of_week(request.ts)
        windows = self.windows_of(controller, request.action)
        window = next((one.window for one in windows if one.covers(second, minute)), None)
        yield Ruling("window", window, "" if window is not None else WINDOW)

    def _which_way(self, request: Request, controller: Controller | None) -> Iterator[Ruling]:
        if request.client is not None and request.server is not None:
            zones = [self.zone(request.client), self.zone(request.server)]
            names = tuple(zone.name if zone is not None else "" for zone in zones)
            path = self._paths.get((names[0], names[1]))
            if self.public(request.client) or self.public(request.server):
                yield Ruling("public", None, PUBLIC)
            else:
                yield Ruling("path", path, "" if path is not None else PATH)
        if controller is not None and controller.ports and request.port:
            yield Ruling("port", controller, "" if request.port in controller.ports else PORT)

    def _what(self, request: Request, controller: Controller | None) -> Iterator[Ruling]:
        if request.content is None or request.action not in self.need_change or controller is None:
            return
        second = request.ts // _NS
        known = self.changes_of(controller, request.content.file)
        for one in known:
            if one.change.sha256 == request.content.sha256 and _valid(second, one.begins, one.ends):
                yield Ruling("change", one.change)
                return
        # Of those that do not fit, the one with the right digest says most.
        nearest = next((one for one in known if one.change.sha256 == request.content.sha256), None)
        nearest = nearest or (known[-1] if known else None)
        yield Ruling("change", nearest.change if nearest is not None else None, PROGRAM)

    def _spared(self, ruling: Ruling, host: Host | None) -> Ruling:
        tuning = self._tunings.get(ruling.violation)
        if tuning is None or (tuning.enabled and (host is None or host.name not in tuning.spared)):
            return ruling
        return ruling._replace(spared=tuning)


def _names(names: Names, name: str) -> bool:
    return names is None or name in names


def _valid(second: int, begins: int | None, ends: int | None) -> bool:
    return (begins is None or begins <= second) and (ends is None or second < ends)


def _spans(window: Window) -> Iterator[tuple[int, int]]:
    """Minutes of the week in which a window is open; two spans where it goes over the end of the week."""
    for day in window.days:
        start, end = (day * MINUTES_A_DAY + minute for minute in (window.start, window.end))
        yield start, min(end, MINUTES_A_WEEK)
        if end > MINUTES_A_WEEK:
            yield 0, end - MINUTES_A_WEEK

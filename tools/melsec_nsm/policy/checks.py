"""What is wrong with a policy beyond its structure: unknown names, contradictions, what can never be.

Every check is a function from the facts to issues. Values that a check before has found fault with are passed over, so
that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from melsec_nsm.definitions.bundle import Entry
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import Issue
from melsec_nsm.policy.addresses import Networks, overlaps
from melsec_nsm.policy.clock import zone_names
from melsec_nsm.policy.facts import ALL, Facts, bounds, is_network, minutes, moment, span, texts_at
from melsec_nsm.policy.model import DAYS

UNAPPROVED = "unapproved-program"
UNKNOWN_OPERATION = "unknown-"
"""How operations are called that the definition does not have."""

Check = Callable[[Facts], Iterator[Issue]]


def time_zone_known(facts: Facts) -> Iterator[Issue]:
    """The time zone is one of the world's."""
    name = facts.entry.text("timezone")
    if not name or not facts.entry.sound("timezone"):
        return
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        # A folder of zones, a path, a name that nobody knows.
        hint = suggest(name, sorted(zone_names())) or "such as Asia/Tokyo"
        yield facts.entry.issue(f"unknown time zone '{name}'", "timezone", hint=hint)


def names_unique(facts: Facts) -> Iterator[Issue]:
    """Names stand once, each among its kind; a change names a file of a controller once."""
    yield from repeated(by_text(facts.hosts, "name"), "host '{}'")
    yield from repeated(by_text(facts.controllers, "name"), "controller '{}'")
    yield from repeated(by_text(facts.windows, "name"), "window '{}'")
    for controller in facts.controllers:
        if controller.text("name") == ALL:
            yield controller.issue(f"a controller cannot be called '{ALL}'", "name", hint="it stands for every one")
    files = (
        ((change.text("ticket"), change.text("controller"), change.text("file").upper()), change, ("file",))
        for change in facts.changes
        if change.sound()
    )
    yield from repeated(files, "file '{}' of this change")


def addresses_valid(facts: Facts) -> Iterator[Issue]:
    """Addresses and networks are such."""
    zones = facts.entry.child("zones")
    places = [(zones, name, False) for name in zones.data] if zones is not None else []
    places += [(host, "address", False) for host in facts.hosts]
    places += [(controller, "address", True) for controller in facts.controllers]
    for entry, key, single in places:
        for text, below in texts_at(entry, key):
            wrong = is_network(text, single=single) if entry.sound(*below) else None
            if wrong is not None:
                yield entry.issue(str(wrong), *below, hint=wrong.hint)


def addresses_unique(facts: Facts) -> Iterator[Issue]:
    """An address belongs to one host, to one controller, and lies in one zone."""
    for what, entries in (("host", facts.hosts), ("controller", facts.controllers)):
        placed = ((network, (entry, below)) for one in entries for network, entry, below in facts.networks(one))
        for (earlier, (first, at_first)), (later, (second, at_second)) in overlaps(placed):
            shared = max(earlier, later, key=lambda network: network.prefixlen)
            message = f"{_shown(shared)} belongs to {what} '{first.text('name')}' already"
            yield second.issue(message, *at_second, hint=f"at {first.locate(*at_first)}")
    yield from _zones_apart(facts)


def _zones_apart(facts: Facts) -> Iterator[Issue]:
    placed = ((network, (name, entry, below)) for name, found in facts.zones.items() for network, entry, below in found)
    for (earlier, (first, entry, at_first)), (later, (second, _, at_second)) in overlaps(placed):
        message = f"{later} of zone '{second}' and {earlier} of zone '{first}' have addresses in common"
        yield entry.issue(message, *at_second, hint=f"at {entry.locate(*at_first)}")


def _shown(network: object) -> str:
    return str(network).removesuffix("/32").removesuffix("/128")


def paths_known(facts: Facts) -> Iterator[Issue]:
    """Paths lead from a zone to a zone, and each stands once."""
    paths = facts.entry.get("allowed_paths")
    seen: dict[tuple[str, ...], int] = {}
    for number, path in enumerate(paths if isinstance(paths, list) else ()):
        below = ("allowed_paths", number)
        if not isinstance(path, list) or not facts.entry.sound(*below):
            continue
        if len(path) != 2:
            yield facts.entry.issue(
                "a path is a pair of zones", *below, hint="[from the zone of clients, to that of controllers]"
            )
            continue
        for position, name in enumerate(path):
            if name not in facts.zones:
                yield facts.entry.issue(f"unknown zone '{name}'", *below, position, hint=suggest(name, facts.zones))
        first = seen.setdefault(tuple(path), number)
        if first != number:
            where = facts.entry.locate("allowed_paths", first)
            yield facts.entry.issue(f"path {path[0]} to {path[1]} stands twice", *below, hint=f"first at {where}")


def ports_valid(facts: Facts) -> Iterator[Issue]:
    """Ports are numbers of ports."""
    for controller in facts.controllers:
        for text, below in texts_at(controller, "ports"):
            if controller.sound(*below) and int(text.partition("/")[0]) > 65535:
                yield controller.issue(f"{text} is no port", *below, hint="at most 65535")


def roles_known(facts: Facts) -> Iterator[Issue]:
    """Roles allow classes that there are; hosts have roles that there are."""
    for role in facts.roles.values():
        yield from _known(role, "allow", facts.definition.classes, "there is no class '{}'", "classes")
    for host in facts.hosts:
        yield from _known(host, "role", facts.roles, "unknown role '{}'", "roles")


def controllers_known(facts: Facts) -> Iterator[Issue]:
    """Hosts, windows and changes name controllers that there are."""
    for entry in (*facts.hosts, *facts.windows):
        if entry.get("controllers") != ALL:
            yield from _known(entry, "controllers", facts.controller_names, "unknown controller '{}'", "controllers")
    for change in facts.changes:
        yield from _known(change, "controller", facts.controller_names, "unknown controller '{}'", "controllers")


def _known(entry: Entry, key: str, names: Iterable[str], message: str, what: str) -> Iterator[Issue]:
    for name, below in texts_at(entry, key):
        if name not in names and entry.sound(*below):
            yield entry.issue(message.format(name), *below, hint=suggest(name, names, what))


def actions_known(facts: Facts) -> Iterator[Issue]:
    """Windows name operations that need one, or classes that have such operations."""
    needing, classes = facts.definition.engineering.need_window, facts.definition.action_classes
    useful, classes_known = {name for action in needing for name in classes[action]}, facts.definition.classes
    for window in facts.windows:
        for name, below in texts_at(window, "actions"):
            if name in needing or name in useful:
                continue
            if name in classes or name in classes_known:
                what = (
                    f"no operation of class '{name}' needs a window"
                    if name in classes_known
                    else f"'{name}' needs no window"
                )
                yield window.issue(what, *below, hint="remove it: roles alone decide on it")
            else:
                known = (*needing, *sorted(useful))
                yield window.issue(
                    f"'{name}' is no engineering operation, and no class of them", *below, hint=suggest(name, known)
                )


def moments_valid(facts: Facts) -> Iterator[Issue]:
    """Dates and times exist, and what ends has begun before."""
    for entry in (*facts.windows, *facts.changes):
        sound = True
        for key in ("not_before", "not_after"):
            text = entry.text(key)
            if not text or not entry.sound(key):
                continue
            try:
                moment(text)
            except ValueError:
                sound = False
                yield entry.issue(f"'{text}' is no date or time", key)
        if not sound or not entry.sound("not_before") or not entry.sound("not_after"):
            continue
        begins, ends = bounds(entry)
        if begins is not None and ends is not None and ends <= begins:
            yield entry.issue(
                f"'not_after' {entry.text('not_after')} is before 'not_before' {entry.text('not_before')}", "not_after"
            )


def windows_open(facts: Facts) -> Iterator[Issue]:
    """A window has a length, and a day on which it opens."""
    for window in facts.windows:
        if not window.sound():
            continue
        if minutes(window.text("from")) == minutes(window.text("to")):
            yield window.issue(
                f"window '{window.text('name')}' is over in the minute in which it begins",
                "to",
                hint='a whole day is from "00:00" to "24:00"',
            )
        elif not _ever_open(window):
            days = ", ".join(window.texts("days"))
            message = f"window '{window.text('name')}' never opens: there is no such time on a {days} while it is valid"
            yield window.issue(message, "days")


def _ever_open(window: Entry) -> bool:
    try:
        begins, ends = bounds(window)
    except ValueError:
        return True
    if begins is None or ends is None or ends <= begins:
        return True
    start, end = span(window)
    midnight = begins.replace(hour=0, minute=0) - timedelta(days=1)
    for _ in range(9):
        opens, closes = midnight + timedelta(minutes=start), midnight + timedelta(minutes=end)
        if DAYS[midnight.weekday()] in window.texts("days") and opens < ends and begins < closes:
            return True
        midnight += timedelta(days=1)
    return False


def tunings_known(facts: Facts) -> Iterator[Issue]:
    """What is tuned are detections; thresholds those of detections that count; exceptions hosts."""
    tunings, detections = facts.entry.child("detections"), facts.definition.detections
    for name in tunings.data if tunings is not None else ():
        assert tunings is not None
        tuning = tunings.child(name)
        if tuning is None or not tunings.sound(name):
            continue
        if name not in detections:
            yield tunings.issue(f"unknown detection '{name}'", name, hint=suggest(name, detections), key=True)
            continue
        threshold = tuning.child("threshold")
        if threshold is not None and detections[name].when.threshold is None:
            yield tuning.issue(f"'{name}' does not count: it has no threshold", "threshold", key=True)
        yield from _known(tuning, "except", facts.host_names, "unknown host '{}'", "hosts")
        if tuning.get("enabled") is False:
            for key in ("threshold", "except"):
                if key in tuning.data:
                    yield tuning.issue(f"'{key}' means nothing where the detection is off", key, key=True)


def baseline_valid(facts: Facts) -> Iterator[Issue]:
    """What is usual is between two addresses, an operation that there is, and ends on a day that there is."""
    baseline = facts.baseline
    if baseline is not None and baseline.text("learn_until") and baseline.sound("learn_until"):
        try:
            moment(baseline.text("learn_until"))
        except ValueError:
            yield baseline.issue(f"'{baseline.text('learn_until')}' is no date or time", "learn_until")
    operations = {command.operation for command in facts.definition.commands()}
    for known in facts.known:
        for key in ("client", "controller"):
            wrong = is_network(known.text(key), single=True) if known.sound(key) and key in known.data else None
            if wrong is not None:
                yield known.issue(str(wrong), key, hint=wrong.hint)
        operation = known.text("operation")
        there = not operation or operation in operations or operation.startswith(UNKNOWN_OPERATION)
        if not there and known.sound("operation"):
            hint = suggest(operation, operations)
            yield known.issue(f"there is no operation '{operation}'", "operation", hint=hint)
        if "targets" in known.data and "operation" not in known.data:
            yield known.issue("'targets' are those of an operation", "targets", hint="say which: 'operation'", key=True)


CHECKS: tuple[Check, ...] = (
    time_zone_known,
    names_unique,
    addresses_valid,
    addresses_unique,
    paths_known,
    ports_valid,
    roles_known,
    controllers_known,
    actions_known,
    moments_valid,
    windows_open,
    tunings_known,
    baseline_valid,
)


def advice(facts: Facts) -> Iterator[Issue]:
    """What is no mistake and yet probably not meant. For a policy in which nothing is wrong."""
    used = {host.text("role") for host in facts.hosts}
    for name, role in facts.roles.items():
        if name not in used:
            yield role.issue(f"no host has the role '{name}'", key=True)
    yield from _ways(facts)
    tunings = facts.entry.get("detections", {})
    if not facts.changes and tunings.get(UNAPPROVED, {}).get("enabled", True):
        yield facts.entry.issue(
            "there are no approved changes: every program that is written will be reported",
            hint=f"switch {UNAPPROVED} off where changes are not kept here",
        )


def _ways(facts: Facts) -> Iterator[Issue]:
    """Hosts and controllers from and to which no path leads."""
    zone_of = Networks((network, name) for name, found in facts.zones.items() for network, _, _ in found)
    paths = {tuple(path) for path in facts.entry.get("allowed_paths")}
    servers: dict[str, set[str | None]] = {}
    for controller in facts.controllers:
        found = [(zone_of.find(network[0]), below) for network, _, below in facts.networks(controller)]
        servers[controller.text("name")] = {zone for zone, _ in found}
        for below in (below for zone, below in found if zone is None):
            yield controller.issue(f"controller '{controller.text('name')}' is in no zone: no path leads to it", *below)
    for host in facts.hosts:
        for network, _, below in facts.networks(host):
            zone = zone_of.find(network[0])
            if zone is None or zone != zone_of.find(network[-1]):
                yield host.issue(f"host '{host.text('name')}' is in no zone: no path leads from it", *below)
                continue
            names = servers if host.get("controllers") == ALL else host.texts("controllers")
            if not any((zone, server) in paths for name in names for server in servers[name]):
                message = f"no path leads from zone '{zone}' to a controller of host '{host.text('name')}'"
                yield host.issue(message, *below)

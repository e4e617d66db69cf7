"""Rules for detections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from melsec_nsm.definitions.bundle import Bundle, Entry
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.conditions import commands_meant, means, meant_fields
from melsec_nsm.definitions.exchanges import steps_of
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import ANY, SEVERITIES, UNKNOWN, Issue
from melsec_nsm.definitions.values import OCTETS, fits, parse_octets


def ids_unique(bundle: Bundle) -> Iterator[Issue]:
    """Ids and titles are unique."""
    yield from repeated(by_text(bundle.of("detection"), "id"), "detection '{}'")
    yield from repeated(by_text(bundle.of("detection"), "title"), "title '{}'")


def id_is_file_name(bundle: Bundle) -> Iterator[Issue]:
    """A detection stands in the file of its name."""
    for detection in bundle.of("detection"):
        name, stem = detection.text("id"), PurePath(detection.document.name).stem
        if name and name != stem and detection.sound("id"):
            yield detection.issue(f"id '{name}' is not the file's name", "id", hint=f"name the file {name}.yaml")


def _named(entry: Entry, key: str) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """The texts below a key that may hold one or a list, with where they stand; of a mapping the key."""
    if not entry.sound(key):
        return
    value = entry.get(key)
    if isinstance(value, str):
        yield value, (key,)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if isinstance(item, dict):
                yield from ((name, (key, position, name)) for name in item)
            else:
                yield item, (key, position)


def conditions(bundle: Bundle) -> Iterator[Entry]:
    """Every condition of the definition; alternatives by themselves."""
    for detection in bundle.of("detection"):
        when = detection.child("when")
        if when is not None:
            yield when
            yield from when.children("any")
    for action in bundle.entries("engineering", "actions"):
        found = (action.child(key) for key in ("when", "proof"))
        yield from (when for when in found if when is not None)


def condition_known(bundle: Bundle) -> Iterator[Issue]:
    """Conditions name operations, protocols, frames and the like that exist, and mean at least one command."""
    frames = {name for facts in bundle.protocols.values() for name in facts.frames}
    devices = sorted(device.text("symbol") for device in bundle.devices)
    detections = sorted(detection.text("id") for detection in bundle.of("detection"))
    for when in conditions(bundle):
        known = True
        for key, names, message in (
            ("protocol", bundle.protocols, "unknown protocol '{}'"),
            ("frame", sorted(frames), "unknown frame '{}'"),
            ("operation", bundle.operations, "no protocol has an operation '{}'"),
            ("action", bundle.actions, "there is no engineering operation '{}'"),
            ("device", devices, "there is no device '{}'"),
            ("after", detections, "there is no detection '{}'"),
        ):
            for name, below in _named(when, key):
                if name not in names:
                    known = False
                    yield when.issue(message.format(name), *below, hint=suggest(name, names))
        means_commands = any(key in when.data for key in ("operation", "class"))
        means_commands = means_commands and not {UNKNOWN, ANY}.intersection(when.texts("class"))
        if known and when.sound() and means_commands and next(commands_meant(bundle, when), None) is None:
            yield when.issue("no command fits this condition", key=True)


def condition_consistent(bundle: Bundle) -> Iterator[Issue]:
    """A condition looks at PDUs, operations, credentials or events, and at nothing that these do not have."""
    for when in conditions(bundle):
        if not when.sound():
            continue
        kinds = [key for key in ("action", "credential", "event", "policy", "any") if key in when.data]
        others = [key for key in when.data if key not in (*kinds, "threshold", "after")]
        for key in kinds[1:]:
            yield when.issue(
                f"'{kinds[0]}' and '{key}' mean different things", key, hint="make two detections", key=True
            )
        for key in others if kinds else ():
            hint = "say it in each alternative" if kinds[0] == "any" else ""
            yield when.issue(f"'{key}' means nothing beside '{kinds[0]}'", key, hint=hint, key=True)
        counted = not kinds or kinds[0] == "any" or when.get("event") == "connection"
        if "threshold" in when.data and not counted:
            yield when.issue(f"'threshold' means nothing beside '{kinds[0]}'", "threshold", key=True)
        yield from _event_consistent(when)
        if "device" in when.data and when.get("direction") == "response":
            yield when.issue("a response names no devices", "device", key=True)
        if "status" in when.data and when.get("direction") != "response":
            yield when.issue("a request has no status", "status", hint="direction: response", key=True)
        if when.get("first") and when.get("direction") == "response":
            yield when.issue("the first PDU of a client is a request", "first", key=True)
        directions = {one.get("direction", "request") for one in when.children("any")}
        if len(directions) > 1:
            yield when.issue("alternatives look at the same half", "any")


def _event_consistent(when: Entry) -> Iterator[Issue]:
    event, threshold = when.get("event"), when.child("threshold")
    if event == "silence" and "after" not in when.data:
        yield when.issue("many controllers are silent", "event", hint="say what came before it: 'after'")
    elif event != "silence" and "after" in when.data:
        yield when.issue("'after' means nothing but beside 'event: silence'", "after", key=True)
    if event == "connection" and threshold is None:
        yield when.issue("a connection is nothing special", "event", hint="give it a 'threshold'")
    if threshold is not None and threshold.get("fixed") and "distinct" in threshold.data:
        yield threshold.issue("'distinct' means nothing beside 'fixed'", "distinct", key=True)


def condition_values(bundle: Bundle) -> Iterator[Issue]:
    """Fields of conditions are ones that the PDUs have, with values that fit; end codes have names that exist."""
    for when in conditions(bundle):
        meant = list(commands_meant(bundle, when))
        if not when.sound() or not meant:
            continue
        fields, wanted = meant_fields(bundle, when), when.child("fields")
        for name in wanted.data if wanted is not None else ():
            field = fields.get(name)
            if field is None:
                yield when.issue(
                    f"no request meant has a field '{name}'", "fields", name, hint=suggest(name, fields), key=True
                )
            elif field.sound():
                yield from _value_fits(when, name, field)
        tables = {facts.entry.text("status_table") for facts, _ in meant}
        names = sorted({"failed"}.union(*(bundle.statuses.get(table, set()) for table in tables)))
        for name, below in _named(when, "status"):
            if name not in names:
                yield when.issue(f"no end code is called '{name}'", *below, hint=suggest(name, names))


def _value_fits(when: Entry, name: str, field: Entry) -> Iterator[Issue]:
    wanted = when.child("fields")
    value, kind = wanted.get(name) if wanted is not None else None, field.text("type")
    if field.get("secret"):
        yield when.issue(f"'{name}' is secret", "fields", name, key=True)
    elif kind in OCTETS:
        if not isinstance(value, int):
            yield when.issue(f"'{name}' is a number", "fields", name)
        elif not fits(value, kind):
            yield when.issue(f"{value} does not fit '{name}' of type {kind}", "fields", name)
    elif kind == "bytes":
        if not isinstance(value, str) or parse_octets(value) is None:
            yield when.issue(f"'{name}' is octets in hex", "fields", name, hint='such as "50 00", in quotes')
    elif kind not in ("text", "path", "file_name"):
        yield when.issue(f"a field of type {kind} cannot be compared", "fields", name)
    elif not isinstance(value, str):
        yield when.issue(f"'{name}' is text", "fields", name)


def _means(when: Entry, command: Entry) -> bool:
    protocols = when.texts("protocol")
    if protocols and command.document.data.get("protocol") not in protocols:
        return False
    return means(when, command)


def limits_consistent(bundle: Bundle) -> Iterator[Issue]:
    """An engine that cannot express a detection has no limits in it; what one misses is what fires."""
    for detection in bundle.of("detection"):
        limits, captures = detection.child("limits"), detection.child("captures")
        if limits is None:
            continue
        fires = {name for name, _ in _named(captures, "fires")} if captures is not None else set()
        for name in limits.data:
            if name in detection.get("unsupported", {}):
                yield detection.issue(f"'{name}' stands in 'unsupported' too", "limits", name, key=True)
            limit = limits.child(name)
            for missed, below in _named(limit, "misses") if limit is not None else ():
                if limit is not None and missed not in fires:
                    yield limit.issue(f"capture '{missed}' does not stand in 'fires'", *below)


def techniques_known(bundle: Bundle) -> Iterator[Issue]:
    """Techniques are ones of attack.yaml."""
    for detection in bundle.of("detection"):
        for name, below in _named(detection, "attack"):
            if name not in bundle.techniques:
                hint = suggest(name, sorted(bundle.techniques)) or "add it to attack.yaml"
                yield detection.issue(f"unknown technique '{name}'", *below, hint=hint)


def advice_given(bundle: Bundle) -> Iterator[Issue]:
    """Detections of medium severity and above say what else may be the cause and what to do."""
    for detection in bundle.of("detection"):
        severity = detection.text("severity")
        if severity not in SEVERITIES or SEVERITIES.index(severity) < SEVERITIES.index("medium"):
            continue
        for key in ("false_positives", "triage"):
            if not detection.get(key) and detection.sound(key):
                message = f"a detection of severity {severity} needs '{key}'"
                if key in detection.data:
                    yield detection.issue(message, key)
                else:
                    yield detection.issue(message, "severity")


def captures_known(bundle: Bundle) -> Iterator[Issue]:
    """Captures exist, and stand either in ``fires`` or in ``quiet``."""
    for detection in bundle.of("detection"):
        captures = detection.child("captures")
        if captures is None:
            continue
        for key in ("fires", "quiet"):
            for name, below in _named(captures, key):
                if name not in bundle.captures and name not in bundle.cases:
                    hint = suggest(name, (*bundle.captures, *bundle.cases))
                    yield captures.issue(f"unknown capture '{name}'", *below, hint=hint, key=len(below) > 2)
                elif key == "quiet" and name in {fired for fired, _ in _named(captures, "fires")}:
                    yield captures.issue(f"capture '{name}' stands in fires too", *below)


def captures_agree(bundle: Bundle) -> Iterator[Issue]:
    """A detection fires on the captures that hold what it looks for, and on no other.

    That can be told here where every PDU of a command is meant; the rest is for the engines to prove.
    """
    for detection in bundle.of("detection"):
        when, captures = detection.child("when"), detection.child("captures")
        if when is None or captures is None or not when.sound() or not captures.sound():
            continue
        if not set(when.data) <= {"operation", "class", "protocol", "direction"}:
            continue
        # An operation that does not exist is reported by itself.
        if not all(_exists(bundle, operation) for operation in when.texts("operation")):
            continue
        fires = [name for name, _ in _named(captures, "fires")]
        for key in ("fires", "quiet"):
            for name, below in _named(captures, key):
                capture = bundle.captures.get(name)
                if capture is None or not capture.sound():
                    continue
                holds = _holding(bundle, when, capture) is not None
                if holds and key == "quiet" and name not in fires:
                    yield captures.issue(f"capture '{name}' holds what this detection looks for", *below)
                elif not holds and key == "fires":
                    yield captures.issue(f"capture '{name}' holds nothing that this detection looks for", *below)
        for name, capture in bundle.captures.items():
            if name in fires or name in captures.texts("quiet") or not capture.sound():
                continue
            exchange = _holding(bundle, when, capture)
            if exchange is not None:
                message = f"detection '{detection.text('id')}' looks for this exchange"
                yield exchange.issue(message, hint=f"add '{name}' to its 'fires'")


def _exists(bundle: Bundle, operation: str) -> bool:
    return any(operation in facts.by_operation for facts in bundle.protocols.values())


def _holding(bundle: Bundle, when: Entry, capture: Entry) -> Entry | None:
    """The first exchange of a capture that a condition means."""
    response = when.get("direction") == "response"
    for seen in steps_of(bundle, capture):
        half = seen.exchange.get("half", "both")
        present = half != "request" and "response" in seen.exchange.data if response else half != "response"
        if not present or seen.exchange.get("lost"):
            continue
        if seen.command is not None and _means(when, seen.command):
            return seen.exchange
        if seen.command is None and "command" in seen.exchange.data and _means_unknown(when, seen.facts.name):
            return seen.exchange
    return None


def _means_unknown(when: Entry, protocol: str) -> bool:
    """Whether a condition means commands of a protocol that the definition does not have."""
    protocols = when.texts("protocol")
    return bool({UNKNOWN, ANY}.intersection(when.texts("class"))) and (not protocols or protocol in protocols)


CHECKS = (
    ids_unique,
    id_is_file_name,
    condition_known,
    condition_consistent,
    condition_values,
    limits_consistent,
    techniques_known,
    advice_given,
    captures_known,
    captures_agree,
)

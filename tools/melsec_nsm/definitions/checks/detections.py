"""Rules for detections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from melsec_nsm.definitions.bundle import Bundle, Entry
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.exchanges import exchanges_of
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import SEVERITIES, Issue


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
    """The texts below a key that may hold one or a list, with where they stand."""
    if not entry.sound(key):
        return
    value = entry.get(key)
    if isinstance(value, str):
        yield value, (key,)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield item, (key, position)


def condition_known(bundle: Bundle) -> Iterator[Issue]:
    """Conditions name operations and protocols that exist, and mean at least one command."""
    for detection in bundle.of("detection"):
        when = detection.child("when")
        if when is None:
            continue
        known = True
        for name, below in _named(when, "protocol"):
            if name not in bundle.protocols:
                known = False
                yield when.issue(f"unknown protocol '{name}'", *below, hint=suggest(name, bundle.protocols))
        for name, below in _named(when, "operation"):
            if name not in bundle.operations:
                known = False
                hint = suggest(name, bundle.operations)
                yield when.issue(f"no protocol has an operation '{name}'", *below, hint=hint)
        if known and when.sound() and not _means_something(bundle, when):
            yield detection.issue("no command fits this condition", "when", key=True)


def _means_something(bundle: Bundle, when: Entry) -> bool:
    commands = (command for facts in bundle.protocols.values() for command in facts.commands)
    return any(_means(when, command) for command in commands)


def _means(when: Entry, command: Entry) -> bool:
    protocols = when.texts("protocol")
    if protocols and command.document.data.get("protocol") not in protocols:
        return False
    return command.text("operation") in when.texts("operation") or command.text("class") in when.texts("class")


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
                if name not in bundle.captures:
                    yield captures.issue(f"unknown capture '{name}'", *below, hint=suggest(name, bundle.captures))
                elif key == "quiet" and name in captures.texts("fires"):
                    yield captures.issue(f"capture '{name}' stands in fires too", *below)


def captures_agree(bundle: Bundle) -> Iterator[Issue]:
    """A detection fires on the captures that hold what it looks for, and on no other."""
    for detection in bundle.of("detection"):
        when, captures = detection.child("when"), detection.child("captures")
        if when is None or captures is None or not when.sound() or not captures.sound():
            continue
        # An operation that does not exist is reported by itself.
        if not all(_exists(bundle, operation) for operation in when.texts("operation")):
            continue
        fires = captures.texts("fires")
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
    for seen in exchanges_of(bundle, capture):
        half = seen.exchange.get("half", "both")
        present = half != "request" and "response" in seen.exchange.data if response else half != "response"
        if present and seen.command is not None and _means(when, seen.command):
            return seen.exchange
    return None


CHECKS = (
    ids_unique,
    id_is_file_name,
    condition_known,
    techniques_known,
    advice_given,
    captures_known,
    captures_agree,
)

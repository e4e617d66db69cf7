"""The typed policy from a file in which nothing is wrong."""

from __future__ import annotations

from melsec_nsm.definitions.bundle import Entry
from melsec_nsm.definitions.model import Issue
from melsec_nsm.policy.addresses import parse_address
from melsec_nsm.policy.facts import ALL, Facts, bounds, moment, span
from melsec_nsm.policy.model import (
    DAYS,
    Baseline,
    Change,
    Controller,
    Host,
    Known,
    Names,
    Path,
    Policy,
    Role,
    Tuning,
    Window,
    Zone,
)


def build(facts: Facts, advice: tuple[Issue, ...]) -> Policy:
    """The policy of a file; the caller has made sure that no check found anything."""
    entry = facts.entry
    zones, tunings = entry.child("zones"), entry.child("detections")
    assert zones is not None
    return Policy(
        site=entry.text("site"),
        timezone=entry.text("timezone"),
        zones={
            name: Zone(name, tuple(network for network, _, _ in placed), zones.locate(name))
            for name, placed in facts.zones.items()
        },
        paths=tuple(
            Path(client, server, entry.locate("allowed_paths", number))
            for number, (client, server) in enumerate(entry.get("allowed_paths"))
        ),
        controllers={one.text("name"): _controller(one) for one in facts.controllers},
        roles={
            name: Role(name, frozenset(role.texts("allow")), role.locate("allow")) for name, role in facts.roles.items()
        },
        hosts={one.text("name"): _host(facts, one) for one in facts.hosts},
        windows=tuple(_window(one) for one in facts.windows),
        changes=tuple(_change(one) for one in facts.changes),
        tunings={name: _tuning(tunings, name) for name in tunings.data} if tunings is not None else {},
        location=entry.locate(),
        baseline=_baseline(facts),
        advice=advice,
    )


def _names(entry: Entry) -> Names:
    return None if entry.get("controllers") == ALL else frozenset(entry.texts("controllers"))


def _controller(entry: Entry) -> Controller:
    return Controller(
        name=entry.text("name"),
        addresses=tuple(parse_address(text) for text in entry.texts("address")),
        model=entry.text("model"),
        ports=frozenset(entry.texts("ports")),
        location=entry.locate(),
    )


def _host(facts: Facts, entry: Entry) -> Host:
    return Host(
        name=entry.text("name"),
        networks=tuple(network for network, _, _ in facts.networks(entry)),
        role=entry.text("role"),
        controllers=_names(entry),
        location=entry.locate(),
    )


def _window(entry: Entry) -> Window:
    start, end = span(entry)
    begins, ends = bounds(entry)
    return Window(
        name=entry.text("name"),
        days=tuple(sorted(DAYS.index(day) for day in entry.texts("days"))),
        start=start,
        end=end,
        controllers=_names(entry),
        actions=tuple(entry.texts("actions")),
        begins=begins,
        ends=ends,
        location=entry.locate(),
    )


def _change(entry: Entry) -> Change:
    begins, ends = bounds(entry)
    return Change(
        ticket=entry.text("ticket"),
        controller=entry.text("controller"),
        file=entry.text("file"),
        sha256=entry.text("sha256").lower(),
        begins=begins,
        ends=ends,
        location=entry.locate(),
    )


def _baseline(facts: Facts) -> Baseline | None:
    entry = facts.baseline
    if entry is None:
        return None
    until = entry.text("learn_until")
    known = tuple(
        Known(
            client=parse_address(one.text("client")),
            controller=parse_address(one.text("controller")),
            operation=one.text("operation"),
            targets=tuple(one.texts("targets")),
            location=one.locate(),
        )
        for one in facts.known
    )
    return Baseline(moment(until, end=True) if until else None, known, entry.locate())


def _tuning(tunings: Entry, name: str) -> Tuning:
    entry = tunings.child(name)
    assert entry is not None
    threshold = entry.get("threshold", {})
    return Tuning(
        detection=name,
        enabled=entry.get("enabled", True),
        count=threshold.get("count"),
        seconds=threshold.get("seconds"),
        spared=frozenset(entry.texts("except")),
        location=tunings.locate(name),
    )

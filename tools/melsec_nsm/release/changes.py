"""Which rules came, changed and went between two locks, and the list that tells users so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from melsec_nsm.definitions.lock import Lock, runs, sid
from melsec_nsm.definitions.model import Definition, LockEntry, Reasons
from melsec_nsm.generate.suricata import is_enabled

ADDED, CHANGED, REMOVED = "added", "changed", "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to the rules of a detection; ``before`` is None where there were none.

    ``reason`` is empty for new ones, and None where nobody gave one.
    """

    what: str
    before: LockEntry | None
    entry: LockEntry
    reason: str | None


def compare(before: Lock, now: Lock, reasons: Reasons) -> list[Change]:
    """The changes in the order of their sids."""
    return [change for entry in now.values() if (change := _change(before.get(entry.id), entry, reasons)) is not None]


def _change(before: LockEntry | None, entry: LockEntry, reasons: Reasons) -> Change | None:
    was, is_there = before is not None and not before.retired, not entry.retired
    if not was or before is None:
        return Change(ADDED, before, entry, "") if is_there else None
    if not is_there:
        return Change(REMOVED, before, entry, reasons.retired.get(entry.id))
    if (entry.rev, entry.hash) == (before.rev, before.hash):
        return None
    given = [
        why
        for (name, rev), why in sorted(reasons.revisions.items())
        if name == entry.id and before.rev < rev <= entry.rev
    ]
    return Change(CHANGED, before, entry, " ".join(given) or None)


def render(changes: Sequence[Change], definition: Definition, version: str, since: str | None) -> bytes:
    """The list as a page; ``since`` names what it is compared with, None where there was nothing before."""
    lines = [f"# Rules of melsec-nsm {version}", ""]
    lines.append(f"What changed since {since}." if since is not None else "The first release: every rule is new.")
    for what in (ADDED, CHANGED, REMOVED):
        rows = [one for one in changes if one.what == what]
        if rows or since is not None:
            lines += ["", f"## {what.capitalize()}", ""]
            lines += [f"* {line}" for one in rows for line in _lines(one, definition)] or ["Nothing."]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _lines(change: Change, definition: Definition) -> Iterator[str]:
    entry, before = change.entry, change.before
    if change.what == ADDED:
        yield f"`{entry.id}`, {_sids(entry)}, rev {entry.rev}{_about(entry.id, definition)}"
        return
    reason = change.reason or "no reason is given."
    if change.what == REMOVED or before is None:
        yield f"`{entry.id}`, {_sids(entry)}: {reason}"
        return
    came, went = (
        " ".join(runs(sid(entry, one) for one in sorted(set(some) - set(others))).split())
        for some, others in ((entry.variants, before.variants), (before.variants, entry.variants))
    )
    # Locks that are older than their variants do not tell which were there.
    more = (f", new: {came}" if came and before.variants else "") + (f", gone: {went}" if went else "")
    yield f"`{entry.id}`, {_sids(entry)}, rev {before.rev} → {entry.rev}{more}: {reason}"


def _sids(entry: LockEntry) -> str:
    return f"sids {runs(sid(entry, variant) for variant in entry.variants)}"


def _about(name: str, definition: Definition) -> str:
    detection = definition.detections.get(name)
    if detection is None:
        return ": silent rules that others need."
    off = "" if is_enabled(detection) else ", disabled"
    return f", {detection.severity}{off}: {detection.title}."

r"""The policy as tables for Zeek's Input framework.

Every file is tab-separated as the framework's ASCII reader wants it with its defaults: a line ``#fields``, then a row a
line; ``,`` parts the values of a set, ``(empty)`` is an empty set or text, ``-`` is no value; octets that would mean
something are written ``\xHH``. The last column of every row is ``version``, the same in all files of one policy.

``policy.tsv`` is written last and names the others: ``table rows version``, a row for each. A reader keeps what it
reads aside, and takes it up when every table has as many rows as are said there, all of that version; until then the
policy before stays in force.

====================  =================================================================================================
``site.tsv``          ``site timezone``: one row, for people
``hosts.tsv``         ``network host role controllers``: subnet, name, name, set of names or ``*`` for all
``controllers.tsv``   ``address controller ports``: address, name, set of ports such as ``5562/tcp``; empty: any
``roles.tsv``         ``role classes``: name, set of classes
``zones.tsv``         ``network zone``: subnet, name; no two overlap
``paths.tsv``         ``client server``: names of zones
``windows.tsv``       ``number window start end controllers actions begins ends``: a row for each span of minutes of the
                      week (from Monday 00:00, ``end`` exclusive), in the order in which windows speak; set of names or
                      ``*``; set of operations, classes resolved; seconds since the epoch, ``ends`` exclusive, or ``-``
``changes.tsv``       ``number ticket controller file sha256 begins ends``: the file's name in capitals
``transitions.tsv``   ``since offset``: from this second (UTC) on the clocks are ``offset`` seconds ahead of UTC; the
                      first holds before its ``since`` too
``tunings.tsv``       ``detection enabled count seconds spared``: ``T`` or ``F``, numbers or ``-``, set of hosts
====================  =================================================================================================

Of the definition Zeek needs besides: which operations need a window and a change, the classes of operations
(`Definition.action_classes`), and the networks that are not public (`melsec_nsm.policy.addresses.INTERNAL`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from melsec_nsm.policy.compiled import CompiledPolicy
from melsec_nsm.policy.model import Names

INDEX = "policy.tsv"
"""The file that names the others."""

EVERY = "*"
_VERSION_DIGITS = 16

Cell = str | int | bool | None | frozenset[str]
Table = tuple[tuple[str, ...], list[tuple[Cell, ...]]]


def render(site: CompiledPolicy) -> dict[str, bytes]:
    """The tables by the names of their files, the one that names the others last."""
    tables = _tables(site)
    digest = hashlib.sha256()
    for name, (columns, rows) in tables.items():
        digest.update(f"{name}\n{_text(columns, rows)}".encode())
    version = digest.hexdigest()[:_VERSION_DIGITS]
    files = {
        f"{name}.tsv": _text((*columns, "version"), [(*row, version) for row in rows]).encode()
        for name, (columns, rows) in tables.items()
    }
    index: list[tuple[Cell, ...]] = [(name, len(rows), version) for name, (_, rows) in tables.items()]
    return {**files, INDEX: _text(("table", "rows", "version"), index).encode()}


def _tables(site: CompiledPolicy) -> dict[str, Table]:
    policy = site.policy
    windows = [(window, span) for window in site.windows for span in window.spans]
    return {
        "site": (("site", "timezone"), [(policy.site, policy.timezone)]),
        "hosts": (
            ("network", "host", "role", "controllers"),
            [
                (str(network), host.name, host.role, _controllers(host.controllers))
                for host in policy.hosts.values()
                for network in host.networks
            ],
        ),
        "controllers": (
            ("address", "controller", "ports"),
            [(str(one), each.name, each.ports) for each in policy.controllers.values() for one in each.addresses],
        ),
        "roles": (("role", "classes"), [(role.name, role.allow) for role in policy.roles.values()]),
        "zones": (
            ("network", "zone"),
            [(str(network), zone.name) for zone in policy.zones.values() for network in zone.networks],
        ),
        "paths": (("client", "server"), [(path.client, path.server) for path in policy.paths]),
        "windows": (
            ("number", "window", "start", "end", "controllers", "actions", "begins", "ends"),
            [
                (
                    number,
                    one.window.name,
                    *span,
                    _controllers(one.window.controllers),
                    one.actions,
                    one.begins,
                    one.ends,
                )
                for number, (one, span) in enumerate(windows)
            ],
        ),
        "changes": (
            ("number", "ticket", "controller", "file", "sha256", "begins", "ends"),
            [
                (number, one.ticket, one.controller, one.file.upper(), one.sha256, begins, ends)
                for number, (one, begins, ends) in enumerate(site.changes)
            ],
        ),
        "transitions": (("since", "offset"), [(since, offset) for since, offset in site.clock.transitions]),
        "tunings": (
            ("detection", "enabled", "count", "seconds", "spared"),
            [(one.detection, one.enabled, one.count, one.seconds, one.spared) for one in policy.tunings.values()],
        ),
    }


def _controllers(names: Names) -> frozenset[str]:
    return frozenset((EVERY,)) if names is None else names


def _text(columns: Iterable[str], rows: Iterable[tuple[Cell, ...]]) -> str:
    lines = ["\t".join(("#fields", *columns)), *("\t".join(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, frozenset):
        return ",".join(_escaped(one) for one in sorted(value)) or "(empty)"
    return _escaped(value) or "(empty)"


def _escaped(text: str) -> str:
    octets = text.encode("utf-8")
    plain = (one in _PLAIN and not (place == 0 and chr(one) in "-(#") for place, one in enumerate(octets))
    return "".join(chr(one) if good else f"\\x{one:02x}" for one, good in zip(octets, plain, strict=True))


_PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b"\\,")

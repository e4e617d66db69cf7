"""A policy as Zeek's scripts read it: one table, a line for each entry.

One file, so that no reader ever sees a part of one policy with a part of another; the first line says how many there
are, so that one that was read in part is not taken. Columns (tab-separated, lists with commas, both as Zeek's own logs
have them): ``kind``, ``name``, ``nets``, ``words``, ``others``, ``numbers``. By kind:

=========== =========== ============= ============================== ================ ============================
kind        name        nets          words                          others           numbers
=========== =========== ============= ============================== ================ ============================
policy      of the site                                                               format, lines of the file
needs                                 operations that need a window  … and a change
clock                                                                                 since, offset (seconds, UTC)
zone        its name    its networks
path                                  zones of client and controller
role        its name                  classes
controller  its name    its addresses ports
host        its name    its networks  role                           controllers      1 where all controllers
window      its name                  controllers                    operations       begins, ends, minutes in turn
change      ticket                    controller, file, digest                        begins, ends
tuning      detection                 hosts excepted                                  1 where off; count and seconds
                                                                                      of the threshold, 0: as it is
baseline                                                                              learned until (seconds, 0: not)
usual       operation   client and    kind of its targets                             1 where all is usual; first
                        controller                                                    and last of the targets
=========== =========== ============= ============================== ================ ============================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import NamedTuple

from melsec_nsm.policy.baseline import device_bases, ranges
from melsec_nsm.policy.compiled import CompiledPolicy

FORMAT = 1
"""Of the lines; the scripts refuse another one."""

ALWAYS = 2**53
"""Seconds that no packet's time reaches: the end of what does not end."""

_COLUMNS = ("kind", "name", "nets", "words", "others", "numbers")
_HEAD = (
    "#separator \\x09",
    "#set_separator\t,",
    "#empty_field\t(empty)",
    "#unset_field\t-",
    "#fields\t" + "\t".join(_COLUMNS),
)
_ESCAPED = {octet: f"\\x{octet:02x}" for octet in (*range(0x20), ord(","), ord("\\"), 0x7F)}


class Stated(NamedTuple):
    """What a file says of itself: whose policy it is, and why Zeek does not take it (empty where it does)."""

    site: str
    fault: str


class _Line(NamedTuple):
    kind: str
    name: str = ""
    nets: tuple[object, ...] = ()
    words: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def text(self) -> str:
        lists = (self.nets, self.words, self.others, self.numbers)
        return "\t".join([self.kind, _word(self.name), *(",".join(map(_word, one)) or "(empty)" for one in lists)])


def render(compiled: CompiledPolicy) -> bytes:
    """The octets of the file, the same for the same policy."""
    lines = list(_lines(compiled))
    first = _Line("policy", compiled.policy.site, numbers=(FORMAT, len(lines) + 1))
    return "".join(f"{line}\n" for line in (*_HEAD, *(one.text() for one in (first, *lines)))).encode()


def stated(octets: bytes) -> Stated:
    """What a file says of itself, judged as the scripts judge it: by its first line and the number of all."""
    lines = (line.rstrip("\r") for line in octets.decode("utf-8", "replace").split("\n"))
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    if not rows or rows[0][0] != "policy" or len(rows[0]) != len(_COLUMNS):
        return Stated("", "it does not begin as a compiled policy does")
    site = rows[0][1]
    numbers = [int(one) if one.isdigit() else 0 for one in rows[0][-1].split(",")]
    if numbers[0] != FORMAT:
        return Stated(site, f"it has format {numbers[0]}, and not {FORMAT}")
    if numbers[1:] != [len(rows)] or any(len(row) != len(_COLUMNS) for row in rows):
        return Stated(site, f"it is not whole: {len(rows)} lines")
    return Stated(site, "")


def _lines(compiled: CompiledPolicy) -> Iterator[_Line]:
    policy = compiled.policy
    yield _Line("needs", words=_sorted(compiled.need_window), others=_sorted(compiled.need_change))
    for transition in compiled.clock.transitions:
        yield _Line("clock", numbers=tuple(transition))
    for zone in policy.zones.values():
        yield _Line("zone", zone.name, nets=zone.networks)
    for path in policy.paths:
        yield _Line("path", words=(path.client, path.server))
    for role in policy.roles.values():
        yield _Line("role", role.name, words=_sorted(role.allow))
    for controller in policy.controllers.values():
        yield _Line(
            "controller",
            controller.name,
            nets=tuple(map(ip_network, controller.addresses)),
            words=_sorted(controller.ports),
        )
    for host in policy.hosts.values():
        named = host.controllers
        yield _Line(
            "host", host.name, host.networks, (host.role,), _sorted(named or ()), numbers=(1 if named is None else 0,)
        )
    for one in compiled.windows:
        named = one.window.controllers
        controllers = _sorted(policy.controllers if named is None else named)
        if controllers and one.actions:
            minutes = tuple(minute for span in one.spans for minute in span)
            valid = _valid(one.begins, one.ends)
            yield _Line("window", one.window.name, (), controllers, _sorted(one.actions), (*valid, *minutes))
    for approved in compiled.changes:
        change = approved.change
        words = (change.controller, change.file.upper(), change.sha256)
        yield _Line("change", change.ticket, words=words, numbers=_valid(approved.begins, approved.ends))
    for name, tuning in policy.tunings.items():
        numbers = (0 if tuning.enabled else 1, tuning.count or 0, tuning.seconds or 0)
        yield _Line("tuning", name, words=_sorted(tuning.spared), numbers=numbers)
    yield from _baseline(compiled)


def _baseline(compiled: CompiledPolicy) -> Iterator[_Line]:
    baseline = compiled.policy.baseline
    if baseline is None:
        return
    yield _Line("baseline", numbers=(compiled.learn_until or 0,))
    bases = device_bases(compiled.definition)
    for one in baseline.known:
        pair = (ip_network(one.client), ip_network(one.controller))
        if not one.targets:
            yield _Line("usual", one.operation, pair, numbers=(1, 0, 0))
        for found in ranges(",".join(one.targets), bases):
            yield _Line("usual", one.operation, pair, (found.kind,), numbers=(0, found.first, found.last))


def _valid(begins: int | None, ends: int | None) -> tuple[int, int]:
    return begins or 0, ALWAYS if ends is None else ends


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _word(value: object) -> str:
    text = str(value).translate(_ESCAPED)
    # The reader has words for what is absent and for what is empty.
    return f"\\x{ord(text[0]):02x}{text[1:]}" if text in {"-", "(empty)"} else text

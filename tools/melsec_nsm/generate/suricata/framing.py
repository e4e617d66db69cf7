"""Silent rules that mark flows whose PDUs and segments do not coincide.

A companion looks for a PDU anywhere in a stream, so it would also find one that is mere data: a
frame written into registers, a capture that is being copied over HTTP. It is only let loose on a
flow in which some packet starts with a header and does not end with that PDU. The first segment
that departs from one PDU per segment still starts at the border of a PDU, so looking at the start
of packets is enough. These rules only open the gate; what they find need not be MELSEC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.suricata.patterns import (
    Header,
    Interval,
    Length,
    Octets,
    UnsupportedByBackend,
    anchored,
    beyond_packet,
    within_packet,
)
from melsec_nsm.generate.suricata.rules import FRAME_SLOTS, UNEVEN_BIT, Rule

FORMS = ("shared", "cut", "short")


@dataclass(frozen=True, slots=True)
class _Start:
    """What PDUs of one or several frames begin with, up to their length field."""

    slot: int
    title: str
    octets: tuple[Octets, ...]
    length: Length | None
    low: int
    high: int


def framing_rules(definition: Definition, direction: str) -> dict[int, Rule]:
    """The rules that mark flows by the requests or responses in them, by variant."""
    rules: dict[int, Rule] = {}
    for start in _starts(definition, direction):
        for form, pattern in _patterns(start):
            what = {
                "shared": "PDU followed by more in its segment",
                "cut": "PDU that goes on in another segment",
                "short": "PDU cut inside its header",
            }[form]
            rules[start.slot * len(FORMS) + FORMS.index(form)] = Rule(
                header="alert tcp-pkt any any -> any any",
                options=(
                    f'msg:"MELSEC ANOMALY {start.title} {what}"',
                    f"flowbits:set,{UNEVEN_BIT}",
                    "flowbits:noalert",
                    *pattern,
                    "classtype:protocol-command-decode",
                ),
                metadata="metadata:affected_product Mitsubishi_Electric_MELSEC, attack_target ICS, deployment Internal",
            )
    return dict(sorted(rules.items()))


def _patterns(start: _Start) -> Iterator[tuple[str, list[str]]]:
    lead = start.octets[0].octets
    if start.length is None:
        # Only the border behind the shortest PDU can be told; all that matters is that more follows.
        yield "shared", [*anchored(start.octets), f"dsize:>{start.low}"]
        yield "short", [*anchored([Octets(0, lead[:1])]), f"dsize:<{start.low}"]
        return
    bounds = Interval(start.length.offset, start.length.size, start.length.order, start.low, start.high)
    header = anchored([*start.octets, bounds])
    yield "shared", [*header, within_packet(start.length), "isdataat:1,relative"]
    yield "cut", [*header, *beyond_packet(start.length)]
    yield "short", [*anchored([Octets(0, lead[:1])]), f"dsize:<{start.length.end}"]


def _starts(definition: Definition, direction: str) -> Iterator[_Start]:
    """The different beginnings of PDUs: frames that do not differ before their length are one."""
    found: dict[tuple[tuple[Octets, ...], Length | None], list[_Start]] = {}
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            if "tcp" not in frame.transports or frame.id not in FRAME_SLOTS:
                continue
            try:
                header = Header.of(protocol, frame, direction)
            except UnsupportedByBackend:
                continue
            end = header.size if header.length is None else header.length.offset
            octets = tuple(one for one in header.constraints if isinstance(one, Octets) and one.offset < end)
            if not octets or octets[0].offset != 0:
                continue
            low, high = header.bounds
            start = _Start(
                FRAME_SLOTS[frame.id], f"{protocol.name.upper()} {frame.frame}", octets, header.length, low, high
            )
            found.setdefault((octets, header.length), []).append(start)
    for (octets, length), same in found.items():
        first = min(same, key=lambda one: one.slot)
        yield _Start(
            first.slot, first.title, octets, length, min(one.low for one in same), max(one.high for one in same)
        )

"""Silent rules that mark flows whose PDUs and segments do not coincide.

A companion looks for a PDU anywhere in a stream, so it would also find one that is mere data: a
frame written into registers, a capture that is being copied over HTTP. It is only let loose on a
flow in which some packet starts with a header and does not end with that PDU. The first segment
that departs from one PDU per segment still starts at the border of a PDU, so looking at the start
of packets is enough. These rules only open the gate; what they find need not be MELSEC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from melsec_nsm.definitions.model import Definition, Frame, Protocol
from melsec_nsm.generate.suricata import stuffed
from melsec_nsm.generate.suricata.patterns import (
    Header,
    Octets,
    Place,
    UnsupportedByBackend,
    anchored,
    beyond_packet,
    first_octet,
    within_packet,
)
from melsec_nsm.generate.suricata.rule import Rule
from melsec_nsm.generate.suricata.rules import FRAME_SLOTS, UNEVEN_BIT
from melsec_nsm.generate.suricata.writing import BINARY, TEXT, either

_FORMS = {
    "shared": "PDU followed by more in its segment",
    "cut": "PDU that goes on in another segment",
    "short": "PDU cut inside its header",
}


@dataclass(frozen=True, slots=True)
class _Start:
    """What PDUs of one or several frames begin with, up to their length field.

    Where there is none, ``whole`` is an expression for a PDU, by the size of the data of its command.
    """

    slot: int
    title: str
    octets: tuple[Octets, ...]
    length: Place | None
    low: int
    high: int
    whole: str = ""


def framing_rules(definition: Definition, direction: str) -> dict[int, Rule]:
    """The rules that mark flows by the requests or responses in them, by variant."""
    frames = list(_frames(definition, direction))
    starts = _starts([one for one in frames if one[1].kind != "stuffed"], direction)
    found = [(start.slot, start.title, _patterns(start)) for start in starts]
    for protocol, frame in frames:
        if frame.kind == "stuffed":
            lead = stuffed.lead_of(Header.of(protocol, frame, direction), frame)
            found.append((FRAME_SLOTS[frame.id], _title(protocol, frame), _stuffed_patterns(lead)))
    rules: dict[int, Rule] = {}
    for slot, title, patterns in found:
        for number, (form, what) in enumerate(_FORMS.items()):
            if form in patterns:
                rules[slot * len(_FORMS) + number] = _rule(f"{title} {what}", patterns[form])
    return dict(sorted(rules.items()))


def _rule(what: str, pattern: list[str]) -> Rule:
    return Rule(
        header="alert tcp-pkt any any -> any any",
        options=(
            f'msg:"MELSEC ANOMALY {what}"',
            f"flowbits:set,{UNEVEN_BIT}",
            "flowbits:noalert",
            *pattern,
            "classtype:protocol-command-decode",
        ),
        metadata="metadata:affected_product Mitsubishi_Electric_MELSEC, attack_target ICS, deployment Internal",
    )


def _patterns(start: _Start) -> Mapping[str, list[str]]:
    lead = anchored(first_octet(start.octets))
    if start.length is None:
        octets = anchored(start.octets)
        cut = {"cut": [*octets, f'pcre:"/^(?!{start.whole})/s"']} if start.high > start.low else {}
        return {
            "shared": [*octets, f'pcre:"/^{start.whole}./s"'],
            **cut,
            "short": [*lead, f"dsize:<{start.low}"],
        }
    first = start.octets[0]
    # An ASCII PDU of another frame may begin alike and be shorter than this one's header.
    begun = [f'pcre:"/^{_begun(first.octets.decode().lower())}/{TEXT.flags}"'] if first.text else []
    header = anchored([*start.octets, *start.length.among([(start.low, start.high)])])
    return {
        "shared": [*header, within_packet(start.length), "isdataat:1,relative"],
        "cut": [*header, *beyond_packet(start.length)],
        "short": [*lead, *begun, f"dsize:<{start.length.end}"],
    }


def _begun(text: str) -> str:
    """An expression for a packet that begins with a text, or is no more than the beginning of it."""
    return text[0] + (rf"(?:{_begun(text[1:])}|\z)" if text[1:] else "")


def _whole(header: Header) -> str:
    """An expression for a PDU whose command says how much data it has."""
    place = header.places["command"]
    return BINARY.skip(place.offset) + either(
        [
            place.regex([(code, code)]) + BINARY.skip(header.size - place.end + size)
            for code, size in sorted(header.data.sizes.items())
        ]
    )


def _stuffed_patterns(lead: bytes) -> Mapping[str, list[str]]:
    return {
        "shared": stuffed.shared(lead),
        "cut": stuffed.cut(lead),
        "short": [*anchored([Octets(0, lead[:1])]), f"dsize:<{len(lead)}"],
    }


def _frames(definition: Definition, direction: str) -> Iterator[tuple[Protocol, Frame]]:
    """The frames that companions look for in streams."""
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            looked_for = "tcp" in frame.transports and frame.id in FRAME_SLOTS and frame.kind != "layout"
            if looked_for and frame.half(direction):
                yield protocol, frame


def _starts(frames: list[tuple[Protocol, Frame]], direction: str) -> Iterator[_Start]:
    """The different beginnings of PDUs: frames that do not differ before their length are one."""
    found: dict[tuple[tuple[Octets, ...], Place | None], list[_Start]] = {}
    for protocol, frame in frames:
        try:
            header = Header.of(protocol, frame, direction)
        except UnsupportedByBackend:
            continue
        end = header.size if header.length is None else header.length.offset
        octets = tuple(one for one in header.constraints if isinstance(one, Octets) and one.offset < end)
        if not octets or octets[0].offset != 0:
            continue
        whole = _whole(header) if header.length is None else ""
        start = _Start(FRAME_SLOTS[frame.id], _title(protocol, frame), octets, header.length, *header.bounds, whole)
        found.setdefault((octets, header.length), []).append(start)
    for same in found.values():
        first = min(same, key=lambda one: one.slot)
        yield replace(first, low=min(one.low for one in same), high=max(one.high for one in same))


def _title(protocol: Protocol, frame: Frame) -> str:
    return f"{protocol.name.upper()} {frame.frame}" + (" ASCII" if frame.encoding == "ascii" else "")

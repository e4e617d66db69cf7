"""From a detection to its rules: some per frame, one for each way in which its PDUs travel.

A main rule looks at single packets and insists that the PDU starts the payload: its counts are
those of the PDUs, it needs no handshake and no direction. A PDU that shares its segment with one
before it, or is spread over several, is left to a companion on the reassembled stream. It keeps silent in a flow
where the main rule has matched, and in one where every packet so far was one whole PDU (`framing`).
Where a request proves too little alone, silent rules note it, and the alert is raised by its answer (`answered`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from melsec_nsm.definitions.model import Command, Definition, Detection, Frame, Protocol
from melsec_nsm.generate.suricata.answered import SMALL, AnsweredPdu, mark, marked
from melsec_nsm.generate.suricata.headed import HeadedPdu
from melsec_nsm.generate.suricata.patterns import UnsupportedByBackend
from melsec_nsm.generate.suricata.rule import Rule, RuleMaker
from melsec_nsm.generate.suricata.stuffed import StuffedPdu

# Sids are published: that of a rule is the first of its detection's block, plus three times the slot, plus the place
# of the form. So an entry is never changed, removed or reused; a new frame takes the next number.
FRAME_SLOTS = {
    "3e-binary": 0,
    "4e-binary": 1,
    "57-long": 2,
    "57-short": 3,
    "5a": 4,
    "3e-ascii": 5,
    "4e-ascii": 6,
    "lmt-binary": 7,
    "emt-binary": 8,
    "emt-push": 9,
    "4c-format5": 10,
    "1e-binary": 11,
    "1e-ascii": 12,
    # Further rules of a frame: what notes a request, alone and behind others, and its answer among others.
    "1e-binary asked": 13,
    "1e-ascii asked": 14,
    "1e-binary others": 15,
    "1e-ascii others": 16,
    "1e-binary asked others": 17,
    "1e-ascii asked others": 18,
}
FORMS = ("packet", "datagram", "stream")
UNEVEN_BIT = "MELSEC.uneven"
SPLIT = "in a coalesced or split segment"
ASKED = "asked for"


def variant(frame: Frame, form: str, part: str = "") -> int:
    """The number of a rule within a detection's block of sids; ``part`` tells further rules of a frame apart."""
    slot = FRAME_SLOTS.get(f"{frame.id} {part}".rstrip())
    if slot is None:
        raise UnsupportedByBackend(f"frame {frame.id} has no number in FRAME_SLOTS")
    return slot * len(FORMS) + FORMS.index(form)


def rules_for(definition: Definition, detection: Detection) -> dict[int, Rule]:
    """The rules of one detection by variant.

    Raises `UnsupportedByBackend` where any of the frames in which the detection's commands travel
    cannot be matched: half a detection would pass for a whole one.
    """
    commands = definition.commands_for(detection.when)
    if not commands:
        raise UnsupportedByBackend(f"detection {detection.id}: no command of the definition is meant")
    rules: dict[int, Rule] = {}
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            meant = [one for one in commands if one.protocol == protocol.name and frame.id in one.frames]
            # A frame that goes one way only has no other half to look at.
            if not meant or not frame.half(detection.when.direction):
                continue
            try:
                rules |= _frame_rules(definition, detection, protocol, frame, meant)
            except UnsupportedByBackend as problem:
                raise UnsupportedByBackend(f"detection {detection.id}: {problem}") from None
    return dict(sorted(rules.items()))


def _frame_rules(
    definition: Definition, detection: Detection, protocol: Protocol, frame: Frame, commands: Sequence[Command]
) -> dict[int, Rule]:
    direction = detection.when.direction
    make = RuleMaker(definition, detection, f"{protocol.name.upper()} {_frame_title(frame)}")
    bit = f"MELSEC.{detection.id}"
    if frame.kind != "layout":
        kind = StuffedPdu if frame.kind == "stuffed" else HeadedPdu
        return _plain_rules(make, frame, bit, direction, kind(protocol, frame, direction, commands))
    if direction != "request":
        raise UnsupportedByBackend(f"frame {frame.id}: a response is known by its request only")
    return _answered_rules(make, frame, bit, AnsweredPdu(definition, protocol, frame, commands))


def _frame_title(frame: Frame) -> str:
    name, *form = frame.id.split("-")
    return " ".join([name.upper(), *form])


def _plain_rules(
    make: RuleMaker, frame: Frame, bit: str, direction: str, pdu: HeadedPdu | StuffedPdu
) -> dict[int, Rule]:
    """Rules for a PDU that is believed by itself."""
    rules: dict[int, Rule] = {}
    if "tcp" in frame.transports:
        packet = [f"flowbits:set,{bit}", *pdu.packet()]
        rules[variant(frame, "packet")] = make.alert("tcp-pkt", packet, direction=direction)
        if stream := pdu.stream():
            gated = [f"flowbits:isset,{UNEVEN_BIT}", f"flowbits:isnotset,{bit}", *stream]
            rules[variant(frame, "stream")] = make.alert("tcp", gated, direction=direction, note=SPLIT)
    if "udp" in frame.transports:
        rules[variant(frame, "datagram")] = make.alert("udp", pdu.datagram(), direction=direction)
    return rules


def _answered_rules(make: RuleMaker, frame: Frame, bit: str, pdu: AnsweredPdu) -> dict[int, Rule]:
    """Rules for a request that is believed when it is answered: silent ones that note it, and those for the answer.

    A request is noted under two names. Among other answers its answer is only looked for where it stood among other
    requests, or may have: there is much else in read values that looks like one.
    """
    alone, among = f"{bit}.{frame.id}", f"{bit}.{frame.id}.others"
    both = (alone, among)
    once, unless = f"flowbits:set,{bit}", f"flowbits:isnotset,{bit}"
    noted, told = partial(make.silent, note=ASKED), partial(make.alert, direction="response")
    noted_split, told_split = partial(make.silent, note=f"{ASKED} {SPLIT}"), partial(told, note=SPLIT)
    rules: dict[int, Rule] = {}
    if "tcp" in frame.transports:
        asked = [*mark(*(both if pdu.open else (alone,))), *pdu.asked()]
        rules |= {
            variant(frame, "packet", "asked"): noted("tcp-pkt", asked),
            variant(frame, "packet", "asked others"): noted_split(
                "tcp-pkt", [*mark(*both), *pdu.asked_behind_others()]
            ),
            variant(frame, "stream", "asked"): noted_split(
                "tcp-stream", [*mark(among), unless, SMALL, *pdu.asked_anyhow()]
            ),
            variant(frame, "packet"): told("tcp-pkt", [once, *marked(*both), *pdu.answered()]),
            variant(frame, "packet", "others"): told_split(
                "tcp-pkt", [once, *marked(among, alone), *pdu.answered_anyhow()]
            ),
            variant(frame, "stream"): told_split("tcp-stream", [*marked(among), unless, SMALL, *pdu.answered_anyhow()]),
        }
    if "udp" in frame.transports:
        rules |= {
            variant(frame, "datagram", "asked"): noted("udp", [*mark(alone), *pdu.asked_alone()]),
            variant(frame, "datagram"): told("udp", [*marked(alone), *pdu.answered_alone()]),
        }
    return rules

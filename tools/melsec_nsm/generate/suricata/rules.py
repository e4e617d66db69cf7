"""From a detection to its rules: some per frame, one for each way in which its PDUs travel.

A main rule looks at single packets and insists that the PDU starts the payload: its counts are
those of the PDUs, it needs no handshake and no direction. A PDU that shares its segment with one
before it, or is spread over several, is left to a companion on the reassembled stream. It keeps silent in a flow
where the main rule has matched, and in one where every packet so far was one whole PDU (`framing`).
Where a request proves too little alone, silent rules note it, and the alert is raised by its answer (`answered`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from melsec_nsm.definitions.model import Definition, Detection, Frame, Protocol
from melsec_nsm.generate.suricata.answered import SMALL, AnsweredPdu, mark, marked
from melsec_nsm.generate.suricata.headed import HeadedPdu
from melsec_nsm.generate.suricata.looks import Look, looks_for
from melsec_nsm.generate.suricata.patterns import Sought, UnsupportedByBackend
from melsec_nsm.generate.suricata.rule import Rule, RuleMaker
from melsec_nsm.generate.suricata.sought import sought_in
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
    # The second look that a detection takes at a frame.
    "3e-binary second": 19,
    "4e-binary second": 20,
    "57-long second": 21,
    "57-short second": 22,
    "3e-ascii second": 23,
    "4e-ascii second": 24,
    "lmt-binary second": 25,
    "emt-binary second": 26,
    "emt-push second": 27,
    "4c-format5 second": 28,
    # What notes that a client begins with a frame.
    "57-long begun": 29,
    "57-short begun": 30,
}
FORMS = ("packet", "datagram", "stream")
ENGINE = "suricata"
UNEVEN_BIT = "MELSEC.uneven"
_PARTS = ("", "second")
"""The slots of a frame for a detection's looks at it, in their order."""
_BEGINNING = ("flow:established,to_server", "stream_size:server,<,2")
"""The handshake was seen, and the server has sent nothing since."""
_FIRST_CHUNK = "stream_size:client,<,4096"
"""A stream of which nothing was looked at yet: the engine looks at 2560 octets or what there is at the end."""
SPLIT = "in a coalesced or split segment"
ASKED = "asked for"


def variant(frame: Frame, form: str, part: str = "") -> int:
    """The number of a rule within a detection's block of sids; ``part`` tells further rules of a frame apart."""
    slot = FRAME_SLOTS.get(f"{frame.id} {part}".rstrip())
    if slot is None:
        raise UnsupportedByBackend(f"frame {frame.id} has no number in FRAME_SLOTS")
    return slot * len(FORMS) + FORMS.index(form)


def rules_for(definition: Definition, detection: Detection, looks: Sequence[Look] | None = None) -> dict[int, Rule]:
    """The rules of one detection by variant; for some of its ``looks`` only, if any are given.

    Raises `UnsupportedByBackend` where any of the frames in which the detection's commands travel
    cannot be matched, unless the detection says what this engine does not see: half a detection would pass for a whole
    one.
    """
    rules: dict[int, Rule] = {}
    try:
        looks = looks_for(definition, detection) if looks is None else looks
        for protocol in definition.protocols.values():
            for frame in protocol.frames:
                try:
                    for number, (look, sought) in enumerate(_looks_at(definition, protocol, frame, looks)):
                        at = _At(definition, detection, protocol, frame, _part(frame, number))
                        rules |= _frame_rules(at, look, sought)
                except UnsupportedByBackend:
                    if ENGINE not in detection.limits:
                        raise
    except UnsupportedByBackend as problem:
        raise UnsupportedByBackend(f"detection {detection.id}: {problem}") from None
    # One rule notes the beginning of frames that begin alike.
    unlike = {rule.text(): number for number, rule in sorted(rules.items(), reverse=True)}
    return {number: rule for number, rule in sorted(rules.items()) if unlike[rule.text()] == number}


def _looks_at(
    definition: Definition, protocol: Protocol, frame: Frame, looks: Sequence[Look]
) -> Iterator[tuple[Look, Sought]]:
    """The looks that may find something in a frame, and what they seek there."""
    for look in looks:
        meant = [one for one in look.commands if one.protocol == protocol.name and frame.id in one.frames]
        # Where nothing but the command says how long a PDU is, there are none that nobody knows.
        sized = any(field.counts == "rest" for field in frame.half(look.direction))
        unknown = look.unknown and sized and (not look.protocols or protocol.name in look.protocols)
        # A frame that goes one way only has no other half to look at.
        if not (meant or unknown) or not frame.half(look.direction) or (look.frames and frame.id not in look.frames):
            continue
        if look.devices and not _has_codes(definition, protocol, look.devices):
            continue
        if frame.kind == "layout":
            yield look, Sought(tuple(meant), ())
        elif (sought := sought_in(definition, protocol, frame, look, meant)) is not None:
            yield look, sought


def _has_codes(definition: Definition, protocol: Protocol, symbols: Sequence[str]) -> bool:
    """Whether a protocol can name one of these devices."""
    return any(one.symbol in symbols and protocol.device_table in one.codes for one in definition.devices)


@dataclass(frozen=True, slots=True)
class _At:
    """A look of a detection at a frame; ``part`` is that of its variants."""

    definition: Definition
    detection: Detection
    protocol: Protocol
    frame: Frame
    part: str

    @property
    def bit(self) -> str:
        """The name of the bits that its rules set."""
        return f"MELSEC.{self.detection.id}"

    def maker(self, title: str, look: Look) -> RuleMaker:
        """Makes the rules; ``title`` is what messages call the frame."""
        return RuleMaker(self.definition, self.detection, f"{self.protocol.name.upper()} {title}", look)


def _frame_rules(at: _At, look: Look, sought: Sought) -> dict[int, Rule]:
    frame = at.frame
    make = at.maker(_frame_title(frame), look)
    if frame.kind != "layout":
        kind = StuffedPdu if frame.kind == "stuffed" else HeadedPdu
        pdu = kind(at.protocol, frame, look.direction, sought)
        return _first_rules(make, at, look, pdu) if look.first else _plain_rules(make, at, look, pdu)
    if look.direction != "request":
        raise UnsupportedByBackend(f"frame {frame.id}: a response is known by its request only")
    if look.fields or look.statuses or look.first or look.file or look.devices:
        raise UnsupportedByBackend(f"frame {frame.id}: of a request only the command is known")
    if at.part:
        raise UnsupportedByBackend(f"frame {frame.id}: there are numbers for one look only")
    return _answered_rules(make, frame, at.bit, AnsweredPdu(at.definition, at.protocol, frame, sought.commands))


def _part(frame: Frame, number: int) -> str:
    if number >= len(_PARTS):
        raise UnsupportedByBackend(f"frame {frame.id}: more than {len(_PARTS)} looks have no numbers")
    return _PARTS[number]


def _frame_title(frame: Frame) -> str:
    name, *form = frame.id.split("-")
    return " ".join([name.upper(), *form])


def _plain_rules(make: RuleMaker, at: _At, look: Look, pdu: HeadedPdu | StuffedPdu) -> dict[int, Rule]:
    """Rules for a PDU that is believed by itself."""
    rules: dict[int, Rule] = {}
    alert = partial(make.alert, direction=look.direction)
    if "tcp" in at.frame.transports:
        packet = [f"flowbits:set,{at.bit}", *pdu.packet()]
        rules[variant(at.frame, "packet", at.part)] = alert("tcp-pkt", packet)
        if stream := pdu.stream():
            gated = [f"flowbits:isset,{UNEVEN_BIT}", f"flowbits:isnotset,{at.bit}", *stream]
            rules[variant(at.frame, "stream", at.part)] = alert("tcp", gated, note=SPLIT, companion=True)
    if "udp" in at.frame.transports:
        rules[variant(at.frame, "datagram", at.part)] = alert("udp", pdu.datagram())
    return rules


def _first_rules(make: RuleMaker, at: _At, look: Look, pdu: HeadedPdu | StuffedPdu) -> dict[int, Rule]:
    """Rules for a PDU with which a client begins a connection whose handshake was seen, while the server is silent.

    Where that PDU is spread over segments, the server has answered by the time that the stream is looked at: so the
    beginning is noted, and the stream looked at from its start.
    """
    frame, bit = at.frame, at.bit
    if not isinstance(pdu, HeadedPdu) or "tcp" not in frame.transports:
        raise UnsupportedByBackend(f"frame {frame.id}: its first PDU cannot be told")
    begun = f"{bit}.begun"
    whole = [*_BEGINNING, f"flowbits:set,{bit}", *pdu.packet()]
    noted = [*_BEGINNING, f"flowbits:set,{begun}", *pdu.lead()]
    split = [_FIRST_CHUNK, f"flowbits:isset,{begun}", f"flowbits:isnotset,{bit}", *pdu.packet()]
    return {
        variant(frame, "packet"): make.alert("tcp-pkt", whole, direction="request"),
        variant(frame, "packet", "begun"): at.maker(frame.frame, look).silent("tcp-pkt", noted, note="begun"),
        variant(frame, "stream"): make.alert("tcp-stream", split, direction="request", note=SPLIT, companion=True),
    }


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

"""From a detection to its rules: one per frame layout and way of travelling.

A main rule looks at single packets and insists that the PDU starts the payload: its counts are
those of the PDUs, it needs no handshake and no direction. A PDU that shares its segment with one
before it, or is spread over several, is left to a companion on the reassembled stream. It keeps silent in a flow
where the main rule has matched, and in one where every packet so far was one whole PDU (`framing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from melsec_nsm.definitions.model import Command, Definition, Detection, Frame, Protocol, Reference
from melsec_nsm.generate.suricata.patterns import (
    Constraint,
    Expression,
    Header,
    Octets,
    Span,
    UnsupportedByBackend,
    among,
    anchored,
    floating,
    literal_regex,
    ranges_regex,
    shifted,
    skip_regex,
    within_packet,
)

# The sid of a rule is made of these numbers: an entry is never changed or reused, a new frame takes the next.
FRAME_SLOTS = {"3e-binary": 0, "4e-binary": 1, "57-long": 2, "57-short": 3, "5a": 4}
FORMS = ("packet", "datagram", "stream")
UNEVEN_BIT = "MELSEC.uneven"

_CATEGORY_WORDS = {
    "control": "CONTROL",
    "programming": "PROGRAM",
    "writing": "WRITE",
    "authentication": "AUTH",
    "reconnaissance": "RECON",
    "anomaly": "ANOMALY",
    "cc-link": "CONTROL",
    "policy": "POLICY",
    "exposure": "POLICY",
}
# Only what the stock classification.config has.
_CLASSTYPES = {
    "control": "attempted-dos",
    "programming": "attempted-admin",
    "writing": "attempted-admin",
    "authentication": "suspicious-login",
    "reconnaissance": "attempted-recon",
    "anomaly": "non-standard-protocol",
    "cc-link": "attempted-admin",
    "policy": "policy-violation",
    "exposure": "policy-violation",
}
_INFORMATIONAL_CLASSTYPE = "protocol-command-decode"
_SEVERITIES = {
    "informational": "Informational",
    "low": "Minor",
    "medium": "Minor",
    "high": "Major",
    "critical": "Critical",
}
_ADVISORY_URL = "www.cisa.gov/news-events/ics-advisories/"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule without its sid and revision, which only the lock knows."""

    header: str
    options: tuple[str, ...]
    metadata: str

    def text(self) -> str:
        """The rule without sid and rev: what a revision stands for."""
        return self._line(())

    def line(self, sid: int, rev: int) -> str:
        """The rule as it is published."""
        return self._line((f"sid:{sid}", f"rev:{rev}"))

    def _line(self, numbers: tuple[str, ...]) -> str:
        return f"{self.header} ({'; '.join((*self.options, *numbers, self.metadata))};)"


def variant(frame: Frame, form: str) -> int:
    """The number of a frame layout and form within a detection's block of sids."""
    slot = FRAME_SLOTS.get(frame.id)
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
            if not meant:
                continue
            try:
                for form, rule in _frame_rules(definition, detection, protocol, frame, meant):
                    rules[variant(frame, form)] = rule
            except UnsupportedByBackend as problem:
                raise UnsupportedByBackend(f"detection {detection.id}: {problem}") from None
    return dict(sorted(rules.items()))


def _frame_rules(
    definition: Definition, detection: Detection, protocol: Protocol, frame: Frame, commands: Sequence[Command]
) -> Iterator[tuple[str, Rule]]:
    header = Header.of(protocol, frame, detection.when.direction)
    pdu = [*header.constraints, *_command(header, frame, commands)]
    if header.length is not None:
        packet = [*anchored(pdu), within_packet(header.length)]
        datagram = [*packet, "isdataat:!1,relative"]
        stream = floating(pdu, header.length)
    else:
        size = header.size + _data_size(header, frame, commands)
        packet = datagram = [f"dsize:{size}", *anchored(pdu)]
        # Too short to be looked for alone in a stream: the header of a longer frame has to follow.
        follower = _follower(protocol, frame, detection.when.direction)
        stream = floating([*pdu, *shifted(follower, size)], None) if follower else []

    bit = f"MELSEC.{detection.id}"
    what = f"{protocol.name.upper()} {_frame_title(frame)} {detection.title}"
    if "tcp" in frame.transports:
        yield "packet", _rule(definition, detection, "tcp-pkt", what, [f"flowbits:set,{bit}", *packet])
        if stream:
            split = f"{what} in a coalesced or split segment"
            yield (
                "stream",
                _rule(
                    definition,
                    detection,
                    "tcp",
                    split,
                    [f"flowbits:isset,{UNEVEN_BIT}", f"flowbits:isnotset,{bit}", *stream],
                ),
            )
    if "udp" in frame.transports:
        yield "datagram", _rule(definition, detection, "udp", what, datagram)


def _frame_title(frame: Frame) -> str:
    name, *form = frame.id.split("-")
    return " ".join([name.upper(), *form])


# The command


def _command(header: Header, frame: Frame, commands: Sequence[Command]) -> list[Constraint]:
    span = header.spans.get("command")
    if span is None:
        raise UnsupportedByBackend(f"frame {frame.id}: this half does not carry the command")
    second = header.spans.get("subcommand")
    if len(commands) == 1:
        return _single(span, second, commands[0])
    # One rule for all, so that the suppression interval holds for the detection as a whole.
    gap = 0 if second is None else second.offset - span.end
    if gap < 0:
        raise UnsupportedByBackend(f"frame {frame.id}: the sub-command stands before the command")
    size = span.size if second is None else span.size + gap + second.size
    alternatives = "|".join(
        literal_regex(span.octets(one.code)) + ("" if second is None else skip_regex(gap) + _subcommands(second, one))
        for one in sorted(commands, key=lambda one: one.code)
    )
    return [Expression(span.offset, size, f"(?:{alternatives})")]


def _single(span: Span, second: Span | None, command: Command) -> list[Constraint]:
    constraints: list[Constraint] = [Octets(span.offset, span.octets(command.code), fast=True)]
    if second is not None and command.subcommands:
        constraints += among(second, ((value, value) for value in command.subcommands))
    return constraints


def _subcommands(span: Span, command: Command) -> str:
    if not command.subcommands:
        return skip_regex(span.size)
    return ranges_regex(((value, value) for value in command.subcommands), span.size, span.order)


def _data_size(header: Header, frame: Frame, commands: Sequence[Command]) -> int:
    sizes = {header.data.sizes.get(command.code) for command in commands}
    size = sizes.pop()
    if sizes or size is None:
        raise UnsupportedByBackend(f"frame {frame.id}: no length field, and no single size for the commands")
    return size


def _follower(protocol: Protocol, frame: Frame, direction: str) -> list[Constraint]:
    """What the headers of the protocol's frames with a length have in common."""
    headers = [
        set(header.constraints)
        for other in protocol.frames
        if other.id != frame.id and (header := Header.of(protocol, other, direction)).length is not None
    ]
    return sorted(set.intersection(*headers), key=lambda one: one.offset) if headers else []


# Everything around the pattern


def _rule(definition: Definition, detection: Detection, protocol: str, what: str, body: Sequence[str]) -> Rule:
    return Rule(
        header=f"alert {protocol} any any -> any any",
        options=(
            f'msg:"{_quoted(f"MELSEC {_CATEGORY_WORDS[detection.category]} {what}")}"',
            *body,
            *_threshold(detection.suppress),
            *_references(detection.references),
            f"classtype:{_classtype(detection)}",
            f"target:{'dest_ip' if detection.when.direction == 'request' else 'src_ip'}",
        ),
        metadata=_metadata(definition, detection),
    )


def _threshold(seconds: int) -> list[str]:
    return [f"threshold:type limit, track by_both, count 1, seconds {seconds}"] if seconds else []


def _classtype(detection: Detection) -> str:
    return _INFORMATIONAL_CLASSTYPE if detection.severity == "informational" else _CLASSTYPES[detection.category]


def _quoted(text: str) -> str:
    return "".join(f"\\{sign}" if sign in '\\";' else sign for sign in text)


def _references(references: Sequence[Reference]) -> Iterator[str]:
    for reference in references:
        if reference.kind == "cve":
            yield f"reference:cve,{reference.text.removeprefix('CVE-')}"
        elif reference.kind == "advisory":
            yield f"reference:url,{_ADVISORY_URL}{reference.text.lower()}"
        elif "://" in reference.text:
            yield f"reference:url,{reference.text.split('://', 1)[1].replace(';', '%3B')}"


def _metadata(definition: Definition, detection: Detection) -> str:
    pairs = [
        ("affected_product", "Mitsubishi_Electric_MELSEC"),
        ("attack_target", "ICS"),
        ("confidence", detection.confidence.capitalize()),
        ("deployment", "Internal"),
        ("melsec_id", detection.id),
        # ET's severities are fewer than ours.
        ("melsec_severity", detection.severity),
    ]
    for technique in detection.attack:
        pairs.append(("mitre_technique_id", technique))
        pairs.append(("mitre_technique_name", definition.techniques[technique]))
    pairs.append(("signature_severity", _SEVERITIES[detection.severity]))
    return "metadata:" + ", ".join(f"{key} {_word(value)}" for key, value in pairs)


def _word(value: str) -> str:
    """One word: blanks part the key from the value, commas the pairs, semicolons the options."""
    return "_".join(value.replace(",", " ").replace(";", " ").split())

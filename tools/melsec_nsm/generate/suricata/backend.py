"""The rule file: every detection's rules with the numbers that the lock holds for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from melsec_nsm.definitions import lock as numbers
from melsec_nsm.definitions.model import Definition, Detection, LockEntry
from melsec_nsm.generate.suricata.framing import framing_rules
from melsec_nsm.generate.suricata.looks import SITELESS
from melsec_nsm.generate.suricata.rule import Rule
from melsec_nsm.generate.suricata.rules import ENGINE, rules_for

RULES_PATH = "suricata/rules/melsec.rules"
FRAMING = "framing-{direction}"
"""Lock ids of the silent rules that the companions need: no detections, but published all the same."""

_HEAD = """\
# Generated from the signature definition by `melsec-nsm generate`. Do not edit.
#
# Every rule is written any any -> any any on purpose, but for public-address, which is about addresses. Controllers
# listen on ports their users choose, and HOME_NET often leaves the controllers' network out; MELSOFT over UDP goes to
# 255.255.255.255 both ways, which is in no HOME_NET; an attacker inside the plant is not in EXTERNAL_NET. What keeps
# the rules off other traffic is the frame header with its length, not an address. There is no flow keyword: a sensor
# joins connections that are months old, and request and response are told apart by the sub-header.
#
# alert tcp-pkt, alert udp: a PDU at the start of a packet. alert tcp: the same PDU behind another one or
# spread over segments, unless the flow has alerted already. The metadata key melsec_id names the detection.
# Rules with flowbits:noalert mark flows for the latter; without them it stays silent.
#
# Rules of informational detections are commented out: they tell what happens in every plant all day.
#
# A 1E request is four octets and up, no header, no length: too little for an alert. Rules with noalert note it
# by xbits for the two hosts, and its answer raises the alert, so that a request nobody answers is missed. The
# target (EVE: alert.target) is the controller all the same. alert tcp-stream: PDUs in small conversations.

"""
_OFF = "# "
_SWITCHED_OFF = re.compile(rb"^# (?=alert .*; sid:\d+; rev:\d+; )", re.MULTILINE)
_FRAMING_TITLE = "Segments that hold more or less than one PDU (no alerts)"


def rules_by_detection(definition: Definition) -> dict[str, dict[int, Rule]]:
    """The rules of every detection that claims Suricata, by detection id and variant.

    A detection that says it is unsupported here is left out, and one that needs the policy of a site: its rules are
    made when that is compiled. Besides the detections stand ``framing-request`` and ``framing-response`` where a
    companion needs them. Raises `UnsupportedByBackend` for a detection that cannot be expressed and does not say so.
    """
    claimed = [detection for detection in definition.detections.values() if is_published(detection)]
    rules = {detection.id: rules_for(definition, detection) for detection in claimed}
    for direction in sorted({detection.when.half for detection in claimed if _has_companion(detection, rules)}):
        rules[FRAMING.format(direction=direction)] = framing_rules(definition, direction)
    return rules


def is_published(detection: Detection) -> bool:
    """Whether the published rules have any for a detection."""
    return ENGINE not in detection.unsupported and detection.when.policy in (None, *SITELESS)


def is_enabled(detection: Detection) -> bool:
    """Whether the published rules of a detection are on; one that is off is there, commented out."""
    return detection.severity != "informational"


def all_enabled(rules: bytes) -> bytes:
    """A rule file with the rules that are commented out in it switched on."""
    return _SWITCHED_OFF.sub(b"", rules)


def _has_companion(detection: Detection, rules: Mapping[str, Mapping[int, Rule]]) -> bool:
    return any(rule.header.startswith("alert tcp ") for rule in rules[detection.id].values())


def render(definition: Definition, lock: Mapping[str, LockEntry]) -> dict[str, bytes]:
    """The files of the back-end by their path in the checkout.

    Rules stand in the order of their sids. Raises `UnsupportedByBackend` as `rules_by_detection`,
    KeyError for an id the lock has no numbers for, ValueError where a text is not ASCII.
    """
    rules = rules_by_detection(definition)
    parts = [_HEAD]
    for name in sorted(rules, key=lambda one: lock[one].base):
        detection = definition.detections.get(name)
        parts.append(f"# {name}: {_FRAMING_TITLE if detection is None else detection.title}\n")
        lead = "" if detection is None or is_enabled(detection) else _OFF
        parts += [
            f"{lead}{rule.line(numbers.sid(lock[name], variant), lock[name].rev)}\n"
            for variant, rule in rules[name].items()
        ]
        parts.append("\n")
    missing = [one for _, one in sorted(definition.detections.items()) if ENGINE in one.unsupported]
    if missing:
        parts.append("# Not in Suricata:\n")
        parts += [f"# {one.id}: {' '.join(one.unsupported[ENGINE].split())}\n" for one in missing]
    return {RULES_PATH: _ascii("".join(parts).rstrip("\n") + "\n")}


def _ascii(text: str) -> bytes:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.isascii():
            raise ValueError(f"{RULES_PATH}:{number}: not ASCII: {line[:120]!r}")
    return text.encode("ascii")

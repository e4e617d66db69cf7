"""One rule: its text, and what a detection puts around the pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from melsec_nsm.definitions.model import Definition, Detection, Reference
from melsec_nsm.generate.suricata.addresses import ANY, group, negated
from melsec_nsm.generate.suricata.looks import CLIENT, PAIR, Counting, Look
from melsec_nsm.policy.addresses import INTERNAL

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
_ANYBODY = "any any -> any any"
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


class RuleMaker:
    """Makes the rules of a detection for one frame, which ``frame`` names as its messages do."""

    def __init__(self, definition: Definition, detection: Detection, frame: str, look: Look) -> None:
        self._definition, self._detection, self._look = definition, detection, look
        self._what = f"{_CATEGORY_WORDS[detection.category]} {frame} {detection.title}"

    def alert(
        self, protocol: str, body: Sequence[str], *, direction: str, note: str = "", companion: bool = False
    ) -> Rule:
        """A rule that raises an alert for a packet with a request (``direction``) or a response.

        A ``companion`` may find the same twice, as the octets of a stream are looked at in pieces that overlap.
        """
        detection, counting = self._detection, self._look.counting
        if counting is not None:
            body = [*(_pairs(detection, counting) if counting.once else ()), *body]
            repeats = [_counted(counting, direction)]
        else:
            repeats = _limit(detection.suppress) if companion or not self._look.each else []
        return self._rule(
            f"{protocol} {_parties(self._look.public, direction)}",
            note,
            *body,
            *repeats,
            *_references(detection.references),
            f"classtype:{_classtype(detection)}",
            f"target:{'dest_ip' if direction == 'request' else 'src_ip'}",
        )

    def silent(self, protocol: str, body: Sequence[str], *, note: str) -> Rule:
        """A rule that only notes something for others."""
        return self._rule(f"{protocol} {_ANYBODY}", note, "noalert", *body, f"classtype:{_classtype(self._detection)}")

    def _rule(self, traffic: str, note: str, *options: str) -> Rule:
        return Rule(
            header=f"alert {traffic}",
            options=(f'msg:"MELSEC {_quoted(" ".join([self._what, note]).rstrip())}"', *options),
            metadata=_metadata(self._definition, self._detection),
        )


def _parties(public: str, direction: str) -> str:
    """Who sends and who receives: anybody, or somebody with a public address."""
    if not public:
        return _ANYBODY
    client, server = (negated(INTERNAL), ANY) if public == CLIENT else (group(INTERNAL), negated(INTERNAL))
    sender, receiver = (client, server) if direction == "request" else (server, client)
    return f"{sender} any -> {receiver} any"


def _limit(seconds: int) -> list[str]:
    return [f"threshold:type limit, track by_both, count 1, seconds {seconds}"] if seconds else []


def _counted(counting: Counting, direction: str) -> str:
    """The keyword that as many PDUs of a party are one alert; the client sends requests and receives responses."""
    track = "by_src" if (counting.party == CLIENT) == (direction == "request") else "by_dst"
    if counting.party == PAIR:
        track = "by_both"
    return f"threshold:type both, track {track}, count {counting.count}, seconds {counting.seconds}"


def _pairs(detection: Detection, counting: Counting) -> list[str]:
    """The keywords that a pair of hosts counts but once in the interval."""
    name = f"MELSEC.{detection.id}.pair"
    return [
        f"xbits:isnotset,{name},track ip_pair",
        f"xbits:set,{name},track ip_pair,expire {counting.seconds}",
    ]


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

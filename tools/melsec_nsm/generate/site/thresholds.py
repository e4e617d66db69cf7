"""What a policy changes of the published rules: lines for Suricata's ``threshold-file``.

Rules of detections that are off say nothing, others say nothing of the hosts that are excepted, and those that count
do so as the policy wants. `public-address` of the published rules is silent, as the rules of the site know which public
addresses are its own. That of the rules of the site (`rules`) is in them already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from melsec_nsm.definitions import lock as numbers
from melsec_nsm.definitions.model import Definition, Detection, LockEntry
from melsec_nsm.generate.suricata.addresses import group
from melsec_nsm.generate.suricata.backend import is_published
from melsec_nsm.generate.suricata.looks import SITELESS
from melsec_nsm.generate.suricata.rule import Rule
from melsec_nsm.generate.suricata.rules import rules_for
from melsec_nsm.policy.compiled import CompiledPolicy
from melsec_nsm.policy.model import Tuning

_HEAD = """\
# Site policy {site}, made by `melsec-nsm policy compile`. Do not edit.
# What it changes of the published rules. Suricata reads one threshold-file: append this one to yours.

"""


class _Published(NamedTuple):
    sid: int
    rule: Rule

    @property
    def threshold(self) -> str | None:
        """The keyword that says how often the rule has to match."""
        return next((one for one in self.rule.options if one.startswith("threshold:type both")), None)

    @property
    def client(self) -> str:
        """The side of the packet that the client is on."""
        return "by_src" if "target:dest_ip" in self.rule.options else "by_dst"


def render(site: CompiledPolicy, definition: Definition, lock: Mapping[str, LockEntry]) -> bytes:
    """The lines. KeyError for rules that the lock has no numbers for."""
    lines: list[str] = []
    for name, detection in sorted(definition.detections.items()):
        if is_published(detection) and (detection.when.policy in SITELESS or name in site.policy.tunings):
            lines += _lines(site, detection, _published(definition, detection, lock[name]))
    return (_HEAD.format(site=site.policy.site) + "".join(f"{line}\n" for line in lines)).encode("ascii")


def _published(definition: Definition, detection: Detection, entry: LockEntry) -> list[_Published]:
    rules = rules_for(definition, detection)
    return [
        _Published(numbers.sid(entry, variant), rule)
        for variant, rule in rules.items()
        if "noalert" not in rule.options
    ]


def _lines(site: CompiledPolicy, detection: Detection, published: list[_Published]) -> Iterator[str]:
    tuning = site.policy.tunings.get(detection.id)
    if detection.when.policy in SITELESS or (tuning is not None and not tuning.enabled):
        yield from (f"suppress gen_id 1, sig_id {one.sid}" for one in published)
    elif tuning is not None:
        for one in published:
            yield from _tuned(site, one, tuning)


def _tuned(site: CompiledPolicy, one: _Published, tuning: Tuning) -> Iterator[str]:
    spared = [network for host in sorted(tuning.spared) for network in site.policy.hosts[host].networks]
    if spared:
        yield f"suppress gen_id 1, sig_id {one.sid}, track {one.client}, ip {group(spared)}"
    if one.threshold is None or (tuning.count is None and tuning.seconds is None):
        return
    words = dict(word.strip().split(" ", 1) for word in one.threshold.removeprefix("threshold:").split(","))
    words |= {"count": str(tuning.count or words["count"]), "seconds": str(tuning.seconds or words["seconds"])}
    said = ", ".join(f"{key} {value}" for key, value in words.items())
    yield f"threshold gen_id 1, sig_id {one.sid}, {said}"

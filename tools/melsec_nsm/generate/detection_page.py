"""Reference page of the detections: what each means, which engine raises it, and why another does not."""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.definitions.model import ENGINES, Definition, Detection, Reference
from melsec_nsm.generate import suricata
from melsec_nsm.generate.text import NOTE, table

PATH = "tools/docs/detections.md"
ENGINE_NAMES = {"reference": "`melsec-nsm analyze`", "zeek": "Zeek", "suricata": "Suricata"}
"""What pages call the engines."""

_ADVISORY_URL = "https://www.cisa.gov/news-events/ics-advisories/"
_CVE_URL = "https://www.cve.org/CVERecord?id="


def render(definition: Definition) -> dict[str, bytes]:
    """The page by its path in the checkout."""
    return {PATH: ("\n".join(_page(definition)).rstrip("\n") + "\n").encode("utf-8")}


def _page(definition: Definition) -> Iterator[str]:
    detections = [one for _, one in sorted(definition.detections.items())]
    yield from (f"<!-- {NOTE} -->", "", "# Detections", "")
    yield "An alert is raised once for a client and a server, for an operation once per file or other object, and again"
    yield "after the interval that stands with each detection. Suricata does not remember names of files: it raises an"
    yield "alert for every file that is opened, and one in the interval where each request names its file."
    yield ""
    yield "What no rule of Suricata sees: a PDU that is split over segments of a connection older than the sensor,"
    yield "unless `stream.midstream` is on, and one that stands behind octets that are no PDU in one segment. Where"
    yield "several PDUs share a segment or are split, it finds them, but counts fewer than there are; where a span port"
    yield "delivers packets twice, it counts more."
    yield ""
    yield "`off`: the rules of Suricata ship disabled, as what they tell happens in every plant all day;"
    yield "[how to enable them](update.md#informational-rules)."
    yield ""
    yield from table(
        ("id", "severity", "what", *(ENGINE_NAMES[name] for name in ENGINES)),
        (
            (
                f"[`{one.id}`](#{one.id})",
                one.severity,
                one.title,
                *(_claim(one, name) for name in ENGINES),
            )
            for one in detections
        ),
    )
    for one in detections:
        yield from ("", f"## {one.id}", "", f"{one.title}. {' '.join(one.description.split())}", "")
        yield from _facts(definition, one)


def _claim(detection: Detection, engine: str) -> str:
    if engine not in detection.engines():
        return "no"
    claim = "in part" if engine in detection.limits else "yes"
    return f"{claim}, off" if engine == "suricata" and _ships_disabled(detection) else claim


def _ships_disabled(detection: Detection) -> bool:
    return suricata.is_published(detection) and not suricata.is_enabled(detection)


def _facts(definition: Definition, detection: Detection) -> Iterator[str]:
    yield f"* Severity: {detection.severity}. Confidence: {detection.confidence}. Category: {detection.category}."
    if detection.attack:
        techniques = ", ".join(f"{name} {definition.techniques[name]}" for name in detection.attack)
        yield f"* ATT&CK for ICS: {techniques}."
    if detection.references:
        yield f"* References: {', '.join(map(_link, detection.references))}."
    threshold = detection.when.threshold
    if threshold is not None:
        what = f" different {threshold.distinct}s" if threshold.distinct else ""
        per = " or ".join(threshold.per)
        yield f"* Needs {threshold.count}{what} within {threshold.seconds} s, counted for each {per}."
    if detection.when.after:
        yield f"* Only shortly after {', '.join(f'`{name}`' for name in detection.when.after)}."
    yield f"* Raised again after {detection.suppress} s."
    for name, reason in detection.unsupported.items():
        yield f"* Not in {ENGINE_NAMES[name]}: {' '.join(reason.split())}."
    for name, limit in detection.limits.items():
        yield f"* In part in {ENGINE_NAMES[name]}: {' '.join(limit.reason.split())}."
    if _ships_disabled(detection):
        yield "* Ships disabled in Suricata, as it is informational: [how to enable it](update.md#informational-rules)."
    for title, lines in (("False positives", detection.false_positives), ("Triage", detection.triage)):
        if lines:
            yield f"* {title}:"
            yield from (f"  * {' '.join(line.split())}" for line in lines)


def _link(reference: Reference) -> str:
    if reference.kind == "cve":
        return f"[{reference.text}]({_CVE_URL}{reference.text})"
    if reference.kind == "advisory":
        return f"[{reference.text}]({_ADVISORY_URL}{reference.text.lower()})"
    return f"<{reference.text}>" if "://" in reference.text else reference.text

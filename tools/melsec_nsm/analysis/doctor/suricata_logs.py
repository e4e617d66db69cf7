"""What the logs of a Suricata say: packets that it did not get or look into, rules not reloaded, and MELSEC alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from melsec_nsm.analysis.doctor.logs import LOSS, number, seconds, tail
from melsec_nsm.analysis.doctor.model import ADVICE, INFORMATION, PROBLEM, Fact, Finding, Said
from melsec_nsm.analysis.doctor.suricata_rules import files, read
from melsec_nsm.analysis.doctor.suricata_settings import SUBJECT, Settings
from melsec_nsm.definitions import lock
from melsec_nsm.generate.site.rules import FIRST_SITE_SID

_STATS, _ALERT = b'"event_type":"stats"', b'"event_type":"alert"'
_STATS_LOG = "stats.log"
_COUNTERS = ("capture.kernel_packets", "capture.kernel_drops", "decoder.tcp", "tcp.invalid_checksum")


def examine(settings: Settings, folder: Path | None) -> Said:
    """``folder`` is that of the logs, where it is not the one that the settings name."""
    folder = folder or settings.logs
    eve = list(dict.fromkeys(settings.eve_files(folder)))
    stats: dict[str, Any] = {}
    alert: dict[str, Any] = {}
    for path in eve:
        for event in _events(path):
            if event.get("event_type") == "stats":
                stats = event
            elif _is_ours(event):
                alert = event
    counters = {name: number(_value(stats.get("stats"), name)) for name in _COUNTERS} if stats else {}
    if not stats and (folder / _STATS_LOG).is_file():
        counters = _stats_log(folder / _STATS_LOG)
    if not eve and not counters:
        yield Finding(
            SUBJECT, INFORMATION, f"there are no logs in {folder}: Suricata does not run, or writes elsewhere"
        )
        return
    yield from _lost(settings, counters)
    yield from _sums(settings, counters)
    yield from _reloaded(settings, stats)
    yield from _alerts(alert, eve)


def _events(path: Path) -> Iterator[dict[str, Any]]:
    for line in tail(path):
        if _STATS in line or (_ALERT in line and b"MELSEC" in line):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def _is_ours(event: dict[str, Any]) -> bool:
    sid = (event.get("alert") or {}).get("signature_id", 0)
    return isinstance(sid, int) and sid >= lock.FIRST_SID


def _value(tree: object, name: str) -> object:
    for word in name.split("."):
        tree = tree.get(word) if isinstance(tree, dict) else None
    return tree


def _stats_log(path: Path) -> dict[str, float]:
    """The last counters of ``name | thread | number`` lines."""
    found: dict[str, float] = {}
    for line in tail(path):
        name, _, rest = line.decode(errors="replace").partition("|")
        if name.strip() in _COUNTERS:
            found[name.strip()] = number(rest.rpartition("|")[2].strip())
    return found


def _lost(settings: Settings, counters: dict[str, float]) -> Said:
    packets, drops = counters.get("capture.kernel_packets", 0), counters.get("capture.kernel_drops", 0)
    share = 100 * drops / max(packets, drops, 1)
    if share > LOSS:
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"{share:.1f} % of the packets were dropped since Suricata began ({drops:.0f})",
            "ring-size: 100000",
            settings.place("af-packet, the interface"),
        )


def _sums(settings: Settings, counters: dict[str, float]) -> Said:
    """Whole PDUs are found in packets with wrong checksums; streams are not put together of them."""
    packets, wrong = counters.get("decoder.tcp", 0), counters.get("tcp.invalid_checksum", 0)
    share = 100 * wrong / max(packets, wrong, 1)
    if share > LOSS and not settings.off("stream.checksum-validation"):
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"{share:.1f} % of the TCP packets have wrong checksums, as network cards that compute them later make: "
            "PDUs that are split over segments are not seen",
            "checksum-validation: no",
            settings.place("stream"),
        )


def _reloaded(settings: Settings, stats: dict[str, Any]) -> Said:
    """Whether Suricata has read the rules since they changed."""
    engines = _value(stats.get("stats"), "detect.engines")
    loaded = max((seconds(one.get("last_reload")) for one in engines), default=0) if isinstance(engines, list) else 0
    if not loaded:
        return
    for file in files(settings):
        changed = file.stat().st_mtime
        if loaded < changed < seconds(stats.get("timestamp")) and any(True for _ in read(file)):
            yield Finding(
                SUBJECT,
                PROBLEM,
                f"Suricata has not read {file} since it changed",
                "suricatasc -c ruleset-reload-nonblocking",
            )


def _alerts(alert: dict[str, Any], eve: list[Path]) -> Said:
    """The last alert of ours, and whether it names its detection."""
    where = ", ".join(map(str, eve))
    if not alert:
        if eve:
            yield Finding(SUBJECT, INFORMATION, f"no alert of this bundle in {where}")
        return
    said = alert["alert"].get("metadata", {}).get("melsec_id")
    what = said[0] if isinstance(said, list) and said else alert["alert"].get("signature", "")
    yield Fact(SUBJECT, f"last alert: {what}, {alert.get('timestamp', '')} ({where})")
    if not said and alert["alert"]["signature_id"] < FIRST_SITE_SID:
        yield Finding(
            SUBJECT,
            ADVICE,
            "the last alert has no melsec_id: Suricata runs with other settings than these",
            "systemctl restart suricata",
        )

"""What the logs of a Zeek say: of packets that it did not get or did not look at, of its policy, and of MELSEC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

from melsec_nsm.analysis.doctor.logs import LOSS, Row, number, seconds, zeek_log, zeek_rows
from melsec_nsm.analysis.doctor.model import ADVICE, INFORMATION, PROBLEM, Fact, Finding, Said, guarded
from melsec_nsm.analysis.doctor.zeek import SUBJECT
from melsec_nsm.analysis.doctor.zeek_place import Zeek
from melsec_nsm.engines import EngineError

_NAMES = ("reporter", "weird", "capture_loss", "stats", "melsec", "conn")
_SUMS = ("bad_TCP_checksum", "bad_UDP_checksum", "bad_IP_checksum")
_OFFLOADED = ("likely receiving", "checksums")
_REFUSED, _TAKEN = "is not whole, or not for this version", "MELSEC: the policy of "
_SERVICE = "melsec_"
_LOAD_BALANCED = "interface=af_packet::ethX\nlb_method=custom\nlb_procs=4"
_CAPTURE_LOSS = "@load misc/capture-loss"


def examine(zeek: Zeek, folder: Path | None) -> Said:
    """``folder`` is that of the logs, where it is not the usual one."""
    yield from guarded(SUBJECT, _examined(zeek, folder))


def _examined(zeek: Zeek, folder: Path | None) -> Said:
    folder = folder or zeek.logs()
    if not folder.is_dir():
        yield Finding(SUBJECT, INFORMATION, f"there are no logs in {folder}: Zeek does not run, or writes elsewhere")
        return
    logs = {name: path for name in _NAMES if (path := zeek_log(folder, name)) is not None}
    for check in (_sums(logs, zeek), _policy(logs), _lost(logs, zeek), _seen(logs, folder)):
        yield from guarded(SUBJECT, check)


def _sums(logs: Mapping[str, Path], zeek: Zeek) -> Said:
    """Packets with checksums that the network card has yet to compute: Zeek does not look into them."""
    told = [row for row in _rows(logs, "reporter") if all(word in str(row.get("message")) for word in _OFFLOADED)]
    odd = sum(1 for row in _rows(logs, "weird") if row.get("name") in _SUMS)
    if (told or odd) and not _ignored(zeek):
        where = logs["reporter"] if told else logs["weird"]
        yield Finding(
            SUBJECT,
            PROBLEM if told else ADVICE,
            f"packets with wrong checksums ({where}), as network cards that compute them later make: passed over",
            "redef ignore_checksums = T;",
            str(zeek.local),
        )


def _ignored(zeek: Zeek) -> bool:
    """Whether Zeek is set up to look into them all the same."""
    if not zeek.local.is_file():
        return False
    try:
        settings, _ = zeek.parsed()
    except EngineError:
        return False
    return settings.get("ignore_checksums") == "T"


def _policy(logs: Mapping[str, Path]) -> Said:
    """What Zeek said last of the policy."""
    said = [
        row for row in _rows(logs, "reporter") if any(text in str(row.get("message")) for text in (_REFUSED, _TAKEN))
    ]
    if said and _REFUSED in str(said[-1]["message"]):
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"{said[-1]['message']} ({logs['reporter']})",
            "melsec-nsm policy compile SITE.yaml --out DIR",
        )


def _lost(logs: Mapping[str, Path], zeek: Zeek) -> Said:
    """Packets that did not come, and packets that Zeek was too slow for."""
    if "capture_loss" not in logs and "stats" not in logs:
        yield Finding(SUBJECT, INFORMATION, "whether packets get lost is not known", _CAPTURE_LOSS, str(zeek.local))
        return
    newest = {str(row.get("peer", "")): number(row.get("percent_lost")) for row in _rows(logs, "capture_loss")}
    bad = {peer: lost for peer, lost in newest.items() if lost > LOSS}
    dropped = {str(row.get("peer", "")): _dropped(row) for row in _rows(logs, "stats")}
    slow = {peer: lost for peer, lost in dropped.items() if lost > LOSS}
    place = f"{zeek.config / 'node.cfg'}, the worker"
    if slow:
        yield Finding(
            SUBJECT, PROBLEM, f"packets are dropped: {_shares(slow)} ({logs['stats']})", _LOAD_BALANCED, place
        )
    elif bad:
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"packets are missing: {_shares(bad)} ({logs['capture_loss']}); if Zeek drops none, the mirror port does",
            _LOAD_BALANCED,
            place,
        )


def _dropped(row: Row) -> float:
    lost, seen = number(row.get("pkts_dropped")), number(row.get("pkts_link"))
    return 100 * lost / max(seen, lost, 1)


def _shares(by_peer: Mapping[str, float]) -> str:
    return ", ".join(f"{peer} {share:.1f} %" for peer, share in sorted(by_peer.items()))


def _seen(logs: Mapping[str, Path], folder: Path) -> Said:
    """When MELSEC was seen last."""
    last = max((seconds(row.get("ts")) for row in _rows(logs, "melsec")), default=0.0)
    if last:
        when = datetime.fromtimestamp(last, timezone.utc)
        yield Fact(SUBJECT, f"last line of melsec.log: {when:%Y-%m-%dT%H:%M:%SZ} ({logs['melsec']})")
    elif "conn" in logs:
        flows = sum(1 for row in _rows(logs, "conn") if _SERVICE in str(row.get("service")))
        yield Finding(
            SUBJECT,
            INFORMATION,
            f"no MELSEC has been logged in {folder}"
            + (
                f", though conn.log has {flows} connections of it" if flows else ": none on this wire, or none mirrored"
            ),
        )


def _rows(logs: Mapping[str, Path], name: str) -> Iterator[Row]:
    if name in logs:
        yield from zeek_rows(logs[name])

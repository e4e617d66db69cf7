"""Engines against the manifest: what each said of a capture, and where that differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from melsec_nsm.engines.base import Engine, Result

MANIFEST = "manifest.yaml"


class ManifestError(Exception):
    """The captures cannot be compared. One line, fit to be shown to a user."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the manifest says of a capture."""

    capture: Path
    transactions: Mapping[tuple[str, str, str, str], int]
    detections: Mapping[str, Mapping[str, int]]
    unjudged: frozenset[str] = frozenset()
    """Detections of which nothing is expected, either way."""
    case: str = ""
    policy: Path | None = None
    """Name and policy of a case: a capture judged under a policy."""

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.case or self.capture.stem


@dataclass(frozen=True, slots=True)
class CaptureVerdict:
    """What the engines said of one capture; ``differences`` holds lines per engine that disagrees."""

    capture: str
    expectation: Expectation
    engines: Mapping[str, Result]
    differences: Mapping[str, Sequence[str]] = field(default_factory=dict)


def expectations(paths: Sequence[Path]) -> list[Expectation]:
    """What the manifests beside the given captures (or in the given directories) expect.

    Raises:
        ManifestError: no manifest, a manifest that cannot be read, a capture that it does not name.
    """
    wanted: list[Expectation] = []
    for path in paths:
        folder = path if path.is_dir() else path.parent
        if not path.exists():
            raise ManifestError(f"{path}: no such file or directory")
        entries = _manifest(folder / MANIFEST)
        found = [one for one in entries if path.is_dir() or one.capture.stem == path.stem]
        wanted += found
        if not found and not path.is_dir():
            raise ManifestError(f"{path}: {folder / MANIFEST} says nothing of this capture")
    return wanted


def _manifest(path: Path) -> list[Expectation]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        captures = {
            entry["capture"]: Expectation(
                path.parent / f"{entry['capture']}.pcap",
                {
                    (row["protocol"], row["frame"], row["encoding"], row["command"]): row["count"]
                    for row in entry["transactions"]
                },
                entry["detections"],
                frozenset(entry.get("unjudged", ())),
            )
            for entry in content["captures"]
        }
        cases = [
            replace(
                captures[entry["capture"]],
                detections=entry["detections"],
                case=entry["case"],
                policy=path.parent / entry["policy"],
            )
            for entry in content.get("cases", ())
        ]
        return [*captures.values(), *cases]
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file; `melsec-nsm pcap build` writes it") from None
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ManifestError(f"{path}: not a manifest ({reason})") from None


def judge(
    wanted: Sequence[Expectation], engines: Sequence[Engine], workers: int, progress: Callable[[], None] = lambda: None
) -> list[CaptureVerdict]:
    """Every engine's verdict on every capture, in the order of the manifest; on cases where it judges policies."""

    def one(job: tuple[Expectation, Engine]) -> tuple[Expectation, Result]:
        expectation, engine = job
        result = engine.run(expectation.capture, expectation.policy)
        progress()
        return expectation, result

    jobs = [(expectation, engine) for expectation in wanted for engine in engines]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        found = list(pool.map(one, jobs))
    verdicts = []
    for expectation in wanted:
        results = {result.engine: result for owner, result in found if owner is expectation}
        differences = {name: lines for name, result in results.items() if (lines := compare(expectation, result))}
        verdicts.append(CaptureVerdict(expectation.name, expectation, results, differences))
    return verdicts


def compare(expectation: Expectation, result: Result) -> list[str]:
    """Where a verdict differs from what is expected, a line each."""
    lines: list[str] = []
    if result.transactions is not None:
        seen = {(row.protocol, row.frame, row.encoding, row.command): row.count for row in result.transactions}
        for key in sorted(set(seen) | set(expectation.transactions)):
            if seen.get(key, 0) != expectation.transactions.get(key, 0):
                expected = expectation.transactions.get(key, 0)
                lines.append(f"{' '.join(key)}: {seen.get(key, 0)} transactions, {expected} expected")
    raised = {row.id: row.count for row in result.detections}
    wanted = expectation.detections.get(result.engine, {})
    for name in sorted((set(raised) | set(wanted)) - expectation.unjudged):
        if raised.get(name, 0) != wanted.get(name, 0):
            lines.append(f"{name}: raised {raised.get(name, 0)} times, {wanted.get(name, 0)} expected")
    return lines


def cells(detection: str, engine: str, verdicts: Sequence[CaptureVerdict]) -> str:
    """``5 / 5``: captures in which a detection fired, of those in which it must; ``+1`` where it must not have."""
    expected = fired = false = 0
    for verdict in verdicts:
        result = verdict.engines.get(engine)
        if result is None and verdict.expectation.policy is not None:
            continue
        wanted = detection in verdict.expectation.detections.get(engine, {})
        raised = result is not None and any(row.id == detection for row in result.detections)
        raised = raised and detection not in verdict.expectation.unjudged
        expected += wanted
        fired += wanted and raised
        false += raised and not wanted
    return f"{fired} / {expected}" + (f" +{false}" if false else "")

"""Zeek as an engine: the analyzers compiled once per Zeek and grammar, one run per capture in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from melsec_nsm import policy as policies
from melsec_nsm.codec.about import MAX_VALUES_TEXT
from melsec_nsm.definitions import load
from melsec_nsm.engines.base import (
    Alert,
    Asset,
    Availability,
    EngineError,
    Operation,
    Record,
    Result,
    TransactionCount,
    summed,
)
from melsec_nsm.engines.cleaned import Cleaned, cleaned
from melsec_nsm.engines.hlto import compiled
from melsec_nsm.engines.locate import ZEEK, locate
from melsec_nsm.engines.process import run
from melsec_nsm.engines.share import zeek_analyzer, zeek_scripts
from melsec_nsm.generate.site import TABLE, install, table
from melsec_nsm.policy.compiled import CompiledPolicy

Row = dict[str, Any]

_COLUMNS = {"klass": "class"}
_FIELDS = tuple(one.name for one in fields(Record))
_OPERATION = tuple(one.name for one in fields(Operation))
_VALUES = ("MELSEC::log_values=T", f"MELSEC::max_values_length={MAX_VALUES_TEXT}")
_OPTIONS = ("LogAscii::use_json=T", "LogAscii::json_timestamps=JSON::TS_EPOCH")


class ZeekEngine:
    """Judges captures with Zeek 8.0 or newer.

    ``analyzer`` and ``scripts`` are the folders of the package: those of the checkout or the
    installed package unless given.
    """

    name = "zeek"

    def __init__(self, analyzer: Path | None = None, scripts: Path | None = None) -> None:
        self._analyzer = analyzer or zeek_analyzer()
        self._scripts = scripts or zeek_scripts()
        # A run must not ask for the version again and again.
        self._located: Availability | None = None

    def availability(self) -> Availability:
        """Whether and where Zeek is, with all that compiling the analyzers takes."""
        here = locate(ZEEK)
        if here.path is None or here.version is None:
            return here
        for reason, remedy in self.lacks(Path(here.path)):
            return Availability(self.name, None, here.path, reason, remedy)
        return here

    def run(self, capture: Path, policy: Path | None = None) -> Result:
        """What the logs say about a capture. EngineError, PolicyError."""
        with _policy_file(policy) as options, self._logs(capture, *options) as (logs, readable):
            result = read_result(logs, str(capture), readable.warnings)
            return replace(result, truncated=readable.truncated)

    def records(self, capture: Path, *options: str) -> list[Record]:
        """The lines of ``melsec.log`` with the values in them. ``options`` are settings such as ``MELSEC::x=T``.

        EngineError, also where Zeek complained of anything.
        """
        with self._logs(capture, *_VALUES, *options) as (logs, _):
            for complaint in complaints(logs):
                raise EngineError(f"zeek: {complaint}")
            return [record(row) for row in rows(logs, "melsec")]

    @contextmanager
    def _logs(self, capture: Path, *options: str) -> Iterator[tuple[Path, Cleaned]]:
        """A folder with the logs of a run, and the capture as it was read. EngineError."""
        here = self._located = self._located or self.availability()
        if here.version is None or here.path is None:
            raise EngineError(f"zeek: {here.reason}; {here.remedy}")
        program = Path(here.path)
        hlto = compiled(self._analyzer, compiler(program), here.version)
        with tempfile.TemporaryDirectory(prefix="melsec-nsm-zeek-") as name:
            folder = Path(name)
            readable = cleaned(capture, folder)
            logs, plugins = folder / "logs", folder / "plugins"
            logs.mkdir()
            plugins.mkdir()
            # An empty plugin folder: a package that is installed in this Zeek would register the analyzers twice.
            environment = dict(os.environ) | {"ZEEK_PLUGIN_PATH": str(plugins), "TZ": "UTC", "LC_ALL": "C"}
            command: list[str | Path] = [program, "-C", "-r", readable.path, hlto, self._scripts, *_OPTIONS, *options]
            outcome = run(command, logs, environment)
            if outcome.code != 0:
                raise EngineError(f"zeek: {outcome.failure()}")
            yield logs, readable

    def lacks(self, program: Path) -> Iterator[tuple[str, str]]:
        """What is missing beside Zeek itself, with its remedy."""
        if not compiler(program).is_file():
            yield "its Spicy compiler spicyz is missing", "install Zeek's Spicy development package (zeek-spicy-dev)"
        if not (os.environ.get("HILTI_CXX") or any(shutil.which(name) for name in ("c++", "g++", "clang++"))):
            yield "there is no C++ compiler for its Spicy analyzers", "sudo apt-get install g++"
        if not (self._analyzer / "melsec.evt").is_file() or not (self._scripts / "__load__.zeek").is_file():
            yield f"the package's files are missing in {self._scripts.parent}", "run `melsec-nsm generate`"


@contextmanager
def _policy_file(policy: Path | None) -> Iterator[tuple[str, ...]]:
    """The options that have Zeek judge by a policy."""
    if policy is None:
        yield ()
        return
    definition = load()
    site = CompiledPolicy(policies.load(policy, definition), definition)
    with tempfile.TemporaryDirectory(prefix="melsec-nsm-policy-") as name:
        path, *_ = install(Path(name), {TABLE: table.render(site)})
        yield (f"MELSEC::policy_file={path}",)


def compiler(program: Path) -> Path:
    """The Spicy compiler that belongs to a Zeek, which a link may lead to from another folder."""
    beside = program.parent / "spicyz"
    return beside if beside.is_file() else program.resolve().parent / "spicyz"


def read_result(logs: Path, capture: str, warnings: Iterable[str] = ()) -> Result:
    """The verdict that a folder of JSON logs holds."""
    raised = tuple(alerts(rows(logs, "notice")))
    return Result(
        engine=ZeekEngine.name,
        capture=capture,
        transactions=transactions(rows(logs, "melsec")),
        detections=summed(raised),
        alerts=raised,
        assets=assets(rows(logs, "melsec_assets")),
        confirmed=any("melsec" in str(row.get("service", "")) for row in rows(logs, "conn")),
        warnings=(*warnings, *complaints(logs)),
        operations=tuple(sorted(map(operation, rows(logs, "melsec_engineering")), key=lambda one: one.ts)),
    )


def rows(logs: Path, name: str) -> Iterator[Row]:
    """The lines of a log, none where there is no such log. EngineError for a line that is no JSON."""
    path = logs / f"{name}.log"
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                # A float would lose the last digits of a time.
                yield json.loads(line, parse_float=Decimal)
            except ValueError:
                raise EngineError(f"zeek: {path.name}:{number}: not JSON") from None


def transactions(log: Iterable[Row]) -> tuple[TransactionCount, ...]:
    """Requests by command. A line with ``repeats`` stands for as many; one without a request for none."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for row in log:
        if "request_len" in row:
            key = (row["protocol"], row["frame"], row["encoding"], row["command"])
            counts[key] += 0 if row.get("again") else int(row.get("repeats", 1))
    return tuple(TransactionCount(*key, count) for key, count in sorted(counts.items()))


def record(row: Row) -> Record:
    """A line of ``melsec.log``."""
    named: dict[str, Any] = {field: row.get(_COLUMNS.get(field, field)) for field in _FIELDS}
    named["ts"] = _nanoseconds(row)
    named["rtt"] = round(row["rtt"] * 1_000_000) if "rtt" in row else None
    return Record(**named | {"again": row.get("again", False)})


def operation(row: Row) -> Operation:
    """A line of ``melsec_engineering.log``."""
    named: dict[str, Any] = {name: row[name] for name in _OPERATION if name in row}
    return Operation(**{"client": ""} | named | {"ts": _nanoseconds(row)})


def _nanoseconds(row: Row) -> int:
    # Zeek computes with floats: the last digit of the microseconds has to be rounded back.
    micros: int = round(row["ts"] * 1_000_000)
    return micros * 1000


def alerts(log: Iterable[Row]) -> Iterator[Alert]:
    """The notices that are detections of ours."""
    for row in log:
        if row.get("melsec_detection"):
            ts = int(Decimal(row["ts"]) * 1_000_000_000)
            yield Alert(row["melsec_detection"], ts, row.get("src", ""), row.get("dst", ""))


def assets(log: Iterable[Row]) -> tuple[Asset, ...]:
    """What was learnt of each host; a later line adds to the earlier ones."""
    known: dict[str, Asset] = {}
    for row in log:
        host = str(row["host"])
        before = known.get(host, Asset(host, "", "", ()))
        found: dict[str, Any] = {
            name: row[name] for name in ("model", "series", "mac", "firmware", "serial") if row.get(name)
        }
        for name in ("advisories", "protocols"):
            found[name] = tuple(sorted({*getattr(before, name), *row.get(name, ())}))
        found["ports"] = tuple(sorted({*before.ports, *row.get("ports", ())}, key=_port))
        known[host] = replace(before, **found)
    return tuple(known[host] for host in sorted(known))


def _port(text: str) -> tuple[int, str]:
    number, _, transport = text.partition("/")
    return int(number), transport


def complaints(logs: Path) -> list[str]:
    """Errors and warnings of the run, and analyzers of ours that failed; each text once."""
    found = [
        f"{str(row.get('level', '')).removeprefix('Reporter::').lower()}: {row.get('message', '')}"
        + (f" ({row['location']})" if row.get("location") else "")
        for row in rows(logs, "reporter")
        if row.get("level") != "Reporter::INFO"
    ]
    found += [
        f"{row.get('analyzer_name', '')} gave up on {row.get('uid', 'a flow')}: {row.get('failure_reason', '')}"
        for row in rows(logs, "analyzer")
        if "melsec" in str(row.get("analyzer_name", "")).lower()
    ]
    return list(dict.fromkeys(found))

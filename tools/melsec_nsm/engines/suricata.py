"""Suricata as an engine: one run per capture, in a folder of its own, with the configuration of this package."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from melsec_nsm import policy as policies
from melsec_nsm.definitions import load
from melsec_nsm.engines.base import Alert, Availability, EngineError, Result, summed
from melsec_nsm.engines.cleaned import cleaned
from melsec_nsm.engines.locate import SURICATA, locate
from melsec_nsm.engines.process import Outcome, run
from melsec_nsm.engines.share import suricata_rules
from melsec_nsm.generate import site
from melsec_nsm.generate.suricata import all_enabled
from melsec_nsm.policy.compiled import CompiledPolicy

_FILES = {
    "suricata.yaml": None,
    "classification.config": "classification-file",
    "reference.config": "reference-config-file",
    "threshold.config": "threshold-file",
}
"""Package data that a run needs, and the setting that names each."""

_THRESHOLDS = "threshold.config"

_PLACE = re.compile(r'error parsing signature "(?P<rule>.*)" from file .* at line (?P<line>\d+)$')
_CONFIGURED = re.compile(r"^\s*Configuration directory:\s*(\S+)", re.MULTILINE)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def shipped_rules() -> bytes:
    """All rules of the checkout or the installed package, also those that are off there. EngineError where none are."""
    path = suricata_rules()
    try:
        return all_enabled(path.read_bytes())
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror}; run `melsec-nsm generate`") from None


class SuricataEngine:
    """Judges captures with Suricata 7.0.3 or newer.

    ``rules`` gives the rule file. ``midstream`` lets the stream engine pick up connections whose
    beginning was not seen; the stock configuration does not.
    """

    name = "suricata"

    def __init__(
        self,
        rules: Callable[[], bytes] = shipped_rules,
        midstream: bool = False,
    ) -> None:
        self._rules = rules
        self._midstream = midstream
        # A run must not ask for the version again and again.
        self._located: Availability | None = None

    def availability(self) -> Availability:
        """Whether and where Suricata is."""
        return locate(SURICATA)

    def run(self, capture: Path, policy: Path | None = None) -> Result:
        """The alerts on a capture. EngineError, PolicyError."""
        program = self._program()
        with tempfile.TemporaryDirectory(prefix="melsec-nsm-suricata-") as name:
            folder = Path(name)
            readable = cleaned(capture, folder)
            rules, thresholds = self._rules(), b""
            if policy is not None:
                definition = load()
                files = site.render(CompiledPolicy(policies.load(policy, definition), definition), definition)
                rules, thresholds = rules + files[site.RULES], files[site.THRESHOLDS]
                for path, octets in files.items():
                    if path.endswith(site.DATA_SET):
                        (folder / Path(path).name).write_bytes(octets)
            command = [program, *self.arguments(folder, rules, thresholds)]
            outcome = run([*command, "-r", readable.path], folder, environment())
            if outcome.code != 0:
                raise EngineError(f"suricata: {_why(outcome)}")
            alerts = tuple(to_alerts(read_alerts(folder / "eve.json")))
            return Result(
                engine=self.name,
                capture=str(capture),
                transactions=None,
                detections=summed(alerts),
                alerts=alerts,
                assets=(),
                confirmed=None,
                warnings=(*readable.warnings, *_messages(outcome)),
                truncated=readable.truncated,
            )

    def self_test(self, rules: bytes | None = None) -> list[str]:
        """What Suricata has to say against rules (those of this engine unless given); empty where they load clean."""
        program = self._program()
        with tempfile.TemporaryDirectory(prefix="melsec-nsm-suricata-") as name:
            folder = Path(name)
            arguments = self.arguments(folder, self._rules() if rules is None else rules)
            outcome = run([program, "-T", *arguments], folder, environment())
        complaints = rule_errors(outcome) + _messages(outcome)
        if outcome.code != 0 and not complaints:
            complaints = [outcome.failure()]
        return complaints

    def settings(self, configuration: Path) -> dict[str, str]:
        """The settings in a ``suricata.yaml`` by their names (``outputs.1.eve-log.enabled``), as Suricata reads them.

        What it includes is in its place, and what is written twice counts as it does for Suricata. EngineError.
        """
        with tempfile.TemporaryDirectory(prefix="melsec-nsm-suricata-") as name:
            command = [self._program(), "--dump-config", "-c", str(configuration.absolute())]
            outcome = run(command, Path(name), environment())
        if outcome.code != 0:
            raise EngineError(outcome.failure().removeprefix("Error: "))
        lines = (line.partition(" = ") for line in outcome.stdout.splitlines())
        return {key: value for key, sign, value in lines if sign}

    def configuration_folder(self) -> Path | None:
        """Where this Suricata has its configuration, as it was built. EngineError."""
        with tempfile.TemporaryDirectory(prefix="melsec-nsm-suricata-") as name:
            outcome = run([self._program(), "--build-info"], Path(name), environment())
        found = _CONFIGURED.search(outcome.stdout)
        return Path(found[1]) if found else None

    def _program(self) -> str:
        here = self._located = self._located or self.availability()
        if here.version is None or here.path is None:
            raise EngineError(f"suricata: {here.reason}; {here.remedy}")
        return here.path

    def arguments(self, folder: Path, rules: bytes, thresholds: bytes = b"") -> list[str | Path]:
        """Writes what a run reads into the folder, and the command line that makes Suricata read that and no more."""
        (folder / "melsec.rules").write_bytes(rules)
        data = resources.files(__package__) / "data"
        arguments: list[str | Path] = []
        for file, setting in _FILES.items():
            (folder / file).write_bytes((data / file).read_bytes() + (thresholds if file == _THRESHOLDS else b""))
            arguments += ["--set", f"{setting}={folder / file}"] if setting else ["-c", folder / file]
        arguments += ["-S", folder / "melsec.rules", "-l", folder, "--data-dir", folder]
        arguments += ["-k", "none", "--runmode", "single", "--init-errors-fatal"]
        if self._midstream:
            arguments += ["--set", "stream.midstream=true"]
        return arguments


def read_alerts(path: Path) -> Iterator[dict[str, Any]]:
    """The alert events of an eve.json. EngineError for a line that is none."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                event = json.loads(line)
            except ValueError:
                raise EngineError(f"suricata: {path.name}:{number}: not JSON") from None
            if event.get("event_type") == "alert":
                yield event


def to_alerts(events: Iterable[dict[str, Any]]) -> Iterator[Alert]:
    """The alerts that carry ``melsec_id``, with the parties by their role in the exchange.

    Who is the controller says the rule's ``target``: it may be raised by a response.
    """
    for event in events:
        alert = event["alert"]
        client = alert.get("source", {}).get("ip", event.get("src_ip", ""))
        server = alert.get("target", {}).get("ip", event.get("dest_ip", ""))
        for detection in alert.get("metadata", {}).get("melsec_id", ()):
            yield Alert(detection, nanoseconds(event["timestamp"]), _address(client), _address(server))


def _address(text: object) -> str:
    """An address as other engines write it: EVE has those of IPv6 in full."""
    try:
        return str(ip_address(str(text)))
    except ValueError:
        return str(text)


def nanoseconds(timestamp: str) -> int:
    """``2026-01-01T00:00:00.000001+0000`` in ns since the epoch."""
    since = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%f%z") - _EPOCH
    return ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def rule_errors(outcome: Outcome) -> list[str]:
    """Rules that were refused: ``line 3: why: rule``."""
    errors: list[str] = []
    reasons: list[str] = []
    for line in (outcome.stderr + "\n" + outcome.stdout).splitlines():
        level, _, text = line.partition(": ")
        if level != "Error":
            continue
        place = _PLACE.search(text)
        if place is None:
            reasons.append(text.strip())
            continue
        errors.append(f"line {place['line']}: {'; '.join(reasons) or 'refused'}: {place['rule']}")
        reasons = []
    return errors


def _messages(outcome: Outcome) -> list[str]:
    """Warnings, one line each."""
    lines = (outcome.stderr + "\n" + outcome.stdout).splitlines()
    return [line.partition(": ")[2].strip() for line in lines if line.startswith("Warning: ")]


def _why(outcome: Outcome) -> str:
    errors = rule_errors(outcome)
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return f"melsec.rules {errors[0]}{more}"
    return outcome.failure().removeprefix("Error: ")


def environment() -> dict[str, str]:
    """Ours without what would redirect Suricata's log, and with one time zone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SC_LOG_")}
    return kept | {"TZ": "UTC", "LC_ALL": "C"}

"""The settings of a Suricata that watches, as Suricata itself reads its ``suricata.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path

from melsec_nsm.analysis.doctor.model import ADVICE, PROBLEM, Finding, Said
from melsec_nsm.policy.addresses import INTERNAL

SUBJECT = "suricata"

_ON = ("yes", "true", "on", "1")
"""What Suricata takes for yes, and what it takes for no."""
_OFF = ("no", "false", "off", "0")
_EVE = "eve-log"
_TIMED = re.compile(r"%[A-Za-z]")
"""How Suricata writes a time into the name of a file."""


@dataclass(frozen=True)
class Settings:
    """``values`` by their names, such as ``stream.midstream``, of the file ``path``."""

    path: Path
    values: Mapping[str, str]

    def text(self, name: str, otherwise: str = "") -> str:
        """A value; ``(null)`` is how Suricata shows that there is none."""
        value = self.values.get(name, otherwise)
        return otherwise if value == "(null)" else value

    def on(self, name: str) -> bool:
        """Whether it is said to be so."""
        return self.text(name).lower() in _ON

    def off(self, name: str) -> bool:
        """Whether it is said not to be so."""
        return self.text(name).lower() in _OFF

    def items(self, name: str) -> Iterator[tuple[str, str]]:
        """The entries of a list, each with its full name."""
        number = 0
        while f"{name}.{number}" in self.values:
            yield f"{name}.{number}", self.values[f"{name}.{number}"]
            number += 1

    def place(self, section: str) -> str:
        """Where a line has to go."""
        return f"{self.path}, {section}"

    @cached_property
    def rule_folder(self) -> Path:
        """Where rule files are looked for."""
        return self._beside(self.text("default-rule-path", "/etc/suricata/rules"))

    @cached_property
    def rule_files(self) -> tuple[str, ...]:
        """The rule files as they are named."""
        return tuple(value for _, value in self.items("rule-files"))

    @cached_property
    def threshold_file(self) -> Path:
        """The file of thresholds and suppressions."""
        return self._beside(self.text("threshold-file", "/etc/suricata/threshold.config"))

    @cached_property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self._beside(self.text("default-log-dir", "/var/log/suricata"))

    def _beside(self, path: str) -> Path:
        return Path(path) if Path(path).is_absolute() else self.path.parent / path

    def eve_logs(self) -> Iterator[str]:
        """The names of the EVE logs that are on: ``outputs.1.eve-log``."""
        for name, kind in self.items("outputs"):
            if kind == _EVE and self.on(f"{name}.{_EVE}.enabled"):
                yield f"{name}.{_EVE}"

    def eve_files(self, folder: Path) -> Iterator[Path]:
        """The EVE files that are there; of those that are named after the time, the newest. OSError."""
        for name in self.eve_logs():
            if self.text(f"{name}.filetype", "regular") != "regular":
                continue
            path = folder / self.text(f"{name}.filename", "eve.json")
            if self.on(f"{name}.threaded"):
                # One for each thread: eve.1.json.
                yield from sorted(path.parent.glob(f"{path.stem}.*{path.suffix}"))
            elif (pattern := _TIMED.sub("*", path.name)) != path.name:
                yield from sorted(path.parent.glob(pattern), key=lambda one: one.stat().st_mtime)[-1:]
            elif path.is_file():
                yield path

    def variable(self, name: str) -> str | None:
        """An address or port variable; None where there is none."""
        for group in ("address-groups", "port-groups"):
            if f"vars.{group}.{name}" in self.values:
                return self.text(f"vars.{group}.{name}")
        return None


def examine(settings: Settings) -> Said:
    """What of the settings keeps alerts away, whatever rules are loaded."""
    yield from _midstream(settings)
    yield from _eve(settings)


def _midstream(settings: Settings) -> Said:
    if not settings.on("stream.midstream"):
        yield Finding(
            SUBJECT,
            ADVICE,
            "stream.midstream is off: in connections that are older than the sensor, PDUs that are split over "
            "segments are not seen",
            "midstream: true",
            settings.place("stream"),
        )


def _eve(settings: Settings) -> Said:
    """Whether alerts are written, with the metadata that name the detection."""
    logs = list(settings.eve_logs())
    alerts = [name for log in logs if (name := _alert(settings, log))]
    if not alerts:
        place = f"outputs, {_EVE}, types" if logs else "outputs"
        line = (
            "- alert:" if logs else f"- {_EVE}: {{enabled: yes, filetype: regular, filename: eve.json, types: [alert]}}"
        )
        yield Finding(SUBJECT, PROBLEM, "no EVE log has alerts", line, settings.place(place))
        return
    for name in alerts:
        # What is not said is logged; a mapping says what is.
        for key in ("metadata", "metadata.rule.metadata"):
            if settings.off(f"{name}.{key}"):
                yield Finding(
                    SUBJECT,
                    PROBLEM,
                    f"alerts are written without the metadata of their rules ({key}: no), so that melsec_id is not in "
                    "them",
                    f"{key.rpartition('.')[2]}: yes",
                    settings.place(", ".join(["outputs", _EVE, "types", "alert", *key.split(".")[:-1]])),
                )


def _alert(settings: Settings, log: str) -> str | None:
    """The name of the settings of alerts of an EVE log, None where it has none."""
    for name, kind in settings.items(f"{log}.types"):
        if kind == "alert" and not settings.off(f"{name}.alert.enabled"):
            return f"{name}.alert"
    return None


def public_home(settings: Settings) -> str:
    """The first of the networks in HOME_NET that are public, empty where there is none, or where it cannot be told."""
    for word in settings.text("vars.address-groups.HOME_NET").strip("[] ").split(","):
        try:
            network = ip_network(word.strip(), strict=False)
        except ValueError:
            continue
        if not any(network.version == one.version and network.subnet_of(one) for one in INTERNAL):  # type: ignore[arg-type]
            return str(network)
    return ""

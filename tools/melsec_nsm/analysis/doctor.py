"""The state of this machine: which engines are here, what is missing, and the line that mends it. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm import __version__
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Availability, Engine, EngineError
from melsec_nsm.engines.share import checkout, share, suricata_rules, zeek_analyzer, zeek_scripts
from melsec_nsm.engines.suricata import SuricataEngine
from melsec_nsm.generate import project

_ON = ("yes", "true", "on", "1")
"""What Suricata takes for yes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is missing or wrong, and what mends it."""

    subject: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class Report:
    """The engines in the order of tables, facts about the installation, and findings."""

    engines: tuple[Availability, ...]
    facts: tuple[str, ...]
    findings: tuple[Finding, ...]

    def line(self) -> str:
        """Each engine and its version, or that it is absent, in one line."""
        return "engines: " + ", ".join(f"{engine.engine} {engine.version or 'absent'}" for engine in self.engines)

    def lines(self) -> list[str]:
        """The whole report: what is here, then what is not as it should be."""
        return [
            *self.facts,
            *(
                f"{engine.engine}: {engine.version}" + (f" ({engine.path})" if engine.path else "")
                for engine in self.engines
                if engine.version
            ),
            *(str(finding) for finding in self.findings),
        ]


def examine(engines: Mapping[str, Engine], definition: Definition | None = None) -> Report:
    """Looks at the engines and at the files they load. DefinitionError where the definition cannot be used."""
    availabilities = tuple(engine.availability() for engine in engines.values())
    findings = [Finding(one.engine, one.reason, one.remedy) for one in availabilities if one.version is None]
    root = checkout()
    findings += _stale(root, definition or load()) if root else _missing()
    here = {one.engine for one in availabilities if one.version}
    findings += [finding for name in engines if name in here for finding in _refused(engines[name])]
    facts = [fact for name in engines if name in here for fact in _unseen(engines[name])]
    place = f"checkout {root}" if root else f"installed package, files for the sensors in {share()}"
    return Report(availabilities, (f"melsec-nsm {__version__}: {place}", *facts), tuple(findings))


def _stale(root: Path, definition: Definition) -> Iterable[Finding]:
    """Generated files of a checkout that are not what the definition gives."""
    paths = project.stale(root, project.render(definition))
    if paths:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield Finding("generated files", f"{paths[0]}{more} missing or stale", "run `melsec-nsm generate`")


def _missing() -> Iterable[Finding]:
    """Files that an installed package lacks."""
    for path in (zeek_analyzer() / "melsec.evt", zeek_scripts() / "__load__.zeek", suricata_rules()):
        if not path.is_file():
            yield Finding("package", f"{path} is missing", "install melsec-nsm again")


def _unseen(engine: Engine) -> Iterable[str]:
    """What the Suricata of this machine, as it is set up, does not see."""
    if not isinstance(engine, SuricataEngine):
        return
    try:
        settings = engine.settings()
    except EngineError:
        return
    if settings and settings.get("stream.midstream", "no") not in _ON:
        yield (
            "suricata.yaml: stream.midstream is off: in connections that are older than the sensor, PDUs that are "
            "split over segments are not seen"
        )


def _refused(engine: Engine) -> Iterable[Finding]:
    """Rules that the Suricata of this machine does not load."""
    if isinstance(engine, SuricataEngine):
        try:
            complaints = engine.self_test()
        except EngineError as error:
            complaints = [str(error)]
        for complaint in complaints:
            yield Finding("suricata rules", complaint, "")

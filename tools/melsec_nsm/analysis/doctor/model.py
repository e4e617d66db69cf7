"""What the examination of a machine gives: what is here, what is not as it should be, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melsec_nsm.engines import Availability, EngineError

PROBLEM = "problem"
"""Something is missed or not judged because of it."""
ADVICE = "advice"
"""Something may be missed, or could not be looked at."""
INFORMATION = "information"
"""Nothing is wrong with it."""
SEVERITIES = (PROBLEM, ADVICE, INFORMATION)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is missing or wrong.

    ``mend`` is the line that mends it: one for the file that ``place`` names (with the section it goes into), or a
    command where ``place`` is empty.
    """

    subject: str
    severity: str
    problem: str
    mend: str = ""
    place: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is as it is."""

    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


POLICY = Path("/etc/melsec-nsm")
"""Where a policy is usually compiled to."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are that are not where the sensors themselves say. ``zeek`` is a prefix or a program."""

    suricata_conf: Path | None = None
    suricata_logs: Path | None = None
    zeek: Path | None = None
    zeek_logs: Path | None = None
    policy: Path = POLICY


Said = Iterator[Finding | Fact]
"""What a check has to say: nothing where all is well and not worth a line."""


@dataclass(frozen=True, slots=True)
class Report:
    """The engines in the order of tables, facts, and findings with the severest first."""

    engines: tuple[Availability, ...]
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing has to be mended or looked at."""
        return all(one.severity == INFORMATION for one in self.findings)

    def line(self) -> str:
        """Each engine and its version, or that it is absent, in one line."""
        return "engines: " + ", ".join(f"{engine.engine} {engine.version or 'absent'}" for engine in self.engines)

    def document(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "engines": [{"engine": one.engine, "version": one.version, "path": one.path} for one in self.engines],
            "facts": [{"subject": one.subject, "text": one.text} for one in self.facts],
            "findings": [
                {
                    "subject": one.subject,
                    "severity": one.severity,
                    "finding": one.problem,
                    "mend": one.mend,
                    "place": one.place,
                }
                for one in self.findings
            ],
        }


def unread(subject: str, path: object, why: object) -> Finding:
    """That something could not be looked at, so that nothing is known of it."""
    return Finding(subject, ADVICE, f"cannot be looked at: {path}: {why}", "sudo melsec-nsm doctor")


def guarded(subject: str, said: Said) -> Said:
    """What a check has to say; where a file or a program keeps it from that, so much."""
    try:
        yield from said
    except (OSError, EOFError) as error:
        # A compressed log that is cut off has neither name nor number.
        yield unread(subject, getattr(error, "filename", None) or "a file", getattr(error, "strerror", None) or error)
    except EngineError as error:
        yield unread(subject, subject, error)

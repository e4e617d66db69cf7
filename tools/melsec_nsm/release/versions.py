"""The version of a release: one number in the package, the changes, the tag that zkg installs, and the archive."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from melsec_nsm.release import ReleaseError

CHANGES = "CHANGES.md"
VERSION_PATH = "tools/melsec_nsm/__init__.py"
"""Where the version of the package stands, which pyproject.toml takes."""

UNRELEASED = "unreleased"

_HEADING = re.compile(r"^## +(?P<version>\S+)(?: +\((?P<when>[^)]*)\))? *$")
_TAG = re.compile(r"^v(\d+)\.(\d+)\.(\d+)$")

Number = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of the newest changes: version, its date in brackets, and its line in the file."""

    version: str
    when: str
    line: int

    @property
    def day(self) -> date | None:
        """The day of the release, None where the brackets hold none."""
        try:
            return date.fromisoformat(self.when)
        except ValueError:
            return None


def newest(root: Path) -> Heading:
    """The first heading of the changes. ReleaseError where there is none."""
    try:
        lines = (root / CHANGES).read_text("utf-8").splitlines()
    except OSError as error:
        raise ReleaseError(f"{CHANGES}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if (found := _HEADING.match(line)) is not None:
            return Heading(found["version"], found["when"] or "", number)
    raise ReleaseError(f"{CHANGES}: no heading such as `## 1.2.3 (2026-01-31)`")


def tag_of(version: str) -> str:
    """The tag of a version."""
    return f"v{version}"


def number_of(tag: str) -> Number | None:
    """The number in the tag of a release, None for another tag."""
    found = _TAG.match(tag)
    return (int(found[1]), int(found[2]), int(found[3])) if found is not None else None


def highest(tags: Iterable[str], but: str = "") -> str | None:
    """The release with the highest number among tags, ``but`` one."""
    numbered = [(number, tag) for tag in tags if tag != but and (number := number_of(tag)) is not None]
    return max(numbered)[1] if numbered else None

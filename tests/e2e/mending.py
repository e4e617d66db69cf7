"""Does what a finding of doctor's says: puts its line where it belongs, or runs its command."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from melsec_nsm.analysis.doctor.model import INFORMATION, Fact, Finding

_HEAD = "%YAML 1.1\n---\n"


def findings(said: Iterable[Finding | Fact]) -> list[Finding]:
    """The findings of a check that have to be mended."""
    return [one for one in said if isinstance(one, Finding) and one.severity != INFORMATION]


def load(file: Path) -> Any:
    """A ``suricata.yaml``."""
    return yaml.safe_load(file.read_text())


def dump(file: Path, tree: object) -> None:
    """Writes a ``suricata.yaml``."""
    file.write_text(_HEAD + yaml.safe_dump(tree, sort_keys=False))


def mend(finding: Finding, environment: dict[str, str] | None = None) -> None:
    """Applies a line; runs a command, in which a policy that is to be compiled is the example."""
    if not finding.place:
        subprocess.run(["/bin/sh", "-ec", finding.mend], env=environment, check=True, capture_output=True, timeout=300)
        return
    name, *sections = finding.place.split(", ")
    file = Path(name)
    if file.suffix == ".yaml":
        tree = load(file)
        _put(tree, sections, yaml.safe_load(finding.mend))
        dump(file, tree)
        return
    text = file.read_text() if file.exists() else ""
    first = any(section.startswith("above") for section in sections)
    file.write_text(f"{finding.mend}\n{text}" if first else f"{text}\n{finding.mend}\n")


def _put(tree: Any, sections: list[str], value: Any) -> None:
    """Below sections of a tree; an entry of a list is found by its name."""
    section, *rest = sections
    if isinstance(tree, list):
        tree = next(one for one in tree if isinstance(one, dict) and section in one)
    if rest:
        if tree.get(section) is None:
            tree[section] = {}
        _put(tree[section], rest, value)
    elif isinstance(value, list):
        tree[section] = [*(tree.get(section) or []), *value]
    else:
        tree[section] = {**(tree.get(section) or {}), **value}

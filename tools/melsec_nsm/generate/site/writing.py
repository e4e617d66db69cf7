"""The files of a policy, and how they are put in their place below sensors that are running."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from melsec_nsm.definitions import lock
from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.site import rules, table, thresholds
from melsec_nsm.policy.compiled import CompiledPolicy

TABLE = "zeek/melsec-policy.tsv"
RULES = f"suricata/{rules.FILE}"
THRESHOLDS = "suricata/melsec-site-threshold.config"
DATA_SET = ".lst"
"""How the names of data sets end, which stand beside the rules."""

_MODE = 0o644


def render(site: CompiledPolicy, definition: Definition) -> dict[str, bytes]:
    """The files by their path, the same for the same policy."""
    return {
        TABLE: table.render(site),
        # What the rules load has to be there before them.
        **{f"suricata/{name}": octets for name, octets in reversed(rules.render(site, definition).items())},
        THRESHOLDS: thresholds.render(site, definition, lock.read()),
    }


def install(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Puts files below a folder that is made if it is not there; returns their paths.

    All are written before the first takes the place of an old one, each by rename: a sensor that reads one meanwhile
    has the old one or the new one, whole.

    Raises:
        OSError: something cannot be written.
    """
    made: list[tuple[Path, Path]] = []
    try:
        for name, octets in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            number, fresh = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            made.append((Path(fresh), target))
            _write(number, octets)
        return [one.replace(target) for one, target in made]
    finally:
        for one, _ in made:
            one.unlink(missing_ok=True)


def _write(number: int, octets: bytes) -> None:
    with os.fdopen(number, "wb") as file:
        os.fchmod(number, _MODE)
        file.write(octets)
        file.flush()
        os.fsync(number)

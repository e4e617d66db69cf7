"""The files of a policy, and how they are put in their place below sensors that are running."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from melsec_nsm.definitions import lock
from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.site import rules, table, thresholds, windows
from melsec_nsm.policy.compiled import CompiledPolicy

TABLE = "zeek/melsec-policy.tsv"
RULES = f"suricata/{rules.FILE}"
WINDOWS = f"suricata/lua/{windows.FILE}"
"""Rules that ask scripts, in a folder of their own."""

THRESHOLDS = "suricata/melsec-site-threshold.config"
DATA_SET = ".lst"
"""How the names of data sets end, which stand beside the rules."""

_LOADED = {RULES: (DATA_SET,), WINDOWS: (DATA_SET, windows.SCRIPT)}
"""Rules, and how the names of the files end that they load from beside them; nobody else's are there."""

_MODE = 0o644


def render(site: CompiledPolicy, definition: Definition) -> dict[str, bytes]:
    """The files by their path, the same for the same policy."""
    return {
        TABLE: table.render(site),
        # What the rules load has to be there before them.
        **{f"suricata/{name}": octets for name, octets in reversed(rules.render(site, definition).items())},
        **{f"suricata/lua/{name}": octets for name, octets in reversed(windows.render(site, definition).items())},
        THRESHOLDS: thresholds.render(site, definition, lock.read()),
    }


def install(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Puts files below a folder that is made if it is not there; returns their paths.

    All are written before the first takes the place of an old one, each by rename: a sensor that reads one meanwhile
    has the old one or the new one, whole. What only rules before these have loaded is removed when all are there.

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
        placed = [one.replace(target) for one, target in made]
    finally:
        for one, _ in made:
            one.unlink(missing_ok=True)
    for name, endings in _LOADED.items():
        if name in files:
            _clear(folder / name, endings, placed)
    return placed


def _clear(rules: Path, endings: tuple[str, ...], kept: Collection[Path]) -> None:
    """Removes what rules before have loaded from beside them."""
    for path in rules.parent.glob("melsec-*"):
        if path.name.endswith(endings) and path not in kept:
            path.unlink()


def _write(number: int, octets: bytes) -> None:
    with os.fdopen(number, "wb") as file:
        os.fchmod(number, _MODE)
        file.write(octets)
        file.flush()
        os.fsync(number)

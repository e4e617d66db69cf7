"""What sensors load of the policy of a site: rendered together, then put in place for sensors that are running."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from melsec_nsm.generate.zeek import policy_table
from melsec_nsm.policy.compiled import CompiledPolicy

_MODE = 0o644


def render(compiled: CompiledPolicy) -> dict[str, bytes]:
    """The files by name, the same for the same policy."""
    return {policy_table.FILE: policy_table.table(compiled)}


def install(files: dict[str, bytes], folder: Path) -> list[Path]:
    """Puts the files into a folder that is made if it is not there; returns their paths.

    Each by rename: a sensor that reads one meanwhile has the old one or the new one, whole. OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_put(octets, folder / name) for name, octets in sorted(files.items())]


def _put(octets: bytes, target: Path) -> Path:
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    made = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(_MODE)
        return made.replace(target)
    except OSError:
        made.unlink(missing_ok=True)
        raise

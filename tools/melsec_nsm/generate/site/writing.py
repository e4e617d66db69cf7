"""The files of a policy, and how they are put in their place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.site import rules, tables
from melsec_nsm.policy.compiled import CompiledPolicy

RULES = "suricata/melsec-site.rules"
TABLES = "zeek"


def render(site: CompiledPolicy, definition: Definition) -> dict[str, bytes]:
    """The files by their path, in the order in which they are put in place."""
    return {
        **{f"{TABLES}/{name}": octets for name, octets in tables.render(site).items()},
        RULES: rules.render(site, definition),
    }


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Puts files below a folder: each is complete before it takes the place of the one before it, in their order.

    Raises:
        OSError: something cannot be written; what is in place by then stays, and what is not, stays as it was.
    """
    with tempfile.TemporaryDirectory(prefix=".policy-", dir=_made(folder)) as name:
        fresh = Path(name)
        for path, octets in files.items():
            _made((fresh / path).parent)
            (fresh / path).write_bytes(octets)
        for path in files:
            _made((folder / path).parent)
            os.replace(fresh / path, folder / path)  # noqa: PTH105 - the name of the promise that it is atomic


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

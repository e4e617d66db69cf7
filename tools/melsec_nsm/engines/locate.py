"""Finds the programs of the sensors, and which versions they are. Only reads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm.engines.base import Availability

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_PATIENCE = 30
"""Seconds a program gets to print its version."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A program the bundle can use: where it may be, which version it must have, how it is had."""

    name: str
    title: str
    variable: str
    places: tuple[str, ...]
    flag: str
    floor: str
    remedy: str


SURICATA = Wanted(
    name="suricata",
    title="Suricata",
    variable="MELSEC_NSM_SURICATA",
    places=("/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/suricata/bin"),
    flag="-V",
    floor="7.0.3",
    remedy="install Suricata 7.0.3 or newer; in a checkout on Debian or Ubuntu: sudo tools/setup/sensors.sh",
)
ZEEK = Wanted(
    name="zeek",
    title="Zeek",
    variable="MELSEC_NSM_ZEEK",
    places=("/opt/zeek/bin", "/usr/local/zeek/bin", "/usr/local/bin", "/usr/bin"),
    flag="--version",
    floor="8.0",
    remedy="install Zeek 8.0 or newer from the Zeek project's own packages, or set MELSEC_NSM_ZEEK to its zeek program",
)


def parse_version(text: str) -> tuple[int, ...]:
    """The first dotted number in a text, ``(8, 0, 9)`` for ``zeek version 8.0.9-dev.3``; empty where there is none."""
    match = _VERSION.search(text)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def new_enough(version: str, floor: str) -> bool:
    """Whether a version is the floor or newer; ``7.0`` is older than ``7.0.3``."""
    have, need = parse_version(version), parse_version(floor)
    width = max(len(have), len(need))
    return bool(have) and have + (0,) * (width - len(have)) >= need + (0,) * (width - len(need))


def find(wanted: Wanted, environment: Mapping[str, str] | None = None) -> Path | None:
    """The program: where its variable points, else in PATH, else in the usual places.

    A variable that points nowhere is not overruled: None.
    """
    environment = os.environ if environment is None else environment
    chosen = environment.get(wanted.variable)
    if chosen:
        path = Path(chosen).expanduser()
        return path.absolute() if _executable(path) else None
    found = shutil.which(wanted.name, path=environment.get("PATH", os.defpath))
    if found:
        return Path(found).absolute()
    return next((path for place in wanted.places if _executable(path := Path(place, wanted.name))), None)


def version_of(path: Path, flag: str) -> str | None:
    """The version a program prints about itself, None where it does not run or prints none."""
    try:
        done = subprocess.run(
            [path, flag], capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = parse_version(done.stdout + done.stderr)
    return ".".join(str(part) for part in version) or None


def locate(wanted: Wanted, environment: Mapping[str, str] | None = None) -> Availability:
    """Whether a program is here in a version that can be used, and if not why."""
    environment = os.environ if environment is None else environment

    def absent(reason: str, path: Path | None = None, remedy: str = wanted.remedy) -> Availability:
        return Availability(wanted.name, None, None if path is None else str(path), reason, remedy)

    path = find(wanted, environment)
    if path is None:
        chosen = environment.get(wanted.variable)
        if chosen:
            return absent(f"{wanted.variable}={chosen} is no program", remedy=f"unset or correct {wanted.variable}")
        return absent(f"{wanted.title} is not installed")
    version = version_of(path, wanted.flag)
    if version is None:
        return absent("it does not say its version", path)
    if not new_enough(version, wanted.floor):
        return absent(f"version {version} is older than {wanted.floor}", path)
    return Availability(wanted.name, version, str(path), "", "")


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)

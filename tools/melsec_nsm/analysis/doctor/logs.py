"""Logs of sensors, read from their end: they are large, and what counts is how things are now."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_ZONE = re.compile(r"([+-]\d\d)(\d\d)$")
_DECIMALS = re.compile(r"\.\d+")

TAIL = 32 * 1024 * 1024
"""Octets of a log that are looked at."""

LOSS = 1.0
"""Per cent of packets that may get lost before it is worth a word."""


def tail(path: Path, size: int = TAIL) -> Iterator[bytes]:
    """The lines that end within the last ``size`` octets of a file, compressed or not. OSError.

    Of a compressed file they are the first: there is no way to its end but through all of it.
    """
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            yield from packed.read(size).splitlines()
        return
    with path.open("rb") as file:
        end = file.seek(0, 2)
        start = file.seek(max(0, end - size))
        lines = iter(file.read(end - start).splitlines())
    if start:
        # It may be the end of a line.
        next(lines, None)
    yield from lines


def zeek_log(folder: Path, name: str) -> Path | None:
    """The log that Zeek writes now, else the last that it has put away: ``../2026-11-28/name.10:00:00-….log.gz``."""
    current = folder / f"{name}.log"
    if current.is_file():
        return current
    kept = [*folder.glob(f"[0-9]*/{name}.*.log*"), *folder.resolve().parent.glob(f"[0-9]*/{name}.*.log*")]
    if folder.is_symlink():
        kept += folder.parent.glob(f"[0-9]*/{name}.*.log*")
    return max(kept, key=lambda one: (one.parent.name, one.name), default=None)


def zeek_rows(path: Path) -> Iterator[Row]:
    """The lines of a log of Zeek's, as JSON or tab-separated; values of the latter are texts. OSError.

    What is neither is passed over: a line may be half written.
    """
    fields = list(_fields(path))
    for line in tail(path):
        if line.startswith(b"{"):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row
        elif fields and not line.startswith(b"#"):
            values = line.decode(errors="replace").split("\t")
            if len(values) == len(fields):
                yield {name: value for name, value in zip(fields, values, strict=True) if value != "-"}


def _fields(path: Path) -> Iterator[str]:
    """The columns that the head of a tab-separated log names."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            if not line.startswith(b"#"):
                return
            if line.startswith(b"#fields"):
                yield from line.decode(errors="replace").rstrip("\n").split("\t")[1:]
                return


def number(value: object) -> float:
    """A number in a log; 0 where it is none."""
    try:
        return float(str(value))
    except ValueError:
        return 0.0


def seconds(value: object) -> float:
    """A time in a log in seconds since the epoch, be it written so or as a date; 0 where it is none."""
    text = str(value)
    if text.endswith("Z"):
        text = f"{text[:-1]}+00:00"
    # Python 3.10 reads neither a zone without a colon nor any number of decimals.
    text = _ZONE.sub(r"\1:\2", _DECIMALS.sub("", text)) if "T" in text else text
    try:
        return datetime.fromisoformat(text).timestamp() if "T" in text else float(text)
    except ValueError:
        return 0.0

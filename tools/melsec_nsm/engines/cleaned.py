"""A capture as the sensors can read it: whole records, one link type, not compressed."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm.capture import CaptureError, Record, open_capture
from melsec_nsm.engines.base import EngineError

_GZIP_MAGIC = b"\x1f\x8b"
# Microseconds would round the times of captures that have nanoseconds.
_NANOSECOND_MAGIC = 0xA1B23C4D
_SNAP = 0x40000
_MAIN_HEADER = struct.Struct("<IHHiIII")
_RECORD_HEADER = struct.Struct("<IIII")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A capture that libpcap reads to its end, and what had to be left out, one line each."""

    path: Path
    warnings: tuple[str, ...]
    truncated: bool


def cleaned(capture: Path, folder: Path) -> Cleaned:
    """The capture itself where nothing has to be done, else a copy of its whole records in ``folder``.

    Of several link types only the first stays. EngineError where it is no capture.
    """
    try:
        return _cleaned(capture, folder)
    except CaptureError as error:
        raise EngineError(str(error)) from error


def _cleaned(capture: Path, folder: Path) -> Cleaned:
    source = open_capture(capture)
    with capture.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    linktypes: dict[int, int] = {}
    for record in source.records():
        linktypes[record.linktype] = linktypes.get(record.linktype, 0) + 1
    warnings = [source.truncated] if source.truncated else []
    if len(linktypes) > 1:
        others = source.count - next(iter(linktypes.values()))
        warnings.append(f"{capture}: {others} records of other link types than the first were left out")
    truncated = source.truncated is not None
    if not warnings and not compressed:
        return Cleaned(capture.absolute(), (), False)
    copy = folder / "cleaned.pcap"
    write_pcap(copy, source.records())
    return Cleaned(copy, tuple(warnings), truncated)


def write_pcap(path: Path, records: Iterable[Record]) -> None:
    """Writes the records that have the first one's link type as a pcap with nanoseconds."""
    records = iter(records)
    first = next(records, None)
    linktype = first.linktype if first else 1
    with path.open("wb") as file:
        file.write(_MAIN_HEADER.pack(_NANOSECOND_MAGIC, 2, 4, 0, 0, _SNAP, linktype))
        for record in itertools.chain([first] if first else [], records):
            if record.linktype == linktype:
                seconds, nanoseconds = divmod(record.ts, 1_000_000_000)
                length = len(record.data)
                file.write(_RECORD_HEADER.pack(seconds, nanoseconds, length, max(record.wire, length)))
                file.write(record.data)

"""What a capture file holds: records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Record:
    """One captured packet: ``ts`` in ns since the epoch, ``wire`` its length before snapping."""

    ts: int
    linktype: int
    data: bytes
    wire: int

"""A capture file as packets: reading, decapsulation and defragmentation in one loop."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .defrag import Defragmenter
from .packets import Packet, decode
from .reader import CaptureFile, open_capture


class PacketSource:
    """Iterator over the packets of a capture, once; the counts grow while it is read."""

    def __init__(self, capture: CaptureFile) -> None:
        self.capture = capture
        self.skipped = 0
        """Records that hold no TCP or UDP, or are malformed."""
        self._defragmenter = Defragmenter()
        self._packets = self._read()

    @property
    def records(self) -> int:
        """Records read so far."""
        return self.capture.count

    @property
    def incomplete(self) -> int:
        """Fragmented datagrams that were given up."""
        return self._defragmenter.dropped

    @property
    def truncated(self) -> str | None:
        """When exhausted: why the capture ended early, in one line, else None."""
        return self.capture.truncated

    def __iter__(self) -> Iterator[Packet]:
        return self._packets

    def __next__(self) -> Packet:
        return next(self._packets)

    def _read(self) -> Iterator[Packet]:
        defragmenter = self._defragmenter
        seen = 0
        for record in self.capture.records():
            packet = decode(record, defragmenter)
            if packet is not None:
                yield packet
            elif defragmenter.seen == seen:
                self.skipped += 1
            seen = defragmenter.seen
        defragmenter.flush()


def read(path: str | os.PathLike[str]) -> PacketSource:
    """The TCP segments and UDP datagrams of the capture at ``path``. CaptureError if it cannot be read."""
    return PacketSource(open_capture(path))

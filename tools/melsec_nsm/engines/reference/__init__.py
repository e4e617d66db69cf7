"""The built-in engine: codec, pairing and judgement without a sensor.

It is the oracle that Zeek and Suricata are compared with, and works wherever Python does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from melsec_nsm import __version__
from melsec_nsm.codec import Codec
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import Alert, Asset, Availability, Record, Result, TransactionCount, summed
from melsec_nsm.engines.reference.inspection import Inspection
from melsec_nsm.engines.reference.judgement import Judge
from melsec_nsm.engines.reference.records import Recorder

__all__ = ["ReferenceEngine"]


class ReferenceEngine:
    """Judges a capture in pure Python."""

    name = "reference"

    def __init__(self, definition: Definition | None = None) -> None:
        self._definition = definition or load()
        self._codec = Codec(self._definition)

    def availability(self) -> Availability:
        """Always here, in the version of the package."""
        return Availability(self.name, __version__, None, "", "")

    def records(self, capture: Path) -> Iterator[Record]:
        """A record for each transaction of a capture, in the order in which they are known.

        Raises:
            CaptureError: the file cannot be read as a capture.
        """
        recorder = Recorder(self._codec)
        for _, transaction in Inspection(self._codec, capture):
            if transaction is not None:
                yield recorder.record(transaction)

    def run(self, capture: Path) -> Result:
        """The verdict on a capture.

        Raises:
            CaptureError: the file cannot be read as a capture.
        """
        counts: Counter[tuple[str, str, str, str]] = Counter()
        alerts: list[Alert] = []
        assets: dict[str, Asset] = {}
        judge = Judge(self._definition)
        recorder = Recorder(self._codec)
        inspection = Inspection(self._codec, capture)
        for half, transaction in inspection:
            if half is not None:
                alerts += judge.half(half)
            if transaction is not None:
                alerts += judge.transaction(transaction)
                if transaction.request is not None and not transaction.again:
                    frame = transaction.request.pdu.half.frame
                    counts[transaction.request.pdu.protocol, frame.frame, frame.encoding, transaction.command] += 1
                model = recorder.model(transaction)
                if model is not None and transaction.server is not None:
                    assets[transaction.server] = Asset(transaction.server, *model, ())
        return Result(
            engine=self.name,
            capture=str(capture),
            transactions=tuple(TransactionCount(*key, count) for key, count in sorted(counts.items())),
            detections=summed(alerts),
            assets=tuple(assets[host] for host in sorted(assets)),
            confirmed=inspection.pdus > 0,
            warnings=(inspection.truncated,) if inspection.truncated else (),
            truncated=inspection.truncated is not None,
        )

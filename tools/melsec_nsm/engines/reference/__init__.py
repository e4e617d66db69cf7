"""The built-in engine: codec, pairing and judgement without a sensor.

It is the oracle that Zeek and Suricata are compared with, and works wherever Python does.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from melsec_nsm import __version__
from melsec_nsm.codec import Codec, payload
from melsec_nsm.codec.transactions import Transaction
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import Alert, Asset, Availability, Result, TransactionCount, summed
from melsec_nsm.engines.reference.inspection import Inspection
from melsec_nsm.engines.reference.judgement import Judge


class ReferenceEngine:
    """Judges a capture in pure Python."""

    name = "reference"

    def __init__(self, definition: Definition | None = None) -> None:
        self._definition = definition or load()
        self._codec = Codec(self._definition)

    def availability(self) -> Availability:
        """Always here, in the version of the package."""
        return Availability(self.name, __version__, None, "", "")

    def run(self, capture: Path) -> Result:
        """The verdict on a capture.

        Raises:
            CaptureError: the file cannot be read as a capture.
        """
        counts: Counter[tuple[str, str, str, str]] = Counter()
        alerts: list[Alert] = []
        assets: dict[str, Asset] = {}
        judge = Judge(self._definition)
        inspection = Inspection(self._codec, capture)
        for half, transaction in inspection:
            if half is not None:
                alerts += judge.half(half)
            if transaction is not None:
                alerts += judge.transaction(transaction)
                if transaction.request is not None:
                    frame = transaction.request.pdu.half.frame
                    counts[transaction.request.pdu.protocol, frame.frame, frame.encoding, transaction.command] += 1
                asset = self._asset(transaction)
                if asset is not None:
                    assets[asset.host] = asset
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

    def _asset(self, transaction: Transaction) -> Asset | None:
        """What an answer to a type name request says of its sender."""
        code, answer = transaction.code, transaction.response
        if code is None or answer is None or answer.pdu.status or transaction.server is None:
            return None
        subcommand = (transaction.request.pdu.subcommand or 0) if transaction.request else 0
        layout = payload.layout_of(answer.pdu.half, code, subcommand)
        if layout is None or not any(field.name == "model_code" for field in layout.fields):
            return None
        protocol = answer.pdu.half.protocol
        values = payload.decode(layout, answer.pdu.data, protocol.byte_order).values
        model, model_code = values.get("model"), values.get("model_code")
        if not isinstance(model, str) or not isinstance(model_code, int):
            return None
        known = self._definition.model(model_code)
        return Asset(transaction.server, model, known.series if known else "", ())

"""The built-in engine: codec, pairing and judgement without a sensor.

It is the oracle that Zeek and Suricata are compared with, and works wherever Python does. `inspection` makes
transactions of a capture and `records` lines of them; `telling` decodes what PDUs say; `operations` makes the audit
trail, with `files` (and `assembly`), `runs` and `sessions`; `assets` the inventory; `events` what happens besides,
`halts` among it;
`judgement` the alerts, `site` those of the policy, `tuning` which are other than as shipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from melsec_nsm import __version__
from melsec_nsm import policy as policies
from melsec_nsm.codec import Codec
from melsec_nsm.codec.transactions import Half, Transaction
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import (
    Alert,
    Availability,
    FileTransfer,
    Operation,
    Record,
    Result,
    TransactionCount,
    summed,
)
from melsec_nsm.engines.reference.assets import Assets
from melsec_nsm.engines.reference.events import Events, Happening
from melsec_nsm.engines.reference.halts import Halts
from melsec_nsm.engines.reference.inspection import Handshake, Inspection, Stray
from melsec_nsm.engines.reference.judgement import Judge
from melsec_nsm.engines.reference.operations import Begun, Noted, Operations
from melsec_nsm.engines.reference.records import Recorder
from melsec_nsm.engines.reference.sessions import Sessions
from melsec_nsm.engines.reference.site import Site
from melsec_nsm.engines.reference.telling import Telling
from melsec_nsm.engines.reference.tuning import Tuned
from melsec_nsm.policy.compiled import CompiledPolicy

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

    def run(self, capture: Path, policy: Path | None = None) -> Result:
        """The verdict on a capture, under the policy in a file.

        Raises:
            CaptureError: the file cannot be read as a capture.
            PolicyError: the policy is not sound.
        """
        site = None
        if policy is not None:
            site = CompiledPolicy(policies.load(policy, self._definition), self._definition)
        verdict = _Verdict(self._codec, site)
        inspection = Inspection(self._codec, capture, verdict.handshake, verdict.stray)
        for half, transaction in inspection:
            if half is not None:
                verdict.half(half)
            if transaction is not None:
                verdict.transaction(transaction)
        verdict.finish()
        return Result(
            engine=self.name,
            capture=str(capture),
            transactions=tuple(TransactionCount(*key, count) for key, count in sorted(verdict.counts.items())),
            detections=summed(verdict.alerts),
            alerts=tuple(verdict.alerts),
            assets=verdict.assets.known(),
            confirmed=inspection.pdus > 0,
            warnings=(inspection.truncated,) if inspection.truncated else (),
            truncated=inspection.truncated is not None,
            operations=tuple(sorted(verdict.operations, key=lambda one: one.ts)),
            files=tuple(sorted(verdict.files, key=lambda one: one.ts)),
        )


class _Verdict:
    """What is found out about a capture, PDU by PDU."""

    def __init__(self, codec: Codec, policy: CompiledPolicy | None) -> None:
        telling = Telling(codec)
        actions = telling.definition.engineering.actions
        sessions = Sessions(telling, tuple(action for action in actions if action.each == "login"))
        self._events = Events(telling)
        self._judge = Judge(telling, sessions, self._events.suspect, Tuned(policy))
        self._site = Site(self._judge, policy, codec)
        self._operations = Operations(telling, sessions)
        self._halts = Halts()
        self.assets = Assets(telling)
        self.counts: Counter[tuple[str, str, str, str]] = Counter()
        self.alerts: list[Alert] = []
        self.operations: list[Operation] = []
        self.files: list[FileTransfer] = []

    def half(self, half: Half) -> None:
        """A request or a response as it comes in."""
        self._happened(self._halts.at(half.ts))
        self.alerts += self._judge.half(half)
        self._happened(self._events.half(half))
        self._note(self._operations.half(half))
        for change in self.assets.half(half):
            self._note(self._operations.moved(change))

    def transaction(self, transaction: Transaction) -> None:
        """A transaction that is complete, or known to stay incomplete."""
        self.alerts += self._judge.transaction(transaction)
        self._happened(self._events.transaction(transaction))
        self.alerts += self._site.transaction(transaction)
        self._note(self._operations.transaction(transaction))
        self.assets.transaction(transaction)
        if transaction.request is not None and not transaction.again:
            frame = transaction.request.pdu.half.frame
            self.counts[transaction.request.pdu.protocol, frame.frame, frame.encoding, transaction.command] += 1

    def handshake(self, handshake: Handshake) -> None:
        """A connection is opened."""
        self._happened(self._events.handshake(handshake))

    def stray(self, stray: Stray) -> None:
        """A datagram that is no PDU."""
        self._happened(self._events.stray(stray))

    def _happened(self, happenings: Iterable[Happening]) -> None:
        for happening in happenings:
            self.alerts += self._judge.happened(happening)

    def finish(self) -> None:
        """Nothing more comes."""
        self._note(self._operations.finish())

    def _note(self, noted: Iterable[Noted]) -> None:
        for one in noted:
            if isinstance(one, Begun):
                self.alerts += self._judge.operation(one)
                self.alerts += self._site.begun(one)
            elif isinstance(one, Operation):
                told, alerts = self._site.done(one)
                self.operations.append(told)
                self._halts.operation(one)
                self.alerts += alerts
            else:
                self.files.append(one)

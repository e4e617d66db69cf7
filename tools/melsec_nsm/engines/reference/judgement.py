"""Which detections a capture raises, by the definition: the oracle of the two sensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from melsec_nsm.codec.transactions import Half, Transaction, is_group
from melsec_nsm.definitions.model import Definition, Detection
from melsec_nsm.engines.base import Alert


class Judge:
    """Raises each detection once for a client and a server, and again only after its interval."""

    def __init__(self, definition: Definition) -> None:
        self._by_command: dict[tuple[str, int, int], tuple[Detection, ...]] = {}
        for command in definition.commands():
            raised = tuple(
                detection
                for detection in definition.detections.values()
                if "reference" in detection.engines() and detection.when.matches(command)
            )
            if raised:
                self._by_command[command.protocol, command.digits, command.code] = raised
        self._quiet_until: dict[tuple[str, str, str], int] = {}

    def half(self, half: Half) -> Iterator[Alert]:
        """What a request raises at once: a stop or a reset may never be answered."""
        if half.pdu.is_request and not is_group(half.destination.host):
            yield from self._raise(half, half.source.host, half.destination.host)

    def transaction(self, transaction: Transaction) -> Iterator[Alert]:
        """What a broadcast request raises once it is known who answered it."""
        request = transaction.request
        if request is not None and is_group(request.destination.host):
            yield from self._raise(request, transaction.client, transaction.server or request.destination.host)

    def _raise(self, half: Half, client: str, server: str) -> Iterator[Alert]:
        pdu = half.pdu
        for detection in self._detections(pdu.protocol, pdu.half.digits, pdu.command):
            key = (detection.id, client, server)
            if half.ts >= self._quiet_until.get(key, 0):
                self._quiet_until[key] = half.ts + detection.suppress * 1_000_000_000
                yield Alert(detection.id, half.ts, client, server)

    def _detections(self, protocol: str, digits: int, command: int | None) -> Iterable[Detection]:
        return () if command is None else self._by_command.get((protocol, digits, command), ())

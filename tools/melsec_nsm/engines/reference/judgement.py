"""Which detections a capture raises, by the definition: the oracle of the two sensors."""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.codec.frames import Pdu
from melsec_nsm.codec.transactions import Half, Transaction, is_group
from melsec_nsm.definitions.model import Definition, Detection
from melsec_nsm.engines.base import Alert


class Judge:
    """Raises each detection once for a client and a server, and again only after its interval."""

    def __init__(self, definition: Definition) -> None:
        self._by_command: dict[tuple[str, str, int, int], tuple[Detection, ...]] = {}
        for command in definition.commands():
            for direction in ("request", "response"):
                raised = tuple(
                    detection
                    for detection in definition.detections.values()
                    if "reference" in detection.engines()
                    and detection.when.direction == direction
                    and detection.when.matches(command)
                )
                if raised:
                    self._by_command[direction, command.protocol, command.digits, command.code] = raised
        self._quiet_until: dict[tuple[str, str, str], int] = {}

    def half(self, half: Half) -> Iterator[Alert]:
        """What a request raises at once: a stop or a reset may never be answered."""
        if half.pdu.is_request and not is_group(half.destination.host):
            yield from self._raise("request", half.pdu, half.ts, half.source.host, half.destination.host)

    def transaction(self, transaction: Transaction) -> Iterator[Alert]:
        """What a broadcast request raises once it is known who answered it, and what responses raise.

        However many answer a broadcast, it is one request.
        """
        request, response = transaction.request, transaction.response
        if request is None:
            return
        client = transaction.client
        if is_group(request.destination.host) and not transaction.again:
            server = transaction.server or request.destination.host
            yield from self._raise("request", request.pdu, request.ts, client, server)
        if response is not None:
            yield from self._raise("response", request.pdu, response.ts, client, response.source.host)

    def _raise(self, direction: str, request: Pdu, ts: int, client: str, server: str) -> Iterator[Alert]:
        if request.command is None:
            return
        command = (direction, request.protocol, request.half.digits, request.command)
        for detection in self._by_command.get(command, ()):
            key = (detection.id, client, server)
            if ts >= self._quiet_until.get(key, 0):
                self._quiet_until[key] = ts + detection.suppress * 1_000_000_000
                yield Alert(detection.id, ts, client, server)

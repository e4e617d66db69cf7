"""Controllers that were stopped, got another program, and were left like that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from melsec_nsm.codec.transactions import HALTING, LEFT_STOPPED_SECONDS, RUNNING, WRITING
from melsec_nsm.engines.base import Operation
from melsec_nsm.engines.reference.events import Happening
from melsec_nsm.engines.reference.sessions import Bounded

_REMEMBERED = 16384
_NS = 1_000_000_000


class _Left(NamedTuple):
    since: int
    client: str


class Halts:
    """Follows operations that controllers have accepted."""

    def __init__(self) -> None:
        self._stopped: Bounded[str, int] = Bounded(_REMEMBERED)
        self._ran: Bounded[str, int] = Bounded(_REMEMBERED)
        self._left: dict[str, _Left] = {}

    def operation(self, operation: Operation) -> None:
        """An operation that is over."""
        server, ts = operation.server, operation.ts
        if operation.status.strip("0") or not operation.status:
            return
        if operation.action in HALTING:
            self._stopped.put(server, ts)
        elif operation.action in RUNNING:
            self._ran.put(server, ts)
            self._left.pop(server, None)
        elif operation.action in WRITING:
            stopped, ran = self._stopped.get(server), self._ran.get(server)
            is_stopped = stopped is not None and stopped <= ts and (ran is None or ran < stopped)
            if is_stopped and len(self._left) < _REMEMBERED:
                self._left[server] = _Left(ts, operation.client)

    def at(self, now: int) -> Iterator[Happening]:
        """What has become of them by a time (ns): each that was left long enough, once."""
        late = [(server, left) for server, left in self._left.items() if now - left.since >= LEFT_STOPPED_SECONDS * _NS]
        for server, left in late:
            del self._left[server]
            yield Happening("left-stopped", left.since + LEFT_STOPPED_SECONDS * _NS, left.client, server)

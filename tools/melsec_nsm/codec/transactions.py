"""Requests and responses brought together.

A response is matched by what the frame offers: its serial number or packet reference, the command
where the response repeats it, the order of requests otherwise. Halves may be flows of their own:
MELSOFT over UDP goes to the broadcast address both ways, from a new client port each time, so that
only the client's port ties an answer to its request.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from melsec_nsm.codec.frames import Pdu
from melsec_nsm.definitions.model import Command

MAX_PENDING = 64
"""Requests of one conversation that wait for a response; the oldest goes out unanswered beyond it."""

REQUEST_TIMEOUT = 10
"""Seconds a request waits for its response; a later response stands alone."""

MAX_CONVERSATIONS = 65536
"""Conversations whose requests wait; the least recent goes out unanswered beyond it."""

COPY_INTERVAL = 10
"""Milliseconds within which an equal datagram with nothing in between is a copy of a span port."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with its port."""

    host: str
    port: int


@dataclass(slots=True)
class Half:
    """A PDU with its time (ns) and its ways."""

    ts: int
    pdu: Pdu
    source: Endpoint
    destination: Endpoint


@dataclass(slots=True)
class Transaction:
    """A request with its response, or either alone."""

    request: Half | None
    response: Half | None

    @property
    def first(self) -> Half:
        """The half that says most: the request where there is one."""
        half = self.request or self.response
        assert half is not None
        return half

    @property
    def client(self) -> str:
        """Who asked."""
        return self.request.source.host if self.request else self.first.destination.host

    @property
    def server(self) -> str | None:
        """Who answered, or who was asked; None for a broadcast that nobody answered."""
        if self.response:
            return self.response.source.host
        host = self.first.destination.host
        return None if is_group(host) else host

    @property
    def code(self) -> int | None:
        """The command code, from either half."""
        for half in (self.request, self.response):
            if half is not None and half.pdu.command is not None:
                return half.pdu.command
        return None

    @property
    def known(self) -> Command | None:
        """The definition's entry of the command."""
        code = self.code
        pdu = self.first.pdu
        return None if code is None else pdu.half.protocol.command(code, pdu.half.digits)

    @property
    def command(self) -> str:
        """The command as logs print it; empty where only a response without one was seen."""
        code = self.code
        return "" if code is None else f"{code:0{self.first.pdu.half.digits}X}"


@lru_cache(maxsize=4096)
def is_group(host: str) -> bool:
    """Whether an address is a broadcast or multicast destination and so names no host."""
    address = ipaddress.ip_address(host)
    return address.is_multicast or host == "255.255.255.255" or (address.version == 4 and host.endswith(".255"))


class Pairing:
    """Pairs halves of one transport as they come in."""

    def __init__(self) -> None:
        self._pending: OrderedDict[object, deque[Half]] = OrderedDict()

    def add(self, key: object, half: Half) -> Iterator[Transaction]:
        """The transactions that this half completes, or pushes out. ``key`` names the conversation."""
        if half.pdu.is_request:
            yield from self._remember(key, half)
            return
        yield from self._expire(key, half.ts)
        waiting = self._pending.get(key)
        if waiting:
            for position, request in enumerate(waiting):
                if _answers(request, half):
                    del waiting[position]
                    if not waiting:
                        del self._pending[key]
                    yield Transaction(request, half)
                    return
        yield Transaction(None, half)

    def _expire(self, key: object, now: int) -> Iterator[Transaction]:
        waiting = self._pending.get(key)
        while waiting and now - waiting[0].ts >= REQUEST_TIMEOUT * 1_000_000_000:
            yield Transaction(waiting.popleft(), None)
        if waiting is not None and not waiting:
            del self._pending[key]

    def _remember(self, key: object, half: Half) -> Iterator[Transaction]:
        waiting = self._pending.setdefault(key, deque())
        self._pending.move_to_end(key)
        waiting.append(half)
        yield from self._expire(key, half.ts)
        if len(waiting) > MAX_PENDING:
            yield Transaction(waiting.popleft(), None)
        if len(self._pending) > MAX_CONVERSATIONS:
            _, oldest = self._pending.popitem(last=False)
            for request in oldest:
                yield Transaction(request, None)

    def close(self, key: object) -> Iterator[Transaction]:
        """The requests of a conversation that nobody answered."""
        for request in self._pending.pop(key, ()):
            yield Transaction(request, None)

    def finish(self) -> Iterator[Transaction]:
        """All requests that nobody answered."""
        for key in list(self._pending):
            yield from self.close(key)


def _answers(request: Half, response: Half) -> bool:
    # A controller sends requests of its own (on-demand data) on the connection of its client.
    if request.source != response.destination and not is_group(response.destination.host):
        return False
    asked, answer = request.pdu, response.pdu
    if asked.half.frame.id != answer.half.frame.id or asked.serial != answer.serial:
        return False
    return answer.command is None or asked.command == answer.command


def datagram_key(half: Half) -> object:
    """What ties the halves of a UDP exchange: the client's port, and its address where it is one.

    The answer to a broadcast goes to the broadcast address, so that only the port is left of the
    client in it.
    """
    client, other = (half.source, half.destination) if half.pdu.is_request else (half.destination, half.source)
    if is_group(half.destination.host):
        return client.port
    return client, other.host


class CopyFilter:
    """Recognises datagrams that a span port delivered twice.

    A copy has the octets of the datagram before it in the same direction, comes within
    `COPY_INTERVAL`, and nothing went the other way in between (a client that polls as fast as that
    waits for its answer first).
    """

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[Endpoint, Endpoint], tuple[int, bytes]] = OrderedDict()

    def is_copy(self, ts: int, source: Endpoint, destination: Endpoint, data: bytes) -> bool:
        """Whether this datagram is a copy of the one before it."""
        self._last.pop((destination, source), None)
        before = self._last.get((source, destination))
        self._last[source, destination] = (ts, data)
        if len(self._last) > MAX_CONVERSATIONS:
            self._last.popitem(last=False)
        return before is not None and before[1] == data and ts - before[0] <= COPY_INTERVAL * 1_000_000

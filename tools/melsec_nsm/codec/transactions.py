"""Requests and responses brought together.

A response is matched by what the frame offers: its serial number or packet reference, the command
where the response repeats it, the order of requests otherwise. Halves may be flows of their own over
UDP: an FX5 answers to the port that its settings name, a broadcast is answered by everyone it concerns,
and MELSOFT goes to the broadcast address both ways, from a new client port each time, so that only the
client's port ties an answer to its request.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from melsec_nsm.codec.frames import Pdu
from melsec_nsm.definitions.model import Command

MAX_PENDING = 64
"""Requests of one conversation that wait for a response; the oldest goes out unanswered beyond it."""

REQUEST_TIMEOUT = 10
"""Seconds a request waits for its response; a later response stands alone."""

MAX_CONVERSATIONS = 65536
"""Conversations whose requests wait; the least recent goes out unanswered beyond it."""

MAX_FLOWS = 64
"""UDP flows of one client and one server among which the request to a response on another port is looked for."""

MAX_BROADCASTS = 4096
"""Broadcast requests that wait for answers, over all clients."""

MAX_OPEN_FILES = 256
"""Files on their way at a time, over all controllers; the one that nothing was heard of for longest ends beyond it."""

NAMED_FILE_TIMEOUT = 60
"""Seconds without a block that end a file which is not opened and closed, but named by every request."""

OPEN_FILE_TIMEOUT = 600
"""Seconds without a block that end a file which was opened."""

COPY_INTERVAL = 10
"""Milliseconds within which an equal datagram with nothing in between is a copy of a span port."""


SUSPECT_SECONDS = 60
"""Seconds for which a controller is watched after something was done to it that may silence it."""

HALTING = ("remote-stop", "remote-pause")
RUNNING = ("remote-run", "remote-reset")
WRITING = ("program-download",)
LEFT_STOPPED_SECONDS = 900
"""Operations that stop a controller, let it run again, give it another program, and for how long it may stay so."""

SILENT_REQUESTS = 3
"""Requests, and connections, to a controller that is watched which come to nothing if it has fallen silent."""

SILENT_SECONDS = 5
"""Seconds from the first to the last of these, at least."""


class Endpoint(NamedTuple):
    """An address with its port."""

    host: str
    port: int


@dataclass(slots=True)
class Half:
    """A PDU with its time (ns) and its ways.

    ``mac`` is the MAC address of the sender, empty where it is not that of a controller. ``first``: the first PDU that
    its sender puts into a connection whose beginning was seen. ``unbroken``: no octets of its connection were missed
    of late. ``whole``: nor, as far as can be told, what came before a capture that begins in the middle of it.
    """

    ts: int
    pdu: Pdu
    source: Endpoint
    destination: Endpoint
    transport: str = ""
    mac: str = ""
    first: bool = False
    unbroken: bool = True
    whole: bool = True


@dataclass(slots=True)
class Transaction:
    """A request with its response, or either alone.

    ``again``: the request went to a group address, and another transaction has it with another answer.
    """

    request: Half | None
    response: Half | None
    again: bool = False

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
    """Pairs halves of connections as they come in."""

    def __init__(self) -> None:
        self._pending: OrderedDict[object, deque[Half]] = OrderedDict()

    def add(self, key: object, half: Half) -> Iterator[Transaction]:
        """The transactions that this half completes, or pushes out. ``key`` names the conversation."""
        if half.pdu.is_request:
            yield from self._remember(key, half)
            return
        yield from self._expire(key, half.ts)
        yield Transaction(self._take(key, half), half)

    def _take(self, key: object, response: Half, *, exact: bool = True) -> Half | None:
        """Takes the oldest request that a response answers out of those that wait in a conversation.

        ``exact``: the response goes to the port that the request came from.
        """
        waiting = self._pending.get(key)
        if waiting is None:
            return None
        answers = _answers if exact else _answers_elsewhere
        for position, request in enumerate(waiting):
            if answers(request, response):
                del waiting[position]
                if not waiting:
                    self._forget(key)
                return request
        return None

    def _forget(self, key: object) -> None:
        del self._pending[key]

    def _expire(self, key: object, now: int) -> Iterator[Transaction]:
        waiting = self._pending.get(key)
        while waiting and _is_late(waiting[0], now):
            yield Transaction(waiting.popleft(), None)
        if waiting is not None and not waiting:
            self._forget(key)

    def _remember(self, key: object, half: Half) -> Iterator[Transaction]:
        if not half.pdu.half.frame.response:
            yield Transaction(half, None)
            return
        waiting = self._pending.setdefault(key, deque())
        self._pending.move_to_end(key)
        # What nobody answers as a rule (a reset) gives way to the next request, or it would take its response.
        # Requests in one packet were sent before anything could be answered.
        last = waiting[-1] if waiting else None
        if last and last.pdu.is_unanswered and last.source == half.source and last.ts < half.ts:
            yield Transaction(waiting.pop(), None)
        waiting.append(half)
        yield from self._expire(key, half.ts)
        if len(waiting) > MAX_PENDING:
            yield Transaction(waiting.popleft(), None)
        if len(self._pending) > MAX_CONVERSATIONS:
            yield from self.close(next(iter(self._pending)))

    def close(self, key: object) -> Iterator[Transaction]:
        """The requests of a conversation that nobody answered."""
        waiting = self._pending.get(key)
        if waiting is not None:
            self._forget(key)
            for request in waiting:
                yield Transaction(request, None)

    def finish(self) -> Iterator[Transaction]:
        """All requests that nobody answered."""
        for key in list(self._pending):
            yield from self.close(key)


class DatagramPairing(Pairing):
    """Pairs datagrams, whose halves may be flows of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._flows: dict[tuple[str, str], dict[_Flow, None]] = {}
        self._broadcasts = _Broadcasts()

    def pair(self, half: Half) -> Iterator[Transaction]:
        """The transactions that this half completes, or pushes out."""
        yield from self._broadcasts.expire(half.ts)
        if half.pdu.is_request:
            if is_group(half.destination.host):
                yield from self._broadcasts.add(half)
            else:
                yield from self._add_flow(_Flow(half.source, half.destination), half)
            return
        flow = _Flow(half.destination, half.source)
        yield from self._expire(flow, half.ts)
        request = self._take(flow, half) or self._elsewhere(flow, half)
        if request is not None:
            yield Transaction(request, half)
            return
        broadcast = self._broadcasts.answered(half)
        if broadcast is None:
            yield Transaction(None, half)
        else:
            yield Transaction(broadcast[0], half, again=broadcast[1])

    def _add_flow(self, flow: _Flow, half: Half) -> Iterator[Transaction]:
        flows = self._flows.setdefault(flow.hosts, {})
        flows[flow] = None
        if len(flows) > MAX_FLOWS:
            del flows[next(iter(flows))]
        yield from self._remember(flow, half)

    def _elsewhere(self, flow: _Flow, response: Half) -> Half | None:
        """The request of a response that goes to another port of its client."""
        for other in self._flows.get(flow.hosts, ()):
            request = self._take(other, response, exact=False)
            if request is not None:
                return request
        return None

    def _forget(self, key: object) -> None:
        super()._forget(key)
        assert isinstance(key, _Flow)
        flows = self._flows.get(key.hosts, {})
        flows.pop(key, None)
        if not flows:
            self._flows.pop(key.hosts, None)

    def finish(self) -> Iterator[Transaction]:
        """All requests that nobody answered."""
        yield from super().finish()
        yield from self._broadcasts.finish()


class _Flow(NamedTuple):
    """A client's port and a server's."""

    client: Endpoint
    server: Endpoint

    @property
    def hosts(self) -> tuple[str, str]:
        return self.client.host, self.server.host


@dataclass(slots=True)
class _Broadcast:
    request: Half
    answered: bool = False


class _Broadcasts:
    """Requests to group addresses. They stay when they have been answered: others may answer as well."""

    def __init__(self) -> None:
        self._number = 0
        self._waiting: dict[int, _Broadcast] = {}
        self._by_port: dict[int, dict[int, _Broadcast]] = {}
        self._by_client: dict[str, dict[int, _Broadcast]] = {}

    def add(self, request: Half) -> Iterator[Transaction]:
        """Remembers a request; the transactions of those that are pushed out."""
        client = request.source
        waiting = _Broadcast(request)
        self._number += 1
        for table in (
            self._waiting,
            self._by_port.setdefault(client.port, {}),
            self._by_client.setdefault(client.host, {}),
        ):
            table[self._number] = waiting
        if len(self._by_port[client.port]) > MAX_PENDING:
            yield from self._drop(next(iter(self._by_port[client.port])))
        if len(self._waiting) > MAX_BROADCASTS:
            yield from self._drop(next(iter(self._waiting)))

    def answered(self, response: Half) -> tuple[Half, bool] | None:
        """The request that a response answers, and whether somebody else has answered it before."""
        client = response.destination
        found = self._find(self._by_port.get(client.port), response)
        if found is None and not is_group(client.host):
            found = self._find(self._by_client.get(client.host), response)
        if found is None:
            return None
        again, found.answered = found.answered, True
        return found.request, again

    def _find(self, waiting: dict[int, _Broadcast] | None, response: Half) -> _Broadcast | None:
        """The oldest request that nobody has answered yet, else the newest that somebody has."""
        client = response.destination.host
        found: _Broadcast | None = None
        for broadcast in (waiting or {}).values():
            request = broadcast.request
            if not is_group(client) and request.source.host != client:
                continue
            if matches(request.pdu, response.pdu):
                found = broadcast
                if not broadcast.answered:
                    break
        return found

    def expire(self, now: int) -> Iterator[Transaction]:
        """The requests that have waited for long and that nobody answered."""
        while self._waiting:
            number, oldest = next(iter(self._waiting.items()))
            if not _is_late(oldest.request, now):
                return
            yield from self._drop(number)

    def _drop(self, number: int) -> Iterator[Transaction]:
        broadcast = self._waiting.pop(number)
        client = broadcast.request.source
        for table, key in ((self._by_port, client.port), (self._by_client, client.host)):
            numbers = table[key]  # type: ignore[index]
            del numbers[number]
            if not numbers:
                del table[key]  # type: ignore[arg-type]
        if not broadcast.answered:
            yield Transaction(broadcast.request, None)

    def finish(self) -> Iterator[Transaction]:
        """All requests that nobody answered."""
        for number in list(self._waiting):
            yield from self._drop(number)


def _is_late(request: Half, now: int) -> bool:
    return now - request.ts >= REQUEST_TIMEOUT * 1_000_000_000


def _answers(request: Half, response: Half) -> bool:
    # A controller sends requests of its own (on-demand data) on the connection of its client.
    return request.source == response.destination and matches(request.pdu, response.pdu)


def _answers_elsewhere(request: Half, response: Half) -> bool:
    return request.source.host == response.destination.host and matches(request.pdu, response.pdu)


def matches(asked: Pdu, answer: Pdu) -> bool:
    """Whether a PDU may be the answer to another, whatever ways they go."""
    if asked.half.frame is not answer.half.frame or asked.serial != answer.serial:
        return False
    if answer.refers is not None and answer.refers is not asked:
        return False
    return answer.command is None or asked.command == answer.command


class CopyFilter:
    """Recognises datagrams that a span port delivered twice.

    A copy has the octets of the datagram before it in the same direction, comes within
    `COPY_INTERVAL`, and nothing went the other way in between (a client that polls as fast as that
    waits for its answer first). What comes a third time was sent again: in a flood there may be nothing else.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[Endpoint, Endpoint], tuple[int, bytes]] = OrderedDict()

    def is_copy(self, ts: int, source: Endpoint, destination: Endpoint, data: bytes) -> bool:
        """Whether this datagram is a copy of the one before it."""
        self._last.pop((destination, source), None)
        before = self._last.pop((source, destination), None)
        if before is not None and before[1] == data and ts - before[0] <= COPY_INTERVAL * 1_000_000:
            return True
        self._last[source, destination] = (ts, data)
        if len(self._last) > MAX_CONVERSATIONS:
            self._last.popitem(last=False)
        return False

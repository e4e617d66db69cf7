"""What happens besides operations: frames that contradict themselves, responses that nobody asked for, silence.

Each is told as it is seen; what it means says the definition.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from melsec_nsm.codec.transactions import (
    MAX_CONVERSATIONS,
    MAX_PENDING,
    REQUEST_TIMEOUT,
    SILENT_REQUESTS,
    SILENT_SECONDS,
    SUSPECT_SECONDS,
    Endpoint,
    Half,
    Transaction,
    is_group,
    matches,
)
from melsec_nsm.engines.reference.inspection import Handshake, Stray
from melsec_nsm.engines.reference.sessions import Bounded, names_server
from melsec_nsm.engines.reference.telling import Telling

MAX_EXPIRED = 16
"""Requests of a conversation that are remembered as unanswered, to tell a late response from one to nothing."""

FLOW_SECONDS = 60
"""A flow of datagrams of which nothing is heard for so long has ended."""

_SECOND = 1_000_000_000


class Happening(NamedTuple):
    """An event of a client and a controller."""

    event: str
    ts: int
    client: str
    server: str


@dataclass(slots=True)
class _Seen:
    """What was seen of a conversation: since when, whether it began with a request, who spoke, who asked, what last."""

    began: int
    asked_first: bool
    spoke: set[Endpoint] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    serials: dict[str, _Serials] = field(default_factory=dict)
    client: str | None = None
    """Who asks in PDUs that prove something by themselves."""
    latest: int = 0
    expired: deque[Half] = field(default_factory=lambda: deque(maxlen=MAX_EXPIRED))
    last: Transaction | None = None

    def serials_of(self, client: str) -> _Serials:
        """The serial numbers of a client."""
        return self.serials.setdefault(client, _Serials())


@dataclass(slots=True)
class _Serials:
    """The serial numbers of a client's requests on a connection: the last, those that wait, whether it counts them."""

    last: int | None = None
    counts: bool = False
    waiting: OrderedDict[tuple[str, int], Half] = field(default_factory=OrderedDict)

    def reused(self, request: Half) -> bool:
        """Whether a client that counts asks for something else under the number of a request that waits."""
        serial = _serial(request)
        if serial is None:
            return False
        key = (request.pdu.half.frame.id, serial)
        waits = self.waiting.pop(key, None)
        other = waits is not None and not _past(waits.ts, request.ts) and _asked(waits) != _asked(request)
        reused = other and self.counts
        self.counts = self.last is not None and serial == (self.last + 1) & 0xFFFF
        self.last = serial
        self.waiting[key] = request
        if len(self.waiting) > MAX_PENDING:
            self.waiting.popitem(last=False)
        return reused

    def answered(self, response: Half) -> None:
        """A response to the client."""
        serial = _serial(response)
        if serial is not None:
            self.waiting.pop((response.pdu.half.frame.id, serial), None)


class Events:
    """The events of a capture."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._ports = frozenset(telling.definition.ports("udp"))
        self._answering: Bounded[Endpoint, None] = Bounded(MAX_CONVERSATIONS)
        self._seen: Bounded[tuple[str, Endpoint, Endpoint], _Seen] = Bounded(MAX_CONVERSATIONS)
        self._services: Bounded[Endpoint, None] = Bounded(MAX_CONVERSATIONS)
        self._handshakes: Bounded[tuple[Endpoint, Endpoint], int] = Bounded(MAX_CONVERSATIONS)
        self._silence = _Silence()

    def half(self, half: Half) -> Iterator[Happening]:
        """What a request or a response tells by itself."""
        asks = half.pdu.is_request
        client, server = (half.source, half.destination) if asks else (half.destination, half.source)
        seen = self._of(half)
        if asks:
            seen.asked.add(client.host)
        else:
            (self._services if half.transport == "tcp" else self._answering).put(server, None)
        seen.latest = half.ts
        if half.pdu.half.frame.kind != "layout":
            seen.client = client.host
        # What stands between the PDUs of somebody is no end of one that was not seen from its start.
        if half.pdu.garbage and (half.whole or (half.unbroken and half.source in seen.spoke)):
            yield Happening("malformed-frame", half.ts, client.host, server.host)
        if asks and names_server(half):
            for event in self._odd(half, seen):
                yield Happening(event, half.ts, client.host, server.host)
        elif not asks:
            seen.serials_of(client.host).answered(half)
        seen.spoke.add(half.source)
        if not asks:
            self._silence.answered(server.host)
        elif names_server(half) and not half.pdu.is_unanswered:
            yield from self._silence.asked(half.ts, client.host, server.host)

    def _odd(self, half: Half, seen: _Seen) -> Iterator[str]:
        """What a request to one controller tells by what it asks for, and by its serial number."""
        pdu = half.pdu
        command = pdu.known
        if command is not None and command.most is not None:
            points = self._telling.about(pdu).points
            bits = (pdu.subcommand or 0) & pdu.half.protocol.bit_units
            most = command.most_bits if bits else command.most
            if points is not None and not 0 < points <= (most or points):
                yield "impossible-quantity"
        known = half.destination in seen.spoke and half.unbroken
        if seen.serials_of(half.source.host).reused(half) and known:
            yield "serial-reuse"

    def stray(self, stray: Stray) -> Iterator[Happening]:
        """A datagram that is no PDU: malformed on a flow that has PDUs, or where PDUs are expected.

        There it has to begin like one, or come from or go to an endpoint that has answered.
        """
        source, destination = stray.source, stray.destination
        first, second = sorted((source, destination))
        seen = self._seen.get(("udp", first, second))
        if seen is not None:
            begun, seen.latest = seen.latest, stray.ts
            if seen.client is not None and stray.ts - begun < FLOW_SECONDS * _SECOND:
                yield self._malformed(stray, asks=seen.client == source.host)
                return
        if not self._ports.intersection((source.port, destination.port)):
            return
        if destination in self._answering:
            yield self._malformed(stray, asks=True)
        elif source in self._answering:
            yield self._malformed(stray, asks=False)
        elif stray.mark is not None:
            yield self._malformed(stray, asks=stray.mark == "request")

    @staticmethod
    def _malformed(stray: Stray, *, asks: bool) -> Happening:
        hosts = stray.source.host, stray.destination.host
        client, server = hosts if asks else hosts[::-1]
        return Happening("malformed-frame", stray.ts, client, server)

    def transaction(self, transaction: Transaction) -> Iterator[Happening]:
        """What a response tells that no request waits for."""
        request, response = transaction.request, transaction.response
        if request is None:
            yield from self._alone(transaction)
        elif response is None:
            self._of(request).expired.append(request)
        elif _way(request) == _way(response):
            self._of(request).last = transaction

    def handshake(self, handshake: Handshake) -> Iterator[Happening]:
        """What a SYN tells, or the answer to one; repeated ones tell nothing."""
        ways = (handshake.source, handshake.destination)
        if self._handshakes.get(ways) == handshake.number:
            return
        self._handshakes.put(ways, handshake.number)
        if handshake.answer:
            if handshake.source in self._services:
                self._silence.accepted(handshake.source.host)
        elif handshake.destination in self._services:
            client, server = handshake.source.host, handshake.destination.host
            yield Happening("connection", handshake.ts, client, server)
            yield from self._silence.called(handshake.ts, client, server)

    def suspect(self, ts: int, server: str) -> None:
        """Something was done to a controller after which it may fall silent."""
        self._silence.suspect(ts, server)

    def _of(self, half: Half) -> _Seen:
        key = _way(half)
        seen = self._seen.get(key)
        if seen is None:
            seen = _Seen(half.ts, half.pdu.is_request)
        self._seen.put(key, seen)
        return seen

    def _alone(self, transaction: Transaction) -> Iterator[Happening]:
        response = transaction.first
        client = response.destination.host
        if is_group(client) or not response.unbroken:
            return
        seen = self._of(response)
        if response.transport == "udp" and not seen.asked_first and not _past(seen.began, response.ts):
            return
        if any(one.source.host == client and matches(one.pdu, response.pdu) for one in seen.expired):
            return
        last = seen.last
        if last is not None and last.client == client and last.request and matches(last.request.pdu, response.pdu):
            before = last.response
            assert before is not None
            if _said(before) == _said(response):
                return
            if not _past(before.ts, response.ts):
                yield Happening("conflicting-response", response.ts, client, response.source.host)
                return
        if client in seen.asked and response.whole:
            yield Happening("unsolicited-response", response.ts, client, response.source.host)


def _past(since: int, now: int) -> bool:
    return now - since >= REQUEST_TIMEOUT * _SECOND


def _way(half: Half) -> tuple[str, Endpoint, Endpoint]:
    first, second = sorted((half.source, half.destination))
    return half.transport, first, second


def _serial(half: Half) -> int | None:
    """The serial number of SLMP; packet references of MELSOFT are not counted by everybody."""
    return half.pdu.serial if half.pdu.protocol == "slmp" else None


def _asked(request: Half) -> tuple[int | None, int | None, bytes]:
    """What a request asks for, without counters."""
    return request.pdu.command, request.pdu.subcommand, request.pdu.body


def _said(response: Half) -> tuple[int | None, bytes]:
    """What a response says, without counters and checksums."""
    return response.pdu.status, response.pdu.body


@dataclass(slots=True)
class _Suspect:
    """A controller that is watched, with what has come to nothing since it was last heard of."""

    until: int
    since: int = 0
    requests: int = 0
    calls: int = 0


class _Silence:
    """Controllers that do not answer any more after something was done to them."""

    def __init__(self) -> None:
        self._suspects: Bounded[str, _Suspect] = Bounded()

    def suspect(self, ts: int, server: str) -> None:
        """Watches a controller for a while."""
        known = self._suspects.get(server)
        if known is None or known.until <= ts:
            known = _Suspect(0)
        known.until = ts + SUSPECT_SECONDS * _SECOND
        self._suspects.put(server, known)

    def answered(self, server: str) -> None:
        """A response of a controller."""
        suspect = self._suspects.get(server)
        if suspect is not None:
            suspect.requests = suspect.calls = 0

    def accepted(self, server: str) -> None:
        """A controller accepts a connection, which says nothing of requests."""
        suspect = self._suspects.get(server)
        if suspect is not None:
            suspect.calls = 0

    def asked(self, ts: int, client: str, server: str) -> Iterable[Happening]:
        """A request to a controller."""
        return self._tried(ts, client, server, request=True)

    def called(self, ts: int, client: str, server: str) -> Iterable[Happening]:
        """A SYN to a port on which a controller has answered before."""
        return self._tried(ts, client, server, request=False)

    def _tried(self, ts: int, client: str, server: str, *, request: bool) -> Iterator[Happening]:
        suspect = self._suspects.get(server)
        if suspect is None or suspect.until <= ts:
            return
        if not suspect.requests and not suspect.calls:
            suspect.since = ts
        if request:
            suspect.requests += 1
        else:
            suspect.calls += 1
        tries = suspect.requests + suspect.calls
        if tries >= SILENT_REQUESTS and ts - suspect.since >= SILENT_SECONDS * _SECOND:
            suspect.until = 0
            yield Happening("silence", ts, client, server)

"""Which detections a capture raises, by the definition: the oracle of the two sensors."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from melsec_nsm.codec.frames import Pdu
from melsec_nsm.codec.text import printable
from melsec_nsm.codec.transactions import Half, Transaction
from melsec_nsm.definitions.model import Detection, Threshold
from melsec_nsm.engines.base import Alert
from melsec_nsm.engines.reference.events import Happening
from melsec_nsm.engines.reference.operations import Begun
from melsec_nsm.engines.reference.sessions import Bounded, Sessions, names_server, server_of
from melsec_nsm.engines.reference.telling import Key, Meaning, Telling, with_role
from melsec_nsm.engines.reference.tuning import Tuned

MAX_COUNTED = 16384
"""Clients, controllers and pairs whose times are counted for a detection; the least recent is forgotten beyond it."""

MAX_QUIET = 65536
"""Alerts that are not to be repeated yet; the oldest may be repeated early beyond it."""


class Judge:
    """Raises each detection once for a client and a server, and again only after its interval."""

    def __init__(
        self,
        telling: Telling,
        sessions: Sessions,
        suspect: Callable[[int, str], None] = lambda ts, server: None,
        tuning: Tuned | None = None,
    ) -> None:
        self._suspect = suspect
        self._dangerous: set[str] = set()
        self._by_event: dict[str, list[_Watch]] = {}
        self._telling = telling
        self._sessions = sessions
        self._tuning = tuning or Tuned()
        self._by_command: dict[tuple[str, Key], list[_Watch]] = {}
        self._by_action: dict[str, list[Detection]] = {}
        self._replays: list[Detection] = []
        self._by_policy: dict[str, list[Detection]] = {}
        self._quiet_until: Bounded[Hashable, int] = Bounded(MAX_QUIET)
        for detection in telling.definition.detections.values():
            tuned = self._tuning.tuned(detection)
            if tuned is not None and "reference" in detection.engines():
                self._add(tuned)

    def _add(self, detection: Detection) -> None:
        when = detection.when
        if when.credential is not None:
            self._replays.append(detection)
        if when.policy is not None:
            self._by_policy.setdefault(when.policy, []).append(detection)
        for action in when.actions:
            self._by_action.setdefault(action, []).append(detection)
        self._dangerous.update(when.after)
        watch = _Watch(detection, Meaning(self._telling, when), when.threshold)
        if when.event is not None:
            self._by_event.setdefault(when.event, []).append(watch)
        for key in watch.meaning.commands:
            self._by_command.setdefault((when.half, key), []).append(watch)

    def half(self, half: Half) -> Iterator[Alert]:
        """What a request raises at once: a stop or a reset may never be answered."""
        if half.pdu.is_request and names_server(half):
            yield from self._request(half, half.destination.host)

    def transaction(self, transaction: Transaction) -> Iterator[Alert]:
        """What a broadcast request raises once it is known who answered it, and what responses raise.

        However many answer a broadcast, it is one request.
        """
        request, response = transaction.request, transaction.response
        if request is None:
            return
        if not names_server(request) and not transaction.again:
            yield from self._request(request, server_of(transaction))
        if response is not None:
            server = response.source.host
            for watch in self._by_command.get(("response", self._telling.key(request.pdu)), ()):
                if watch.meaning.holds(request.pdu, response.pdu):
                    yield from self._counted(watch, request.pdu, response.ts, transaction.client, server)

    def operation(self, begun: Begun) -> Iterator[Alert]:
        """What an engineering operation raises."""
        for detection in self._by_action.get(begun.action, ()):
            key = (detection.id, begun.client, begun.server, begun.object)
            yield from self._raise(detection, begun.ts, begun.client, begun.server, (key,))

    def happened(self, happening: Happening) -> Iterator[Alert]:
        """What an event raises that is no operation."""
        for watch in self._by_event.get(happening.event, ()):
            yield from self._counted(watch, None, happening.ts, happening.client, happening.server)

    def violated(self, violations: Iterable[str], ts: int, client: str, server: str, *about: str) -> Iterator[Alert]:
        """What violations of the policy raise: each once for a client, a server and what it is ``about``."""
        for violation in violations:
            for detection in self._by_policy.get(violation, ()):
                yield from self._raise(detection, ts, client, server, ((detection.id, client, server, *about),))

    def _request(self, request: Half, server: str) -> Iterator[Alert]:
        client = request.source.host
        for watch in self._by_command.get(("request", self._telling.key(request.pdu)), ()):
            if watch.meaning.holds(request.pdu, first=request.first):
                yield from self._counted(watch, request.pdu, request.ts, client, server)
        if self._replays and request.pdu.footer is not None and self._sessions.replays(request, server):
            for detection in self._replays:
                yield from self._raise(detection, request.ts, client, server, ((detection.id, client, server),))

    def _counted(self, watch: _Watch, request: Pdu | None, ts: int, client: str, server: str) -> Iterator[Alert]:
        detection, threshold = watch.detection, watch.threshold
        if self._tuning.spares(detection, client):
            return
        if threshold is None:
            yield from self._raise(detection, ts, client, server, ((detection.id, client, server),))
            return
        scopes = {"client": (client,), "server": ("", server), "pair": (client, server)}
        keys = tuple(scopes[name] for name in threshold.per)
        if watch.count(ts, keys, self._distinct(threshold, request, client, server)):
            yield from self._raise(detection, ts, client, server, tuple((detection.id, *key) for key in keys))

    def _distinct(self, threshold: Threshold, request: Pdu | None, client: str, server: str) -> str | None:
        if threshold.distinct == "user" and request is not None:
            return next((printable(name) for name in with_role(self._telling.payload(request), "user")), "")
        return {
            None: None,
            "client": client,
            "server": server,
            "target": self._telling.about(request).target if request and threshold.distinct == "target" else "",
            "command": f"{request.protocol} {request.command}" if request else "",
        }[threshold.distinct]

    def _raise(
        self, detection: Detection, ts: int, client: str, server: str, keys: tuple[Hashable, ...]
    ) -> Iterator[Alert]:
        if self._tuning.spares(detection, client):
            return
        if detection.id in self._dangerous:
            self._suspect(ts, server)
        if any(ts < (self._quiet_until.get(key) or 0) for key in keys):
            return
        for key in keys:
            self._quiet_until.put(key, ts + detection.suppress * 1_000_000_000)
        yield Alert(detection.id, ts, client, server)


@dataclass(slots=True)
class _Watch:
    """A detection that looks at PDUs, with what it has counted."""

    detection: Detection
    meaning: Meaning
    threshold: Threshold | None
    _counts: OrderedDict[Hashable, _Count] = field(default_factory=OrderedDict)

    def count(self, ts: int, keys: tuple[Hashable, ...], value: str | None) -> bool:
        """Counts one time for each of the keys; whether one has had it often enough. Then all are empty again."""
        assert self.threshold is not None
        full = False
        for key in keys:
            counted = self._counts.setdefault(key, _Count())
            self._counts.move_to_end(key)
            full = counted.add(ts, value, self.threshold) or full
            if len(self._counts) > MAX_COUNTED:
                self._counts.popitem(last=False)
        if full:
            for key in keys:
                self._counts.pop(key, None)
        return full


@dataclass(slots=True)
class _Count:
    """Times within an interval: all of them, or the last of each value. It holds no more than are asked for.

    Of an interval that is fixed it holds the beginning and the number.
    """

    times: deque[int] = field(default_factory=deque)
    values: OrderedDict[str, int] = field(default_factory=OrderedDict)
    since: int | None = None
    number: int = 0

    def add(self, ts: int, value: str | None, threshold: Threshold) -> bool:
        """Counts a time; whether there are enough."""
        since = ts - threshold.seconds * 1_000_000_000
        if threshold.fixed:
            if self.since is None or self.since <= since:
                self.since, self.number = ts, 0
            self.number += 1
            return self.number >= threshold.count
        if value is None:
            while self.times and self.times[0] < since:
                self.times.popleft()
            self.times.append(ts)
            return len(self.times) >= threshold.count
        self.values[value] = ts
        self.values.move_to_end(value)
        while next(iter(self.values.values())) < since:
            self.values.popitem(last=False)
        return len(self.values) >= threshold.count

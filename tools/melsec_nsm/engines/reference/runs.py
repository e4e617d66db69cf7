"""Runs: requests of a client to a controller that together are one thing, such as an online change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from melsec_nsm.codec.about import devices_of
from melsec_nsm.codec.payload import Payload
from melsec_nsm.codec.text import printable
from melsec_nsm.codec.transactions import Half, Transaction
from melsec_nsm.definitions.model import Action
from melsec_nsm.engines.reference.sessions import server_of
from melsec_nsm.engines.reference.telling import Key, Meaning, Telling, with_role

MAX_RUNS = 4096
"""Runs of an action at a time; the one that nothing was heard of for longest ends beyond it."""

MAX_NAMES = 16
"""Kinds of devices, or targets, of a run that are named."""

_SAID = 16
_SAID_OCTETS = 64
"""Requests of a run that are known when they come again, and octets of their data: who polls asks the same few."""

_STRETCH = 64
_WORD = 2


@dataclass(slots=True)
class Run:
    """A run. ``begun`` says that it has what the action asks for. What was refused covers nothing.

    ``said`` are requests that were counted, with the octets of content that each carries.
    """

    action: Action
    ts: int
    last: int
    client: str
    server: str
    first: Half
    requests: int = 0
    begun: bool = False
    octets: int | None = None
    refused: Transaction | None = None
    answered: Transaction | None = None
    devices: dict[str, None] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    covered: int = 0
    said: dict[tuple[str, int | None, int | None, bytes], int | None] = field(default_factory=dict)
    _stretches: dict[tuple[int, str, int], int] = field(default_factory=dict)

    @property
    def object(self) -> str:
        """What it was about: kinds of devices, else the targets of the requests."""
        named = [*(self.devices or self.names)]
        more = f",+{len(named) - MAX_NAMES}" if len(named) > MAX_NAMES else ""
        return ",".join(named[:MAX_NAMES]) + more

    def cover(self, code: int, name: str, number: int, count: int) -> None:
        """Counts devices, each once, until there are enough."""
        end = number + count
        while number < end and self.covered < self.action.points:
            start = number % _STRETCH
            here = min(_STRETCH - start, end - number)
            mask = (1 << here) - 1 << start
            stretch = (code, name, number // _STRETCH)
            before = self._stretches.get(stretch, 0)
            self._stretches[stretch] = before | mask
            self.covered += (mask & ~before).bit_count()
            number += here

    @property
    def complete(self) -> bool:
        """Whether it has what the action asks for."""
        action = self.action
        return (
            self.requests >= action.requests and self.covered >= action.points and len(self.devices) >= action.devices
        )


@dataclass(frozen=True, slots=True)
class RunEvent:
    """A run has become one, or it is finished."""

    run: Run
    finished: bool


class Runs:
    """The runs of one action."""

    def __init__(self, telling: Telling, action: Action) -> None:
        assert action.when is not None
        self._telling = telling
        self._action = action
        self._meaning = Meaning(telling, action.when)
        self._runs: OrderedDict[tuple[str, str], Run] = OrderedDict()

    @property
    def commands(self) -> Iterable[Key]:
        """The commands whose transactions it wants to see."""
        return self._meaning.commands

    def transaction(self, transaction: Transaction) -> Iterator[RunEvent]:
        """Counts a request, and ends the runs that have been idle before it."""
        request = transaction.request
        if request is None:
            return
        yield from self._expire(request.ts)
        if transaction.again or not self._meaning.holds(request.pdu):
            return
        key = (transaction.client, server_of(transaction))
        run = self._runs.get(key)
        if run is not None and not run.begun and request.ts - run.ts > self._action.within * 1_000_000_000:
            # Too little in too long a time.
            run = None
        if run is None:
            run = self._runs[key] = Run(self._action, request.ts, request.ts, *key, request)
        self._runs.move_to_end(key)
        self._count(run, transaction)
        if not run.begun and run.complete:
            run.begun = True
            yield RunEvent(run, finished=False)
        if len(self._runs) > MAX_RUNS:
            yield from self._end(next(iter(self._runs)))

    def _count(self, run: Run, transaction: Transaction) -> None:
        request = transaction.request
        assert request is not None
        run.requests += 1
        run.last = max(run.last, request.ts)
        refused = transaction.response is not None and bool(transaction.response.pdu.status)
        if transaction.response is not None:
            run.answered = transaction
            if refused and run.refused is None:
                run.refused = transaction
        if run.begun and self._action.requests:
            # What is watched again and again has been seen by now.
            return
        pdu = request.pdu
        said = (pdu.half.frame.id, pdu.command, pdu.subcommand, pdu.data)
        if said in run.said:
            octets = run.said[said]
        else:
            octets = self._cover(run, self._telling.payload(pdu), refused)
            # What relies on another request does not say everything itself.
            if not refused and pdu.refers is None and len(pdu.data) <= _SAID_OCTETS and len(run.said) < _SAID:
                run.said[said] = octets
        if octets is not None:
            run.octets = (run.octets or 0) + octets

    def _cover(self, run: Run, payload: Payload, refused: bool) -> int | None:
        """Counts what a request is about; the octets of content that it carries."""
        for point, count in devices_of(payload) if not refused else ():
            known = payload.reading.devices.known(point)
            name = known.symbol if known is not None else point.name or f"{point.code:02X}"
            if len(run.devices) <= MAX_NAMES + self._action.devices:
                run.devices[name] = None
            run.cover(point.code, point.name, point.number, count)
        if not run.devices and len(run.names) <= MAX_NAMES:
            targets = (printable(name).rpartition("\\")[2] for name in with_role(payload, "target"))
            run.names.update(dict.fromkeys(name for name in targets if name))
        return _octets(payload)

    def _expire(self, now: int) -> Iterator[RunEvent]:
        while self._runs:
            key, oldest = next(iter(self._runs.items()))
            if now - oldest.last <= self._action.idle * 1_000_000_000:
                return
            yield from self._end(key)

    def _end(self, key: tuple[str, str]) -> Iterator[RunEvent]:
        run = self._runs.pop(key)
        if run.begun:
            yield RunEvent(run, finished=True)

    def finish(self) -> Iterator[RunEvent]:
        """The runs that were going on at the end."""
        for key in list(self._runs):
            yield from self._end(key)


def _octets(payload: Payload) -> int | None:
    """Octets of content that a request carries."""
    content = payload.values.get("content")
    if isinstance(content, bytes):
        return len(content)
    return _WORD * len(content) if isinstance(content, tuple) else None

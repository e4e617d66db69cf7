"""From a detection to what single PDUs can show of it: one or several looks at commands.

Alternatives are a look each. An engineering operation is looked for by the requests that it consists of, a file on its
way by the request that names it. Everything that only several PDUs together can show is refused, but for their number
within an interval, which Suricata counts for a client or for a controller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from melsec_nsm.definitions.model import (
    Action,
    Command,
    Condition,
    Definition,
    Detection,
    Threshold,
    Transfer,
)
from melsec_nsm.generate.suricata.patterns import UnsupportedByBackend
from melsec_nsm.policy.compiled import PUBLIC

CLIENT, SERVER, PAIR = "client", "server", "pair"
SITELESS = (PUBLIC,)
"""What of a policy can be told without one: by addresses that are the same at every site."""


@dataclass(frozen=True, slots=True)
class Counting:
    """That ``count`` PDUs of a ``party``, or of a pair of them, within ``seconds`` are one alert.

    ``once``: those of a pair of hosts count but once in that time, so that the other parties are counted.
    """

    party: str
    count: int
    seconds: int
    once: bool = False


@dataclass(frozen=True, slots=True)
class FileSought:
    """A file that is named, by its extension, and that it is written or read."""

    extensions: tuple[str, ...]
    transfer: Transfer
    written: bool


@dataclass(frozen=True, slots=True)
class Look:
    """PDUs of some commands in one direction, and what else has to hold of them.

    ``frames`` are ids, none for all; ``fields``, ``statuses`` and ``first`` are those of the condition. ``each``: every
    one is an alert of its own. ``devices``: symbols, one of which the request names first. ``unknown``: commands that
    the definition does not have are meant, too, in ``protocols`` or, if there are none, in all. ``public``: the party
    that has a public address, where the other has none.
    """

    commands: tuple[Command, ...]
    direction: str = "request"
    frames: tuple[str, ...] = ()
    fields: tuple[tuple[str, int | bytes | str], ...] = ()
    statuses: tuple[str, ...] = ()
    first: bool = False
    file: FileSought | None = None
    counting: Counting | None = None
    each: bool = False
    devices: tuple[str, ...] = ()
    unknown: bool = False
    protocols: tuple[str, ...] = ()
    public: str = ""


def looks_for(definition: Definition, detection: Detection) -> tuple[Look, ...]:
    """What to look for. UnsupportedByBackend where that is more than single PDUs show."""
    looks = tuple(_looks(definition, detection.when))
    if not any(look.commands or look.unknown for look in looks):
        raise UnsupportedByBackend("no command of the definition is meant")
    return looks


def _looks(definition: Definition, when: Condition) -> Iterator[Look]:
    if when.credential is not None:
        raise UnsupportedByBackend("a value cannot be compared with that of another flow")
    if when.event is not None:
        raise UnsupportedByBackend("an event is more than one PDU shows")
    if when.actions:
        yield from _operations(definition, when.actions)
        return
    if when.policy is not None:
        if when.policy not in SITELESS:
            raise UnsupportedByBackend(f"'{when.policy}' is judged by the policy of a site")
        yield from (replace(_requests(definition), public=party) for party in (CLIENT, SERVER))
        return
    for condition in when.alternatives or (when,):
        look = Look(
            commands=tuple(command for command in definition.commands() if condition.mentions(command)),
            direction=condition.direction,
            frames=condition.frames,
            fields=condition.fields,
            statuses=condition.statuses,
            first=condition.first,
            devices=condition.devices,
            unknown=condition.unknown,
            protocols=condition.protocols,
        )
        for counting in _countings(when.threshold):
            yield replace(look, counting=counting)


def _requests(definition: Definition) -> Look:
    """Requests of clients, those with commands that nobody knows among them."""
    return Look(tuple(command for command in definition.commands() if not command.pushed), unknown=True)


def _countings(threshold: Threshold | None) -> Iterator[Counting | None]:
    """A count for each party. After the first the others count pairs, so that one alert is enough for one pair."""
    if threshold is None:
        yield None
        return
    if PAIR in threshold.per:
        if len(threshold.per) > 1 or threshold.distinct is not None:
            raise UnsupportedByBackend("a threshold counts for a pair of hosts or for one of them")
        yield Counting(PAIR, threshold.count, threshold.seconds)
        return
    for number, party in enumerate(sorted(threshold.per, key=(SERVER, CLIENT).index)):
        other = SERVER if party == CLIENT else CLIENT
        if threshold.distinct not in (None, other):
            raise UnsupportedByBackend(f"a threshold counts alerts, and not different {threshold.distinct}s")
        once = threshold.distinct is not None or number > 0
        yield Counting(party, threshold.count, threshold.seconds, once)


# Engineering operations


def _operations(definition: Definition, names: tuple[str, ...]) -> Iterator[Look]:
    left = set(names)
    for written in (True, False):
        kinds = [kind for kind in definition.engineering.kinds if (kind.download if written else kind.upload) in left]
        if kinds:
            if not all(kind.extensions for kind in kinds):
                raise UnsupportedByBackend("files of any extension but some")
            yield from _files(definition, tuple(one for kind in kinds for one in kind.extensions), written=written)
        left -= {kind.download if written else kind.upload for kind in kinds}
    for action in definition.engineering.actions:
        if {action.name, action.failed, action.known} & left:
            yield from _action(definition, action)
            left -= {action.name}
    if left:
        raise UnsupportedByBackend(f"the operation {min(left)} cannot be told by a request")


def _action(definition: Definition, action: Action) -> Iterator[Look]:
    enough = not (action.requests or action.points or action.devices)
    if action.when is None or not enough or action.each not in ("transaction", "run", "session", "user"):
        raise UnsupportedByBackend(f"the operation {action.name} needs more than one request")
    yield from _looks(definition, action.when)


def _files(definition: Definition, extensions: tuple[str, ...], *, written: bool) -> Iterator[Look]:
    """Requests that open a file, then those that name it every time."""
    for named in (False, True):
        for transfer in definition.engineering.transfers:
            if (transfer.open is None) != named:
                continue
            operation = transfer.open or (transfer.write if written else transfer.read)
            commands = tuple(one for one in definition.commands() if one.operation == operation)
            yield Look(commands, file=FileSought(extensions, transfer, written), each=not named)

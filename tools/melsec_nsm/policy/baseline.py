"""What is usual at a site, and what is new.

Two hosts that never spoke to each other are a ``new-conversation``. Between two that did, an operation that was never
seen is a ``new-operation``, and one about devices beyond those that it was about, or about another file. What is seen
while sensors learn is usual from then on, and so is what was told of once.

Of a transaction its line in the log is taken: the operation, and the targets. ``D100-D199`` is a range of devices; of
ranges of one kind the lowest and the highest number are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from melsec_nsm.definitions.model import Definition
from melsec_nsm.policy.compiled import CompiledPolicy

CONVERSATION = "new-conversation"
OPERATION = "new-operation"

NEW = (CONVERSATION, OPERATION)
"""What this tells: the ids of the detections."""

MAX_USUAL = 65536
"""Operations and kinds of targets that are remembered; when there are more, nothing is new any more."""

_HEX = 16
_DECIMAL = frozenset("0123456789")
_HEXADECIMAL = _DECIMAL | frozenset("ABCDEF")
_LONGEST = 4
"""Characters of a symbol."""
_NS = 1_000_000_000


class Range(NamedTuple):
    """A kind of devices with the lowest and the highest number; a name that is no device has no numbers: 0 and 0."""

    kind: str
    first: int = 0
    last: int = 0


def ranges(targets: str, bases: Mapping[str, int]) -> Iterator[Range]:
    """The ranges in the targets of a line, devices by the ``bases`` of their numbers.

    How many more there were that the line leaves out is none.
    """
    for item in targets.split(","):
        if item and not item.startswith("+"):
            yield _range(item, bases)


def _range(item: str, bases: Mapping[str, int]) -> Range:
    where, slash, devices = item.rpartition("\\")
    first, dash, last = devices.partition("-")
    symbol = _symbol(first, bases)
    ends = [_number(end, symbol, bases) for end in ([first, last] if dash else [first])]
    numbers = [number for number in ends if number is not None]
    if len(numbers) < len(ends):
        return Range(item)
    return Range(f"{where}{slash}{symbol}", numbers[0], numbers[-1])


def _symbol(text: str, bases: Mapping[str, int]) -> str:
    """The longest symbol that a text begins with, empty where it begins with none."""
    return next((text[:size] for size in range(_LONGEST, 0, -1) if text[:size] in bases), "")


def _number(text: str, symbol: str, bases: Mapping[str, int]) -> int | None:
    """The number of a device of this kind, None where it is none."""
    digits = text.removeprefix(symbol)
    if not symbol or not text.startswith(symbol) or not digits:
        return None
    allowed = _HEXADECIMAL if bases[symbol] == _HEX else _DECIMAL
    return int(digits, bases[symbol]) if allowed.issuperset(digits) else None


class _Usual:
    """What is usual: all that is between two hosts, all that an operation is about, or ranges."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()
        self.everything: set[tuple[str, str]] = set()
        self.operations: set[tuple[str, str, str]] = set()
        self.anything: set[tuple[str, str, str]] = set()
        self.ranges: dict[tuple[str, str, str, str], tuple[int, int]] = {}

    def has(self, key: tuple[str, str, str], found: Range) -> bool:
        """Whether an operation about a range is usual."""
        within = self.ranges.get((*key, found.kind))
        return within is not None and within[0] <= found.first and found.last <= within[1]

    def add(self, key: tuple[str, str, str], found: Range) -> None:
        """Makes it usual."""
        place = (*key, found.kind)
        first, last = self.ranges.get(place, (found.first, found.last))
        self.ranges[place] = (min(first, found.first), max(last, found.last))

    def __len__(self) -> int:
        return len(self.operations) + len(self.ranges)


class Memory:
    """What a sensor knows to be usual, from a policy and from what it has seen."""

    def __init__(self, policy: CompiledPolicy) -> None:
        baseline = policy.policy.baseline
        self._active = baseline is not None
        self._bases = device_bases(policy.definition)
        self._until = policy.learn_until
        self._told, self._learned = _Usual(), _Usual()
        for one in baseline.known if baseline is not None else ():
            self._tell((str(one.client), str(one.controller)), one.operation, one.targets)

    def _tell(self, pair: tuple[str, str], operation: str, targets: Iterable[str]) -> None:
        self._told.pairs.add(pair)
        if not operation:
            self._told.everything.add(pair)
            return
        key = (*pair, operation)
        self._told.operations.add(key)
        if not targets:
            self._told.anything.add(key)
        for one in ranges(",".join(targets), self._bases):
            self._told.add(key, one)

    def new(self, ts: int, client: str, server: str, operation: str, targets: str) -> str:
        """What is new in a transaction that began at ``ts`` (ns): one of `NEW`, or empty."""
        pair = (client, server)
        if not self._active or pair in self._told.everything or len(self._learned) >= MAX_USUAL:
            return ""
        known = pair in self._told.pairs or pair in self._learned.pairs
        self._learned.pairs.add(pair)
        changed = bool(operation) and self._is_new((client, server, operation), targets)
        if self._until is not None and ts // _NS < self._until:
            return ""
        if not known:
            return CONVERSATION
        return OPERATION if changed else ""

    def _is_new(self, key: tuple[str, str, str], targets: str) -> bool:
        if key in self._told.anything:
            return False
        new = key not in self._told.operations and key not in self._learned.operations
        self._learned.operations.add(key)
        for one in ranges(targets, self._bases):
            if not self._told.has(key, one) and not self._learned.has(key, one):
                new = True
                self._learned.add(key, one)
        return new


def device_bases(definition: Definition) -> dict[str, int]:
    """The base of the numbers of devices, by their symbols. The log has those of X and Y of some CPUs in octal."""
    return {device.symbol: _HEX if device.base == _HEX else 10 for device in definition.devices}

"""IPv4 and IPv6 fragments to whole datagrams, in bounded memory."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from .pieces import Piece, Pieces

_LARGEST_DATAGRAM = 0xFFFF


@dataclass(slots=True)
class Fragment:
    """One fragment. ``key`` is equal for all fragments of a datagram, ``offset`` in octets."""

    key: Hashable
    offset: int
    more: bool
    protocol: int
    data: bytes
    lost: int
    """Octets of the fragment that were not captured."""
    ts: int


@dataclass(slots=True)
class _Partial:
    """A datagram in the making."""

    since: int
    pieces: Pieces = field(default_factory=Pieces)
    total: int | None = None
    protocol: int = -1


@dataclass(frozen=True, slots=True)
class _Done:
    """A datagram that was delivered a moment ago."""

    ts: int
    data: bytes


class Defragmenter:
    """Collects fragments: out of order, doubled, overlapping (the octets seen first win).

    A datagram that does not complete within ``timeout`` ns of capture time, or is the oldest when
    more than ``datagrams`` or ``octets`` are held, is dropped and counted in ``dropped``.
    """

    def __init__(
        self, timeout: int = 30_000_000_000, datagrams: int = 1024, octets: int = 0x800000, copies: int = 50_000_000
    ) -> None:
        self._timeout = timeout
        self._datagrams = datagrams
        self._octets = octets
        self._copies = copies
        self._partial: dict[Hashable, _Partial] = {}
        self._done: dict[Hashable, _Done] = {}
        self._held = 0
        self.seen = 0
        """Fragments given."""
        self.dropped = 0
        """Datagrams given up."""

    def add(self, fragment: Fragment) -> tuple[int, bytes] | None:
        """Take a fragment. If it completes a datagram: its protocol number and octets, else None."""
        self.seen += 1
        self._expire(fragment.ts)
        if self._is_copy(fragment):
            return None
        data, lost = self._fitting(fragment)
        partial = self._partial.get(fragment.key)
        if partial is None:
            partial = self._partial[fragment.key] = _Partial(fragment.ts)
        before = partial.pieces.octets
        partial.pieces.add(Piece(fragment.offset, data, lost, fragment.ts))
        self._held += partial.pieces.octets - before
        if not fragment.more and partial.total is None:
            partial.total = fragment.offset + len(data) + lost
        if fragment.offset == 0 and partial.protocol < 0:
            partial.protocol = fragment.protocol
        whole = None if partial.total is None else partial.pieces.whole(partial.total)
        if whole is None:
            self._make_room()
            return None
        self._forget(fragment.key)
        self._done[fragment.key] = _Done(fragment.ts, whole)
        return partial.protocol, whole

    def flush(self) -> None:
        """Give up every datagram that is not complete."""
        self.dropped += len(self._partial)
        self._partial.clear()
        self._done.clear()
        self._held = 0

    def _fitting(self, fragment: Fragment) -> tuple[bytes, int]:
        """The octets of the fragment a host would use, and how many of these were not captured."""
        length = min(len(fragment.data) + fragment.lost, _LARGEST_DATAGRAM - fragment.offset)
        if fragment.more:
            # Offsets count eight octets; like the hosts, cut what is over.
            length &= ~7
        data = fragment.data[:length]
        return data, length - len(data)

    def _is_copy(self, fragment: Fragment) -> bool:
        """Whether a span port gave the fragment of a complete datagram a second time."""
        done = self._done.get(fragment.key)
        if done is None:
            return False
        if done.data.startswith(fragment.data, fragment.offset):
            return True
        del self._done[fragment.key]
        return False

    def _expire(self, now: int) -> None:
        # Both tables are in order of time, so the first entry is the oldest.
        while self._partial:
            key, partial = next(iter(self._partial.items()))
            if now - partial.since <= self._timeout:
                break
            self._forget(key)
            self.dropped += 1
        while self._done:
            key, done = next(iter(self._done.items()))
            if now - done.ts <= self._copies and len(self._done) < self._datagrams:
                break
            del self._done[key]

    def _make_room(self) -> None:
        while len(self._partial) > self._datagrams or self._held > self._octets:
            self._forget(next(iter(self._partial)))
            self.dropped += 1

    def _forget(self, key: Hashable) -> None:
        self._held -= self._partial.pop(key).pieces.octets

"""Octet ranges that arrive in any order and overlap; the octets seen first win."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Piece(NamedTuple):
    """Octets at ``start``: ``data``, then ``lost`` octets that were sent but not captured."""

    start: int
    data: bytes
    lost: int
    ts: int

    @property
    def end(self) -> int:
        """Position after the last octet, captured or lost."""
        return self.start + len(self.data) + self.lost


class Pieces:
    """Pieces in order of position, none overlapping another."""

    __slots__ = ("_items", "_starts", "octets")

    def __init__(self) -> None:
        self._items: list[Piece] = []
        self._starts: list[int] = []
        self.octets = 0
        """Octets of data held."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def covered(self) -> int:
        """Octets that the pieces stand for, captured or lost."""
        return sum(piece.end - piece.start for piece in self._items)

    @property
    def first(self) -> int:
        """Position of the first octet held. IndexError if nothing is held."""
        return self._starts[0]

    def add(self, piece: Piece) -> None:
        """Keep of these octets what no earlier piece covers."""
        origin, data, lost, ts = piece
        start, end = origin, origin + len(data) + lost
        index = bisect_right(self._starts, start)
        if index:
            start = max(start, self._items[index - 1].end)
        while start < end:
            limit = min(end, self._starts[index]) if index < len(self._items) else end
            if limit > start:
                part = data[start - origin : limit - origin]
                self._items.insert(index, Piece(start, part, limit - start - len(part), ts))
                self._starts.insert(index, start)
                self.octets += len(part)
                index += 1
            if index == len(self._items):
                break
            start = max(limit, self._items[index].end)
            index += 1

    def pop(self) -> Piece:
        """Take the first piece out. IndexError if nothing is held."""
        self._starts.pop(0)
        piece = self._items.pop(0)
        self.octets -= len(piece.data)
        return piece

    def whole(self, length: int) -> bytes | None:
        """The octets 0 to ``length`` if every one of them is held, else None."""
        position = 0
        parts = []
        for piece in self._items:
            if position >= length:
                break
            if piece.start != position or piece.lost:
                return None
            parts.append(piece.data)
            position = piece.end
        return b"".join(parts)[:length] if position >= length else None

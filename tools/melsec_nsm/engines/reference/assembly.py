"""The octets of a file from its blocks, in whatever order and however often they come."""

from __future__ import annotations

import hashlib

from melsec_nsm.capture.pieces import Piece, Pieces

MAX_HELD = 0x40000
"""Octets of a file that wait for those before them; beyond it they are counted, and the file has no hash."""

MAX_PIECES = 4096
"""Stretches of a file between holes; beyond it further blocks are not looked at."""


class Assembly:
    """A file in parts. The octets seen first stay, whatever a repeated block says."""

    __slots__ = ("_hashing", "_md5", "_next", "_pieces", "_sha256", "end")

    def __init__(self) -> None:
        self._pieces = Pieces()
        self._next = 0
        self._hashing = True
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self.end = 0
        """Position behind the last octet."""

    def add(self, offset: int, data: bytes) -> None:
        """Takes a block."""
        self.end = max(self.end, offset + len(data))
        if offset < self._next:
            data = data[self._next - offset :]
            offset = self._next
        if not data or len(self._pieces) >= MAX_PIECES:
            return
        self._pieces.add(Piece(offset, data, 0, 0) if self._hashing else Piece(offset, b"", len(data), 0))
        while self._pieces and self._pieces.first <= self._next:
            piece = self._pieces.pop()
            self._sha256.update(piece.data)
            self._md5.update(piece.data)
            self._next = piece.end
        if self._pieces.octets > MAX_HELD:
            self._give_up()

    def _give_up(self) -> None:
        """Lets go of the octets that wait, and goes on counting."""
        self._hashing = False
        lighter = Pieces()
        while self._pieces:
            piece = self._pieces.pop()
            lighter.add(Piece(piece.start, b"", piece.end - piece.start, 0))
        self._pieces = lighter

    @property
    def seen(self) -> int:
        """Octets that were seen, each once."""
        return self._next + self._pieces.covered

    def missing(self, size: int) -> int:
        """Octets of a file of this size that were not seen."""
        return max(size, self.end) - self.seen

    def hashes(self, size: int) -> tuple[str, str] | None:
        """MD5 and SHA-256 of a file of this size, None where something of it is missing, or nothing of it was seen."""
        if not self.end or self.missing(size) or not self._hashing:
            return None
        return self._md5.hexdigest(), self._sha256.hexdigest()

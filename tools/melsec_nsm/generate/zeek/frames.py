"""Numbers of the frame layouts, shared by the grammar and the scripts."""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.definitions.model import Definition, Frame, Protocol


def numbered(definition: Definition) -> Iterator[tuple[int, Protocol, Frame]]:
    """Every frame layout with its number, from 1, in definition order."""
    number = 0
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            number += 1
            yield number, protocol, frame

"""Frames whose header says how long a PDU is: by a length, or by a command that has but one size."""

from __future__ import annotations

from collections.abc import Sequence

from melsec_nsm.definitions.model import Command, Frame, Protocol
from melsec_nsm.generate.suricata.patterns import (
    Constraint,
    Header,
    Sought,
    UnsupportedByBackend,
    anchored,
    first_octet,
    floating,
    shifted,
    within_packet,
)


class HeadedPdu:
    """The PDUs of such a frame that are sought, as keywords."""

    def __init__(self, protocol: Protocol, frame: Frame, direction: str, sought: Sought) -> None:
        self._protocol, self._frame, self._direction = protocol, frame, direction
        header = Header.of(protocol, frame, direction)
        self._length = header.length
        self._ending = sought.ending
        # What is sought of a field of the header is more than what its frame asks for.
        taken = {row.offset for row in sought.constraints}
        self._constraints = [*(row for row in header.constraints if row.offset not in taken), *sought.constraints]
        self._size = header.size + _data_size(header, frame, sought.commands) if header.length is None else 0

    def packet(self) -> list[str]:
        """Keywords for a PDU at the start of a packet; behind one with a length others may follow."""
        if self._length is None:
            return [f"dsize:{self._size}", *anchored(self._constraints)]
        return [*anchored(self._constraints, self._ending), within_packet(self._length)]

    def lead(self) -> list[str]:
        """Keywords for the first octet of a PDU at the start of a packet."""
        return anchored(first_octet(self._constraints))

    def datagram(self) -> list[str]:
        """Keywords for a PDU that fills a datagram."""
        return self.packet() if self._length is None else [*self.packet(), "isdataat:!1,relative"]

    def stream(self) -> list[str]:
        """Keywords for a PDU anywhere in a stream; none where it cannot be told there."""
        if self._length is not None:
            return floating(self._constraints, self._length, self._ending)
        # Too short to be looked for alone in a stream: the header of a longer frame has to follow.
        follower = self._follower()
        return floating([*self._constraints, *shifted(follower, self._size)], None) if follower else []

    def _follower(self) -> list[Constraint]:
        """What the headers of the protocol's frames with a length have in common."""
        headers = [
            set(header.constraints)
            for other in self._protocol.frames
            if other.id != self._frame.id
            and (header := Header.of(self._protocol, other, self._direction)).length is not None
        ]
        return sorted(set.intersection(*headers), key=lambda one: one.offset) if headers else []


def _data_size(header: Header, frame: Frame, commands: Sequence[Command]) -> int:
    sizes = {header.data.sizes.get(command.code) for command in commands}
    size = sizes.pop()
    if sizes or size is None:
        raise UnsupportedByBackend(f"frame {frame.id}: no length field, and no single size for the commands")
    return size

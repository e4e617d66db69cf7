"""Frames without a length (1E): a request is as long as its command's layout, a response as its request makes it.

Such a frame has no sub-header either. A request is taken for one by its command, its PC number and its data; a
response only where it is what a request that waits asked for.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterator, Sequence

from melsec_nsm.codec import payload
from melsec_nsm.codec.devices import Devices
from melsec_nsm.codec.payload import Payload, Reading
from melsec_nsm.codec.pdu import HEX_DIGITS, INCOMPLETE, MISMATCH, Half, Incomplete, Mismatch, Pdu, Value
from melsec_nsm.definitions.model import Command, Frame, Protocol

MAX_DATA = 4200
"""Octets of the data of a PDU without a length; those with one have about the same bound."""

ABNORMAL = 0x5B
"""End code that an abnormal code follows: an octet, and a zero that some controllers leave out (MFX3 7.3.2)."""


class LayoutHalf(Half):
    """One half of a frame without a length."""

    def __init__(
        self, protocol: Protocol, frame: Frame, direction: str, devices: Devices, statuses: frozenset[int]
    ) -> None:
        super().__init__(protocol, frame, direction, statuses)
        self._devices = devices
        self._commands = {command.code: command for command in protocol.commands_of(frame)}
        self._widths = tuple(
            following - offset
            for offset, following in zip(
                self.offsets.values(), [*list(self.offsets.values())[1:], self.header_size], strict=True
            )
        )

    @property
    def first_octets(self) -> frozenset[int]:
        """The octets with which a PDU of this half may start, by the commands."""
        flag = self.header[0].flag
        codes = [code | flag for code in self._commands]
        if not self.ascii:
            return frozenset(codes)
        return frozenset(ord(digit) for code in codes for digit in f"{code:02X}{code:02x}"[::2])

    def measure(
        self, buffer: bytes, start: int, *, strict: int, asked: Sequence[Pdu] = ()
    ) -> int | Mismatch | Incomplete:
        """The size of the PDU that starts at ``start``. ``asked`` are the requests that wait, the oldest first."""
        found = self.find(buffer, start, strict=bool(strict), asked=asked)
        return found if isinstance(found, (Mismatch, Incomplete)) else found.size

    def find(
        self, buffer: bytes, start: int, *, strict: bool, asked: Sequence[Pdu] = ()
    ) -> Pdu | Mismatch | Incomplete:
        """The PDU that starts at ``start``, or why there is none. A response refers to its request."""
        if strict and self.direction == "request" and not self._allowed:
            # Without a PC number anything may be meant (60 00): only behind another 1E PDU.
            return MISMATCH
        header = bytes(buffer[start : start + self.header_size])
        values = self._seen(header, strict=strict)
        if values is None:
            return MISMATCH
        if len(header) < self.header_size:
            return INCOMPLETE
        data = bytes(buffer[start + self.header_size : start + self.header_size + MAX_DATA * self.scale])
        command = self._commands[values[self._command or 0]]
        if self.direction == "request":
            size = self._request(command, data, strict=strict)
            if not isinstance(size, int):
                return size
            pdu = Pdu(self, tuple(values), data[:size], self.header_size + size)
            pdu.open = command.request.get(0) is None
            return pdu
        return self._response(command, values, data, asked)

    def _unpack(self, buffer: bytes, start: int) -> tuple[Value, ...]:
        header = buffer[start : start + self.header_size]
        return super()._unpack(unhexlify(header) if self.ascii else header, 0)

    def _seen(self, header: bytes, *, strict: bool) -> list[int] | None:
        """The fields of a header that may be cut off, None where it is none."""
        values: list[int] = []
        if self.ascii and header.translate(None, HEX_DIGITS):
            return None
        for position, (field, offset, width) in enumerate(
            zip(self.header, self.offsets.values(), self._widths, strict=True)
        ):
            octets = header[offset : offset + width]
            if len(octets) < width:
                break
            value = int(octets, 16) if self.ascii else int.from_bytes(octets, self._devices.order)
            if value & field.flag != field.flag:
                return None
            value &= ~field.flag
            if position == self._command and value not in self._commands:
                return None
            if field.const is not None and value != field.const:
                return None
            if strict and field.allowed and not any(low <= value <= high for low, high in field.allowed):
                return None
            if strict and position == self._status and value and value not in self._statuses:
                return None
            values.append(value)
        return values

    def _reading(self, command: Command) -> Reading:
        return Reading.of(self._devices, command, 0, ascii=self.ascii)

    def _request(self, command: Command, data: bytes, *, strict: bool) -> int | Mismatch | Incomplete:
        """Octets of a request's data, none of those of an unknown layout."""
        name = command.request.get(0)
        if name is None:
            return MISMATCH if strict else 0
        if not name:
            return 0
        found = payload.decode(self.protocol.layouts[name], data, self._reading(command))
        return self._size(found, data, strict=strict)

    def _size(self, found: Payload, data: bytes, *, strict: bool) -> int | Mismatch | Incomplete:
        if not payload.plausible(found, strict=strict):
            return MISMATCH
        if found.complete:
            return len(data) - len(found.rest)
        return INCOMPLETE if found.ended and len(data) < MAX_DATA * self.scale else MISMATCH

    def _response(
        self, command: Command, values: list[int], data: bytes, asked: Sequence[Pdu]
    ) -> Pdu | Mismatch | Incomplete:
        """The response to the oldest request that it fits: after it the octets end, or another response begins."""
        waiting: Incomplete | None = None
        first: Pdu | None = None
        for request in asked:
            if request.half.frame is not self.frame or request.command != command.code:
                continue
            size = self._answer(command, values[self._status or 0], data, request)
            if isinstance(size, Mismatch):
                continue
            if isinstance(size, Incomplete):
                waiting = waiting or size
                continue
            pdu = Pdu(self, tuple(values), data[:size], self.header_size + size)
            pdu.refers = request
            pdu.open = command.response.get(0) is None and not values[self._status or 0]
            if values[self._status or 0] == ABNORMAL:
                pdu.trailing = self.written(b"\0")
            rest = data[size:].removeprefix(pdu.trailing)
            if not rest or self.begins(rest):
                return pdu
            first = first or pdu
        return first or waiting or MISMATCH

    def _answer(self, command: Command, status: int, data: bytes, request: Pdu) -> int | Mismatch | Incomplete:
        """Octets of the data of a response to a request, none of those of an unknown layout."""
        if status:
            size = self.scale if status == ABNORMAL else 0
            return size if len(data) >= size else INCOMPLETE
        name = command.response.get(0)
        if not name:
            return 0
        reading = self._reading(command).answering(payload.asked_for(request, self._devices))
        return self._size(payload.decode(self.protocol.layouts[name], data, reading), data, strict=False)

    def begins(self, octets: bytes) -> bool:
        """Whether octets may be a response, or the beginning of one."""
        return self._seen(octets[: self.header_size], strict=True) is not None


def registrations(protocol: Protocol) -> Iterator[tuple[int, int]]:
    """Commands that read what another one registered, with that one's code.

    A registration is answered by the next command of its class and its units that asks for nothing itself.
    """
    monitors = [command for command in protocol.commands if command.klass == "monitor"]
    for command in monitors:
        if not command.request.get(0):
            continue
        for reader in monitors:
            if reader.code > command.code and reader.units == command.units and reader.request.get(0) == "":
                yield reader.code, command.code
                break

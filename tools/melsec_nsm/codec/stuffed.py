"""Frames between control codes (4C, format 5): every DLE inside is doubled, and a sum may follow.

The first field is DLE STX; what follows it up to DLE ETX is written with each DLE twice. The length counts
octets before doubling.
"""

from __future__ import annotations

from collections.abc import Mapping

from melsec_nsm.codec.pdu import INCOMPLETE, MISMATCH, Half, Incomplete, Mismatch, Pdu, Value

_DLE = 0x10
_START = 2
_END = bytes((_DLE, 0x03))


class StuffedHalf(Half):
    """One half of a frame with DLE framing. ``trailing`` of its PDUs is the sum that may follow."""

    def measure(self, buffer: bytes, start: int, *, strict: int) -> int | Mismatch | Incomplete:
        """The size up to DLE ETX. How long an unfinished PDU will be is not known: more octets may be doubled."""
        found = self._plain(buffer, start)
        if found is None:
            return MISMATCH
        plain, end = found
        size = super().measure(plain, 0, strict=strict)
        if isinstance(size, Mismatch):
            return MISMATCH
        if not end:
            return MISMATCH if isinstance(size, int) and len(plain) > size else INCOMPLETE
        return end - start if size == len(plain) else MISMATCH

    def decode(self, buffer: bytes, start: int, total: int) -> Pdu:
        """The PDU of ``total`` octets at ``start``; the caller has measured it."""
        found = self._plain(buffer, start)
        assert found is not None
        plain, _ = found
        pdu = Pdu(self, self._unpack(plain, 0), plain[self.header_size :], total)
        pdu.trailing = _sum(plain)
        return pdu

    def encode(self, values: Mapping[str, Value], data: bytes) -> bytes:
        """The octets of a PDU with its sum. Fields that ``values`` leaves out take their constant or default."""
        plain = super().encode(values, data)
        stuffed = plain[_START:].replace(_END[:1], _END[:1] * 2)
        return plain[:_START] + stuffed + _END + _sum(plain)

    def _plain(self, buffer: bytes, start: int) -> tuple[bytes, int] | None:
        """The octets without doubling, and where the PDU ends, 0 where it has not ended yet; None for no frame."""
        most = self.length_end + self.maximum
        plain = bytearray(buffer[start : start + _START])
        position = start + _START
        while len(plain) <= most:
            escape = buffer.find(_DLE, position)
            if escape < 0 or escape + 1 >= len(buffer):
                plain += buffer[position : escape if escape >= 0 else len(buffer)]
                return bytes(plain), 0
            plain += buffer[position:escape]
            position = escape + 2
            if buffer[escape + 1] == _END[1]:
                return bytes(plain), position
            if buffer[escape + 1] != _DLE:
                return None
            plain.append(_DLE)
        return None


def _sum(plain: bytes) -> bytes:
    """The low octet of the sum over everything behind DLE STX, as two characters."""
    return f"{sum(plain[_START:]) & 0xFF:02X}".encode()

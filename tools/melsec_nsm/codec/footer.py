"""What may follow the data of a PDU: parameters, with the credentials and the checksums among them.

Only the definition knows which parameters there are. A footer is taken for one only where the size in the header
leaves room for it and its own length is exact: some controllers repeat the size of the request in an answer that has
no footer.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from melsec_nsm.definitions.model import Footer, Parameter

if TYPE_CHECKING:
    from melsec_nsm.codec.pdu import Pdu

DIGEST_DIGITS = 16
"""Hexadecimal digits of the digest that stands for a secret inside an engine."""

_CHECKSUM = 4
_ALIGNMENT = 4
_ORDER = ("token", "padding", "data_checksum", "checksum", "password")
"""Uses in the order of the wire."""

_ZLIB_POLYNOMIAL = 0x04C11DB7
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class FooterSeen:
    """A footer: where the data in front of it end, and the values of its parameters by their codes.

    ``good`` says whether all its checksums are right; None where it has none.
    """

    facts: Footer
    at: int
    values: Mapping[int, bytes]
    good: bool | None

    def value(self, use: str) -> bytes | None:
        """The value of the parameter with a use."""
        parameter = self.facts.parameter(use)
        return None if parameter is None else self.values.get(parameter.code)

    @property
    def session(self) -> int | None:
        """The number of the session that a token belongs to."""
        token = self.value("token")
        return None if token is None else int.from_bytes(token[:2], "little")

    def identity(self, use: str) -> str | None:
        """A digest that tells one secret from another, and nothing else."""
        value = self.value(use)
        return None if value is None else digest(value)


def digest(secret: bytes) -> str:
    """A short digest that stands for a secret where one has to be told from another. It belongs in no output."""
    return hashlib.sha256(b"melsec-nsm" + secret).hexdigest()[:DIGEST_DIGITS]


@dataclass(frozen=True, slots=True)
class Covered:
    """The parts of a header that checksums cover; ``status`` is None in a request."""

    command: int
    size: int
    status: int | None = None

    @property
    def prefix(self) -> bytes:
        """Command, two zeros in place of the reference, size."""
        return self.command.to_bytes(2, "big") + b"\0\0" + self.size.to_bytes(2, "little")


def data_checksum(facts: Footer, header: Covered, padded: bytes) -> bytes:
    """The checksum of the data with their padding."""
    return _crc(facts, 0, header.prefix + padded)


def checksum(facts: Footer, header: Covered, before: bytes) -> bytes:
    """The checksum of everything behind the header up to the checksum itself."""
    if header.status is None:
        return _crc(facts, facts.starts["request"], header.prefix + before)
    status = header.status.to_bytes(2, "little") + bytes(8)
    return _crc(facts, facts.starts["response"], status + header.prefix + before)


# Reading


def seen(pdu: Pdu) -> FooterSeen | None:
    """The footer of a PDU, None where it has none."""
    facts = pdu.half.protocol.footer
    size = pdu.get(facts.size) if facts is not None else None
    if facts is None or not isinstance(size, int) or size < len(facts.gap):
        return None
    values = _parameters(pdu.data[size:])
    if values is None:
        return None
    padding = facts.parameter("padding")
    padded = int.from_bytes(values.get(padding.code, b"")[:4], "little") if padding is not None else 0
    at = size - len(facts.gap) - padded
    if at < 0:
        return None
    header = Covered(pdu.command or 0, size, None if pdu.is_request else pdu.status or 0)
    return FooterSeen(facts, at, values, _good(facts, header, pdu.data, size, values))


def _parameters(octets: bytes) -> dict[int, bytes] | None:
    """The values of a footer by code, None where these octets are none."""
    if len(octets) < 3 or int.from_bytes(octets[:2], "little") != len(octets) - 2:
        return None
    at = 3 + 2 * octets[2]
    values: dict[int, bytes] = {}
    for place in range(3, min(at, len(octets) - 1), 2):
        code, size = octets[place], octets[place + 1]
        values[code] = octets[at : at + size]
        at += size
    return values if at == len(octets) else None


def _good(facts: Footer, header: Covered, data: bytes, size: int, values: Mapping[int, bytes]) -> bool | None:
    checks = []
    for use in ("data_checksum", "checksum"):
        parameter = facts.parameter(use)
        value = values.get(parameter.code) if parameter is not None else None
        if value is None:
            continue
        if use == "checksum":
            expected = checksum(facts, header, data[:-_CHECKSUM])
        else:
            expected = data_checksum(facts, header, data[: size - len(facts.gap)])
        checks.append(value[-_CHECKSUM:] == expected)
    return all(checks) if checks else None


# Writing


def sized(facts: Footer, body: bytes, given: Mapping[str, bytes]) -> int:
    """The size that a header says of these data with a footer behind them."""
    return len(body) + _missing(facts, body, given) + len(facts.gap)


def built(facts: Footer, header: Covered, body: bytes, given: Mapping[str, bytes]) -> bytes:
    """Data with a footer behind them.

    ``given`` are values of parameters by name. Padding and checksums are computed where they are left out, but a
    password stands alone.
    """
    missing = _missing(facts, body, given)
    front = body + bytes(missing) + facts.gap
    values = {one.use: given[one.name] for one in facts.parameters if one.name in given}
    computed = facts.parameter("checksum") if "password" not in values else None
    if computed is not None:
        if missing:
            values.setdefault("padding", missing.to_bytes(2, "little"))
        values.setdefault("data_checksum", data_checksum(facts, header, body + bytes(missing)))
        if "checksum" not in values:
            # The longer form is that of responses.
            values["checksum"] = bytes(computed.sizes[0 if header.status is None else -1])
            octets = front + _written(facts, values)
            return octets[:-_CHECKSUM] + checksum(facts, header, octets[:-_CHECKSUM])
    return front + _written(facts, values)


def _missing(facts: Footer, body: bytes, given: Mapping[str, bytes]) -> int:
    password = facts.parameter("password")
    if password is not None and password.name in given:
        return 0
    return -(len(body) + len(facts.gap)) % _ALIGNMENT


def _written(facts: Footer, values: Mapping[str, bytes]) -> bytes:
    parameters: list[tuple[Parameter, bytes]] = [
        (parameter, values[use]) for use in _ORDER if use in values and (parameter := facts.parameter(use)) is not None
    ]
    heads = b"".join(bytes((parameter.code, len(value))) for parameter, value in parameters)
    rest = bytes([len(parameters)]) + heads + b"".join(value for _, value in parameters)
    return len(rest).to_bytes(2, "little") + rest


# The checksum


def _crc(facts: Footer, start: int, octets: bytes) -> bytes:
    """CRC-32 of reflected octets with an unreflected result, the lowest octet first."""
    if facts.polynomial == _ZLIB_POLYNOMIAL:
        register = zlib.crc32(octets, zlib_start(facts, start)) ^ _MASK
        return _reversed(register, 32).to_bytes(4, "little")
    register = start
    for octet in octets:
        register ^= _reversed(octet, 8) << 24
        for _ in range(8):
            register = (register << 1 & _MASK) ^ (facts.polynomial if register >> 31 else 0)
    return register.to_bytes(4, "little")


def zlib_start(facts: Footer, start: int) -> int:
    """A start for the CRC-32 of zlib, whose register is this one read backwards, and inverted at both ends.

    Raises:
        ValueError: zlib has another polynomial.
    """
    if facts.polynomial != _ZLIB_POLYNOMIAL:
        raise ValueError(f"polynomial {facts.polynomial:#010x}: not that of zlib")
    return _reversed(start, 32) ^ _MASK


def _reversed(number: int, bits: int) -> int:
    return int(f"{number:0{bits}b}"[::-1], 2)

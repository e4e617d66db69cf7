"""Frames between control codes (4C, format 5), in which no octet has a fixed place: every DLE is doubled.

Their length counts octets before doubling, which no keyword can do, so it is held to its bounds only. A regular
expression goes octet by octet to the DLE ETX at the end, which ends a PDU as surely.
"""

from __future__ import annotations

from collections.abc import Sequence

from melsec_nsm.definitions.model import Frame, Protocol
from melsec_nsm.generate.suricata.patterns import (
    Constraint,
    Ending,
    Header,
    Octets,
    Sought,
    UnsupportedByBackend,
    ordered,
    regex_of,
)
from melsec_nsm.generate.suricata.writing import BINARY, DLE, STUFFED, either

_ESCAPE = bytes((DLE,))
_BODY = r"(?:[^\x10]++|\x10\x10)*+"
_END = r"\x10\x03"
_SUM = r"(?:[0-9A-Fa-f]{2})?"
"""Two characters that may follow the end."""


class StuffedPdu:
    """The PDUs of such a frame that are sought, as keywords."""

    def __init__(self, protocol: Protocol, frame: Frame, direction: str, sought: Sought) -> None:
        header = Header.of(protocol, frame, direction)
        lead, *inner = header.constraints
        self._lead = lead_of(header, frame)
        size = max((header.size, *(row.end for row in sought.constraints)))
        self._rest = regex_of([*inner, *sought.constraints], size, start=lead.end, writing=STUFFED)
        self._rest += (_BODY if sought.ending is None else _body_with(sought.ending)) + _END
        self._rare_octets = _literal(sought.constraints)

    def packet(self) -> list[str]:
        """Keywords for a PDU at the start of a packet; others may follow it."""
        return [self._content("startswith"), *self._rare(), _anchored(self._lead, self._rest)]

    def datagram(self) -> list[str]:
        """Keywords for a PDU that fills a datagram."""
        return [self._content("startswith"), *self._rare(), _anchored(self._lead, rf"{self._rest}{_SUM}\z")]

    def stream(self) -> list[str]:
        """Keywords for a PDU anywhere in a stream."""
        # The expression is relative to the content before it, which has to be the start and not the command.
        return [*self._rare(), self._content(""), f'pcre:"/^{self._rest}/R{STUFFED.flags}"']

    def _content(self, place: str) -> str:
        return _content(self._lead, place, "" if self._rare_octets else "fast_pattern")

    def _rare(self) -> list[str]:
        """The octets of the command or the status as a fast pattern, where there is but one."""
        return [_content(self._rare_octets, "fast_pattern")] if self._rare_octets else []


def lead_of(header: Header, frame: Frame) -> bytes:
    """The control codes at the start, which are not doubled."""
    lead = header.constraints[0]
    if not isinstance(lead, Octets) or lead.offset != 0:
        raise UnsupportedByBackend(f"frame {frame.id}: does not start with a constant")
    return lead.octets


def shared(lead: bytes) -> list[str]:
    """Keywords for a packet in which something follows the end of a PDU."""
    return [_content(lead, "startswith", "fast_pattern"), _anchored(lead, rf"{_BODY}{_END}(?!{_SUM}\z)")]


def cut(lead: bytes) -> list[str]:
    """Keywords for a packet that starts a PDU and does not end it."""
    return [_content(lead, "startswith", "fast_pattern"), _anchored(lead, rf"{_BODY}\x10?\z")]


def _content(octets: bytes, *words: str) -> str:
    return "; ".join([f'content:"|{octets.hex(" ")}|"', *(word for word in words if word)])


def _anchored(lead: bytes, rest: str) -> str:
    return f'pcre:"/^{BINARY.literal(lead)}{rest}/{STUFFED.flags}"'


def _body_with(ending: Ending) -> str:
    """Data that end with what ends the PDU too."""
    return rf"(?:[^\x10]|\x10\x10)*?{either([one for _, one in ending.alternatives])}"


def _literal(sought: Sequence[Constraint]) -> bytes:
    """The octets with which what is sought starts, as they are on the wire."""
    first = next(iter(ordered(sought)), None)
    return first.octets.replace(_ESCAPE, _ESCAPE * 2) if isinstance(first, Octets) else b""

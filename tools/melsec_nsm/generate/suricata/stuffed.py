"""Frames between control codes (4C, format 5), in which no octet has a fixed place: every DLE is doubled.

Their length counts octets before doubling, which no keyword can do, so it is held to its bounds only. A regular
expression goes octet by octet to the DLE ETX at the end, which ends a PDU as surely.
"""

from __future__ import annotations

from collections.abc import Sequence

from melsec_nsm.definitions.model import Command, Frame, Protocol
from melsec_nsm.generate.suricata.patterns import (
    Constraint,
    Header,
    Octets,
    UnsupportedByBackend,
    of_commands,
    regex_of,
)
from melsec_nsm.generate.suricata.writing import BINARY, DLE, STUFFED

_ESCAPE = bytes((DLE,))
_BODY = r"(?:[^\x10]++|\x10\x10)*+"
_END = r"\x10\x03"
_SUM = r"(?:[0-9A-Fa-f]{2})?"
"""Two characters that may follow the end."""


class StuffedPdu:
    """The PDUs of such a frame that carry one of some commands, as keywords."""

    def __init__(self, protocol: Protocol, frame: Frame, direction: str, commands: Sequence[Command]) -> None:
        header = Header.of(protocol, frame, direction)
        lead, *inner = header.constraints
        command = of_commands(header, frame, commands)
        self._lead = lead_of(header, frame)
        self._rest = regex_of([*inner, *command], header.size, start=lead.end, writing=STUFFED) + _BODY + _END
        self._command = _literal(command)

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
        return _content(self._lead, place, "" if self._command else "fast_pattern")

    def _rare(self) -> list[str]:
        """The octets of the command as a fast pattern, where there is but one command."""
        return [_content(self._command, "fast_pattern")] if self._command else []


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


def _literal(command: Sequence[Constraint]) -> bytes:
    """The octets with which the command starts, as they are on the wire."""
    octets = b""
    for row in command:
        if not isinstance(row, Octets):
            break
        octets += row.octets
    return octets.replace(_ESCAPE, _ESCAPE * 2)

"""Frames without sub-header and length (1E): too short to be believed alone, so that the answer has to follow.

A request of four octets is no signature on any port. It is noted for the pair of hosts, silently, and the alert is
raised by the answer to it: the same command, an end code of the protocol, no more data than it may have. How long a
PDU is says the layout of its command, as far as that has a fixed size.

What is missed: requests that nobody answers; a request behind one of variable size (a write) in the same packet;
an answer behind a refusal in the same packet; PDUs spread over packets, unless the conversation is small, was seen
from its start and is ended by the client.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from melsec_nsm.codec.devices import WIDTHS
from melsec_nsm.codec.sized import ABNORMAL
from melsec_nsm.codec.transactions import REQUEST_TIMEOUT
from melsec_nsm.definitions.model import Command, Definition, Field, Frame, Protocol
from melsec_nsm.generate.suricata.patterns import (
    Constraint,
    Header,
    Octets,
    UnsupportedByBackend,
    content,
    of_field,
    ordered,
    place_of,
    regex_of,
    writing_of,
)
from melsec_nsm.generate.suricata.writing import either

SMALL = "stream_size:both,<,2048"
"""A conversation whose streams are read from their start: the engine reads 2560 octets in one go."""


def mark(*names: str) -> list[str]:
    """The keywords that note a request between two hosts, for as long as its answer is waited for."""
    return [f"xbits:set,{name},track ip_pair,expire {REQUEST_TIMEOUT}" for name in names]


def marked(name: str, *names: str) -> list[str]:
    """The keywords that a request was noted by ``name``, and that it is answered now, by whatever name."""
    return [f"xbits:isset,{name},track ip_pair", *(f"xbits:unset,{one},track ip_pair" for one in (name, *names))]


class AnsweredPdu:
    """Requests of such a frame that carry one of some commands, and the answers to them, as keywords."""

    def __init__(self, definition: Definition, protocol: Protocol, frame: Frame, commands: Sequence[Command]) -> None:
        if not any(field.allowed for field in frame.request):
            raise UnsupportedByBackend(f"frame {frame.id}: a request without a PC number may be anything")
        table = protocol.device_table
        devices = [device.codes[table] for device in definition.devices if table in device.codes]
        self._request = _Half(protocol, frame, "request", devices)
        self._response = _Half(protocol, frame, "response", devices)
        self._statuses = [(one.code, one.code) for one in definition.statuses[protocol.status_table]]
        self._commands = commands
        self._all = list(protocol.commands_of(frame))

    @property
    def open(self) -> bool:
        """Whether the request's end is not known, so that others may stand behind it."""
        return not all(shape.whole for shape in self._requests(self._commands))

    # The request

    def asked_alone(self) -> list[str]:
        """Keywords for octets that are the request."""
        return self._asked("", r"\z")

    def asked(self) -> list[str]:
        """Keywords for octets that start with the request."""
        return self._asked("", self._request_ends())

    def asked_behind_others(self) -> list[str]:
        """Keywords for octets that start with other requests of fixed size, behind which the request stands."""
        return self._asked(f"(?:{self._others()})+?", self._request_ends())

    def asked_anyhow(self) -> list[str]:
        """Keywords for octets that start with the request, or with others of fixed size before it."""
        return self._asked(f"(?:{self._others()})*?", self._request_ends())

    def _asked(self, before: str, behind: str) -> list[str]:
        half = self._request
        # Of one command that and the PC number, of several the PC number.
        rare = half.constants(self._commands)[0]
        place = f"offset:{rare.offset}; depth:{len(rare.octets)}" if rare.offset else "" if before else "startswith"
        expression = before + _followed(self._requests(self._commands), behind)
        return [content(rare, place, fast=True), half.pcre(expression)]

    def _others(self) -> str:
        return either([shape.regex for shape in self._requests(self._all) if shape.whole])

    def _request_ends(self) -> str:
        """An expression that nothing follows, or a request up to its last constant."""
        half = self._request
        constants = half.constants(())
        return rf"(?:\z|{regex_of([*half.code(self._all), *constants], max(row.end for row in constants))})"

    def _requests(self, commands: Iterable[Command]) -> list[_Shape]:
        half = self._request
        return [
            half.shape(alike, half.behind_command, name)
            for name, alike in _by_layout((one.request.get(0), one) for one in commands)
        ]

    # The answer

    def answered_alone(self) -> list[str]:
        """Keywords for octets that are the answer."""
        return self._answered(r"\z")

    def answered(self) -> list[str]:
        """Keywords for octets that start with the answer."""
        return self._answered(self._answer_ends())

    def answered_anyhow(self) -> list[str]:
        """Keywords for octets that start with the answer, or with another one, no refusal, and anything before it."""
        half = self._response
        (good,) = half.status([(0, 0)])
        assert isinstance(good, Octets)
        first = regex_of([*half.code(self._all), good], half.header.size)
        wanted = _followed(self._answers(self._commands), self._answer_ends())
        place = f"offset:{good.offset}; depth:{len(good.octets)}"
        rare = half.constants(self._commands)
        contents = [content(good, place, fast=not rare), *(content(row, "", fast=True) for row in rare)]
        return [*contents, half.pcre(f"(?:{first}.*)?{wanted}")]

    def _answered(self, behind: str) -> list[str]:
        half = self._response
        shapes = self._answers(self._commands)
        expression = half.pcre(_followed(shapes, behind))
        rare = half.constants(self._commands)
        if rare:
            return [content(rare[0], "startswith", fast=True), expression]
        # Nothing is in all of them that could be searched for, so that the size has to sort out most packets.
        least = half.header.size - 1
        bounded = all(shape.whole for shape in shapes)
        size = f"{least}<>{max(shape.size for shape in shapes) + 1}" if bounded else f">{least}"
        return [f"dsize:{size}", "prefilter", expression]

    def _answer_ends(self) -> str:
        """An expression that nothing follows, or the header of an answer."""
        half = self._response
        header = [*half.code(self._all), *half.status(self._statuses)]
        return rf"(?:\z|{regex_of(header, half.header.size)})"

    def _answers(self, commands: Sequence[Command]) -> list[_Shape]:
        half = self._response
        layouts = _by_layout((one.response.get(0), one) for one in commands)
        good = [half.shape(alike, half.status([(0, 0)]), name) for name, alike in layouts]
        refusals = [one for one in self._statuses if one[0] not in (0, ABNORMAL)]
        refused = half.shape(commands, half.status(refusals), "")
        abnormal = half.shape(commands, half.status([(ABNORMAL, ABNORMAL)]), "")
        # Behind the abnormal code comes a zero, which some controllers leave out.
        scale = half.writing.scale
        more = f"{half.writing.skip(scale)}(?:{half.writing.literal(bytes(1))})?"
        return [*good, refused, _Shape(abnormal.regex + more, abnormal.size + 2 * scale, True)]


@dataclass(frozen=True, slots=True)
class _Shape:
    """An expression for a PDU of at most ``size`` octets (ASCII: characters), or if not ``whole`` how it starts."""

    regex: str
    size: int
    whole: bool


class _Half:
    """One half of such a frame."""

    def __init__(self, protocol: Protocol, frame: Frame, direction: str, devices: Sequence[int]) -> None:
        self.header = Header.of(protocol, frame, direction)
        self.writing = writing_of(frame)
        self._protocol = protocol
        self._devices = tuple((code, code) for code in devices)
        self._command = self.header.places["command"]
        self.behind_command = [row for row in self.header.constraints if row.offset >= self._command.end]

    def pcre(self, expression: str) -> str:
        """The keyword for an expression at the start."""
        return f'pcre:"/^{expression}/{self.writing.flags}"'

    def code(self, commands: Iterable[Command]) -> list[Constraint]:
        """The constraint that the command is one of these."""
        return self._command.among((one.code, one.code) for one in commands)

    def status(self, codes: Iterable[tuple[int, int]]) -> list[Constraint]:
        """The constraint that the end code is one of these."""
        return self.header.places["status"].among(codes)

    def constants(self, commands: Sequence[Command]) -> list[Octets]:
        """The constants of the header, with the command where it is but one."""
        rows = [*(self.code(commands) if len(commands) == 1 else ()), *self.behind_command]
        return [row for row in ordered(rows) if isinstance(row, Octets)]

    def shape(self, commands: Sequence[Command], behind: Sequence[Constraint], layout: str | None) -> _Shape:
        """PDUs with these commands, what stands behind the command in the header, and a layout: "" for no data."""
        constraints = [*self.code(commands), *behind]
        fields = self._protocol.layouts[layout].fields if layout else ()
        found, end, whole = self._fields(fields, self.header.size)
        return _Shape(regex_of([*constraints, *found], end), end, whole and layout is not None)

    def _fields(self, fields: Iterable[Field], at: int) -> tuple[list[Constraint], int, bool]:
        """Constraints for fields, where the fixed part of them ends, and whether that is all."""
        constraints: list[Constraint] = []
        for field in fields:
            if field.type == "list":
                # There is one item at least.
                items, at, _ = self._fields(field.fields, at)
                return [*constraints, *items], at, False
            if field.type == "device":
                parts = self._device_parts()
            elif field.type in WIDTHS or field.type == "bit_value":
                parts = [(field, WIDTHS.get(field.type, 1))]
            else:
                return constraints, at, False
            for part, width in parts:
                size = width * self.writing.scale
                constraints += of_field(place_of(self._protocol, part, at, size, self.writing), part)
                at += size
        return constraints, at, True

    def _device_parts(self) -> list[tuple[Field, int]]:
        """The parts of a device point as fields, with their octets; the code is that of a known device."""
        form = self._protocol.device_form(0)
        if self.writing.text:
            parts = [(name, int(width.removeprefix("hex")) // self.writing.scale) for name, width in form.ascii]
        else:
            parts = [(name, WIDTHS[kind]) for name, kind in form.binary]
        return [(Field(name, "", allowed=self._devices if name == "code" else ()), width) for name, width in parts]


def _by_layout(commands: Iterable[tuple[str | None, Command]]) -> list[tuple[str | None, list[Command]]]:
    found: dict[str | None, list[Command]] = {}
    for layout, command in commands:
        found.setdefault(layout, []).append(command)
    return list(found.items())


def _followed(shapes: Iterable[_Shape], by: str) -> str:
    """An expression for any of the shapes, with what has to follow one that is whole."""
    return either([shape.regex + (by if shape.whole else "") for shape in shapes])

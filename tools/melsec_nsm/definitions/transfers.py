"""Files in captures: the exchanges that open one, read or write it block by block, and close it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from melsec_nsm.definitions.bundle import Bundle, Entry, ProtocolFacts, digits_of, layout_name
from melsec_nsm.definitions.model import Exchange, ExchangeValue, Transfer

BLOCK = 960
"""Octets of a block where nothing else is said."""


def transfer(entry: Entry) -> Transfer:
    """A way of transfer."""
    return Transfer(
        open=entry.get("open"),
        mode=entry.get("mode"),
        size=entry.get("size"),
        read=entry.text("read"),
        write=entry.text("write"),
        close=entry.get("close"),
        content=entry.text("content"),
    )


def transfer_of(bundle: Bundle, facts: ProtocolFacts) -> Transfer | None:
    """The way of transfer of a protocol whose files have to be opened."""
    for entry in bundle.entries("engineering", "transfers"):
        if entry.text("open") in facts.by_operation:
            return transfer(entry)
    return None


def block_content(pattern: str, offset: int, octets: int) -> bytes:
    """Octets of a file that consists of a repeated pattern."""
    start = offset % len(pattern)
    return (pattern * (octets // len(pattern) + 2))[start : start + octets].encode("ascii")


def transfer_exchanges(bundle: Bundle, entry: Entry, opening: Exchange) -> Iterator[Exchange]:
    """The exchanges of a file, all of them answered.

    ``opening`` is the one that opens it, without what a transfer says itself.
    """
    facts, given = bundle.protocols[opening.protocol], entry.child("transfer")
    way = transfer_of(bundle, facts)
    assert given is not None
    assert way is not None
    maker = _Maker(facts, way, given, replace(opening, status=opening.status or 0))
    parts = given.get("parts", ["open", "blocks", "close"])
    for part in parts:
        for one in maker.part(part):
            yield replace(one, values={**one.values, **maker.count()})


@dataclass
class _Maker:
    facts: ProtocolFacts
    way: Transfer
    given: Entry
    opening: Exchange
    made: int = 0

    def count(self) -> dict[str, ExchangeValue]:
        """The serial number of the next exchange, where the frame has one."""
        shape = self.facts.shape(self.facts.frames[self.opening.frame])
        self.made += 1
        if not any(field.get("field") == "serial" for field in shape.children("request")):
            return {}
        return {"serial": (int(self.given.get("serial", 1)) + self.made - 1) & 0xFFFF}

    def part(self, part: str | int) -> Iterator[Exchange]:
        """The exchanges of a part, in order."""
        size, block = int(self.given.get("size")), int(self.given.get("block", BLOCK))
        if part == "open":
            yield self._open(size)
        elif part == "close":
            yield self._with(self.way.close or "", {self._role(self.way.close or "", "pointer"): self._pointer})
        else:
            blocks = range(-(-size // block)) if part == "blocks" else [int(part)]
            for number in blocks:
                yield from self._block(number, number * block, min(block, size - number * block))

    def _open(self, size: int) -> Exchange:
        assert self.way.open is not None
        values: dict[str, ExchangeValue] = {**self.opening.values, self._role(self.way.open, "target"): self._file}
        download = self.given.text("direction") == "download"
        if download and self.way.mode is not None:
            mode = next(field for field in self._fields(self.way.open) if field.get("field") == self.way.mode)
            values[self.way.mode] = next(int(key, 0) for key, name in mode.get("names").items() if name == "write")
        if download and any(field.get("field") == self.way.size for field in self._fields(self.way.open)):
            values[str(self.way.size)] = size
        answer = {**self.opening.response_values, self._role(self.way.open, "pointer", "response"): self._pointer}
        return replace(self.opening, values=values, response_values=answer)

    def _block(self, number: int, offset: int, octets: int) -> Iterator[Exchange]:
        upload = self.given.text("direction") == "upload"
        operation = self.way.read if upload else self.way.write
        content = block_content(self.given.text("pattern"), offset, octets)
        values: dict[str, ExchangeValue] = {
            self._role(operation, "pointer"): self._pointer,
            self._role(operation, "offset"): offset,
            self._role(operation, "points"): octets,
        }
        answer: dict[str, ExchangeValue] = {}
        if upload:
            answer[self.way.content] = content
        else:
            values[self.way.content] = content
            # Controllers say how many they took.
            answer |= {field.text("field"): octets for field in self._fields(operation, "response")}
        found = self._with(operation, values, answer)
        if number in self.given.get("lost", ()):
            found = replace(found, lost=True)
        yield replace(found, repeat=2 if number in self.given.get("repeated", ()) else 1)

    def _with(
        self, operation: str, values: dict[str, ExchangeValue], answer: dict[str, ExchangeValue] | None = None
    ) -> Exchange:
        """An exchange of another command in the same frame, with the same header."""
        shape = self.facts.shape(self.facts.frames[self.opening.frame])
        headers = {half: {field.text("field") for field in shape.children(half)} for half in ("request", "response")}
        header = {name: value for name, value in self.opening.values.items() if name in headers["request"]}
        behind = {n: value for n, value in self.opening.response_values.items() if n in headers["response"]}
        command = self.facts.by_operation[operation]
        subcommands = command.get("subcommands", [0])
        return replace(
            self.opening,
            command=command.get("code"),
            subcommand=self.opening.subcommand if self.opening.subcommand in subcommands else subcommands[0],
            values={**header, **values},
            response_values={**behind, **(answer or {})},
            after=0,
        )

    @property
    def _file(self) -> str:
        return self.given.text("file")

    @property
    def _pointer(self) -> int:
        return int(self.given.get("pointer", 1))

    def _fields(self, operation: str, half: str = "request") -> list[Entry]:
        command = self.facts.by_operation[operation]
        assert digits_of(command) == 4
        for subcommand in (self.opening.subcommand, 0):
            layout = self.facts.layouts.get(layout_name(command, half, subcommand) or "")
            if layout is not None:
                return list(layout.children("fields"))
        return []

    def _role(self, operation: str, role: str, half: str = "request") -> str:
        """The name of the first field with a role."""
        return next(field.text("field") for field in self._fields(operation, half) if field.get("role") == role)

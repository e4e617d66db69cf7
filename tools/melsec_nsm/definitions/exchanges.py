"""An exchange of a capture seen with the protocol facts that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from melsec_nsm.definitions.bundle import Bundle, Entry, ProtocolFacts, by_field_name, layout_name, subcommands_of
from melsec_nsm.definitions.transfers import transfer_of


@dataclass(frozen=True)
class ExchangeFacts:
    """An exchange whose protocol is known, with what it names there."""

    capture: Entry
    exchange: Entry
    facts: ProtocolFacts
    step: str = ""
    """The operation meant, where an exchange stands for several: of a transfer the one that opens the file."""

    @cached_property
    def frame(self) -> Entry | None:
        """The frame, None where the protocol has no such."""
        return self.facts.frames.get(self.exchange.text("frame"))

    @cached_property
    def command(self) -> Entry | None:
        """The command, None where the definition does not know it."""
        code = self.exchange.number("command")
        if code is not None:
            digits = self.facts.widths.get(self.exchange.text("frame"))
            return None if digits is None else self.facts.by_code.get((code, digits))
        return self.facts.by_operation.get(self.operation)

    @property
    def operation(self) -> str:
        """The operation named, empty where there is only a code."""
        return self.step or self.exchange.text("operation") or self.exchange.text("command")

    @property
    def bits(self) -> bool:
        """Whether points are bits."""
        if self.command is not None and "units" in self.command.data:
            return self.command.text("units") == "bit"
        return bool(self.subcommand & (self.facts.entry.number("bit_units") or 0))

    @property
    def device_form(self) -> str:
        """The name of the form in which devices are written."""
        bits = self.facts.entry.child("form_bits")
        if bits is None:
            forms = self.facts.entry.child("device_forms")
            return next(iter(forms.data), "") if forms is not None else ""
        name = "iqr" if self.subcommand & (bits.number("iqr") or 0) else "ql"
        return f"{name}-ext" if self.subcommand & (bits.number("ext") or 0) else name

    @property
    def subcommand(self) -> int:
        """The sub-command: the one given, else the first of the command."""
        given = self.exchange.number("subcommand")
        if given is not None:
            return given
        known = subcommands_of(self.command) if self.command is not None else []
        return known[0] if known else 0

    def holder(self, half: str) -> Entry | None:
        """The mapping with the values of a half."""
        return self.exchange if half == "request" else self.exchange.child("response")

    def header(self, half: str) -> dict[str, Entry]:
        """The header fields of a half by name."""
        if self.frame is None:
            return {}
        fields = by_field_name(self.facts.shape(self.frame).children(half))
        return {name: field for name, field in fields.items() if name != "data"}

    def failed(self, half: str) -> bool:
        """Whether the half is an error response, which carries no payload of the command."""
        holder = self.holder(half)
        return half == "response" and holder is not None and bool(holder.get("status"))

    def layout(self, half: str) -> Entry | None:
        """The layout of a half's payload, None where it has or is known to have none."""
        if self.failed(half) and self.frame is not None:
            shape = self.facts.shape(self.frame)
            return self.facts.layouts.get(self.frame.text("error") or shape.text("error"))
        if self.command is None or not self.command.sound():
            return None
        return self.facts.layouts.get(layout_name(self.command, half, self.subcommand) or "")

    def layout_uncertain(self, half: str) -> bool:
        """Whether the layout cannot be told because of an issue reported elsewhere."""
        if self.command is None or self.failed(half):
            return False
        known = subcommands_of(self.command)
        if not self.command.sound() or (known and self.subcommand not in known):
            return True
        return bool(layout_name(self.command, half, self.subcommand)) and self.layout(half) is None

    def payload(self, half: str) -> dict[str, Entry]:
        """The payload fields of a half by name."""
        layout = self.layout(half)
        return by_field_name(layout.children("fields")) if layout is not None else {}


def exchange_facts(bundle: Bundle, capture: Entry, exchange: Entry) -> ExchangeFacts:
    """An exchange of a bundle that is known to be sound."""
    facts = bundle.protocols[exchange.text("protocol")]
    return ExchangeFacts(capture, exchange, facts, _steps(bundle, facts, exchange)[0])


def _steps(bundle: Bundle, facts: ProtocolFacts, exchange: Entry) -> list[str]:
    """The operations of a transfer, the one that opens the file first; for other exchanges nothing."""
    given = exchange.child("transfer")
    way = transfer_of(bundle, facts) if given is not None else None
    if given is None or way is None:
        return [""]
    return [str(way.open), way.write if given.get("direction") == "download" else way.read, str(way.close)]


def exchanges_of(bundle: Bundle, capture: Entry) -> Iterator[ExchangeFacts]:
    """The exchanges of a capture whose protocol is known."""
    for exchange in capture.children("exchanges"):
        facts = bundle.protocols.get(exchange.text("protocol"))
        if facts is not None:
            yield ExchangeFacts(capture, exchange, facts, _steps(bundle, facts, exchange)[0])


def steps_of(bundle: Bundle, capture: Entry) -> Iterator[ExchangeFacts]:
    """The exchanges of a capture, those that one stands for one by one."""
    for seen in exchanges_of(bundle, capture):
        for step in _steps(bundle, seen.facts, seen.exchange):
            yield replace(seen, step=step)


def all_exchanges(bundle: Bundle) -> Iterator[ExchangeFacts]:
    """The exchanges of all captures whose protocol is known."""
    for capture in bundle.entries("captures", "captures"):
        yield from exchanges_of(bundle, capture)

"""Rules for captures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from melsec_nsm.definitions.bundle import Bundle, Entry, ProtocolFacts, subcommands_of
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.exchanges import ExchangeFacts, all_exchanges
from melsec_nsm.definitions.hints import near, suggest
from melsec_nsm.definitions.model import Issue
from melsec_nsm.definitions.values import OCTETS, device_number, fits, parse_octets


def names_unique(bundle: Bundle) -> Iterator[Issue]:
    """Names and titles of captures are unique."""
    captures = list(bundle.entries("captures", "captures"))
    yield from repeated(by_text(captures, "capture"), "capture '{}'")
    yield from repeated(by_text(captures, "title"), "title '{}'")


def addresses_valid(bundle: Bundle) -> Iterator[Issue]:
    """Clients and servers are addresses."""
    for capture in bundle.entries("captures", "captures"):
        for key in ("client", "server"):
            if not capture.text(key) or not capture.sound(key):
                continue
            try:
                ipaddress.IPv4Address(capture.text(key))
            except ValueError:
                yield capture.issue(f"'{capture.text(key)}' is no IPv4 address", key)


def protocols_known(bundle: Bundle) -> Iterator[Issue]:
    """Exchanges name protocols that exist."""
    for capture in bundle.entries("captures", "captures"):
        for exchange in capture.children("exchanges"):
            name = exchange.text("protocol")
            if name and name not in bundle.protocols and exchange.sound("protocol"):
                hint = suggest(name, bundle.protocols)
                yield exchange.issue(f"unknown protocol '{name}'", "protocol", hint=hint)


def frames_known(bundle: Bundle) -> Iterator[Issue]:
    """Exchanges name frames of their protocol, which travel over the capture's transport."""
    for seen in all_exchanges(bundle):
        exchange, name = seen.exchange, seen.exchange.text("frame")
        if not name or not exchange.sound("frame"):
            continue
        if seen.frame is None:
            yield exchange.issue(f"unknown frame '{name}'", "frame", hint=suggest(name, seen.facts.frames))
            continue
        transport = seen.capture.text("transport") or "tcp"
        if transport not in seen.frame.texts("transports") and seen.frame.sound() and seen.capture.sound("transport"):
            yield exchange.issue(f"frame '{name}' does not travel over {transport}", "frame")


def commands_known(bundle: Bundle) -> Iterator[Issue]:
    """Exchanges name commands that travel in their frame, with sub-commands that these have.

    A code that the definition does not have is allowed: unknown commands are traffic too. An
    operation that it does not have is a mistake.
    """
    for seen in all_exchanges(bundle):
        exchange, command = seen.exchange, seen.command
        if not exchange.sound("command") or not exchange.sound("operation"):
            continue
        key = "operation" if exchange.text("operation") else "command"
        name = exchange.text(key)
        if name and command is None:
            hint = suggest(name, seen.facts.by_operation)
            yield exchange.issue(f"protocol '{seen.facts.name}' has no operation '{name}'", key, hint=hint)
        if command is None or not command.sound() or not exchange.sound("frame"):
            continue
        frame = exchange.text("frame")
        if frame in seen.facts.frames and frame not in seen.facts.frames_of(command):
            yield exchange.issue(f"'{command.text('operation')}' does not travel in frame '{frame}'", "frame")
        known = subcommands_of(command)
        subcommand = exchange.number("subcommand")
        if subcommand is not None and known and subcommand not in known:
            shown = ", ".join(f"0x{number:04X}" for number in known)
            message = f"0x{subcommand:04X} is no sub-command of '{command.text('operation')}'"
            yield exchange.issue(message, "subcommand", hint=f"known: {shown}")


def halves_exist(bundle: Bundle) -> Iterator[Issue]:
    """A capture of the answer alone needs an answer."""
    for capture in bundle.entries("captures", "captures"):
        for exchange in capture.children("exchanges"):
            if exchange.get("half") == "response" and "response" not in exchange.data:
                yield exchange.issue("half: response needs a 'response'", "half", hint="response: {} for status 0")


def values_fit(bundle: Bundle) -> Iterator[Issue]:
    """Values are those of header and payload fields, and fit their types."""
    for seen in all_exchanges(bundle):
        if seen.frame is not None and seen.frame.sound() and seen.exchange.sound():
            yield from _half_fits(bundle, seen, "request")
            yield from _half_fits(bundle, seen, "response")


def _half_fits(bundle: Bundle, seen: ExchangeFacts, half: str) -> Iterator[Issue]:
    holder = seen.holder(half)
    values = holder.child("values") if holder is not None else None
    layout = seen.layout(half)
    if holder is None or values is None or (layout is not None and not layout.sound()):
        return
    header, payload = seen.header(half), seen.payload(half)
    for name in values.data:
        field = header.get(name) or payload.get(name)
        if field is None:
            if seen.layout_uncertain(half):
                continue
            hint = suggest(name, [*payload, *header]) if layout is not None else _why_unknown(name, header, seen, half)
            yield values.issue(f"the {half} has no field '{name}'", name, hint=hint, key=True)
        elif name not in header and "data" in holder.data:
            yield values.issue(f"'{name}' is a field of the payload, which 'data' gives as octets", name, key=True)
        else:
            yield from _value_fits(bundle, seen.facts, values, name, field)


def _why_unknown(name: str, header: Iterable[str], seen: ExchangeFacts, half: str) -> str:
    """The header field that was meant, or why there are no payload fields."""
    match = near(name, header)
    if match is not None:
        return f"did you mean '{match}'?"
    return "an error response carries no payload" if seen.failed(half) else "no layout is known; use 'data'"


def _value_fits(bundle: Bundle, facts: ProtocolFacts, values: Entry, name: str, field: Entry) -> Iterator[Issue]:
    value, kind = values.get(name), field.text("type")
    if kind in OCTETS:
        if not isinstance(value, int):
            yield values.issue(f"'{name}' must be a number", name)
        elif not fits(value, kind):
            yield values.issue(f"{value} does not fit '{name}' of type {kind}", name)
    elif not isinstance(value, str):
        spelling = values.document.spelling((*values.path, name))
        yield values.issue(f"'{name}' must be text", name, hint=f'quote it: "{spelling}"')
    elif kind == "bytes":
        octets = parse_octets(value)
        size = field.number("size")
        if octets is None:
            yield values.issue(f"'{name}' must be octets in hex", name, hint='such as "50 00"')
        elif size is not None and len(octets) != size:
            yield values.issue(f"'{name}' has {size} octets, not {len(octets)}", name)
    elif kind == "device":
        yield from _device_fits(bundle, facts, values, name, field)


def _device_fits(bundle: Bundle, facts: ProtocolFacts, values: Entry, name: str, field: Entry) -> Iterator[Issue]:
    text, table = values.text(name), facts.entry.text("device_table")
    parts = field.child("parts")
    for device in bundle.devices:
        codes = device.child("codes")
        number = device_number(text, device.text("symbol"), device.get("base"))
        if number is None or codes is None or table not in codes.data or parts is None:
            continue
        if not fits(number, parts.text("number")):
            yield values.issue(f"number of '{text}' does not fit type {parts.text('number')}", name)
        elif not fits(codes.get(table), parts.text("code")):
            yield values.issue(f"code of '{text}' does not fit type {parts.text('code')}", name)
        return
    yield values.issue(f"'{text}' is no device of the {table} numbering", name, hint="such as D100")


CHECKS = (
    names_unique,
    addresses_valid,
    protocols_known,
    frames_known,
    commands_known,
    halves_exist,
    values_fit,
)

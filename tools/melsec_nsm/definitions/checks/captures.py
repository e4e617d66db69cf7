"""Rules for captures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from melsec_nsm.definitions.bundle import Bundle, Entry, by_field_name, digits_of, subcommands_of
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.exchanges import ExchangeFacts, all_exchanges
from melsec_nsm.definitions.hints import near, suggest
from melsec_nsm.definitions.model import Issue
from melsec_nsm.definitions.transfers import BLOCK, transfer_of
from melsec_nsm.definitions.values import (
    EXAMPLES,
    OCTETS,
    TEXTS,
    device_number,
    device_point,
    fits,
    parse_octets,
)


def names_unique(bundle: Bundle) -> Iterator[Issue]:
    """Names and titles of captures are unique."""
    captures = list(bundle.entries("captures", "captures"))
    yield from repeated(by_text(captures, "capture"), "capture '{}'")
    yield from repeated(by_text(captures, "title"), "title '{}'")


def cases_valid(bundle: Bundle) -> Iterator[Issue]:
    """Cases have names of their own, and captures that there are."""
    named = (
        (entry.text(key), entry, (key,))
        for kind, key in (("captures", "capture"), ("cases", "case"))
        for entry in bundle.entries("captures", kind)
        if entry.text(key)
    )
    yield from (issue for issue in repeated(named, "capture or case '{}'") if bundle.cases)
    for case in bundle.entries("captures", "cases"):
        name = case.text("capture")
        if name and name not in bundle.captures and case.sound("capture"):
            yield case.issue(f"unknown capture '{name}'", "capture", hint=suggest(name, bundle.captures))


def addresses_valid(bundle: Bundle) -> Iterator[Issue]:
    """Clients and servers are addresses."""
    for capture in bundle.entries("captures", "captures"):
        for key in ("client", "server"):
            if capture.text(key) and capture.sound(key):
                yield from _address(capture, key)


def _address(entry: Entry, key: str) -> Iterator[Issue]:
    try:
        ipaddress.IPv4Address(entry.text(key))
    except ValueError:
        yield entry.issue(f"'{entry.text(key)}' is no IPv4 address", key)


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
        if seen.operation:
            yield from _operation_known(seen)
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


def _operation_known(seen: ExchangeFacts) -> Iterator[Issue]:
    exchange, name = seen.exchange, seen.operation
    key = "operation" if exchange.text("operation") else "command"
    code, commands = exchange.number("command"), seen.facts.named.get(name, ())
    if key == "operation" and exchange.text("command"):
        yield exchange.issue("'operation' names the command already", "command", hint="give its code, or nothing")
    elif not commands:
        hint = suggest(name, seen.facts.by_operation)
        yield exchange.issue(f"protocol '{seen.facts.name}' has no operation '{name}'", key, hint=hint)
    elif code is not None and code not in [command.number("code") for command in commands]:
        yield exchange.issue(f"0x{code:X} is no command of operation '{name}'", "command", hint=_codes_of(commands))
    elif code is None and len(commands) > 1:
        yield exchange.issue(f"several commands have the operation '{name}'", key, hint=f"add {_codes_of(commands)}")


def _codes_of(commands: Iterable[Entry]) -> str:
    """How to name each of some commands."""
    codes = (f"0x{command.number('code') or 0:0{digits_of(command)}X}" for command in commands)
    return f"command: {' or '.join(codes)}"


def elsewhere_valid(bundle: Bundle) -> Iterator[Issue]:
    """Clients and controllers of exchanges are addresses; a broadcast knows no connections."""
    for capture in bundle.entries("captures", "captures"):
        for exchange in capture.children("exchanges"):
            for key in ("client", "server"):
                if exchange.text(key) and exchange.sound(key):
                    yield from _address(exchange, key)
            if capture.get("shape", "plain") in _ONE_CONNECTION:
                for key in ("client", "server", "connection", "fresh"):
                    if key in exchange.data:
                        shape = capture.get("shape")
                        yield exchange.issue(f"a capture of shape {shape} has one client and one server", key, key=True)
            if exchange.get("lost") and capture.get("shape", "plain") != "plain":
                yield exchange.issue("only a capture of shape plain misses exchanges", "lost", key=True)


_ONE_CONNECTION = ("coalesced", "split", "lost", "broadcast")


def transfers_possible(bundle: Bundle) -> Iterator[Issue]:
    """Files go in protocols that have a way for them, and their blocks are some that they have."""
    for seen in all_exchanges(bundle):
        exchange, given = seen.exchange, seen.exchange.child("transfer")
        if given is None or not exchange.sound():
            continue
        for key in ("command", "operation", "data", "repeat", "half"):
            if key in exchange.data:
                yield exchange.issue(f"'{key}' means nothing beside 'transfer'", key, key=True)
        if transfer_of(bundle, seen.facts) is None:
            yield exchange.issue(f"protocol '{seen.facts.name}' has no way to transfer a file", "transfer", key=True)
            continue
        if not given.text("pattern").isascii():
            yield given.issue("the pattern is ASCII text", "pattern")
        blocks = -(-int(given.get("size")) // int(given.get("block", BLOCK)))
        for key in ("repeated", "lost", "parts"):
            for position, number in enumerate(given.get(key, ())):
                if isinstance(number, int) and number >= blocks:
                    yield given.issue(f"the file has {blocks} blocks, the last is {blocks - 1}", key, position)


def footers_known(bundle: Bundle) -> Iterator[Issue]:
    """Footers are those of the protocol, in frames that can have one."""
    for seen in all_exchanges(bundle):
        for half in ("request", "response"):
            holder = seen.holder(half)
            given = holder.child("footer") if holder is not None else None
            if given is None or seen.frame is None or not seen.exchange.sound():
                continue
            assert holder is not None
            footer = seen.facts.entry.child("footer")
            if footer is None or footer.text("size") not in seen.header(half):
                yield holder.issue(f"frame '{seen.exchange.text('frame')}' has no footer", "footer", key=True)
                continue
            if "data" in holder.data:
                yield holder.issue("'data' are all octets, the footer among them", "footer", key=True)
            sizes = {one.text("name"): one.get("sizes", []) for one in footer.children("parameters")}
            for name in given.data:
                octets = parse_octets(given.text(name)) or b""
                if name not in sizes:
                    yield given.issue(f"unknown parameter '{name}'", name, hint=suggest(name, sizes), key=True)
                elif len(octets) not in sizes[name]:
                    shown = " or ".join(str(size) for size in sizes[name])
                    yield given.issue(f"'{name}' has {shown} octets, not {len(octets)}", name)


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
            yield from _value_fits(bundle, seen, values, name, field)


def _why_unknown(name: str, header: Iterable[str], seen: ExchangeFacts, half: str) -> str:
    """The header field that was meant, or why there are no payload fields."""
    match = near(name, header)
    if match is not None:
        return f"did you mean '{match}'?"
    return "an error response carries no payload" if seen.failed(half) else "no layout is known; use 'data'"


def _value_fits(bundle: Bundle, seen: ExchangeFacts, values: Entry, name: str, field: Entry) -> Iterator[Issue]:
    value, kind = values.get(name), field.text("type")
    if "list" in field.data:
        yield from _items_fit(bundle, seen, values, name, field)
    elif kind in OCTETS:
        if not isinstance(value, int):
            yield values.issue(f"'{name}' must be a number", name)
        elif not fits(value, kind) and value != field.number("zero"):
            yield values.issue(f"{value} does not fit '{name}' of type {kind}", name)
    elif kind in _NUMBERS:
        yield from _numbers_fit(seen, values, name, kind)
    elif kind == "bit_value":
        if value not in (0, 1):
            yield values.issue(f"'{name}' must be 0 or 1", name)
    elif not isinstance(value, str):
        spelling = values.document.spelling((*values.path, name))
        yield values.issue(f"'{name}' must be text", name, hint=f'quote it: "{spelling}"' if spelling else "")
    elif kind == "device":
        yield from _device_fits(bundle, seen, values, name)
    else:
        yield from _text_fits(values, name, field)


def _text_fits(values: Entry, name: str, field: Entry) -> Iterator[Issue]:
    value, kind = values.text(name), field.text("type")
    if kind == "bytes":
        octets = parse_octets(value)
        size = field.number("size")
        if octets is None:
            yield values.issue(f"'{name}' must be octets in hex", name, hint='such as "50 00"')
        elif size is not None and len(octets) != size:
            yield values.issue(f"'{name}' has {size} octets, not {len(octets)}", name)
    elif kind in TEXTS and not TEXTS[kind](value):
        yield values.issue(f"'{value}' is no value of type {kind}", name, hint=f"such as {EXAMPLES[kind]}")


_NUMBERS = {"values": "u16", "words": "u16", "dwords": "u32", "device_values": "u32"}


def _numbers_fit(seen: ExchangeFacts, values: Entry, name: str, kind: str) -> Iterator[Issue]:
    """The numbers of a field of several: bits, words or double words."""
    numbers = values.get(name)
    bits = kind == "values" and seen.bits
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        what = "bits such as [1, 0, 1]" if bits else "numbers such as [0x1234, 2]"
        yield values.issue(f"'{name}' must be a list of {what}", name)
        return
    for position, number in enumerate(numbers):
        if bits and number not in (0, 1):
            yield values.issue(f"{number} is no bit", name, position)
        elif not fits(number, _NUMBERS[kind]):
            yield values.issue(f"{number} does not fit type {_NUMBERS[kind]}", name, position)


def _items_fit(bundle: Bundle, seen: ExchangeFacts, values: Entry, name: str, field: Entry) -> Iterator[Issue]:
    """The items of a list of fields."""
    items, inner = values.get(name), by_field_name(field.children("of"))
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        hint = f"such as [{{{next(iter(inner), '')}: …}}]"
        yield values.issue(f"'{name}' must be a list of mappings", name, hint=hint)
        return
    for item in values.children(name):
        for key in item.data:
            if key in inner:
                yield from _value_fits(bundle, seen, item, key, inner[key])
            else:
                yield item.issue(f"'{name}' has no field '{key}'", key, hint=suggest(key, inner), key=True)


def _device_fits(bundle: Bundle, seen: ExchangeFacts, values: Entry, name: str) -> Iterator[Issue]:
    text, table = values.text(name), seen.facts.entry.text("device_table")
    forms = seen.facts.entry.child("device_forms")
    form = forms.child(seen.device_form) if forms is not None and forms.sound() else None
    if form is None:
        return
    encoding = "ascii" if seen.frame is not None and seen.frame.get("encoding") == "ascii" else "binary"
    parts = {part: kind for item in form.children(encoding) for part, kind in item.data.items()}
    point = device_point(text)
    if point is not None and point[1] and "specification" not in parts:
        yield values.issue(f"'{text}' is extended, which this sub-command does not ask for", name)
        return
    for device in bundle.devices if point is not None else ():
        codes = device.child("codes")
        number = device_number(point[0] if point else "", device.text("symbol"), device.get("base"))
        if number is None or codes is None or table not in codes.data:
            continue
        if not _part_fits(number, parts.get("number"), device.get("base")):
            yield values.issue(f"number of '{text}' does not fit {_shown(parts.get('number'))}", name)
        elif isinstance(kind := parts.get("code"), str) and not _part_fits(codes.get(table), kind, 16):
            yield values.issue(f"code of '{text}' does not fit {_shown(kind)}", name)
        return
    yield values.issue(f"'{text}' is no device of the {table} numbering", name, hint="such as D100")


def _part_fits(number: int, kind: int | str | None, base: int) -> bool:
    """Whether a number fits a part of a device point: a number type, hexN, or a width in digits of a base."""
    if kind is None:
        return True
    if isinstance(kind, int):
        return number < int(base**kind)
    return number < int(16 ** int(kind[3:])) if kind.startswith("hex") else fits(number, kind)


def _shown(kind: int | str | None) -> str:
    return f"{kind} characters" if isinstance(kind, int) else f"type {kind}"


CHECKS = (
    names_unique,
    cases_valid,
    addresses_valid,
    protocols_known,
    frames_known,
    commands_known,
    elsewhere_valid,
    transfers_possible,
    footers_known,
    halves_exist,
    values_fit,
)

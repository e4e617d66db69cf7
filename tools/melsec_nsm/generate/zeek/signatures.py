"""Signatures that attach the analyzers on any port."""

from __future__ import annotations

from collections.abc import Sequence

from melsec_nsm.definitions.model import Command, Definition, Field, Frame, Protocol
from melsec_nsm.generate.text import comment
from melsec_nsm.generate.zeek import patterns
from melsec_nsm.generate.zeek.layouts import Sizes

ANALYZERS = {"tcp": "MELSEC_TCP", "udp": "MELSEC_UDP"}


def dpd(definition: Definition) -> str:
    """``dpd.sig``: one signature per frame, direction and transport.

    Each direction is convincing alone (sub-header, route, bounds of the length, a known command),
    so that none waits for the reverse: a sensor may see one side only, and MELSOFT over UDP uses
    two one-way flows. 1E has neither sub-header nor length: its requests attach the analyzer, which takes them for
    what they look like only once they are answered.
    """
    lines = [comment(), ""]
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            if frame.kind == "layout":
                lines += _requests(definition, protocol, frame)
                continue
            for direction in ("request", "response"):
                if not frame.half(direction):
                    continue
                pattern = _pattern(protocol, frame, direction)
                for transport in frame.transports:
                    lines += _signature(frame, direction, transport, pattern)
    return "\n".join(lines)


def _pattern(protocol: Protocol, frame: Frame, direction: str) -> str:
    fields = frame.half(direction)[:-1]
    if frame.kind == "stuffed":
        # Octets may be doubled from the count on: the frame id, behind it, is as far as one can look.
        return _stuffed(fields)
    pieces = [_piece(protocol, frame, field) for field in fields]
    # Trailing arbitrary octets need not be waited for.
    while pieces and pieces[-1].startswith(_ANYTHING):
        pieces.pop()
    return "".join(pieces)


_ANYTHING = (patterns.ANY, "[0-9A-Fa-f]")


def _piece(protocol: Protocol, frame: Frame, field: Field) -> str:
    commands = list(protocol.commands_of(frame))
    codes = None
    if field.name == "command":
        codes = [(command.code, command.code) for command in commands]
    elif field.name == "subcommand":
        codes = [(value, value) for command in commands for value in command.subcommands]
    if frame.encoding == "ascii":
        width = 2 if field.type == "u8" else 4
        return patterns.hex_field(field) if codes is None else patterns.hex_digits(codes, width)
    order = "big" if field.type == "u16be" else protocol.byte_order
    if codes is None:
        return patterns.field(field, order)
    return patterns.octet_class(codes) if field.type == "u8" else patterns.word(codes, order)


def _stuffed(fields: Sequence[Field]) -> str:
    pieces = []
    for field in fields:
        if field.const is None and not field.counts:
            break
        pieces.append(patterns.field(field, "little") if field.const is not None else f"({patterns.ANY}{{2,4}})")
    return "".join(pieces)


def _requests(definition: Definition, protocol: Protocol, frame: Frame) -> list[str]:
    """A signature a transport for what a request may look like: the analyzer believes it once it is answered."""
    heads = {
        pattern: None
        for command in protocol.commands_of(frame)
        if command.request.get(0) is not None
        for pattern in [_request_head(definition, protocol, frame, command)]
    }
    if not heads or not any(field.allowed for field in frame.request):
        return []
    name = f"dpd_melsec_{frame.id.replace('-', '_')}_request"
    pattern = f"({'|'.join(heads)})"
    return [line for transport in frame.transports for line in _lines(f"{name}_{transport}", transport, [], pattern)]


def _request_head(definition: Definition, protocol: Protocol, frame: Frame, command: Command) -> str:
    """A request of one command, up to the last octet that its layout or the definition fixes."""
    in_ascii = frame.encoding == "ascii"
    pieces = []
    for field in frame.request[:-1]:
        if field.name == "command":
            one = [(command.code, command.code)]
            pieces.append(patterns.hex_digits(one, 2) if in_ascii else patterns.octet_class(one))
        else:
            pieces.append(patterns.hex_field(field) if in_ascii else patterns.field(field))
    codes = [
        (device.codes[protocol.device_table],) * 2
        for device in definition.devices
        if protocol.device_table in device.codes
    ]
    for field in Sizes(protocol, command).fixed:
        if field.type != "device":
            pieces.append(patterns.hex_field(field) if in_ascii else patterns.field(field))
            continue
        form = protocol.device_form(0)
        for part, kind in form.ascii if in_ascii else form.binary:
            if in_ascii:
                width = int(kind.removeprefix("hex"))
                pieces.append(patterns.hex_digits(codes if part == "code" else [(0, (1 << 4 * width) - 1)], width))
            elif part == "code":
                pieces.append(patterns.word(codes))
            else:
                pieces.append(f"{patterns.ANY}{{{ {'u8': 1, 'u16': 2, 'u24': 3, 'u32': 4}[kind] }}}")
    while pieces[-1].startswith(_ANYTHING):
        pieces.pop()
    return "".join(pieces)


def _signature(frame: Frame, direction: str, transport: str, pattern: str) -> list[str]:
    name = f"dpd_melsec_{frame.id.replace('-', '_')}_{direction}_{transport}"
    sizes = sorted(set(frame.half(direction)[-1].sizes.values()))
    if transport == "tcp" or not sizes:
        return _lines(name, transport, [], pattern)
    # `$` never matches at the end of a datagram: its size has to be asked for, and one size at a time.
    header = sum(len(field.const) if isinstance(field.const, bytes) else 1 for field in frame.half(direction)[:-1])
    lines: list[str] = []
    for size in sizes:
        suffix = f"_{header + size}" if len(sizes) > 1 else ""
        lines += _lines(name + suffix, transport, [f"  payload-size == {header + size}"], pattern)
    return lines


def _lines(name: str, transport: str, conditions: list[str], pattern: str) -> list[str]:
    return [
        f"signature {name} {{",
        f"  ip-proto == {transport}",
        *conditions,
        f"  payload /^{pattern}/",
        f'  enable "{ANALYZERS[transport]}"',
        "}",
        "",
    ]

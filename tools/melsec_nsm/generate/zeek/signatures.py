"""Signatures that attach the analyzers on any port."""

from __future__ import annotations

from melsec_nsm.definitions.model import Definition, Field, Frame, Protocol
from melsec_nsm.generate.text import comment
from melsec_nsm.generate.zeek import patterns

_ANALYZERS = {"tcp": "MELSEC_TCP", "udp": "MELSEC_UDP"}


def dpd(definition: Definition) -> str:
    """``dpd.sig``: one signature per frame, direction and transport.

    Each direction is convincing alone (sub-header, route, bounds of the length, a known command),
    so that none waits for the reverse: a sensor may see one side only, and MELSOFT over UDP uses
    two one-way flows.
    """
    lines = [comment(), ""]
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            for direction in ("request", "response"):
                pattern = _pattern(protocol, frame, direction)
                for transport in frame.transports:
                    lines += _signature(frame, direction, transport, pattern)
    return "\n".join(lines)


def _pattern(protocol: Protocol, frame: Frame, direction: str) -> str:
    fields = frame.half(direction)[:-1]
    pieces = [_piece(protocol, frame, field) for field in fields]
    # Trailing arbitrary octets need not be waited for.
    while pieces and pieces[-1].startswith(patterns.ANY):
        pieces.pop()
    return "".join(pieces)


def _piece(protocol: Protocol, frame: Frame, field: Field) -> str:
    order = "big" if field.type == "u16be" else protocol.byte_order
    commands = list(protocol.commands_of(frame))
    if field.name == "command":
        codes = [(command.code, command.code) for command in commands]
        return patterns.octet_class(codes) if field.type == "u8" else patterns.word(codes, order)
    if field.name == "subcommand":
        return patterns.word([(value, value) for command in commands for value in command.subcommands], order)
    return patterns.field(field, order)


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
        f'  enable "{_ANALYZERS[transport]}"',
        "}",
        "",
    ]

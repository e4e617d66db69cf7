"""The generated Zeek scripts: tables of names, and a notice type per detection."""

from __future__ import annotations

from melsec_nsm.codec import transactions
from melsec_nsm.definitions.model import Command, Definition, Detection
from melsec_nsm.generate.text import comment, quoted
from melsec_nsm.generate.zeek.frames import numbered

_LIMITS = [
    "\t## How long a request waits for its response. A later response stands alone.",
    f"\toption request_timeout = {transactions.REQUEST_TIMEOUT}sec;",
    "",
    "\t## Requests of one connection that may wait for a response; beyond it the oldest stands alone.",
    f"\toption max_pending_requests = {transactions.MAX_PENDING};",
    "",
    "\t## Interval within which an equal datagram, with nothing in between, is a copy that a span port",
    "\t## delivered.",
    f"\toption copy_interval = {transactions.COPY_INTERVAL}msec;",
    "",
]
"""Limits that the reference engine keeps too, so that both say the same of a capture."""


def consts(definition: Definition) -> str:
    """``consts.zeek``: names of frames, commands, devices, end codes, models; port hints."""
    lines = [
        comment(),
        "##! Names of the numbers in MELSEC PDUs.",
        "",
        "@load ./types",
        "",
        "module MELSEC;",
        "",
        "export {",
    ]
    lines += [*_LIMITS, *_ports(definition)]
    lines += _table(
        "Frame layouts by the number that the grammar gives them.",
        "frames: table[count] of FrameInfo",
        [
            f"[{number}] = FrameInfo($protocol={quoted(protocol.name)}, $frame={quoted(frame.frame)}, "
            f"$encoding={quoted(frame.encoding)}, $digits={2 if frame.request[-2].type == 'u8' else 4}, "
            f"$weak={'T' if frame.weak else 'F'}, $devices={quoted(protocol.device_table)}, "
            f"$statuses={quoted(protocol.status_table)}, $bit_units={protocol.bit_units})"
            for number, protocol, frame in numbered(definition)
        ],
    )
    lines += _table(
        "Commands by protocol, width of the code in hex digits, and code.",
        "commands: table[string, count, count] of CommandInfo",
        [_command(definition, command) for command in definition.commands()],
    )
    lines += _table(
        "Devices by numbering and code.",
        "devices: table[string, count] of DeviceInfo",
        [
            f"[{quoted(table)}, {code:#x}] = DeviceInfo($symbol={quoted(device.symbol)}, "
            f"$hexadecimal={'T' if device.base == 16 else 'F'}, $bit={'T' if device.unit == 'bit' else 'F'})"
            for device in definition.devices
            for table, code in device.codes.items()
            if table in _tables(definition)
        ],
    )
    lines += _table(
        "Names of end codes and statuses.",
        "statuses: table[string, count] of string",
        [
            f"[{quoted(table)}, {status.code:#06x}] = {quoted(status.name)}"
            for table, rows in definition.statuses.items()
            for status in rows
        ],
    )
    lines += _table(
        "CPU and module models by type code.",
        "models: table[count] of ModelInfo",
        [
            f"[{model.code:#06x}] = ModelInfo($name={quoted(model.name)}, $series={quoted(model.series)})"
            for model in definition.models
        ],
    )
    return "\n".join([*lines, "}", ""])


def _tables(definition: Definition) -> set[str]:
    return {protocol.device_table for protocol in definition.protocols.values()}


def _ports(definition: Definition) -> list[str]:
    lines = []
    for transport in ("tcp", "udp"):
        ports = sorted(
            {
                hint.port
                for protocol in definition.protocols.values()
                for hint in protocol.ports
                if hint.transport == transport
            }
        )
        lines += [
            f"\t## {transport.upper()} ports on which MELSEC is expected before its content has been seen.",
            f"\tconst {transport}_ports = {{ " + ", ".join(f"{port}/{transport}" for port in ports) + " } &redef;",
            "",
        ]
    return lines


def _table(title: str, declaration: str, rows: list[str]) -> list[str]:
    return [f"\t## {title}", f"\tconst {declaration} = {{", *(f"\t\t{row}," for row in rows), "\t} &redef;", ""]


def _command(definition: Definition, command: Command) -> str:
    names = [
        detection.id
        for detection in definition.detections.values()
        if "zeek" in detection.engines() and detection.when.matches(command)
    ]
    raised = f", $detections=vector({', '.join(quoted(name) for name in names)})" if names else ""
    unanswered = ", $unanswered=T" if command.unanswered else ""
    return (
        f"[{quoted(command.protocol)}, {command.digits}, {command.code:#06x}] = CommandInfo("
        f"$operation={quoted(command.operation)}, $class={quoted(command.klass)}{unanswered}{raised})"
    )


def detections(definition: Definition) -> str:
    """``detections.zeek``: a notice type per detection and the table that describes them."""
    claimed = [detection for detection in definition.detections.values() if "zeek" in detection.engines()]
    lines = [
        comment(),
        "##! The detections of the definition: a notice type each, and what a notice says.",
        "",
        "@load base/frameworks/notice",
        "@load ./types",
        "",
        "module MELSEC;",
        "",
        "export {",
        "\tredef enum Notice::Type += {",
    ]
    for detection in claimed:
        lines += [f"\t\t## {detection.title}", f"\t\t{detection.notice},"]
    lines += ["\t};", ""]
    lines += _table("Detections by id.", "detections: table[string] of Detection", [_detection(d) for d in claimed])
    return "\n".join([*lines, "}", ""])


def _detection(detection: Detection) -> str:
    return (
        f"[{quoted(detection.id)}] = Detection($note={detection.notice}, $title={quoted(detection.title)}, "
        f"$severity={quoted(detection.severity)}, $direction={quoted(detection.when.direction)}, "
        f"$suppress={detection.suppress}sec)"
    )

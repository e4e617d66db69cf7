"""The generated Zeek scripts: tables of names, and a notice type per detection."""

from __future__ import annotations

from melsec_nsm.codec import transactions
from melsec_nsm.definitions.model import Command, Definition, Detection, Frame, Protocol
from melsec_nsm.generate.text import comment, quoted
from melsec_nsm.generate.zeek import actions
from melsec_nsm.generate.zeek.frames import numbered
from melsec_nsm.generate.zeek.meanings import NotForZeekError, meanings, threshold
from melsec_nsm.policy.addresses import INTERNAL
from melsec_nsm.policy.model import Network


def _texts(texts: tuple[str, ...]) -> str:
    return f"set({', '.join(map(quoted, texts))})"


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
    "\t## For how long a controller is watched after something was done to it that may silence it, and what has to",
    "\t## come to nothing for how long until it counts as silent.",
    f"\toption suspect_time = {transactions.SUSPECT_SECONDS}sec;",
    f"\toption silent_requests = {transactions.SILENT_REQUESTS};",
    f"\toption silent_time = {transactions.SILENT_SECONDS}sec;",
    "",
    "\t## Operations that stop a controller, that let it run again, and that give it another program; and for how long",
    "\t## it may stay stopped with that.",
    f"\tconst halting_actions: set[string] = {_texts(transactions.HALTING)};",
    f"\tconst running_actions: set[string] = {_texts(transactions.RUNNING)};",
    f"\tconst writing_actions: set[string] = {_texts(transactions.WRITING)};",
    f"\toption left_stopped_time = {transactions.LEFT_STOPPED_SECONDS}sec;",
    "",
    "\t## How long a file may go without a block: one that was opened, and one that every request names.",
    f"\tconst open_file_timeout = {transactions.OPEN_FILE_TIMEOUT}sec;",
    f"\tconst named_file_timeout = {transactions.NAMED_FILE_TIMEOUT}sec;",
    "",
]
"""Limits that the reference engine keeps too, so that both say the same of a capture."""

_LOOKED_AT = ("request", "response", "refused")
_NONE = "vector()"


def consts(definition: Definition) -> str:
    """``consts.zeek``: names of frames, commands, devices, end codes, models; port hints."""
    lines = [
        comment(),
        "##! Names of the numbers in MELSEC PDUs.",
        "",
        "@load ./actions",
        "@load ./types",
        "",
        "module MELSEC;",
        "",
        "export {",
    ]
    lines += [*_LIMITS, *_ports(definition)]
    for protocol in definition.protocols.values():
        for digits in sorted({command.digits for command in protocol.commands}, reverse=True):
            lines += _table(
                f"Commands of {protocol.title} with codes of {digits} hex digits.",
                f"{_commands_of(protocol, digits)}: table[count] of CommandInfo",
                [_command(definition, command) for command in protocol.commands if command.digits == digits],
                f" &default=unknown_{'command' if digits == 4 else 'short_command'}",
            )
    for table in sorted({protocol.device_table for protocol in definition.protocols.values()}):
        lines += _table(
            f"Devices in the numbering of {table}.",
            f"{table}_devices: table[count] of DeviceInfo",
            [
                f"[{device.codes[table]:#x}] = DeviceInfo($symbol={quoted(device.symbol)}, "
                f"$hexadecimal={_bool(device.base == 16)}, $bit={_bool(device.unit == 'bit')})"
                for device in definition.devices
                if table in device.codes
            ],
        )
    for table, rows in definition.statuses.items():
        lines += _table(
            f"End codes of {table}.",
            f"{table}_statuses: table[count] of string",
            [f"[{status.code:#06x}] = {quoted(status.name)}" for status in rows],
        )
    lines += _table(
        "Frame layouts by the number that the grammar gives them.",
        "frames: table[count] of FrameInfo",
        [_frame(number, protocol, frame) for number, protocol, frame in numbered(definition)],
    )
    lines += _table(
        "CPU and module models by type code.",
        "models: table[count] of ModelInfo",
        [
            f"[{model.code:#06x}] = ModelInfo($name={quoted(model.name)}, $series={quoted(model.series)})"
            for model in definition.models
        ],
    )
    lines += _table(
        "Networks whose addresses mean nothing outside a site, and groups; every other address is public.",
        "internal_networks",
        [str(network) if network.version == 4 else _subnet_6(network) for network in INTERNAL],
    )
    prefixes = "|".join(one.prefix.lower() for one in definition.mac_prefixes)
    lines += [
        "\t## How MAC addresses of controllers begin: those of their maker.",
        f"\tconst controller_macs = /^({prefixes})/ &redef;",
    ]
    return "\n".join([*lines, "}", ""])


def _subnet_6(network: Network) -> str:
    return f"[{network.network_address}]/{network.prefixlen}"


def _bool(value: bool) -> str:
    return "T" if value else "F"


def _commands_of(protocol: Protocol, digits: int) -> str:
    """The table of a protocol's commands; control frames with short codes have one of their own beside the others."""
    if digits == 4 or all(command.digits == digits for command in protocol.commands):
        return f"{protocol.name}_commands"
    return f"{protocol.name}_control_commands"


def _frame(number: int, protocol: Protocol, frame: Frame) -> str:
    return (
        f"[{number}] = FrameInfo($protocol={quoted(protocol.name)}, $frame={quoted(frame.frame)}, "
        f"$encoding={quoted(frame.encoding)}, $digits={frame.digits}, $weak={_bool(frame.weak)}, "
        f"$bare={_bool(frame.kind == 'layout')}, $one_way={_bool(not frame.response)}, "
        f"$commands={_commands_of(protocol, frame.digits)}, "
        f"$devices={protocol.device_table}_devices, $statuses={protocol.status_table}_statuses, "
        f"$bit_units={protocol.bit_units:#x})"
    )


def _ports(definition: Definition) -> list[str]:
    lines = []
    for transport in ("tcp", "udp"):
        ports = definition.ports(transport)
        lines += [
            f"\t## {transport.upper()} ports on which MELSEC is expected before its content has been seen.",
            f"\tconst {transport}_ports = {{ " + ", ".join(f"{port}/{transport}" for port in ports) + " } &redef;",
            "",
        ]
    return lines


def _table(title: str, declaration: str, rows: list[str], attributes: str = "") -> list[str]:
    return [f"\t## {title}", f"\tconst {declaration} = {{", *(f"\t\t{row}," for row in rows), f"\t}}{attributes};", ""]


def _command(definition: Definition, command: Command) -> str:
    texts = {"code": command.text, "operation": command.operation, "class": command.klass}
    fields = [f"${name}={quoted(text)}" for name, text in texts.items()]
    fields += [f"${name}=T" for name in ("unanswered", "pushed") if getattr(command, name)]
    if command.most is not None:
        fields += [f"$most={command.most}", f"$most_bits={command.most_bits}"]
    for looked_at in _LOOKED_AT:
        found = [one for one in definition.detections.values() if one.when.mentions(command)]
        names = _ids([one for one in found if _looks_at(one) == looked_at])
        if names != _NONE:
            fields.append(f"${looked_at}_detections={names}")
    fields += actions.parts(definition, command)
    return f"[{command.code:#06x}] = CommandInfo({', '.join(fields)})"


def _looks_at(detection: Detection) -> str | None:
    """What a detection looks at: requests, responses, or only those responses that refuse; None if not in Zeek."""
    when = detection.when
    if "zeek" not in detection.engines() or not (when.operations or when.classes or when.alternatives):
        return None
    refused = bool(when.statuses) and "success" not in when.statuses
    return "refused" if refused else when.half


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
    lines += _table(
        "Detections by id.",
        "detections: table[string] of Detection",
        [_detection(definition, detection) for detection in claimed],
    )
    named = dict.fromkeys(action for detection in claimed for action in detection.when.actions)
    lines += _table(
        "Detections that an engineering operation raises, by its name.",
        "action_detections: table[string] of vector of string",
        [f"[{quoted(name)}] = {_ids([one for one in claimed if name in one.when.actions])}" for name in named],
    )
    events = dict.fromkeys(detection.when.event for detection in claimed if detection.when.event is not None)
    lines += _table(
        "Detections that an event raises, by its name.",
        "event_detections: table[string] of vector of string",
        [f"[{quoted(name)}] = {_ids([one for one in claimed if one.when.event == name])}" for name in events],
    )
    violations = dict.fromkeys(detection.when.policy for detection in claimed if detection.when.policy is not None)
    lines += _table(
        "Detections that a violation of the policy of the site raises, by its name.",
        "policy_detections: table[string] of vector of string",
        [f"[{quoted(name)}] = {_ids([one for one in claimed if one.when.policy == name])}" for name in violations],
    )
    after = dict.fromkeys(name for detection in claimed for name in detection.when.after)
    dangerous = f"set({', '.join(quoted(name) for name in after)})"
    lines += [
        "\t## Detections after which a controller may fall silent.",
        f"\tconst dangerous_detections: set[string] = {dangerous};",
        "",
    ]
    for looked_at in _LOOKED_AT:
        found = [one for one in definition.detections.values() if one.when.unknown and _looks_at(one) == looked_at]
        if any(one.when.protocols for one in found):
            raise NotForZeekError("unknown commands of some protocols only")
        lines += [f"\tredef unknown_{looked_at}_detections = {_ids(found)};", ""]
    replays = _ids([detection for detection in claimed if detection.when.credential is not None])
    windows = [one.when.threshold.seconds for one in claimed if one.when.threshold is not None]
    lines += [
        "\t## Detections that a request raises with a token of another client.",
        f"\tconst replay_detections: vector of string = {replays};",
        "",
        "\t## The longest time in which a detection counts.",
        f"\tconst longest_count = {max(windows, default=1)}sec;",
        "",
    ]
    return "\n".join([*lines, "}", ""])


def _ids(detections: list[Detection]) -> str:
    return f"vector({', '.join(quoted(detection.id) for detection in detections)})"


def _detection(definition: Definition, detection: Detection) -> str:
    fields = [
        f"$note={detection.notice}",
        f"$title={quoted(detection.title)}",
        f"$severity={quoted(detection.severity)}",
        f"$attack=vector({', '.join(map(quoted, detection.attack))})",
        f"$suppress={detection.suppress}sec",
    ]
    more = meanings(definition, detection.when, f"detection {detection.id}")
    if more is not None:
        fields.append(f"$meanings={more}")
    if detection.when.threshold is not None:
        fields.append(f"$threshold={threshold(detection.when.threshold)}")
    return f"[{quoted(detection.id)}] = Detection({', '.join(fields)})"

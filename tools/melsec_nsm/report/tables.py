"""Tables for people, on a terminal or in a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from melsec_nsm.analysis.doctor import Report
from melsec_nsm.analysis.verdicts import CaptureVerdict, cells
from melsec_nsm.definitions.model import ENGINES, Definition
from melsec_nsm.engines.base import Asset, Availability, Operation, Result
from melsec_nsm.report.document import timestamp


def console() -> Console:
    """Standard output: as wide as the terminal, and wide enough for a table in a file."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def results(console: Console, definition: Definition, found: Sequence[Result]) -> None:
    """What engines say of captures: operations, detections, controllers."""
    for result in found:
        console.print(f"\n[bold]{result.capture}[/bold] ({result.engine})")
        if result.transactions:
            table = Table("protocol", "frame", "encoding", "command", "operation", "count", box=None)
            for row in result.transactions:
                operation = _operation(definition, row.protocol, row.command)
                table.add_row(row.protocol, row.frame, row.encoding, row.command, operation, str(row.count))
            console.print(table)
        elif result.transactions is not None:
            console.print("no MELSEC transaction")
        if result.detections:
            table = Table("detection", "severity", "count", "first", "client", "server", box=None)
            for alert in result.detections:
                severity = definition.detections[alert.id].severity if alert.id in definition.detections else ""
                first = timestamp(alert.first)[:-4] + "Z"
                table.add_row(alert.id, severity, str(alert.count), first, alert.client, alert.server)
            console.print(table)
        else:
            console.print("no detection")
        if result.operations:
            _operations(console, result.operations)
        for asset in result.assets:
            console.print(_controller(asset))


def _operations(console: Console, found: Sequence[Operation]) -> None:
    """What was done to controllers, in order."""
    judged = any(one.verdict for one in found)
    columns = ("time", "client", "controller", "action", "object", "user", "bytes", "status")
    table = Table(*columns, *(("verdict",) if judged else ()), box=None)
    for one in found:
        octets = "" if one.bytes is None else str(one.bytes)
        if one.missing_bytes:
            octets += f" (-{one.missing_bytes})"
        time = timestamp(one.ts)[11:-4]
        status = one.status_name or one.status
        row = (time, one.client, one.server, one.action, one.object, one.user, octets, status)
        table.add_row(*row, *((one.verdict.replace(",", ", "),) if judged else ()))
    console.print(table)


def _controller(asset: Asset) -> str:
    what = asset.model + (f" ({asset.series})" if asset.series else "")
    more = [what, asset.mac, asset.firmware, asset.serial, " ".join(asset.protocols), " ".join(asset.ports)]
    return f"controller {asset.host}: " + ", ".join(filter(None, more))


def _operation(definition: Definition, protocol: str, command: str) -> str:
    entry = definition.protocols[protocol].command(int(command, 16), len(command)) if command else None
    return entry.operation if entry else f"unknown-{command}"


def verdicts(
    console: Console, definition: Definition, found: Sequence[CaptureVerdict], engines: Sequence[Availability]
) -> None:
    """Detections by engines: in how many of its captures each fired, and where it must not have."""
    here = {availability.engine: availability for availability in engines}
    table = Table("detection", "severity", *ENGINES, title="detections by engine (fired / expected)")
    for detection in definition.detections.values():
        row = [cells(detection.id, engine, found) if here[engine].version else "absent" for engine in ENGINES]
        for position, engine in enumerate(ENGINES):
            if engine in detection.unsupported:
                row[position] = "not here"
        table.add_row(detection.id, detection.severity, *row)
    console.print(table)
    for detection in definition.detections.values():
        for engine, reason in detection.unsupported.items():
            console.print(f"{detection.id} is not in {engine}: {reason}")
        for engine, limit in detection.limits.items():
            console.print(f"{detection.id} is in {engine} in part: {limit.reason}")
    for availability in engines:
        if availability.version:
            ran = [verdict for verdict in found if availability.engine in verdict.engines]
            wrong = sum(1 for verdict in ran if verdict.differences.get(availability.engine))
            name = f"{availability.engine} {availability.version}"
            console.print(f"{name}: {len(ran)} captures, {wrong} with differences" if ran else f"{name}: not asked")
        else:
            line = f"{availability.engine}: absent: {availability.reason}; {availability.remedy}"
            console.print(line, soft_wrap=True)
    for verdict in found:
        for engine, lines in verdict.differences.items():
            for line in lines:
                console.print(f"[red]difference[/red] {verdict.capture} ({engine}): {line}")


_COLOURS = {"problem": "red", "advice": "yellow", "information": "cyan"}


def health(console: Console, report: Report) -> None:
    """What is here, then each finding with the line that mends it. Lines are not broken, so that they can be copied."""
    for fact in report.facts:
        console.print(Text(str(fact)), soft_wrap=True)
    if report.sound:
        console.print("nothing to mend")
    for one in report.findings:
        console.print(Text.assemble((one.severity, _COLOURS[one.severity]), f" {one}"), soft_wrap=True)
        if not one.mend:
            continue
        if one.place:
            console.print(Text(f"  in {one.place}"), soft_wrap=True)
        first, *more = one.mend.splitlines()
        console.print(Text(f"  mend: {first}"), soft_wrap=True)
        for line in more:
            console.print(Text(f"        {line}"), soft_wrap=True)

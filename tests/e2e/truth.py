"""What the client captures hold by their ground truth, in the form in which records are compared with it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from melsec_nsm.engines.base import Record

_DEVICE = re.compile(r"(?:[UJ][0-9A-F]+\\)?[A-Z]+[0-9A-F]+")
_NO_ANSWER = re.compile("no response|exception: TimeoutError")


class Call(NamedTuple):
    """A client's call: command and sub-command, head device, points, end code (None: no answer)."""

    command: str
    subcommand: str | None
    device: str
    points: int
    status: str | None


def calls(truth: Path) -> Counter[Call]:
    """The calls that a ground truth lists, as they are on the wire."""
    document = json.loads(truth.read_text("utf-8"))
    found: Counter[Call] = Counter()
    # What a library makes of a device is noted with the call, but not always decoded by what made the truth.
    wired = {
        (one["device"], one["note"]): one["wire_device"]
        for one in document["operations"]
        if {"note", "wire_device"} <= set(one)
    }
    for one in document["operations"]:
        if one["command"] is None or one["result"].startswith("refused"):
            continue
        device = one.get("wire_device", wired.get((one["device"], one.get("note")), one["device"]))
        if document["frame"] == "1E" and device[:1] in ("X", "Y"):
            # Octal on an FX3U; the wire has the linear number, and nothing in the capture tells the series.
            device = f"{device[0]}{int(device[1:], 8):X}"
        call = Call(
            one["command"],
            one["subcommand"],
            device if _DEVICE.fullmatch(device) else "",
            one.get("wire_points", one["points"]),
            _status(one["result"], one["command"]),
        )
        found[call] += one.get("repeat", 1)
    return found


def _status(result: str, command: str) -> str | None:
    if result == "ok":
        return "0" * min(len(command), 4)
    return None if _NO_ANSWER.match(result) else result


def said(records: Iterable[Record], wanted: Counter[Call]) -> Counter[Call]:
    """The transactions of records. Device and points stand but where only a call that does not tell them is left."""
    left = wanted.copy()
    found: Counter[Call] = Counter()
    for one in records:
        if one.request_len is None:
            continue
        full = Call(one.command or "", one.subcommand, _head(one), one.points or 0, one.status)
        others = (full._replace(device=""), full._replace(points=0), full._replace(device="", points=0))
        call = next((candidate for candidate in (full, *others) if left[candidate] > 0), full)
        left[call] -= 1
        found[call] += 1
    return found


def _head(record: Record) -> str:
    found = _DEVICE.match(record.target or "")
    return found[0] if found else ""

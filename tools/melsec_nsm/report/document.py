"""The JSON document of a verdict, the same shape for each engine."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone

from melsec_nsm.engines.base import Result


def timestamp(ns: int) -> str:
    """A time as ``2026-01-01T00:00:00.000000Z``."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def document(result: Result) -> dict[str, object]:
    """The document of one engine's verdict on one capture.

    ``transactions``, ``operations`` and ``files`` are left out where the engine cannot tell them.
    """
    content: dict[str, object] = {"engine": result.engine, "capture": result.capture}
    if result.transactions is not None:
        content["transactions"] = [
            {
                "protocol": row.protocol,
                "frame": row.frame,
                "encoding": row.encoding,
                "command": row.command,
                "count": row.count,
            }
            for row in result.transactions
        ]
    content["detections"] = [
        {
            "id": row.id,
            "count": row.count,
            "first": timestamp(row.first),
            "client": row.client,
            "server": row.server,
        }
        for row in result.detections
    ]
    content["assets"] = [
        {
            "host": asset.host,
            "model": asset.model,
            "series": asset.series,
            "mac": asset.mac,
            "firmware": asset.firmware,
            "serial": asset.serial,
            "protocols": list(asset.protocols),
            "ports": list(asset.ports),
            "advisories": list(asset.advisories),
        }
        for asset in result.assets
    ]
    if result.operations is not None:
        content["operations"] = [_dated(asdict(one)) for one in result.operations]
    if result.files is not None:
        content["files"] = [_dated(asdict(one)) for one in result.files]
    return content


def _dated(row: dict[str, object]) -> dict[str, object]:
    """A row with its time in words."""
    ts = row["ts"]
    assert isinstance(ts, int)
    return {**row, "ts": timestamp(ts)}

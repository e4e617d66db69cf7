"""The two things people wait for: `generate`, and the built-in engine on a capture."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polling

from melsec_nsm.definitions import load
from melsec_nsm.engines.reference import ReferenceEngine

_EXCHANGES = 50_000


def lines(folder: Path) -> Iterator[str]:
    """Measures, with captures in ``folder``, and says what came out, a line each."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "melsec_nsm", "generate", "--check"], check=False, stdout=subprocess.DEVNULL)
    yield f"generate: {time.perf_counter() - started:.2f} s"
    engine = ReferenceEngine(load())
    for transport in ("tcp", "udp"):
        capture = folder / f"reference-{transport}.pcap"
        polling.write(capture, polling.SLMP_3E, _EXCHANGES, 1, transport)
        started = time.perf_counter()
        result = engine.run(capture)
        rate = 2 * _EXCHANGES / (time.perf_counter() - started)
        counted = sum(row.count for row in result.transactions or ())
        yield f"reference, {transport}: {rate:,.0f} PDUs a second ({counted} of {_EXCHANGES} transactions)"

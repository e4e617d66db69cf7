"""Speed of the two things people wait for: `generate`, and the reference engine on a capture. Asserts nothing.

Run by `make bench`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from melsec_nsm.capture import Record
from melsec_nsm.definitions import load
from melsec_nsm.engines.cleaned import write_pcap
from melsec_nsm.engines.reference import ReferenceEngine

EXCHANGES = 50_000
_START = 1_767_225_600_000_000_000
_STEP = 1_000_000
_ETHERNET = bytes.fromhex("104b460053fa 02005e005312 0800")
_REQUEST = bytes.fromhex("500000ffff03000c00100001040000640000a80300")
_RESPONSE = bytes.fromhex("d00000ffff03000800 0000 3412 0200 ef1d")
_CLIENT, _SERVER = bytes((192, 168, 3, 18)), bytes((192, 168, 3, 250))
_CLIENT_PORT, _SERVER_PORT = 49152, 5007


def _ipv4(protocol: int, source: bytes, destination: bytes, body: bytes) -> bytes:
    length = (20 + len(body)).to_bytes(2, "big")
    # Without checksums: no engine of ours verifies them.
    header = b"\x45\x00" + length + b"\0\0\0\0\x40" + bytes((protocol,)) + b"\0\0" + source + destination
    return _ETHERNET + header + body


def _ports(request: bool) -> bytes:
    source, destination = (_CLIENT_PORT, _SERVER_PORT) if request else (_SERVER_PORT, _CLIENT_PORT)
    return source.to_bytes(2, "big") + destination.to_bytes(2, "big")


def _records(transport: str) -> Iterator[Record]:
    """Polls of one client on one connection, or over UDP."""
    sent = {True: 1, False: 1}
    for number in range(2 * EXCHANGES):
        request = number % 2 == 0
        payload = _REQUEST if request else _RESPONSE
        if transport == "udp":
            body = _ports(request) + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload
        else:
            numbers = sent[request].to_bytes(4, "big") + sent[not request].to_bytes(4, "big")
            body = _ports(request) + numbers + b"\x50\x18\x20\x00\0\0\0\0" + payload
            sent[request] += len(payload)
        source, destination = (_CLIENT, _SERVER) if request else (_SERVER, _CLIENT)
        frame = _ipv4(17 if transport == "udp" else 6, source, destination, body)
        yield Record(_START + number * _STEP, 1, frame, len(frame))


def main() -> None:
    """Prints a line per measurement."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "melsec_nsm", "generate", "--check"], check=False, stdout=subprocess.DEVNULL)
    print(f"generate: {time.perf_counter() - started:.2f} s")
    engine = ReferenceEngine(load())
    with tempfile.TemporaryDirectory() as name:
        for transport in ("tcp", "udp"):
            capture = Path(name) / f"{transport}.pcap"
            write_pcap(capture, _records(transport))
            started = time.perf_counter()
            result = engine.run(capture)
            seconds = time.perf_counter() - started
            counted = sum(row.count for row in result.transactions or ())
            rate = 2 * EXCHANGES / seconds
            print(f"reference, {transport}: {rate:,.0f} PDUs a second ({counted} of {EXCHANGES} transactions)")


if __name__ == "__main__":
    main()

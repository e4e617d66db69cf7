"""PDUs counted without this project's code: tshark reassembles, a few lines here cut by length.

What is cut is known beforehand to be MELSEC, so that no recognition is needed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

Counts = Counter[tuple[str, str]]
"""Requests by frame (``3E``, ``57``, ...) and command."""


def counted(capture: Path) -> Counts:
    """Requests of a capture; skips the test where tshark is not installed."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    counts: Counts = Counter()
    for octets in [*_streams(tshark, capture), *_datagrams(tshark, capture)]:
        counts.update(_requests(octets))
    return counts


def _run(tshark: str, capture: Path, *arguments: str) -> list[str]:
    # A capture that is cut off makes tshark end with 2 after it has printed everything.
    done = subprocess.run(
        [tshark, "-n", "-r", capture, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode in (0, 2), done.stderr
    return done.stdout.splitlines()


def _streams(tshark: str, capture: Path) -> Iterator[bytes]:
    """The octets that each side of each TCP connection sent."""
    numbers = sorted({int(line) for line in _run(tshark, capture, "-T", "fields", "-e", "tcp.stream") if line.strip()})
    if not numbers:
        return
    follow = [word for number in numbers for word in ("-z", f"follow,tcp,raw,{number}")]
    sides: dict[bool, bytearray] = {True: bytearray(), False: bytearray()}
    for line in [*_run(tshark, capture, "-q", *follow), "="]:
        if line.startswith("="):
            yield from (bytes(side) for side in sides.values() if side)
            sides = {True: bytearray(), False: bytearray()}
        else:
            try:
                sides[line.startswith("\t")] += bytes.fromhex(line.strip())
            except ValueError:
                continue  # the heading of the follow output


def _datagrams(tshark: str, capture: Path) -> Iterator[bytes]:
    for line in _run(tshark, capture, "-Y", "udp && !icmp", "-T", "fields", "-e", "udp.payload"):
        if line.strip():
            yield bytes.fromhex(line.strip())


def _requests(octets: bytes) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(octets):
        lead = octets[position]
        here = octets[position:]
        if lead in (0x57, 0xD7) and here[5:7] == b"\x11\x11":
            if lead == 0x57:
                at = 23 + here[23]
                yield "57", here[at : at + 2].hex().upper()
            position += 21 + int.from_bytes(here[19:21], "little")
        elif lead == 0x5A and here[1:3] == b"\0\0":
            yield "5A", f"{here[3]:02X}"
            position += 4
        elif lead == 0xDA and here[1:3] == b"\0\0":
            position += 28 if here[3] == 0xFF else 14
        elif lead in (0x50, 0xD0) and here[1] == 0:
            if lead == 0x50:
                yield "3E", here[11:13][::-1].hex().upper()
            position += 9 + int.from_bytes(here[7:9], "little")
        elif lead in (0x54, 0xD4) and here[1] == 0:
            if lead == 0x54:
                yield "4E", here[15:17][::-1].hex().upper()
            position += 13 + int.from_bytes(here[11:13], "little")
        else:
            return  # other traffic of the segment

"""Headers with an octet that is wrong: the built-in engine and Zeek take, and refuse, the same ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import Endpoint, Link, Wire

from melsec_nsm.codec import Codec, compose
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import Record
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.zeek import ZeekEngine
from melsec_nsm.generate.captures import all_captures

_SERVER = Endpoint("192.168.3.250", 5006)
_FRAMES = [
    ("melsoft", "57-long"),
    ("melsoft", "57-short"),
    ("melsoft", "5a"),
    ("slmp", "3e-binary"),
    ("slmp", "3e-ascii"),
    ("slmp", "4e-binary"),
    ("slmp", "4e-ascii"),
]
_HEADER = 55
"""Octets that are replaced one by one: the longest header has no more."""


def pdus(definition: Definition, protocol: str, frame: str) -> tuple[bytes, bytes]:
    """A request in a frame, and the answer to it."""
    codec = Codec(definition)
    exchange = next(
        exchange
        for capture in all_captures(definition)
        for exchange in capture.exchanges
        if (exchange.protocol, exchange.frame, exchange.half) == (protocol, frame, "both") and exchange.octets is None
    )
    return compose.request(codec, exchange), compose.response(codec, exchange)


def damaged(octets: bytes) -> Iterator[bytes]:
    """The PDU as it is, and with each octet of its header replaced."""
    yield octets
    for place in range(min(_HEADER, len(octets))):
        for value in sorted({0, 1, 0xFF, octets[place] ^ 1, octets[place] ^ 0x80} - {octets[place]}):
            yield octets[:place] + bytes([value]) + octets[place + 1 :]


def made(definition: Definition, protocol: str, frame: str, path: Path) -> Path:
    """Writes a capture of datagrams with nothing before them, each of a client of its own."""
    out = Wire()
    number = 0
    for octets, is_request in zip(pdus(definition, protocol, frame), (True, False), strict=True):
        for payload in damaged(octets):
            number += 1
            client = Endpoint(f"10.0.{number // 200}.{number % 200 + 1}", 40_000)
            out.put(Link(out, client, _SERVER, "udp").datagram(is_request, payload))
    return out.write(path)


@pytest.mark.parametrize(("protocol", "frame"), _FRAMES)
def test_engines_take_the_same_headers(
    definition: Definition, zeek: ZeekEngine, protocol: str, frame: str, tmp_path: Path
) -> None:
    capture = made(definition, protocol, frame, tmp_path / "headers.pcap")
    reference = Counter(ReferenceEngine(definition).records(capture))
    of_zeek = Counter(zeek.records(capture))
    assert _shown(reference - of_zeek) == _shown(of_zeek - reference) == []
    assert reference


def _shown(found: Counter[Record]) -> list[str]:
    return sorted(str(one) for one in found)[:3]

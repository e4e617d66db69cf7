"""Mutated PDUs: nothing on the wire ends the analysis of a connection, and the next good PDU is parsed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from melsec_nsm.capture import Record
from melsec_nsm.codec import Codec, compose
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine
from melsec_nsm.engines.cleaned import write_pcap

CONNECTIONS = 40
MUTATED = 60
GOOD = bytes.fromhex("500000ffff030006001000 1916 0000")  # command 1619: nothing else here has it
_ETHERNET = bytes.fromhex("104b460053fa 02005e005312 0800")


def mutated(octets: bytes, dice: random.Random) -> bytes:
    """The octets with some changed, missing or added."""
    changed = bytearray(octets)
    kind = dice.randrange(4)
    if kind == 0:
        for _ in range(dice.randint(1, 6)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    elif kind == 1:
        del changed[dice.randrange(1, len(changed)) :]
    elif kind == 2:
        place = dice.randrange(len(changed))
        changed[place:place] = dice.randbytes(dice.randint(1, 20))
    return bytes(changed)


def requests(definition: Definition) -> list[bytes]:
    """Every request PDU of the generated captures."""
    codec = Codec(definition)
    return [
        compose.request(codec, exchange)
        for capture in definition.captures.values()
        for exchange in capture.exchanges
        if exchange.octets is None and exchange.half != "response"
    ]


def records(definition: Definition, transport: str) -> Iterator[Record]:
    """Connections that carry mutated requests, then octets that complete any PDU begun, then two good ones."""
    dice = random.Random(20260101)
    pool = requests(definition)
    ts = 1_767_225_600_000_000_000
    for number in range(CONNECTIONS):
        # One good request first: what is confirmed must not be lost again.
        payloads = [GOOD, *(mutated(dice.choice(pool), dice) for _ in range(MUTATED))]
        payloads += [bytes(1400)] * 4 + [GOOD, GOOD] if transport == "tcp" else [GOOD]
        sequence = 1
        for payload in payloads:
            ports = (40000 + number).to_bytes(2, "big") + (5007).to_bytes(2, "big")
            if transport == "tcp":
                body = ports + sequence.to_bytes(4, "big") + bytes(4) + b"\x50\x18\x20\x00\0\0\0\0" + payload
                sequence += len(payload)
            else:
                body = ports + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload
            protocol = b"\x06" if transport == "tcp" else b"\x11"
            length = (20 + len(body)).to_bytes(2, "big")
            addresses = bytes((192, 168, 3, 18, 192, 168, 3, 250))
            frame = _ETHERNET + b"\x45\0" + length + b"\0\0\0\0\x40" + protocol + b"\0\0" + addresses + body
            ts += 20_000_000
            yield Record(ts, 1, frame, len(frame))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_good_pdus_are_parsed_after_any_number_of_bad_ones(
    transacting: Engine, definition: Definition, transport: str, tmp_path: Path
) -> None:
    path = tmp_path / "mutated.pcap"
    write_pcap(path, records(definition, transport))
    result = transacting.run(path)
    found = sum(row.count for row in result.transactions or () if row.command == "1619" and row.frame == "3E")
    good = 3 if transport == "tcp" else 2
    assert found >= CONNECTIONS * good
    assert result.warnings == ()

"""Mutated PDUs: nothing on the wire ends the analysis of a connection, and the next good PDU is parsed.

``--mutated 1000000`` makes it as many; the default is what a test run has time for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from wire import Endpoint, Link, Wire

from melsec_nsm.codec import Codec, compose
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine
from melsec_nsm.generate.captures import all_captures

_IN_A_CONNECTION = 60
_SERVER = Endpoint("192.168.3.250", 5007)
GOOD = bytes.fromhex("500000ffff030006001000 1916 0000")
"""Command 1619 in a 3E frame: the mutations are made of others."""

_FILLER = bytes(9000)
"""Octets that complete any PDU that was begun."""


def flipped(octets: bytearray, dice: random.Random, pool: Sequence[bytes]) -> None:
    """Some bits are wrong."""
    for _ in range(dice.randint(1, 6)):
        octets[dice.randrange(len(octets))] ^= 1 << dice.randrange(8)


def replaced(octets: bytearray, dice: random.Random, pool: Sequence[bytes]) -> None:
    """Some octets are wrong."""
    for _ in range(dice.randint(1, 6)):
        octets[dice.randrange(len(octets))] = dice.randrange(256)


def cut(octets: bytearray, dice: random.Random, pool: Sequence[bytes]) -> None:
    """The end is missing."""
    del octets[dice.randrange(1, len(octets)) :]


def grown(octets: bytearray, dice: random.Random, pool: Sequence[bytes]) -> None:
    """There are octets too many somewhere."""
    place = dice.randrange(len(octets))
    octets[place:place] = dice.randbytes(dice.randint(1, 20))


def spliced(octets: bytearray, dice: random.Random, pool: Sequence[bytes]) -> None:
    """It goes on as another one."""
    other = dice.choice(pool)
    octets[dice.randrange(len(octets)) :] = other[dice.randrange(len(other)) :]


def mismeasured(octets: bytearray, dice: random.Random, pool: Sequence[bytes]) -> None:
    """A length, or what stands in its place, is wrong."""
    place = dice.choice((7, 11, 14, 19, 22))
    octets[place : place + 2] = dice.choice((b"\0\0", b"\xff\xff", b"\x01\0", b"\x68\x10", dice.randbytes(2)))


def unharmed(octets: bytearray, dice: random.Random, pool: Sequence[bytes]) -> None:
    """Nothing is wrong."""


_KINDS = (flipped, replaced, cut, grown, spliced, mismeasured, unharmed)


def pdus(definition: Definition) -> list[bytes]:
    """Every PDU of the generated captures but for those of the command that counts."""
    codec = Codec(definition)
    found: dict[bytes, None] = {}
    for capture in all_captures(definition):
        for exchange in capture.exchanges:
            if exchange.octets is None and exchange.command != 0x1619:
                found[compose.request(codec, exchange)] = None
                if codec.definition.protocols[exchange.protocol].frame(exchange.frame).response:
                    found[compose.response(codec, exchange)] = None
    return list(found)


def mutated(definition: Definition, count: int) -> Iterator[bytes]:
    """As many PDUs with something wrong."""
    dice = random.Random(20260101)
    pool = pdus(definition)
    for _ in range(count):
        octets = bytearray(dice.choice(pool))
        dice.choice(_KINDS)(octets, dice, pool)
        yield bytes(octets) or b"\0"


def made(definition: Definition, transport: str, count: int, path: Path) -> int:
    """Writes a capture; returns how many good PDUs are in it."""
    out = Wire()
    good = 0
    link = None
    octets = list(mutated(definition, count))
    for number, payload in enumerate(octets):
        if number % _IN_A_CONNECTION == 0:
            client = Endpoint(f"10.{number >> 20 & 255}.{number >> 12 & 255}.18", 40_000 + number // 60 % 20_000)
            link = Link(out, client, _SERVER, transport)
            # One good request first: what is confirmed must not be lost again.
            out.put(link.packet(True, GOOD))
            good += 1
        assert link is not None
        out.put(link.packet(number % 3 > 0, payload))
        if transport == "udp":
            out.put(link.packet(True, GOOD))
            good += 1
        elif number % _IN_A_CONNECTION == _IN_A_CONNECTION - 1 or number == len(octets) - 1:
            for start in range(0, len(_FILLER), 1400):
                out.put(link.packet(True, _FILLER[start : start + 1400]))
            out.put(link.packet(True, GOOD), link.packet(True, GOOD))
            good += 2
    out.write(path)
    return good


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_good_pdus_are_parsed_after_any_number_of_bad_ones(
    transacting: Engine, definition: Definition, transport: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "mutated.pcap"
    good = made(definition, transport, request.config.getoption("--mutated"), path)
    result = transacting.run(path)
    found = sum(row.count for row in result.transactions or () if row.command == "1619" and row.frame == "3E")
    assert found == good
    assert result.warnings == ()

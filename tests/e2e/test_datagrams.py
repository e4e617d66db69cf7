"""Datagrams that are no PDU: Zeek takes the same ones for malformed as the built-in engine."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import wire

from melsec_nsm.capture import Record, open_capture
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.zeek import ZeekEngine

_TOP = Path(__file__).resolve().parents[2]
_MALFORMED = "malformed-frame"
_FLOWS = 1500


def malformed(engine: Engine, capture: Path) -> Counter[tuple[str, str]]:
    """Who has sent whom malformed frames, and how often."""
    return Counter((one.client, one.server) for one in engine.run(capture).alerts if one.id == _MALFORMED)


def changed(octets: bytes, dice: random.Random) -> bytes:
    """Octets that are mostly not what they were."""
    kind = dice.randrange(5)
    if kind == 0:
        return octets[: dice.randrange(1, len(octets) + 1)]
    if kind == 1:
        return octets + dice.randbytes(dice.randrange(1, 40))
    if kind == 2:
        return dice.randbytes(dice.randrange(1, 60))
    made = bytearray(octets)
    for _ in range(dice.randrange(0, 4)):
        made[dice.randrange(len(made))] = dice.randrange(256)
    return bytes(made)


def test_zeek_says_the_same_of_mutated_datagrams(definition: Definition, zeek: ZeekEngine, tmp_path: Path) -> None:
    dice = random.Random(11)
    said = [
        one.said
        for path in sorted((_TOP / "pcaps").glob("*.pcap"))
        for one in wire.dialogues(path)
        if one.transport == "udp" and len(one.said) < 20
    ]
    out = wire.Wire()
    for number in range(_FLOWS):
        client = wire.Endpoint(f"10.1.{number >> 8}.{number & 255}", dice.randrange(40000, 60000))
        server = wire.Endpoint(f"10.2.0.{number % 200 + 1}", dice.choice((5000, 5006, 5560, 7777)))
        link = wire.Link(out, client, server, "udp")
        # A known command is what makes Zeek look at a port that means nothing.
        whole = 1 if server.port == 7777 else 0
        for place, (from_client, octets) in enumerate(dice.choice(said)):
            if octets:
                out.put(
                    link.packet(from_client, octets if place < whole or dice.randrange(2) else changed(octets, dice))
                )
    capture = out.write(tmp_path / "mutated.pcap")
    wanted = malformed(ReferenceEngine(definition), capture)
    assert len(wanted) > _FLOWS / 10
    assert malformed(zeek, capture) == wanted


def test_what_a_capture_has_cut_off_is_not_malformed(transacting: Engine, tmp_path: Path) -> None:
    out = wire.Wire()
    for record in open_capture(_TOP / "pcaps/slmp-3e-remote-stop-udp.pcap").records():
        out.records += [record, Record(record.ts + 1, record.linktype, record.data[:54], record.wire)]
    whole = out.write(tmp_path / "snapped.pcap")
    assert malformed(transacting, whole) == Counter()

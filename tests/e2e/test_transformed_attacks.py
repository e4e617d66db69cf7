"""Every capture that raises something, in other packets: Zeek and the built-in engine say the same of it, and Suricata
finds at least one of each, save what the definition says that it does not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import merged
import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import EDecimal, PcapWriter

from melsec_nsm.analysis import verdicts
from melsec_nsm.engines import Engine

_TOP = Path(__file__).resolve().parents[2]
_MANY = 1000
"""Packets of a flood, which is the same in a few forms as in all."""
_LEFT_OUT = ("site-public-client", "commands-", "melsoft-download-later")
"""What has its addresses as its subject, every command there is, which is no attack, and what is none as it ends soon:
here an hour passes."""

Packets = list[Packet]


class Attack(NamedTuple):
    """A capture, what each engine has to raise in it, and the number that its addresses get."""

    number: int
    path: Path
    detections: Mapping[str, Mapping[str, int]]


def attacks() -> list[Attack]:
    """The captures that raise anything."""
    found = [
        one
        for one in verdicts.expectations([_TOP / "pcaps"])
        if one.policy is None and not one.name.startswith(_LEFT_OUT) and any(one.detections.values())
    ]
    return [Attack(number, one.capture, one.detections) for number, one in enumerate(found, 1)]


ATTACKS = attacks()


def packets_of(attack: Attack) -> Packets:
    """The packets of an attack with its addresses, an hour behind those of the one before."""
    packets = []
    for record in merged.records(attack.path, attack.number):
        packet = Ether(record.data)
        packet.time = EDecimal(record.ts) / merged.SECOND
        packets.append(packet)
    return packets


def renewed(packet: Packet) -> Packet:
    """With lengths and checksums left to be computed anew."""
    for layer, names in ((IP, ("len", "chksum")), (TCP, ("chksum",)), (UDP, ("len", "chksum"))):
        if layer in packet:
            for name in names:
                delattr(packet[layer], name)
    packet.wirelen = None
    return packet


def with_data(packet: Packet, octets: bytes, offset: int = 0) -> Packet:
    """A segment with other data, that begins so much later in the stream."""
    piece = packet.copy()
    piece[TCP].remove_payload()
    piece = piece / Raw(octets)
    piece[TCP].seq = packet[TCP].seq + offset
    piece.time = packet.time
    return piece


def data_of(packet: Packet) -> bytes:
    """The data of a segment."""
    return bytes(packet[TCP].payload) if TCP in packet and Raw in packet else b""


def cut_at(packet: Packet, size: int) -> Packets:
    """A segment in pieces."""
    octets = data_of(packet)
    return [with_data(packet, octets[at : at + size], at) for at in range(0, len(octets), size)] or [packet]


def plain(packets: Packets) -> Packets:
    """As it is."""
    return packets


def split(packets: Packets) -> Packets:
    """Five octets a segment."""
    return [piece for packet in packets for piece in cut_at(packet, 5)]


def halves_swapped(packets: Packets) -> Packets:
    """The two halves of every PDU in the wrong order."""
    return [piece for packet in packets for piece in reversed(cut_at(packet, len(data_of(packet)) // 2 + 1))]


def overlapping(packets: Packets) -> Packets:
    """The first half of each segment, then the whole of it."""
    pieces: Packets = []
    for packet in packets:
        octets = data_of(packet)
        if len(octets) > 1:
            pieces.append(with_data(packet, octets[: len(octets) // 2]))
        pieces.append(packet)
    return pieces


def coalesced(packets: Packets) -> Packets:
    """Segments that follow one another in a direction as one, up to 1400 octets."""
    pieces: Packets = []
    for packet in packets:
        octets = data_of(packet)
        before = data_of(pieces[-1]) if pieces else b""
        same = (
            pieces
            and octets
            and before
            and all(
                getattr(packet[layer], name) == getattr(pieces[-1][layer], name)
                for layer, name in ((IP, "src"), (IP, "dst"), (TCP, "sport"), (TCP, "dport"))
            )
        )
        if same and len(before) + len(octets) <= 1400 and packet[TCP].seq == pieces[-1][TCP].seq + len(before):
            pieces[-1] = with_data(pieces[-1], before + octets)
        else:
            pieces.append(packet)
    return pieces


def doubled(packets: Packets) -> Packets:
    """As a span port gives them that sees both ways in and out."""
    return [one for packet in packets for one in (packet, packet)]


def fragmented(packets: Packets) -> Packets:
    """Every packet with data in IP fragments of 24 octets."""
    pieces: Packets = []
    for packet in packets:
        if Raw not in packet:
            pieces.append(packet)
            continue
        whole = renewed(packet.copy())
        whole[IP].flags = 0
        for piece in fragment(whole, fragsize=24):
            piece.time = packet.time
            pieces.append(piece)
    return pieces


def headless(packets: Packets) -> Packets:
    """Connections of which the handshake was not seen."""
    return [packet for packet in packets if TCP not in packet or "S" not in packet[TCP].flags]


def elsewhere(packets: Packets) -> Packets:
    """Controllers that listen on another port."""
    for packet in packets:
        layer = packet[TCP] if TCP in packet else packet[UDP]
        for side in ("sport", "dport"):
            if 5000 <= getattr(layer, side) < 6000:
                setattr(layer, side, getattr(layer, side) + 20_000)
    return packets


def tagged(packets: Packets) -> Packets:
    """In a VLAN."""
    made = []
    for packet in packets:
        ether = Ether(src=packet[Ether].src, dst=packet[Ether].dst) / Dot1Q(vlan=7) / packet[IP]
        ether.time = packet.time
        made.append(ether)
    return made


FORMS: dict[str, Callable[[Packets], Packets]] = {
    "plain": plain,
    "split": split,
    "halves swapped": halves_swapped,
    "overlapping retransmission": overlapping,
    "coalesced": coalesced,
    "doubled": doubled,
    "IP fragments": fragmented,
    "start missing": headless,
    "other port": elsewhere,
    "VLAN": tagged,
}

FOR_FLOODS = ("plain", "coalesced", "doubled", "start missing")
UNSEEN: dict[tuple[str, str], set[tuple[str, str]]] = {
    # (engine, form): (capture or *, detection) that cannot be told, and why.
    # Who began, what was asked before, and how many connections there are, nobody has seen.
    ("reference", "start missing"): {
        *(("*", name) for name in ("handmade-client", "unsolicited-response", "connection-exhaustion"))
    },
    # The first segment of a connection that was joined in the middle lies before where it is joined.
    ("reference", "halves swapped"): {("*-midstream", "remote-stop")},
    # All that was tried came at one time.
    ("reference", "coalesced"): {("slmp-3e-silent", "controller-silent")},
    ("zeek", "start missing"): {
        *(("*", name) for name in ("handmade-client", "unsolicited-response", "connection-exhaustion"))
    },
    ("zeek", "coalesced"): {("slmp-3e-silent", "controller-silent")},
    # Only on the usual ports are PDUs expected of a flow that has had none; and silence is told after that.
    ("reference", "other port"): {("melsoft-udp-*", "malformed-frame"), ("melsoft-udp-*", "controller-silent")},
    # Nor does an unknown command prove the protocol on a port that means nothing.
    ("zeek", "other port"): {
        *(("melsoft-udp-*", "malformed-frame"), ("melsoft-udp-*", "controller-silent")),
        ("melsoft-unknown-command", "unknown-command"),
    },
    # A rule looks at PDUs one by one, and finds but one in a piece of a stream (the pages of the detections).
    **{
        ("suricata", form): {("*", "error-burst"), ("*", "password-guessing"), ("*-midstream", "remote-stop")}
        for form in ("split", "halves swapped")
    },
    # Nor does it look for a PDU behind garbage.
    ("suricata", "coalesced"): {
        *(("*", "request-flood"), ("*-garbage", "remote-stop"), ("slmp-3e-impossible-length", "remote-stop"))
    },
    # Without the handshake there is no stream to look at (README).
    ("suricata", "start missing"): {
        *(("*", "handmade-client"), ("slmp-bulk-write", "device-write"), ("slmp-3e-remote-stop-split", "remote-stop"))
    },
}


@pytest.fixture(scope="module", params=FORMS)
def dressed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, list[Attack]]:
    """All attacks in a form, one behind the other."""
    path = tmp_path_factory.mktemp("attacks") / "attacks.pcap"
    worn = []
    with PcapWriter(str(path)) as writer:
        for attack in ATTACKS:
            packets = packets_of(attack)
            if len(packets) < _MANY or request.param in FOR_FLOODS:
                worn.append(attack)
                for packet in FORMS[request.param](packets):
                    writer.write(renewed(packet))
    return request.param, path, worn


def unseen(engine: str, form: str, attack: Attack, name: str) -> set[tuple[str, str]]:
    """Why an engine cannot tell a detection in a form of an attack; nothing where it can."""
    listed = UNSEEN.get((engine, form), set())
    return {(stem, one) for stem, one in listed if one == name and fnmatchcase(attack.path.stem, stem)}


def is_enough(engine: str, form: str, wanted: int, raised: int) -> bool:
    """Whether a detection was raised as often as it has to be. Suricata counts plain ones, and may say more."""
    if engine != "suricata" or form == "plain":
        return raised == wanted
    return raised > 0 or not wanted


def test_attacks_are_found_in_any_packets(dressed: tuple[str, Path, list[Attack]], engine: Engine) -> None:
    form, path, worn = dressed
    found: dict[int, Counter[str]] = {attack.number: Counter() for attack in worn}
    for alert in engine.run(path).alerts:
        host = alert.client if alert.client.startswith("10.") else alert.server
        found[int(host.split(".")[1])][alert.id] += 1
    told: dict[tuple[str, str], tuple[int, int]] = {}
    missed: set[tuple[str, str]] = set()
    for attack in worn:
        wanted, raised = attack.detections[engine.name], found[attack.number]
        for name in {*wanted, *raised}:
            if is_enough(engine.name, form, wanted.get(name, 0), raised[name]):
                continue
            reasons = unseen(engine.name, form, attack, name)
            missed |= reasons
            if not reasons:
                told[attack.path.stem, name] = (wanted.get(name, 0), raised[name])
    assert told == {}
    # What can be told by now is to be taken off the list.
    assert missed == UNSEEN.get((engine.name, form), set())

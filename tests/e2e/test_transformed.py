"""The same operation, however it is cut into packets: every engine says what it says of the plain capture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

from melsec_nsm.analysis import verdicts
from melsec_nsm.engines import Engine

_TOP = Path(__file__).resolve().parents[2]

CAPTURES = (
    "slmp-3e-remote-stop",
    "slmp-4e-remote-stop",
    "slmp-3e-remote-stop-udp",
    "melsoft-remote-stop",
    "melsoft-short-remote-stop",
    "melsoft-udp-remote-stop",
)


def _renewed(packet: Packet) -> Packet:
    """With lengths and checksums left to be computed anew."""
    for layer, names in ((IP, ("len", "chksum")), (TCP, ("chksum",)), (UDP, ("len", "chksum"))):
        if layer in packet:
            for name in names:
                delattr(packet[layer], name)
    return packet


def _segmented(size: int) -> Callable[[list[Packet]], list[Packet]]:
    def cut(packets: list[Packet]) -> list[Packet]:
        pieces = []
        for packet in packets:
            octets = bytes(packet[TCP].payload) if TCP in packet else b""
            for start in range(0, len(octets), size):
                piece = packet.copy()
                piece[TCP].remove_payload()
                piece = _renewed(piece / Raw(octets[start : start + size]))
                piece[TCP].seq = packet[TCP].seq + start
                piece.time = packet.time
                pieces.append(piece)
            if not octets:
                pieces.append(packet)
        return pieces

    return cut


def doubled(packets: list[Packet]) -> list[Packet]:
    """As a span port gives them that sees both ways in and out."""
    return [copy for packet in packets for copy in (packet, packet.copy())]


def tagged(packets: list[Packet]) -> list[Packet]:
    """In a VLAN."""
    frames = []
    for packet in packets:
        frame = Ether(src=packet.src, dst=packet.dst) / Dot1Q(vlan=7) / packet[IP].copy()
        frame.time = packet.time
        frames.append(frame)
    return frames


def fragmented(packets: list[Packet]) -> list[Packet]:
    """Every packet with data in IP fragments of 24 octets."""
    pieces = []
    for packet in packets:
        if Raw not in packet:
            pieces.append(packet)
            continue
        whole = packet.copy()
        whole[IP].flags = 0
        for piece in fragment(_renewed(whole), fragsize=24):
            piece.time = packet.time
            pieces.append(piece)
    return pieces


def reordered(packets: list[Packet]) -> list[Packet]:
    """The two halves of every PDU in the wrong order."""
    halves = []
    for packet in packets:
        size = max(1, len(packet[TCP].payload) // 2 + 1) if TCP in packet else 1
        halves += reversed(_segmented(size)([packet]))
    return halves


TRANSFORMATIONS: dict[str, Callable[[list[Packet]], list[Packet]]] = {
    "every octet a segment": _segmented(1),
    "five octets a segment": _segmented(5),
    "doubled": doubled,
    "in a VLAN": tagged,
    "IP fragments": fragmented,
    "reordered": reordered,
}


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
@pytest.mark.parametrize("name", CAPTURES)
def test_transformed_capture_says_the_same(engine: Engine, name: str, transformation: str, tmp_path: Path) -> None:
    plain = _TOP / "pcaps" / f"{name}.pcap"
    (expectation,) = verdicts.expectations([plain])
    path = tmp_path / "transformed.pcap"
    wrpcap(str(path), TRANSFORMATIONS[transformation](list(rdpcap(str(plain)))))
    assert verdicts.compare(expectation, engine.run(path)) == []

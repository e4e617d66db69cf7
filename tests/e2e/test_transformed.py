"""The same dialogues, however they are cut into packets: every engine says what it says of the plain capture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import wire
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap
from wire import Dialogue, Endpoint, Link, Wire

from melsec_nsm.analysis import verdicts
from melsec_nsm.engines import Engine
from melsec_nsm.engines.base import Record
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.zeek import ZeekEngine

_TOP = Path(__file__).resolve().parents[2]
_CLIENTS = _TOP.parent / "shared" / "captures" / "clients"
_GENERATED = sorted((_TOP / "pcaps").glob("commands-*.pcap"))
_CAPTURES = [*_GENERATED, *sorted(_CLIENTS.glob("*.pcap"))]

_SHORT = 64
"""Up to here every boundary is cut in all exchanges of a capture, further on in those that are long enough."""

Transaction = tuple[object, ...]


def _plain(dialogue: Dialogue, link: Link, out: Wire) -> None:
    out.put(*link.opening(), *(link.packet(*one) for one in dialogue.said), *link.closing())


def _coalesced(dialogue: Dialogue, link: Link, out: Wire) -> None:
    """All requests in one segment, all responses in another."""
    asked, answered = wire.joined(dialogue.said)
    pieces = [(True, piece) for piece in wire.cut(asked, 60_000)] + [
        (False, piece) for piece in wire.cut(answered, 60_000)
    ]
    out.put(*link.opening(), *(link.packet(*one) for one in pieces), *link.closing())


def _doubled(dialogue: Dialogue, link: Link, out: Wire) -> None:
    """As a span port gives them that sees both ways in and out."""
    frames = [*link.opening(), *(link.packet(*one) for one in dialogue.said), *link.closing()]
    for frame in frames:
        out.put(frame, frame)
        # What a span port doubles comes at once.
        out.records[-1].ts = out.records[-2].ts + 1000


def _reordered(dialogue: Dialogue, link: Link, out: Wire) -> None:
    """The two halves of every PDU in the wrong order."""
    out.put(*link.opening())
    for from_client, octets in dialogue.said:
        halves = [link.packet(from_client, piece) for piece in wire.cut(octets, len(octets) // 2 + 1)]
        out.put(*reversed(halves))
    out.put(*link.closing())


def _headless(dialogue: Dialogue, link: Link, out: Wire) -> None:
    """The first three packets are missing: over TCP the handshake."""
    out.put(*[*link.opening(), *(link.packet(*one) for one in dialogue.said), *link.closing()][3:])


def records(engine: Engine, capture: Path) -> Iterable[Record]:
    """What an engine writes of each transaction."""
    assert isinstance(engine, (ReferenceEngine, ZeekEngine))
    return engine.records(capture)


def transactions(lines: Iterable[Record]) -> Counter[Transaction]:
    """Lines without times and addresses."""
    nothing = {"ts": 0, "client": None, "server": None, "rtt": None}
    found: Counter[Transaction] = Counter()
    for line in lines:
        changed = replace(line, **nothing)  # type: ignore[arg-type]
        found[tuple(getattr(changed, name) for name in changed.__slots__)] += 1
    return found


class Form(NamedTuple):
    """A way to put dialogues into packets, and the form of which it has to say the same."""

    name: str
    shape: Callable[[Dialogue, Link, Wire], None]
    like: str
    vlan: int | None = None
    ipv6: bool = False
    port: int = 0


ANY = (
    Form("plain", _plain, "plain"),
    Form("doubled", _doubled, "plain"),
    Form("start missing", _headless, "plain"),
    Form("port moved", _plain, "plain", port=20_000),
    Form("in a VLAN", _plain, "plain", vlan=7),
    Form("over IPv6", _plain, "plain", ipv6=True),
)
STREAMS = (
    Form("in order", _plain, "in order"),
    Form("coalesced", _coalesced, "in order"),
    Form("reordered", _reordered, "in order"),
)
REST = Form("rest", _plain, "rest")
"""What lies whole in what is left of datagrams of which the first three are missing."""


def _in_order(dialogue: Dialogue) -> Dialogue:
    """A dialogue with as few requests as may wait at a time."""
    said: list[tuple[bool, bytes]] = []
    for number, piece in enumerate(wire.exchanges(dialogue.said)):
        if number < 60:
            said += piece
    return Dialogue(dialogue.client, dialogue.server, dialogue.transport, said)


def _forms(capture: Path) -> Iterator[tuple[Form, list[Dialogue]]]:
    """The forms that make sense for a capture, with what is said in them."""
    dialogues = wire.dialogues(capture)
    datagrams = dialogues[0].transport == "udp"
    for form in ANY:
        yield form._replace(like="rest") if datagrams and form.name == "start missing" else form, dialogues
    if datagrams:
        yield REST, [Dialogue(one.client, one.server, one.transport, one.said[3:]) for one in dialogues]
    streams = [_in_order(one) for one in dialogues if one.transport == "tcp"]
    for form in STREAMS if streams else ():
        # Nobody knows where an unsized message ends and the next begins; messages for the buffer of a module are
        # believed once a 1E request was answered, of which there is none yet.
        if form.name != "coalesced" or not (capture.stem.endswith("-unsized") or "-1e-buffer-" in capture.stem):
            yield form, streams


def _moved(host: str, number: int, form: Form) -> str:
    """The address of a host in a form: forms have nothing to do with each other."""
    third, last = host.split(".")[2:]
    return f"2001:db8:{number}::{third}:{last}" if form.ipv6 else f"10.{number}.{third}.{last}"


def _form_of(line: Record) -> int:
    host = line.client or line.server
    assert host
    return int(host.split(":")[2] if ":" in host else host.split(".")[1])


@pytest.mark.parametrize("capture", _CAPTURES, ids=lambda one: one.stem)
def test_packets_in_another_dress(transacting: Engine, capture: Path, tmp_path: Path) -> None:
    forms = list(_forms(capture))
    out = Wire()
    for number, (form, dialogues) in enumerate(forms):
        out.vlan = form.vlan
        for one in dialogues:
            port = form.port + one.server.port % 1000 if form.port else one.server.port
            client = Endpoint(_moved(one.client.host, number, form), one.client.port)
            server = Endpoint(_moved(one.server.host, number, form), port)
            form.shape(one, Link(out, client, server, one.transport), out)
    lines: list[list[Record]] = [[] for _ in forms]
    for line in records(transacting, out.write(tmp_path / "forms.pcap")):
        lines[_form_of(line)].append(line)
    found = {form.name: transactions(some) for (form, _), some in zip(forms, lines, strict=True)}
    assert found["plain"]
    for form, _ in forms:
        assert found[form.name] == found[form.like], form.name


def _at_every_octet(dialogues: Iterable[Dialogue]) -> Iterator[tuple[int, Dialogue]]:
    """A dialogue for each boundary, with the exchanges in which there is something to cut there."""
    for dialogue in dialogues:
        pieces = list(wire.exchanges(dialogue.said))
        longest = max(len(octets) for _, octets in dialogue.said)
        for boundary in range(1, longest):
            said = [
                one
                for piece in pieces
                if boundary < _SHORT or any(len(octets) > boundary for _, octets in piece)
                for one in piece
            ]
            yield boundary, Dialogue(dialogue.client, dialogue.server, dialogue.transport, said)


@pytest.mark.parametrize("capture", _CAPTURES, ids=lambda one: one.stem)
def test_a_cut_at_every_octet(transacting: Engine, capture: Path, tmp_path: Path) -> None:
    plain, changed = Wire(), Wire()
    number = 0
    for boundary, dialogue in _at_every_octet(one for one in wire.dialogues(capture) if one.transport == "tcp"):
        number += 1
        client = Endpoint(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", dialogue.client.port)
        _plain(dialogue, Link(plain, client, dialogue.server, "tcp"), plain)
        link = Link(changed, client, dialogue.server, "tcp")
        changed.put(*link.opening())
        for from_client, octets in dialogue.said:
            for piece in (octets[:boundary], octets[boundary:]):
                if piece:
                    changed.put(link.packet(from_client, piece))
        changed.put(*link.closing())
    if not number:
        pytest.skip("no TCP in it")
    expected = transactions(records(transacting, plain.write(tmp_path / "plain.pcap")))
    assert transactions(records(transacting, changed.write(tmp_path / "changed.pcap"))) == expected
    assert sum(expected.values()) >= number


# What detections make of it

ALERTING = (
    "slmp-3e-remote-stop",
    "slmp-4e-remote-stop",
    "slmp-3e-remote-stop-udp",
    "melsoft-remote-stop",
    "melsoft-short-remote-stop",
    "melsoft-udp-remote-stop",
)
ENGINEERING = (
    "melsoft-udp-program-download",
    "melsoft-parameter-write",
    "melsoft-file-write",
    "melsoft-online-change",
    "melsoft-short-type-name",
    "melsoft-handmade-safety",
    "melsoft-user-registration",
    "melsoft-password-guessing",
    "melsoft-password-lockout",
    "slmp-3e-program-download",
    "slmp-4e-ascii-parameter-write",
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
    "IP fragments": fragmented,
    "reordered": reordered,
}


def _transformed(name: str, transformation: str, folder: Path) -> tuple[verdicts.Expectation, Path]:
    plain = _TOP / "pcaps" / f"{name}.pcap"
    (expectation,) = verdicts.expectations([plain])
    path = folder / "transformed.pcap"
    wrpcap(str(path), TRANSFORMATIONS[transformation](list(rdpcap(str(plain)))))
    return expectation, path


STREAMED = ("every octet a segment", "five octets a segment", "reordered")
"""Where Suricata has to look at streams. There it finds the same but once in a piece, and so counts too few."""


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
@pytest.mark.parametrize("name", ALERTING)
def test_transformed_capture_alerts_the_same(engine: Engine, name: str, transformation: str, tmp_path: Path) -> None:
    expectation, path = _transformed(name, transformation, tmp_path)
    assert verdicts.compare(expectation, engine.run(path)) == []


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
@pytest.mark.parametrize("name", ENGINEERING)
def test_transformed_engineering_alerts_the_same(
    engine: Engine, name: str, transformation: str, tmp_path: Path
) -> None:
    expectation, path = _transformed(name, transformation, tmp_path)
    result = engine.run(path)
    if engine.name != "suricata":
        assert verdicts.compare(expectation, result) == []
        return
    # Nor does a rule know a doubled packet from a second one.
    wanted = set(expectation.detections["suricata"])
    if transformation in STREAMED:
        wanted -= {"password-guessing"}
    assert {one.id for one in result.detections} == wanted

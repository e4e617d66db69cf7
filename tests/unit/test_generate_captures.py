"""Generated captures: the same octets each time, packets that a stack would send, and a manifest of all."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import PcapReader

from melsec_nsm.codec import Codec, Pdu
from melsec_nsm.codec.stream import Conversation, StreamParser
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Capture, Definition, Exchange
from melsec_nsm.generate import captures
from melsec_nsm.generate.captures import build, expected_detections, expected_transactions
from melsec_nsm.generate.text import NOTE

DEFINITION = load()
CODEC = Codec(DEFINITION)
CAPTURES = [pytest.param(capture, id=name) for name, capture in DEFINITION.captures.items()]
TCP_CAPTURES = [pytest.param(one, id=one.name) for one in DEFINITION.captures.values() if one.transport == "tcp"]
UDP_CAPTURES = [pytest.param(one, id=one.name) for one in DEFINITION.captures.values() if one.transport == "udp"]

READ = Exchange(
    protocol="slmp",
    frame="3e-binary",
    command=0x0401,
    subcommand=0,
    values={"device": "D100", "points": 3},
    data=None,
    status=0,
    response_values={},
    response_data=bytes(6),
    half="both",
    repeat=1,
)
STOP = replace(READ, command=0x1002, values={}, response_data=b"")
GARBAGE = replace(READ, octets=b"\xde\xad\xbe\xef", half="request")
REQUEST, RESPONSE = 21, 17
START = 1_767_225_600_000_000
"""The first microsecond of 2026."""


def toy(*exchanges: Exchange, shape: str = "plain", transport: str = "tcp") -> Capture:
    """A capture of these exchanges between the usual hosts."""
    some = next(iter(DEFINITION.captures.values()))
    return replace(some, name="toy", transport=transport, port=5007, shape=shape, exchanges=exchanges)


def packets(octets: bytes) -> list[Any]:
    """The packets of a capture file."""
    with PcapReader(io.BytesIO(octets)) as reader:
        return list(reader)


def built(capture: Capture) -> list[Any]:
    """The packets of a capture."""
    return packets(build(CODEC, capture))


def times(found: Iterable[Any]) -> list[int]:
    """When the packets were seen, in microseconds."""
    return [round(packet.time * 1_000_000) for packet in found]


def payload(packet: Any) -> bytes:
    """What a packet carries above TCP or UDP."""
    return bytes(packet[Raw].load) if Raw in packet else b""


def sent(capture: Capture) -> Iterator[tuple[bool, bytes]]:
    """What an exchange says should be seen: whether from the client, and the octets."""
    for exchange in capture.exchanges:
        for _ in range(0 if exchange.lost else exchange.repeat):
            yield from captures._halves(CODEC, exchange).sent()


def clients(capture: Capture) -> set[str]:
    """The addresses of the clients."""
    return {exchange.client or capture.client for exchange in capture.exchanges}


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    """Everything that is written to pcaps/."""
    return captures.render(DEFINITION)


# All captures of the definition


def test_twice_the_same(files: Mapping[str, bytes]) -> None:
    assert captures.render(load()) == files


def test_the_checkout_is_up_to_date(files: Mapping[str, bytes], checkout: Path) -> None:
    assert {path: (checkout / path).read_bytes() for path in files} == dict(files)


def test_the_manifest_names_every_capture(files: Mapping[str, bytes]) -> None:
    text = files["pcaps/manifest.yaml"].decode("ascii")
    assert text.startswith(f"# {NOTE}\n")
    entries = {entry["capture"]: entry for entry in yaml.safe_load(text)["captures"]}
    known = {capture.name: capture for capture in captures.all_captures(DEFINITION)}
    assert set(entries) == set(known)
    cases = {case["case"]: case for case in yaml.safe_load(text)["cases"]}
    policies = {f"pcaps/{case['policy']}" for case in cases.values()}
    assert policies == {f"pcaps/policies/{name}.yaml" for name in DEFINITION.cases}
    assert set(files) == {"pcaps/manifest.yaml"} | {f"pcaps/{name}.pcap" for name in entries} | policies
    for name, entry in entries.items():
        capture = known[name]
        assert entry["title"] == capture.title
        assert entry["sha256"] == hashlib.sha256(files[f"pcaps/{name}.pcap"]).hexdigest()
        counted = {tuple(list(row.values())[:-1]): row["count"] for row in entry["transactions"]}
        assert counted == expected_transactions(DEFINITION, CODEC, capture)
        assert set(entry["detections"]) == {"reference", "zeek", "suricata"}
    fired = {(name, one) for name in DEFINITION.captures for one in entries[name]["detections"]["reference"]}
    wanted = {(name, one.id) for one in DEFINITION.detections.values() for name in one.fires}
    assert fired == {(name, detection) for name, detection in wanted if name in entries}
    assert {name for name, _ in wanted} <= set(entries) | set(cases)
    for name, case in cases.items():
        raised = set(case["detections"]["reference"])
        assert {detection for one, detection in wanted if one == name} <= raised
        assert all(name not in DEFINITION.detections[detection].quiet for detection in raised)


@pytest.mark.parametrize("capture", CAPTURES)
def test_checksums_and_lengths_are_valid(capture: Capture) -> None:
    for packet in built(capture):
        again = packet.copy()
        for layer, names in ((IP, ("len", "chksum")), (TCP, ("dataofs", "chksum")), (UDP, ("len", "chksum"))):
            if layer in again:
                for name in names:
                    delattr(again[layer], name)
        again.clear_cache()
        assert bytes(again) == bytes(packet)


@pytest.mark.parametrize("capture", CAPTURES)
def test_times_and_addresses_are_fixed(capture: Capture) -> None:
    waits = [time - START - number * capture.interval for number, time in enumerate(times(built(capture)))]
    assert waits == sorted(waits)
    afters = [one.after for one in capture.exchanges for _ in range(one.repeat)]
    assert set(waits) <= {1_000_000 * sum(afters[:n]) for n in range(len(afters) + 1)}
    for packet in built(capture):
        from_client = packet[IP].src in clients(capture)
        assert from_client or packet[IP].src in {one.server or capture.server for one in capture.exchanges}
        port = packet.payload.payload.dport if from_client else packet.payload.payload.sport
        assert port == capture.port


@pytest.mark.parametrize("capture", CAPTURES)
def test_everything_that_is_exchanged_is_on_the_wire(capture: Capture) -> None:
    expected: dict[bool, bytes] = {True: b"", False: b""}
    for from_client, octets in sent(capture):
        expected[from_client] += octets
    found: dict[bool, bytes] = {True: b"", False: b""}
    for packet in built(capture):
        found[packet[IP].src in clients(capture)] += payload(packet)
    if capture.shape == "lost":
        assert len(found[True]) < len(expected[True])
        assert expected[True].endswith(found[True][-REQUEST + 1 :])
    else:
        assert found == expected


@pytest.mark.parametrize("capture", TCP_CAPTURES)
def test_sequence_numbers_run_on(capture: Capture) -> None:
    following: dict[tuple[str, str, int], int] = {}
    holes = 0
    missed = capture.shape == "lost" or any(one.lost for one in capture.exchanges)
    for packet in built(capture):
        segment, hosts = packet[TCP], (packet[IP].src, packet[IP].dst)
        ephemeral = segment.sport + segment.dport - capture.port
        source, target = (*hosts, ephemeral), (*hosts[::-1], ephemeral)
        if source in following:
            holes += segment.seq != following[source]
        if "A" in segment.flags:
            holes += target in following and segment.ack != following[target] and not missed
        following[source] = segment.seq + len(payload(packet)) + ("S" in segment.flags) + ("F" in segment.flags)
    lost = sum(2 * one.repeat for one in capture.exchanges if one.lost)
    assert holes == (1 if capture.shape == "lost" else lost)


@pytest.mark.parametrize("capture", TCP_CAPTURES)
def test_handshake_and_close(capture: Capture) -> None:
    flags = [str(packet[TCP].flags) for packet in built(capture)]
    assert ("S" in "".join(flags)) == (capture.shape != "midstream")
    if capture.shape != "midstream":
        assert flags[:3] == ["S", "SA", "A"]
    assert flags[-3:] == ["FA", "FA", "A"]
    shared = {(one.client, one.server, one.connection or 1) for one in capture.exchanges if not one.fresh}
    connections = len(shared) + sum(one.repeat for one in capture.exchanges if one.fresh)
    opened = 0 if capture.shape == "midstream" else connections
    assert (flags.count("S"), flags.count("SA"), flags.count("FA")) == (opened, opened, 2 * connections)


@pytest.mark.parametrize("capture", UDP_CAPTURES)
def test_one_datagram_a_pdu(capture: Capture) -> None:
    expected = list(sent(capture))
    found = built(capture)
    assert [payload(packet) for packet in found] == [octets for _, octets in expected]
    if capture.shape == "broadcast":
        assert {packet[IP].dst for packet in found} == {"255.255.255.255"}
        assert {packet[Ether].dst for packet in found} == {"ff:ff:ff:ff:ff:ff"}
        requests = [packet[UDP].sport for packet in found if packet[IP].src == capture.client]
        assert len(set(requests)) == len(requests), "each request from a new port"
        answers = {packet[UDP].dport for packet in found if packet[IP].src == capture.server}
        assert answers <= set(requests)


@pytest.mark.parametrize("capture", CAPTURES)
def test_expected_transactions_are_the_requests_on_the_wire(capture: Capture) -> None:
    connections: dict[int, dict[bool, StreamParser]] = {}
    counts: Counter[tuple[str, str, str, str]] = Counter()
    holed = capture.shape == "lost"
    for packet in built(capture):
        octets = payload(packet)
        if not octets:
            continue
        side = packet[IP].src in clients(capture)
        layer = packet.payload.payload
        parsers = connections.get(layer.sport + layer.dport)
        if parsers is None or capture.transport == "udp":
            known = next(iter(connections.values()), None) if capture.transport == "udp" else None
            conversation: Conversation[int] = Conversation(CODEC)
            parsers = known or {one: StreamParser(CODEC, conversation, int(one)) for one in (True, False)}
            connections[layer.sport + layer.dport] = parsers
        for _, _, pdu in parsers[side].feed(0, octets, gap=1 if holed and octets[:2] == b"\x50\0" else 0):
            if pdu.is_request:
                assert pdu.command is not None
                frame = pdu.half.frame
                counts[pdu.protocol, frame.frame, frame.encoding, f"{pdu.command:0{pdu.half.digits}X}"] += 1
    assert counts == expected_transactions(DEFINITION, CODEC, capture)


# Shapes, one by one


def test_plain() -> None:
    lengths = [(packet[IP].src, len(payload(packet))) for packet in built(toy(READ, STOP)) if payload(packet)]
    client, server = "192.168.3.18", "192.168.3.250"
    assert lengths == [(client, REQUEST), (server, RESPONSE), (client, 17), (server, 11)]


def test_coalesced() -> None:
    found = [payload(packet) for packet in built(toy(READ, READ, shape="coalesced")) if payload(packet)]
    assert [len(one) for one in found] == [2 * REQUEST, 2 * RESPONSE]
    assert found[0][:REQUEST] == found[0][REQUEST:]


def test_split() -> None:
    found = [payload(packet) for packet in built(toy(READ, shape="split")) if payload(packet)]
    assert [len(one) for one in found] == [10, 11, 8, 9]
    assert isinstance(CODEC.read(found[0] + found[1]), Pdu)


def test_lost() -> None:
    found = built(toy(GARBAGE, READ, shape="lost"))
    data = [packet for packet in found if payload(packet)]
    assert [len(payload(packet)) for packet in data] == [2, REQUEST, RESPONSE]
    assert data[1][TCP].seq == data[0][TCP].seq + 4, "two octets are missing"


def test_midstream() -> None:
    assert payload(built(toy(replace(READ, half="response"), shape="midstream"))[0])[:1] == b"\xd0"


def test_segments_are_no_larger_than_the_other_side_takes() -> None:
    large = replace(READ, response_data=bytes(3000))
    found = [packet for packet in built(toy(large)) if packet[IP].src == "192.168.3.250"]
    assert [len(payload(packet)) for packet in found if payload(packet)] == [1460, 1460, 91]
    assert dict(found[0][TCP].options)["MSS"] == 1460


def test_nobody_answers_and_only_the_answer() -> None:
    assert [payload(one)[:1] for one in built(toy(replace(READ, status=None))) if payload(one)] == [b"\x50"]
    assert [payload(one)[:1] for one in built(toy(replace(READ, half="response"))) if payload(one)] == [b"\xd0"]
    asked = replace(READ, command=0x2101, sender="server", half="request", values={}, data=b"\x12\x34")
    on_demand = [one for one in built(toy(asked)) if payload(one)]
    assert [(one[IP].src, payload(one)[:1]) for one in on_demand] == [("192.168.3.250", b"\x50")]


def test_times_of_a_long_capture() -> None:
    found = built(toy(replace(READ, repeat=150)))
    assert times(found) == [START + number * 10_000 for number in range(3 + 300 + 3)]


# What is expected of the engines


def test_expected_transactions() -> None:
    control = replace(READ, protocol="melsoft", frame="5a", command=0xFF, response_data=None)
    capture = toy(
        replace(READ, repeat=3), replace(READ, half="response"), STOP, replace(STOP, status=None), GARBAGE, control
    )
    assert expected_transactions(DEFINITION, CODEC, capture) == {
        ("slmp", "3E", "binary", "0401"): 3,
        ("slmp", "3E", "binary", "1002"): 2,
        ("melsoft", "5A", "binary", "FF"): 1,
    }


def test_expected_detections() -> None:
    stop = DEFINITION.detections["remote-stop"]
    capture = DEFINITION.captures["slmp-3e-remote-stop"]
    assert expected_detections(DEFINITION, capture, "zeek") == {"remote-stop": 1}
    assert expected_detections(DEFINITION, DEFINITION.captures[stop.quiet[0]], "zeek").get("remote-stop") is None
    changed = {**DEFINITION.detections, stop.id: replace(stop, unsupported={"zeek": "a reason"})}
    definition = _with_detections(changed)
    assert expected_detections(definition, capture, "zeek") == {}
    assert expected_detections(definition, capture, "suricata") == {"remote-stop": 1}


def _with_detections(detections: Mapping[str, Any]) -> Definition:
    return replace(DEFINITION, detections=detections)

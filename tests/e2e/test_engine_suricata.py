"""The Suricata of this machine, run by the engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from wire import Endpoint, Link, Wire, cut

from melsec_nsm.capture import Record
from melsec_nsm.codec import Codec, compose
from melsec_nsm.definitions.model import Definition, Exchange, ExchangeValue, Frame
from melsec_nsm.engines.base import DetectionCount, EngineError
from melsec_nsm.engines.cleaned import write_pcap
from melsec_nsm.engines.process import run
from melsec_nsm.engines.suricata import SuricataEngine, environment, read_alerts, shipped_rules, to_alerts

START = 1_767_225_600_000_000_000  # 2026-01-01 00:00:00 UTC
RULE = (
    'alert udp any any -> any any (msg:"MELSEC TEST"; content:"|50 00|"; startswith; content:"|02 10|"; offset:11; '
    "depth:2; classtype:attempted-dos; reference:cve,2020-5594; sid:1880000; rev:1; metadata:melsec_id remote-stop;)\n"
)
BROKEN = 'alert udp any any -> any any (msg:"MELSEC TEST"; contnt:"|50 00|"; sid:1880001;)\n'
STOP = bytes.fromhex("500000ffff03000800100002100000 0100")
ETHERNET = bytes.fromhex("104b460053fa 02005e005312 0800")


def datagram(payload: bytes) -> bytes:
    """A datagram from 192.168.3.18 to 192.168.3.250:5007, with no checksum that holds."""
    udp = bytes.fromhex("c000 138f") + (8 + len(payload)).to_bytes(2, "big") + b"\xde\xad" + payload
    header = b"\x45\x00" + (20 + len(udp)).to_bytes(2, "big") + b"\0\0\0\0\x40\x11\xbe\xef"
    return ETHERNET + header + bytes((192, 168, 3, 18, 192, 168, 3, 250)) + udp


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two stops, three seconds apart."""
    frame = datagram(STOP)
    path = tmp_path / "stops.pcap"
    write_pcap(path, [Record(START + n * 3_000_000_000, 1, frame, len(frame)) for n in range(2)])
    return path


@pytest.fixture
def engine(suricata: SuricataEngine) -> SuricataEngine:
    assert suricata.availability().version
    return SuricataEngine(rules=RULE.encode)


def test_alerts_become_detections(engine: SuricataEngine, capture: Path) -> None:
    result = engine.run(capture)
    assert result.detections == (DetectionCount("remote-stop", 2, START, "192.168.3.18", "192.168.3.250"),)
    assert (result.engine, result.capture) == ("suricata", str(capture))
    assert result.transactions is None
    assert result.confirmed is None
    assert result.warnings == ()


def test_a_cut_off_capture_is_judged_as_far_as_it_goes(engine: SuricataEngine, capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-1])
    result = engine.run(capture)
    assert [row.count for row in result.detections] == [1]
    assert result.truncated
    assert len(result.warnings) == 1


def test_a_rule_that_does_not_load_is_named(suricata: SuricataEngine, capture: Path) -> None:
    engine = SuricataEngine(rules=(RULE + BROKEN).encode)
    with pytest.raises(EngineError, match=r"^suricata: melsec\.rules line 2: .*contnt"):
        engine.run(capture)


def test_the_self_test_names_every_rule_that_does_not_load(engine: SuricataEngine) -> None:
    assert engine.self_test() == []
    complaints = engine.self_test((BROKEN + RULE + BROKEN).encode())
    assert [complaint.partition(":")[0] for complaint in complaints] == ["line 1", "line 3"]


def test_nothing_is_left_behind(
    engine: SuricataEngine, capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, here = tmp_path / "tmp", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.chdir(here)
    engine.run(capture)
    assert list(temporary.iterdir()) == []
    assert list(here.iterdir()) == []


def test_the_shipped_rules_load(suricata: SuricataEngine) -> None:
    assert suricata.self_test() == []


# The shipped rules, in every frame

Said = list[tuple[bool, bytes]]
_VALUES: Mapping[str, Mapping[str, ExchangeValue]] = {
    "write-devices": {"device": "D100", "points": 3, "values": (1, 2, 3)},
    "read-devices": {"device": "D100", "points": 2},
    "unlock-password": {"password": "secret"},
    "lock-password": {"password": "secret"},
}
_ASKED = (
    "remote-run",
    "remote-stop",
    "remote-pause",
    "remote-latch-clear",
    "remote-reset",
    "read-type-name",
    *_VALUES,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its answer (empty where there is none), and those of a read for its company."""

    detection: str
    operation: str
    frame: str
    transport: str
    request: bytes
    answer: bytes
    read: bytes
    values: bytes

    def raised(self, said: Said) -> tuple[str, ...]:
        """The detections in a conversation: what begins with remote control over MELSOFT is made by hand as well."""
        melsoft = self.frame.startswith("57-") and self.transport == "tcp" and self.operation.startswith("remote-")
        first = melsoft and self.request.startswith(said[0][1][: len(self.request)])
        return (self.detection, "handmade-client") if first else (self.detection,)


class Speaker:
    """Octets of the definition's commands in its frames."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._codec = Codec(definition)

    def said(self, frame: Frame, operation: str, **values: ExchangeValue) -> tuple[bytes, bytes]:
        """Request and answer of an operation; no answer where the frame goes one way only."""
        protocol = next(one for one in self.definition.protocols.values() if frame in one.frames)
        known = next(one for one in protocol.commands_of(frame) if one.operation == operation)
        # The layouts of MELSOFT end in data that nobody knows.
        data = bytes(20) if protocol.name == "melsoft" else None
        given = {} if data else values or _VALUES.get(operation, {})
        subcommand = known.subcommands[0]
        exchange = Exchange(protocol.name, frame.id, known.code, subcommand, given, data, 0, {}, data, "both", 1)
        answered = bool(frame.response)
        return compose.request(self._codec, exchange), compose.response(self._codec, exchange) if answered else b""

    def asked(self, *operations: str) -> Iterator[Asked]:
        """Operations of the detections that claim Suricata, in each frame and transport, ASCII in either case."""
        for detection in self.definition.detections.values():
            for known in self.definition.commands_for(detection.when):
                if "suricata" not in detection.engines() or known.operation not in operations:
                    continue
                for frame in map(self.definition.protocols[known.protocol].frame, known.frames):
                    octets = (*self.said(frame, known.operation), *self.said(frame, "read-devices"))
                    cases = [octets, tuple(one.lower() for one in octets)] if frame.encoding == "ascii" else [octets]
                    for transport in frame.transports:
                        for case in cases:
                            yield Asked(detection.id, known.operation, frame.id, transport, *case)

    def stops(self) -> dict[str, tuple[bytes, bytes]]:
        """A remote STOP with its answer by the frame's id."""
        found: dict[str, tuple[bytes, bytes]] = {}
        for one in self.asked("remote-stop"):
            found.setdefault(one.frame, (one.request, one.answer))
        return found


@pytest.fixture(scope="module")
def speaker(definition: Definition) -> Speaker:
    return Speaker(definition)


class Talk:
    """A capture of conversations, each between two hosts of its own."""

    def __init__(self) -> None:
        self._wire = Wire()
        self._wanted: dict[object, Counter[str]] = {}

    def add(self, what: object, transport: str, said: Said, *detections: str, pause: int = 0) -> None:
        """A conversation, and the detections in it. ``pause`` is the time before each packet in ns."""
        assert what not in self._wanted
        number = len(self._wanted)
        client, server = (Endpoint(str(IPv4Address(net) + number), 5000) for net in ("10.1.0.0", "10.2.0.0"))
        link = Link(self._wire, client, server, transport)
        self._wire.put(*link.opening())
        for from_client, octets in said:
            self._wire.ts += pause
            self._wire.put(link.packet(from_client, octets))
        self._wire.put(*link.closing())
        self._wanted[what] = Counter(detections)

    def judged(
        self, engine: SuricataEngine, folder: Path, exactly: bool = True
    ) -> dict[object, tuple[Counter[str], Counter[str]]]:
        """Conversations in which something else was raised than wanted, with both. ``exactly``: as often."""
        program = engine.availability().path
        assert program
        capture = self._wire.write(folder / "talk.pcap")
        outcome = run([program, *engine.arguments(folder, shipped_rules()), "-r", capture], folder, environment())
        assert (outcome.code, outcome.stderr) == (0, "")
        found: dict[object, Counter[str]] = {what: Counter() for what in self._wanted}
        whats = list(self._wanted)
        for alert in to_alerts(read_alerts(folder / "eve.json")):
            number = int(IPv4Address(alert.client)) - int(IPv4Address("10.1.0.0"))
            assert int(IPv4Address(alert.server)) - int(IPv4Address("10.2.0.0")) == number
            found[whats[number]][alert.id] += 1
        if not exactly:
            found = {what: Counter(set(counts)) for what, counts in found.items()}
        return {what: (found[what], wanted) for what, wanted in self._wanted.items() if found[what] != wanted}


def halves(octets: bytes) -> list[bytes]:
    return list(cut(octets, len(octets) // 2 + len(octets) % 2)) if octets else []


def from_both(asked: Iterable[bytes], answered: Iterable[bytes]) -> Said:
    return [*((True, one) for one in asked), *((False, one) for one in answered if one)]


WHOLE: dict[str, Callable[[Asked], Said]] = {
    "alone": lambda it: from_both([it.request], [it.answer]),
    "after a read": lambda it: [*from_both([it.read], [it.values]), *from_both([it.request], [it.answer])],
}
SEGMENTED: dict[str, Callable[[Asked], Said]] = {
    "behind a read": lambda it: from_both([it.read + it.request], [it.values + it.answer]),
    "behind a read, answered apart": lambda it: from_both([it.read + it.request], [it.values, it.answer]),
    "before a read": lambda it: from_both([it.request + it.read], [it.answer + it.values]),
    "between reads": lambda it: from_both([it.read + it.request + it.read], [it.values + it.answer + it.values]),
    "in two halves": lambda it: from_both(halves(it.request), halves(it.answer)),
    "request in two halves": lambda it: from_both(halves(it.request), [it.answer]),
    "answer in two halves": lambda it: from_both([it.request], halves(it.answer)),
    "in two halves after a read": lambda it: [
        *from_both([it.read], [it.values]),
        *from_both(halves(it.request), halves(it.answer)),
    ],
    "octet by octet": lambda it: from_both(cut(it.request, 1), cut(it.answer, 1)),
}


@pytest.mark.parametrize("shape", WHOLE)
def test_each_detection_is_raised_once_in_every_frame(
    suricata: SuricataEngine, speaker: Speaker, shape: str, tmp_path: Path
) -> None:
    talk = Talk()
    for one in dict.fromkeys(speaker.asked(*_ASKED)):
        said = WHOLE[shape](one)
        talk.add(one, one.transport, said, *one.raised(said))
    assert talk.judged(suricata, tmp_path) == {}


@pytest.mark.parametrize("shape", SEGMENTED)
def test_and_however_its_octets_are_cut_into_segments(
    suricata: SuricataEngine, speaker: Speaker, shape: str, tmp_path: Path
) -> None:
    talk = Talk()
    for one in dict.fromkeys(speaker.asked(*_ASKED)):
        if one.transport == "tcp":
            said = SEGMENTED[shape](one)
            talk.add(one, "tcp", said, *one.raised(said))
    assert talk.judged(suricata, tmp_path, exactly=False) == {}


def test_written_values_that_hold_a_stop_are_no_stop(
    suricata: SuricataEngine, speaker: Speaker, tmp_path: Path
) -> None:
    talk = Talk()
    stops = speaker.stops()
    for protocol in (speaker.definition.protocols[name] for name in ("slmp", "mc1e")):
        for frame in (one for one in protocol.frames if one.id in stops):
            ascii_frame = frame.encoding == "ascii"
            read, answer = speaker.said(frame, "read-devices", device="D1", points=1)
            if protocol.name == "mc1e":
                # A value like the answer of a stop.
                answer = answer[: len(answer) // 2] + (b"9400" if ascii_frame else b"\x94\0")
            for held, (stop, _) in stops.items():
                values = words(stop, digits=ascii_frame)
                for before in ((), (7,), (7, 8)):
                    count = len(before) + len(values)
                    write = speaker.said(frame, "write-devices", device="D1", points=count, values=(*before, *values))
                    said = [*from_both(write[:1], write[1:]), *from_both([read], [answer])]
                    for transport in frame.transports:
                        talk.add((frame.id, held, before, transport), transport, said, "device-write")
    assert talk.judged(suricata, tmp_path) == {}


def words(octets: bytes, *, digits: bool) -> tuple[int, ...]:
    """The numbers that are written as these octets, in ASCII as far as they are digits."""
    if digits and octets.isalnum():
        return tuple(int(piece.ljust(4, b"0"), 16) for piece in cut(octets, 4))
    return tuple(int.from_bytes(piece, "little") for piece in cut(octets, 2))


def test_text_is_no_frame(suricata: SuricataEngine, speaker: Speaker, tmp_path: Path) -> None:
    talk = Talk()
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n"
    for frame, (stop, answer) in speaker.stops().items():
        if not stop.isalnum():
            continue
        for transport in ("tcp", "udp"):
            lines = {
                "page": from_both([b"GET / HTTP/1.1\r\n\r\n"], [page + stop + b"\r\n"]),
                "page sent": from_both([b"POST / HTTP/1.1\r\n\r\n" + stop], [page + answer]),
                "indented": from_both([b" " + stop], [b" " + answer]),
                "no digits": from_both([stop.replace(b"F", b"G", 1)], [answer]),
                "signs": from_both([stop[:14] + b"+0" + stop[16:]], [answer]),
                "numbers": from_both([b"5000,14FF,1002\r\n" * 4], [b"9400\r\n"]),
            }
            for name, said in lines.items():
                talk.add((frame, transport, name), transport, said)
    assert talk.judged(suricata, tmp_path) == {}


def test_a_1e_request_needs_its_answer(suricata: SuricataEngine, speaker: Speaker, tmp_path: Path) -> None:
    talk = Talk()
    mc1e = speaker.definition.protocols["mc1e"]
    for frame in (mc1e.frame("1e-binary"), mc1e.frame("1e-ascii")):
        stop, answer = speaker.said(frame, "remote-stop")
        _, other = speaker.said(frame, "remote-run")
        half = len(answer) // 2
        station = stop.replace(b"FF" if half == 2 else b"\xff", b"FE" if half == 2 else b"\xfe")
        unknown = answer[:half] + (b"41" if half == 2 else b"\x41")
        for transport in frame.transports:
            cases = {
                "nobody answers": from_both([stop], []),
                "nobody asks": from_both([], [answer]),
                "answer before": [(False, answer), (True, stop)][: 2 if transport == "udp" else 1],
                "another answer": from_both([stop], [other]),
                "too long an answer": from_both([stop], [answer + answer[half:]]),
                "too long a request": from_both([stop + stop[half:]], [answer]),
                "another station": from_both([station], [answer]),
                "no end code": from_both([stop], [unknown]),
            }
            for name, said in cases.items():
                talk.add((frame.id, transport, name), transport, said)
        talk.add((frame.id, "late"), "udp", from_both([stop], [answer]), pause=11_000_000_000)
    assert talk.judged(suricata, tmp_path) == {}

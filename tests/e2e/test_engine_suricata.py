"""The Suricata of this machine, run by the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from melsec_nsm.capture import Record
from melsec_nsm.engines.base import DetectionCount, EngineError
from melsec_nsm.engines.cleaned import write_pcap
from melsec_nsm.engines.suricata import SuricataEngine

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

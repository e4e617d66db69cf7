"""The command line: exit codes, one clear line for what is wrong, the shape of the JSON document."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from melsec_nsm.cli import main

FIVE_MISTAKES = """\
id: five-mistakes
title: Five mistakes
description: One of each kind
category: control
severty: high
severity: urgent
confidence: high
attack: [T9999]
references: [ICSA-20-175-01]
when: {operation: remote-stpo, direction: request}
suppress: 0
false_positives: [none]
triage: [none]
captures:
  fires: [slmp-3e-remote-stop]
  quiet: [slmp-3e-remote-run]
"""


def run(*arguments: str | Path) -> Result:
    """The command with arguments; stdout and stderr apart."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def stop(checkout: Path) -> Path:
    """A capture with one remote STOP."""
    return checkout / "pcaps" / "slmp-3e-remote-stop.pcap"


def test_analyze_prints_the_document_of_the_design(stop: Path) -> None:
    result = run("analyze", "--json", stop)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document == {
        "engine": "reference",
        "capture": str(stop),
        "transactions": [
            {"protocol": "slmp", "frame": "3E", "encoding": "binary", "command": "0401", "count": 2},
            {"protocol": "slmp", "frame": "3E", "encoding": "binary", "command": "1002", "count": 1},
        ],
        "detections": [
            {
                "id": "remote-stop",
                "count": 1,
                "first": "2026-01-01T00:00:00.050000Z",
                "client": "192.168.3.18",
                "server": "192.168.3.250",
            }
        ],
        "assets": [
            {
                "host": "192.168.3.250",
                "model": "",
                "series": "",
                "mac": "10:4b:46:00:53:fa",
                "firmware": "",
                "serial": "",
                "protocols": ["slmp"],
                "ports": ["5007/tcp"],
                "advisories": [],
            }
        ],
        "operations": [
            {
                "ts": "2026-01-01T00:00:00.050000Z",
                "protocol": "slmp",
                "client": "192.168.3.18",
                "server": "192.168.3.250",
                "action": "remote-stop",
                "user": "",
                "object": "",
                "details": "",
                "bytes": None,
                "missing_bytes": None,
                "sha256": None,
                "status": "0000",
                "status_name": "success",
                "requests": 1,
                "role": "",
                "window": "",
                "change": "",
                "verdict": "",
            }
        ],
        "files": [],
    }


def test_several_captures_give_a_list_of_documents(stop: Path, checkout: Path) -> None:
    result = run("analyze", "--json", stop, checkout / "pcaps" / "slmp-3e-type-name.pcap")
    first, second = json.loads(result.stdout)
    assert [first["capture"], second["capture"]] == [str(stop), str(checkout / "pcaps" / "slmp-3e-type-name.pcap")]
    assert second["assets"][0]["host"] == "192.168.3.250"
    assert second["assets"][0]["model"]


def test_analyze_says_it_in_words_too(stop: Path) -> None:
    result = run("analyze", stop)
    assert result.exit_code == 0
    assert "remote-stop" in result.stdout
    assert "2026-01-01T00:00:00.05" in result.stdout


@pytest.mark.parametrize(
    ("name", "octets", "message"),
    [
        ("empty.pcap", b"", "empty file"),
        ("text.pcap", b"this is no capture\n" * 9, "not a capture file"),
        ("header.pcap", bytes.fromhex("d4c3b2a102000400"), "cut off before the first record"),
        ("missing.pcap", None, "no such file"),
    ],
)
def test_what_is_no_capture_gives_one_line_and_exit_code_2(
    tmp_path: Path, name: str, octets: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if octets is not None:
        path.write_bytes(octets)
    result = run("analyze", "--json", path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert str(path) in result.stderr


def test_a_truncated_capture_is_analysed_as_far_as_it_goes(tmp_path: Path, stop: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(stop.read_bytes()[:-20])
    result = run("analyze", "--json", path)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["detections"][0]["id"] == "remote-stop"
    assert result.stderr.count("\n") == 1
    assert "cut off in record" in result.stderr


def test_an_unknown_engine_is_a_usage_error(stop: Path) -> None:
    result = run("analyze", "--engine", "snort", stop)
    assert result.exit_code == 2
    assert "unknown engine: 'snort'" in result.stderr


def test_five_mistakes_are_five_errors_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "five-mistakes.yaml"
    path.write_text(FIVE_MISTAKES, "utf-8")
    result = run("validate", path)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) == 5
    for line, place in zip(lines, ("5:1", "6:11", "8:10", "10:19", "11:11"), strict=True):
        assert line.startswith(f"{path}:{place}: ")
    assert "did you mean 'severity'?" in lines[0]
    assert "did you mean 'remote-stop'?" in lines[3]


def test_the_packaged_definition_is_valid() -> None:
    result = run("validate")
    assert result.exit_code == 0
    assert result.stdout.startswith("valid: ")


def test_test_compares_with_the_manifest_and_ends_with_1_where_it_differs(tmp_path: Path, stop: Path) -> None:
    shutil.copy(stop, tmp_path)
    manifest = (stop.parent / "manifest.yaml").read_text("utf-8")
    (tmp_path / "manifest.yaml").write_text(manifest, "utf-8")
    agreeing = run("test", "--engine", "reference", tmp_path / stop.name)
    assert agreeing.exit_code == 0, agreeing.stdout

    near_miss = stop.parent / "slmp-3e-remote-run.pcap"
    shutil.copy(near_miss, tmp_path / stop.name)
    differing = run("test", "--engine", "reference", tmp_path / stop.name)
    assert differing.exit_code == 1
    assert "remote-stop: raised 0 times, 1 expected" in differing.stdout
    assert "remote-run: raised 1 times, 0 expected" in differing.stdout


def test_test_without_a_manifest_is_an_input_error(tmp_path: Path, stop: Path) -> None:
    shutil.copy(stop, tmp_path)
    result = run("test", "--engine", "reference", tmp_path)
    assert result.exit_code == 2
    assert "manifest.yaml: no such file" in result.stderr


def test_generated_files_are_up_to_date() -> None:
    for arguments in (("generate", "--check"), ("pcap", "build", "--check")):
        result = run(*arguments)
        assert result.exit_code == 0, result.stdout

"""The command `doctor`: what it prints, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from melsec_nsm.analysis import doctor
from melsec_nsm.cli import main
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import engines


@pytest.fixture
def no_sensors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Zeek and Suricata."""
    for name in ("MELSEC_NSM_ZEEK", "MELSEC_NSM_SURICATA"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("no_sensors")
def test_a_machine_without_sensors_is_no_mistake() -> None:
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 0, done.output
    assert "nothing to mend\n" in done.output
    assert "information zeek: " in done.output
    assert "information suricata: " in done.output
    assert "mend: unset or correct MELSEC_NSM_ZEEK" in done.output


@pytest.mark.usefixtures("no_sensors")
def test_json_has_what_is_here_and_what_is_found() -> None:
    done = CliRunner().invoke(main, ["doctor", "--json"])
    said = json.loads(done.stdout)
    assert [one["engine"] for one in said["engines"]] == ["reference", "zeek", "suricata"]
    assert {one["severity"] for one in said["findings"]} == {"information"}
    assert {"subject", "severity", "finding", "mend", "place"} == set(said["findings"][0])


@pytest.mark.usefixtures("no_sensors")
def test_one_line_names_each_engine() -> None:
    done = CliRunner().invoke(main, ["doctor", "--line"])
    assert done.exit_code == 0
    assert done.stdout.startswith("engines: reference ")
    assert done.stdout.endswith(", zeek absent, suricata absent\n")


@pytest.mark.usefixtures("no_sensors")
def test_a_sensor_that_is_too_old_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "suricata"
    program.write_text("#!/bin/sh\necho This is Suricata version 6.0.10 RELEASE\n")
    program.chmod(0o755)
    monkeypatch.setenv("MELSEC_NSM_SURICATA", str(program))
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1
    assert "problem suricata: version 6.0.10 is older than 7.0.3\n  mend: install Suricata 7.0.3" in done.output


@pytest.mark.usefixtures("no_sensors")
@pytest.mark.parametrize(
    ("option", "what"),
    [("--suricata-conf", "there is no Suricata"), ("--zeek", "there is no program zeek")],
)
def test_a_sensor_that_is_named_has_to_be_there(option: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "suricata.yaml"
    file.write_text("%YAML 1.1\n---\n")
    done = CliRunner().invoke(main, ["doctor", option, str(file if option == "--suricata-conf" else tmp_path)])
    assert done.exit_code == 2
    assert what in done.stderr


def test_a_file_that_is_not_there_is_a_mistake_of_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", "--suricata-conf", str(tmp_path / "none.yaml")])
    assert done.exit_code == 2
    assert "does not exist" in done.stderr


def test_findings_end_with_one(tmp_path: Path, definition: Definition) -> None:
    if engines(definition)["suricata"].availability().version is None:
        pytest.skip("suricata is absent")
    conf = tmp_path / "suricata.yaml"
    conf.write_text("%YAML 1.1\n---\ndefault-log-dir: logs\n")
    done = CliRunner().invoke(main, ["doctor", "--suricata-conf", str(conf)])
    assert done.exit_code == 1
    assert f"  in {conf}, stream\n  mend: midstream: true\n" in done.stdout


def test_the_severest_comes_first() -> None:
    severities = ("information", "problem", "advice")
    report = doctor.Report((), (), tuple(doctor.Finding("x", one, "y") for one in severities))
    assert not report.sound
    assert doctor.Report((), (), report.findings[:1]).sound

"""Finding the sensors' programs and judging their versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from melsec_nsm.engines.locate import SURICATA, ZEEK, find, locate, new_enough, parse_version


def program(folder: Path, name: str, says: str, code: int = 0) -> Path:
    """An executable that prints a text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("This is Suricata version 7.0.10 RELEASE", (7, 0, 10)),
        ("zeek version 8.0.9-dev.3", (8, 0, 9)),
        ("/opt/zeek-8/bin/zeek version 9.0.0-rc1", (9, 0, 0)),
        ("no number at all 7", ()),
    ],
)
def test_a_version_is_the_first_dotted_number(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("version", "floor", "enough"),
    [
        ("7.0.3", "7.0.3", True),
        ("7.0.10", "7.0.3", True),
        ("8.0", "7.0.3", True),
        ("7.0", "7.0.3", False),
        ("7.0.2", "7.0.3", False),
        ("6.0.20", "7.0.3", False),
        ("8", "8.0", False),
        ("8.0", "8.0.0", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, floor: str, enough: bool) -> None:
    assert new_enough(version, floor) is enough


def test_the_variable_wins_over_path(tmp_path: Path) -> None:
    chosen = program(tmp_path / "mine", "my-suricata", "This is Suricata version 8.0.7 RELEASE")
    program(tmp_path / "bin", "suricata", "This is Suricata version 7.0.10 RELEASE")
    environment = {"PATH": str(tmp_path / "bin"), "MELSEC_NSM_SURICATA": str(chosen)}
    here = locate(SURICATA, environment)
    assert (here.version, here.path) == ("8.0.7", str(chosen))


def test_path_wins_over_the_usual_places(tmp_path: Path) -> None:
    program(tmp_path / "usual", "zeek", "zeek version 8.0.1")
    in_path = program(tmp_path / "bin", "zeek", "zeek version 8.0.9")
    wanted = replace(ZEEK, places=(str(tmp_path / "usual"),))
    assert find(wanted, {"PATH": str(tmp_path / "bin")}) == in_path
    assert find(wanted, {"PATH": str(tmp_path / "nothing")}) == tmp_path / "usual" / "zeek"


def test_a_wrong_variable_is_said_and_not_overruled(tmp_path: Path) -> None:
    program(tmp_path, "suricata", "This is Suricata version 7.0.10 RELEASE")
    here = locate(SURICATA, {"PATH": str(tmp_path), "MELSEC_NSM_SURICATA": str(tmp_path / "gone")})
    assert here.version is None
    assert "MELSEC_NSM_SURICATA" in here.reason
    assert "MELSEC_NSM_SURICATA" in here.remedy


def test_an_old_version_counts_as_absent(tmp_path: Path) -> None:
    path = program(tmp_path, "suricata", "This is Suricata version 6.0.10 RELEASE")
    here = locate(SURICATA, {"PATH": str(tmp_path)})
    assert (here.version, here.path) == (None, str(path))
    assert "6.0.10" in here.reason
    assert "7.0.3" in here.reason


def test_a_program_without_a_version_is_absent(tmp_path: Path) -> None:
    program(tmp_path, "zeek", "cannot load a library", 127)
    assert locate(ZEEK, {"PATH": str(tmp_path)}).version is None


def test_nothing_installed_names_a_remedy(tmp_path: Path) -> None:
    here = locate(replace(ZEEK, places=()), {"PATH": str(tmp_path)})
    assert (here.version, here.path) == (None, None)
    assert here.reason
    assert "Zeek" in here.remedy

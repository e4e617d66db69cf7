"""One definition, two sensors: an edit of the YAML reaches both, and nothing else has to be touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from melsec_nsm.definitions import load
from melsec_nsm.definitions.loader import PACKAGED
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import hlto
from melsec_nsm.engines.base import Result
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.generate import captures, project
from melsec_nsm.generate.zeek.meanings import NotForZeekError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the definition that may be edited."""
    return Path(shutil.copytree(PACKAGED, tmp_path / "definitions", ignore=shutil.ignore_patterns("__pycache__")))


def edit(root: Path, name: str, old: str, new: str) -> Definition:
    """The definition after one edit."""
    path = root / name
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    return load(root)


def changed(definition: Definition) -> set[str]:
    """Generated files that an edited definition changes."""
    before, after = project.render(load()), project.render(definition)
    return {path for path in before | after if before.get(path) != after.get(path)}


def test_a_commands_code_changes_both_engines(root: Path) -> None:
    definition = edit(root, "protocols/slmp.yaml", "code: 0x1002", "code: 0x1F02")
    assert changed(definition) == {
        "tools/docs/protocols/slmp.md",
        "zeek/analyzer/melsec_tables.spicy",
        "zeek/scripts/consts.zeek",
        "zeek/scripts/dpd.sig",
        "suricata/rules/melsec.rules",
        project.LOCK_PATH,
    }
    files = project.render(definition)
    assert b'[0x1f02] = CommandInfo($code="1F02", $operation="remote-stop"' in files["zeek/scripts/consts.zeek"]
    assert b'content:"|02 1f 00 00|"; offset:11' in files["suricata/rules/melsec.rules"]


def test_a_detections_severity_changes_both_engines(root: Path) -> None:
    definition = edit(root, "detections/remote-stop.yaml", "severity: high", "severity: medium")
    assert changed(definition) == {
        "tools/docs/detections.md",
        "zeek/scripts/detections.zeek",
        "suricata/rules/melsec.rules",
        project.LOCK_PATH,
    }


def test_an_operations_condition_changes_zeeks_scripts(root: Path) -> None:
    definition = edit(root, "engineering.yaml", "idle: 300,", "idle: 200,")
    assert changed(definition) == {"tools/docs/engineering.md", "zeek/scripts/actions.zeek"}
    scripts = project.render(definition)["zeek/scripts/actions.zeek"]
    assert b'["connect"] = Action($name="connect", $each=SESSION, $idle=200sec)' in scripts


def test_a_threshold_reaches_zeek(root: Path) -> None:
    definition = edit(root, "detections/discovery-sweep.yaml", "count: 5,", "count: 7,")
    scripts = project.render(definition)["zeek/scripts/detections.zeek"]
    assert b'$threshold=Threshold($n=7, $within=60sec, $distinct="server", $per=vector("client"))' in scripts


def test_zeek_refuses_what_its_scripts_cannot_look_at(root: Path) -> None:
    compared = "source_module_io: 0x03FE}}}"
    definition = edit(root, "engineering.yaml", compared, "source_module_io: 0x03FE, flags: 8, source_station: 1}}}")
    with pytest.raises(NotForZeekError, match=r"^action online-monitoring: Zeek cannot compare the field source_stat"):
        project.render(definition)


def test_zeek_gets_a_field_of_the_data_that_a_condition_compares(root: Path) -> None:
    before = project.render(load())["zeek/analyzer/melsec_layouts.spicy"].decode()
    assert 'tell_octets(r, b"challenge"' in before
    assert 'tell_field(r, b"selector"' in before
    definition = edit(root, "detections/scanner-probe.yaml", ", selector: 0x0100", "")
    assert "selector" not in project.render(definition)["zeek/analyzer/melsec_layouts.spicy"].decode()


def test_the_page_of_detections_says_why_an_engine_does_not_raise_one() -> None:
    page = project.render(load())["tools/docs/detections.md"].decode()
    assert "| [`remote-stop`](#remote-stop) | high | Remote STOP of a controller | yes | yes | yes |" in page
    _, section = page.split("\n## credential-replay\n")
    section, *_ = section.split("\n## ")
    assert "* Not in Suricata: a rule cannot compare a token with that of another flow.\n" in section
    assert "ATT&CK for ICS: T0" in section
    assert "[CVE-2021-20599](https://www.cve.org/CVERecord?id=CVE-2021-20599)" in section


def test_the_attack_layer_has_the_techniques_of_the_detections(root: Path) -> None:
    definition = edit(root, "detections/remote-pause.yaml", "attack: [", "attack: [T0868, ")
    files = project.render(definition)
    layer = json.loads(files["tools/docs/attack-navigator.json"])
    assert layer["domain"] == "ics-attack"
    assert layer["versions"]["attack"] == "18"
    techniques = {one["techniqueID"]: one for one in layer["techniques"]}
    assert sum(one["score"] for one in techniques.values()) == sum(
        len(one.attack) for one in definition.detections.values()
    )
    assert "remote-pause: Remote PAUSE of a controller" in techniques["T0868"]["comment"]
    assert (
        "| Detect Operating Mode | [`remote-pause`](detections.md#remote-pause)"
        in files["tools/docs/attack.md"].decode()
    )


def test_the_captures_follow_a_changed_code(root: Path, tmp_path: Path) -> None:
    definition = edit(root, "protocols/slmp.yaml", "code: 0x1002", "code: 0x1F02")
    path = tmp_path / "stop.pcap"
    path.write_bytes(captures.render(definition)["pcaps/slmp-3e-remote-stop.pcap"])
    assert _ids(ReferenceEngine(definition).run(path)) == ["remote-stop"]
    assert _ids(ReferenceEngine(load()).run(path)) == ["unknown-command"]


def _ids(result: Result) -> list[str]:
    return [row.id for row in result.detections]


def test_stale_files_are_named_and_then_written(tmp_path: Path) -> None:
    files = {"a/one.txt": b"1", "two.txt": b"2"}
    assert project.stale(tmp_path, files) == ["a/one.txt", "two.txt"]
    assert project.write(tmp_path, files) == ["a/one.txt", "two.txt"]
    assert project.stale(tmp_path, files) == []
    (tmp_path / "two.txt").write_bytes(b"changed")
    assert project.write(tmp_path, files) == ["two.txt"]


def test_rendering_twice_gives_the_same_octets() -> None:
    assert project.render(load()) == project.render(load())
    assert captures.render(load()) == captures.render(load())


def test_the_package_compiles_as_the_engine_does(checkout: Path) -> None:
    assert f'HILTI_CXX_FLAGS="{hlto.FLAGS}" spicyz' in (checkout / "zeek/compile.sh").read_text("utf-8")

"""Sensors with Suricata that are set up wrongly: doctor finds each, and its line mends it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mending import dump, findings, load, mend

from melsec_nsm import policy as policies
from melsec_nsm.analysis.doctor import suricata as checks
from melsec_nsm.analysis.doctor.model import INFORMATION, Fact, Finding, Places
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.share import suricata_rules
from melsec_nsm.engines.suricata import SuricataEngine
from melsec_nsm.generate import site
from melsec_nsm.policy.compiled import CompiledPolicy

LOADED = "2026-11-28T10:00:00.000000+0000"
WRITTEN = 1795858200.0
"""Before the rules were loaded."""
SETTINGS: dict[str, Any] = {
    "vars": {"address-groups": {"HOME_NET": "[192.168.0.0/16]", "EXTERNAL_NET": "!$HOME_NET"}},
    "outputs": [
        {"fast": {"enabled": True}},
        {"eve-log": {"enabled": True, "filename": "eve.json", "types": [{"alert": {"metadata": True}}, "stats"]}},
    ],
    "stream": {"midstream": True, "checksum-validation": True},
    "rule-files": ["melsec.rules", "melsec-site.rules"],
}


def stats(**counters: float) -> dict[str, Any]:
    """A stats event; ``kernel_drops`` and ``invalid_checksum`` of a thousand packets."""
    return {
        "timestamp": "2026-11-28T11:00:00.000000+0000",
        "event_type": "stats",
        "stats": {
            "capture": {"kernel_packets": 1000, "kernel_drops": counters.get("kernel_drops", 0)},
            "decoder": {"tcp": 1000},
            "tcp": {"invalid_checksum": counters.get("invalid_checksum", 0)},
            "detect": {"engines": [{"id": 0, "last_reload": LOADED}]},
        },
    }


ALERT = {
    "timestamp": "2026-11-28T10:30:00.000000+0000",
    "event_type": "alert",
    "alert": {
        "signature_id": 1880200,
        "signature": "MELSEC CONTROL SLMP 3E binary Remote STOP of a controller",
        "metadata": {"melsec_id": ["remote-stop"]},
    },
}


@dataclass
class Sensor:
    """A Suricata that is set up well below a folder, with a policy."""

    folder: Path
    engine: SuricataEngine
    definition: Definition

    @property
    def conf(self) -> Path:
        return self.folder / "suricata.yaml"

    @property
    def rules(self) -> Path:
        return self.folder / "rules/melsec.rules"

    @property
    def places(self) -> Places:
        return Places(suricata_conf=self.conf, policy=self.folder / "policy")

    def said(self) -> list[Finding | Fact]:
        return list(checks.examine(self.engine, self.definition, self.places))

    def change(self, how: Callable[[Any], object]) -> None:
        tree = load(self.conf)
        how(tree)
        dump(self.conf, tree)

    def rewrite(self, file: str, how: Callable[[str], str]) -> None:
        path = self.folder / file
        path.write_text(how(path.read_text()))
        os.utime(path, (WRITTEN, WRITTEN))

    def events(self, *events: dict[str, Any]) -> None:
        (self.folder / "logs").mkdir(exist_ok=True)
        (self.folder / "logs/eve.json").write_text(
            "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in events)
        )


@pytest.fixture(scope="module")
def compiled(definition: Definition) -> dict[str, bytes]:
    """The files of the example of a policy."""
    example = Path(policies.__file__).parents[1] / "definitions/policies/press-shop.yaml"
    return site.render(CompiledPolicy(policies.load(example, definition), definition), definition)


@pytest.fixture
def sensor(suricata: SuricataEngine, definition: Definition, compiled: dict[str, bytes], tmp_path: Path) -> Sensor:
    made = Sensor(tmp_path, suricata, definition)
    site.install(tmp_path / "policy", compiled)
    made.rules.parent.mkdir()
    shutil.copy(suricata_rules(), made.rules)
    shutil.copy(tmp_path / "policy" / site.RULES, made.rules.parent)
    for file in made.rules.parent.iterdir():
        os.utime(file, (WRITTEN, WRITTEN))
    shutil.copy(tmp_path / "policy" / site.THRESHOLDS, tmp_path / "threshold.config")
    places = {
        "default-rule-path": str(made.rules.parent),
        "default-log-dir": str(tmp_path / "logs"),
        "threshold-file": str(tmp_path / "threshold.config"),
    }
    dump(made.conf, {**SETTINGS, **places})
    made.events(stats(), ALERT)
    return made


def test_a_healthy_sensor_has_nothing_to_mend(sensor: Sensor) -> None:
    said = sensor.said()
    assert [one for one in said if isinstance(one, Finding)] == []
    facts = "\n".join(str(one) for one in said)
    assert "rules of this bundle" in facts
    assert "last alert: remote-stop" in facts


def _metadata(value: object) -> Callable[[Any], object]:
    return lambda tree: tree["outputs"][1]["eve-log"]["types"][0].update(alert={"metadata": value})


SETTING_MISTAKES: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "midstream off": (
        lambda tree: tree["stream"].update(midstream=False),
        "stream.midstream is off",
        "midstream: true",
    ),
    "midstream unsaid": (lambda tree: tree.pop("stream"), "stream.midstream is off", "midstream: true"),
    "no metadata": (_metadata(False), "without the metadata", "metadata: yes"),
    "no metadata of rules": (_metadata({"rule": {"metadata": False}}), "without the metadata", "metadata: yes"),
    "no alerts": (
        lambda tree: tree["outputs"][1]["eve-log"].update(types=["stats"]),
        "no EVE log has alerts",
        "- alert:",
    ),
    "alerts off": (
        lambda tree: tree["outputs"][1]["eve-log"].update(types=[{"alert": {"enabled": False}}]),
        "no EVE log has alerts",
        "- alert:",
    ),
    "EVE off": (lambda tree: tree["outputs"].pop(1), "no EVE log has alerts", "- eve-log: {"),
    "rules not named": (
        lambda tree: tree.update({"rule-files": ["melsec-site.rules"]}),
        "no rule of this bundle",
        "- melsec.rules",
    ),
    "no rules named": (lambda tree: tree.update({"rule-files": []}), "no rule of this bundle", "- melsec.rules"),
    "site rules not named": (
        lambda tree: tree.update({"rule-files": ["melsec.rules"]}),
        "the rules of the site",
        "melsec-site.rules",
    ),
}


@pytest.mark.parametrize("name", SETTING_MISTAKES)
def test_a_setting_is_found_and_its_line_mends_it(sensor: Sensor, name: str) -> None:
    how, problem, line = SETTING_MISTAKES[name]
    sensor.change(how)
    found = [one for one in findings(sensor.said()) if problem in one.problem]
    assert len(found) == 1
    assert line in found[0].mend
    assert found[0].place.startswith(str(sensor.conf))
    if name == "alerts off":
        return  # The line goes in the place of another.
    for one in findings(sensor.said()):
        mend(one)
    assert findings(sensor.said()) == []


def test_what_is_not_said_of_metadata_is_logged(sensor: Sensor) -> None:
    sensor.change(_metadata({"app-layer": True}))
    assert findings(sensor.said()) == []


def test_included_files_count_as_they_do_for_suricata(sensor: Sensor) -> None:
    (sensor.folder / "more.yaml").write_text("%YAML 1.1\n---\nstream:\n  midstream: no\n")
    sensor.conf.write_text(sensor.conf.read_text() + f"include: [{sensor.folder / 'more.yaml'}]\n")
    assert ["stream.midstream is off" in one.problem for one in findings(sensor.said())] == [True]


def test_rules_that_are_older_are_found_and_replaced(sensor: Sensor) -> None:
    sensor.rewrite("rules/melsec.rules", lambda text: re.sub(r"rev:\d+", "rev:0", text, count=3))
    (found,) = findings(sensor.said())
    assert "3 are older (device-write)" in found.problem
    mend(found)
    os.utime(sensor.rules, (WRITTEN, WRITTEN))
    assert findings(sensor.said()) == []


def test_rules_that_are_missing_are_found_and_replaced(sensor: Sensor) -> None:
    sensor.rewrite("rules/melsec.rules", lambda text: re.sub(r"(?m)^.*melsec_id remote-stop,.*\n", "", text))
    (found,) = findings(sensor.said())
    assert "are missing (remote-stop)" in found.problem
    mend(found)
    os.utime(sensor.rules, (WRITTEN, WRITTEN))
    assert findings(sensor.said()) == []


def test_rules_that_are_newer_ask_for_a_newer_tool(sensor: Sensor) -> None:
    sensor.rewrite("rules/melsec.rules", lambda text: re.sub(r"rev:\d+", "rev:9999", text, count=2))
    (found,) = findings(sensor.said())
    assert "2 rules are newer than this tool" in found.problem
    assert found.mend == "pip install --upgrade melsec-nsm"


def test_rules_that_are_all_commented_out_are_found(sensor: Sensor) -> None:
    sensor.rewrite("rules/melsec.rules", lambda text: re.sub(r"(?m)^alert", "# alert", text))
    (found,) = findings(sensor.said())
    assert "are commented out" in found.problem
    assert found.mend == "re:melsec_id"


def test_one_rule_that_is_commented_out_is_somebodys_choice(sensor: Sensor) -> None:
    sensor.rewrite("rules/melsec.rules", lambda text: re.sub(r"(?m)^(alert .*remote-stop)", r"# \1", text, count=1))
    said = sensor.said()
    assert findings(said) == []
    assert any("1 rules of this bundle are commented out (remote-stop)" in str(one) for one in said)


def test_rules_that_are_loaded_twice_are_found(sensor: Sensor) -> None:
    shutil.copy(sensor.rules, sensor.rules.parent / "suricata.rules")
    os.utime(sensor.rules.parent / "suricata.rules", (WRITTEN, WRITTEN))
    sensor.change(lambda tree: tree.update({"rule-files": ["suricata.rules", "melsec.rules", "melsec-site.rules"]}))
    (found,) = findings(sensor.said())
    assert "loaded more than once" in found.problem
    assert found.mend == "# - melsec.rules"


@pytest.mark.parametrize("variable", ["MELSEC_SERVERS", "HOME_NET"])
def test_a_variable_that_is_not_set_is_found_and_set(sensor: Sensor, variable: str) -> None:
    sensor.rewrite(
        "rules/melsec.rules",
        lambda text: re.sub(r"(?m)^(alert udp any any ->) any any", rf"\1 ${variable} any", text, count=1),
    )
    sensor.change(lambda tree: tree["vars"].update({"address-groups": {"OTHER": "any"}}))
    (found,) = findings(sensor.said())
    assert f"use ${variable}, which is not set" in found.problem
    mend(found)
    assert findings(sensor.said()) == []


def test_public_addresses_at_home_want_a_policy(sensor: Sensor) -> None:
    (sensor.folder / "threshold.config").write_text("")
    shutil.rmtree(sensor.folder / "policy")
    sensor.change(lambda tree: tree.update({"rule-files": ["melsec.rules"]}))
    assert findings(sensor.said()) == []
    sensor.change(lambda tree: tree["vars"]["address-groups"].update(HOME_NET="[10.0.0.0/8,203.0.113.0/24]"))
    (found,) = findings(sensor.said())
    assert "203.0.113.0/24: public-address" in found.problem
    assert found.mend == "site: [203.0.113.0/24]"


def test_lua_rules_want_lua(sensor: Sensor, definition: Definition) -> None:
    rule = 'alert tcp any any -> any any (msg:"MELSEC x"; lua:x.lua; sid:1899999; metadata:melsec_id remote-stop;)\n'
    (sensor.rules.parent / "lua.rules").write_text(rule)
    os.utime(sensor.rules.parent / "lua.rules", (WRITTEN, WRITTEN))
    shutil.rmtree(sensor.folder / "policy")
    sensor.change(
        lambda tree: tree.update(
            {"rule-files": ["melsec.rules", "lua.rules"], "security": {"lua": {"allow-rules": False}}}
        )
    )
    (found,) = findings(sensor.said())
    assert "1 rules need Lua, which is off" in found.problem
    mend(found)
    assert findings(sensor.said()) == []


def test_a_data_set_that_is_missing_is_found_and_copied(sensor: Sensor) -> None:
    rule = (
        'alert udp any any -> any any (msg:"MELSEC x"; ip.src; dataset:isset,melsec-site-1,type ip,load '
        "melsec-site-1.lst; sid:1899999; rev:1; metadata:melsec_id host-not-allowed;)\n"
    )
    for file in ("rules/melsec-site.rules", f"policy/{site.RULES}"):
        sensor.rewrite(file, lambda text: text + rule)
    (sensor.folder / "policy/suricata/melsec-site-1.lst").write_text("192.168.3.18\n")
    (found,) = findings(sensor.said())
    assert "need the data set" in found.problem
    mend(found)
    assert findings(sensor.said()) == []


def test_site_rules_of_another_policy_are_found_and_replaced(sensor: Sensor) -> None:
    sensor.rewrite("rules/melsec-site.rules", lambda text: text.replace("192.168.3.18", "192.168.3.19"))
    (found,) = findings(sensor.said())
    assert "the rules of the site are not those of" in found.problem
    mend(found)
    os.utime(sensor.rules.parent / "melsec-site.rules", (WRITTEN, WRITTEN))
    assert findings(sensor.said()) == []


def test_thresholds_of_the_policy_are_missed_and_appended(sensor: Sensor) -> None:
    (sensor.folder / "threshold.config").write_text("# mine\n")
    (found,) = findings(sensor.said())
    assert "are not in the threshold-file" in found.problem
    mend(found)
    assert findings(sensor.said()) == []


def test_checksums_that_the_card_computes_are_found(sensor: Sensor) -> None:
    sensor.events(stats(invalid_checksum=900), ALERT)
    (found,) = findings(sensor.said())
    assert "90.0 % of the TCP packets have wrong checksums" in found.problem
    mend(found)
    assert findings(sensor.said()) == []


def test_packets_that_are_dropped_are_found(sensor: Sensor) -> None:
    sensor.events(stats(kernel_drops=50), ALERT)
    (found,) = findings(sensor.said())
    assert "5.0 % of the packets were dropped" in found.problem
    assert found.mend == "ring-size: 100000"
    sensor.events(stats(kernel_drops=50), stats(kernel_drops=5), ALERT)
    assert findings(sensor.said()) == []


def test_stats_log_tells_as_much(sensor: Sensor) -> None:
    (sensor.folder / "logs/eve.json").unlink()
    line = "{:<46} | Total                     | {}\n"
    (sensor.folder / "logs/stats.log").write_text(
        line.format("capture.kernel_packets", 1000) + line.format("capture.kernel_drops", 100)
    )
    assert ["10.0 % of the packets" in one.problem for one in findings(sensor.said())] == [True]


@pytest.mark.parametrize(
    ("changes", "file"),
    [({"filename": "eve-%Y-%m-%d.json"}, "eve-2026-11-28.json"), ({"threaded": True}, "eve.1.json")],
)
def test_eve_files_have_other_names_too(sensor: Sensor, changes: dict[str, Any], file: str) -> None:
    sensor.change(lambda tree: tree["outputs"][1]["eve-log"].update(changes))
    sensor.events(stats(kernel_drops=50), ALERT)
    (sensor.folder / "logs/eve.json").rename(sensor.folder / "logs" / file)
    assert ["5.0 % of the packets" in one.problem for one in findings(sensor.said())] == [True]


def test_suricata_update_is_asked_where_it_writes_the_rules(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = sensor.folder / "bin"
    programs.mkdir()
    (programs / "suricata-update").write_text("#!/bin/sh\n")
    (programs / "suricata-update").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    for file in sensor.rules.parent.iterdir():
        file.unlink()
    sensor.change(lambda tree: tree.update({"rule-files": ["suricata.rules"]}))
    published, of_site = findings(sensor.said())
    assert (published.mend, published.place) == (f"suricata-update --local {suricata_rules()}", "")
    compiled = sensor.folder / "policy" / site.RULES
    assert of_site.mend == f"suricata-update --local {suricata_rules()} --local {compiled}"


def test_rules_that_suricata_has_not_read_yet_are_found(sensor: Sensor) -> None:
    os.utime(sensor.rules, (WRITTEN + 3600, WRITTEN + 3600))
    (found,) = findings(sensor.said())
    assert "has not read" in found.problem
    assert found.mend == "suricatasc -c ruleset-reload-nonblocking"


def test_an_alert_without_its_detection_is_found(sensor: Sensor) -> None:
    bare = {"signature_id": 1880200, "signature": "MELSEC CONTROL"}
    sensor.events(stats(), {**ALERT, "alert": bare})
    assert ["the last alert has no melsec_id" in one.problem for one in findings(sensor.said())] == [True]


def test_that_nothing_was_seen_is_no_mistake(sensor: Sensor) -> None:
    sensor.events(stats())
    said = sensor.said()
    assert findings(said) == []
    assert any(isinstance(one, Finding) and one.severity == INFORMATION and "no alert" in one.problem for one in said)


def test_settings_that_suricata_refuses_are_found(sensor: Sensor) -> None:
    sensor.conf.write_text("%YAML 1.1\n---\nstream: [no\n")
    (found,) = findings(sensor.said())
    assert "refuses" in found.problem
    assert "line 3" in found.problem


def test_what_cannot_be_read_is_said(sensor: Sensor) -> None:
    sensor.rules.chmod(0)
    if os.access(sensor.rules, os.R_OK):
        pytest.skip("this user may read everything")
    assert any("cannot be looked at" in one.problem for one in findings(sensor.said()))


def test_logs_that_cannot_be_read_are_said(sensor: Sensor) -> None:
    (sensor.folder / "logs").chmod(0)
    if os.access(sensor.folder / "logs", os.R_OK):
        pytest.skip("this user may read everything")
    assert any("cannot be looked at" in one.problem for one in findings(sensor.said()))
    (sensor.folder / "logs").chmod(0o755)


def test_a_pattern_may_name_the_rules(sensor: Sensor) -> None:
    sensor.change(lambda tree: tree.update({"rule-files": ["melsec*.rules"]}))
    assert findings(sensor.said()) == []


def test_a_folder_in_the_place_of_rules_is_said(sensor: Sensor) -> None:
    (sensor.rules.parent / "folder.rules").mkdir()
    sensor.change(lambda tree: tree["rule-files"].append("folder.rules"))
    assert ["cannot be looked at" in one.problem for one in findings(sensor.said())] == [True]


def test_nothing_is_written(sensor: Sensor) -> None:
    def state(files: Iterable[Path]) -> dict[Path, tuple[int, int]]:
        return {one: (one.stat().st_mtime_ns, one.stat().st_size) for one in files}

    before = state(sensor.folder.rglob("*"))
    sensor.said()
    assert state(sensor.folder.rglob("*")) == before

"""Sensors with Zeek that are set up wrongly: doctor finds each, and its line mends it.

The package is installed by zkg itself, below a prefix of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
import zeek_sensor
from mending import findings, mend
from zeek_sensor import NAME, Repository, ZeekSensor, configured, programs

from melsec_nsm import policy as policies
from melsec_nsm.analysis.doctor import bundle, zeek_logs, zeek_place
from melsec_nsm.analysis.doctor import zeek as checks
from melsec_nsm.analysis.doctor.model import INFORMATION, Fact, Finding
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Availability, EngineError
from melsec_nsm.engines.hlto import BUILT_FOR
from melsec_nsm.engines.share import SETTINGS_PATH
from melsec_nsm.engines.zeek import ZeekEngine
from melsec_nsm.generate import site
from melsec_nsm.policy.compiled import CompiledPolicy

TSV = "#separator \\x09\n#fields\t{}\n{}\n"


@dataclass(frozen=True)
class Sensor(ZeekSensor):
    """One that doctor looks at; ``policy`` is the folder of its compiled policy."""

    policy: Path

    def said(self) -> list[Finding | Fact]:
        zeek = zeek_place.find(self.prefix)
        assert zeek is not None
        return list(chain(checks.examine(zeek, self.policy), zeek_logs.examine(zeek, None)))

    def only(self) -> Finding:
        """The one thing that has to be mended."""
        (found,) = findings(self.said())
        return found

    def mended(self, found: Finding) -> list[Finding]:
        """What is left once a finding is mended."""
        mend(found, self.environment)
        return findings(self.said())

    def log(self, name: str, text: str) -> None:
        (self.prefix / "logs/current" / f"{name}.log").write_text(text)


@pytest.fixture(scope="module")
def installed(zeek: ZeekEngine, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix into which zkg has installed the package, from a clone."""
    folder = tmp_path_factory.mktemp("installed")
    empty = zeek_sensor.sensor(zeek, folder / "zeek")
    package = Repository(folder / NAME, checkout)
    package.commit()
    empty.does(f"zkg install --skiptests {package.folder}")
    return empty.prefix


@pytest.fixture(scope="module")
def policy_files(definition: Definition) -> dict[str, bytes]:
    """The files of the example of a policy."""
    example = Path(policies.__file__).parents[1] / "definitions/policies/press-shop.yaml"
    return site.render(CompiledPolicy(policies.load(example, definition), definition), definition)


@pytest.fixture
def sensor(installed: Path, zeek: ZeekEngine, policy_files: dict[str, bytes], tmp_path: Path) -> Sensor:
    """A healthy sensor with a policy in force, and with logs."""
    made = Sensor(tmp_path / "zeek", tmp_path / "policy")
    programs(zeek, made.prefix)
    shutil.copytree(installed, made.prefix, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bin"))
    configured(made.prefix, installed)
    site.install(made.policy, policy_files)
    made.local.write_text(f'@load packages\nredef MELSEC::policy_file = "{made.policy / site.TABLE}";\n')
    (made.prefix / "logs/current").mkdir(parents=True)
    made.log("melsec", TSV.format("ts\tprotocol", "1795860000.5\tslmp"))
    made.log("capture_loss", TSV.format("ts\tpeer\tpercent_lost", "1795860000.5\tzeek\t0.0"))
    return made


def test_a_healthy_sensor_has_nothing_to_mend(sensor: Sensor) -> None:
    said = sensor.said()
    assert [one for one in said if isinstance(one, Finding)] == []
    facts = "\n".join(str(one) for one in said)
    assert "policy of press-shop" in facts
    assert "package melsec-nsm main" in facts
    assert "last line of melsec.log: 2026-11-28T10:00:00Z" in facts


def test_a_package_that_local_zeek_does_not_load(sensor: Sensor) -> None:
    sensor.local.write_text("")
    found = sensor.only()
    assert "not loaded by" in found.problem
    assert (found.mend, found.place) == ("@load packages", str(sensor.local))
    # Then it is told of the policy.
    rest = sensor.mended(found)
    assert ["Zeek does not read it" in one.problem for one in rest] == [True]
    assert sensor.mended(rest[0]) == []


def test_a_package_that_zkg_does_not_load(sensor: Sensor) -> None:
    subprocess.run(["zkg", "unload", "--force", "melsec-nsm"], env=sensor.environment, check=True, capture_output=True)
    sensor.local.write_text("@load packages\n")
    found = sensor.only()
    assert "installed and not loaded" in found.problem
    assert found.mend == "zkg load melsec-nsm"
    assert ["Zeek does not read it" in one.problem for one in sensor.mended(found)] == [True]


def test_a_setting_above_the_package(sensor: Sensor) -> None:
    lines = sensor.local.read_text().splitlines()
    sensor.local.write_text("\n".join(reversed(lines)) + "\n")
    found = sensor.only()
    assert "used but not previously defined (MELSEC::policy_file)" in found.problem
    assert sensor.mended(found) == []


def test_scripts_that_zeek_refuses(sensor: Sensor) -> None:
    sensor.local.write_text(sensor.local.read_text() + "event zeek_init( { }\n")
    found = sensor.only()
    assert "Zeek refuses its scripts" in found.problem
    assert "local.zeek, line 3" in found.problem


def test_scripts_are_parsed_and_not_run(sensor: Sensor, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    sensor.local.write_text(sensor.local.read_text() + f'event zeek_init() {{ system("touch {mark}"); }}\n')
    assert findings(sensor.said()) == []
    assert not mark.exists()


def test_a_package_of_another_version(sensor: Sensor) -> None:
    script = sensor.site / "packages/melsec-nsm/main.zeek"
    script.write_text(script.read_text() + "# another one\n")
    found = sensor.only()
    assert "another version than this tool" in found.problem
    assert "main.zeek" in found.problem
    assert found.mend.startswith("zkg install --force ")


def test_settings_of_the_site_make_no_other_version(sensor: Sensor) -> None:
    script = sensor.scripts / Path(SETTINGS_PATH).name
    script.write_text(script.read_text() + "redef MELSEC::log_values = T;\n")
    assert findings(sensor.said()) == []


@pytest.fixture
def unpacked(sensor: Sensor) -> Sensor:
    """A sensor without a compiler, to which the package came compiled."""
    version = subprocess.run([sensor.prefix / "bin/zeek", "--version"], capture_output=True, text=True, check=True)
    sensor.analyzer.with_name(BUILT_FOR).write_text(f"zeek {version.stdout.split()[-1]}\n")
    shutil.rmtree(sensor.state)
    for name in ("packages.zeek", "__load__.zeek"):
        (sensor.site / "packages" / name).unlink()
    (sensor.prefix / "bin/spicyz").unlink()
    sensor.local.write_text(sensor.local.read_text().replace("@load packages", f"@load packages/{NAME}"))
    return sensor


def test_a_package_that_came_compiled_needs_no_compiler(unpacked: Sensor, definition: Definition) -> None:
    assert findings(unpacked.said()) == []
    here = Availability("zeek", None, str(unpacked.prefix / "bin/zeek"), "spicyz is missing", "install it")
    (needless,) = (one for one in bundle.examine({}, (here,), definition, ["zeek"]) if isinstance(one, Finding))
    assert needless.severity == INFORMATION


def test_a_package_that_came_compiled_is_loaded_by_its_name(unpacked: Sensor) -> None:
    text = unpacked.local.read_text()
    unpacked.local.write_text("")
    found = unpacked.only()
    assert (found.mend, found.place) == (f"@load packages/{NAME}", str(unpacked.local))
    unpacked.local.write_text(text)
    assert findings(unpacked.said()) == []


def test_a_package_that_came_compiled_for_another_zeek(unpacked: Sensor) -> None:
    unpacked.analyzer.with_name(BUILT_FOR).write_text("zeek 8.0.0\n")
    found = unpacked.only()
    assert "compiled for Zeek 8.0.0" in found.problem
    assert found.mend.startswith("melsec-nsm release --zeek ")
    _of_another_zeek(unpacked.analyzer)
    assert unpacked.only().mend == found.mend


def test_no_package(sensor: Sensor) -> None:
    shutil.rmtree(sensor.site / "packages")
    shutil.rmtree(sensor.analyzer.parent)
    sensor.local.write_text("")
    problems = [one.problem for one in findings(sensor.said())]
    assert problems == [f"the package is not installed in {sensor.site}"]


def _of_another_zeek(analyzer: Path) -> None:
    octets = analyzer.read_bytes()
    needed = re.search(rb"spicy_version_\d+_\d+_\d+", octets)
    assert needed is not None
    other = re.sub(rb"_\d", b"_0", needed[0], count=1)
    analyzer.write_bytes(octets.replace(needed[0], other))


ANALYZER_MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "of another Zeek": (_of_another_zeek, "undefined symbol: spicy_version_0_"),
    "absent": (Path.unlink, "no compiled analyzers in"),
    "cut short": (lambda analyzer: os.truncate(analyzer, 200_000), "damaged, or not for this Zeek"),
    "no library": (lambda analyzer: analyzer.write_bytes(b"no library"), "damaged, or not for this Zeek"),
}


@pytest.mark.parametrize("name", ANALYZER_MISTAKES)
def test_analyzers_that_zeek_does_not_load(sensor: Sensor, name: str) -> None:
    how, problem = ANALYZER_MISTAKES[name]
    how(sensor.analyzer)
    found = sensor.only()
    assert problem in found.problem
    assert re.fullmatch(r"zkg install --force \S+/melsec-nsm", found.mend)
    # What it would compile is there already, and the tests of the package take minutes.
    quick = Finding(found.subject, found.severity, found.problem, f"{found.mend} --skiptests")
    assert sensor.mended(quick) == []


def test_analyzers_of_somebody_else_that_zeek_does_not_load(sensor: Sensor) -> None:
    other = sensor.analyzer.parents[1] / "other/other.hlto"
    other.parent.mkdir()
    other.write_bytes(b"no library")
    found = sensor.only()
    assert "Zeek does not start" in found.problem
    assert "zkg" not in found.mend


def test_a_zeek_without_its_compiler(sensor: Sensor) -> None:
    (sensor.prefix / "bin/spicyz").unlink()
    found = sensor.only()
    assert "spicyz is missing" in found.problem
    assert "zeek-spicy-dev" in found.mend


def test_a_zeek_that_was_installed_after_the_package(sensor: Sensor) -> None:
    program = sensor.prefix / "bin/zeek"
    program.write_text(program.read_text())
    found = sensor.only()
    assert "Zeek was installed after" in found.problem
    assert found.mend.startswith("zkg install --force ")


def test_a_policy_that_is_not_there(sensor: Sensor) -> None:
    sensor.local.write_text('@load packages\nredef MELSEC::policy_file = "/nowhere/melsec-policy.tsv";\n')
    found = sensor.only()
    assert "/nowhere/melsec-policy.tsv is not there" in found.problem
    assert sensor.mended(found) == []


def test_checksums_that_the_card_computes(sensor: Sensor) -> None:
    row = {"ts": 1.5, "message": "Your interface is likely receiving invalid TCP checksums, most likely"}
    sensor.log("reporter", json.dumps(row) + "\n")
    found = sensor.only()
    assert "wrong checksums" in found.problem
    assert (found.mend, found.place) == ("redef ignore_checksums = T;", str(sensor.local))
    assert sensor.mended(found) == []


def test_scripts_that_were_not_deployed(sensor: Sensor) -> None:
    running = sensor.prefix / "spool/installed-scripts-do-not-touch/site"
    running.mkdir(parents=True)
    shutil.copy(sensor.local, running)
    assert findings(sensor.said()) == []
    sensor.local.write_text(sensor.local.read_text() + "redef MELSEC::log_values = T;\n")
    assert sensor.only().mend == "zeekctl deploy"


def test_the_program_names_its_prefix_too(sensor: Sensor) -> None:
    zeek = zeek_place.find(sensor.prefix / "bin/zeek")
    assert zeek is not None
    assert zeek.local == sensor.local


def test_a_prefix_without_zeek_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="there is no program zeek"):
        zeek_place.find(tmp_path)

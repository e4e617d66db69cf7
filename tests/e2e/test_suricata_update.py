"""suricata-update as users run it: the commands of its page, an update to the next release, and what may go wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pages import commands_of
from releases import next_definition
from sensor import OTHERS, Sensor, serving
from test_policy_suricata import long

from melsec_nsm import __version__
from melsec_nsm.cli import main
from melsec_nsm.definitions import lock as locks
from melsec_nsm.definitions.model import Definition, LockEntry, Reasons
from melsec_nsm.engines.suricata import SuricataEngine
from melsec_nsm.generate.site.rules import FIRST_SITE_SID
from melsec_nsm.generate.suricata import RULES_PATH, render, rules_by_detection
from melsec_nsm.release import build, changes, index, signing

PAGE = "tools/docs/update.md"
SITE = "site-maintenance"
"""A capture that a policy judges, with a remote STOP."""

_MANY = (200, 200)
"""Hosts and controllers that are more than a rule can name."""

_ABSENT = [name for name in ("curl", "sha256sum", "ssh-keygen") if shutil.which(name) is None]


def tried(definition: Definition, lock: Mapping[str, LockEntry]) -> tuple[dict[str, LockEntry], bytes]:
    """The lock after one that is published, and the rules."""
    rules = rules_by_detection(definition)
    texts = {name: {variant: rule.text() for variant, rule in by.items()} for name, by in rules.items()}
    moved, _ = locks.update(lock, texts)
    return moved, render(definition, moved)[RULES_PATH]


class Releases:
    """A web server with a release, which others may follow."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def publish(self, rules: bytes, version: str, base_url: str | None = None, key: Path | None = None) -> None:
        """Puts the files of a release in place of those that are there."""
        made = build.Release(version, None, rules, b"licence\n", b"")
        for name, octets in build.files(made, base_url, key).items():
            (self.folder / name).write_bytes(octets)


@pytest.fixture(scope="module")
def present(definition: Definition) -> bytes:
    """The rules of this checkout."""
    return tried(definition, locks.read())[1]


@pytest.fixture
def releases(tmp_path: Path, present: bytes) -> Iterator[Releases]:
    """A release of the rules of this checkout."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "others.rules").write_bytes(OTHERS)
    with serving(folder) as url:
        found = Releases(folder, url)
        found.publish(present, "1.0.0", url)
        yield found


@pytest.fixture
def sensor(tmp_path: Path, releases: Releases, suricata: SuricataEngine) -> Sensor:
    """A sensor that has nothing of ours yet."""
    return Sensor(tmp_path / "sensor", str(suricata.availability().path), releases.url)


# The page


def _added(sensor: Sensor, said: str) -> None:
    assert "Testing with suricata -T." in said
    assert sensor.on("remote-stop") == {True}
    for quiet in ("device-write", "type-name-read", "program-upload", "unknown-command"):
        assert sensor.on(quiet) == {False}


def _others_enabled(sensor: Sensor, _: str) -> None:
    assert {path.name for path in (sensor.data / "update/sources").iterdir()} == {"melsec.yaml", "et-open.yaml"}
    sensor.does("suricata-update remove-source et/open")


def _unchanged(_: Sensor, said: str) -> None:
    assert "Not downloading" in said
    assert "No changes detected, exiting." in said
    assert "suricata -T" not in said


def _removed(sensor: Sensor, _: str) -> None:
    assert [*sensor.rules()] == [2000001]
    assert b"melsec" not in sensor.merged.read_bytes().lower()
    left = [path for path in sensor.data.rglob("*") if path.is_file()]
    assert [path for path in left if "melsec" in path.name.lower()] == []
    assert not any(b"MELSEC" in path.read_bytes() for path in left)


def _informational(sensor: Sensor, said: str) -> None:
    assert re.search(r"Enabled [1-9]\d* rules\.", said)
    assert {rule.on for rule in sensor.rules().values()} == {True}
    (sensor.etc / "enable.conf").write_text("", "utf-8")


def _one_informational(sensor: Sensor, _: str) -> None:
    assert sensor.on("device-write") == {True}
    assert sensor.on("type-name-read") == {False}


def _detection_disabled(sensor: Sensor, _: str) -> None:
    assert sensor.on("clock-set") == {False}
    assert sensor.on("clock-set") != sensor.on("remote-stop") == {True}


def _sid_disabled(sensor: Sensor, _: str) -> None:
    assert [sid for sid, rule in sensor.rules().items() if rule.detection == "password-cleartext" and not rule.on] == [
        1880201
    ]
    # The first of them marks flows for another rule.
    assert sensor.rules()[1880200].on
    sensor.does("echo 1880200 >> /etc/suricata/disable.conf && suricata-update")
    assert "noalert;" in sensor.rules()[1880200].text
    assert sensor.on("device-write") == {True}


def _all_disabled(sensor: Sensor, _: str) -> None:
    # But for the one detection that enable.conf names.
    assert {rule.detection for rule in sensor.rules().values() if rule.on} <= {"device-write", ""}
    conf = sensor.etc / "disable.conf"
    conf.write_text(conf.read_text("utf-8").replace("group:melsec.rules\n", ""), "utf-8")


def _modified(sensor: Sensor, _: str) -> None:
    limits = {
        limit[0]
        for rule in sensor.rules().values()
        if rule.detection == "remote-stop"
        for limit in [re.search(r"seconds \d+", rule.text)]
        if limit is not None
    }
    assert limits == {"seconds 600"}


def _suppressed(sensor: Sensor, _: str) -> None:
    lines = (sensor.etc / "threshold.config").read_text("utf-8").splitlines()
    named = {int(found[1]) for line in lines if (found := re.match(r"suppress gen_id 1, sig_id (\d+), track", line))}
    assert named == {sid for sid, rule in sensor.rules().items() if rule.detection == "remote-stop"}


def _site(sensor: Sensor, said: str) -> None:
    assert "was not found" not in said
    assert "remote-stop" in sensor.alerts(sensor.folder / "capture.pcap")
    assert len([sid for sid in sensor.rules() if sid >= FIRST_SITE_SID]) > 100


def _site_thresholds(sensor: Sensor, _: str) -> None:
    lines = (sensor.etc / "threshold.config").read_text("utf-8").splitlines()
    # Of a rule that is on, and of one that ships disabled, which Suricata does not mind.
    assert {"suppress gen_id 1, sig_id 1880700", "suppress gen_id 1, sig_id 1880000"} <= set(lines)
    assert "remote-stop" not in sensor.alerts(sensor.folder / "capture.pcap")


def _verified(sensor: Sensor, said: str) -> None:
    assert 'Good "melsec-nsm" signature for melsec-nsm' in said
    assert "melsec-nsm-rules.tar.gz: OK" in said
    archive = sensor.folder / "srv/melsec-nsm/melsec-nsm-rules.tar.gz"
    sensor.does(f"suricata-update add-source verified file://{archive} && suricata-update")
    assert sensor.on("remote-stop") == {True}


def _nothing(_: Sensor, __: str) -> None:
    """There is nothing to see yet."""


Check = Callable[[Sensor, str], None]
STORIES: dict[str, dict[str, tuple[Check, ...]]] = {
    "source": {
        "The rules by suricata-update": (_nothing,),
        "Add the source": (_added, _others_enabled),
        "Update": (_unchanged,),
        "Remove the source": (_removed,),
    },
    "index": {"Or by the index": (_added,)},
    "own wishes": {
        "Informational rules": (_informational, _one_informational),
        "Disable rules": (_detection_disabled, _sid_disabled, _all_disabled),
        "Change rules": (_modified,),
        "Thresholds": (_suppressed,),
    },
    "site": {"Rules of your site": (_site, _site_thresholds)},
    "signature": {"Verify a release": (_verified,)},
}
"""Which blocks of the page are run on one sensor, one after the other, and what is to be seen then."""


def test_every_block_of_the_page_is_in_a_story(checkout: Path) -> None:
    found = {heading: len(commands) for heading, commands in commands_of(checkout, PAGE).items()}
    assert found == {heading: len(checks) for story in STORIES.values() for heading, checks in story.items()}


@pytest.mark.parametrize("name", STORIES)
def test_the_commands_of_the_page(
    checkout: Path, sensor: Sensor, releases: Releases, present: bytes, name: str
) -> None:
    page = commands_of(checkout, PAGE)
    if name == "own wishes":
        sensor.does(page["Add the source"][0])
    if name == "site":
        sensor.does(page["Add the source"][0])
        policy = (checkout / "pcaps/policies/site-allowed.yaml").read_text("utf-8")
        assert "detections:" not in policy
        policy += "detections: {remote-stop: {enabled: false}, device-write: {enabled: false}}\n"
        (sensor.folder / "home/site.yaml").write_text(policy, "utf-8")
        shutil.copy(checkout / "pcaps" / f"{SITE}.pcap", sensor.folder / "capture.pcap")
    if name == "signature":
        if _ABSENT:
            pytest.skip(f"{', '.join(_ABSENT)}: absent")
        signed(sensor, releases, present)
    for heading, checks in STORIES[name].items():
        for commands, check in zip(page[heading], checks, strict=True):
            check(sensor, sensor.does(commands))


def signed(sensor: Sensor, releases: Releases, rules: bytes) -> None:
    """Signs a release, and lets the sensor know the key."""
    key = sensor.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    releases.publish(rules, "1.0.0", releases.url, key)
    signers = sensor.folder / "etc/melsec-nsm/signers"
    signers.parent.mkdir()
    signers.write_text(f"{signing.NAMESPACE} {key.with_suffix('.pub').read_text('utf-8')}", "utf-8")


@pytest.mark.skipif(bool(_ABSENT), reason=f"{', '.join(_ABSENT)}: absent")
@pytest.mark.parametrize("name", ["melsec-nsm-rules.tar.gz", signing.SUMS, signing.SIGNATURE])
def test_what_was_tampered_with_is_not_verified(
    checkout: Path, sensor: Sensor, releases: Releases, present: bytes, name: str
) -> None:
    signed(sensor, releases, present)
    file = releases.folder / name
    octets = bytearray(file.read_bytes())
    # In the middle of the archive, and in a digest or the signature.
    octets[len(octets) // 2] ^= 1
    file.write_bytes(octets)
    (commands,) = commands_of(checkout, PAGE)["Verify a release"]
    said = sensor.does(commands, code=255 if name != "melsec-nsm-rules.tar.gz" else 1)
    assert ("melsec-nsm-rules.tar.gz: FAILED" in said) == (name == "melsec-nsm-rules.tar.gz")


# From one release to the next


def test_the_next_release_reaches_a_sensor_that_keeps_its_wishes(
    definition: Definition, sensor: Sensor, releases: Releases
) -> None:
    (sensor.etc / "enable.conf").write_text("metadata: melsec_id device-write\n", "utf-8")
    (sensor.etc / "disable.conf").write_text("1880401\nmetadata: melsec_id file-delete\n", "utf-8")
    wishes = '"metadata: melsec_id remote-stop" "CONTROL" "STOPPED"\n"group:melsec.rules" "Minor" "Major"\n'
    (sensor.etc / "modify.conf").write_text(wishes, "utf-8")
    sensor.does(f"suricata-update add-source melsec {releases.url}/{build.STABLE}")
    sensor.does("suricata-update")
    before = sensor.rules()

    said = sensor.updates()
    assert "Remote checksum has not changed" in said
    assert "No changes detected, exiting." in said
    assert "suricata -T" not in said
    assert sensor.rules() == before

    old = locks.read()
    lock, rules = tried(next_definition(definition), old)
    releases.publish(rules, "1.1.0", releases.url)
    said = sensor.updates()
    assert "Testing with suricata -T." in said
    after = sensor.rules()
    assert sensor.on("clock-set") == set()
    assert sensor.on("remote-halt") == {True}
    changed = {sid for sid in before if sid in after and before[sid] != after[sid]}
    assert {after[sid].detection for sid in changed} == {"remote-stop"}
    rev = old["remote-stop"].rev
    assert {f"rev:{rev};" in before[sid].text and f"rev:{rev + 1};" in after[sid].text for sid in changed} == {True}
    assert {before[sid].detection for sid in set(before) - set(after)} == {"clock-set"}
    assert {after[sid].detection for sid in set(after) - set(before)} == {"remote-halt"}
    # What the sensor wished of the rules holds of the new ones.
    assert sensor.on("device-write") == {True}
    assert sensor.on("file-delete") == {False}
    assert not after[1880401].on
    assert {" STOPPED " in rule.text for rule in after.values() if rule.detection == "remote-stop"} == {True}
    assert not any("signature_severity Minor" in rule.text for rule in after.values())
    # And the list of changes says what came of it.
    reasons = Reasons({("remote-stop", rev + 1): "Quieter."}, {"clock-set": "Nobody asked."})
    found = changes.compare(old, lock, reasons)
    assert [(one.what, one.entry.id) for one in found] == [
        (changes.CHANGED, "remote-stop"),
        (changes.REMOVED, "clock-set"),
        (changes.ADDED, "remote-halt"),
    ]


def test_an_update_that_suricata_refuses_leaves_the_rules_in_force(
    sensor: Sensor, releases: Releases, present: bytes, tmp_path: Path
) -> None:
    marker = tmp_path / "reloaded"
    sensor.configure(reload_command=f"touch {marker}")
    sensor.does(f"suricata-update add-source melsec {releases.url}/{build.STABLE}")
    sensor.does("suricata-update")
    assert marker.exists()
    marker.unlink()
    good = sensor.merged.read_bytes()
    releases.publish(present.replace(b"classtype:attempted-dos", b"clastype:attempted-dos", 1), "1.0.1")
    said = sensor.updates(code=1)
    assert "Suricata test failed" in said
    assert sensor.merged.read_bytes() == good
    assert not marker.exists()
    releases.publish(present.replace(b"count 1500", b"count 1600"), "1.0.2")
    sensor.updates()
    assert b"count 1600" in sensor.merged.read_bytes()
    assert marker.exists()


def test_an_index_without_an_address_asks_for_it(sensor: Sensor, releases: Releases, present: bytes) -> None:
    releases.publish(present, "1.0.0", None)
    sensor.does('SOURCE_INDEX_URL="$RULES/index.yaml" suricata-update update-sources')
    # There is nobody to answer.
    said = sensor.does(f"suricata-update enable-source {index.SOURCE}", code=1)
    assert "Address of the folder with melsec-nsm-rules.tar.gz (base-url)" in said
    sensor.does(f'suricata-update enable-source {index.SOURCE} {index.PARAMETER}="$RULES" && suricata-update')
    assert sensor.on("remote-stop") == {True}


def test_data_sets_of_a_site_arrive_where_its_rules_look_for_them(
    checkout: Path, sensor: Sensor, releases: Releases
) -> None:
    text = (checkout / "pcaps/policies/site-allowed.yaml").read_text("utf-8")
    known = "  - {name: eng-ws-1, address: 192.168.3.18, role: engineer, controllers: [press-1]}\n"
    assert known in text
    sensor.does(f"suricata-update add-source melsec {releases.url}/{build.STABLE}")
    capture, site = checkout / "pcaps" / f"{SITE}.pcap", sensor.folder / "home/site.yaml"
    commands = (
        "melsec-nsm policy compile site.yaml --out /etc/melsec-nsm && suricata-update --local /etc/melsec-nsm/suricata"
    )
    site.write_text(long(text, *_MANY), "utf-8")
    sensor.does(commands)
    local = (sensor.folder / "etc/melsec-nsm/suricata/melsec-site.rules").read_text("ascii")
    assert re.search(r"dataset:.*; dataset:", local)
    assert len(list((sensor.data / "rules/datasets").iterdir())) == local.count("load ")
    # Suricata reads no data set but those of suricata-update.
    shutil.rmtree(sensor.folder / "etc/melsec-nsm")
    assert sensor.alerts(capture) & {"remote-stop", "host-not-allowed"} == {"remote-stop"}
    site.write_text(long(text.replace(known, ""), *_MANY), "utf-8")
    sensor.does(commands)
    assert sensor.alerts(capture) >= {"remote-stop", "host-not-allowed"}


# What is served


def test_two_releases_are_the_same_octets(tmp_path: Path) -> None:
    folders = (tmp_path / "one", tmp_path / "another" / "deeper")
    for folder in folders:
        done = CliRunner().invoke(main, ["release", "--out", str(folder)])
        assert done.exit_code == 0, done.stderr
    names = {path.name for path in folders[0].iterdir()}
    assert names == {
        f"melsec-nsm-rules-{__version__}.tar.gz",
        f"melsec-nsm-rules-{__version__}.tar.gz.md5",
        "melsec-nsm-rules.tar.gz",
        "melsec-nsm-rules.tar.gz.md5",
        "index.yaml",
        "VERSION",
        "CHANGES-rules.md",
        "SHA256SUMS",
    }
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    assert index.SOURCE in yaml.safe_load((folders[0] / "index.yaml").read_text("utf-8"))["sources"]

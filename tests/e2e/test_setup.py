"""The set-up scripts on machines that look different: every program they call is a stand-in, nothing is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOOLS = (
    *("awk", "bash", "cat", "chmod", "chown", "cp", "cut", "dirname", "env", "grep", "head", "install", "ls"),
    *("mkdir", "mktemp", "printf", "rm", "sed", "sort", "tail", "touch", "true"),
)
DEBIAN_12 = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
UBUNTU = "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME={}\n"
SOURCES = """\
# A comment.
Types: deb
URIs: {mirror}-security
Suites: bookworm-security
Components: main
Signed-By: /keys/security.gpg

Types: deb
URIs: {mirror}
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/machine.gpg
"""
MIRROR = "http://user:secret@mirror.test/debian"


@dataclass
class Machine:
    """A machine made of stand-ins below ``root``; ``calls`` holds what was asked of apt-get."""

    root: Path
    script: Path
    release: str = DEBIAN_12
    uid: int = 0
    offers: dict[str, str] = field(default_factory=dict)
    sudo: bool = False

    def __post_init__(self) -> None:
        for folder in ("bin", "apt/sources.list.d", "lists", "tmp", "home"):
            (self.root / folder).mkdir(parents=True)
        for tool in TOOLS:
            real = shutil.which(tool)
            assert real
            (self.root / "bin" / tool).symlink_to(real)
        (self.root / "apt/sources.list.d/machine.sources").write_text(SOURCES.format(mirror=MIRROR))
        (self.root / "calls").write_text("")
        self.program("dpkg", "exit 0")
        self.program("dpkg-query", "exit 1")
        self.program("update-rc.d", f'echo "update-rc.d $*" >>{self.root}/calls')

    def program(self, name: str, body: str) -> None:
        path = self.root / "bin" / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def sensor(self, name: str, says: str) -> None:
        self.program(name, f"echo '{says}'")

    def apt(self, install: str = "exit 100", backports: str = "") -> None:
        """Stand-ins for apt: ``install`` is what an installation does, ``backports`` what that suite offers."""
        source = f"{self.root}/apt/sources.list.d/machine.sources:2"
        targets = [
            f"bookworm-security main {MIRROR}-security/ {source[:-1]}1",
            f"bookworm main {MIRROR}/ {source}",
            f"bookworm-updates main {MIRROR}/ {source}",
        ]
        listing = "\n".join(targets)
        self.program(
            "apt-get",
            f"""echo "apt-get $*" >>{self.root}/calls
case "$*" in
*indextargets*) echo '{listing}' ;;
*install*)
  for word; do case "$word" in Dir::Etc::SourceParts=*) cp -r "${{word#*=}}" {self.root}/seen ;; esac done
  {install} ;;
esac""",
        )
        policies = "".join(
            f"{name}) echo '{name}:'; echo '  Candidate: {version}' ;;\n" for name, version in self.offers.items()
        )
        self.program(
            "apt-cache",
            f"""case "$*" in
*-backports*) echo 'suricata:'; echo '  Candidate: {backports or "(none)"}'; exit ;;
esac
for word; do case "$word" in
policy|-*) ;;
{policies}*) echo "$word:"; echo '  Candidate: (none)' ;;
esac done""",
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.program("id", f"echo {self.uid}")
        if self.sudo:
            self.program("sudo", f'echo "sudo $*" >>{self.root}/calls; shift; exec "$@"')
        (self.root / "os-release").write_text(self.release)
        environment = {
            "PATH": str(self.root / "bin"),
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "OS_RELEASE": str(self.root / "os-release"),
            "APT_SOURCES": str(self.root / "apt"),
            "APT_LISTS": str(self.root / "lists"),
            "POLICY": str(self.root / "policy-rc.d"),
            "SURICATA_PLACES": "",
            "ZEEK_PLACES": "",
        }
        command = [shutil.which("bash") or "bash", str(self.script), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert list((self.root / "tmp").iterdir()) == []
        return done

    def calls(self) -> str:
        return (self.root / "calls").read_text()


@pytest.fixture
def machine(tmp_path: Path, checkout: Path) -> Machine:
    return Machine(tmp_path / "machine", checkout / "tools/setup/sensors.sh")


def line(done: subprocess.CompletedProcess[str], name: str) -> str:
    """The last line about a sensor."""
    return [text for text in done.stdout.splitlines() if text.startswith(f"{name}: ")][-1]


class TestPlan:
    def test_sensors_that_are_here_are_named_and_apt_is_not_asked(self, machine: Machine) -> None:
        machine.apt()
        machine.sensor("suricata", "This is Suricata version 7.0.10 RELEASE")
        machine.sensor("zeek", "zeek version 8.0.9")
        done = machine.run("--plan")
        assert line(done, "suricata").startswith("suricata: 7.0.10 (")
        assert line(done, "zeek").startswith("zeek: 8.0.9 (")
        assert machine.calls() == ""

    def test_debian_12_takes_backports_from_its_own_mirror(self, machine: Machine) -> None:
        machine.apt()
        said = line(machine.run("--plan"), "suricata")
        assert "bookworm-backports" in said
        assert "http://mirror.test/debian/" in said
        assert "secret" not in said
        assert "install " not in machine.calls()

    def test_a_release_with_a_new_enough_package_takes_that(self, machine: Machine) -> None:
        machine.release = UBUNTU.format("noble")
        machine.offers = {"suricata": "1:7.0.3-1build3"}
        machine.apt()
        assert "would install the distribution's package 1:7.0.3-1build3" in line(machine.run("--plan"), "suricata")

    def test_an_old_package_elsewhere_is_not_enough(self, machine: Machine) -> None:
        machine.release = UBUNTU.format("jammy")
        machine.offers = {"suricata": "1:6.0.4-3"}
        machine.apt()
        said = line(machine.run("--plan"), "suricata")
        assert "absent" in said
        assert "1:6.0.4-3" in said

    def test_an_old_suricata_counts_as_absent(self, machine: Machine) -> None:
        machine.sensor("suricata", "This is Suricata version 6.0.10 RELEASE")
        machine.apt()
        done = machine.run("--plan")
        assert "suricata: 6.0.10" in done.stdout
        assert "counts as absent" in done.stdout
        assert "would install" in line(done, "suricata")

    @pytest.mark.parametrize(
        ("offers", "expected"),
        [
            ({"zeek": "8.0.9-0"}, "would install the package zeek 8.0.9-0"),
            ({"zeek": "5.1.1-0", "zeek-lts": "8.0.9-0"}, "would install the package zeek-lts 8.0.9-0"),
            ({"zeek": "5.1.1-0"}, "absent"),
            ({}, "absent"),
        ],
    )
    def test_zeek_is_taken_where_apt_offers_it(self, machine: Machine, offers: dict[str, str], expected: str) -> None:
        machine.offers = offers
        machine.apt()
        assert expected in line(machine.run("--plan"), "zeek")

    def test_another_system_is_told_what_to_install(self, machine: Machine) -> None:
        machine.release = "ID=fedora\n"
        machine.apt()
        done = machine.run("--plan")
        assert "7.0.3" in line(done, "suricata")
        assert "8.0" in line(done, "zeek")
        assert machine.calls() == ""


class TestInstallation:
    def test_backports_are_added_for_this_run_alone(self, machine: Machine) -> None:
        before = (machine.root / "apt/sources.list.d/machine.sources").read_text()
        bin_folder = machine.root / "bin"
        machine.apt(
            install=f"ls {machine.root} >>{machine.root}/calls; "
            f"printf '#!/bin/sh\\necho This is Suricata version 7.0.10 RELEASE\\n' >{bin_folder}/suricata; "
            f"chmod 755 {bin_folder}/suricata",
            backports="1:7.0.10-1~bpo12+1",
        )
        done = machine.run()
        assert line(done, "suricata") == f"suricata: 7.0.10 ({bin_folder}/suricata)"
        added = (machine.root / "seen/melsec-nsm-backports.sources").read_text()
        assert added.splitlines() == [
            "Types: deb",
            f"URIs: {MIRROR}/",
            "Suites: bookworm-backports",
            "Components: main",
            "Signed-By: /keys/machine.gpg",
        ]
        assert (machine.root / "seen/machine.sources").read_text() == before
        assert [path.name for path in (machine.root / "apt/sources.list.d").iterdir()] == ["machine.sources"]
        assert list((machine.root / "lists").iterdir()) == []
        for call in machine.calls().splitlines():
            if "bookworm-backports" in call:
                assert "Dir::Etc::SourceList=/dev/null" in call
                assert f"Dir::State::Lists={machine.root}/tmp/" in call

    def test_the_service_is_held_while_installing_and_disabled_after(self, machine: Machine) -> None:
        policy = machine.root / "policy-rc.d"
        asked = f"{policy} suricata start; echo policy suricata $? >>{machine.root}/calls; "
        other = f"{policy} cron restart; echo policy cron $? >>{machine.root}/calls"
        machine.apt(install=asked + other, backports="1:7.0.10-1~bpo12+1")
        machine.run()
        assert "policy suricata 101\n" in machine.calls()
        assert "policy cron 0\n" in machine.calls()
        assert "update-rc.d suricata disable" in machine.calls()
        assert not policy.exists()

    def test_a_policy_that_is_there_stays(self, machine: Machine) -> None:
        policy = machine.root / "policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        machine.apt(install="exit 0", backports="1:7.0.10-1~bpo12+1")
        machine.run()
        assert policy.read_text() == "#!/bin/sh\nexit 101\n"

    def test_a_failure_is_one_line_and_no_failure_of_make(self, machine: Machine) -> None:
        machine.apt(install="echo 'E: no space left'; exit 100", backports="1:7.0.10-1~bpo12+1")
        said = line(machine.run(), "suricata")
        assert "absent" in said
        assert "E: no space left" in said
        assert "sudo" in said

    def test_without_root_the_command_is_said(self, machine: Machine) -> None:
        machine.uid = 1000
        machine.apt(backports="1:7.0.10-1~bpo12+1")
        said = line(machine.run(), "suricata")
        assert said.endswith(f"run:  sudo {machine.script}")
        assert "install " not in machine.calls()

    def test_a_sudo_that_asks_nothing_is_used(self, machine: Machine) -> None:
        machine.uid = 1000
        machine.sudo = True
        machine.release = UBUNTU.format("noble")
        machine.offers = {"suricata": "1:7.0.3-1build3"}
        machine.apt(install="exit 0")
        machine.run()
        assert "sudo -n env DEBIAN_FRONTEND=noninteractive" in machine.calls()


@pytest.mark.parametrize("script", ["sensors.sh", "venv.sh", "common.sh"])
def test_the_scripts_parse(checkout: Path, script: str) -> None:
    bash = shutil.which("bash") or "bash"
    done = subprocess.run([bash, "-n", str(checkout / "tools/setup" / script)], capture_output=True, check=False)
    assert done.stderr == b""


def test_an_unknown_word_is_a_usage_error(checkout: Path) -> None:
    script = checkout / "tools/setup/sensors.sh"
    done = subprocess.run([script, "--everything"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")

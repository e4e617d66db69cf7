"""The life of the Zeek package as its users lead it: the commands of the pages about installing and removing, each run.

zkg is the real one, and so is Zeek; all that they write is below folders of their own. The Spicy compiler copies
analyzers that are compiled already: test_zeek_package.py has it compile.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zeek_sensor
from pages import commands_of
from releases import next_definition
from zeek_sensor import NAME, Repository, ZeekSensor, column

from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.zeek import ZeekEngine
from melsec_nsm.generate import zeek as scripts

INSTALL, REMOVE = "tools/docs/install.md", "tools/docs/remove.md"

CAPTURE = "pcaps/commands-3e-binary-tcp.pcap"
"""With all that the next release raises otherwise."""

_SETTINGS = "site-settings.zeek"


@dataclass
class Site:
    """A sensor, the repository that it takes the package from, and what happened on it."""

    sensor: ZeekSensor
    repository: Repository
    definition: Definition
    capture: Path
    archive: str = ""
    said: str = field(default="", init=False)

    def does(self, commands: str, code: int = 0) -> str:
        """Runs commands of a page."""
        self.said = self.sensor.does(commands, code, REPO=self.repository.url, ARCHIVE=self.archive)
        return self.said

    def releases(self) -> None:
        """Publishes the release after the present one."""
        for path, octets in scripts.render(next_definition(self.definition)).items():
            (self.repository.folder / path).write_bytes(octets)
        self.repository.commit("v1.1.0")

    def notices(self) -> set[str]:
        """The detections of which Zeek has notices, with the scripts of the site."""
        return self.judges()[0]

    def judges(self, *options: str) -> tuple[set[str], list[str]]:
        """The same, and what options of the scripts are meanwhile."""
        asked = "".join(f"print {name};" for name in options)
        zeek = f"zeek -C -r {self.capture} local -e 'event zeek_init() {{ {asked} }}'"
        said = self.does(f"rm -rf logs && mkdir logs && cd logs && {zeek}")
        assert not (self.logs / "reporter.log").exists()
        return column(self.logs / "notice.log", "melsec_detection"), said.splitlines()

    @property
    def logs(self) -> Path:
        return self.sensor.prefix / "home/logs"

    @property
    def settings(self) -> Path:
        return self.sensor.scripts / _SETTINGS

    def backups(self) -> list[Path]:
        """Settings that zkg has put aside."""
        return sorted((self.sensor.state / "backups").rglob(f"{_SETTINGS}.*"))


@pytest.fixture
def site(zeek: ZeekEngine, definition: Definition, checkout: Path, tmp_path: Path) -> Site:
    """A sensor without the package, and a repository with a release, an older one, and what comes after it."""
    sensor = zeek_sensor.sensor(zeek, tmp_path / "zeek")
    repository = Repository(tmp_path / NAME, checkout)
    load = repository.folder / "zeek/scripts/__load__.zeek"
    text = load.read_text("utf-8")
    load.write_text(f"{text}# An older release.\n", "utf-8")
    repository.commit("v0.9.0")
    load.write_text(text, "utf-8")
    repository.commit("v1.0.0")
    load.write_text(f"{text}# Not released.\n", "utf-8")
    repository.commit()
    load.write_text(text, "utf-8")
    return Site(sensor, repository, definition, checkout / CAPTURE)


def problems(said: str) -> list[str]:
    """What doctor said that is to be mended of Zeek."""
    assert re.search(r"sensor \d+\.\d+\.\d+ \(.*/bin/zeek\)", said), said
    return re.findall(r"^(?:problem|advice) zeek: .*", said, re.MULTILINE)


# What is to be seen after each block


def _nothing(_: Site) -> None:
    """There is nothing to see yet."""


def _installed(site: Site) -> None:
    # What it needs is said before the question.
    before, question, after = site.said.partition("Proceed?")
    assert question
    assert re.search(r"REQUIRED external dependencies.*c\+\+-compiler.*memory >=1\.5GB.*spicyz.*75s", before, re.DOTALL)
    assert "Installing" in after
    assert f'Installed "{site.repository.url}" (v1.0.0)' in after


def _loaded(site: Site) -> None:
    assert {"remote-stop", "remote-pause", "clock-set", "file-delete"} <= site.notices()


def _checked(site: Site) -> None:
    assert {"MELSEC_TCP", "MELSEC_UDP"} <= set(re.findall(r"MELSEC_\w+", site.said))
    assert problems(site.said) == []
    assert f"package {NAME} v1.0.0" in site.said


def _set(site: Site) -> None:
    # A constant of a script that is loaded before, too.
    found, (is_set,) = site.judges("4999/tcp in MELSEC::tcp_ports")
    assert is_set == "T"
    assert {"remote-stop", "clock-set"} <= found
    assert "file-delete" not in found
    site.releases()


def _upgraded(site: Site) -> None:
    assert f'Upgraded "{site.repository.url}" (v1.1.0)' in site.said
    assert "Config file" not in site.said
    found, values = site.judges('MELSEC::detections["remote-stop"]$suppress', "4999/tcp in MELSEC::tcp_ports")
    assert values == ["2.0 mins", "T"]
    assert {"remote-stop", "remote-pause", "remote-halt"} <= found
    assert found & {"clock-set", "file-delete"} == set()
    (kept,) = site.backups()
    assert kept.read_bytes() == site.settings.read_bytes()


def _compiled_again(site: Site) -> None:
    assert f'Installed "{site.repository.url}" (v1.1.0)' in site.said
    assert "file-delete" not in site.notices()


def _unloaded(site: Site) -> None:
    assert site.notices() == set()
    # The analyzers are there, and see nothing.
    assert "MELSEC_TCP" in site.does("zeek -NN")
    assert not list(site.logs.glob("melsec*"))
    assert "melsec" not in (site.logs / "conn.log").read_text("utf-8")
    with site.sensor.local.open("a") as file:
        file.write("redef MELSEC::log_values = T;\n")
    assert '"redef" used but not previously defined (MELSEC::log_values)' in site.does("zeek local", 1)


def _loaded_again(site: Site) -> None:
    found, values = site.judges("MELSEC::log_values")
    assert "remote-halt" in found
    assert values == ["T"]
    site.sensor.local.write_text("@load packages\n")


def _removed(site: Site) -> None:
    assert "Created backups of locally modified config files" in site.said
    assert {b'"file-delete"' in path.read_bytes() for path in site.backups()} == {True}
    assert site.notices() == set()
    assert "MELSEC" not in site.does("zeek -NN")


def _clean(site: Site) -> None:
    assert _left(site) == {Path("var/lib/zkg/backups")}
    assert NAME not in (site.sensor.state / "manifest.json").read_text("utf-8")
    assert NAME not in (site.sensor.site / "packages/packages.zeek").read_text("utf-8")


def _left(site: Site) -> set[Path]:
    """Where there still is something of the package."""
    prefix = site.sensor.prefix
    mine = (path.relative_to(prefix) for path in prefix.rglob("*") if re.search("melsec|site-settings", path.name))
    return {Path(*path.parts[:4]) for path in mine if path.parts[0] != "home"}


def _unbundled(site: Site) -> None:
    assert f'Loaded "{site.repository.url}"' in site.said
    assert _SETTINGS in site.does(f"tar -tzf {NAME}.bundle")
    assert ".hlto" not in site.said
    site.sensor.local.write_text("@load packages\n")
    assert {"remote-stop", "file-delete"} <= site.notices()
    # The next one comes the same way.
    site.settings.write_text(site.settings.read_text() + 'redef MELSEC::disabled_detections += { "file-delete" };\n')
    gone = site.repository.folder.with_name("gone")
    gone.rename(site.repository.folder)
    site.releases()
    site.does(f'zkg bundle --force {NAME}.bundle --manifest "$REPO"')
    site.repository.folder.rename(gone)


def _bundled(site: Site) -> None:
    assert "Bundle successfully written" in site.said
    # From here on there is no network.
    site.repository.folder.rename(site.repository.folder.with_name("gone"))


def _upgraded_by_bundle(site: Site) -> None:
    found = site.notices()
    assert "remote-halt" in found
    assert found & {"clock-set", "file-delete"} == set()


def _built(site: Site) -> None:
    (made,) = (site.sensor.prefix / "home/dist").iterdir()
    site.archive = str(made)
    version = site.does("zeek --version").split()[-1]
    assert re.fullmatch(rf"melsec-nsm-zeek-\d+\.\d+\.\d+-zeek{re.escape(version)}-[a-z0-9._]+-\w+\.tar\.gz", made.name)


def _fits(site: Site) -> None:
    assert {"MELSEC_TCP", "MELSEC_UDP"} <= set(re.findall(r"MELSEC_\w+", site.said))
    assert "MELSEC" not in site.does("zeek -NN")


def _unpacked(site: Site) -> None:
    # Of what compiles, nothing is here.
    (site.sensor.prefix / "bin/spicyz").unlink()
    assert {"remote-stop", "clock-set", "file-delete"} <= site.notices()
    site.settings.write_text(site.settings.read_text() + 'redef MELSEC::disabled_detections += { "file-delete" };\n')
    (site.sensor.scripts / "retired.zeek").write_text("# Of an older release.\n")


def _unpacked_again(site: Site) -> None:
    assert not (site.sensor.scripts / "retired.zeek").exists()
    assert "file-delete" not in site.notices()
    # It may find more of a Suricata that is on this machine.
    assert problems(site.does("melsec-nsm doctor || true")) == []
    assert "unpacked, not installed by zkg" in site.said


def _deleted(site: Site) -> None:
    assert site.notices() == set()
    assert "MELSEC" not in site.does("zeek -NN")
    assert _left(site) == set()


def _thresholds(site: Site) -> None:
    left = (site.sensor.prefix / "etc/suricata/threshold.config").read_text("utf-8")
    assert left == "suppress gen_id 1, sig_id 2000001\nsuppress gen_id 1, sig_id 18800001\n"


def _tool(site: Site) -> None:
    assert not (site.sensor.prefix / "etc/melsec-nsm").exists()
    assert not (site.sensor.prefix / "home/cache/melsec-nsm").exists()


Check = Callable[[Site], None]
Story = dict[tuple[str, str], tuple[Check, ...]]
STORIES: dict[str, Story] = {
    "repository": {
        (INSTALL, "Install"): (_nothing,),
        (INSTALL, "From a git repository"): (_installed, _loaded, _checked),
        (INSTALL, "Settings"): (_set,),
        (INSTALL, "Upgrade"): (_upgraded, _compiled_again),
        (REMOVE, "For a while"): (_unloaded, _loaded_again),
        (REMOVE, "From a Zeek with zkg"): (_removed, _clean),
    },
    "bundle": {(INSTALL, "From a bundle"): (_bundled, _unbundled, _upgraded_by_bundle)},
    "no compiler": {
        (INSTALL, "Without a compiler"): (_built, _fits, _unpacked, _unpacked_again),
        (REMOVE, "From a Zeek without a compiler"): (_deleted,),
    },
    "others": {(REMOVE, "From a Suricata"): (_thresholds,), (REMOVE, "The tool"): (_tool,)},
}
"""Which blocks of the pages are run on one sensor, one after the other, and what is to be seen then."""


def test_every_block_of_the_pages_is_in_a_story(checkout: Path) -> None:
    found = {
        (page, name): len(some) for page in (INSTALL, REMOVE) for name, some in commands_of(checkout, page).items()
    }
    assert found == {place: len(checks) for story in STORIES.values() for place, checks in story.items()}


@pytest.mark.parametrize("name", STORIES)
def test_the_commands_of_the_pages(site: Site, checkout: Path, name: str) -> None:
    pages = {page: commands_of(checkout, page) for page in (INSTALL, REMOVE)}
    etc = site.sensor.prefix / "etc"
    if name == "others":
        (etc / "melsec-nsm").mkdir()
        (etc / "suricata").mkdir()
        lines = (f"suppress gen_id 1, sig_id {sid}\n" for sid in (2000001, 1880700, 1890012, 18800001))
        (etc / "suricata/threshold.config").write_text("".join(lines), "utf-8")
        (site.sensor.prefix / "home/cache/melsec-nsm").mkdir(parents=True)
    for (page, heading), checks in STORIES[name].items():
        for commands, check in zip(pages[page][heading], checks, strict=True):
            site.does(commands.replace("melsec-nsm doctor\n", "melsec-nsm doctor || true\n"))
            check(site)


# What may go wrong


def test_an_older_zeek_is_refused_and_nothing_changed(site: Site) -> None:
    config = site.sensor.prefix / "bin/zeek-config"
    config.write_text(config.read_text().replace("--prefix)", "--version) echo 7.0.5 ;;\n--prefix)"))
    said = site.does('zkg install "$REPO"', 1)
    assert re.search(r'"zeek" \(7\.0\.5\) is installed, but ".*" requires >=8\.0\.0', said)
    assert "Proceed?" not in said
    assert not site.sensor.scripts.exists()
    assert not site.sensor.analyzer.exists()


def test_an_upgrade_that_does_not_compile_leaves_the_version_before_in_force(site: Site) -> None:
    site.does('zkg install "$REPO"')
    site.sensor.local.write_text("@load packages\n")
    site.settings.write_text('redef MELSEC::disabled_detections += { "file-delete" };\n')
    (site.repository.folder / "zeek/analyzer/melsec.evt").unlink()
    compiler = site.sensor.prefix / "bin/spicyz"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    site.releases()
    said = site.does("zkg refresh && zkg upgrade --skiptests melsec-nsm", 1)
    assert "package build_command failed" in said
    found = site.notices()
    assert {"remote-stop", "clock-set"} <= found
    assert found & {"remote-halt", "file-delete"} == set()
    assert f"{NAME} (installed: v1.0.0)" in site.does("zkg list")


def test_settings_that_a_release_changed_would_displace_those_of_the_site(site: Site) -> None:
    """Why `melsec-nsm release --check` refuses such a release."""
    site.does('zkg install "$REPO"')
    mine = 'redef MELSEC::disabled_detections += { "file-delete" };\n'
    site.settings.write_text(mine)
    theirs = site.repository.folder / "zeek/scripts" / _SETTINGS
    theirs.write_text(theirs.read_text() + "# More.\n")
    site.repository.commit("v1.1.0")
    assert "updated to a newer version" in site.does("zkg refresh && zkg upgrade melsec-nsm")
    assert site.settings.read_bytes() == theirs.read_bytes()
    assert [path.read_text("utf-8") for path in site.backups()] == [mine]


def test_the_path_of_a_clone_stands_for_what_is_checked_out_there(site: Site) -> None:
    site.does(f"zkg install {site.repository.folder}", 1)
    assert "local git clone" in site.said
    site.repository.git("checkout", ".")
    site.does(f"zkg install {site.repository.folder}")
    assert '" (main)' in site.said
    assert "# Not released." in (site.sensor.scripts / "__load__.zeek").read_text("utf-8")


@pytest.mark.parametrize("where", ["spicyz", "c++"])
def test_what_is_missing_is_said_before_it_compiles(checkout: Path, tmp_path: Path, site: Site, where: str) -> None:
    """And where there is no terminal, in what zkg calls the log."""
    (tmp_path / "bin").mkdir()
    for name in ("dirname", "sh"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    if where == "c++":
        (tmp_path / "bin/spicyz").write_text("#!/bin/sh\n")
        (tmp_path / "bin/spicyz").chmod(0o755)
    said = site.does(f"unset HILTI_CXX; PATH={tmp_path}/bin sh {site.repository.folder}/zeek/compile.sh", 1)
    expected = {"spicyz": "spicyz is missing: install", "c++": "there is no C++ compiler: install g++"}
    assert expected[where] in said
    assert not (site.repository.folder / "zeek/build").exists()
    assert (checkout / INSTALL).is_file()
    assert INSTALL in said

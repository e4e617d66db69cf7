"""README and the pages by hand: every command runs, every script loads, every link leads somewhere.

A page is read from the top as its user does: its commands run one after the other in one place, and what it shows as
printed has to be printed. What is not run here is named in one of the tables below, with the test that does.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import Block, anchors, blocks, links, pages
from sensor import OTHERS, Sensor, serving

from melsec_nsm import policy as policies
from melsec_nsm.analysis import verdicts
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.hlto import compiled
from melsec_nsm.engines.share import zeek_analyzer
from melsec_nsm.engines.suricata import SuricataEngine
from melsec_nsm.engines.zeek import ZeekEngine, compiler, complaints, rows
from melsec_nsm.generate.site import TABLE, install, table
from melsec_nsm.generate.site.rules import FIRST_SITE_SID
from melsec_nsm.policy.compiled import CompiledPolicy

INDEX = "tools/docs/README.md"
MADE = "tools/docs/write-a-detection.md"
SITE = "tools/melsec_nsm/definitions/policies/press-shop.yaml"
CAPTURE = "pcaps/site-maintenance.pcap"

ELSEWHERE = {
    "tools/docs/install.md": "tests/e2e/test_zkg.py",
    "tools/docs/remove.md": "tests/e2e/test_zkg.py",
    "tools/docs/troubleshoot.md": "tests/e2e/test_doctor_suricata.py",
    "tools/docs/update.md": "tests/e2e/test_suricata_update.py",
}
"""Pages whose blocks another test runs."""


@dataclass(frozen=True, slots=True)
class Instead:
    """What is done instead of a line that would take too long, why, and the test that runs what it does."""

    line: str
    why: str
    test: str


HEAVY = {
    "make demo": Instead(
        "make -n demo", "judges every capture with every engine", "tests/e2e/test_generated_captures.py"
    ),
    "make test": Instead("make -n test", "runs this test", "tests/e2e/test_docs.py"),
    "make check": Instead(
        "make -n check", "style and types of the whole checkout", "tests/unit/test_generate_project.py"
    ),
    "make generate": Instead("make -o setup-python generate", "the environment is there", "tests/e2e/test_setup.py"),
    'zkg install "$REPO"': Instead("true", "compiles the analyzer twice", "tests/e2e/test_zeek_package.py"),
}
"""Lines of commands that stand for others here."""

_ONE_CAPTURE = """
from melsec_nsm.definitions import load
from melsec_nsm.generate import captures, project
from pathlib import Path
definition = load()
definition.cases.clear()
captures.all_captures = lambda definition: [definition.captures["slmp-3e-energy-counters"]]
print(*(f"wrote {path}" for path in project.write(Path(), captures.render(definition))), sep="\\n")
"""

ON_A_PAGE = {
    ("README.md", "make generate"): "make -n generate",
    ("tools/docs/add-a-command.md", "make generate"): (
        f"make -n generate && .venv/bin/melsec-nsm generate && PYTHONPATH=tools {sys.executable} -c '{_ONE_CAPTURE}'"
    ),
}
"""Other stand-ins on some pages: README changes nothing, and one page that builds all captures is enough."""

EXITS = {("tools/docs/policy.md", "panel --controller press-1 --action remote-stop"): 1}
"""Commands that end with another exit code than 0: part of the line."""

SHOWN = {
    ("README.md", "Two commands"): "the table of verdicts",
    ("README.md", "How it is made"): "the folders",
}
"""Text blocks that are no output of the commands above them, with what they show; tests below compare them."""


def _commanded(checkout: Path) -> list[str]:
    return [
        page
        for page in pages(checkout)
        if page not in ELSEWHERE and any(one.language == "sh" for one in blocks(checkout, page))
    ]


_TOP = Path(__file__).resolve().parents[2]
PAGES = _commanded(_TOP)


# Who runs what


def test_every_block_is_of_a_kind_that_is_run(checkout: Path) -> None:
    found = [one for page in pages(checkout) for one in blocks(checkout, page)]
    assert {one.page for one in found} - {*ELSEWHERE} == {*PAGES}
    assert [str(one) for one in found if one.language not in {"sh", "zeek", "yaml", "text"}] == []


def test_tests_that_are_named_are_there(checkout: Path) -> None:
    named = {*ELSEWHERE.values(), *(one.test for one in HEAVY.values())}
    assert [name for name in sorted(named) if not (checkout / name).is_file()] == []
    for page, test in ELSEWHERE.items():
        assert blocks(checkout, page), f"{page}: nothing to be run by {test}"


def test_tables_name_what_is_there(checkout: Path) -> None:
    lines = {(one.page, line) for page in PAGES for one in blocks(checkout, page) for line in _plain(one)}
    assert {*HEAVY} - {line for _, line in lines} == set()
    assert {*ON_A_PAGE} - lines == set()
    for page, part in EXITS:
        assert any(part in line for of, line in lines if of == page)
    texts = {(one.page, one.heading) for page in PAGES for one in blocks(checkout, page) if one.language == "text"}
    assert {*SHOWN} - texts == set()


def _plain(block: Block) -> list[str]:
    """The lines of commands without remarks."""
    return [re.sub(r"\s+# .*$", "", line) for line in block.text.splitlines()]


# Links


@pytest.mark.parametrize("page", pages(_TOP))
def test_links_lead_somewhere(checkout: Path, page: str) -> None:
    lost = []
    for line, target in links(checkout, page):
        name, _, anchor = target.partition("#")
        path = ((checkout / page).parent / name).resolve() if name else checkout / page
        relative = path.relative_to(checkout).as_posix()
        if not path.exists() or (anchor and anchor not in anchors(checkout, relative)):
            lost.append(f"{page}:{line}: {target}")
    assert lost == []


def test_the_index_has_every_page(checkout: Path) -> None:
    there = {((checkout / INDEX).parent / target.partition("#")[0]).resolve() for _, target in links(checkout, INDEX)}
    wanted = {checkout / page for page in pages(checkout)} - {checkout / INDEX}
    assert wanted - there == set()
    assert INDEX in {target for _, target in links(checkout, "README.md")}


# Commands, and what they print


Packaged = tuple[Path, Path, dict[str, str]]
"""Zeek, the compiled analyzers, and the environment that finds the scripts."""


class Desk:
    """Where a reader of a page sits: a copy of the checkout, and the folders of a sensor."""

    def __init__(self, checkout: Path, folder: Path, suricata: SuricataEngine, rules: str) -> None:
        here = suricata.availability()
        self.sensor = Sensor(folder, str(here.path), rules)
        self.home, self._bin = folder / "home", folder / "bin"
        kept = ("tools", "zeek", "suricata", "pcaps", "Makefile", "zkg.meta", "pyproject.toml", "LICENSE", "CHANGES.md")
        for name in kept:
            if (checkout / name).is_dir():
                shutil.copytree(checkout / name, self.home / name, ignore=shutil.ignore_patterns("build"))
            else:
                shutil.copy(checkout / name, self.home)
        shutil.copy(checkout / SITE, self.home / "site.yaml")
        shutil.copy(checkout / CAPTURE, self.home / "capture.pcap")
        # What README shows in short, a page by task runs as well.
        others = (one for page in PAGES if page != "README.md" for one in blocks(checkout, page))
        sh = [line for one in others if one.language == "sh" for line in _plain(one)]
        self._run_elsewhere = {line.removeprefix(".venv/bin/") for line in sh if "melsec-nsm " in line}
        own = self.home / ".venv" / "bin"
        own.mkdir(parents=True)
        for place in (own, self._bin):
            self._melsec_nsm(place)
        self._program(self._bin / "suricata", f'exec "{here.path}"')

    def _melsec_nsm(self, place: Path, environment: str = "") -> None:
        """Puts the command of this copy into a folder."""
        command = f'PYTHONPATH="{self.home}/tools" exec "{sys.executable}" -m melsec_nsm'
        self._program(place / "melsec-nsm", f"{environment}{command}")

    @staticmethod
    def _program(path: Path, commands: str) -> None:
        path.write_text(f'#!/bin/sh\n{commands} "$@"\n', "utf-8")
        path.chmod(0o755)

    def has_zeek(self, zeek: ZeekEngine) -> None:
        """Puts Zeek with the package of this copy into the path, and logs of a run into ``first-hour``."""
        program, analyzers, environment = _zeek(zeek, self.sensor.folder, self.home / "zeek" / "scripts")
        for place in (self.home / ".venv" / "bin", self._bin):
            self._melsec_nsm(place, f'MELSEC_NSM_ZEEK="{program}" ')
        words = " ".join(f'{name}="{value}"' for name, value in environment.items())
        self._program(self._bin / "zeek", f'{words} exec "{program}" "{analyzers}"')
        self._program(self._bin / "zeek-cut", f'exec "{program.parent}/zeek-cut"')
        (self.home / "first-hour").mkdir()
        self.sensor.does(f"zeek -C -r {CAPTURE} packages Log::default_logdir=first-hour")

    def does(self, block: Block) -> str:
        """Runs the lines of a block; what they print."""
        lines = []
        code = 0
        for line in _plain(block):
            if block.page == "README.md" and line.removeprefix(".venv/bin/") in self._run_elsewhere:
                continue
            done = HEAVY[line].line if line in HEAVY else line
            lines.append(ON_A_PAGE.get((block.page, line), done))
            code = max(
                [code, *(number for (page, part), number in EXITS.items() if page == block.page and part in line)]
            )
        commands = "\n".join(lines).replace("/path/to/melsec-nsm", str(self.home))
        return self.sensor.does(f"KEY={shlex.quote(str(self.sensor.folder / 'key'))}\n{commands}", code)

    def writes(self, block: Block) -> bool:
        """Writes a block of YAML into the file that the paragraph before it names; whether it names one."""
        below = re.search(r"Below `(?P<key>\w+):` in `(?P<path>[^`]+\.yaml)`:$", block.before)
        if below is not None:
            path = self.home / below["path"]
            text = path.read_text("utf-8")
            key = f"\n{below['key']}:\n"
            assert text.count(key) == 1, block
            path.write_text(text.replace(key, key + block.text), "utf-8")
            return True
        whole = re.search(r"`(?P<path>[^`]+\.yaml)`:$", block.before)
        if whole is not None:
            (self.home / whole["path"]).write_text(block.text, "utf-8")
        return whole is not None


def _zeek(zeek: ZeekEngine, folder: Path, scripts: Path) -> Packaged:
    """A Zeek in whose path ``packages`` are the scripts of ours."""
    here = zeek.availability()
    assert here.path is not None
    assert here.version is not None
    program = Path(here.path)
    for name in ("site/packages", "plugins"):
        (folder / name).mkdir(parents=True)
    (folder / "site/packages/__load__.zeek").write_text(f"@load {scripts}\n", "utf-8")
    config = program.parent / "zeek-config"
    paths = subprocess.run([config, "--zeekpath"], capture_output=True, text=True, check=True).stdout.strip()
    environment = {"ZEEKPATH": f"{folder / 'site'}:{paths}", "ZEEK_PLUGIN_PATH": str(folder / "plugins"), "TZ": "UTC"}
    return program, compiled(zeek_analyzer(), compiler(program), here.version), environment


def _merged(desk: Desk, _: str) -> None:
    assert desk.sensor.on("remote-stop") == {True}


def _site_loaded(desk: Desk, _: str) -> None:
    assert len([sid for sid in desk.sensor.rules() if sid >= FIRST_SITE_SID]) > 100


def _hook_refuses(desk: Desk, _: str) -> None:
    commit = "git -c user.name=x -c user.email=x@example.invalid commit -q -m policy"
    (desk.home / "policy/site.yaml").write_text("site: press-shop\nzone: {}\n", "utf-8")
    said = desk.sensor.does(f"cd policy && git add site.yaml && {commit}", code=1)
    assert "site.yaml:2:1: " in said


def _some_off(desk: Desk, _: str) -> None:
    # One that is named, and one of the severity that is.
    assert (desk.sensor.on("clock-set"), desk.sensor.on("node-search")) == ({False}, {True})
    assert (desk.sensor.on("discovery-sweep"), desk.sensor.on("remote-stop")) == ({False}, {True})


def _all_off(desk: Desk, _: str) -> None:
    assert {rule.on for rule in desk.sensor.rules().values() if rule.detection} == {False}


CHECKS: Mapping[tuple[str, str], Callable[[Desk, str], None]] = {
    ("README.md", "suricata-update --local /path/to/melsec-nsm/suricata/rules/melsec.rules"): _merged,
    ("tools/docs/policy.md", "suricata-update --local /etc/melsec-nsm/suricata"): _site_loaded,
    ("tools/docs/policy.md", "git init -q policy && cp site.yaml policy/ && cd policy"): _hook_refuses,
    ("tools/docs/tune.md", "echo 'metadata: melsec_id clock-set' >> /etc/suricata/disable.conf"): _some_off,
    ("tools/docs/tune.md", "echo 'group:melsec.rules' >> /etc/suricata/disable.conf"): _all_off,
}
"""What is to be seen after the commands of a block, by its first line."""


def test_checks_are_of_blocks_that_are_there(checkout: Path) -> None:
    there = {(page, one.first) for page in PAGES for one in blocks(checkout, page) if one.language == "sh"}
    assert {*CHECKS} - there == set()


def _missing_line(shown: str, said: str) -> str | None:
    """The first line of a text block that was not printed; ``…`` stands for anything, spaces for spaces."""
    printed = {" ".join(line.split()) for line in said.splitlines()}
    for line in shown.splitlines():
        wanted = " ".join(line.split())
        pattern = re.compile(re.escape(wanted).replace("…", ".*"))
        if not any(pattern.fullmatch(one) for one in printed):
            return wanted
    return None


def test_a_line_that_was_not_printed_is_missed() -> None:
    assert _missing_line("a  b\nc … e\n", "a b\nc d e\n") is None
    assert _missing_line("a b\nc\n", "a b\nc d e\n") == "c"


@pytest.fixture
def desk(checkout: Path, tmp_path: Path, suricata: SuricataEngine) -> Iterator[Desk]:
    """A desk whose sensor has the rules of the checkout."""
    served = tmp_path / "www"
    served.mkdir()
    (served / "others.rules").write_bytes(OTHERS)
    with serving(served) as url:
        found = Desk(checkout, tmp_path / "desk", suricata, url)
        found.sensor.configure(local=[str(found.home / "suricata/rules/melsec.rules")])
        yield found


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page(checkout: Path, desk: Desk, request: pytest.FixtureRequest, page: str) -> None:
    found = blocks(checkout, page)
    commands = "".join(one.text for one in found if one.language == "sh")
    if re.search(r"\bzeek|melsec-nsm test pcaps", commands):
        desk.has_zeek(request.getfixturevalue("zeek"))
    if '"$KEY"' in commands:
        if shutil.which("ssh-keygen") is None:
            pytest.skip("ssh-keygen: absent")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", desk.sensor.folder / "key"], check=True)
    said = ""
    absent: set[str] = set()
    for one in found:
        if one.language == "sh":
            program = one.first.partition(" ")[0]
            if program in {"jq", "git"} and shutil.which(program) is None:
                absent.add(program)
                said = "absent"
                continue
            said = desk.does(one)
            if (page, one.first) in CHECKS:
                CHECKS[page, one.first](desk, said)
        elif one.language == "yaml":
            desk.writes(one)
        elif one.language == "text" and (page, one.heading) not in SHOWN and said != "absent":
            missing = _missing_line(one.text, said)
            assert missing is None, f"{one}: {missing!r} is not in\n{said}"
    if absent:
        pytest.skip(f"{', '.join(sorted(absent))}: absent; the other commands ran")


# YAML


def test_yaml_is_written_or_a_part_of_a_policy(checkout: Path, tmp_path: Path, definition: Definition) -> None:
    whole = yaml.safe_load((checkout / SITE).read_text("utf-8"))
    for page in PAGES:
        for one in blocks(checkout, page):
            if one.language != "yaml" or re.search(r"\.yaml`:$", one.before):
                continue
            # Only the value of a key of a policy can stand alone.
            path = tmp_path / "site.yaml"
            path.write_text(yaml.safe_dump(whole | yaml.safe_load(one.text), sort_keys=False), "utf-8")
            assert [str(issue) for issue in policies.validate(path, definition)] == [], one


# Zeek


Logs = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a block does to a capture: detections that are gone, and what else is to be seen.

    ``more`` is appended to the block; ``seen`` gets the lines of logs by their name.
    """

    capture: str
    gone: frozenset[str] = frozenset()
    seen: Callable[[Logs], bool] = lambda _: True
    more: str = ""


def _summed(logs: Logs) -> bool:
    lines = logs("melsec")
    return any("repeats" in line for line in lines) and sum(line.get("repeats", 1) for line in lines) > len(lines)


def _unlogged(logs: Logs) -> bool:
    mine = [line for name in ("melsec", "melsec_engineering", "melsec_assets") for line in logs(name)]
    return mine == [] and logs("notice") != []


def _unhinted(logs: Logs) -> bool:
    return [line["message"] for line in logs("reporter")] == ["F F F F F F T T"]


_HINTS = """
event zeek_init() &priority=-10
    {
    local a = Analyzer::registered_ports(Analyzer::ANALYZER_MELSEC_TCP);
    local b = Analyzer::registered_ports(Analyzer::ANALYZER_MELSEC_UDP);
    local c = likely_server_ports;
    Reporter::info(cat_sep(" ", "", 5000/tcp in a, 5001/tcp in a, 5000/udp in b, 5001/udp in b, 5000/tcp in c,
        5001/udp in c, 5007/tcp in a, 5007/tcp in c));
    }
"""

_MAINTENANCE = frozenset({"remote-stop", "program-download", "remote-run"})

EFFECTS: Mapping[tuple[str, str], tuple[Effect, ...]] = {
    ("tools/docs/policy.md", "Load into Zeek"): (
        Effect(
            "site-maintenance",
            seen=lambda logs: (
                "MELSEC: the policy of press-shop is in force" in {line["message"] for line in logs("reporter")}
            ),
        ),
    ),
    ("tools/docs/tune.md", "A detection"): (Effect("slmp-discovery-sweep", frozenset({"type-name-read"})),),
    ("tools/docs/tune.md", "A detection of some clients"): (Effect("slmp-3e-remote-stop", frozenset({"remote-stop"})),),
    ("tools/docs/tune.md", "How often, and how long"): (
        Effect("slmp-3e-password-guessing", frozenset({"password-guessing"})),
    ),
    ("tools/docs/tune.md", "A severity, or all of them"): (
        Effect("slmp-discovery-sweep", frozenset({"type-name-read"})),
        Effect("slmp-discovery-sweep", frozenset({"type-name-read"})),
    ),
    ("tools/docs/tune.md", "Polling"): (Effect("slmp-3e-poll", seen=_summed),),
    ("tools/docs/tune.md", "A log"): (Effect("site-maintenance", seen=_unlogged),),
    ("tools/docs/tune.md", "Lines of a log"): (
        Effect(
            "site-maintenance",
            seen=lambda logs: {line["class"] for line in logs("melsec")} == {"identify", "control", "file"},
        ),
        Effect("site-maintenance", seen=lambda logs: logs("files") == [] and logs("melsec_engineering") != []),
        Effect("slmp-3e-garbage", seen=lambda logs: logs("weird") == []),
    ),
    ("tools/docs/tune.md", "Ports"): (Effect("site-maintenance", seen=_unhinted, more=_HINTS),),
    ("tools/docs/tune.md", "Everything"): (
        Effect("site-maintenance", _MAINTENANCE, lambda logs: logs("melsec") == [] and logs("conn") != []),
    ),
}
"""What the blocks below a heading do."""


def _zeek_blocks(checkout: Path) -> dict[tuple[str, str], list[Block]]:
    found: dict[tuple[str, str], list[Block]] = {}
    for page in PAGES:
        for one in blocks(checkout, page):
            if one.language == "zeek":
                found.setdefault((page, one.heading), []).append(one)
    return found


ZEEK_BLOCKS = _zeek_blocks(_TOP)


def test_every_block_of_the_page_on_noise_has_an_effect() -> None:
    found = {key: len(ones) for key, ones in ZEEK_BLOCKS.items()}
    assert {key: len(effects) for key, effects in EFFECTS.items()}.items() <= found.items()
    assert {heading for page, heading in found if page.endswith("tune.md")} == {
        heading for page, heading in EFFECTS if page.endswith("tune.md")
    }


@pytest.fixture
def packaged(checkout: Path, tmp_path: Path, zeek: ZeekEngine) -> Packaged:
    """Zeek with the package of the checkout."""
    return _zeek(zeek, tmp_path, checkout / "zeek" / "scripts")


@pytest.fixture(scope="module")
def site_table(checkout: Path, tmp_path_factory: pytest.TempPathFactory, definition: Definition) -> Path:
    """A folder with a policy as Zeek reads it, below ``etc``."""
    folder = tmp_path_factory.mktemp("site")
    site = CompiledPolicy(policies.load(checkout / SITE, definition), definition)
    install(folder / "etc/melsec-nsm", {TABLE: table.render(site)})
    return folder


@pytest.fixture(scope="module")
def manifest(checkout: Path) -> list[verdicts.Expectation]:
    """What the engines have to say of the captures."""
    return verdicts.expectations([checkout / "pcaps"])


@pytest.mark.parametrize("where", [*ZEEK_BLOCKS], ids=" ".join)
def test_zeek_loads_a_block_and_it_does_what_it_says(
    tmp_path: Path,
    packaged: Packaged,
    site_table: Path,
    manifest: list[verdicts.Expectation],
    where: tuple[str, str],
) -> None:
    program, analyzers, environment = packaged
    captures = {one.name: one for one in manifest}
    found = ZEEK_BLOCKS[where]
    effects = EFFECTS.get(where, (Effect("site-maintenance"),) * len(found))
    for number, (block, effect) in enumerate(zip(found, effects, strict=True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        text = "" if "@load packages" in block.text else "@load packages\n"
        text += block.text.replace("/etc/", f"{site_table}/etc/") + effect.more
        (folder / "local.zeek").write_text(text, "utf-8")
        capture = captures[effect.capture].capture
        wanted = {*captures[effect.capture].detections["zeek"]}
        command: list[str | Path] = [program, "-C", "-r", capture, analyzers, "local.zeek", "LogAscii::use_json=T"]
        done = subprocess.run(
            command, cwd=folder, env=dict(os.environ) | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}: {done.stderr}"
        assert complaints(folder) == [], block
        raised = {line["melsec_detection"] for line in rows(folder, "notice") if "melsec_detection" in line}
        assert effect.gone <= wanted, block
        if "policy_file" not in block.text:
            assert raised == wanted - effect.gone, block
        assert effect.seen(lambda name, logs=folder: list(rows(logs, name))), block  # type: ignore[misc]


# What README shows


def test_the_verdicts_that_readme_shows_are_those_of_the_manifest(
    checkout: Path, definition: Definition, manifest: list[verdicts.Expectation]
) -> None:
    (shown,) = (
        one for one in blocks(checkout, "README.md") if one.language == "text" and one.heading == "Two commands"
    )
    counts = re.findall(
        r"^(reference|zeek|suricata) \S+: (\d+) captures, 0 with differences$", shown.text, re.MULTILINE
    )
    assert counts == [(engine, str(len(manifest))) for engine in ("reference", "zeek", "suricata")]
    shown_rows = re.findall(r"^│ ([a-z-]+) +│ ([a-z]+) +│ (.+?) +│ (.+?) +│ (.+?) +│$", shown.text, re.MULTILINE)
    assert len(shown_rows) > 2
    for name, severity, *cells in shown_rows:
        assert severity == definition.detections[name].severity
        for engine, cell in zip(("reference", "zeek", "suricata"), cells, strict=True):
            number = sum(name in one.detections[engine] for one in manifest)
            absent = engine in definition.detections[name].unsupported
            assert cell == ("not here" if absent else f"{number} / {number}"), (name, engine)


def test_the_folders_that_readme_shows_are_there(checkout: Path) -> None:
    (shown,) = (
        one for one in blocks(checkout, "README.md") if one.language == "text" and one.heading == "How it is made"
    )
    top = ""
    for line in shown.text.splitlines():
        top = line.split()[0] if not line.startswith(" ") else top
        assert (checkout / top).is_dir()
        for name in (word.rstrip("/") for word in line.split() if "/" in word):
            for one in _spread(name):
                assert (checkout / top / one).exists() or one == top.rstrip("/"), f"{top}: {one}"


def _spread(name: str) -> list[str]:
    """``a/{b,c}`` as ``a/b`` and ``a/c``."""
    found = re.fullmatch(r"(.*)\{(.*)\}", name)
    return [name] if found is None else [f"{found[1]}{one}" for one in found[2].split(",")]


def test_the_columns_that_the_page_of_logs_names_are_those_of_zeek(
    checkout: Path, tmp_path: Path, packaged: Packaged
) -> None:
    program, analyzers, environment = packaged
    command: list[str | Path] = [program, "-C", "-r", checkout / CAPTURE, analyzers, "packages"]
    subprocess.run(command, cwd=tmp_path, env=dict(os.environ) | environment, check=True)
    page = (checkout / "tools/docs/logs.md").read_text("utf-8")
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        name = part.partition("\n")[0]
        if not name.endswith(".log"):
            continue
        named = set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))
        (header,) = (line for line in (tmp_path / name).read_text("utf-8").splitlines() if line.startswith("#fields"))
        columns = {
            column.partition(".")[0] if column.startswith("id.") else column for column in header.split("\t")[1:]
        }
        assert named == ({one for one in columns if one.startswith("melsec_")} if name == "notice.log" else columns)

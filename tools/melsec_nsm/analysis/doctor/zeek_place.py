"""Where a Zeek has its parts, and what it says of itself. Nothing of the site's scripts is run, only parsed."""

from __future__ import annotations

import configparser
import json
import os
import re
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from melsec_nsm.engines import EngineError
from melsec_nsm.engines.hlto import BUILT_FOR
from melsec_nsm.engines.locate import ZEEK, locate
from melsec_nsm.engines.process import Outcome, run
from melsec_nsm.generate.zeek.signatures import ANALYZERS

_ASKED = ("--prefix", "--site_dir", "--plugin_dir", "--config_dir")
_TOLD = "melsec-doctor "
_OWN_MARK = f"ANALYZER_{ANALYZERS['tcp']}"
"""What only the entry script of this package asks for."""
_SETTING = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_PATIENCE = 120


@dataclass(frozen=True, slots=True)
class Zeek:
    """A Zeek on this machine. ``packages`` and ``plugins`` are the folders into which zkg installs."""

    program: Path
    version: str
    prefix: Path
    site: Path
    config: Path
    packages: Path
    plugins: Path
    state: Path

    @property
    def local(self) -> Path:
        """The script that says what this sensor loads."""
        return self.site / "local.zeek"

    def own_package(self) -> Path | None:
        """The installed scripts of this bundle, whatever name they were installed under. OSError."""
        folders = sorted(self.packages.iterdir()) if self.packages.is_dir() else []
        for entry in (one / "__load__.zeek" for one in folders):
            if entry.is_file() and _OWN_MARK in entry.read_text("utf-8", "replace"):
                return entry.parent
        return None

    def manifest(self, name: str) -> dict[str, Any]:
        """What zkg has noted of a package; nothing where it cannot be read."""
        try:
            noted = json.loads((self.state / "manifest.json").read_text("utf-8"))
            for one in noted["installed_packages"]:
                if one["package_dict"]["name"] == name:
                    return {"url": one["package_dict"]["git_url"], **one["status_dict"]}
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return {}

    def unpacked(self) -> dict[str, str]:
        """What a package was built for (``zeek``, ``machine``) that came with its analyzers compiled.

        Empty where it was installed by zkg, cannot be read, or is not there.
        """
        try:
            package = self.own_package()
            if package is None:
                return {}
            lines = (self.plugins / package.name / BUILT_FOR).read_text("utf-8", "replace").splitlines()
        except OSError:
            return {}
        return dict(line.split(" ", 1) for line in lines if " " in line)

    def control(self) -> dict[str, str]:
        """The settings of zeekctl, empty where there is none. OSError."""
        file = self.config / "zeekctl.cfg"
        return dict(_SETTING.findall(file.read_text("utf-8", "replace"))) if file.is_file() else {}

    def logs(self) -> Path:
        """The folder of the logs that are being written. OSError."""
        return Path(self.control().get("LogDir", str(self.prefix / "logs"))) / "current"

    def deployed(self) -> Path:
        """Where zeekctl puts the site's scripts for those who run. OSError."""
        spool = Path(self.control().get("SpoolDir", str(self.prefix / "spool")))
        return spool / "installed-scripts-do-not-touch" / "site"

    def plugins_outcome(self) -> Outcome:
        """What it says of all that it can analyse, this bundle's analyzers among it. EngineError."""
        return self._run("-NN")

    def parsed(self) -> tuple[dict[str, str], str]:
        """What options are set to once ``local.zeek`` is read, and why it cannot be read (else empty). EngineError."""
        question = Path(str(resources.files(__package__) / "ask.zeek"))
        outcome = self._run("--parse-only", self.local, question)
        lines = (line.removeprefix(_TOLD).partition("=") for line in outcome.stdout.splitlines() if _TOLD in line)
        complaint = "" if outcome.code == 0 else first_error(outcome)
        return {name: value for name, _, value in lines}, complaint

    def _run(self, *arguments: str | Path) -> Outcome:
        # In an empty folder: the current one is in Zeek's search path.
        with tempfile.TemporaryDirectory(prefix="melsec-nsm-doctor-") as folder:
            return run([self.program, *arguments], Path(folder), timeout=_PATIENCE)


def first_error(outcome: Outcome) -> str:
    """The first complaint: those behind it follow from it."""
    lines = [line.strip() for line in (outcome.stderr + "\n" + outcome.stdout).splitlines()]
    return next((line for line in lines if "error" in line.lower()), outcome.failure())


def find(chosen: Path | None) -> Zeek | None:
    """The Zeek that is meant (its prefix or its program), else that of this machine; None where there is none.

    One that is too old is none either. EngineError where the chosen one is none.
    """
    environment = dict(os.environ)
    if chosen is not None:
        environment[ZEEK.variable] = str(chosen / "bin" / "zeek" if chosen.is_dir() else chosen)
    here = locate(ZEEK, environment)
    if here.path is None or here.version is None:
        if chosen is not None:
            reason = here.reason if here.path else "there is no program zeek"
            raise EngineError(f"--zeek {chosen}: {reason}")
        return None
    return _look(Path(here.path), here.version)


def _look(program: Path, version: str) -> Zeek:
    prefix, site, plugins, config = _folders(program)
    file = Path(os.environ.get("ZKG_CONFIG_FILE") or config / "zkg" / "config")
    paths = _zkg_paths(file)
    return Zeek(
        program=program,
        version=version,
        prefix=prefix,
        site=site,
        config=config,
        packages=Path(paths.get("script_dir", str(site))) / "packages",
        plugins=Path(paths.get("plugin_dir", str(plugins))) / "packages",
        state=Path(paths.get("state_dir", str(prefix / "var" / "lib" / "zkg"))),
    )


def _folders(program: Path) -> tuple[Path, Path, Path, Path]:
    """Prefix, site, plugins, configuration: as zeek-config says, else as they usually are."""
    for beside in (program.parent, program.resolve().parent):
        if (beside / "zeek-config").is_file():
            with tempfile.TemporaryDirectory(prefix="melsec-nsm-doctor-") as folder:
                outcome = run([beside / "zeek-config", *_ASKED], Path(folder), timeout=_PATIENCE)
            lines = outcome.stdout.splitlines()
            if outcome.code == 0 and len(lines) == len(_ASKED):
                prefix, site, plugins, config = map(Path, lines)
                return prefix, site, plugins, config
    prefix = program.resolve().parent.parent
    return prefix, prefix / "share/zeek/site", prefix / "lib/zeek/plugins", prefix / "etc"


def _zkg_paths(file: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(file, "utf-8")
    except (OSError, configparser.Error):
        return {}
    return dict(parser["paths"]) if parser.has_section("paths") else {}

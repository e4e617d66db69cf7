"""A sensor with Zeek below a prefix of its own, and the package that zkg installs there.

Zeek is that of the machine, and so is what it says of itself, but for the folders. Its Spicy compiler only copies the
analyzers that are compiled already, so that an installation takes no minutes: the package is built by its own command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from shell import shell

from melsec_nsm.engines.hlto import compiled
from melsec_nsm.engines.share import zeek_analyzer
from melsec_nsm.engines.zeek import ZeekEngine, compiler

_ZEEK = """\
#!/bin/sh
prefix=$(cd "$(dirname "$0")/.." && pwd)
export ZEEKPATH="${{ZEEKPATH:-$prefix/share/zeek/site:{zeekpath}}}"
export ZEEK_PLUGIN_PATH="${{ZEEK_PLUGIN_PATH:-$prefix/lib/zeek/plugins}}"
exec {zeek} "$@"
"""
_CONFIG = """\
#!/bin/sh
prefix=$(cd "$(dirname "$0")/.." && pwd)
for asked; do case "$asked" in
--prefix) echo "$prefix" ;;
--site_dir) echo "$prefix/share/zeek/site" ;;
--plugin_dir) echo "$prefix/lib/zeek/plugins" ;;
--config_dir) echo "$prefix/etc" ;;
*) {config} "$asked" ;;
esac done
"""
_COPIES = """\
#!/bin/sh
[ "$1" = -o ] && exec cp {analyzer} "$2"
exit 2
"""
_ZKG = """\
[sources]
zeek = file://{0}/no-network
[paths]
state_dir = {0}/var/lib/zkg
script_dir = {0}/share/zeek/site
plugin_dir = {0}/lib/zeek/plugins
bin_dir = {0}/bin
"""
NAME = "melsec-nsm"


@dataclass(frozen=True)
class ZeekSensor:
    """A Zeek below a prefix, and zkg for it."""

    prefix: Path

    @property
    def site(self) -> Path:
        return self.prefix / "share/zeek/site"

    @property
    def local(self) -> Path:
        return self.site / "local.zeek"

    @property
    def scripts(self) -> Path:
        return self.site / "packages" / NAME

    @property
    def analyzer(self) -> Path:
        return self.prefix / "lib/zeek/plugins/packages" / NAME / "melsec.hlto"

    @property
    def state(self) -> Path:
        return self.prefix / "var/lib/zkg"

    @property
    def environment(self) -> dict[str, str]:
        """With the programs of this Zeek, and zkg of the environment that the tests run in."""
        path = os.pathsep.join([str(self.prefix / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        home = self.prefix / "home"
        home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZEEK", "ZKG", "MELSEC_NSM"))}
        own = {"PATH": path, "ZKG_CONFIG_FILE": str(self.prefix / "etc/zkg/config"), "HOME": str(home)}
        return kept | own | {"XDG_CACHE_HOME": str(home / "cache"), "GIT_TERMINAL_PROMPT": "0"}

    def does(self, commands: str, code: int = 0, **variables: str) -> str:
        """Runs commands as a page has them, in the home of its user; what they print. They end with ``code``."""
        environment = self.environment | variables
        found, printed = shell(commands, self.prefix / "home", environment, self.prefix, agrees=True)
        assert found == code, printed
        return printed


def programs(zeek: ZeekEngine, prefix: Path, spicyz: str | None = None) -> None:
    """Puts the programs of a Zeek below a prefix; the Spicy compiler is the script ``spicyz``, or copies."""
    here = zeek.availability()
    assert here.path is not None
    assert here.version is not None
    real = Path(here.path)
    if spicyz is None:
        spicyz = _COPIES.format(analyzer=compiled(zeek_analyzer(), compiler(real), here.version))
    told = subprocess.run([real.parent / "zeek-config", "--zeekpath"], capture_output=True, text=True, check=True)
    (prefix / "bin").mkdir(parents=True)
    for name, text in (
        ("zeek", _ZEEK.format(zeekpath=told.stdout.strip(), zeek=real)),
        ("spicyz", spicyz),
        ("zeek-config", _CONFIG.format(config=real.parent / "zeek-config")),
    ):
        (prefix / "bin" / name).write_text(text)
        (prefix / "bin" / name).chmod(0o755)


def configured(prefix: Path, before: Path | None = None) -> None:
    """Tells zkg where everything is; ``before`` is the prefix that its files were copied from."""
    (prefix / "etc/zkg").mkdir(parents=True, exist_ok=True)
    (prefix / "etc/zkg/config").write_text(_ZKG.format(prefix))
    if before is not None:
        # zkg would move what it has installed there.
        manifest = prefix / "var/lib/zkg/manifest.json"
        manifest.write_text(manifest.read_text().replace(f"{before}/", f"{prefix}/"))


def sensor(zeek: ZeekEngine, prefix: Path, spicyz: str | None = None) -> ZeekSensor:
    """One without the package."""
    programs(zeek, prefix, spicyz)
    configured(prefix)
    made = ZeekSensor(prefix)
    made.site.mkdir(parents=True)
    made.local.write_text("")
    for name in ("zkg", "git"):
        if shutil.which(name, path=made.environment["PATH"]) is None:
            pytest.skip(f"{name} is not installed")
    return made


class Repository:
    """A git repository of the package, as a checkout has it but for its tests."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        self.folder = folder
        for name in ("zeek/scripts", "zeek/analyzer"):
            shutil.copytree(checkout / name, folder / name)
        for name in ("LICENSE", "zeek/compile.sh"):
            shutil.copy(checkout / name, folder / name)
        # btest takes minutes.
        meta = re.sub(r"(?m)^test_command = .*$", "test_command = true", (checkout / "zkg.meta").read_text("utf-8"))
        (folder / "zkg.meta").write_text(meta, "utf-8")
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> None:
        """Runs git in it."""
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        off = ("-c", "tag.gpgsign=false", "-c", "core.hooksPath=/dev/null")
        subprocess.run(["git", *who, *off, *words], cwd=self.folder, check=True, capture_output=True)

    def commit(self, tag: str | None = None) -> None:
        """Commits everything, as a release where there is a tag."""
        self.git("add", ".")
        self.git("commit", "-q", "--allow-empty", "-m", tag or "package")
        if tag is not None:
            self.git("tag", tag)

    @property
    def url(self) -> str:
        """Its address."""
        return f"file://{self.folder}"


def column(log: Path, name: str) -> set[str]:
    """The values of a column of a log in TSV, none where there is no log."""
    if not log.is_file():
        return set()
    lines = log.read_text("utf-8").splitlines()
    (names,) = (line.split("\t")[1:] for line in lines if line.startswith("#fields"))
    return {line.split("\t")[names.index(name)] for line in lines if not re.match("#", line)}

"""The Zeek package as its users get it: btest in the checkout, and zkg from a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from melsec_nsm.engines.hlto import compiled
from melsec_nsm.engines.share import zeek_analyzer
from melsec_nsm.engines.zeek import ZeekEngine, compiler


def _program(name: str) -> str:
    """A program of the virtual environment that the tests run in, else of the machine."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _environment(zeek: ZeekEngine) -> dict[str, str]:
    """With Zeek's own programs and those of the virtual environment in the path."""
    here = zeek.availability()
    assert here.path is not None
    path = os.pathsep.join([str(Path(here.path).parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    return dict(os.environ) | {"PATH": path}


def _run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_btest(zeek: ZeekEngine, checkout: Path, tmp_path: Path) -> None:
    here = zeek.availability()
    assert here.path is not None
    assert here.version is not None
    hlto = compiled(zeek_analyzer(), compiler(Path(here.path)), here.version)
    (tmp_path / "melsec.hlto").symlink_to(hlto)
    environment = _environment(zeek) | {"MELSEC_NSM_PLUGINS": str(tmp_path)}
    _run([_program("btest"), "-d", "-j", "2", "-c", "btest.cfg"], checkout / "tests" / "zeek", environment)


def test_zkg_installs_tests_and_loads_a_clone(zeek: ZeekEngine, checkout: Path, tmp_path: Path) -> None:
    git, zkg = _program("git"), _program("zkg")
    if not (checkout / ".git").exists():
        pytest.skip("not a git checkout")
    clone = tmp_path / "melsec-nsm"
    environment = _environment(zeek)
    _run([git, "clone", "--quiet", checkout, clone], tmp_path, environment)
    folders = {name: tmp_path / name for name in ("state_dir", "script_dir", "plugin_dir", "bin_dir")}
    config = tmp_path / "zkg.ini"
    config.write_text("[paths]\n" + "".join(f"{name} = {folder}\n" for name, folder in folders.items()), "utf-8")

    _run([zkg, "--configfile", config, "install", "--force", clone], tmp_path, environment)

    zeekpath = _run(["zeek-config", "--zeekpath"], tmp_path, environment).strip()
    environment |= {
        "ZEEK_PLUGIN_PATH": str(folders["plugin_dir"]),
        "ZEEKPATH": os.pathsep.join([str(folders["script_dir"]), zeekpath]),
    }
    assert "MELSEC_TCP" in _run(["zeek", "-NN"], tmp_path, environment)
    logs = tmp_path / "logs"
    logs.mkdir()
    capture = checkout / "pcaps" / "slmp-3e-remote-stop.pcap"
    _run(["zeek", "-r", capture, "packages"], logs, environment)
    assert "remote-stop" in (logs / "melsec.log").read_text("utf-8")
    assert "remote-stop" in (logs / "notice.log").read_text("utf-8")

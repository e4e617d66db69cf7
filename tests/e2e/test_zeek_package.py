"""The Zeek package as its users get it: btest in the checkout, and zkg from a clone."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import zeek_sensor
from zeek_sensor import column

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


_ONCE = """\
#!/bin/sh
# Compiles, and copies what it compiled when it is asked again.
set -e
[ "$1" = -o ]
echo compiled >> {made}.asked
[ -f {made} ] || {{ {spicyz} "$@"; cp "$2" {made}; }}
cp {made} "$2"
"""


def _on_a_terminal(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> str:
    """What somebody sees who runs a command, and says yes to what it asks."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(command[0], [str(word) for word in command], environment)
    os.write(terminal, b"y\n")
    seen = b""
    while True:
        try:
            octets = os.read(terminal, 4096)
        except OSError:
            # On Linux that is how a terminal ends.
            break
        if not octets:
            break
        seen += octets
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    text = seen.decode("utf-8", "replace").replace("\r\n", "\n")
    assert os.waitstatus_to_exitcode(status) == 0, text
    return text


def test_zkg_compiles_tests_and_installs_a_clone(zeek: ZeekEngine, checkout: Path, tmp_path: Path) -> None:
    git = _program("git")
    if not (checkout / ".git").exists():
        pytest.skip("not a git checkout")
    here = zeek.availability()
    assert here.path is not None
    made = tmp_path / "made.hlto"
    sensor = zeek_sensor.sensor(zeek, tmp_path / "zeek", _ONCE.format(made=made, spicyz=compiler(Path(here.path))))
    environment = sensor.environment
    clone = tmp_path / "melsec-nsm"
    _run([git, "clone", "--quiet", checkout, clone], tmp_path, environment)

    seen = _on_a_terminal([_program("zkg"), "install", clone], tmp_path, environment)

    # What it takes is said before it begins: before it is asked about, and when the compiler is called.
    before, question, after = seen.partition("Proceed?")
    assert question
    assert "time-to-compile" in before
    tested, _, installed = after.partition("Installing ")
    assert "Running unit tests" in tested
    assert "melsec-nsm: compiling the analyzers, which takes" in tested
    assert "melsec-nsm: compiling the analyzers, which takes" in installed
    assert made.with_name("made.hlto.asked").read_text() == "compiled\n" * 2
    assert "MELSEC_TCP" in sensor.does("zeek -NN")
    sensor.local.write_text("@load packages\n")
    sensor.does(f"zeek -r {checkout / 'pcaps/slmp-3e-remote-stop.pcap'} local")
    assert "remote-stop" in column(sensor.prefix / "home/melsec.log", "operation")
    assert "remote-stop" in column(sensor.prefix / "home/notice.log", "melsec_detection")

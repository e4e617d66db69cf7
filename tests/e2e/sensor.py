"""A sensor with suricata-update in folders of its own, and the commands of a page run on it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from shell import shell

from melsec_nsm.engines.process import run
from melsec_nsm.engines.suricata import environment, read_alerts

_RULE = re.compile(r"^(?P<off># )?(?P<text>\w+ [^(]+\(.*\bsid:(?P<sid>\d+);.*\))$")
_HOUR = 3600

# What another vendor's source has; suricata-update asks for ET Open where no source is enabled.
OTHERS = b'alert tcp any any -> any 9 (msg:"OTHER"; content:"other"; sid:2000001; rev:1;)\n'


def suricata_update() -> Path:
    """The program of this environment, or of the machine."""
    own = Path(sys.executable).with_name("suricata-update")
    found = str(own) if own.is_file() else shutil.which("suricata-update")
    if found is None:
        pytest.skip("suricata-update is absent: pip install suricata-update")
    return Path(found)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing of requests."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A web server on the loopback for a folder; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, slots=True)
class Merged:
    """A rule in the merged file: whether it is on, and its text."""

    on: bool
    text: str

    @property
    def detection(self) -> str:
        """The detection that it belongs to, nothing for a silent rule or one of others."""
        found = re.search(r"melsec_id ([a-z-]+)", self.text)
        return found[1] if found else ""


class Sensor:
    """Folders like those of a sensor, below one folder: ``etc/suricata``, ``var``, ``srv``."""

    def __init__(self, folder: Path, suricata: str, rules: str) -> None:
        self.folder, self._suricata = folder, suricata
        self.etc, self.data = folder / "etc" / "suricata", folder / "var" / "lib" / "suricata"
        for path in (self.etc, self.data, folder / "home", folder / "bin", folder / "none", folder / "tmp"):
            path.mkdir(parents=True)
        files = resources.files("melsec_nsm.engines") / "data"
        named = {"classification-file": "classification.config", "reference-config-file": "reference.config"}
        named["threshold-file"] = "threshold.config"
        settings = (files / "suricata.yaml").read_text("utf-8")
        for key, name in named.items():
            (self.etc / name).write_bytes((files / name).read_bytes())
            settings += f"\n{key}: {self.etc / name}\n"
        (self.etc / "suricata.yaml").write_text(settings, "utf-8")
        for name in ("enable", "disable", "modify", "drop"):
            (self.etc / f"{name}.conf").write_text("", "utf-8")
        self.configure()
        program = folder / "bin" / "suricata-update"
        script = f'#!/bin/sh\nexec "{sys.executable}" "{suricata_update()}" -c "{self.etc}/update.yaml" "$@"\n'
        program.write_text(script, "utf-8")
        program.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        kept.pop("DATA_DIRECTORY", None)
        programs = os.pathsep.join([str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
        # Without ETOPEN_URL the real one would be asked, on the network.
        own = {"PATH": programs, "RULES": rules, "TMPDIR": str(folder / "tmp"), "ETOPEN_URL": f"{rules}/others.rules"}
        self._environment: dict[str, str] = {**kept, **own}

    def configure(self, **more: object) -> None:
        """Writes ``update.yaml``, with more settings than those that keep everything in these folders."""
        settings: dict[str, object] = {
            "suricata": self._suricata,
            "suricata-conf": str(self.etc / "suricata.yaml"),
            "data-directory": str(self.data),
            "dist-rule-directory": str(self.folder / "none"),
        }
        settings |= {f"{name}-conf": f"{self.etc}/{name}.conf" for name in ("enable", "disable", "modify", "drop")}
        text = yaml.safe_dump(settings | {name.replace("_", "-"): value for name, value in more.items()})
        (self.etc / "update.yaml").write_text(text, "utf-8")

    def does(self, commands: str, code: int = 0) -> str:
        """Runs commands as a page has them, on these folders; what they print. They have to end with ``code``."""
        found, printed = shell(commands, self.folder / "home", self._environment, self.folder)
        # Only what is no rule: they are long.
        said = "\n".join(line[:300] for line in printed.splitlines() if not _RULE.match(line))
        assert found == code, said
        return said

    def updates(self, code: int = 0) -> str:
        """An update, a day after the one before."""
        self.waits()
        return self.does("suricata-update", code)

    def waits(self) -> None:
        """Lets time pass, so that what was fetched before may be fetched again."""
        then = time.time() - _HOUR
        for path in (self.data / "update" / "cache").glob("*.gz"):
            os.utime(path, (then, then))

    @property
    def merged(self) -> Path:
        """The file that Suricata loads."""
        return self.data / "rules" / "suricata.rules"

    def rules(self) -> dict[int, Merged]:
        """Its rules by their sid."""
        found = (_RULE.match(line) for line in self.merged.read_text("utf-8").splitlines())
        return {int(one["sid"]): Merged(one["off"] is None, one["text"]) for one in found if one is not None}

    def on(self, detection: str) -> set[bool]:
        """Whether the rules of a detection are on; both where some are, nothing where there are none."""
        return {rule.on for rule in self.rules().values() if rule.detection == detection}

    def alerts(self, capture: Path) -> set[str]:
        """The detections that Suricata raises with the merged rules."""
        folder = Path(self.folder / "log")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        arguments: list[str | Path] = ["-c", self.etc / "suricata.yaml", "-S", self.merged, "-l", folder, "-k", "none"]
        arguments += ["--data-dir", folder, "--runmode", "single", "--init-errors-fatal", "-r", capture]
        outcome = run([self._suricata, *arguments], folder, environment())
        assert outcome.code == 0, outcome.stderr
        events = read_alerts(folder / "eve.json")
        return {name for event in events for name in event["alert"].get("metadata", {}).get("melsec_id", ())}

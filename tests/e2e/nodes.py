"""Zeek as one process, and as a cluster on loopback, on the same packets."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import merged

from melsec_nsm.capture import Record
from melsec_nsm.engines.cleaned import write_pcap
from melsec_nsm.engines.hlto import compiled
from melsec_nsm.engines.share import zeek_analyzer, zeek_scripts
from melsec_nsm.engines.zeek import ZeekEngine, compiler

_SCRIPTS = Path(__file__).resolve().parents[1] / "zeek" / "Scripts"
_WORKERS = 2
_OPTIONS = ("LogAscii::use_json=T", "LogAscii::json_timestamps=JSON::TS_EPOCH")
_BASE = ("base/protocols/conn", "base/frameworks/notice/weird")
_PATIENCE = 300
_TCP, _UDP = 6, 17


def share_of(record: Record) -> int:
    """The worker that gets a packet: by addresses and ports, the same both ways, as AF_PACKET shares them out."""
    data, at = record.data, merged.ip_offset(record.data)
    if at is None:
        return 0
    first, protocol = at + (data[at] & 0x0F) * 4, data[at + 9]
    ends = [data[at + 12 : at + 16], data[at + 16 : at + 20]]
    if protocol in (_TCP, _UDP):
        assert int.from_bytes(data[at + 6 : at + 8], "big") & 0x3FFF == 0, "a fragment has no ports"
        ends = [ends[0] + data[first : first + 2], ends[1] + data[first + 2 : first + 4]]
    return zlib.crc32(b"".join(sorted(ends))) % _WORKERS


class Zeeks:
    """Runs Zeek with the scripts of this checkout, below a folder. JSON logs are in ``single`` and ``manager``."""

    def __init__(self, zeek: ZeekEngine, folder: Path) -> None:
        here = zeek.availability()
        assert here.path is not None
        assert here.version is not None
        self._program, self.folder = here.path, folder
        self._package = (compiled(zeek_analyzer(), compiler(Path(here.path)), here.version), zeek_scripts())

    def single(self, records: Sequence[Record], *options: str) -> Path:
        """One process reads packets; the folder of its logs."""
        capture = self.folder / "single.pcap"
        write_pcap(capture, records)
        self._all_end({"single": self._start("single", ["-C", "-r", capture], options, {})})
        return self.folder / "single"

    def cluster(self, records: Sequence[Record], *options: str, first: int = 0) -> Path:
        """A cluster reads them, beats on every worker; the folder of its logs.

        ``first`` is the share of the worker that reads before the other one.
        """
        environment = dict(
            zip((f"{name}_PORT" for name in ("MANAGER", "PROXY", "WORKER_1", "WORKER_2")), _ports(), strict=True)
        )
        scripts: list[str | Path] = ["base/frameworks/cluster", _SCRIPTS / "cluster-clock.zeek", *options]
        captures: dict[str, Path | None] = {"manager": None, "proxy": None}
        for number in range(_WORKERS):
            name, share = f"worker-{number + 1}", (number + first) % _WORKERS
            captures[name] = capture = self.folder / f"{name}.pcap"
            write_pcap(capture, (one for one in records if merged.is_beat(one) or share_of(one) == share))
        self._all_end(
            {
                name: self._start(name, ["-C", "-r", one] if one else [], scripts, environment | {"CLUSTER_NODE": name})
                for name, one in captures.items()
            }
        )
        for name in set(captures) - {"manager"}:
            assert not list((self.folder / name).glob("*.log")), "only the manager writes logs"
        return self.folder / "manager"

    def _start(
        self, name: str, arguments: Sequence[str | Path], options: Sequence[str | Path], own: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        node, plugins = self.folder / name, self.folder / "plugins"
        node.mkdir()
        plugins.mkdir(exist_ok=True)
        # Zeek looks for it in the folder that it runs in.
        shutil.copy(_SCRIPTS / "cluster-layout.zeek", node)
        environment = dict(os.environ) | {"ZEEK_PLUGIN_PATH": str(plugins), "TZ": "UTC", "LC_ALL": "C"} | own
        environment.pop("ZEEKPATH", None)
        command = [self._program, "-b", *arguments, *_BASE, *self._package, *_OPTIONS, *options]
        with (node / "said").open("wb") as said:
            return subprocess.Popen(
                [str(word) for word in command],
                cwd=node,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def _all_end(self, nodes: Mapping[str, subprocess.Popen[bytes]]) -> None:
        """Waits for nodes to end well. Where one does not the others would wait for it."""
        until = time.monotonic() + _PATIENCE
        try:
            while any(node.poll() is None for node in nodes.values()) and time.monotonic() < until:
                if any(node.returncode for node in nodes.values()):
                    break
                time.sleep(0.05)
            codes = {name: node.returncode for name, node in nodes.items()}
            said = {name: (self.folder / name / "said").read_text("utf-8")[-1000:] for name in nodes}
            assert set(codes.values()) == {0}, (codes, said)
        finally:
            for node in nodes.values():
                if node.poll() is None:
                    node.kill()
                    node.wait()


def _ports() -> list[str]:
    """Ports that are free, one for each node."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(_WORKERS + 2)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [f"{one.getsockname()[1]}/tcp" for one in found]

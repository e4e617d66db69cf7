"""What the analyzers cost Zeek: polling in 3E and MELSOFT against Zeek's own Modbus analyzer on as many packets.

All in the same run. Each is measured with its log and against a floor: the same packets where no analyzer takes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import polling
from cpu import Cost, Program, medians

from melsec_nsm.engines.hlto import compiled
from melsec_nsm.engines.share import zeek_analyzer, zeek_scripts
from melsec_nsm.engines.zeek import ZeekEngine, compiler

_UNTAKEN = 5007
"""A port that means nothing to Zeek without the package."""


def lines(folder: Path, exchanges: int, connections: int, runs: int) -> Iterator[str]:
    """Measures, with captures in ``folder``, and says what came out, a line each."""
    here = ZeekEngine().availability()
    if here.version is None or here.path is None:
        yield f"zeek: absent, {here.reason}; {here.remedy}"
        return
    package = (str(compiled(zeek_analyzer(), compiler(Path(here.path)), here.version)), str(zeek_scripts()))
    captures = _captures(folder, exchanges, connections)
    plugins = folder / "plugins"
    plugins.mkdir()
    # An empty plugin folder: a package that is installed in this Zeek would take part in the floor.
    environment = dict(os.environ) | {"ZEEK_PLUGIN_PATH": str(plugins), "TZ": "UTC", "LC_ALL": "C"}

    def zeek(name: str, capture: str, *loaded: str, log: str = "") -> Program:
        command = (str(here.path), "-C", "-r", str(captures[capture]), *loaded)
        return Program(name, command, environment, log)

    costs = medians(
        (
            zeek("3E", "3E", *package, log="melsec.log"),
            zeek("3E floor", "3E"),
            zeek("3E, UDP", "3E, UDP", *package, log="melsec.log"),
            zeek("3E, UDP floor", "3E, UDP"),
            zeek("MELSOFT", "MELSOFT", *package, log="melsec.log"),
            zeek("MELSOFT floor", "MELSOFT"),
            zeek("Modbus", "Modbus", log="modbus.log"),
            zeek("Modbus floor", "Modbus floor"),
            zeek("Modbus with the package", "Modbus", *package, log="modbus.log"),
        ),
        runs,
    )
    yield f"zeek {here.version}: CPU time per PDU, {exchanges:,} exchanges on {connections} connections, {runs} runs"
    for name in ("3E", "3E, UDP", "MELSOFT", "Modbus"):
        yield _row(name, costs[name], costs[f"{name} floor"], 2 * exchanges)
    theirs = costs["Modbus"].seconds
    for name in ("3E", "MELSOFT"):
        ours = costs[name].seconds
        over = (ours - costs[f"{name} floor"].seconds) / (theirs - costs["Modbus floor"].seconds)
        yield f"  {name + ' / Modbus':<16} {over:6.2f} over the floor {ours / theirs:6.2f} with it"
    foreign = costs["Modbus with the package"].seconds / theirs
    yield f"  Modbus traffic with the package loaded / without: {foreign:.2f}"


def _captures(folder: Path, exchanges: int, connections: int) -> dict[str, Path]:
    made: dict[str, Path] = {}
    for name, dialogue, transport in (
        ("3E", polling.SLMP_3E, "tcp"),
        ("3E, UDP", polling.SLMP_3E, "udp"),
        ("MELSOFT", polling.MELSOFT, "tcp"),
        ("Modbus", polling.MODBUS, "tcp"),
        ("Modbus floor", polling.MODBUS.at(_UNTAKEN), "tcp"),
    ):
        made[name] = folder / f"zeek-{len(made)}.pcap"
        polling.write(made[name], dialogue, exchanges, connections, transport)
    return made


def _row(name: str, whole: Cost, floor: Cost, pdus: int) -> str:
    over, with_it = ((seconds * 1e6 / pdus) for seconds in (whole.seconds - floor.seconds, whole.seconds))
    return f"  {name:<16} {over:6.2f} µs over the floor {with_it:6.2f} µs with it ({whole.lines:,} log lines)"

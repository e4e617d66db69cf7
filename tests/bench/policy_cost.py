"""What a large policy costs: its compilation, Zeek per transaction beside its start, the start of Suricata."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polling
from cpu import Program, lowest

from melsec_nsm.engines.hlto import compiled
from melsec_nsm.engines.share import zeek_analyzer, zeek_scripts
from melsec_nsm.engines.suricata import SuricataEngine, environment, shipped_rules
from melsec_nsm.engines.zeek import ZeekEngine, compiler
from melsec_nsm.generate.site import RULES, TABLE

_HOSTS, _CONTROLLERS, _WINDOWS = 10_000, 2_000, 200
_RUNS = 5
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def lines(folder: Path, exchanges: int, connections: int, runs: int) -> Iterator[str]:
    """Measures, with files in ``folder``, and says what came out, a line each."""
    site, out = folder / "site.yaml", folder / "site"
    site.write_text("\n".join(_policy()), "utf-8")
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "melsec_nsm", "policy", "compile", site, "--out", out],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    size = f"{_HOSTS:,} hosts, {_CONTROLLERS:,} controllers, {_WINDOWS} windows"
    yield f"policy of {size}: compiled in {time.perf_counter() - started:.2f} s"
    long, short = folder / "policy-long.pcap", folder / "policy-short.pcap"
    polling.write(long, polling.SLMP_3E, exchanges, connections)
    polling.write(short, polling.SLMP_3E, 1, 1)
    yield from _zeek(folder, out / TABLE, (long, short), exchanges, runs)
    yield from _suricata(folder, out / RULES, short, runs)


def _policy() -> Iterator[str]:
    yield from (
        "site: large",
        "timezone: Asia/Tokyo",
        "zones: {plc: [10.1.0.0/16], it: [10.2.0.0/16], here: [192.168.3.0/24], there: [192.168.4.0/24]}",
    )
    # Those of the captures are among them: what they do is allowed.
    yield from ("allowed_paths: [[it, plc], [here, there]]", "controllers:")
    for number in range(10):
        yield f"  - {{name: polled-{number}, address: 192.168.4.{10 + number}, ports: [5007/tcp]}}"
    for number in range(_CONTROLLERS - 10):
        yield f"  - {{name: plc-{number}, address: 10.1.{number // 200}.{number % 200 + 1}, ports: [5007/tcp]}}"
    yield from ("roles: {engineer: {allow: [read, control, write]}}", "hosts:")
    yield "  - {name: panels, address: 192.168.3.0/24, role: engineer, controllers: all}"
    for number in range(_HOSTS - 1):
        address = f"10.2.{number // 200}.{number % 200 + 1}"
        named = f"[plc-{number % (_CONTROLLERS - 10)}]"
        yield f"  - {{name: host-{number}, address: {address}, role: engineer, controllers: {named}}}"
    yield "maintenance_windows:"
    for number in range(_WINDOWS):
        some = ", ".join(f"plc-{one}" for one in range(number, _CONTROLLERS - 10, _WINDOWS))
        hours = f'from: "{number // 7 % 24:02d}:00", to: "{(number // 7 + 1) % 24:02d}:30"'
        days = f"days: [{_DAYS[number % 7]}]"
        yield f"  - {{name: w-{number}, {days}, {hours}, controllers: [{some}], actions: [program-download]}}"


def _zeek(folder: Path, table: Path, captures: tuple[Path, Path], exchanges: int, runs: int) -> Iterator[str]:
    here = ZeekEngine().availability()
    if here.version is None or here.path is None:
        yield f"zeek: absent, {here.reason}; {here.remedy}"
        return
    plugins = folder / "policy-plugins"
    plugins.mkdir()
    surroundings = dict(os.environ) | {"ZEEK_PLUGIN_PATH": str(plugins), "TZ": "UTC", "LC_ALL": "C"}
    package = (str(compiled(zeek_analyzer(), compiler(Path(here.path)), here.version)), str(zeek_scripts()))
    programs = [
        Program(
            f"{what} {length}",
            (here.path, "-C", "-r", str(capture), *package, *options),
            surroundings,
            "notice.log" if options else "melsec.log",
        )
        for what, options in (("without", ()), ("with", (f"MELSEC::policy_file={table}",)))
        for length, capture in zip(("long", "short"), captures, strict=True)
    ]
    costs = lowest(programs, max(runs, _RUNS))
    each = {
        what: (costs[f"{what} long"].seconds - costs[f"{what} short"].seconds) * 1e6 / exchanges
        for what in ("with", "without")
    }
    start = costs["with short"].seconds - costs["without short"].seconds
    growth = each["with"] / each["without"] - 1
    shares = f"{each['with']:.2f} µs / {each['without']:.2f} µs"
    yield f"  zeek, a transaction with it / without: {growth:+.1%} ({shares}), start {start:+.2f} s"
    yield f"  (notices raised by the policy: {costs['with long'].lines})"


def _suricata(folder: Path, rules: Path, capture: Path, runs: int) -> Iterator[str]:
    engine = SuricataEngine()
    here = engine.availability()
    if here.version is None or here.path is None:
        yield f"suricata: absent, {here.reason}; {here.remedy}"
        return
    programs = []
    for what, text in (("with", shipped_rules() + rules.read_bytes()), ("without", shipped_rules())):
        settings = folder / f"policy-suricata-{what}"
        settings.mkdir()
        for data_set in rules.parent.glob("*.lst"):
            (settings / data_set.name).write_bytes(data_set.read_bytes())
        command = (here.path, *map(str, engine.arguments(settings, text)), "-r", str(capture))
        programs.append(Program(what, command, environment()))
    costs = lowest(programs, max(runs, _RUNS))
    start = costs["with"].seconds - costs["without"].seconds
    yield f"  suricata, start with it / without: {start:+.2f} s ({costs['without'].seconds:.2f} s without)"

"""Scripts that Suricata asks for the hour say what the oracle says of maintenance windows."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import wire

from melsec_nsm import policy as policies
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.suricata import SuricataEngine, environment, read_alerts, shipped_rules, to_alerts
from melsec_nsm.generate.site import windows
from melsec_nsm.policy.compiled import WINDOW, CompiledPolicy

_HEAD = """\
site: press-shop
timezone: {zone}
zones: {{all: [10.0.0.0/8, "fd00::/16"]}}
allowed_paths: [[all, all]]
controllers:
  - {{name: press-1, address: [10.0.0.1, "fd00::1"]}}
  - {{name: press-2, address: 10.0.0.2}}
  - {{name: oven, address: 10.0.0.3}}
roles: {{engineer: {{allow: [control]}}}}
hosts: [{{name: all, address: [10.1.0.0/16, "fd00:1::/32"], role: engineer, controllers: all}}]
"""
_NIGHTS = """\
maintenance_windows:
  - {name: sunday, days: [sun], from: "22:00", to: "06:00", controllers: [press-1], actions: [remote-stop]}
  - {name: nights, days: [mon, wed, sun], from: "00:00", to: "03:00", controllers: [press-1, press-2],
     actions: [control], not_before: 2026-03-01, not_after: 2026-10-31}
"""
_SERVERS = ("fd00::1", "10.0.0.2", "10.0.0.3", "10.0.0.4")
"""The last one is not in the policy."""

Found = set[tuple[int, str, str]]
"""When alerts are raised, between whom."""

Step = tuple[int, str, str, str, tuple[bytes, bytes]]
"""When (seconds), between whom, over what, and what is asked and answered."""


def policy(zone: str, hours: str) -> str:
    """A policy of three controllers."""
    return _HEAD.format(zone=zone) + hours


def made(definition: Definition, folder: Path, site: str) -> bytes:
    """Puts a policy into a folder with the scripts that are made of it; their rules."""
    path = folder / "site.yaml"
    path.write_text(site, "utf-8")
    files = windows.render(CompiledPolicy(policies.load(path, definition), definition), definition)
    for name, octets in files.items():
        (folder / name).write_bytes(octets)
    return files[windows.FILE]


def asked(suricata: SuricataEngine, folder: Path, rules: bytes, *more: str, leave: bool = True) -> int:
    """Runs Suricata with rules and the scripts of a folder, which it has leave to run; its exit code."""
    program = suricata.availability().path
    assert program is not None
    settings = ["--set", f"security.lua.allow-rules={leave}", "--set", f"default-rule-path={folder}"]
    command = [program, *map(str, suricata.arguments(folder, rules)), *settings, *more]
    return subprocess.run(command, env=environment(), capture_output=True, check=False).returncode


def told(
    suricata: SuricataEngine, definition: Definition, folder: Path, capture: Path, site: str, *, beside: bytes = b""
) -> tuple[Found, Found]:
    """What scripts raise on a capture under a policy, beside other rules, and what the oracle does."""
    assert asked(suricata, folder, beside + made(definition, folder, site), "-r", str(capture)) == 0
    found = to_alerts(read_alerts(folder / "eve.json"))
    wanted = ReferenceEngine(definition).run(capture, folder / "site.yaml").alerts
    first, second = ({(one.ts, one.client, one.server) for one in each if one.id == WINDOW} for each in (found, wanted))
    return first, second


def pair(capture: Path, number: int = 0) -> tuple[bytes, bytes]:
    """A request of a capture, and its answer."""
    said = wire.dialogues(capture)[0].said
    requests = [at for at, (from_client, _) in enumerate(said) if from_client]
    at = requests[number]
    return said[at][1], said[at + 1][1]


def written(path: Path, steps: Iterable[Step]) -> Path:
    """Writes a capture of requests with their answers; each pair of hosts has one connection."""
    out, links = wire.Wire(), dict[tuple[str, str, str], wire.Link]()
    for second, client, server, transport, (request, answer) in sorted(steps):
        out.ts = second * 1_000_000_000
        way = (client, server, transport)
        if way not in links:
            links[way] = wire.Link(out, wire.Endpoint(client, 50000), wire.Endpoint(server, 5007), transport)
            out.put(*links[way].opening())
            out.ts = second * 1_000_000_000
        out.put(links[way].packet(True, request), links[way].packet(False, answer))
    return out.write(path)


def moments(dice: random.Random, zone: str) -> Iterator[int]:
    """Seconds near the ends of windows, some of them in nights in which clocks are changed somewhere."""
    for day, hour in product(_days(), (0, 1, 2, 3, 6, 22)):
        at = datetime(2026, *day, hour, tzinfo=ZoneInfo(zone))
        for second in {int(at.replace(fold=fold).timestamp()) for fold in (0, 1)}:
            yield from (second - 1, second, second + dice.randrange(-5400, 5400))


def _days() -> Iterator[tuple[int, int]]:
    """Sundays and the days around them: the clocks change on the first two in America, then in Europe."""
    for sunday in ((3, 8), (11, 1), (3, 29), (10, 25), (6, 7), (11, 29)):
        for more in (0, 1, 3):
            day = datetime(2026, *sunday) + timedelta(days=more)
            yield day.month, day.day
    yield from ((2, 28), (3, 1), (10, 31))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Asia/Tokyo", "UTC"])
def test_scripts_know_the_hour(
    checkout: Path, definition: Definition, suricata: SuricataEngine, zone: str, tmp_path: Path
) -> None:
    dice, stop = random.Random(zone), pair(checkout / "pcaps/slmp-3e-remote-stop.pcap", 1)
    steps = []
    for number, (second, server) in enumerate(product(moments(dice, zone), _SERVERS)):
        client = f"10.1.{number // 200}.{number % 200 + 1}" if "." in server else f"fd00:1::{number + 1:x}"
        steps.append((second, client, server, "udp", stop))
    capture = written(tmp_path / "stops.pcap", steps)
    found, wanted = told(suricata, definition, tmp_path, capture, policy(zone, _NIGHTS))
    assert {":" in server for _, _, server in wanted} == {False, True}
    assert len(wanted) < len([one for one in steps if one[2] != _SERVERS[-1]])
    assert found == wanted


def minutes(name: str, action: str, starts: range) -> str:
    """Windows of ten minutes each, in the first hours of a day."""
    days = "[mon, tue, wed, thu, fri, sat, sun]"
    return "".join(
        f'  - {{name: {name}-{one}, days: {days}, from: "0{one // 60}:{one % 60:02}",'
        f' to: "0{(one + 10) // 60}:{(one + 10) % 60:02}", controllers: [press-1, press-2], actions: [{action}]}}\n'
        for one in starts
    )


def test_no_request_is_judged_by_another(
    checkout: Path, definition: Definition, suricata: SuricataEngine, tmp_path: Path
) -> None:
    dice, pcaps = random.Random(1), checkout / "pcaps"
    stop, run = (pair(pcaps / f"slmp-3e-remote-{name}.pcap", 1) for name in ("stop", "run"))
    poll = pair(pcaps / "slmp-3e-poll.pcap")
    both = (stop[0] + poll[0], stop[1] + poll[1])
    steps: list[Step] = []
    start = int(datetime(2026, 6, 1, tzinfo=timezone.utc).timestamp())
    for number in range(24):
        transport = ("tcp", "udp")[number % 2]
        said = [stop, run, poll, poll, *([both] if transport == "tcp" else [])]
        second, server = start, dice.choice(("10.0.0.1", *_SERVERS[1:]))
        for _ in range(60):
            # Longer than an alert is not repeated, shorter than a flow is remembered.
            second += dice.randrange(61, 130)
            steps.append((second, f"10.1.0.{number + 1}", server, transport, dice.choice(said)))
    hours = minutes("stop", "remote-stop", range(0, 180, 20)) + minutes("run", "remote-run", range(10, 180, 30))
    capture = written(tmp_path / "mixed.pcap", steps)
    site = policy("UTC", "maintenance_windows:\n" + hours)
    found, wanted = told(suricata, definition, tmp_path, capture, site, beside=shipped_rules())
    assert len(wanted) > 100
    assert sorted(found ^ wanted) == []


def test_what_goes_on_is_judged_by_its_beginning(
    checkout: Path, definition: Definition, suricata: SuricataEngine, tmp_path: Path
) -> None:
    write = pair(checkout / "pcaps/slmp-4e-type-a-program-download.pcap", 1)
    # In the capture it goes to everybody, and each packet is a dialogue.
    said = [one.said[0][1] for one in wire.dialogues(checkout / "pcaps/melsoft-online-change.pcap")]
    change = (said[2], said[3])
    steps: list[Step] = []
    start = int(datetime(2026, 6, 1, tzinfo=timezone.utc).timestamp())
    for number, one in enumerate((write, change), 1):
        # From inside to outside, a pause, outside; from outside to inside, a pause, inside.
        for second in (560, 600, 640, 680, 720, 800, 840, 1170, 1210, 1250, 1400, 1440):
            steps.append((start + second, f"10.1.0.{number}", "10.0.0.1", "udp", one))
    hours = minutes("any", "online-change, program-download", range(0, 60, 20))
    capture = written(tmp_path / "long.pcap", steps)
    found, wanted = told(suricata, definition, tmp_path, capture, policy("UTC", "maintenance_windows:\n" + hours))
    begun = [(start + second) * 1_000_000_000 for second in (800, 1170)]
    assert sorted(wanted) == sorted((ts, f"10.1.0.{one}", "10.0.0.1") for ts in begun for one in (1, 2))
    assert found == wanted


def many(count: int) -> str:
    """So many windows, each of them for other hours."""
    return "maintenance_windows:\n" + "".join(
        f'  - {{name: w-{one}, days: [mon, sun], from: "{one % 23:02}:{one // 23:02}", to: "23:59",'
        f" controllers: [press-{one % 2 + 1}], actions: [{('control', 'file')[one % 3 == 0]}]}}\n"
        for one in range(count)
    )


@pytest.mark.parametrize("hours", ["", _NIGHTS, many(200)], ids=["none", "few", "many"])
def test_suricata_takes_the_rules(definition: Definition, suricata: SuricataEngine, hours: str, tmp_path: Path) -> None:
    rules = made(definition, tmp_path, policy("Europe/Berlin", hours))
    assert asked(suricata, tmp_path, rules, "-T") == 0
    assert asked(suricata, tmp_path, rules, "-T", leave=False) != 0


@pytest.mark.parametrize("name", ["site-allowed", "site-window-moved", "site-zone-changed"])
def test_scripts_judge_the_maintenance_as_the_oracle(
    checkout: Path, definition: Definition, suricata: SuricataEngine, name: str, tmp_path: Path
) -> None:
    site = (checkout / f"pcaps/policies/{name}.yaml").read_text("utf-8")
    found, wanted = told(suricata, definition, tmp_path, checkout / "pcaps/site-maintenance.pcap", site)
    # What a pair of hosts does within a minute is one alert, by the first that is done.
    assert found == set(sorted(wanted)[:1])

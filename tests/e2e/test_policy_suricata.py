"""A policy that changes reaches a Suricata that runs, by its reload signal; long lists say what short ones say."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import wire
from click.testing import CliRunner
from scapy.layers.inet import TCP
from scapy.utils import rdpcap, wrpcap

from melsec_nsm.cli import main
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.suricata import SuricataEngine, environment, shipped_rules
from melsec_nsm.generate.site import RULES, WINDOWS
from melsec_nsm.generate.site.rules import SUPPORTED
from melsec_nsm.policy.compiled import WINDOW

_PATIENCE = 90
_HOST = "  - {name: eng-ws-1, address: 192.168.3.18, role: engineer, controllers: [press-1]}\n"
_WINDOW_MOVED = ('from: "08:30", to: "09:30"', 'from: "09:30", to: "10:30"')
_SERVED = 5007


def long(text: str, more_hosts: int = 1000, more_controllers: int = 500) -> str:
    """A policy with so many hosts and controllers more that no rule can name them all."""
    hosts = "".join(
        f"  - {{name: h-{n}, address: 10.{n // 200}.{n % 200 + 1}.7, role: engineer, controllers: [press-1]}}\n"
        for n in range(more_hosts)
    )
    controllers = "".join(
        f"  - {{name: c-{n}, address: 10.{n // 200}.{n % 200 + 1}.9, ports: [5007/tcp]}}\n"
        for n in range(more_controllers)
    )
    assert text.count("hosts:\n") == text.count("controllers:\n") == 1
    return text.replace("hosts:\n", f"hosts:\n{hosts}").replace("controllers:\n", f"controllers:\n{controllers}")


def compiled(site: Path, out: Path) -> int:
    """Compiles a policy as its owner does; the exit code."""
    return CliRunner().invoke(main, ["policy", "compile", str(site), "--out", str(out)]).exit_code


_CHANGES = {
    "as it is": ("", ""),
    "the host removed": (_HOST, ""),
    "the role changed": ("192.168.3.18, role: engineer", "192.168.3.18, role: hmi"),
    "the port changed": ("192.168.3.250, model: R08SFCPU, ports: [5007/tcp]", "192.168.3.250, ports: [5562/tcp]"),
    "its controllers changed": (_HOST, _HOST.replace("press-1", "press-2")),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_long_lists_say_what_short_ones_say(
    checkout: Path, definition: Definition, suricata: SuricataEngine, name: str, tmp_path: Path
) -> None:
    site, capture = tmp_path / "site.yaml", checkout / "pcaps/site-maintenance.pcap"
    text = (checkout / "pcaps/policies/site-allowed.yaml").read_text("utf-8")
    old, new = _CHANGES[name]
    assert old in text
    site.write_text(long(text.replace(old, new)), "utf-8")
    assert compiled(site, tmp_path) == 0
    assert "dataset:" in (tmp_path / RULES).read_text("ascii")
    wanted = {one.id: one.count for one in ReferenceEngine(definition).run(capture, site).detections}
    found = {one.id: one.count for one in suricata.run(capture, site).detections}
    assert {name for name in found if name in SUPPORTED} == {name for name in wanted if name in SUPPORTED}


_PLACES = (
    "192.168.3",
    "192.168.4",
    "10.8.0",
    "172.16.5",
    "203.0.113",
    "198.51.100",
    "2001:db8:3:",
    "fd00:3:",
    "fd00:4:",
)
_SPOKEN = (
    "slmp-3e-remote-stop",
    "slmp-4e-remote-stop",
    "slmp-3e-remote-stop-udp",
    "melsoft-remote-stop",
    "slmp-3e-poll",
)
_CLASSES = ("read", "monitor", "identify", "session", "write", "control", "file")


def address_in(dice: random.Random, place: str) -> str:
    """An address of a network."""
    return f"{place}:{dice.randrange(1, 250):x}" if ":" in place else f"{place}.{dice.randrange(1, 250)}"


def some_policy(dice: random.Random, clients: list[str], servers: list[str]) -> str:
    """A policy that knows some of them, and allows something."""
    zoned = [place for place in _PLACES if dice.random() < 0.7]
    nets = [f'"{place}:/64"' if ":" in place else f"{place}.0/24" for place in zoned]
    zones = [f"  zone-{number}: [{net}]" for number, net in enumerate(nets)]
    paths = [f"[zone-{a}, zone-{b}]" for a in range(len(nets)) for b in range(len(nets)) if dice.random() < 0.5]
    known = [one for one in servers if dice.random() < 0.8]
    names = [f"plc-{number}" for number in range(len(known))]
    ports = ("", ", ports: [5007/tcp]", ", ports: [5007/tcp, 5000/udp]")
    controllers = [
        f'  - {{name: {name}, address: "{one}"{dice.choice(ports)}}}' for name, one in zip(names, known, strict=True)
    ]
    hosts = []
    for number, one in enumerate(clients):
        if dice.random() < 0.8:
            reached = "all" if dice.random() < 0.5 else f"[{', '.join(dice.sample(names, max(1, len(names) // 2)))}]"
            role = dice.choice(("engineer", "panel"))
            hosts.append(f'  - {{name: host-{number}, address: "{one}", role: {role}, controllers: {reached}}}')
    panel = ", ".join(dice.sample(_CLASSES, 4))
    roles = f"roles: {{engineer: {{allow: [{', '.join(_CLASSES)}]}}, panel: {{allow: [{panel}]}}}}"
    head = ["site: random", "timezone: UTC", "zones:", *zones, f"allowed_paths: [{', '.join(paths)}]", roles]
    return "\n".join([*head, "controllers:", *controllers, "hosts:", *hosts, ""])


@pytest.mark.parametrize("seed", range(6))
def test_suricata_says_what_the_oracle_says(
    checkout: Path, definition: Definition, suricata: SuricataEngine, seed: int, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    clients = sorted({address_in(dice, dice.choice(_PLACES)) for _ in range(12)})
    servers = sorted({address_in(dice, dice.choice(_PLACES)) for _ in range(8)} - set(clients))
    spoken = [one for name in _SPOKEN for one in wire.dialogues(checkout / "pcaps" / f"{name}.pcap")[:1]]
    out = wire.Wire()
    for client in clients:
        for server in (one for one in servers if (":" in one) == (":" in client)):
            said = dice.choice(spoken)
            port = dice.choice((5007, 5000, 5010))
            dialogue = said.at(wire.Endpoint(client, said.client.port), wire.Endpoint(server, port))
            link = wire.Link(out, dialogue.client, dialogue.server, dialogue.transport)
            out.put(*link.opening(), *(link.packet(*one) for one in dialogue.said), *link.closing())
    capture, site = out.write(tmp_path / "all.pcap"), tmp_path / "site.yaml"
    site.write_text(some_policy(dice, clients, servers), "utf-8")
    wanted, found = (
        {(one.id, one.client, one.server) for one in engine.run(capture, site).alerts if one.id in SUPPORTED}
        for engine in (ReferenceEngine(definition), suricata)
    )
    assert {name for name, _, _ in wanted} >= {"host-not-allowed", "outside-path"}
    assert sorted(found - wanted) == []
    assert sorted(wanted - found) == []


def later(capture: Path, made: Path) -> None:
    """Writes a capture as if the same happened again an hour later, on other connections."""
    packets = rdpcap(str(capture))
    for packet in packets:
        packet.time += 3600
        for side in ("sport", "dport"):
            if getattr(packet[TCP], side) != _SERVED:
                setattr(packet[TCP], side, getattr(packet[TCP], side) + 1)
        del packet[TCP].chksum
    wrpcap(str(made), packets)


class _Running:
    """A Suricata that reads what is put into a folder, as a sensor reads what passes."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process, self._folder = process, folder

    def alerts(self) -> set[str]:
        """What it has raised so far."""
        events = (json.loads(line) for line in (self._folder / "eve.json").read_text("utf-8").splitlines())
        return {name for one in events for name in one.get("alert", {}).get("metadata", {}).get("melsec_id", ())}

    def reads(self, capture: Path) -> None:
        """Waits until it has read a capture."""
        target = self._folder / "in" / capture.name
        target.write_bytes(capture.read_bytes())
        self.until(lambda: f"Processed file {target}" in self._said())

    def reload(self) -> None:
        """Has it read its rules again."""
        self._process.send_signal(signal.SIGUSR2)
        # It says that it is done when the next packets come; the rules are ready before.
        self.until(lambda: "rule reload starting" in self._said() and self._said().count("signatures processed") > 1)

    def until(self, done: Callable[[], bool]) -> None:
        """Waits for something."""
        for _ in range(_PATIENCE * 10):
            if done():
                return
            assert self._process.poll() is None, self._said()
            time.sleep(0.1)
        pytest.fail(self._said())

    def _said(self) -> str:
        return (self._folder / "said").read_text("utf-8", "replace")


@contextmanager
def running(engine: SuricataEngine, folder: Path, out: Path) -> Iterator[_Running]:
    """A Suricata that runs with the published rules and those of a policy."""
    (folder / "in").mkdir()
    files = [folder / "published.rules", out / RULES, out / WINDOWS]
    files[0].write_bytes(shipped_rules())
    command = list(map(str, engine.arguments(folder, b"# none\n")))
    place = command.index("-S")
    del command[place : place + 2]
    settings = folder / "suricata.yaml"
    named = "".join(f"  - {file}\n" for file in files)
    settings.write_text(settings.read_text("utf-8") + f"\nrule-files:\n{named}", "utf-8")
    for name, value in {
        "default-rule-path": (out / WINDOWS).parent,
        "security.lua.allow-rules": True,
        "logging.default-log-level": "info",
        "pcap-file.delay": 1,
        "pcap-file.poll-interval": 1,
    }.items():
        command += ["--set", f"{name}={value}"]
    program = engine.availability().path
    assert program is not None
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [program, *command, "-r", str(folder / "in"), "--pcap-file-continuous"],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment(),
        )
        try:
            found = _Running(process, folder)
            found.until(lambda: "Engine started" in found._said() or "Processing pcaps" in found._said())
            yield found
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize("shape", [str, long], ids=["literal", "data sets"])
def test_a_change_reaches_a_suricata_that_runs(
    checkout: Path, suricata: SuricataEngine, tmp_path: Path, shape: Callable[[str], str]
) -> None:
    site, out, capture = tmp_path / "site.yaml", tmp_path / "out", checkout / "pcaps/site-maintenance.pcap"
    text = shape((checkout / "pcaps/policies/site-allowed.yaml").read_text("utf-8"))
    site.write_text(text, "utf-8")
    assert compiled(site, out) == 0
    later(capture, tmp_path / "later.pcap")
    with running(suricata, tmp_path, out) as sensor:
        sensor.reads(capture)
        assert sensor.alerts() & {"remote-stop", WINDOW, *SUPPORTED} == {"remote-stop"}
        # A broken policy changes nothing of what a reload finds.
        site.write_text(text.replace("Asia/Tokyo", "Asia/Tokio"), "utf-8")
        assert compiled(site, out) == 2
        # What happens an hour later would be outside the window, were that not moved too.
        site.write_text(text.replace(_HOST, "").replace(*_WINDOW_MOVED), "utf-8")
        assert compiled(site, out) == 0
        sensor.reload()
        sensor.reads(tmp_path / "later.pcap")
        assert sensor.alerts() & {*SUPPORTED, WINDOW} == {"host-not-allowed"}
        later(tmp_path / "later.pcap", tmp_path / "latest.pcap")
        sensor.reads(tmp_path / "latest.pcap")
        assert WINDOW in sensor.alerts()

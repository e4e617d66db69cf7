"""What the rules cost Suricata: with them against without, on MELSEC and on other traffic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polling
from cpu import Program, medians

from melsec_nsm.engines.suricata import SuricataEngine, environment, shipped_rules


def lines(folder: Path, exchanges: int, connections: int, runs: int) -> Iterator[str]:
    """Measures, with captures in ``folder``, and says what came out, a line each."""
    engine = SuricataEngine()
    here = engine.availability()
    if here.version is None or here.path is None:
        yield f"suricata: absent, {here.reason}; {here.remedy}"
        return
    programs = []
    for dialogue in (polling.SLMP_3E, polling.MODBUS):
        capture = folder / f"suricata-{dialogue.name}.pcap"
        polling.write(capture, dialogue, exchanges, connections)
        for rules, text in (("with", shipped_rules()), ("without", b"# none\n")):
            name = f"{dialogue.name} {rules}"
            settings = folder / name.replace(" ", "-")
            settings.mkdir()
            command = (here.path, *map(str, engine.arguments(settings, text)), "-r", str(capture))
            programs.append(Program(name, command, environment()))
    costs = medians(programs, runs)
    yield f"suricata {here.version}: CPU time with the rules / without, {exchanges:,} exchanges, {runs} runs"
    for dialogue in (polling.SLMP_3E, polling.MODBUS):
        with_rules, without = costs[f"{dialogue.name} with"].seconds, costs[f"{dialogue.name} without"].seconds
        share = f"{with_rules:.2f} s / {without:.2f} s"
        yield f"  {dialogue.name:<16} {with_rules / without:6.2f} ({share})"

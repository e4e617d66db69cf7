"""The policy of a site as Zeek's scripts judge by it: the same as the built-in judgement, request by request."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.hlto import compiled as compiled_analyzer
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.share import zeek_analyzer
from melsec_nsm.engines.zeek import ZeekEngine, compiler
from melsec_nsm.generate import site
from melsec_nsm.policy import loader
from melsec_nsm.policy.baseline import device_bases, ranges
from melsec_nsm.policy.compiled import CompiledPolicy, Content, Request

_HERE = Path(__file__).parent
_SCRIPTS = Path(__file__).resolve().parents[2] / "zeek" / "scripts"
_NS = 1_000_000_000
_TIMEOUT = 60
_DIGEST = "5e" * 32

POLICY = f"""\
site: press-shop
timezone: Europe/Berlin
zones:
  plc-net: [192.168.3.0/24, "fd00:3::/64"]
  vpn: [10.8.0.0/24]
  partner: [203.0.113.0/24]
allowed_paths: [[vpn, plc-net], [plc-net, plc-net], [partner, plc-net]]
controllers:
  - {{name: press-1, address: 192.168.3.250, model: FX5U-32MT/ES, ports: [5560/udp, 5562/tcp]}}
  - {{name: press-2, address: [192.168.3.251, "fd00:3::251"]}}
  - {{name: oven, address: 192.168.4.7, ports: [5007/tcp]}}
roles:
  engineer: {{allow: [read, monitor, identify, session, write, control, file, authenticate, configure, diagnose]}}
  hmi: {{allow: [read, monitor, write, session]}}
hosts:
  - {{name: eng-ws-1, address: 192.168.3.18, role: engineer, controllers: [press-1]}}
  - {{name: remote, address: [10.8.0.0/28, 203.0.113.9, "fd00:3::18"], role: engineer, controllers: all}}
  - {{name: hmis, address: 192.168.3.32/28, role: hmi, controllers: all}}
maintenance_windows:
  - {{name: sunday, days: [sun], from: "22:00", to: "06:00", controllers: [press-1],
     actions: [program-download, control]}}
  - {{name: nights, days: [mon, tue, wed, thu], from: "01:00", to: "03:30", controllers: all, actions: [remote-run],
     not_before: 2026-03-01, not_after: 2026-10-31}}
changes:
  - {{ticket: CHG-1042, controller: press-1, file: Main.prg, sha256: "{_DIGEST}",
     not_before: 2026-11-20, not_after: 2026-11-30}}
  - {{ticket: CHG-1043, controller: press-2, file: MAIN.PRG, sha256: "{_DIGEST}"}}
"""

VARIATIONS = {
    "as it is": ("", ""),
    "another time zone": ("timezone: Europe/Berlin", "timezone: America/St_Johns"),
    "a zone without daylight saving": ("timezone: Europe/Berlin", "timezone: Asia/Tokyo"),
    "a host removed": ("  - {name: eng-ws-1, address: 192.168.3.18, role: engineer, controllers: [press-1]}\n", ""),
    "a role changed": ("192.168.3.18, role: engineer", "192.168.3.18, role: hmi"),
    "a window moved by an hour": ('from: "22:00", to: "06:00"', 'from: "23:00", to: "07:00"'),
    "a path removed": ("[[vpn, plc-net], ", "["),
    "a port removed": ("ports: [5560/udp, 5562/tcp]", "ports: [5562/tcp]"),
    "a digest changed": (f'file: Main.prg, sha256: "{_DIGEST}"', f'file: Main.prg, sha256: "{"00" * 32}"'),
    "a change expired": ("not_after: 2026-11-30}", "not_after: 2026-11-21}"),
}

_CLIENTS = (
    *("192.168.3.18", "192.168.3.19", "192.168.3.33", "10.8.0.3", "10.8.0.77", "203.0.113.9", "203.0.113.10"),
    *("8.8.8.8", "172.16.1.1", "fd00:3::18", "2001:db8::1", None),
)
_SERVERS = ("192.168.3.250", "192.168.3.251", "fd00:3::251", "192.168.4.7", "192.168.3.99", "1.1.1.1", None)
_PORTS = ("5560/udp", "5562/tcp", "5007/tcp", "")


def requests(definition: Definition, count: int) -> Iterator[Request]:
    """Requests of all kinds, half of them near the times at which something begins or ends."""
    dice = random.Random(20261128)
    actions = ["", *definition.engineering.names]
    # Sunday night, the nights on which clocks are changed in Europe and America, the ends of the changes.
    moments = [
        int(datetime(year, month, day, hour, tzinfo=timezone.utc).timestamp())
        for year, month, day, hour in (
            *((2026, 11, 29, 21), (2026, 11, 30, 5), (2026, 3, 29, 1), (2026, 10, 25, 1), (2026, 3, 8, 5)),
            *((2026, 11, 19, 23), (2026, 11, 30, 23), (2026, 11, 21, 23), (2026, 3, 1, 0), (2026, 10, 31, 23)),
        )
    ]
    for _ in range(count):
        second = dice.choice(moments) + dice.randrange(-3 * 3600, 3 * 3600) // dice.choice((1, 60, 3600))
        if dice.random() < 0.5:
            second = moments[0] + dice.randrange(-300 * 86400, 300 * 86400)
        action = dice.choice(actions)
        classes = definition.action_classes[action] if action else (dice.choice(definition.classes),)
        content = None
        if dice.random() < 0.3:
            content = Content(dice.choice(("MAIN.PRG", "main.prg", "SUB.PRG")), dice.choice((_DIGEST, "00" * 32, None)))
        client = dice.choice(_CLIENTS)
        server = dice.choice(_SERVERS if client is not None else _SERVERS[:-1])
        answered = dice.random() < 0.8 and server is not None
        yield Request(second * _NS, client, server, dice.choice(_PORTS), tuple(classes), answered, action, content)


def _line(number: int, one: Request) -> str:
    content = one.content
    cells = (
        *(number, f"{one.ts // _NS}.25", one.client or "-", one.server or "-", one.port),
        *(",".join(one.classes) or "(empty)", "T" if one.answered else "F", one.action),
        content.file if content is not None else "-",
        content.sha256 or "-" if content is not None else "-",
    )
    return "\t".join(map(str, cells)) + "\n"


def judged(zeek: ZeekEngine, policy: Path, asked: list[Request], folder: Path) -> list[str]:
    """What Zeek says of each request: violations, role, window and change."""
    head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#fields\t"
    names = "n ts client server server_port classes answered action file_name sha256"
    file = folder / "requests.tsv"
    lines = "".join(_line(number, one) for number, one in enumerate(asked))
    file.write_text(f"{head}{chr(9).join(names.split())}\n{lines}", "utf-8")
    program = zeek.availability().path
    assert program is not None
    outcome = subprocess.run(
        [program, "-b", _SCRIPTS / "policy-file.zeek", _HERE / "judge.zeek", "exit_only_after_terminate=T",
         f"MELSEC::policy_file={policy}", f"Judging::requests={file}"],
        cwd=folder, env=dict(os.environ) | {"ZEEK_PLUGIN_PATH": str(folder)}, capture_output=True, text=True,
        timeout=_TIMEOUT, check=False,
    )  # fmt: skip
    rows = [line.split("|") for line in outcome.stdout.splitlines()]
    assert [row[0] for row in rows] == [str(number) for number in range(len(asked))], outcome.stderr
    return ["|".join(row[1:]) for row in rows]


@pytest.mark.parametrize("name", VARIATIONS)
def test_zeek_judges_as_the_oracle_does(zeek: ZeekEngine, definition: Definition, name: str, tmp_path: Path) -> None:
    old, new = VARIATIONS[name]
    assert old in POLICY
    text = POLICY.replace(old, new) if old else POLICY
    compiled = CompiledPolicy(loader.parse(text.encode(), "site.yaml", definition), definition)
    asked = list(requests(definition, 2000))
    verdicts = [compiled.judge(one) for one in asked]
    wanted = ["|".join((",".join(one.violations), one.role, one.window, one.change)) for one in verdicts]
    table, *_ = site.install(tmp_path, site.render(compiled, definition))
    found = judged(zeek, table, asked, tmp_path)
    assert [(asked[n], w, f) for n, (w, f) in enumerate(zip(wanted, found, strict=True)) if w != f][:3] == []
    # The requests are worth something: each violation is among them, and so is its absence.
    assert {name for one in verdicts for name in one.violations} >= {
        "outside-window",
        "outside-path",
        "unexpected-port",
    }
    assert any(one.window for one in verdicts)


_PRINTED = """
module MELSEC;

event zeek_init() &priority=-10
	{{
	for ( _, text in vector({texts}) )
		{{
		for ( _, item in split_string(text, /,/) )
			{{
			if ( item == "" || item[0] == "+" )
				next;

			local found = range_of(item);
			print fmt("%s|%d|%d", found$kind, found$first, found$last);
			}}
		}}
	}}
"""


def test_zeek_reads_the_same_ranges(zeek: ZeekEngine, definition: Definition, tmp_path: Path) -> None:
    engine, bases = ReferenceEngine(definition), device_bases(definition)
    captures = sorted((_SCRIPTS.parents[1] / "pcaps").glob("*.pcap"))
    texts = sorted({one.target for path in captures for one in engine.records(path) if one.target})
    wanted = [f"{one.kind}|{one.first}|{one.last}" for text in texts for one in ranges(text, bases)]
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    lines = ", ".join(f'"{text}"' for text in quoted)
    script = tmp_path / "ranges.zeek"
    script.write_text(_PRINTED.format(texts=lines), "utf-8")
    here = zeek.availability()
    assert here.path is not None
    assert here.version is not None
    analyzer = compiled_analyzer(zeek_analyzer(), compiler(Path(here.path)), here.version)
    found = subprocess.run(
        [here.path, analyzer, _SCRIPTS, script],
        cwd=tmp_path, env=dict(os.environ) | {"ZEEK_PLUGIN_PATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=_TIMEOUT, check=True,
    )  # fmt: skip
    assert found.stdout.splitlines() == wanted

"""All captures at once: a cluster of Zeeks says what one process says, and many threads of Suricata what one says."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import merged
import pytest
import yaml
from nodes import Zeeks, share_of

from melsec_nsm.capture import Record
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.cleaned import write_pcap
from melsec_nsm.engines.process import run
from melsec_nsm.engines.suricata import SuricataEngine, environment, read_alerts, shipped_rules, to_alerts
from melsec_nsm.engines.zeek import Row, ZeekEngine, rows
from melsec_nsm.generate import site
from melsec_nsm.policy import loader
from melsec_nsm.policy.compiled import CompiledPolicy

_TOP = Path(__file__).resolve().parents[2]
_SHARED = _TOP.parent / "shared" / "captures"

LOGS = ("melsec", "melsec_engineering", "melsec_assets", "notice", "weird", "files")
_IDS = {"uid", "response_uid", "fuid", "conn_uids", "peer", "peer_descr"}
_MICROSECONDS_10 = 5
"""Digits of a time: all packets have such times, and nodes tell each other times that are off by a microsecond."""

Line = tuple[tuple[str, str], ...]
Difference = tuple[str, str, str]
"""Log, capture, and what a line is about."""

LATER = (
    "a worker knows what another one has learnt a moment after that, and the first of two never what the second learns"
)
AGAIN = (
    "an answer alone waits on the proxy for its request, and that something is not repeated ends by the clock: "
    "the notice after that names an answer that came some seconds before"
)
DIFFERENCES: dict[int, dict[Difference, str]] = {
    # Which share is read first: what the cluster says otherwise than one process, and why.
    0: {},
    1: {
        ("notice", "slmp-3e-connection-exhaustion", "connection-exhaustion"): LATER,
        ("weird", "melsoft-udp-crash", "melsec_garbage"): LATER,
    },
}
JUDGED: dict[Difference, str] = {
    # The same under a policy. The capture has addresses of its own.
    ("notice", "", "host-not-allowed"): AGAIN,
    ("notice", "", "outside-path"): AGAIN,
}


class Traffic(NamedTuple):
    """All captures as one."""

    names: list[str]
    records: list[Record]

    def capture_of(self, texts: Iterable[object]) -> str:
        """The capture whose addresses are among these; nothing where there is none."""
        for text in texts:
            for number, name in enumerate(self.names, 1):
                if str(text).startswith(f"{merged.network(number)}."):
                    return name
        return ""


def captures() -> list[Path]:
    """All there are, on a machine with the real ones those too."""
    found = sorted((_TOP / "pcaps").glob("*.pcap"))
    for folder in ("clients", "real"):
        found += sorted((_SHARED / folder).glob("*.pcap*"))
    return found


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """Each capture an hour behind the one before."""
    found = captures()
    packets = [one for number, path in enumerate(found, 1) for one in merged.records(path, number)]
    packets += merged.beats(len(found))
    return Traffic([path.stem for path in found], sorted(packets, key=lambda one: one.ts))


def comparable(value: Any) -> Any:
    """A value of a log without what is another one each time: the order of a set, the last digit of a time."""
    if isinstance(value, Decimal):
        return round(value, _MICROSECONDS_10)
    return sorted(value) if isinstance(value, list) else value


def lines(logs: Path, log: str) -> Counter[Line]:
    """The lines of a log without ids. Of the oddities only ours: others depend on who else was odd."""
    found: Counter[Line] = Counter()
    for row in rows(logs, log):
        if log != "weird" or row["name"].startswith("melsec_"):
            found[tuple(sorted((name, str(comparable(row[name]))) for name in row if name not in _IDS))] += 1
    return found


def about(row: Row) -> str:
    """What a line is about."""
    for name in ("melsec_detection", "note", "action", "name", "operation", "filename", "source"):
        if name in row:
            return str(row[name])
    return ""


def differences(traffic: Traffic, one: Path, other: Path) -> dict[Difference, list[Line]]:
    """What two folders of logs do not have in common."""
    told: dict[Difference, list[Line]] = {}
    for log in LOGS:
        single, cluster = lines(one, log), lines(other, log)
        assert single, log
        for line in [*(single - cluster), *(cluster - single)]:
            row = dict(line)
            told.setdefault((log, traffic.capture_of(row.values()), about(row)), []).append(line)
    return told


def are_listed(told: dict[Difference, list[Line]], listed: Mapping[Difference, str]) -> None:
    """What differs is what is listed; what is the same by now is to be taken off the list."""
    assert {one: some for one, some in told.items() if one not in listed} == {}
    assert set(told) == set(listed)


@pytest.fixture(scope="module")
def zeeks(zeek: ZeekEngine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Zeeks]:
    """Makes Zeeks in a folder of their own."""
    return lambda: Zeeks(zeek, tmp_path_factory.mktemp("zeeks"))


_OPTIONS = ("MELSEC::log_values=T",)


@pytest.fixture(scope="module")
def alone(zeeks: Callable[[], Zeeks], traffic: Traffic) -> Path:
    """The logs of one process."""
    return zeeks().single(traffic.records, *_OPTIONS)


def halves(records: Iterable[Record]) -> Iterator[bool]:
    """Of each exchange by broadcast over MELSOFT's port whether request and response come to different workers."""
    asked: dict[bytes, int] = {}
    for record in records:
        data, at = record.data, merged.ip_offset(record.data)
        if at is None or data[at + 9] != 17 or data[at + 16 : at + 20] != b"\xff\xff\xff\xff":
            continue
        client, server = data[at + 20 : at + 22], data[at + 22 : at + 24]
        if server == (5560).to_bytes(2, "big"):
            asked[client] = share_of(record)
        elif server in asked:
            yield asked[server] != share_of(record)


def test_the_workers_get_halves(traffic: Traffic) -> None:
    # Else there would be nothing to bring together.
    assert set(halves(traffic.records)) == {True, False}
    shares = Counter(share_of(one) for one in traffic.records if not merged.is_beat(one))
    assert min(shares[0], shares[1]) > sum(shares.values()) / 4


@pytest.mark.parametrize("first", DIFFERENCES)
def test_a_cluster_says_what_one_process_says(
    zeeks: Callable[[], Zeeks], traffic: Traffic, alone: Path, first: int
) -> None:
    told = differences(traffic, alone, zeeks().cluster(traffic.records, *_OPTIONS, first=first))
    are_listed(told, DIFFERENCES[first])


# Under a policy


def policy(traffic: Traffic) -> str:
    """A policy that allows something of everything: to every second controller, to every third client …"""
    numbers = range(1, len(traffic.names) + 1)
    learnt = merged.begin(traffic.names.index("site-panel") + 1) // merged.SECOND + 60
    odd = [f"{merged.network(number)}.3.250" for number in numbers if number % 2]
    even = [f"{merged.network(number)}.3.250" for number in numbers if not number % 4]
    networks = {third: [f"{merged.network(n)}.0.0/16" for n in numbers if n % 3 == third] for third in range(3)}
    document = {
        "site": "all-at-once",
        "timezone": "UTC",
        "zones": {"one": networks[0], "two": networks[1], "three": networks[2]},
        "allowed_paths": [["one", "one"], ["two", "two"]],
        "controllers": [
            {"name": "odd", "address": odd, "ports": ["5007/tcp", "5560/udp", "5000/udp"]},
            {"name": "even", "address": even},
        ],
        "roles": {
            "engineer": {"allow": ["read", "monitor", "identify", "session", "write", "control", "file"]},
            "reader": {"allow": ["read", "monitor", "identify", "session"]},
        },
        "hosts": [
            {"name": "engineers", "address": [f"{merged.network(n)}.3.18" for n in numbers if n % 5 < 2],
             "role": "engineer", "controllers": "all"},
            {"name": "readers", "address": [f"{merged.network(n)}.3.18" for n in numbers if n % 5 == 2],
             "role": "reader", "controllers": "all"},
            {"name": "panels", "address": [f"{merged.network(n)}.3.18" for n in numbers if n % 5 == 3],
             "role": "engineer", "controllers": ["even"]},
        ],
        "maintenance_windows": [
            {"name": "mornings", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00",
             "to": "12:00", "controllers": "all", "actions": ["program-download", "control"]},
        ],
        "changes": [
            {"ticket": "CHG-1", "controller": "odd", "file": "MAIN.PRG", "sha256": "5e" * 32},
        ],
        "baseline": {"learn_until": datetime.fromtimestamp(learnt, timezone.utc).strftime("%Y-%m-%dT%H:%M")},
    }  # fmt: skip
    return yaml.safe_dump(document, sort_keys=False)


_RAISED = {
    *("host-not-allowed", "role-not-allowed", "controller-not-allowed", "unknown-controller", "outside-window"),
    *("outside-path", "public-address", "unexpected-port", "unapproved-program", "new-conversation", "new-operation"),
}


def test_a_cluster_judges_as_one_process_does(
    zeeks: Callable[[], Zeeks], traffic: Traffic, definition: Definition, tmp_path: Path
) -> None:
    compiled = CompiledPolicy(loader.parse(policy(traffic).encode(), "site.yaml", definition), definition)
    table, *_ = site.install(tmp_path, site.render(compiled, definition))
    both, option = zeeks(), f"MELSEC::policy_file={table}"
    single = both.single(traffic.records, option)
    # All that a policy can find is found.
    assert {row.get("melsec_detection") for row in rows(single, "notice")} >= _RAISED
    told = differences(traffic, single, both.cluster(traffic.records, option))
    are_listed(told, {one: why for one, why in JUDGED.items() if _SHARED.is_dir()})


# Suricata

_THREADS = 4
_ANY = "any"

RACES: dict[tuple[str, str], str] = {
    (
        "npm_mcprotocol_1e_binary_5001",
        "device-write",
    ): "a 1E answer is told by a bit of its pair of hosts, which connections "
    "that several threads look at take from each other: one rule may say it, or two",
}
"""Of what it is left to chance how many alerts there are, and why."""

Said = Counter[tuple[str, str, str]]


def said(
    suricata: SuricataEngine, traffic: Traffic, capture: Path, folder: Path, threads: int, *options: str
) -> tuple[Said, set[tuple[str, str]]]:
    """Alerts by detection, client and server; and which of the races were won by anybody."""
    folder.mkdir()
    arguments = suricata.arguments(folder, shipped_rules())
    program = suricata.availability().path
    assert program is not None
    outcome = run(
        [program, *arguments, *options, "--set", "logging.default-log-level=notice", "-r", capture],
        folder,
        environment(),
    )
    assert outcome.code == 0, outcome.failure()
    assert f" W: {threads} " in outcome.stderr + outcome.stdout
    found: Said = Counter()
    raced = set()
    for one in to_alerts(read_alerts(folder / "eve.json")):
        race = (traffic.capture_of([one.client]), one.id)
        if race in RACES:
            raced.add(race)
            continue
        # Of a client that asks many only the last one is named, whichever that is.
        found[one.id, one.client, _ANY if one.id == "discovery-sweep" else one.server] += 1
    return found, raced


def test_many_threads_of_suricata_say_what_one_says(suricata: SuricataEngine, traffic: Traffic, tmp_path: Path) -> None:
    capture = tmp_path / "all.pcap"
    write_pcap(capture, traffic.records)
    ratio = f"threading.detect-thread-ratio={_THREADS / (os.cpu_count() or 1)}"
    one, raced = said(suricata, traffic, capture, tmp_path / "one", 1)
    many, raced_by_many = said(
        suricata, traffic, capture, tmp_path / "many", _THREADS, "--runmode", "autofp", "--set", ratio,
    )  # fmt: skip
    assert sum(one.values()) > 0
    assert many == one
    assert raced_by_many == raced
    # A detection that is no more is to be taken off the list.
    assert raced == {race for race in RACES if race[0] in traffic.names}

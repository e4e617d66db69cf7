"""Real controllers and public clients: what the engines say equals independent counts and the ground truth."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import independent
import pytest

from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine
from melsec_nsm.engines.base import Result
from melsec_nsm.engines.suricata import SuricataEngine

REAL = {
    # capture: how often each engine must say remote-stop
    "melsoft_UDP_clean_1.pcap": 1,
    "melsoft_UDP_clean_2.pcap": 0,
    "legitimate_user_addition_plc_stop_test.pcapng": 1,
    "cve_2021_20594_username_bruteforce.pcapng": 0,
    "melsoft_129_clean.pcap": 0,
}

_DOWNLOAD = {"bulk-device-write": 1, "owner-eviction": 1, "parameter-write": 3, "program-download": 9, "remote-stop": 1}
HAPPENED: dict[str, dict[str, int]] = {
    # What happened in a capture that is worth more than a note, with how often; nothing in any other.
    "cve_2021_20594_username_bruteforce.pcapng": {"handmade-client": 1, "username-guessing": 1},
    "legitimate_user_addition_plc_stop_test.pcapng": {
        "remote-stop": 1,
        "safety-mode-change": 1,
        "user-information-read": 1,
        "user-registration": 1,
    },
    "melsoft_UDP_clean_1.pcap": _DOWNLOAD,
    "melsoft_UDP_unclean_1.pcap": _DOWNLOAD,
    "melsoft_UDP_clean_2.pcap": {"online-change": 1, "program-download": 2},
}

CLIENTS = (
    "aslmp_4e_udp_5001",
    "attack_file_read_3e_5011",
    "attack_password_guessing_3e_5007",
    "attack_recon_type_names_3e",
    "attack_stop_and_overwrite_3e_5010",
    "mcprotocol_udp_3e_binary_2000",
    "odd_clients_1280",
    "plc_comm_slmp_4e_binary_5562",
    "pymcprotocol_3e_binary_5007",
    "watcher_3e_poll_5000",
)


def by_command(result: Result) -> Counter[tuple[str, str]]:
    """Transactions by frame and command."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in result.transactions or ():
        counts[row.frame, row.command] += row.count
    return counts


@pytest.mark.parametrize("name", REAL)
def test_transactions_equal_an_independent_count(shared: Path, transacting: Engine, name: str) -> None:
    capture = shared / "captures" / "real" / name
    result = transacting.run(capture)
    expected = independent.counted(capture)
    assert by_command(result) == expected
    assert sum(expected.values()) > 0


@pytest.mark.parametrize("name", REAL)
def test_remote_stop_is_found_by_every_engine_exactly_once(
    shared: Path, transacting: Engine, suricata: SuricataEngine, name: str
) -> None:
    capture = shared / "captures" / "real" / name
    for engine in (transacting, suricata):
        counts = {row.id: row.count for row in engine.run(capture).detections}
        assert counts.get("remote-stop", 0) == REAL[name], engine.name


def test_nothing_is_raised_but_what_happened(
    shared: Path, definition: Definition, transacting: Engine, suricata: SuricataEngine
) -> None:
    for capture in sorted((shared / "captures" / "real").iterdir()):
        happened = HAPPENED.get(capture.name, {})
        assert grave(definition, transacting.run(capture)) == happened, capture.name
        # Suricata counts files as they are opened.
        assert grave(definition, suricata.run(capture)).keys() <= happened.keys(), capture.name


def grave(definition: Definition, result: Result) -> dict[str, int]:
    """What was raised above informational, with how often."""
    severities = {one.id: one.severity for one in definition.detections.values()}
    return {one.id: one.count for one in result.detections if severities[one.id] != "informational"}


def test_every_segment_twice_and_no_handshake_count_each_request_once(shared: Path, transacting: Engine) -> None:
    result = transacting.run(shared / "captures" / "real" / "melsoft_129_clean.pcap")
    assert by_command(result) == {("57", "0410"): 244, ("57", "0411"): 245, ("57", "0413"): 2}
    assert result.truncated


@pytest.mark.parametrize("name", CLIENTS)
def test_clients_equal_their_ground_truth(shared: Path, transacting: Engine, name: str) -> None:
    folder = shared / "captures" / "clients"
    truth = json.loads((folder / f"{name}.json").read_text("utf-8"))
    counts: Counter[str] = Counter()
    for (_, command), count in by_command(transacting.run(folder / f"{name}.pcap")).items():
        counts[command] += count
    assert counts == truth["wire"]["totals"]


def test_foreign_traffic_is_no_melsec(shared: Path, transacting: Engine, suricata: SuricataEngine) -> None:
    foreign = sorted((shared / "captures" / "foreign").iterdir())
    assert len(foreign) > 50
    for capture in foreign:
        for engine in (transacting, suricata):
            result = engine.run(capture)
            assert not result.transactions, (engine.name, capture.name)
            assert not result.detections, (engine.name, capture.name)
            assert not result.confirmed, (engine.name, capture.name)

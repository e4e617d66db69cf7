"""What was done to real controllers: operations, files, users, models and alerts, against the ground truth.

The truth is what people and another dissector read in the captures of NozomiNetworks and ITI, frame by frame.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from melsec_nsm.codec import Codec
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import Operation, Result
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.reference.inspection import Inspection
from melsec_nsm.engines.suricata import SuricataEngine

DOWNLOAD, CHANGE = "melsoft_UDP_clean_1.pcap", "melsoft_UDP_clean_2.pcap"
UNCLEAN, PANEL = "melsoft_UDP_unclean_1.pcap", "melsoft_129_clean.pcap"
USERS, GUESSING = "legitimate_user_addition_plc_stop_test.pcapng", "cve_2021_20594_username_bruteforce.pcapng"
MELSOFT = (DOWNLOAD, CHANGE, UNCLEAN, PANEL, USERS, GUESSING)

FX5U, MOVED, ENGINEER = "192.168.3.250", "192.168.0.250", "192.168.3.101"


@pytest.fixture(scope="module")
def results(shared: Path, definition: Definition) -> dict[str, Result]:
    """The verdict on each capture with MELSOFT in it."""
    engine = ReferenceEngine(definition)
    return {name: engine.run(shared / "captures" / "real" / name) for name in MELSOFT}


def done(result: Result, *actions: str) -> list[Operation]:
    assert result.operations is not None
    return [one for one in result.operations if one.action in actions or not actions]


def alerts(result: Result) -> dict[str, int]:
    return {one.id: one.count for one in result.detections}


@pytest.mark.parametrize("name", MELSOFT)
def test_every_layout_fits_and_every_checksum_is_right(shared: Path, definition: Definition, name: str) -> None:
    codec = Codec(definition)
    footed = 0
    for _, transaction in Inspection(codec, shared / "captures" / "real" / name):
        request = transaction.request.pdu if transaction is not None and transaction.request is not None else None
        for half in (transaction.request, transaction.response) if transaction is not None else ():
            if half is None:
                continue
            found = codec.payload(half.pdu, request if not half.pdu.is_request else None)
            where = f"{half.pdu.command:04X} {half.pdu.half.direction}"
            assert found.layout is not None or not half.pdu.body, where
            assert (found.complete, found.rest) == (True, b""), where
            footer = half.pdu.footer
            assert footer is None or footer.good is not False, where
            footed += footer is not None
    # 702 control frames and FX5 frames have none; four requests of the FX5U carry a file password.
    assert footed == {USERS: 1392, GUESSING: 18, DOWNLOAD: 2, UNCLEAN: 2, CHANGE: 2, PANEL: 0}[name]


def test_a_download_reads_as_what_it_is(results: dict[str, Result]) -> None:
    result = results[DOWNLOAD]
    written = done(result, "program-download", "parameter-write")
    assert [(one.object, one.bytes) for one in written] == [
        ("SYSTEM.PRM", 184),
        ("CPU.PRM", 780),
        ("00000001.SYP", 200),
        ("UNIT.PRM", 3016),
        ("GLBLINF.IFG", 672),
        ("MAIN.PRG", 3080),
        ("COMMENT.DCM", 256),
        ("SourceInfo.CAB", 1948),
        ("CALLTREEINFO.CAB", 304),
    ]
    assert {(one.client, one.server, one.status, one.missing_bytes) for one in written} == {(ENGINEER, FX5U, "0000", 0)}
    assert [one.object for one in done(result, "parameter-write")] == ["SYSTEM.PRM", "CPU.PRM", "UNIT.PRM"]
    (evicted,) = done(result, "owner-release")
    assert (evicted.object, evicted.client) == ("192.168.0.101", ENGINEER)
    (stop,) = done(result, "remote-stop")
    (cleared,) = done(result, "memory-overwrite")
    (moved,) = done(result, "address-change")
    (swept,) = done(result, "device-sweep")
    assert evicted.ts < stop.ts < written[0].ts < cleared.ts < moved.ts <= swept.ts
    assert (cleared.requests, cleared.object) == (106, "M,L,B,F,SB,TN,STN,CN,LCN,D,R,W,SW,Z,LZ")
    assert moved.object == f"{FX5U} > {MOVED}"
    assert swept.server == MOVED
    assert [(one.server, one.object) for one in done(result, "connect")] == [
        (FX5U, "FX5U-32MT/ES"),
        (MOVED, "FX5U-32MT/ES"),
    ]


def test_an_upload_gives_back_what_was_downloaded(results: dict[str, Result]) -> None:
    files = results[DOWNLOAD].files
    assert files is not None
    down = {one.path.upper(): one.sha256 for one in files if one.direction == "download"}
    late = [one for one in files if one.direction == "upload" and one.server == MOVED]
    assert [one.name for one in late] == [
        *("CALLTREEINFO.CAB", "SourceInfo.CAB", "00000001.SYP", "SYSTEM.PRM", "CPU.PRM", "SourceInfo.CAB", "UNIT.PRM"),
        *("COMMENT.DCM", "SlibFbFile.PFB", "GLBLINF.IFG", "MAIN.PRG"),
    ]
    same = {one.name for one in late if one.sha256 == down.get(one.path.upper())}
    # The controller writes into the head of a program, and the function blocks were its own.
    assert {one.name for one in late} - same == {"MAIN.PRG", "SlibFbFile.PFB"}
    assert all(one.closed and not one.missing_bytes and one.drive == 4 for one in files)


def test_an_online_change_reads_as_what_it_is(results: dict[str, Result]) -> None:
    result = results[CHANGE]
    (change,) = done(result, "online-change")
    assert (change.object, change.requests, change.client, change.server) == ("MAIN.PRG,CPU.PRM", 10, ENGINEER, FX5U)
    assert [one.object for one in done(result, "program-download")] == ["CALLTREEINFO.CAB", "SourceInfo.CAB"]
    assert done(result, "remote-stop", "parameter-write", "memory-overwrite") == []
    assert alerts(result)["online-change"] == 1


def test_users_modes_and_a_stop(results: dict[str, Result]) -> None:
    result = results[USERS]
    told = [(one.action, one.object) for one in done(result)]
    assert told == [
        ("connect", "R08SFCPU"),
        ("login", "nozomi"),
        ("user-read", "nozomi,test_nozomi,user"),
        ("user-change", "nozomi"),
        ("login", "nozomi"),
        ("user-change", "test_nozomi"),
        ("user-change", "user"),
        ("user-add", "devel"),
        ("user-read", "nozomi,test_nozomi,user,devel"),
        ("online-monitoring", "SD,SM"),
        ("remote-stop", ""),
        ("safety-mode-change", "test"),
    ]
    assert {one.user for one in done(result)[1:]} == {"nozomi"}
    assert {one.status_name for one in done(result)[1:]} == {"success"}
    (watched,) = done(result, "online-monitoring")
    assert watched.requests == 362


def test_guessing_is_eight_failed_logins(results: dict[str, Result]) -> None:
    failed = done(results[GUESSING])
    assert [(one.action, one.user) for one in failed] == [("login-failed", f"nozom{letter}") for letter in "abcdefgh"]
    assert {one.status_name for one in failed} == {"user-unknown"}


def test_alerts_are_those_that_belong_to_them(results: dict[str, Result]) -> None:
    download = {
        "bulk-device-write": 1,
        "device-write": 1,
        "owner-eviction": 1,
        "parameter-write": 3,
        "program-download": 9,
        "program-upload": 14,
        "remote-stop": 1,
        "type-name-read": 2,
    }
    assert {name: alerts(result) for name, result in results.items()} == {
        DOWNLOAD: download,
        UNCLEAN: download,
        CHANGE: {"online-change": 1, "program-download": 2, "program-upload": 3, "type-name-read": 1},
        PANEL: {},
        USERS: {
            "remote-stop": 1,
            "safety-mode-change": 1,
            "type-name-read": 1,
            "user-information-read": 1,
            "user-registration": 1,
        },
        GUESSING: {"handmade-client": 1, "username-guessing": 1},
    }


def test_suricata_alerts_on_what_it_claims(
    shared: Path, suricata: SuricataEngine, definition: Definition, results: dict[str, Result]
) -> None:
    # Requests to the broadcast address do not say which of two controllers is meant; and a file that is read once more
    # is one more alert, as a rule does not remember names.
    otherwise = {"type-name-read": 1, "program-upload": 15}
    for name, result in results.items():
        wanted = {
            one: count for one, count in alerts(result).items() if "suricata" in definition.detections[one].engines()
        }
        if name in (DOWNLOAD, UNCLEAN):
            wanted |= otherwise
        assert alerts(suricata.run(shared / "captures" / "real" / name)) == wanted, name


def test_controllers(results: dict[str, Result]) -> None:
    def known(name: str) -> list[tuple[str, ...]]:
        return [(one.host, one.model, one.series, one.mac, *one.ports) for one in results[name].assets]

    mac = "10:4b:46:28:0b:fa"
    assert (
        known(DOWNLOAD)
        == known(UNCLEAN)
        == [
            (MOVED, "FX5U-32MT/ES", "iQ-F", mac, "5560/udp"),
            (FX5U, "FX5U-32MT/ES", "iQ-F", mac, "5560/udp"),
        ]
    )
    # A relay in between has the address, but not the MAC address.
    assert known(PANEL) == [(FX5U, "", "", mac, "5562/tcp")]
    assert known(USERS) == [("172.17.0.134", "R08SFCPU", "iQ-R", "", "5007/tcp")]
    assert known(GUESSING) == [("192.168.45.100", "", "", "", "5007/tcp")]


CLIENTS = {
    "attack_file_read_3e_5011": {"program-upload": 3},
    "attack_password_guessing_3e_5007": {"password-guessing": 1, "password-cleartext": 2, "remote-stop": 1},
    "attack_recon_type_names_3e": {"discovery-sweep": 1, "type-name-read": 5},
    "attack_stop_and_overwrite_3e_5010": {"bulk-device-write": 1, "remote-stop": 1, "remote-latch-clear": 1},
    "odd_clients_1280": {"device-write": 1},
    "watcher_3e_poll_5000": {},
}


@pytest.mark.parametrize("name", CLIENTS)
def test_public_clients(shared: Path, definition: Definition, name: str) -> None:
    result = ReferenceEngine(definition).run(shared / "captures" / "clients" / f"{name}.pcap")
    found = alerts(result)
    assert {one: found.get(one) for one in CLIENTS[name]} == CLIENTS[name]
    new = {"username-guessing", "credential-replay", "handmade-client", "online-change", "program-download"}
    assert not set(found) & new
    assert "bulk-device-write" not in found or "bulk-device-write" in CLIENTS[name]


def test_files_of_a_public_client(shared: Path, definition: Definition) -> None:
    result = ReferenceEngine(definition).run(shared / "captures" / "clients" / "attack_file_read_3e_5011.pcap")
    assert Counter((one.action, one.object) for one in done(result)) == {
        ("program-upload", "COMMENT.QCD"): 1,
        ("program-upload", "MAIN.QPG"): 1,
        ("program-upload", "MAIN.PRG"): 1,
        ("file-read", "RECIPE01.CSV"): 1,
        ("file-delete", "RECIPE02.CSV"): 1,
    }

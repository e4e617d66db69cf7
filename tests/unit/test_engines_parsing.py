"""What the engines read out of the sensors' logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from melsec_nsm.engines.base import Asset, DetectionCount, EngineError, Operation, TransactionCount, summed
from melsec_nsm.engines.process import Outcome
from melsec_nsm.engines.suricata import nanoseconds, read_alerts, rule_errors, to_alerts
from melsec_nsm.engines.zeek import read_result

START = 1_767_225_600_000_000_000  # 2026-01-01 00:00:00 UTC


def log(folder: Path, name: str, *rows: dict[str, Any]) -> None:
    (folder / f"{name}.log").write_text("".join(json.dumps(row) + "\n" for row in rows))


def transaction(command: str, **more: Any) -> dict[str, Any]:
    return {
        "ts": 1767225600.000001,
        "protocol": "slmp",
        "frame": "3E",
        "encoding": "binary",
        "command": command,
        "request_len": 21,
        **more,
    }


def alert(detection: str | None, timestamp: str, source: str, destination: str) -> dict[str, Any]:
    metadata = {"metadata": {"melsec_id": [detection]}} if detection else {}
    return {
        "event_type": "alert",
        "timestamp": timestamp,
        "src_ip": source,
        "dest_ip": destination,
        "alert": {"signature_id": 1880000, **metadata},
    }


class TestSummed:
    def test_counts_by_id_and_takes_the_parties_of_the_earliest(self) -> None:
        alerts = [("b", 5, "c5", "s5"), ("a", 9, "c9", "s9"), ("b", 3, "c3", "s3"), ("b", 4, "c4", "s4")]
        assert summed(alerts) == (DetectionCount("a", 1, 9, "c9", "s9"), DetectionCount("b", 3, 3, "c3", "s3"))

    def test_nothing_is_nothing(self) -> None:
        assert summed([]) == ()


class TestZeek:
    def test_requests_are_counted_by_command(self, tmp_path: Path) -> None:
        log(tmp_path, "melsec", transaction("0401"), transaction("1002"), transaction("0401", status="0000"))
        assert read_result(tmp_path, "x.pcap").transactions == (
            TransactionCount("slmp", "3E", "binary", "0401", 2),
            TransactionCount("slmp", "3E", "binary", "1002", 1),
        )

    def test_a_response_without_a_request_is_no_request(self, tmp_path: Path) -> None:
        alone = transaction("0401", status="0000", response_len=11)
        del alone["request_len"]
        log(tmp_path, "melsec", alone)
        assert read_result(tmp_path, "x.pcap").transactions == ()

    def test_a_summed_up_line_counts_as_many(self, tmp_path: Path) -> None:
        log(tmp_path, "melsec", transaction("0401", repeats=40), transaction("0401"), transaction("0401", again=True))
        assert read_result(tmp_path, "x.pcap").transactions == (TransactionCount("slmp", "3E", "binary", "0401", 41),)

    def test_notices_of_ours_are_detections_with_exact_times(self, tmp_path: Path) -> None:
        # 1767225600.123457 is not a binary fraction: through a float it would lose nanoseconds.
        ours = {"note": "MELSEC::Remote_Stop", "melsec_detection": "remote-stop", "src": "10.0.0.1", "dst": "10.0.0.2"}
        log(tmp_path, "notice", {"ts": 1767225600.123457, **ours}, {"ts": 1767225600.0, "note": "Scan::Port_Scan"})
        expected = DetectionCount("remote-stop", 1, START + 123_457_000, "10.0.0.1", "10.0.0.2")
        assert read_result(tmp_path, "x.pcap").detections == (expected,)

    @pytest.mark.parametrize(
        ("service", "confirmed"), [("melsec_tcp", True), ("http,melsec_udp", True), ("http", False)]
    )
    def test_the_service_says_whether_it_was_recognised(self, tmp_path: Path, service: str, confirmed: bool) -> None:
        log(tmp_path, "conn", {"uid": "C1"}, {"uid": "C2", "service": service})
        assert read_result(tmp_path, "x.pcap").confirmed is confirmed

    def test_no_log_at_all_is_an_empty_verdict(self, tmp_path: Path) -> None:
        result = read_result(tmp_path, "x.pcap")
        assert (result.transactions, result.detections, result.assets) == ((), (), ())
        assert result.confirmed is False
        assert result.warnings == ()

    def test_later_lines_add_to_what_is_known_of_a_host(self, tmp_path: Path) -> None:
        log(
            tmp_path,
            "melsec_assets",
            {"host": "10.0.0.2", "model": "FX5U-32MT/ES", "series": "iQ-F", "advisories": ["ICSA-20-175-01"]},
            {"host": "10.0.0.1"},
            {"host": "10.0.0.2", "firmware": "1.2", "advisories": ["ICSA-19-346-02"]},
            {"host": "10.0.0.2", "protocols": ["slmp"], "ports": ["5560/udp", "61451/udp", "5007/tcp"]},
        )
        assert read_result(tmp_path, "x.pcap").assets == (
            Asset("10.0.0.1", "", "", ()),
            Asset(
                host="10.0.0.2",
                model="FX5U-32MT/ES",
                series="iQ-F",
                advisories=("ICSA-19-346-02", "ICSA-20-175-01"),
                firmware="1.2",
                protocols=("slmp",),
                ports=("5007/tcp", "5560/udp", "61451/udp"),
            ),
        )

    def test_operations_come_by_time_and_keep_what_is_not_said_empty(self, tmp_path: Path) -> None:
        # A controller that changes its address by itself has no client.
        moved = {"server": "10.0.0.2", "protocol": "melsoft", "action": "address-change", "requests": 1}
        stop = {"client": "10.0.0.9", "server": "10.0.0.2", "protocol": "slmp", "action": "remote-stop", "requests": 1}
        log(tmp_path, "melsec_engineering", {"ts": 2.5, "uid": "C1", **moved}, {"ts": 1.25, **stop, "status": "0000"})
        assert read_result(tmp_path, "x.pcap").operations == (
            Operation(1_250_000_000, "slmp", "10.0.0.9", "10.0.0.2", "remote-stop", status="0000"),
            Operation(2_500_000_000, "melsoft", "", "10.0.0.2", "address-change"),
        )

    def test_errors_and_our_failed_analyzers_are_warnings(self, tmp_path: Path) -> None:
        error = {"level": "Reporter::ERROR", "message": "no such index", "location": "main.zeek, line 3"}
        log(tmp_path, "reporter", error, error, {"level": "Reporter::INFO", "message": "all is well"})
        log(
            tmp_path,
            "analyzer",
            {"analyzer_name": "MELSEC_TCP", "uid": "C1", "failure_reason": "parse error"},
            {"analyzer_name": "HTTP", "uid": "C2", "failure_reason": "not a http reply line"},
        )
        assert read_result(tmp_path, "x.pcap", ["cut off"]).warnings == (
            "cut off",
            "error: no such index (main.zeek, line 3)",
            "MELSEC_TCP gave up on C1: parse error",
        )

    def test_a_broken_log_is_one_clear_line(self, tmp_path: Path) -> None:
        (tmp_path / "melsec.log").write_text('{"protocol": "slmp"\n')
        with pytest.raises(EngineError, match=r"^zeek: melsec\.log:1: not JSON$"):
            read_result(tmp_path, "x.pcap")


class TestSuricata:
    def test_only_alerts_of_ours_count(self, tmp_path: Path) -> None:
        events = [
            alert("remote-stop", "2026-01-01T00:00:00.000002+0000", "10.0.0.1", "10.0.0.2"),
            {"event_type": "flow", "timestamp": "2026-01-01T00:00:00.000000+0000"},
            alert(None, "2026-01-01T00:00:00.000000+0000", "10.0.0.1", "10.0.0.2"),
        ]
        log(tmp_path, "eve", *events)
        found = list(to_alerts(read_alerts(tmp_path / "eve.log")))
        assert found == [("remote-stop", START + 2000, "10.0.0.1", "10.0.0.2")]

    def test_the_server_is_the_target_of_the_rule(self) -> None:
        event = alert("password-guessing", "2026-01-01T00:00:00.000000+0000", "10.0.0.2", "10.0.0.1")
        event["alert"] |= {"source": {"ip": "10.0.0.1", "port": 49152}, "target": {"ip": "10.0.0.2", "port": 5007}}
        assert list(to_alerts([event])) == [("password-guessing", START, "10.0.0.1", "10.0.0.2")]

    def test_a_time_zone_is_understood(self) -> None:
        assert nanoseconds("2026-01-01T09:00:00.000001+0900") == START + 1000

    def test_a_broken_log_is_one_clear_line(self, tmp_path: Path) -> None:
        (tmp_path / "eve.json").write_text("{}\n{\n")
        with pytest.raises(EngineError, match=r"^suricata: eve\.json:2: not JSON$"):
            list(read_alerts(tmp_path / "eve.json"))

    def test_refused_rules_are_named_by_their_line(self) -> None:
        stderr = (
            "Error: unknown rule keyword 'contnt'.\n"
            'Error: error parsing signature "alert tcp (sid:1;)" from file /t/melsec.rules at line 3\n'
            'Error: error parsing signature "alert tcp (sid:2;)" from file /t/melsec.rules at line 9\n'
            "Error: Loading signatures failed.\n"
        )
        assert rule_errors(Outcome(1, "", stderr)) == [
            "line 3: unknown rule keyword 'contnt'.: alert tcp (sid:1;)",
            "line 9: refused: alert tcp (sid:2;)",
        ]

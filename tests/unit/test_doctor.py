"""What doctor finds where no sensor has to be asked: in logs, in a compiled policy, in the nodes of a cluster."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from policies import policy

from melsec_nsm.analysis.doctor import logs, zeek, zeek_logs, zeek_place
from melsec_nsm.analysis.doctor.model import ADVICE, INFORMATION, PROBLEM, Finding, Said, guarded
from melsec_nsm.analysis.doctor.zeek_place import Zeek
from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.site import TABLE, table
from melsec_nsm.policy.compiled import CompiledPolicy

TSV = "#separator \\x09\n#fields\tts\tname\taddl\n1.5\tone\t-\n2.5\ttwo\tx\n"


def test_only_whole_lines_of_the_end_are_read(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"first\nsecond\nthird\n")
    assert list(logs.tail(log)) == [b"first", b"second", b"third"]
    assert list(logs.tail(log, 10)) == [b"third"]


@pytest.mark.parametrize("packed", [False, True])
def test_columns_of_a_log_have_their_names(tmp_path: Path, packed: bool) -> None:
    log = tmp_path / ("x.log.gz" if packed else "x.log")
    log.write_bytes(gzip.compress(TSV.encode()) if packed else TSV.encode())
    assert list(logs.zeek_rows(log)) == [{"ts": "1.5", "name": "one"}, {"ts": "2.5", "name": "two", "addl": "x"}]


def test_the_head_of_a_long_log_names_its_columns(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text(TSV + "3.5\tthree\t-\n" * 1000)
    with log.open("rb+") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"4.5\tha")
    assert list(logs.zeek_rows(log))[-1] == {"ts": "3.5", "name": "three"}


def test_lines_of_json_may_be_half_written(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text('{"ts":1.5,"name":"one"}\n{"ts":2.5,"na')
    assert list(logs.zeek_rows(log)) == [{"ts": 1.5, "name": "one"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795860000.5", 1795860000.5),
        ("2026-11-28T10:00:00.123456Z", 1795860000.0),
        ("2026-11-28T10:00:00.123456+0000", 1795860000.0),
        ("2026-11-28T19:00:00.1+0900", 1795860000.0),
        ("yesterday", 0.0),
        ("-", 0.0),
        (None, 0.0),
    ],
)
def test_times_of_logs(text: str | None, expected: float) -> None:
    assert logs.seconds(text) == expected


def test_the_log_that_is_written_now_comes_before_those_put_away(tmp_path: Path) -> None:
    current, day = tmp_path / "current", tmp_path / "2026-11-28"
    current.mkdir()
    day.mkdir()
    assert logs.zeek_log(current, "conn") is None
    for hour in ("09:00:00-10:00:00", "10:00:00-11:00:00"):
        (day / f"conn.{hour}.log.gz").touch()
    (day / "connect.11:00:00-12:00:00.log.gz").touch()
    found = logs.zeek_log(current, "conn")
    assert found is not None
    assert found.name == "conn.10:00:00-11:00:00.log.gz"
    (current / "conn.log").touch()
    assert logs.zeek_log(current, "conn") == current / "conn.log"


def test_current_logs_may_be_a_link(tmp_path: Path) -> None:
    spool, kept = tmp_path / "spool/zeek", tmp_path / "logs"
    spool.mkdir(parents=True)
    (kept / "2026-11-28").mkdir(parents=True)
    (kept / "current").symlink_to(spool)
    (kept / "2026-11-28/conn.09:00:00-10:00:00.log.gz").touch()
    assert logs.zeek_log(kept / "current", "conn") is not None


def test_a_compiled_policy_says_whose_it_is(definition: Definition) -> None:
    octets = table.render(CompiledPolicy(policy(definition), definition))
    assert table.stated(octets) == ("press-shop", "")
    # As Zeek takes it.
    assert table.stated(octets.replace(b"\n", b"\r\n")) == ("press-shop", "")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda octets: octets[: octets.rindex(b"\n", 0, -1) + 1], "it is not whole"),
        (lambda octets: octets[:-9], "it is not whole"),
        (lambda octets: octets.replace(b"\t1,", b"\t2,", 1), "it has format 2, and not 1"),
        (lambda octets: octets.replace(b"policy\t", b"politic\t", 1), "it does not begin"),
        (lambda octets: b"\xff\xfe\x00", "it does not begin"),
    ],
)
def test_a_policy_that_zeek_does_not_take_says_why(definition: Definition, change: object, fault: str) -> None:
    assert callable(change)
    octets = change(table.render(CompiledPolicy(policy(definition), definition)))
    assert table.stated(octets).fault.startswith(fault)


def test_what_keeps_a_check_from_looking_is_a_finding(tmp_path: Path) -> None:
    def check() -> Said:
        yield Finding("x", ADVICE, "before")
        (tmp_path / "none").read_bytes()

    first, second = guarded("x", check())
    assert (str(first), str(second)) == (
        "x: before",
        f"x: cannot be looked at: {tmp_path / 'none'}: No such file or directory",
    )


LOCAL = Path("/usr/share/zeek/site/local.zeek")


def only(said: Said) -> Finding:
    """The one finding of a check."""
    (found,) = (one for one in said if isinstance(one, Finding))
    return found


@pytest.fixture
def written(definition: Definition, tmp_path: Path) -> Path:
    """A folder with a compiled policy."""
    (tmp_path / TABLE).parent.mkdir()
    (tmp_path / TABLE).write_bytes(table.render(CompiledPolicy(policy(definition), definition)))
    return tmp_path


def test_a_policy_in_force_is_named_with_its_age(written: Path) -> None:
    (said,) = zeek.policy_in_force(str(written / TABLE), written, LOCAL)
    assert str(said).startswith("zeek: policy of press-shop")
    assert str(said).endswith(", 0 days ago")


def test_a_policy_that_is_not_read_is_named(written: Path) -> None:
    found = only(zeek.policy_in_force("", written, LOCAL))
    assert (found.mend, found.place) == (f'redef MELSEC::policy_file = "{written / TABLE}";', str(LOCAL))
    assert list(zeek.policy_in_force("", written / "none", LOCAL)) == []


def test_a_broken_policy_is_compiled_again(written: Path) -> None:
    (written / TABLE).write_bytes((written / TABLE).read_bytes()[:-40])
    found = only(zeek.policy_in_force(str(written / TABLE), Path("/other"), LOCAL))
    assert found.severity == PROBLEM
    assert "it is not whole" in found.problem
    assert found.mend == f"melsec-nsm policy compile SITE.yaml --out {written}"


def test_a_policy_that_is_nowhere_is_compiled(tmp_path: Path) -> None:
    found = only(zeek.policy_in_force(str(tmp_path / TABLE), tmp_path, LOCAL))
    assert "is not there" in found.problem
    assert found.mend == f"melsec-nsm policy compile SITE.yaml --out {tmp_path}"


def test_a_cluster_without_a_proxy_gets_one(tmp_path: Path) -> None:
    nodes = tmp_path / "node.cfg"
    assert list(zeek.cluster(nodes)) == []
    nodes.write_text("[zeek]\ntype=standalone\nhost=localhost\ninterface=eth0\n")
    assert list(zeek.cluster(nodes)) == []
    nodes.write_text("[manager]\ntype=manager\nhost=10.0.0.1\n\n[worker-1]\ntype=worker\nhost=10.0.0.2\n")
    found = only(zeek.cluster(nodes))
    assert found.mend == "[proxy-1]\ntype=proxy\nhost=10.0.0.1"
    nodes.write_text(f"{nodes.read_text()}\n{found.mend}\n")
    assert list(zeek.cluster(nodes)) == []


def test_a_zeek_without_zeek_config_has_the_usual_folders(tmp_path: Path) -> None:
    program = tmp_path / "bin/zeek"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho zeek version 8.0.10\n")
    program.chmod(0o755)
    found = zeek_place.find(tmp_path)
    assert found is not None
    assert (found.version, found.local) == ("8.0.10", tmp_path / "share/zeek/site/local.zeek")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/zeekctl.cfg").write_text(f"# LogDir = /no\nLogDir = {tmp_path}/kept\n")
    assert found.logs() == tmp_path / "kept/current"


class Logs:
    """The logs of a Zeek that is not asked."""

    def __init__(self, prefix: Path) -> None:
        site, config = prefix / "site", prefix / "etc"
        self.zeek = Zeek(prefix / "bin/zeek", "8.0.10", prefix, site, config, site, site, prefix / "state")
        self.folder = prefix / "logs/current"
        self.folder.mkdir(parents=True)

    def write(self, name: str, *rows: Mapping[str, object]) -> None:
        (self.folder / f"{name}.log").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def findings(self) -> list[Finding]:
        said = zeek_logs.examine(self.zeek, None)
        return [one for one in said if isinstance(one, Finding) and one.severity != INFORMATION]

    def told(self) -> str:
        return "\n".join(str(one) for one in zeek_logs.examine(self.zeek, None))


@pytest.fixture
def written_logs(tmp_path: Path) -> Logs:
    made = Logs(tmp_path)
    made.write("capture_loss", {"ts": 1.5, "peer": "zeek", "percent_lost": 0.0})
    made.write("melsec", {"ts": "2026-11-28T10:00:00.0Z"})
    return made


def test_good_logs_tell_when_melsec_was_seen(written_logs: Logs) -> None:
    assert written_logs.findings() == []
    assert "last line of melsec.log: 2026-11-28T10:00:00Z" in written_logs.told()


def test_the_newest_loss_of_each_worker_counts(written_logs: Logs) -> None:
    rows = [("worker-1", 90.0), ("worker-1", 0.1), ("worker-2", 0.0), ("worker-2", 7.5)]
    written_logs.write("capture_loss", *({"peer": peer, "percent_lost": lost} for peer, lost in rows))
    (found,) = written_logs.findings()
    assert "packets are missing: worker-2 7.5 % " in found.problem
    assert "lb_procs" in found.mend
    assert found.place.endswith("etc/node.cfg, the worker")


def test_packets_that_zeek_drops_come_before_those_that_are_missing(written_logs: Logs) -> None:
    written_logs.write("capture_loss", {"peer": "zeek", "percent_lost": 7.5})
    written_logs.write("stats", {"peer": "zeek", "pkts_dropped": 25, "pkts_link": 100})
    assert ["packets are dropped: zeek 25.0 %" in one.problem for one in written_logs.findings()] == [True]


def test_logs_that_were_put_away_count_where_there_is_none_yet(written_logs: Logs) -> None:
    (written_logs.folder / "capture_loss.log").rename(written_logs.folder.parent / "text")
    day = written_logs.folder.parent / "2026-11-28"
    day.mkdir()
    row = json.dumps({"peer": "zeek", "percent_lost": 12.0}).encode()
    (day / "capture_loss.10:00:00-11:00:00.log.gz").write_bytes(gzip.compress(row))
    assert ["zeek 12.0 %" in one.problem for one in written_logs.findings()] == [True]


def test_a_log_that_is_cut_off_is_said(written_logs: Logs) -> None:
    (written_logs.folder / "melsec.log").unlink()
    day = written_logs.folder.parent / "2026-11-28"
    day.mkdir()
    (day / "melsec.10:00:00-11:00:00.log.gz").write_bytes(gzip.compress(b'{"ts":1.5}\n')[:-6])
    assert ["cannot be looked at" in one.problem for one in written_logs.findings()] == [True]


def test_sums_that_are_odd_are_told(written_logs: Logs) -> None:
    written_logs.write("weird", {"name": "bad_TCP_checksum"})
    assert [one.mend for one in written_logs.findings()] == ["redef ignore_checksums = T;"]


def test_a_policy_that_zeek_refused_is_told_until_it_takes_one(written_logs: Logs) -> None:
    refused = {"message": "MELSEC: x.tsv is not whole, or not for this version; no policy is in force"}
    taken = {"message": "MELSEC: the policy of press-shop is in force"}
    written_logs.write("reporter", taken, refused)
    assert ["not for this version" in one.problem for one in written_logs.findings()] == [True]
    written_logs.write("reporter", refused, taken)
    assert written_logs.findings() == []


def test_that_nothing_was_seen_is_no_mistake(written_logs: Logs) -> None:
    (written_logs.folder / "melsec.log").unlink()
    written_logs.write("conn", {"service": "http"})
    assert written_logs.findings() == []
    assert "no MELSEC has been logged" in written_logs.told()


def test_zeek_says_what_doctor_looks_for(checkout: Path) -> None:
    """The words of the scripts."""
    script = (checkout / "zeek/scripts/policy-file.zeek").read_text()
    assert "%s is not whole, or not for this version; %s" in script
    assert '"MELSEC: the policy of %s is in force"' in script

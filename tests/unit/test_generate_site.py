"""A policy for the sensors: what the tables and rules say, and that no reader ever sees half of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from policies import policy
from test_cli_policy import run

from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.site import render, write
from melsec_nsm.generate.site.rules import FIRST_SITE_SID, SUPPORTED
from melsec_nsm.policy.compiled import CompiledPolicy

COLUMNS = {
    "site": "site timezone",
    "hosts": "network host role controllers",
    "controllers": "address controller ports",
    "roles": "role classes",
    "zones": "network zone",
    "paths": "client server",
    "windows": "number window start end controllers actions begins ends",
    "changes": "number ticket controller file sha256 begins ends",
    "transitions": "since offset",
    "tunings": "detection enabled count seconds spared",
}


@pytest.fixture(scope="module")
def files(definition: Definition) -> dict[str, bytes]:
    return render(CompiledPolicy(policy(definition), definition, 2027), definition)


def rows(files: dict[str, bytes], table: str) -> list[list[str]]:
    """The rows of a table, without what they all have."""
    head, *lines = files[f"zeek/{table}.tsv"].decode("ascii").splitlines()
    assert head == "\t".join(("#fields", *COLUMNS[table].split(), "version"))
    return [line.split("\t")[:-1] for line in lines]


def test_the_index_names_every_table_with_its_rows_and_comes_last(files: dict[str, bytes]) -> None:
    tables = [name for name in files if name.startswith("zeek/")]
    assert tables == [*(f"zeek/{name}.tsv" for name in COLUMNS), "zeek/policy.tsv"]
    head, *lines = files["zeek/policy.tsv"].decode("ascii").splitlines()
    assert head == "#fields\ttable\trows\tversion"
    index = [line.split("\t") for line in lines]
    assert [(name, int(count)) for name, count, _ in index] == [(name, len(rows(files, name))) for name in COLUMNS]
    (version,) = {version for _, _, version in index}
    assert re.fullmatch("[0-9a-f]{16}", version)
    for name in COLUMNS:
        for line in files[f"zeek/{name}.tsv"].decode("ascii").splitlines()[1:]:
            assert line.endswith(f"\t{version}")


def test_tables(files: dict[str, bytes]) -> None:
    assert rows(files, "site") == [["press-shop", "Europe/Berlin"]]
    assert rows(files, "hosts")[:2] == [
        ["192.168.3.18/32", "eng-ws-1", "engineer", "press-1"],
        ["10.8.0.16/28", "remote", "engineer", "*"],
    ]
    assert rows(files, "controllers") == [
        ["192.168.3.250", "press-1", "5560/udp,5562/tcp"],
        ["192.168.3.251", "press-2", "(empty)"],
        ["fd00:3::251", "press-2", "(empty)"],
    ]
    assert rows(files, "roles")[1] == ["hmi", "monitor,read,session,write"]
    assert rows(files, "zones")[1] == ["fd00:3::/64", "plc-net"]
    assert rows(files, "paths") == [["vpn", "plc-net"], ["plc-net", "plc-net"]]
    assert rows(files, "tunings") == [
        ["program-upload", "T", "-", "-", "eng-ws-1"],
        ["password-guessing", "T", "10", "-", "(empty)"],
        ["remote-run", "F", "-", "-", "(empty)"],
    ]


def test_windows_and_changes_are_numbers(files: dict[str, bytes]) -> None:
    sunday, *night = rows(files, "windows")
    assert sunday[:5] == ["0", "sunday", str(6 * 1440 + 120), str(6 * 1440 + 360), "press-1"]
    assert sunday[6:] == ["-", "-"]
    assert "remote-stop" in sunday[5].split(",")
    # Sunday night is two spans: the week ends within it.
    assert [row[2:4] for row in night] == [["0", "240"], ["7080", "7440"], ["9960", "10080"]]
    assert {tuple(row[6:]) for row in night} == {("1793487600", "1798758000")}
    (change,) = rows(files, "changes")
    assert change[:4] == ["0", "CHG-1042", "press-1", "MAIN.PRG"]
    assert change[5:] == ["1795129200", "1796079600"]
    assert rows(files, "transitions")[0] == ["946684800", "3600"]
    assert len(rows(files, "transitions")) == 1 + 2 * 28


def test_the_version_is_that_of_the_content(definition: Definition, files: dict[str, bytes]) -> None:
    again = render(CompiledPolicy(policy(definition), definition, 2027), definition)
    assert again == files
    other = render(CompiledPolicy(policy(definition, ("role: hmi", "role: engineer")), definition, 2027), definition)
    assert other["zeek/policy.tsv"] != files["zeek/policy.tsv"]


def test_what_means_something_to_the_reader_is_escaped(definition: Definition) -> None:
    made = render(CompiledPolicy(policy(definition, ("file: MAIN.PRG", "file: '-,ä.prg'")), definition), definition)
    assert rows(made, "changes")[0][3] == "\\x2d\\x2c\\xc3\\x84.PRG"


def rules(files: dict[str, bytes]) -> Iterator[tuple[str, str, int]]:
    """Header, detection and sid of the rules that alert."""
    for line in files["suricata/melsec-site.rules"].decode("ascii").splitlines():
        if line.startswith("alert ") and "; noalert;" not in line:
            header, _, body = line.partition(" (")
            name, sid = re.search(r"melsec_id ([a-z-]+)", body), re.search(r"sid:(\d+);", body)
            assert name is not None
            assert sid is not None
            yield header, name[1], int(sid[1])


def test_rules_have_the_addresses_of_the_policy(files: dict[str, bytes]) -> None:
    found = {(header.removeprefix("alert tcp-pkt "), name) for header, name, _ in rules(files) if "tcp-pkt" in header}
    hosts = "192.168.3.18,192.168.3.30,10.8.0.16/28"
    headers = {name: [header for header, one in found if one == name] for name in SUPPORTED}
    assert all(headers.values())
    (host,) = {header for header in headers["host-not-allowed"] if not header.startswith("any")}
    assert host.endswith(" any -> any any")
    assert set(re.split(r"[\[\],]+", host.split(" ")[0].strip("!["))[:-1]) == set(hosts.split(","))
    assert "[192.168.3.18] any -> [192.168.3.251,fd00:3::251] any" in headers["controller-not-allowed"]
    assert "[192.168.3.30] any -> any any" in headers["role-not-allowed"]
    assert "any any -> [192.168.3.250] ![5562]" in headers["unexpected-port"]
    assert any(header.startswith("[192.168.7.0/24] any -> [") for header in headers["outside-path"])
    sids = [sid for _, _, sid in rules(files)]
    assert min(sids) >= FIRST_SITE_SID
    assert len(set(sids)) == len(sids)


def test_detections_that_are_off_or_spare_a_host_have_no_rules_for_it(definition: Definition) -> None:
    off = policy(definition, ("remote-run: {enabled: false}", "host-not-allowed: {enabled: false}"))
    assert "host-not-allowed" not in {name for _, name, _ in rules(render(CompiledPolicy(off, definition), definition))}
    spared = policy(definition, ("remote-run: {enabled: false}", "role-not-allowed: {except: [panel]}"))
    made = render(CompiledPolicy(spared, definition), definition)
    roles = [header for header, name, _ in rules(made) if name == "role-not-allowed"]
    assert roles
    assert not any("192.168.3.30" in header for header in roles)
    spared = policy(definition, ("remote-run: {enabled: false}", "outside-path: {except: [remote]}"))
    made = render(CompiledPolicy(spared, definition), definition)
    paths = [header for header, name, _ in rules(made) if name == "outside-path"]
    # The zone of its network without it: 10.8.0.0/24 in pieces.
    assert any("[10.8.0.0/28,10.8.0.32/27,10.8.0.64/26,10.8.0.128/25] any -> [" in header for header in paths)
    assert not any("[10.8.0.0/24] any ->" in header for header in paths)


def test_files_take_the_place_of_others_complete(tmp_path: Path) -> None:
    write(tmp_path / "site", {"zeek/a.tsv": b"1", "suricata/b.rules": b"2"})
    write(tmp_path / "site", {"zeek/a.tsv": b"3", "suricata/b.rules": b"4"})
    there = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {"site/zeek/a.tsv": b"3", "site/suricata/b.rules": b"4"}


def test_a_policy_with_mistakes_changes_nothing(tmp_path: Path, checkout: Path) -> None:
    site = tmp_path / "site.yaml"
    sound = (checkout / "tools/melsec_nsm/definitions/policies/press-shop.yaml").read_text("utf-8")
    site.write_text(sound, "utf-8")
    first = run("policy", "compile", site, "--out", tmp_path / "out")
    assert first.exit_code == 0, first.stderr
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    site.write_text(sound.replace("Asia/Tokyo", "Asia/Tokio"), "utf-8")
    result = run("policy", "compile", site, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unknown time zone 'Asia/Tokio'" in result.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")} == before

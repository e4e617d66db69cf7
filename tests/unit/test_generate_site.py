"""What sensors load of a policy: the same for the same policy, put in place by rename, nothing of a wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from policies import POLICY, changed, policy
from test_cli_policy import run

from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.site import RULES, TABLE, THRESHOLDS, WINDOWS, install, render, table, windows
from melsec_nsm.generate.site.parties import DataSets
from melsec_nsm.generate.site.rules import FIRST_SITE_SID, SUPPORTED
from melsec_nsm.policy.compiled import CompiledPolicy


@pytest.fixture(scope="module")
def files(definition: Definition) -> dict[str, bytes]:
    return render(CompiledPolicy(policy(definition), definition, 2027), definition)


def lines(files: dict[str, bytes]) -> list[list[str]]:
    """The lines of the table for Zeek, with their columns."""
    text = files[TABLE].decode("ascii").splitlines()
    return [line.split("\t") for line in text if not line.startswith("#")]


def of(rows: list[list[str]], kind: str) -> list[list[str]]:
    """The lines of a kind."""
    return [row[1:] for row in rows if row[0] == kind]


def test_the_first_line_counts_all(files: dict[str, bytes]) -> None:
    rows = lines(files)
    assert rows[0][0] == "policy"
    assert rows[0][-1] == f"{table.FORMAT},{len(rows)}"
    assert all(len(row) == len(rows[0]) for row in rows)


def test_hosts_controllers_and_paths(files: dict[str, bytes]) -> None:
    rows = lines(files)
    assert of(rows, "host")[:2] == [
        ["eng-ws-1", "192.168.3.18/32", "engineer", "press-1", "0"],
        ["remote", "10.8.0.16/28", "engineer", "(empty)", "1"],
    ]
    assert of(rows, "controller") == [
        ["press-1", "192.168.3.250/32", "5560/udp,5562/tcp", "(empty)", "(empty)"],
        ["press-2", "192.168.3.251/32,fd00:3::251/128", "(empty)", "(empty)", "(empty)"],
    ]
    assert of(rows, "role")[1][2] == "monitor,read,session,write"
    assert [row[2] for row in of(rows, "path")] == ["vpn,plc-net", "plc-net,plc-net"]


def test_windows_and_changes_are_numbers(files: dict[str, bytes]) -> None:
    rows = lines(files)
    sunday, night = of(rows, "window")
    assert sunday[-1] == f"0,{table.ALWAYS},8760,9000"
    assert "remote-stop" in sunday[3].split(",")
    # Sunday night is two spans: the week ends within it.
    assert night[-1].split(",") == ["1793487600", "1798758000", "0", "240", "7080", "7440", "9960", "10080"]
    (change,) = of(rows, "change")
    assert (change[0], change[2][:17], change[-1]) == ("CHG-1042", "press-1,MAIN.PRG,", "1795129200,1796079600")
    clock = of(rows, "clock")
    assert clock[0][-1] == "946684800,3600"
    assert len(clock) == 1 + 2 * 28


def test_tunings_are_told(files: dict[str, bytes]) -> None:
    rows = {row[0]: row for row in of(lines(files), "tuning")}
    assert rows["program-upload"][2:] == ["eng-ws-1", "(empty)", "0,0,0"]
    assert rows["password-guessing"][-1] == "0,10,0"
    assert rows["remote-run"][-1] == "1,0,0"


def test_the_same_policy_gives_the_same_octets(definition: Definition, files: dict[str, bytes]) -> None:
    assert render(CompiledPolicy(policy(definition), definition, 2027), definition) == files


def test_files_take_the_place_of_others_complete(tmp_path: Path) -> None:
    (old, _) = install(tmp_path, {"zeek/a.tsv": b"1", "suricata/b.rules": b"2"})
    with old.open("rb") as reader:
        new = install(tmp_path, {"zeek/a.tsv": b"3", "suricata/b.rules": b"4"})
        assert (reader.read(), *(path.read_bytes() for path in new)) == (b"1", b"3", b"4")
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.tsv", "b.rules"]


def test_what_rules_load_no_longer_is_removed(tmp_path: Path) -> None:
    before = ["suricata/melsec-site-1.lst", "suricata/lua/melsec-window-2-7.lua", "suricata/lua/melsec-window-1.lst"]
    others = ["suricata/lua/local.lua", "suricata/hosts.lst", "suricata/melsec-site-threshold.config"]
    now = [RULES, WINDOWS, "suricata/lua/melsec-window-1-7.lua"]
    install(tmp_path, dict.fromkeys([*before, *others], b"1"))
    install(tmp_path, dict.fromkeys(now, b"2"))
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == {*others, *now}


def test_files_that_cannot_be_written_change_nothing(tmp_path: Path) -> None:
    install(tmp_path, {"zeek/a.tsv": b"1"})
    (tmp_path / "suricata").write_bytes(b"")
    with pytest.raises(OSError, match="suricata"):
        install(tmp_path, {"zeek/a.tsv": b"2", "suricata/b.rules": b"3"})
    assert [path.read_bytes() for path in (tmp_path / "zeek").iterdir()] == [b"1"]


def test_a_policy_with_mistakes_changes_nothing(tmp_path: Path) -> None:
    site, out = tmp_path / "site.yaml", tmp_path / "out"
    site.write_text(POLICY, "utf-8")
    result = run("policy", "compile", site, "--out", out)
    scripts = sorted((f"suricata/lua/{path.name}" for path in out.glob("suricata/lua/*.lua")), reverse=True)
    assert (result.exit_code, result.stdout) == (
        0,
        "".join(f"wrote {out / name}\n" for name in (TABLE, RULES, *scripts, WINDOWS, THRESHOLDS)),
    )
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    site.write_text(changed(("Europe/Berlin", "Berlin")), "utf-8")
    result = run("policy", "compile", site, "--out", out)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "site.yaml:2:11: " in result.stderr
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before


@pytest.mark.parametrize("name", ["a,b", "a\tb", "a\\b", "a\nb", "-", "(empty)"])
def test_what_means_something_to_the_reader_is_escaped(name: str) -> None:
    line = table._Line("exception", words=(name,)).text()
    assert line.count("\t") == 5
    assert "\\x" in line.split("\t")[3]
    assert not set(line.split("\t")[3]) & set(",\n\t")
    assert line.split("\t")[3] not in {"-", "(empty)"}


def rules(files: dict[str, bytes]) -> Iterator[tuple[str, str, int]]:
    """Header, detection and sid of the rules that alert."""
    for line in files[RULES].decode("ascii").splitlines():
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
    # Hosts of IPv6 are not listed either.
    assert host.startswith("[0.0.0.0/0,::/0,![")
    assert set(host.split(" ")[0].partition("![")[2].strip("]").split(",")) == set(hosts.split(","))
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


def test_a_data_set_is_loaded_by_one_rule_and_holds_addresses_in_one_form(definition: Definition) -> None:
    hosts = "".join(f"  - {{name: h-{n}, address: 10.9.{n}.7, role: engineer, controllers: all}}\n" for n in range(200))
    site = policy(definition, ("hosts:\n", f"hosts:\n{hosts}"))
    made = render(CompiledPolicy(site, definition), definition)
    lines = [line for line in made[RULES].decode("ascii").splitlines() if "dataset:" in line]
    loading = [line for line in lines if ",load " in line]
    named = [re.findall(r"dataset:isset,([a-z0-9-]+),type ip,load \1\.lst;", line) for line in loading]
    sets = {path for path in made if path.endswith(".lst")}
    assert {f"suricata/{name}.lst" for found in named for name in found} == sets
    assert all(len(found) == 1 for found in named)
    # Suricata takes a set that is loaded already, in the order of the file; those rules look at nothing.
    assert lines[: len(loading)] == loading
    assert {line.partition(" (")[0] for line in loading} == {"alert udp any any -> any 0"}
    assert len(lines) > len(loading) == len(sets) > 0
    addresses = b"".join(made[path] for path in sets).decode("ascii").split()
    assert "::ffff:10.9.0.7" in addresses
    assert all(":" in address for address in addresses)


def test_data_sets_hold_addresses_of_ipv6_only() -> None:
    sets = DataSets("hosts")
    assert sets.asking([ip_network("10.0.0.0/31"), ip_network("fd00::1")], "isset") == "isset,hosts-1,type ip"
    assert sets.files() == {"hosts-1.lst": b"::ffff:10.0.0.0\n::ffff:10.0.0.1\nfd00::1\n"}


def hours(definition: Definition, *changes: tuple[str, str]) -> dict[str, bytes]:
    """The rules and scripts for the windows of the policy with some of its text replaced."""
    return windows.render(CompiledPolicy(policy(definition, *changes), definition), definition)


def asking(files: dict[str, bytes]) -> list[str]:
    """The rules that ask a script."""
    return [line for line in files[windows.FILE].decode("ascii").splitlines() if "; lua:" in line]


def numbers(script: bytes, name: str) -> str:
    """A table of a script."""
    found = re.search(rf"^local {name} = (.*)$", script.decode("ascii"), re.MULTILINE)
    assert found is not None
    return found[1]


def test_scripts_know_the_windows_of_controllers(definition: Definition) -> None:
    # Sunday is for programs and control on press-1, night for files on both, and programs are files.
    files = hours(definition)
    asked = [re.findall(r"requires:([^;]*); lua:(melsec-window-\d+-[78]\.lua);", rule)[0] for rule in asking(files)]
    assert sorted(name for _, name in asked) == sorted(name for name in files if name.endswith(windows.SCRIPT))
    assert all(required == ("version >= 8" if "-8." in name else "version >= 7.0.3 < 8") for required, name in asked)
    first = files["melsec-window-1-7.lua"]
    assert numbers(first, "windows") == (
        "{{0, 9007199254740992, 8760, 9000}, {1793487600, 1798758000, 0, 240, 7080, 7440, 9960, 10080}}"
    )
    assert numbers(first, "lists") == "{{1, 2}, {2}}"
    assert numbers(first, "controllers") == (
        '{["192.168.3.250"] = 1, ["192.168.3.251"] = 2, ["fd00:0003:0000:0000:0000:0000:0000:0251"] = 2}'
    )
    assert numbers(first, "clock").startswith("{946684800, 3600, ")


def test_every_bit_that_is_set_is_judged_and_cleared(files: dict[str, bytes]) -> None:
    lines = [line for line in files[WINDOWS].decode("ascii").splitlines() if line.startswith("alert ")]
    kinds: dict[str, set[str]] = {"set": set(), "judged": set(), "cleared": set()}
    for line in lines:
        for bit in re.findall(r"flowbits:set,([^;]+);", line):
            assert "; noalert; " in line
            kinds["set"].add(bit)
        for bit in re.findall(r"flowbits:isset,([^;]+);", line):
            assert f"flowbits:unset,{bit};" in line
            kinds["judged" if "; lua:" in line else "cleared"].add(bit)
    assert len(kinds["set"]) > 1
    assert kinds["set"] == kinds["judged"] == kinds["cleared"]
    sids = [int(sid) for sid in re.findall(r"sid:(\d+);", files[WINDOWS].decode("ascii"))]
    assert len(set(sids)) == len(sids) == len(lines)
    assert min(sids) >= windows.FIRST_WINDOW_SID > max(sid for _, _, sid in rules(files))


def test_no_hours_are_judged_where_that_is_off(definition: Definition) -> None:
    run = "remote-run: {enabled: false}"
    off = hours(definition, (run, "outside-window: {enabled: false}"))
    assert set(off) == {windows.FILE}
    assert all(line.startswith("#") for line in off[windows.FILE].decode("ascii").splitlines())
    spared = asking(hours(definition, (run, "outside-window: {except: [remote]}")))
    assert spared
    assert all(rule.startswith("alert ip [0.0.0.0/0,::/0,![10.8.0.16/28]] any -> any any (") for rule in spared)


def test_a_window_for_new_users_or_known_ones_is_enough(definition: Definition) -> None:
    added, changed, stopped = (
        hours(definition, ("actions: [file]", f"actions: [{action}]"))
        for action in ("user-add", "user-change", "remote-stop")
    )
    assert added == changed != stopped


def test_scripts_hold_what_they_have_room_for(definition: Definition, monkeypatch: pytest.MonkeyPatch) -> None:
    def controllers(files: dict[str, bytes]) -> list[int]:
        names = (f"melsec-window-{number}-7.lua" for number in (1, 2))
        return [numbers(files[name], "controllers").count("=") for name in names]

    whole = hours(definition)
    assert controllers(whole)[0] == 3
    monkeypatch.setattr(windows, "MAX_NUMBERS", 40)
    parted = hours(definition)
    assert controllers(parted) == [1, 2]
    assert b"Left out" not in parted[windows.FILE]
    monkeypatch.setattr(windows, "MAX_NUMBERS", 33)
    left = hours(definition)
    assert controllers(left)[0] == 2
    assert b"# Left out, as a script has no room for so many windows: press-1\n" in left[windows.FILE]

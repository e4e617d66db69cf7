# ruff: noqa: E501 - a mistake a line
"""Everything wrong in a policy is reported, with its position, and nothing else is.

The policy of `policies` is sound; each test spoils one thing in it.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from policies import POLICY, changed, policy

from melsec_nsm.definitions.model import Definition
from melsec_nsm.policy import PolicyError, is_policy, load, parse, validate


def issues(definition: Definition, text: str) -> list[str]:
    """What is wrong with a policy."""
    try:
        parse(text.encode(), "site.yaml", definition)
    except PolicyError as error:
        return [str(issue) for issue in error.issues]
    return []


def test_the_policy_is_sound(definition: Definition) -> None:
    found = policy(definition)
    assert (found.site, found.timezone, list(found.zones)) == (
        "press-shop",
        "Europe/Berlin",
        ["plc-net", "vpn", "office"],
    )
    assert found.controllers["press-2"].addresses == (ip_address("192.168.3.251"), ip_address("fd00:3::251"))
    assert found.controllers["press-2"].ports == frozenset()
    assert found.hosts["remote"].networks == (ip_network("10.8.0.16/28"),)
    assert found.hosts["remote"].controllers is None
    assert found.hosts["panel"].controllers == frozenset({"press-1", "press-2"})
    sunday, night = found.windows
    assert (sunday.days, sunday.start, sunday.end, sunday.begins, sunday.ends) == ((6,), 120, 360, None, None)
    assert (night.days, night.start, night.end) == ((4, 6), 22 * 60, 28 * 60)
    assert (night.begins, night.ends) == (datetime(2026, 11, 1), datetime(2027, 1, 1))
    assert found.tunings["password-guessing"].count == 10
    assert found.tunings["program-upload"].spared == {"eng-ws-1"}
    assert found.advice == ()


# Each: the text to replace, what to put in its place, and the whole of what is reported.
MISTAKES = [
    # structure
    ("site: press-shop\n", "", "site.yaml:1:1: this file lacks the key 'site'"),
    ("site: press-shop", "site: press shop", "site.yaml:1:7: site must be letters, digits, '.', '_' and '-', found 'press shop'"),
    ("timezone: Europe/Berlin", "timezone: Europe/Berlin\nrolls: {}", "site.yaml:3:1: unknown key 'rolls'"),
    ("  office: [192", "  my office: [192", "site.yaml:6:3: key 'my office' must be letters, digits, '.', '_' and '-'"),
    ("role: hmi, controllers: [press-1, press-2]", "role: hmi, controllers: every", "site.yaml:17:66: controllers cannot be 'every' (one of: all)"),
    ("role: hmi, controllers: [press-1, press-2]", "role: hmi", "site.yaml:17:5: this entry lacks the key 'controllers'"),
    # baseline
    ("changes:\n", "baseline: {}\nchanges:\n", "site.yaml:21:11: baseline must not be empty"),
    ("changes:\n", "baseline: {learn_until: 2026-02-30}\nchanges:\n", "site.yaml:21:25: '2026-02-30' is no date or time"),
    ("changes:\n", "baseline: {known: [{client: 192.168.3.0/24, controller: 192.168.3.250}]}\nchanges:\n", "site.yaml:21:29: '192.168.3.0/24' is a network (one address, or a list of addresses)"),
    ("changes:\n", "baseline: {known: [{client: 192.168.3.1, controller: 192.168.3.250, operation: read-device}]}\nchanges:\n", "site.yaml:21:80: there is no operation 'read-device' (did you mean 'read-devices'?)"),
    ("changes:\n", "baseline: {known: [{client: 192.168.3.1, controller: 192.168.3.250, targets: [D0]}]}\nchanges:\n", "site.yaml:21:69: 'targets' are those of an operation (say which: 'operation')"),
    # time zone
    ("Europe/Berlin", "Europe/Berlyn", "site.yaml:2:11: unknown time zone 'Europe/Berlyn' (did you mean 'Europe/Berlin'?)"),
    ("Europe/Berlin", "Europe", "site.yaml:2:11: unknown time zone 'Europe' ("),
    ("Europe/Berlin", "../UTC", "site.yaml:2:11: unknown time zone '../UTC' ("),
    # addresses
    ("vpn: [10.8.0.0/24]", "vpn: [10.8.0.5/24]", "site.yaml:5:9: '10.8.0.5/24' is an address within a network (the network is 10.8.0.0/24)"),
    ("vpn: [10.8.0.0/24]", "vpn: [10.8.0.0/33]", "site.yaml:5:9: '10.8.0.0/33' is no address or network (such as 192.168.3.18 or 192.168.3.0/24)"),
    ("address: 192.168.3.18,", "address: 192.168.3.318,", "site.yaml:15:31: '192.168.3.318' is no address or network (such as"),
    ("address: 192.168.3.18,", 'address: "fe80::1%eth0",', "site.yaml:15:31: 'fe80::1%eth0' names an interface (write the address alone)"),
    ("address: 192.168.3.250,", "address: 192.168.3.248/31,", "site.yaml:9:30: '192.168.3.248/31' is a network (one address, or a list of addresses)"),
    ("address: 192.168.3.18,", "address: 192.168.3.30,", "site.yaml:17:28: 192.168.3.30 belongs to host 'eng-ws-1' already (at site.yaml:15:31)"),
    ("address: 192.168.3.30,", "address: 10.8.0.17,", "site.yaml:17:28: 10.8.0.17 belongs to host 'remote' already (at site.yaml:16:29)"),
    ('address: [192.168.3.251, "fd00:3::251"]', "address: 192.168.3.250", "site.yaml:10:30: 192.168.3.250 belongs to controller 'press-1' already (at site.yaml:9:30)"),
    ("office: [192.168.7.0/24]", "office: [192.168.0.0/16]", "site.yaml:6:12: 192.168.0.0/16 of zone 'office' and 192.168.3.0/24 of zone 'plc-net' have addresses in common (at site.yaml:4:13)"),
    ('"fd00:3::/64"]', '"fd00:3::/64", 192.168.3.128/25]', "site.yaml:4:44: 192.168.3.128/25 of zone 'plc-net' and 192.168.3.0/24 of zone 'plc-net' have addresses in common"),
    # paths
    ("[[vpn, plc-net],", "[[vnp, plc-net],", "site.yaml:7:18: unknown zone 'vnp' (did you mean 'vpn'?)"),
    ("[[vpn, plc-net],", "[[vpn],", "site.yaml:7:17: a path is a pair of zones ([from the zone of clients, to that of controllers])"),
    ("[plc-net, plc-net]]", "[vpn, plc-net]]", "site.yaml:7:33: path vpn to plc-net stands twice (first at site.yaml:7:17)"),
    # ports
    ("5562/tcp]", "5562/sctp]", "site.yaml:9:84: ports[1] must be a port such as 5562/tcp, found '5562/sctp'"),
    ("5562/tcp]", "75562/tcp]", "site.yaml:9:84: 75562/tcp is no port (at most 65535)"),
    # names
    ("name: panel", "name: eng-ws-1", "site.yaml:17:12: host 'eng-ws-1' stands twice (first at site.yaml:15:12)"),
    ("name: night", "name: sunday", "site.yaml:20:12: window 'sunday' stands twice (first at site.yaml:19:12)"),
    ("role: hmi", "role: hmmi", "site.yaml:17:48: unknown role 'hmmi' (did you mean 'hmi'?)"),
    ("engineer, controllers: [press-1]", "engineer, controllers: [pres-1]", "site.yaml:15:75: unknown controller 'pres-1' (did you mean 'press-1'?)"),
    ("CHG-1042, controller: press-1", "CHG-1042, controller: pres-1", "site.yaml:22:36: unknown controller 'pres-1' (did you mean 'press-1'?)"),
    ("hmi: {allow: [read, monitor,", "hmi: {allow: [read, monitoring,", "site.yaml:13:23: there is no class 'monitoring' (did you mean 'monitor'?)"),
    # windows
    ("[program-download, control]", "[program-donwload, control]", "site.yaml:19:95: 'program-donwload' is no engineering operation, and no class of them (did you mean 'program-download'?)"),
    ("[program-download, control]", "[program-upload, control]", "site.yaml:19:95: 'program-upload' needs no window (remove it: roles alone decide on it)"),
    ("[program-download, control]", "[read, control]", "site.yaml:19:95: no operation of class 'read' needs a window (remove it: roles alone decide on it)"),
    ('from: "02:00"', "from: 2:00", "site.yaml:19:39: from must be a time of day such as \"02:00\", found '2:00'"),
    ('from: "02:00"', "from: 24:00", "site.yaml:19:39: from must be a time of day such as \"02:00\", found '24:00'"),
    ('from: "02:00"', "from: 0200", "site.yaml:19:39: '0200' looks like an octal number"),
    ('from: "02:00"', "from: 2", "site.yaml:19:39: from must be text, found the number 2"),
    ('to: "06:00"', 'to: "02:00"', "site.yaml:19:52: window 'sunday' is over in the minute in which it begins (a whole day is from \"00:00\" to \"24:00\")"),
    ("days: [sun]", "days: [so]", "site.yaml:19:27: days[0] cannot be 'so'"),
    ("not_before: 2026-11-01, not_after: 2026-12-31", "not_before: 2026-11-31", "site.yaml:20:108: '2026-11-31' is no date or time"),
    ("not_before: 2026-11-01, not_after: 2026-12-31", "not_before: 2026-11-03, not_after: 2026-11-05", "site.yaml:20:25: window 'night' never opens: there is no such time on a fri, sun while it is valid"),
    ("not_before: 2026-11-01, not_after: 2026-12-31", "not_before: tomorrow", "site.yaml:20:108: not_before must be a date such as 2026-11-20, or one with a time such as 2026-11-20T06:00, found 'tomorrow'"),
    # changes
    ("not_after: 2026-11-30", "not_after: 2026-11-19", "site.yaml:22:170: 'not_after' 2026-11-19 is before 'not_before' 2026-11-20"),
    ("sha256: ab", "sha256: b", "site.yaml:22:69: sha256 must be 64 hexadecimal digits, found"),
    ("file: MAIN.PRG", "file: 'A\\MAIN.PRG'", "site.yaml:22:51: file must be the name of a file, without drive and folders"),
    ("changes:\n", "changes:\n  - {ticket: CHG-1042, controller: press-1, file: main.prg, sha256: " + "0a" * 32 + "}\n", "site.yaml:23:51: file 'MAIN.PRG' of this change stands twice (first at site.yaml:22:51)"),
    # tuning
    ("  remote-run:", "  remote-rum:", "site.yaml:26:3: unknown detection 'remote-rum' (did you mean 'remote-run'?)"),
    ("except: [eng-ws-1]", "except: [eng-ws-2]", "site.yaml:24:29: unknown host 'eng-ws-2' (did you mean 'eng-ws-1'?)"),
    ("{enabled: false}", "{threshold: {count: 3}}", "site.yaml:26:16: 'remote-run' does not count: it has no threshold"),
    ("{enabled: false}", "{enabled: false, except: [panel]}", "site.yaml:26:32: 'except' means nothing where the detection is off"),
    ("{enabled: false}", "{enabled: off}", "site.yaml:26:25: YAML reads 'off' as a truth value (quote it: \"off\")"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES, ids=[f"{new[:40]!r}" for _, new, _ in MISTAKES])
def test_a_mistake_is_reported_once_where_it_stands(definition: Definition, old: str, new: str, message: str) -> None:
    found = issues(definition, changed((old, new)))
    assert len(found) == 1, found
    assert found[0].startswith(message)


def test_all_mistakes_are_reported_at_once(definition: Definition) -> None:
    text = changed(("Europe/Berlin", "Berlin"), ("role: hmi", "role: him"), ("10.8.0.16/28", "10.8.0.17/28"))
    assert [line.split(": ")[0] for line in issues(definition, text)] == [
        "site.yaml:2:11",
        "site.yaml:16:29",
        "site.yaml:17:48",
    ]


def test_no_controller_is_called_all(definition: Definition) -> None:
    text = changed(("name: press-2", "name: all"), ("[press-1, press-2]", "all"))
    assert issues(definition, text) == [
        "site.yaml:10:12: a controller cannot be called 'all' (it stands for every one)"
    ]


def test_a_window_over_midnight_opens_on_the_day_after_its_own(definition: Definition) -> None:
    dates = ("not_before: 2026-11-01, not_after: 2026-12-31", "not_before: 2026-11-02, not_after: 2026-11-02")
    assert issues(definition, changed(dates)) == []


def test_hours_may_stand_without_quotes(definition: Definition) -> None:
    # YAML 1.1 reads 12:30 as 750.
    window = policy(definition, ('from: "02:00", to: "06:00"', "from: 12:30, to: 24:00")).windows[0]
    assert (window.start, window.end) == (750, 1440)


def test_a_time_may_stand_with_a_date(definition: Definition) -> None:
    both = (
        "not_before: 2026-11-20, not_after: 2026-11-30",
        "not_before: 2026-11-20T06:00, not_after: 2026-11-20 18:30",
    )
    (change,) = policy(definition, both).changes
    assert (change.begins, change.ends) == (datetime(2026, 11, 20, 6), datetime(2026, 11, 20, 18, 30))


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ([("role: hmi", "role: engineer")], "site.yaml:13:3: no host has the role 'hmi'"),
        ([("address: 10.8.0.16/28", "address: 10.9.0.16/28")], "site.yaml:16:29: host 'remote' is in no zone: no path leads from it"),
        ([("[vpn, plc-net], ", "")], "site.yaml:16:29: no path leads from zone 'vpn' to a controller of host 'remote'"),
        ([("[192.168.3.251, ", "[192.168.4.251, ")], "site.yaml:10:31: controller 'press-2' is in no zone: no path leads to it"),
    ],
)  # fmt: skip
def test_what_was_probably_not_meant_is_advice(
    definition: Definition, changes: list[tuple[str, str]], advice: str
) -> None:
    assert [str(issue) for issue in policy(definition, *changes).advice] == [advice]


def test_a_policy_without_changes_says_what_that_means(definition: Definition) -> None:
    text = POLICY[: POLICY.index("changes:")]
    (advice,) = parse(text.encode(), "site.yaml", definition).advice
    assert str(advice).startswith("site.yaml:1:1: there are no approved changes")


def test_files(definition: Definition, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(POLICY, "utf-8")
    assert load(file, definition).site == "press-shop"
    assert (is_policy(file), validate(file, definition)) == (True, [])
    file.write_text("id: remote-stop\n", "utf-8")
    assert not is_policy(file)
    missing = validate(tmp_path / "none.yaml", definition)
    assert [str(issue) for issue in missing] == [
        f"{tmp_path}/none.yaml:1:1: cannot read this file: No such file or directory"
    ]
    for octets, message in (
        (b"", "empty"),
        (b"- a\n", "must be a mapping"),
        (b"site: [\n", "no valid YAML"),
        (b"\xff", "UTF-8"),
    ):
        file.write_bytes(octets)
        (issue,) = validate(file, definition)
        assert message in str(issue)


def test_a_large_policy_is_read_in_time(definition: Definition) -> None:
    lines = [POLICY[: POLICY.index("controllers:")], "controllers:"]
    lines += [f"  - {{name: c{n}, address: 192.168.3.{n}}}" for n in range(200)]
    lines += ["roles: {engineer: {allow: [read]}}", "hosts:"]
    lines += [
        f"  - {{name: h{n}, address: 10.8.0.{n}, role: engineer, controllers: [c{n}, c{n + 1}]}}" for n in range(190)
    ]
    found = parse("\n".join([*lines, "changes: []"]).encode(), "site.yaml", definition)
    assert (len(found.hosts), len(found.controllers)) == (190, 200)

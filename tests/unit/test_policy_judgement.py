# ruff: noqa: E501 - a case a line
"""What a policy says of transactions and operations, and the words in which it says so."""

from __future__ import annotations

from typing import Any

import pytest
from policies import MAIN, policy

from melsec_nsm.definitions.model import Definition
from melsec_nsm.definitions.schema import schema_of
from melsec_nsm.policy.addresses import is_public
from melsec_nsm.policy.baseline import NEW
from melsec_nsm.policy.compiled import VIOLATIONS, CompiledPolicy, Content, Request
from melsec_nsm.policy.explain import Question, explain, instant

ENGINEER, REMOTE, PANEL, STRANGER = "192.168.3.18", "10.8.0.20", "192.168.3.30", "192.168.3.99"
PRESS, PRESS_2, NO_PRESS, INTERNET = "192.168.3.250", "192.168.3.251", "192.168.3.77", "52.1.2.3"
OPEN, SHUT = "2026-11-29T03:00", "2026-11-29T06:00"
"""Times at which the window of Sunday is open and is over."""


@pytest.fixture(scope="module")
def site(definition: Definition) -> CompiledPolicy:
    return CompiledPolicy(policy(definition), definition)


def ask(site: CompiledPolicy, client: str | None, server: str | None, at: str = OPEN, **more: Any) -> tuple[str, ...]:
    """What a request violates; a read over the first port unless something else is said."""
    port = more.pop("port", "5562/tcp" if server == PRESS else "5007/tcp")
    classes = more.pop("classes", ("read",))
    return site.judge(Request(instant(site, at), client, server, port, classes, **more)).violations


@pytest.mark.parametrize(
    ("client", "server", "more", "violations"),
    [
        (ENGINEER, PRESS, {}, ()),
        ("10.8.0.31", PRESS_2, {}, ()),
        (PANEL, "fd00:3::251", {}, ()),
        # who
        (STRANGER, PRESS, {}, ("host-not-allowed",)),
        (STRANGER, PRESS, {"classes": ("control",)}, ("host-not-allowed",)),
        ("10.8.0.32", PRESS, {}, ("host-not-allowed",)),
        (PANEL, PRESS, {"classes": ("control",)}, ("role-not-allowed",)),
        (ENGINEER, PRESS_2, {}, ("controller-not-allowed",)),
        (ENGINEER, PRESS_2, {"classes": ("unknown",)}, ("controller-not-allowed",)),
        (ENGINEER, PRESS, {"classes": ("unknown",)}, ("role-not-allowed",)),
        (ENGINEER, PRESS, {"classes": ()}, ()),
        (ENGINEER, NO_PRESS, {}, ("unknown-controller",)),
        (PANEL, NO_PRESS, {"classes": ("control",)}, ("role-not-allowed", "unknown-controller")),
        (STRANGER, NO_PRESS, {}, ("host-not-allowed", "unknown-controller")),
        # Nobody is there, but why does it ask?
        (ENGINEER, NO_PRESS, {"answered": False}, ("controller-not-allowed",)),
        (REMOTE, NO_PRESS, {"answered": False}, ("controller-not-allowed",)),
        # A broadcast that nobody answered, and an answer to one that nobody saw.
        (ENGINEER, None, {"answered": False, "action": "remote-stop"}, ()),
        (STRANGER, None, {"answered": False}, ("host-not-allowed",)),
        (PANEL, None, {"answered": False, "classes": ("control",)}, ("role-not-allowed",)),
        (None, PRESS, {}, ()),
        (None, NO_PRESS, {}, ("unknown-controller",)),
        # which way
        ("192.168.7.5", PRESS, {}, ("host-not-allowed", "outside-path")),
        ("192.168.9.5", PRESS, {}, ("host-not-allowed", "outside-path")),
        (INTERNET, PRESS, {}, ("host-not-allowed", "public-address")),
        (ENGINEER, INTERNET, {}, ("unknown-controller", "public-address")),
        (ENGINEER, PRESS, {"port": "5007/tcp"}, ("unexpected-port",)),
        (ENGINEER, PRESS, {"port": "5562/udp"}, ("unexpected-port",)),
        (ENGINEER, PRESS, {"port": ""}, ()),
        # when
        (ENGINEER, PRESS, {"action": "program-download"}, ()),
        (ENGINEER, PRESS, {"action": "remote-stop"}, ()),
        (ENGINEER, PRESS, {"action": "parameter-write"}, ("outside-window",)),
        (REMOTE, PRESS_2, {"action": "remote-stop"}, ("outside-window",)),
        (ENGINEER, PRESS, {"action": "remote-stop", "at": SHUT}, ("outside-window",)),
        (ENGINEER, PRESS, {"action": "program-upload", "at": SHUT}, ()),
        (ENGINEER, NO_PRESS, {"action": "remote-stop"}, ("unknown-controller",)),
        # The window of Friday night, by class, while it is valid: it is over on Saturday at 04:00.
        (REMOTE, PRESS_2, {"action": "file-delete", "at": "2026-11-28T03:59"}, ()),
        (REMOTE, PRESS_2, {"action": "file-delete", "at": "2026-11-28T04:00"}, ("outside-window",)),
        (REMOTE, PRESS_2, {"action": "file-delete", "at": "2026-11-27T21:59"}, ("outside-window",)),
        (REMOTE, PRESS_2, {"action": "file-delete", "at": "2027-01-01T23:00"}, ("outside-window",)),
        (REMOTE, PRESS_2, {"action": "remote-stop", "at": "2026-11-28T03:00"}, ("outside-window",)),
        # Sunday night goes over the end of the week.
        (REMOTE, PRESS_2, {"action": "online-change", "at": "2026-11-30T03:00"}, ()),
        # what
        (ENGINEER, PRESS, {"action": "program-download", "content": Content("Main.prg", MAIN)}, ()),
        (ENGINEER, PRESS, {"action": "program-download", "content": Content("MAIN.PRG", "cd" * 32)}, ("unapproved-program",)),
        (ENGINEER, PRESS, {"action": "program-download", "content": Content("MAIN.PRG", None)}, ("unapproved-program",)),
        (ENGINEER, PRESS, {"action": "program-download", "content": Content("SUB.PRG", MAIN)}, ("unapproved-program",)),
        (REMOTE, PRESS_2, {"action": "program-download", "content": Content("MAIN.PRG", MAIN)}, ("outside-window", "unapproved-program")),
        (ENGINEER, PRESS, {"action": "file-write", "content": Content("LOG.CSV", None)}, ()),
        (ENGINEER, PRESS, {"action": "program-download", "at": "2026-12-06T03:00", "content": Content("MAIN.PRG", MAIN)}, ("unapproved-program",)),
    ],
)  # fmt: skip
def test_judgement(
    site: CompiledPolicy, client: str | None, server: str | None, more: dict[str, Any], violations: tuple[str, ...]
) -> None:
    assert set(ask(site, client, server, **more)) == set(violations)


def test_violations_are_those_of_the_definition(definition: Definition) -> None:
    every = (*VIOLATIONS, *NEW)
    assert set(schema_of("detection")["properties"]["when"]["properties"]["policy"]["enum"]) == set(every)
    assert {one.when.policy for one in definition.detections.values()} - {None} == set(every)
    for violation in every:
        assert definition.detections[violation].when.policy == violation


def test_the_columns_of_the_audit_trail(site: CompiledPolicy) -> None:
    at = instant(site, OPEN)
    good = site.judge(
        Request(at, ENGINEER, PRESS, action="program-download", content=Content("MAIN.PRG", MAIN), classes=("file",))
    )
    assert (good.role, good.window, good.change, good.text) == ("engineer", "sunday", "CHG-1042", "allowed")
    bad = site.judge(Request(at, STRANGER, INTERNET, action="remote-stop", classes=("control",)))
    assert (bad.role, bad.window, bad.change) == ("", "", "")
    assert bad.text == "host-not-allowed,unknown-controller,public-address"


@pytest.mark.parametrize(
    ("tuning", "violations"),
    [
        ("{enabled: false}", ()),
        ("{except: [panel]}", ()),
        ("{except: [eng-ws-1]}", ("role-not-allowed",)),
    ],
)
def test_detections_are_tuned_in_the_policy(definition: Definition, tuning: str, violations: tuple[str, ...]) -> None:
    changed = policy(definition, ("  remote-run: {enabled: false}", f"  role-not-allowed: {tuning}"))
    assert ask(CompiledPolicy(changed, definition), PANEL, PRESS, classes=("control",)) == violations


def test_public_networks_of_a_zone_are_the_sites_own(definition: Definition) -> None:
    own = CompiledPolicy(policy(definition, ("vpn: [10.8.0.0/24]", "vpn: [10.8.0.0/24, 52.1.0.0/16]")), definition)
    assert ask(own, INTERNET, PRESS) == ("host-not-allowed",)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *[(one, False) for one in ("10.1.2.3", "172.31.0.1", "192.168.0.1", "169.254.1.1", "127.0.0.1", "100.64.0.1")],
        *[(one, False) for one in ("224.0.0.1", "255.255.255.255", "fe80::1", "fd00::1", "ff02::1", "::1")],
        *[(one, True) for one in ("172.32.0.1", "8.8.8.8", "100.128.0.1", "203.0.113.9", "2001:db8::1", "2600::1")],
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        # The clocks go from 02:00 to 03:00, and back from 03:00 to 02:00.
        *[("2026-03-29T00:59:59Z", False), ("2026-03-29T01:00Z", True)],
        *[("2026-03-29T03:59:59Z", True), ("2026-03-29T04:00Z", False)],
        *[("2026-10-24T23:59:59Z", False), ("2026-10-25T00:00Z", True), ("2026-10-25T01:00Z", True)],
        *[("2026-10-25T04:59:59Z", True), ("2026-10-25T05:00Z", False)],
    ],
)
def test_a_window_on_the_nights_on_which_clocks_are_changed(site: CompiledPolicy, at: str, open_: bool) -> None:
    assert ask(site, ENGINEER, PRESS, at, classes=("control",), action="remote-stop") == (
        () if open_ else ("outside-window",)
    )


# In words


def test_the_answer_names_each_rule_with_its_line(site: CompiledPolicy, definition: Definition) -> None:
    found = explain(site, definition, Question(ENGINEER, PRESS, "remote-stop", instant(site, OPEN), "5562/tcp"))
    assert found.allowed
    assert found.answer == (
        "allowed: remote-stop by eng-ws-1 (192.168.3.18) on press-1 (192.168.3.250), Sun 2026-11-29 03:00 Europe/Berlin"
    )
    assert [(line.good, line.text, str(line.location)) for line in found.lines] == [
        (True, "192.168.3.18 is host eng-ws-1, with the role engineer", "site.yaml:15:5"),
        (True, "host eng-ws-1 may speak to press-1", "site.yaml:15:5"),
        (True, "role engineer allows control", "site.yaml:12:21"),
        (True, "192.168.3.250 is controller press-1", "site.yaml:9:5"),
        (True, "window sunday (sun 02:00-06:00) is open for remote-stop", "site.yaml:19:5"),
        (True, "a path leads from zone plc-net to zone plc-net", "site.yaml:7:33"),
        (True, "controller press-1 is spoken to on 5562/tcp", "site.yaml:9:5"),
    ]


@pytest.mark.parametrize(
    ("client", "server", "action", "at", "content", "text"),
    [
        (STRANGER, PRESS, "read", OPEN, None, "no host has the address 192.168.3.99 [host-not-allowed]"),
        (ENGINEER, PRESS_2, "read", OPEN, None, "host eng-ws-1 may speak to press-1 only [controller-not-allowed]"),
        (PANEL, PRESS, "file", OPEN, None, "role hmi does not allow file, only monitor, read, session, write [role-not-allowed]"),
        (PANEL, NO_PRESS, "read", OPEN, None, "no controller has the address 192.168.3.77 [unknown-controller]"),
        (PANEL, INTERNET, "read", OPEN, None, "52.1.2.3 is a public address and in no zone [public-address]"),
        ("192.168.7.1", PRESS, "read", OPEN, None, "no path leads from zone office to zone plc-net [outside-path]"),
        ("192.168.8.1", PRESS, "read", OPEN, None, "no path leads from 192.168.8.1, which is in no zone to zone plc-net [outside-path]"),
        (ENGINEER, PRESS, "control", SHUT, None, "no window is open for remote-stop: there is sunday (sun 02:00-06:00) [outside-window]"),
        (ENGINEER, PRESS, "clock-set", SHUT, None, "no window is for clock-set on press-1 [outside-window]"),
        (ENGINEER, PRESS, "program-upload", SHUT, None, "program-upload needs no window"),
        (ENGINEER, PRESS, "program-download", OPEN, None, "program-download needs an approved change too: ask with --file and --sha256"),
        (ENGINEER, PRESS, "program-download", OPEN, ("MAIN.PRG", None), "change CHG-1042 approves a MAIN.PRG, but the digest of this one is not known [unapproved-program]"),
        (ENGINEER, PRESS, "program-download", OPEN, ("MAIN.PRG", "00"), "change CHG-1042 approves another MAIN.PRG, with the digest abababababababab… [unapproved-program]"),
        (ENGINEER, PRESS, "program-download", OPEN, ("SUB.PRG", "00"), "no change names SUB.PRG [unapproved-program]"),
        (ENGINEER, PRESS, "program-download", "2026-12-06T03:00", ("MAIN.PRG", MAIN), "change CHG-1042 approves this MAIN.PRG, but is valid from 2026-11-20 00:00 until 2026-12-01 00:00 [unapproved-program]"),
        (REMOTE, PRESS_2, "file-delete", SHUT, None, "no window is open for file-delete: there is night (fri sun 22:00-04:00 from 2026-11-01 00:00 until 2027-01-01 00:00) [outside-window]"),
    ],
)  # fmt: skip
def test_reasons(  # noqa: PLR0917
    site: CompiledPolicy,
    definition: Definition,
    client: str,
    server: str,
    action: str,
    at: str,
    content: tuple[str, str | None] | None,
    text: str,
) -> None:
    asked = Question(client, server, action, instant(site, at), content=Content(*content) if content else None)
    found = explain(site, definition, asked)
    assert text in [line.text for line in found.lines]
    assert found.allowed is not any(line.good is False for line in found.lines)
    for violation in found.violations:
        assert any(line.text.endswith(f"[{violation}]") for line in found.lines)

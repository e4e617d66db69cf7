# ruff: noqa: E501 - a case a line
"""The reference engine under a policy: alerts, the columns of the audit trail, tuning; and it agrees with the words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from melsec_nsm.codec import Codec
from melsec_nsm.definitions.model import Definition, Exchange
from melsec_nsm.engines.base import Operation, Result
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.generate.captures import POLICIES, CaseError, build, policy_of
from melsec_nsm.policy import PolicyError, parse
from melsec_nsm.policy.compiled import VIOLATIONS, CompiledPolicy, Content
from melsec_nsm.policy.explain import Question, explain

ENGINEER, PANEL, PRESS = "192.168.3.18", "192.168.3.66", "192.168.3.250"
POLICY = (POLICIES / "press-shop.yaml").read_text("utf-8")

Judge = Callable[..., Result]


@pytest.fixture
def judge(definition: Definition, tmp_path: Path) -> Judge:
    """Judges exchanges, or a capture of the definition, under the policy with some of its text replaced."""

    def judged(conversation: str | list[Exchange], *changes: tuple[str, str], **more: Any) -> Result:
        text = POLICY
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        site, path = tmp_path / "site.yaml", tmp_path / "made.pcap"
        site.write_text(text, "utf-8")
        capture = definition.captures["site-maintenance"]
        if isinstance(conversation, str):
            capture = definition.captures[conversation]
        else:
            capture = replace(capture, exchanges=tuple(conversation), **more)
        path.write_bytes(build(Codec(definition), capture))
        return ReferenceEngine(definition).run(path, site)

    return judged


def raised(result: Result, *, policy: bool = True) -> dict[str, int]:
    """How often each detection was raised: those of the policy, or the others."""
    return {one.id: one.count for one in result.detections if (one.id in VIOLATIONS) is policy}


def operations(result: Result) -> list[Operation]:
    assert result.operations is not None
    return list(result.operations)


def test_the_audit_trail_says_who_when_and_by_which_change(judge: Judge) -> None:
    result = judge("site-maintenance")
    assert raised(result) == {}
    assert [(one.action, one.role, one.window, one.change, one.verdict) for one in operations(result)] == [
        ("connect", "engineer", "", "", "allowed"),
        ("remote-stop", "engineer", "thursday", "", "allowed"),
        ("program-download", "engineer", "thursday", "CHG-1042", "allowed"),
        ("remote-run", "engineer", "thursday", "", "allowed"),
    ]


def test_without_a_policy_nothing_is_said(definition: Definition, tmp_path: Path) -> None:
    path = tmp_path / "made.pcap"
    path.write_bytes(build(Codec(definition), definition.captures["site-maintenance"]))
    result = ReferenceEngine(definition).run(path)
    assert raised(result) == {}
    assert {(one.role, one.window, one.change, one.verdict) for one in operations(result)} == {("", "", "", "")}


def test_an_operation_has_all_that_is_violated(judge: Judge) -> None:
    result = judge("site-maintenance", ("192.168.3.18, role", "192.168.3.19, role"), ("Asia/Tokyo", "UTC"))
    (download,) = [one for one in operations(result) if one.action == "program-download"]
    assert (download.role, download.window, download.change) == ("", "", "CHG-1042")
    assert download.verdict == "host-not-allowed,outside-window"
    assert raised(result) == {"host-not-allowed": 1, "outside-window": 3}


@pytest.mark.parametrize(
    ("tuning", "policy", "others"),
    [
        ("outside-window: {enabled: false}", {"role-not-allowed": 1}, {"remote-stop": 1, "remote-run": 1}),
        ("role-not-allowed: {except: [eng-ws-1]}", {"outside-window": 3}, {"remote-stop": 1, "remote-run": 1}),
        ("remote-stop: {enabled: false}", {"role-not-allowed": 1, "outside-window": 3}, {"remote-run": 1}),
        ("remote-run: {except: [eng-ws-1]}", {"role-not-allowed": 1, "outside-window": 3}, {"remote-stop": 1}),
        ("remote-run: {except: [panel]}", {"role-not-allowed": 1, "outside-window": 3}, {"remote-stop": 1, "remote-run": 1}),
    ],
)  # fmt: skip
def test_tuning(judge: Judge, tuning: str, policy: dict[str, int], others: dict[str, int]) -> None:
    changes = [("Asia/Tokyo", "UTC"), ("192.168.3.18, role: engineer", "192.168.3.18, role: hmi")]
    result = judge("site-maintenance", *changes, ("changes:\n", f"detections:\n  {tuning}\nchanges:\n"))
    assert raised(result) == policy
    assert {name: n for name, n in raised(result, policy=False).items() if name.startswith("remote-")} == others


@pytest.mark.parametrize(
    ("tuning", "count"),
    [
        ("{threshold: {count: 30}}", 0),
        ("{threshold: {count: 2}}", 3),
        ("{enabled: false}", 0),
        ("{except: [eng-ws-1]}", 0),
    ],
)
def test_thresholds_are_the_sites(judge: Judge, tuning: str, count: int) -> None:
    before = raised(judge("melsoft-password-guessing"), policy=False)["password-guessing"]
    result = judge(
        "melsoft-password-guessing", ("changes:\n", f"detections: {{password-guessing: {tuning}}}\nchanges:\n")
    )
    found = raised(result, policy=False).get("password-guessing", 0)
    assert (before, bool(found)) == (1, bool(count))


def test_a_broadcast_is_judged_by_who_answers(
    judge: Judge, ask: Callable[..., Exchange], definition: Definition
) -> None:
    stop = ask("remote-stop", serial=1, size=0, mode=1)
    broadcast = {"shape": "broadcast", "transport": "udp"}
    ports = ("192.168.3.250, model: R08SFCPU, ports: [5007/tcp]", "192.168.3.250, model: R08SFCPU, ports: [5007/udp]")
    assert raised(judge([stop], ports, **broadcast)) == {}
    assert raised(judge([stop], **broadcast)) == {"unexpected-port": 1}
    # Nobody answers: whoever it was for, the client may do it.
    alone = replace(stop, status=None)
    assert raised(judge([alone], ("Asia/Tokyo", "UTC"), **broadcast)) == {}
    assert raised(judge([alone], client=PANEL, **broadcast)) == {"role-not-allowed": 1}
    assert raised(judge([alone], client="192.168.3.20", **broadcast)) == {"host-not-allowed": 1}


def test_who_is_not_there_is_no_controller(judge: Judge, ask: Callable[..., Exchange]) -> None:
    values = {"changes": {"command": 0x0401}, "device": "D100", "points": 1, "answer": {"values": (7,)}}
    read = ask("read-devices", protocol="slmp", frame="3e-binary", **values)
    assert raised(judge([read], server="192.168.3.200")) == {"unknown-controller": 1}
    alone = replace(read, status=None, response_values={})
    assert raised(judge([alone], server="192.168.3.200")) == {"controller-not-allowed": 1}


def test_what_a_controller_sends_unasked_is_its_clients(judge: Judge, ask: Callable[..., Exchange]) -> None:
    asked = ask(
        "read-devices", protocol="slmp", frame="3e-binary", changes={"command": 0x0401}, device="D100", points=1
    )
    pushed = ask(
        "on-demand", protocol="slmp", frame="3e-binary", status=None, changes={"sender": "server"}, content=b"1"
    )
    asked = replace(asked, response_values={"values": (7,)})
    assert raised(judge([asked, pushed], client=PANEL)) == {}
    assert raised(judge([pushed], client="192.168.3.70")) == {"host-not-allowed": 1}


def test_a_file_that_was_refused_or_has_holes(judge: Judge, definition: Definition) -> None:
    refused = judge("melsoft-program-download-refused", ("file: MAIN.PRG", "file: OTHER.PRG"))
    (operation,) = [one for one in operations(refused) if one.action == "program-download"]
    assert operation.bytes == 0
    assert "unapproved-program" not in operation.verdict
    holes = judge("melsoft-program-download", ("file: MAIN.PRG", "file: FBLIB.PFB"))
    assert {one.object: one.sha256 is None for one in operations(holes) if one.action == "program-download"} == {
        "MAIN.PRG": False,
        "FBLIB.PFB": True,
    }
    assert raised(holes)["unapproved-program"] == 2


@pytest.mark.parametrize("name", ["site-allowed", "site-host-removed", "site-role-changed", "site-window-moved",
                                  "site-zone-changed", "site-path-removed", "site-port-removed", "site-change-other",
                                  "site-change-expired", "site-controller-removed", "site-controller-moved"])  # fmt: skip
def test_every_case_is_what_the_explanation_predicts(definition: Definition, name: str, tmp_path: Path) -> None:
    case = definition.cases[name]
    text = policy_of(definition, case)
    site = tmp_path / "site.yaml"
    site.write_bytes(text)
    path = tmp_path / "made.pcap"
    path.write_bytes(build(Codec(definition), definition.captures[case.capture]))
    result = ReferenceEngine(definition).run(path, site)
    compiled = CompiledPolicy(parse(text, name, definition), definition)
    content = Content("MAIN.PRG", hashlib.sha256(("LD X0 OUT Y0 END; " * 200)[:2000].encode()).hexdigest())
    for one in operations(result):
        written = content if one.action == "program-download" else None
        asked = Question(one.client, one.server, one.action, one.ts, "5007/tcp", written)
        assert one.verdict == (",".join(explain(compiled, definition, asked).violations) or "allowed")
    predicted = {name for one in operations(result) for name in one.verdict.split(",")} - {"allowed"}
    asked = Question(PANEL, PRESS, "read", operations(result)[0].ts, "5007/tcp")
    predicted |= set(explain(compiled, definition, asked).violations)
    assert set(raised(result)) == predicted


def test_a_case_changes_text_that_stands_once(definition: Definition) -> None:
    case = definition.cases["site-host-removed"]
    with pytest.raises(CaseError, match="what is replaced stands 0 times"):
        policy_of(definition, replace(case, old="nothing like that"))
    with pytest.raises(CaseError, match=r"no-shop\.yaml: No such file"):
        policy_of(definition, replace(case, policy="no-shop"))
    with pytest.raises(PolicyError, match="unknown time zone"):
        policy_of(definition, replace(case, old="Asia/Tokyo", new="Asia/Tokio"))

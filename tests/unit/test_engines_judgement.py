"""What conditions of detections mean to the built-in engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from melsec_nsm.definitions.model import Condition, Definition, Exchange, Threshold
from melsec_nsm.engines.base import Result
from melsec_nsm.engines.reference import judgement
from melsec_nsm.engines.reference.judgement import _Count

Ask = Callable[..., Exchange]
Verdict = Callable[..., Result]

TOKEN = b"\xa1" * 16
Judged = Callable[..., int]


@pytest.fixture
def judged(definition: Definition, verdict: Verdict) -> Judged:
    """How often a made-up detection is raised in a conversation."""

    def raised(when: Condition, *exchanges: Exchange, suppress: int = 1, **others: Any) -> int:
        made = replace(definition.detections["remote-stop"], id="made", when=when, suppress=suppress, unsupported={})
        rules = replace(definition, detections={"made": made})
        return counts(verdict(*exchanges, rules=rules, **others)).get("made", 0)

    return raised


def counts(result: Result) -> dict[str, int]:
    return {one.id: one.count for one in result.detections}


def condition(*operations: str, direction: str = "request", **others: Any) -> Condition:
    return Condition(operations, others.pop("classes", ()), others.pop("protocols", ()), direction, **others)


def guess(ask: Ask, user: str, status: int = 0x4309, **changes: Any) -> Exchange:
    return ask("login-user", user=user, status=status, changes=changes)


# What a PDU has to be


def test_plain_conditions_mean_every_pdu(ask: Ask, judged: Judged) -> None:
    plain = condition("remote-stop")
    assert plain.plain
    assert judged(plain, ask("remote-stop")) == 1
    assert judged(plain, ask("remote-run")) == 0
    assert judged(condition(classes=("control",)), ask("remote-run")) == 1
    assert judged(condition("remote-stop", protocols=("slmp",)), ask("remote-stop")) == 0


def test_suppression_is_by_client_and_server(ask: Ask, judged: Judged) -> None:
    stop = ask("remote-stop", changes={"repeat": 3})
    other = ask("remote-stop", changes={"client": "192.168.3.66", "repeat": 3})
    later = ask("remote-stop", changes={"after": 61})
    assert judged(condition("remote-stop"), stop, other, suppress=60) == 2
    assert judged(condition("remote-stop"), stop, later, suppress=60) == 2


@pytest.mark.parametrize(
    ("statuses", "status", "expected"),
    [
        (("user-unknown",), 0x4309, 1),
        (("user-unknown",), 0x4408, 0),
        (("user-unknown",), 0, 0),
        (("failed",), 0x4309, 1),
        (("failed",), 0x9999, 1),
        (("failed",), 0, 0),
        (("success",), 0, 1),
        (("success", "user-unknown"), 0x4309, 1),
    ],
)
def test_statuses(ask: Ask, judged: Judged, statuses: tuple[str, ...], status: int, expected: int) -> None:
    when = condition("login-user", direction="response", statuses=statuses)
    assert not when.plain
    assert judged(when, guess(ask, "anna", status)) == expected


def test_nobody_answered_is_no_status(ask: Ask, judged: Judged) -> None:
    when = condition("login-user", direction="response", statuses=("failed",))
    assert judged(when, ask("login-user", user="anna", status=None)) == 0


def test_fields_of_header_and_data(ask: Ask, judged: Judged) -> None:
    def found(*fields: tuple[str, int | bytes | str], operation: str = "challenge-controller", **values: Any) -> int:
        return judged(condition(operation, fields=fields), ask(operation, **values))

    asked: dict[str, Any] = {"index": 8, "challenge": b"\x54\x06\x7d\xc9", "serial": 2}
    assert found(("challenge", b"\x54\x06\x7d\xc9"), ("index", 8), **asked) == 1
    assert found(("challenge", b"\x54\x06\x7d\xc9"), ("index", 7), **asked) == 0
    assert found(("serial", 2), **asked) == 1
    assert found(("serial", 3), **asked) == 0
    assert found(("user", "anna"), operation="login-user", user="anna") == 1
    assert found(("user", "anne"), operation="login-user", user="anna") == 0


def test_frames(ask: Ask, judged: Judged) -> None:
    when = condition("remote-stop", frames=("57-short",))
    assert judged(when, ask("remote-stop", frame="57-short")) == 1
    assert judged(when, ask("remote-stop")) == 0


def test_one_of_several_is_enough(ask: Ask, judged: Judged) -> None:
    alternatives = (condition("remote-stop"), condition("remote-run", frames=("57-short",)))
    when = Condition((), (), (), "request", alternatives=alternatives)
    assert not when.plain
    assert judged(when, ask("remote-stop")) == 1
    assert judged(when, ask("remote-run", frame="57-short")) == 1
    assert judged(when, ask("remote-run")) == 0


def test_the_first_pdu_of_a_client(ask: Ask, judged: Judged) -> None:
    when = condition("remote-stop", first=True)
    read = ask("read-devices", device="D0", points=1)
    identity = ask("identify-cpu", frame="5a", answer={"model_code": 0x4891})
    assert judged(when, ask("remote-stop"), read) == 1
    assert judged(when, read, ask("remote-stop")) == 0
    assert judged(when, identity, ask("remote-stop")) == 0
    assert judged(when, ask("remote-stop"), shape="midstream") == 0, "its beginning was not seen"
    assert judged(when, ask("remote-stop"), transport="udp") == 0, "there is no connection"
    again = ask("remote-stop", changes={"connection": 2, "after": 2})
    assert judged(when, identity, ask("remote-stop"), again) == 1
    answered = ask("read-devices", device="D0", points=1, changes={"half": "response"})
    assert judged(when, answered, ask("remote-stop")) == 1, "what the server said before does not matter"


# Thresholds


def often(count: int, seconds: int = 60, distinct: str | None = None, *per: str) -> Threshold:
    return Threshold(count, seconds, distinct, per or ("client",))


def test_times_are_counted_within_an_interval(ask: Ask, judged: Judged) -> None:
    when = condition("login-user", direction="response", statuses=("failed",), threshold=often(3, 60))
    assert judged(when, *[guess(ask, "anna")] * 2) == 0
    assert judged(when, *[guess(ask, "anna")] * 3) == 1
    assert judged(when, guess(ask, "anna"), guess(ask, "anna"), guess(ask, "anna", after=61)) == 0
    assert judged(when, guess(ask, "anna"), *[guess(ask, "anna", after=29)] * 2) == 1
    assert judged(when, *[guess(ask, "anna")] * 30, suppress=600) == 1


def test_different_values_are_counted_once(ask: Ask, judged: Judged) -> None:
    when = condition("login-user", direction="response", statuses=("failed",), threshold=often(3, 60, "user"))
    assert judged(when, *[guess(ask, "anna")] * 5, guess(ask, "anne")) == 0
    assert judged(when, guess(ask, "anna"), guess(ask, "anne"), guess(ask, "anni")) == 1


def test_clients_and_servers_are_counted_side_by_side(ask: Ask, judged: Judged) -> None:
    def tries(*hosts: tuple[int, int]) -> list[Exchange]:
        return [
            guess(ask, "anna", client=f"192.168.3.{client}", server=f"192.168.3.{server}") for client, server in hosts
        ]

    def when(*per: str) -> Condition:
        return condition("login-user", direction="response", statuses=("failed",), threshold=often(3, 60, None, *per))

    one_client, one_server = tries((20, 200), (20, 201), (20, 202)), tries((20, 200), (21, 200), (22, 200))
    assert [judged(when("client"), *one) for one in (one_client, one_server)] == [1, 0]
    assert [judged(when("server"), *one) for one in (one_client, one_server)] == [0, 1]
    assert [judged(when("client", "server"), *one) for one in (one_client, one_server)] == [1, 1]
    assert [judged(when("pair"), *one) for one in (one_client, one_server)] == [0, 0]
    assert judged(when("pair"), *tries((20, 200), (20, 200), (20, 200))) == 1
    assert judged(when("client", "server"), *tries(*[(20, 200)] * 3), suppress=600) == 1, "both are full at once"


def test_many_controllers(ask: Ask, judged: Judged) -> None:
    when = condition(classes=("identify",), threshold=often(3, 60, "server"))
    names = [
        ask("read-type-name", protocol="slmp", frame="3e-binary", changes={"server": f"192.168.3.{200 + n}"})
        for n in range(3)
    ]
    assert judged(when, *names) == 1
    assert judged(when, *names[:2] * 4) == 0


def test_counts_hold_no_more_than_is_asked_for() -> None:
    threshold = often(3, 10, "user")
    count = _Count()
    second = 1_000_000_000
    assert [count.add(at * second, value, threshold) for at, value in enumerate("aabab")] == [False] * 5
    assert len(count.values) == 2
    assert not count.add(100 * second, "c", threshold)
    assert list(count.values) == ["c"]
    times = _Count()
    assert [times.add(at * 6 * second, None, often(3, 10)) for at in range(50)] == [False] * 50
    assert len(times.times) <= 3


def test_what_is_counted_is_bounded(ask: Ask, judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "MAX_COUNTED", 2)
    when = condition("login-user", direction="response", statuses=("failed",), threshold=often(2))
    others = [guess(ask, "anna", client=f"192.168.3.{30 + n}") for n in range(2)]
    assert judged(when, guess(ask, "anna"), *others, guess(ask, "anna")) == 0, "the first was forgotten"
    assert judged(when, guess(ask, "anna"), others[0], guess(ask, "anna")) == 1


# Operations and credentials


def test_each_file_is_an_alert_of_its_own(ask: Ask, verdict: Verdict) -> None:
    def download(name: str, pointer: int) -> list[Exchange]:
        opened = ask("open-file", name=name, mode=0x0100, new_size=4, answer={"pointer": pointer})
        block = ask("write-file", pointer=pointer, offset=0, content=b"abcd", answer={"octets": 4})
        return [opened, block, ask("close-file", pointer=pointer)]

    nine = [one for number in range(9) for one in download(f"P{number}.PRG", number)]
    assert counts(verdict(*nine))["program-download"] == 9
    twice = [*download("A.PRG", 1), *download("A.PRG", 1)]
    assert counts(verdict(*twice))["program-download"] == 1, "within the interval"


def login(ask: Ask, session: int = 1, **changes: Any) -> list[Exchange]:
    return [
        ask("login-user", user="admin", answer={"user_token": TOKEN}, changes=changes),
        ask("login-password", user_token=TOKEN, answer={"session": session}, changes=changes),
    ]


def carrying(ask: Ask, session: int = 1, secret: int = 0xD4, **changes: Any) -> Exchange:
    token = session.to_bytes(2, "little") + bytes([secret]) * 16
    return ask("read-safety-mode", answer={"safety_mode": 0x8221}, changes={"footer": {"token": token}, **changes})


OTHER: dict[str, Any] = {"client": "192.168.3.66"}


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (lambda ask: [*login(ask), carrying(ask), carrying(ask, connection=2)], 0),
        (lambda ask: [carrying(ask), carrying(ask, **OTHER)], 1),
        (lambda ask: [carrying(ask), carrying(ask, session=2, secret=0xD5, **OTHER)], 0),
        (lambda ask: [*login(ask), carrying(ask, secret=0xD5, **OTHER)], 1),
        (lambda ask: [*login(ask), *login(ask, 2, **OTHER), carrying(ask, session=2, secret=0xD5, **OTHER)], 0),
        (lambda ask: [*login(ask), *login(ask, 1, **OTHER), carrying(ask, secret=0xD5, **OTHER)], 0),
        (lambda ask: [carrying(ask, server="192.168.3.200"), carrying(ask, **OTHER)], 0),
        (lambda ask: [carrying(ask, **OTHER)], 0),
    ],
    ids=[
        "one client on two connections",
        "the same token from two clients",
        "two tokens of two clients",
        "a session that was granted to another",
        "sessions of their own",
        "the same number granted to both",
        "the same token at two controllers",
        "nothing was seen before",
    ],
)
def test_replayed_tokens(ask: Ask, judged: Judged, what: Callable[[Ask], list[Exchange]], expected: int) -> None:
    assert judged(Condition((), (), (), "request", credential="replayed"), *what(ask)) == expected


def test_a_back_end_that_knows_only_commands_finds_none_in_other_conditions(definition: Definition) -> None:
    for detection in definition.detections.values():
        commands = definition.commands_for(detection.when)
        assert bool(commands) == detection.when.plain, detection.id


# Unknown commands, devices, intervals that are fixed


@pytest.fixture
def unknown(ask: Ask) -> Exchange:
    """A command that the definition does not have."""
    return replace(ask("remote-stop"), command=0x7777, values={}, data=b"", response_data=b"")


@pytest.mark.parametrize(
    ("classes", "protocols", "expected"),
    [(("unknown",), (), 1), (("any",), (), 1), (("read",), (), 0), (("unknown",), ("slmp",), 0)],
)
def test_commands_that_nobody_knows(
    unknown: Exchange, judged: Judged, classes: Any, protocols: Any, expected: int
) -> None:
    assert judged(condition(classes=classes, protocols=protocols), unknown) == expected


def test_what_is_known_is_not_unknown(ask: Ask, judged: Judged) -> None:
    assert judged(condition(classes=("unknown",)), ask("remote-stop")) == 0
    assert judged(condition(classes=("any",)), ask("remote-stop")) == 1


def test_refusals_of_commands_that_nobody_knows(unknown: Exchange, judged: Judged) -> None:
    when = condition(classes=("unknown",), direction="response", statuses=("failed",))
    assert judged(when, replace(unknown, status=0x4002)) == 1
    assert judged(when, unknown) == 0


def write(ask: Ask, device: str) -> Exchange:
    return ask("write-devices", protocol="slmp", frame="3e-binary", device=device, points=1, values=(1,))


@pytest.mark.parametrize(("device", "expected"), [("SM400", 1), ("SD0", 1), ("D100", 0), ("M0", 0)])
def test_devices(ask: Ask, judged: Judged, device: str, expected: int) -> None:
    when = condition("write-devices", devices=("SM", "SD"))
    assert judged(when, write(ask, device)) == expected


def test_intervals_that_are_fixed_begin_with_the_first() -> None:
    fixed = Threshold(3, 10, None, ("pair",), fixed=True)
    second = 1_000_000_000
    count = _Count()
    assert [count.add(ts * second, None, fixed) for ts in (0, 9, 10, 12)] == [False] * 4, "two in each interval"
    assert count.add(19 * second, None, fixed)
    assert not count.times, "it is a number and no list"

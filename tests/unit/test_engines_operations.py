"""Engineering operations, logins and the inventory, as the built-in engine tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from melsec_nsm.codec.footer import digest
from melsec_nsm.definitions.model import Definition, Exchange
from melsec_nsm.engines.base import Operation, Result
from melsec_nsm.engines.reference import ReferenceEngine, runs
from melsec_nsm.engines.reference.sessions import Bounded
from melsec_nsm.report.document import document

Ask = Callable[..., Exchange]
Verdict = Callable[..., Result]

TOKEN, PROOF, HASH = b"\xa1" * 16, b"\x5c" * 32, b"\xe5" * 32
SESSION = b"\1\0" + b"\xd4" * 16


def done(result: Result) -> list[Operation]:
    assert result.operations is not None
    return list(result.operations)


def said(result: Result) -> list[tuple[str, str, str]]:
    """Action, object and user of each operation."""
    return [(one.action, one.object, one.user) for one in done(result)]


def login(ask: Ask, user: str = "admin", session: int = 1, *, wrong: int = 0, **others: Any) -> Iterator[Exchange]:
    yield ask("login-user", user=user, answer={"user_token": TOKEN}, **others)
    status = {"status": wrong} if wrong else {"answer": {"session": session}}
    yield ask("login-password", user_token=TOKEN, proof=PROOF, **status, **others)


# One transaction


@pytest.mark.parametrize(
    ("operation", "values", "expected"),
    [
        ("remote-run", {}, "remote-run"),
        ("remote-stop", {}, "remote-stop"),
        ("remote-pause", {}, "remote-pause"),
        ("set-safety-mode", {"safety_mode": 0x8442}, "safety-mode-change"),
    ],
)
def test_control_over_melsoft(
    ask: Ask, verdict: Verdict, operation: str, values: dict[str, Any], expected: str
) -> None:
    (one,) = done(verdict(ask(operation, **values)))
    assert (one.action, one.client, one.server, one.protocol) == (expected, "192.168.3.18", "192.168.3.250", "melsoft")
    assert (one.status, one.status_name, one.requests) == ("0000", "success", 1)
    assert (one.bytes, one.missing_bytes, one.sha256) == (None, None, None)


def test_control_over_slmp_and_1e(ask: Ask, verdict: Verdict) -> None:
    slmp = {"protocol": "slmp", "frame": "3e-binary"}
    (one,) = done(verdict(ask("remote-run", mode=3, clear_mode=2, **slmp)))
    assert (one.action, one.details) == ("remote-run", "mode=force clear_mode=all")
    (one,) = done(verdict(ask("remote-latch-clear", status=0x4013, **slmp)))
    assert (one.action, one.status) == ("remote-latch-clear", "4013")
    (one,) = done(verdict(ask("remote-stop", protocol="mc1e", frame="1e-binary")))
    assert (one.protocol, one.action, one.status) == ("mc1e", "remote-stop", "00")


def test_a_reset_is_told_without_an_answer(ask: Ask, verdict: Verdict) -> None:
    (one,) = done(verdict(ask("remote-reset", protocol="slmp", frame="3e-binary", status=None)))
    assert (one.action, one.status, one.status_name) == ("remote-reset", "", "")


def test_passwords_unlock_and_do_not_show(ask: Ask, verdict: Verdict) -> None:
    slmp = {"protocol": "slmp", "frame": "3e-binary", "password": "s3cr"}
    result = verdict(
        ask("unlock-password", **slmp), ask("unlock-password", status=0xC810, **slmp), ask("lock-password", **slmp)
    )
    assert [one.action for one in done(result)] == ["unlock", "unlock-failed", "lock"]
    assert "s3cr" not in repr(document(result))


def test_files_are_deleted_copied_and_changed(ask: Ask, verdict: Verdict) -> None:
    slmp = {"protocol": "slmp", "frame": "3e-binary"}
    named = {"name": "MAIN", "extension": "QPG"}
    result = verdict(
        ask("delete-file", name="MAIN.QPG", **slmp),
        ask("delete-file-entry", **named, **slmp),
        ask("copy-file", name="COPY.QPG", from_name="MAIN.QPG", **slmp),
        ask("set-file-attribute", name="MAIN.QPG", attribute=1, **slmp),
        ask("create-file", name="NEW.QPG", points=100, **slmp),
    )
    assert [(one.action, one.object) for one in done(result)] == [
        ("file-delete", "MAIN.QPG"),
        ("file-delete", "MAIN.QPG"),
        ("file-copy", "COPY.QPG,MAIN.QPG"),
        ("file-change", "MAIN.QPG"),
        ("file-create", "NEW.QPG"),
    ]


def test_who_was_evicted(ask: Ask, verdict: Verdict) -> None:
    control = {"protocol": "melsoft", "frame": "5a"}
    evicted = {"result": 4, "requester": "192.168.3.18", "owner": "192.168.0.101"}
    result = verdict(ask("query-owner", **control), ask("release-owner", answer=evicted, **control), transport="udp")
    assert said(result) == [("owner-release", "192.168.0.101", "")]


# Sessions, logins, users


def test_a_session_is_told_once(ask: Ask, verdict: Verdict) -> None:
    def start(**others: Any) -> Iterator[Exchange]:
        yield ask("identify-cpu", frame="5a", answer={"model_code": 0x4891}, **others)
        yield ask("read-type-name-extended", answer={"model": "R08SFCPU", "model_code": 0x4891}, **others)

    again = {"changes": {"connection": 2}}
    later = {"changes": {"after": 301, "connection": 3}}
    other = {"changes": {"client": "192.168.3.66"}}
    result = verdict(*start(), *start(**again), *start(**other), next(start(**later)))
    assert [(one.action, one.client, one.object) for one in done(result)] == [
        ("connect", "192.168.3.18", "R08SFCPU"),
        ("connect", "192.168.3.66", "R08SFCPU"),
        ("connect", "192.168.3.18", "R08SFCPU"),
    ]


def test_logins(ask: Ask, verdict: Verdict) -> None:
    result = verdict(ask("login-user", user="nobody", status=0x4309), *login(ask, wrong=0x4408), *login(ask, session=7))
    assert [(one.action, one.user, one.status_name) for one in done(result)] == [
        ("login-failed", "nobody", "user-unknown"),
        ("login-failed", "admin", "password-wrong"),
        ("login", "admin", "success"),
    ]


def test_the_session_of_a_token_says_who_it_is(ask: Ask, verdict: Verdict) -> None:
    boss = login(ask, "boss", 1)
    guest = login(ask, "guest", 2, changes={"client": "192.168.3.66"})
    carried = {"footer": {"token": b"\1\0" + b"\xd4" * 16}}
    theirs = {"footer": {"token": b"\2\0" + b"\xd5" * 16}, "client": "192.168.3.66"}
    result = verdict(
        *boss,
        *guest,
        ask("set-safety-mode", safety_mode=0x8442, changes=carried),
        ask("set-safety-mode", safety_mode=0x8442, changes=theirs),
        ask("remote-stop"),
        ask("remote-stop", changes={"client": "192.168.3.77"}),
    )
    assert said(result)[2:] == [
        ("safety-mode-change", "test", "boss"),
        ("safety-mode-change", "test", "guest"),
        ("remote-stop", "", "boss"),
        ("remote-stop", "", ""),
    ]


def record(user: str) -> dict[str, Any]:
    return {"user": user, "password_hash": HASH, "access_level": 0x0100}


def test_users_that_are_new_and_users_that_were_there(ask: Ask, verdict: Verdict) -> None:
    result = verdict(
        ask("register-users", records=[record("first")]),
        ask("read-users", points=2, answer={"records": [record("admin"), record("first")]}),
        ask("register-users", records=[record("admin"), record("new")]),
        ask("register-users", records=[record("new"), record("refused")], status=0x4080),
        ask("register-users", records=[record("refused")]),
    )
    assert [(one.action, one.object) for one in done(result)] == [
        ("user-add", "first"),
        ("user-read", "admin,first"),
        ("user-change", "admin"),
        ("user-add", "new"),
        ("user-change", "new"),
        ("user-add", "refused"),
        ("user-add", "refused"),
    ]


def test_secrets_reach_no_output(ask: Ask, verdict: Verdict, definition: Definition, tmp_path: Path) -> None:
    secrets = [TOKEN, PROOF, HASH, SESSION[2:], b"\xb2" * 16]
    exchanges = [
        ask("login-user", user="admin", answer={"user_token": TOKEN}),
        ask("login-password", user_token=TOKEN, proof=PROOF, answer={"password_token": b"\xb2" * 16, "session": 1}),
        ask("read-users", points=1, answer={"records": [record("admin")]}, changes={"footer": {"token": SESSION}}),
        ask("register-users", records=[record("admin")], changes={"footer": {"token": SESSION}}),
        ask("open-file", name="A.PRG", changes={"footer": {"file_password": b"\x77" * 32}}, answer={"pointer": 1}),
    ]
    result = verdict(*exchanges)
    written = repr(document(result)) + repr(list(ReferenceEngine(definition).records(Path(result.capture))))
    assert "admin" in written
    assert "session=1" in written
    for secret in (*secrets, b"\x77" * 32):
        assert secret.hex() not in written.lower()
        assert repr(secret)[2:-1] not in written
        assert digest(secret) not in written


def test_checksums_that_are_wrong_are_told(ask: Ask, verdict: Verdict, definition: Definition) -> None:
    good = ask("read-devices", device="D0", points=1, serial=1, changes={"footer": {}, "response_footer": {}})
    wrong = ask("read-devices", device="D0", points=1, serial=2, changes={"footer": {"checksum": bytes(5)}})
    result = verdict(good, wrong)
    records = list(ReferenceEngine(definition).records(Path(result.capture)))
    assert [(one.serial, one.details) for one in records] == [(1, None), (2, "checksum=wrong")]


# Runs


def change(ask: Ask, **others: Any) -> list[Exchange]:
    return [
        ask("begin-online-change", **others),
        ask("begin-online-change", files=[{"name": "MAIN.PRG"}, {"name": "CPU.PRM"}]),
        ask("write-work-memory", memory_area=0x54, offset=0, content=[1, 2, 3]),
        ask("run-online-change", stage=2),
    ]


def test_an_online_change_is_one_operation(ask: Ask, verdict: Verdict) -> None:
    (one,) = done(verdict(*change(ask)))
    assert (one.action, one.object, one.bytes, one.requests) == ("online-change", "MAIN.PRG,CPU.PRM", 6, 4)
    again = change(ask, changes={"after": 61})
    assert [one.requests for one in done(verdict(*change(ask), *again))] == [4, 4]
    soon = change(ask, changes={"after": 30})
    assert [one.requests for one in done(verdict(*change(ask), *soon))] == [8]


def test_an_alert_does_not_wait_for_the_end_of_a_run(ask: Ask, verdict: Verdict) -> None:
    result = verdict(*change(ask))
    (alert,) = [one for one in result.detections if one.id == "online-change"]
    assert (alert.count, alert.first) == (1, done(result)[0].ts)


def watched(ask: Ask, times: int, **values: Any) -> Exchange:
    points = [{"long_devices": [{"device": "D0"}, {"device": "SD203"}]}]
    return ask("read-devices-random", words=2, groups=points, changes={"repeat": times}, **values)


def test_watching_takes_ten_requests_of_an_engineering_tool(ask: Ask, verdict: Verdict) -> None:
    assert done(verdict(watched(ask, 9))) == []
    (one,) = done(verdict(watched(ask, 40)))
    assert (one.action, one.object, one.requests) == ("online-monitoring", "D,SD", 40)
    assert done(verdict(watched(ask, 40, source_module_io=0))) == [], "a panel"


def put(ask: Ask, device: str, points: int, **others: Any) -> Exchange:
    return ask("write-devices", protocol="slmp", frame="3e-binary", device=device, points=points, **others)


def test_overwriting_counts_each_device_once(ask: Ask, verdict: Verdict) -> None:
    def actions(*exchanges: Exchange) -> list[str]:
        return [f"{one.action} {one.object}" for one in done(verdict(*exchanges))]

    assert actions(put(ask, "D0", 900), put(ask, "D900", 900), put(ask, "D1800", 248)) == ["memory-overwrite D"]
    assert actions(put(ask, "D0", 900), put(ask, "D900", 900), put(ask, "D1800", 247)) == []
    assert actions(*[put(ask, "D0", 900)] * 9) == [], "the same devices again"
    assert actions(put(ask, "D0", 900), put(ask, "R0", 900), put(ask, "W0", 300)) == ["memory-overwrite D,R,W"]
    assert actions(put(ask, "M0", 128)) == ["memory-overwrite M"], "sixteen relays a word"
    refused = [put(ask, device, 900, status=0xC056) for device in ("D0", "R0", "W0")]
    assert actions(*refused) == []
    slow = [put(ask, f"D{at}", 900, changes={"after": 50}) for at in (0, 900, 1800)]
    assert actions(*slow) == []


def test_a_request_that_comes_again_counts_once_for_devices_and_again_for_octets(ask: Ask, verdict: Verdict) -> None:
    few = [ask("write-devices", device=f"M{at}", points=128) for at in range(0, 1920, 128)]
    assert done(verdict(*few, *few)) == []
    last = ask("write-devices", device="M1920", points=128)
    refused = ask("write-devices", device="M1920", points=128, status=0x4080)
    assert done(verdict(*few, refused)) == []
    (one,) = done(verdict(*few, refused, last))
    assert (one.action, one.requests) == ("memory-overwrite", 17)
    block = ask("write-work-memory", memory_area=0x54, offset=0, content=[1, 2, 3])
    assert [one.bytes for one in done(verdict(block, block, block))] == [18]


def test_overwriting_over_melsoft_counts_bits(ask: Ask, verdict: Verdict) -> None:
    assert [one.object for one in done(verdict(ask("write-devices", device="M0", points=2048)))] == ["M"]
    assert done(verdict(ask("write-devices", device="M0", points=2047))) == []


def test_a_sweep_reads_many_kinds_of_devices(ask: Ask, verdict: Verdict) -> None:
    kinds = ["X0", "Y0", "M0", "L0", "B0", "F0", "SB0", "TN0", "CN0", "D0", "R0", "W0"]
    read = [ask("read-devices", device=device, points=16) for device in kinds]
    (one,) = done(verdict(*read))
    assert (one.action, one.requests) == ("device-sweep", 12)
    assert done(verdict(*read[1:], *read[1:])) == []


def test_runs_are_bounded(ask: Ask, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MAX_RUNS", 2)
    clients = [ask("begin-online-change", changes={"client": f"192.168.3.{20 + n}"}) for n in range(5)]
    assert [one.client for one in done(verdict(*clients))] == [f"192.168.3.{20 + n}" for n in range(5)]


def test_tables_forget_what_was_not_used() -> None:
    table: Bounded[int, str] = Bounded(2)
    for number in (1, 2, 1, 3):
        table.put(number, str(number))
    assert (table.get(1), table.get(2), table.get(3), 2 in table) == ("1", None, "3", False)


# The inventory


def test_what_is_learnt_of_a_controller(ask: Ask, verdict: Verdict) -> None:
    slmp = {"protocol": "slmp", "frame": "4e-binary"}
    result = verdict(
        ask("read-type-name", answer={"model": "R08CPU", "model_code": 0x4801}, **slmp),
        ask("remote-stop"),
    )
    (asset,) = result.assets
    assert (asset.host, asset.model, asset.series, asset.mac) == (
        "192.168.3.250",
        "R08CPU",
        "iQ-R",
        "10:4b:46:00:53:fa",
    )
    assert (asset.protocols, asset.ports) == (("melsoft", "slmp"), ("5007/tcp",))


def test_the_type_code_of_a_control_frame_names_the_model(ask: Ask, verdict: Verdict) -> None:
    identity = ask("identify-cpu", frame="5a", answer={"model_code": 0x4A29})
    (asset,) = verdict(identity).assets
    assert (asset.model, asset.series) == ("FX5U-32MT/ES", "iQ-F")


def test_a_node_search_tells_of_the_node_that_answers(ask: Ask, verdict: Verdict) -> None:
    answer = {"server_mac": "28:E9:8E:2F:E4:B7", "server_ip": "192.168.0.201", "node_version": 0x0102}
    values = {"client_mac": "1C:39:47:CD:D4:EB", "client_ip": "192.168.3.18"}
    search = ask("node-search", protocol="slmp", frame="4e-binary", answer={**answer, **values}, **values)
    found = {one.host: one for one in verdict(search, transport="udp").assets}
    assert (found["192.168.0.201"].mac, found["192.168.0.201"].firmware) == ("28:e9:8e:2f:e4:b7", "102")
    assert found["192.168.3.250"].ports == ("5007/udp",)


def test_only_the_answers_of_controllers_count(ask: Ask, verdict: Verdict) -> None:
    assert verdict(ask("remote-stop", status=None), shape="midstream").assets == ()


def test_a_controller_that_answers_from_another_address(
    ask: Ask, verdict: Verdict, definition: Definition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("melsec_nsm.generate.captures._mac", lambda prefix, address: f"{prefix}:01")
    moved = {"changes": {"server": "192.168.0.250"}}
    stops = [ask("remote-stop"), ask("remote-stop", **moved), ask("remote-stop"), ask("remote-stop", **moved)]
    result = verdict(*stops)
    assert ("address-change", "192.168.3.250 > 192.168.0.250", "") in said(result)
    assert [one.action for one in done(result)].count("address-change") == 1
    monkeypatch.setattr("melsec_nsm.generate.captures._mac", lambda prefix, address: "00:50:56:00:00:01")
    assert "address-change" not in [one.action for one in done(verdict(*stops))], "a router"

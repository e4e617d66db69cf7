"""What of the packaged detections becomes rules, and what is refused because single PDUs do not show it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from melsec_nsm.definitions.model import Condition, Definition, Detection, Threshold
from melsec_nsm.generate.suricata import UnsupportedByBackend
from melsec_nsm.generate.suricata.looks import SITELESS, looks_for
from melsec_nsm.generate.suricata.rules import rules_for, variant

LOGIN = Condition(("login-password",), (), (), "response", statuses=("password-wrong",))


def rules(definition: Definition, name: str, when: Condition | None = None) -> dict[int, str]:
    """The texts of the rules of a detection, by variant; ``when`` takes the place of its condition."""
    detection = definition.detections[name]
    if when is not None:
        detection = replace(detection, when=when)
    return {number: rule.text() for number, rule in rules_for(definition, detection).items()}


def rule(definition: Definition, name: str, frame: str, form: str = "packet", part: str = "") -> str:
    protocol = next(one for one in definition.protocols.values() if any(frame == other.id for other in one.frames))
    return rules(definition, name)[variant(protocol.frame(frame), form, part)]


def test_unknown_commands_are_those_that_no_entry_has(definition: Definition) -> None:
    detection = replace(definition.detections["unknown-command"], when=Condition((), ("unknown",), (), "request"))
    rules = "".join(rule.text() for rule in rules_for(definition, detection).values())
    assert "3E binary" in rules
    assert "1E" not in rules, "its commands are all that there are"
    assert "MELSOFT 5A" not in rules, "only the command tells the size of a PDU"


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        ("SLMP 3E binary", r"\x01\x14\x00\x00.{3}[\x91\xa9]"),
        ("SLMP 3E binary", r"\x01\x14\x02\x00.{4}[\x91\xa9]\x00"),
        ("SLMP 3E ascii", r"14010000(?:SM[* ]{0}|SD[* ]{0})"),
    ],
)
def test_the_first_device_is_looked_at_in_every_form(definition: Definition, frame: str, wanted: str) -> None:
    when = Condition(("write-devices",), (), ("slmp",), "request", devices=("SM", "SD"))
    rules = rules_for(definition, replace(definition.detections["system-device-write"], when=when)).values()
    assert any(wanted in rule.text() for rule in rules if frame in rule.text())


def test_what_cannot_name_a_device_is_left_out(definition: Definition) -> None:
    rules = rules_for(definition, replace(definition.detections["system-device-write"], limits={}))
    assert not any("1E" in rule.text() for rule in rules.values())


def test_numbers_of_a_pair_are_tracked_for_both(definition: Definition) -> None:
    rules = rules_for(definition, definition.detections["error-burst"])
    assert all("threshold:type both, track by_both, count 20, seconds 10" in rule.text() for rule in rules.values())


def test_frames_are_left_out_only_where_the_definition_says_so(definition: Definition) -> None:
    detection = definition.detections["error-burst"]
    with pytest.raises(UnsupportedByBackend, match="a response is known by its request only"):
        rules_for(definition, replace(detection, limits={}))


def counted(count: int, *per: str, distinct: str | None = None) -> Condition:
    return replace(LOGIN, threshold=Threshold(count, 60, distinct, per))


def test_what_is_not_claimed_cannot_be_made(definition: Definition) -> None:
    def makes(detection: Detection) -> bool:
        try:
            return bool(rules_for(definition, detection))
        except UnsupportedByBackend:
            return False

    detections = definition.detections.items()
    # Those that need the policy of a site are made when that is compiled.
    claimed = {name for name, one in detections if "suricata" in one.engines() and one.when.policy in (None, *SITELESS)}
    assert {name for name, one in definition.detections.items() if makes(one)} == claimed


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (Condition((), (), (), "request", credential="replayed"), "cannot be compared with that of another flow"),
        (Condition((), (), (), "request", actions=("memory-overwrite",)), "memory-overwrite needs more than one"),
        (Condition((), (), (), "request", actions=("login",)), "login needs more than one"),
        (Condition((), (), (), "request", actions=("file-write",)), "files of any extension but some"),
        (Condition((), (), (), "request", actions=("dance",)), "dance cannot be told by a request"),
        (counted(3, "pair", "client"), "for a pair of hosts or for one of them"),
        (counted(3, "pair", distinct="server"), "for a pair of hosts or for one of them"),
        (Condition((), (), (), "request", event="silence"), "an event is more than one PDU shows"),
        (counted(3, "client", distinct="user"), "not different users"),
        (counted(3, "client", distinct="client"), "not different clients"),
        (Condition(("remote-stop",), (), ("mc1e",), "request", first=True), "1e-binary: of a request only the command"),
        (Condition(("login-user",), (), (), "request", fields=(("user", "root"),)), "field user: text cannot be"),
        (Condition(("login-user",), (), (), "request", fields=(("dance", 1),)), "has none of that name"),
    ],
)
def test_what_single_pdus_do_not_show_is_refused(definition: Definition, when: Condition, why: str) -> None:
    with pytest.raises(UnsupportedByBackend, match=re.escape(why)):
        rules(definition, "remote-stop", when)


def test_a_file_is_told_by_the_request_that_opens_it(definition: Definition) -> None:
    down, up = (rule(definition, name, "57-long") for name in ("program-download", "program-upload"))
    for text in (down, up):
        assert 'content:"|18 67|"; offset:45; depth:2; fast_pattern' in text
        assert "threshold" not in text, "each file is an alert of its own"
        path = re.search(r'post_offset -10; pcre:"/\^(.*?)/Rs"', text)
        assert path is not None
        ends = re.compile(path[1].encode(), re.DOTALL)
        assert ends.match("N.PRG\0".encode("utf-16-le")[2:])
        assert ends.match("n.prg\0".encode("utf-16-le")[2:])
        assert ends.match("IN.PRG".encode("utf-16-le")[2:])
        assert not ends.match("N.CSV\0".encode("utf-16-le")[2:])
    assert 'content:"|00 01|"; offset:55; depth:2' in down
    assert "|00 01|" not in up
    assert "PRM" in re.sub(r"\\x00", "", rule(definition, "parameter-write", "57-long"))


def test_a_count_is_one_of_a_client_or_of_a_controller(definition: Definition) -> None:
    by_client, by_server = (rule(definition, "password-guessing", "57-long", part=part) for part in ("second", ""))
    assert "threshold:type both, track by_src, count 5, seconds 300" in by_server, "the controller sends responses"
    assert "threshold:type both, track by_dst, count 5, seconds 300" in by_client
    assert "xbits" not in by_server
    assert "xbits:isnotset,MELSEC.password-guessing.pair,track ip_pair" in by_client


def test_different_controllers_are_pairs_that_count_once(definition: Definition) -> None:
    text = rule(definition, "discovery-sweep", "3e-binary")
    assert "xbits:isnotset,MELSEC.discovery-sweep.pair,track ip_pair" in text
    assert "xbits:set,MELSEC.discovery-sweep.pair,track ip_pair,expire 60" in text
    assert "threshold:type both, track by_src, count 5, seconds 60" in text


def test_the_first_pdu_of_a_client_comes_while_the_server_is_silent(definition: Definition) -> None:
    whole = rule(definition, "handmade-client", "57-long")
    assert "flow:established,to_server; stream_size:server,<,2" in whole
    begun = rule(definition, "handmade-client", "57-long", part="begun")
    assert "noalert" in begun
    assert "flowbits:set,MELSEC.handmade-client.begun" in begun
    split = rule(definition, "handmade-client", "57-long", "stream")
    assert "flowbits:isset,MELSEC.handmade-client.begun; flowbits:isnotset,MELSEC.handmade-client" in split


def test_alternatives_are_a_look_each(definition: Definition) -> None:
    looks = looks_for(definition, definition.detections["scanner-probe"])
    assert [{one.operation for one in look.commands} for look in looks] == [
        {"read-type-name"},
        {"challenge-controller"},
    ]
    assert 'content:"|01 01 01 00 00 00 00 01|"; offset:33; depth:8' in rule(definition, "scanner-probe", "57-short")
    assert 'content:"|08 54 06 7d c9|"; offset:51; depth:5' in rule(definition, "scanner-probe", "57-long")


def test_a_response_without_a_command_is_told_by_its_status(definition: Definition) -> None:
    text = rule(definition, "password-lockout", "3e-binary")
    assert 'content:"|d0 00|"; startswith' in text
    assert re.search(r"offset:9|byte_test:2,>=,\d+,9,little", text)
    melsoft = rule(definition, "password-lockout", "57-long")
    assert 'content:"|01 32|"; offset:47; depth:2' in melsoft

"""The Suricata back-end: rules follow the definition and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from melsec_nsm.codec import Codec, compose
from melsec_nsm.definitions.lock import BLOCK, FIRST_SID, update
from melsec_nsm.definitions.model import (
    Command,
    Condition,
    Definition,
    Detection,
    Exchange,
    ExchangeValue,
    Field,
    Frame,
    Location,
    LockEntry,
    Protocol,
    Provenance,
    Reference,
)
from melsec_nsm.generate.suricata import RULES_PATH, Rule, UnsupportedByBackend, render, rules_by_detection
from melsec_nsm.generate.suricata.answered import AnsweredPdu
from melsec_nsm.generate.suricata.patterns import Header, Sought, of_commands
from melsec_nsm.generate.suricata.rules import FORMS, FRAME_SLOTS, variant
from melsec_nsm.generate.suricata.stuffed import StuffedPdu, cut, shared
from melsec_nsm.generate.suricata.writing import BINARY, STUFFED, TEXT, Writing

HERE = Location("test.yaml", 1, 1)
SURE = Provenance("test", "A")
STOCK_CLASSTYPES = {
    "attempted-admin",
    "attempted-dos",
    "attempted-recon",
    "misc-activity",
    "non-standard-protocol",
    "policy-violation",
    "protocol-command-decode",
    "suspicious-login",
}

FRAMING = "framing-request"

ROUTE = (
    Field("network", "u8", allowed=((0x00, 0xEF),)),
    Field("station", "u8", allowed=((0x00, 0x78), (0x7D, 0x7E), (0xFF, 0xFF))),
    Field("module_io", "u16", allowed=((0x0000, 0x01FF), (0x03D0, 0x03D3), (0x03E0, 0x03E3), (0x03FF, 0x03FF))),
    Field("multidrop", "u8", allowed=((0x00, 0x1F),)),
)
DATA = Field("data", "bytes")


def _slmp_frame(frame_id: str, frame: str, lead: int, extra: tuple[Field, ...]) -> Frame:
    def start(octet: int, minimum: int) -> tuple[Field, ...]:
        length = Field("length", "u16", counts="rest", minimum=minimum, maximum=4200)
        return (Field("subheader", "bytes", const=bytes([octet, 0])), *extra, *ROUTE, length)

    request = (*start(lead, 6), Field("timer", "u16"), Field("command", "u16"), Field("subcommand", "u16"), DATA)
    response = (*start(lead | 0x80, 2), Field("status", "u16"), DATA)
    return Frame(frame_id, frame, "binary", ("tcp", "udp"), request, response, SURE, HERE)


def _melsoft_frame(frame_id: str, tail: int) -> Frame:
    def half(response: bool) -> tuple[Field, ...]:
        bit, more = (0x80, 2) if response else (0, 0)
        status = (Field("status", "u16"),) if response else ()
        return (
            Field("lead", "bytes", const=bytes([0x57 | bit])),
            Field("variant", "u8", allowed=((0, 1),)),
            Field("counter", "u8"),
            Field("relay", "bytes", size=2),
            Field("marker", "bytes", const=b"\x11\x11"),
            Field("route_kind", "u8", allowed=((7, 7), (0x7F, 0x7F)) if response else ((7, 7),)),
            Field("zero", "u8", const=0),
            Field("route", "bytes", size=8),
            Field("reserved", "bytes", size=2),
            Field("length", "u16", counts="rest", minimum=10 + tail + more, maximum=4200),
            Field("block_type", "u8", const=0x1C | bit),
            Field("flags", "u8"),
            Field("length_a", "u8", const=tail + 2 + more),
            Field("length_b", "u8", const=tail),
            *status,
            Field("tail", "bytes", size=tail),
            Field("command", "u16be"),
            Field("serial", "u16"),
            Field("size", "u16"),
            DATA,
        )

    return Frame(frame_id, "57", "binary", ("tcp", "udp"), half(False), half(True), SURE, HERE)


def _control_frame() -> Frame:
    request = (
        Field("lead", "bytes", const=b"\x5a\x00\x00"),
        Field("command", "u8"),
        Field("data", "bytes", sizes={0x22: 0, 0xFF: 0}),
    )
    response = (
        Field("lead", "bytes", const=b"\xda\x00\x00"),
        Field("command", "u8"),
        Field("data", "bytes", sizes={0x22: 10, 0xFF: 24}),
    )
    return Frame("5a", "5A", "binary", ("tcp", "udp"), request, response, SURE, HERE)


def _protocol(name: str, frames: tuple[Frame, ...], commands: tuple[Command, ...]) -> Protocol:
    return Protocol(name, name, "little", name, name, {"test": "test"}, (), frames, {}, commands)


SLMP_FRAMES = (
    _slmp_frame("3e-binary", "3E", 0x50, ()),
    _slmp_frame("4e-binary", "4E", 0x54, (Field("serial", "u16"), Field("reserved", "u16"))),
)
MELSOFT_FRAMES = (_melsoft_frame("57-long", 20), _melsoft_frame("57-short", 8), _control_frame())


def command(
    code: int, operation: str, protocol: str = "slmp", *, klass: str = "control", subcommands: tuple[int, ...] = (0,)
) -> Command:
    frames = {"slmp": ("3e-binary", "4e-binary"), "melsoft": ("57-long", "57-short"), "control": ("5a",)}[protocol]
    owner = "slmp" if protocol == "slmp" else "melsoft"
    digits = 2 if protocol == "control" else 4
    return Command(owner, code, digits, operation, operation, klass, frames, subcommands, {}, {}, SURE, HERE)


COMMANDS = (
    command(0x1002, "remote-stop"),
    command(0x1001, "remote-run"),
    command(0x1401, "write-devices", klass="write", subcommands=(0, 1, 2, 3, 0x80, 0x81, 0x82, 0x83)),
    command(0x1613, "write-buffer", klass="write"),
    command(0x1003, "remote-pause", subcommands=()),
    command(0x1002, "remote-stop", "melsoft"),
    command(0x0131, "login-user", "melsoft", klass="authenticate"),
    command(0x22, "release-owner", "control", klass="session"),
    command(0xFF, "read-type-name", "control", klass="identify"),
)


def when(
    operation: str = "", *, klass: str = "", direction: str = "request", protocols: tuple[str, ...] = ()
) -> Condition:
    return Condition((operation,) if operation else (), (klass,) if klass else (), protocols, direction)


def detection(name: str, condition: Condition, *, severity: str = "high", title: str = "Remote STOP") -> Detection:
    return Detection(
        id=name,
        title=title,
        description="test",
        category="control",
        severity=severity,
        confidence="high",
        attack=("T0858",),
        references=(Reference("CVE-2020-5594"), Reference("ICSA-20-175-01"), Reference("https://example.org/a?b;c")),
        when=condition,
        suppress=60,
        unsupported={},
        false_positives=(),
        triage=(),
        fires=(),
        quiet=(),
        location=HERE,
    )


STOP = detection("remote-stop", when("remote-stop"))


def definition(*detections: Detection, commands: tuple[Command, ...] = COMMANDS) -> Definition:
    slmp = tuple(one for one in commands if one.protocol == "slmp")
    melsoft = tuple(one for one in commands if one.protocol == "melsoft")
    protocols = {
        "melsoft": _protocol("melsoft", MELSOFT_FRAMES, melsoft),
        "slmp": _protocol("slmp", SLMP_FRAMES, slmp),
    }
    techniques = {"T0858": "Change Operating Mode"}
    return Definition(protocols, (), {}, (), {one.id: one for one in detections}, {}, techniques, "18.1", ())


def lock(*names: str, rev: int = 1) -> Mapping[str, LockEntry]:
    published = (*names, FRAMING)
    return {name: LockEntry(name, BLOCK * place, rev, "", False) for place, name in enumerate(published)}


def texts(one: Detection, commands: tuple[Command, ...] = COMMANDS) -> dict[int, str]:
    rules = rules_by_detection(definition(one, commands=commands))[one.id]
    return {number: rule.text() for number, rule in rules.items()}


def rule(one: Detection, frame: str, form: str, commands: tuple[Command, ...] = COMMANDS) -> str:
    frames = {frame.id: frame for frame in (*SLMP_FRAMES, *MELSOFT_FRAMES)}
    return texts(one, commands)[variant(frames[frame], form)]


ROUTE_3E = (
    r'pcre:"/^.{3}[\x00-\x78\x7d-\x7e\xff](?:.[\x00-\x01]|[\xd0-\xd3\xe0-\xe3\xff]\x03)/s"; '
    "byte_test:1,<=,31,6; byte_test:2,>=,6,7,little; byte_test:2,<=,4200,7,little; byte_jump:2,7,little"
)


def test_3e_packet_rule_holds_every_constraint_of_the_header() -> None:
    expected = (
        "alert tcp-pkt any any -> any any "
        '(msg:"MELSEC CONTROL SLMP 3E binary Remote STOP"; flowbits:set,MELSEC.remote-stop; '
        'content:"|50 00|"; startswith; content:"|02 10 00 00|"; offset:11; depth:4; fast_pattern; '
        "byte_test:1,<=,239,2; " + ROUTE_3E + "; "
        "threshold:type limit, track by_both, count 1, seconds 60; reference:cve,2020-5594; "
        "reference:url,www.cisa.gov/news-events/ics-advisories/icsa-20-175-01; reference:url,example.org/a?b%3Bc; "
        "classtype:attempted-dos; target:dest_ip; "
        "metadata:affected_product Mitsubishi_Electric_MELSEC, attack_target ICS, confidence High, "
        "deployment Internal, melsec_id remote-stop, melsec_severity high, mitre_technique_id T0858, "
        "mitre_technique_name Change_Operating_Mode, signature_severity Major;)"
    )
    assert rule(STOP, "3e-binary", "packet") == expected


def test_a_datagram_is_filled_exactly() -> None:
    datagram = rule(STOP, "3e-binary", "datagram")
    assert datagram.startswith("alert udp any any -> any any ")
    assert "byte_jump:2,7,little; isdataat:!1,relative; threshold" in datagram
    assert "isdataat" not in rule(STOP, "3e-binary", "packet")


def test_3e_stream_companion_is_relative_throughout() -> None:
    companion = rule(STOP, "3e-binary", "stream")
    assert companion.startswith("alert tcp any any -> any any ")
    assert (
        'Remote STOP in a coalesced or split segment"; flowbits:isset,MELSEC.uneven; '
        "flowbits:isnotset,MELSEC.remote-stop; "
    ) in companion
    assert 'remote-stop; content:"|50 00|"; byte_test:1,<=,239,0,relative; ' in companion
    assert 'content:"|02 10 00 00|"; distance:5; within:4; fast_pattern; byte_jump:2,-8,relative,little' in companion
    assert r'pcre:"/^.[\x00-\x78\x7d-\x7e\xff](?:.[\x00-\x01]|[\xd0-\xd3\xe0-\xe3\xff]\x03)/Rs"' in companion
    assert "byte_test:1,<=,31,0,relative" in companion
    assert not re.search(r"offset:|depth:|startswith", companion)


def test_4e_is_shifted_by_serial_and_reserved() -> None:
    packet = rule(STOP, "4e-binary", "packet")
    assert 'content:"|54 00|"; startswith; content:"|02 10 00 00|"; offset:15; depth:4; fast_pattern' in packet
    assert 'pcre:"/^.{7}[' in packet
    assert "byte_jump:2,11,little" in packet
    assert 'content:"|54 00|"; byte_test:1,<=,239,4,relative; pcre:"/^.{5}[' in rule(STOP, "4e-binary", "stream")


@pytest.mark.parametrize(
    ("frame", "lengths", "offset", "minimum", "back"),
    [("57-long", "16 14", 45, 30, 28), ("57-short", "0a 08", 33, 18, 16)],
)
def test_melsoft_command_is_big_endian_behind_the_tail(
    frame: str, lengths: str, offset: int, minimum: int, back: int
) -> None:
    packet = rule(STOP, frame, "packet")
    assert (
        'content:"|57|"; startswith; content:"|11 11 07 00|"; offset:5; depth:4; content:"|1c|"; offset:21; depth:1; '
        f'content:"|{lengths}|"; offset:23; depth:2; content:"|10 02|"; offset:{offset}; depth:2; fast_pattern; '
        f"byte_test:1,<=,1,1; byte_test:2,>=,{minimum},19,little; byte_test:2,<=,4200,19,little; byte_jump:2,19,little"
    ) in packet
    companion = rule(STOP, frame, "stream")
    assert 'content:"|11 11 07 00|"; distance:4; within:4; fast_pattern' in companion
    assert f"byte_jump:2,-{back},relative,little" in companion


def test_no_rule_rests_on_flow_ports_or_own_names() -> None:
    for text in texts(STOP).values():
        assert not re.search(r"[ (;]flow:|established|to_server|to_client|\$[A-Z]", text)
        assert re.match(r"alert (tcp-pkt|tcp|udp) any any -> any any \(msg:", text)
        (classtype,) = re.findall(r"classtype:([^;]+);", text)
        assert classtype in STOCK_CLASSTYPES
        assert set(re.findall(r"reference:(\w+),", text)) <= {"cve", "url"}


@pytest.mark.parametrize(
    "category",
    [
        "control",
        "programming",
        "writing",
        "authentication",
        "reconnaissance",
        "anomaly",
        "cc-link",
        "policy",
        "exposure",
    ],
)
def test_every_category_has_a_stock_classtype(category: str) -> None:
    (classtype,) = {
        re.search(r"classtype:([^;]+);", text)[1]  # type: ignore[index]
        for text in texts(replace(STOP, category=category)).values()
    }
    assert classtype in STOCK_CLASSTYPES


def test_a_changed_code_changes_the_rules_and_only_there() -> None:
    (stop,) = (one for one in COMMANDS if (one.protocol, one.operation) == ("slmp", "remote-stop"))
    changed = tuple(replace(one, code=0x1F2E) if one is stop else one for one in COMMANDS)
    before, after = texts(STOP), texts(STOP, changed)
    assert before.keys() == after.keys()
    for number, text in before.items():
        assert after[number] == text.replace("|02 10 00 00|", "|2e 1f 00 00|")
    assert "|2e 1f 00 00|" in after[0]


def test_a_changed_severity_changes_only_the_metadata() -> None:
    critical = texts(replace(STOP, severity="critical"))
    for number, text in texts(STOP).items():
        assert critical[number] == text.replace("signature_severity Major", "signature_severity Critical").replace(
            "melsec_severity high", "melsec_severity critical"
        )
    assert "classtype:protocol-command-decode" in texts(replace(STOP, severity="informational"))[0]


def test_suppression_comes_from_the_definition() -> None:
    assert "count 1, seconds 3600;" in texts(replace(STOP, suppress=3600))[0]
    assert "threshold" not in texts(replace(STOP, suppress=0))[0]


def test_several_commands_are_one_rule_with_their_subcommands() -> None:
    write = detection("device-write", when(klass="write"))
    packet = rule(write, "3e-binary", "packet")
    pattern = r"(?:\x01\x14[\x00-\x03\x80-\x83]\x00|\x13\x16\x00\x00)"
    assert f'pcre:"/^.{{11}}{pattern}/s"' in packet
    assert len(texts(write)) == 6
    body = re.search(rf'pcre:"/\^(\.\{{11\}}{re.escape(pattern)})/s"', packet)
    assert body
    matches = re.compile(body[1].encode(), re.DOTALL).match
    assert matches(bytes(11) + bytes.fromhex("01148200"))
    assert matches(bytes(11) + bytes.fromhex("13160000"))
    assert not matches(bytes(11) + bytes.fromhex("01140400"))
    assert not matches(bytes(11) + bytes.fromhex("13168000"))


def test_unknown_subcommands_are_left_open() -> None:
    packet = rule(detection("remote-pause", when("remote-pause")), "3e-binary", "packet")
    assert 'content:"|03 10|"; offset:11; depth:2; fast_pattern' in packet


def test_one_command_with_several_subcommands_keeps_its_content() -> None:
    packet = rule(detection("device-write", when("write-devices")), "3e-binary", "packet")
    assert 'content:"|01 14|"; offset:11; depth:2; fast_pattern' in packet
    assert r'pcre:"/^.{13}[\x00-\x03\x80-\x83]\x00/s"' in packet


def test_a_response_that_carries_no_command_is_unsupported() -> None:
    with pytest.raises(UnsupportedByBackend, match=r"remote-stop.*3e-binary.*does not carry the command"):
        texts(replace(STOP, when=when("remote-stop", direction="response")))


def test_melsoft_responses_carry_the_command() -> None:
    answered = replace(STOP, when=when("remote-stop", direction="response", protocols=("melsoft",)))
    packet = rule(answered, "57-long", "packet")
    assert 'content:"|d7|"; startswith' in packet
    assert 'content:"|10 02|"; offset:47; depth:2; fast_pattern' in packet
    assert r'pcre:"/^.{7}[\x07\x7f]/s"' in packet
    assert "target:src_ip" in packet


def test_a_control_frame_is_the_whole_packet_or_followed_by_a_long_frame() -> None:
    evict = detection("owner-eviction", when("release-owner"))
    for form in ("packet", "datagram"):
        assert 'dsize:4; content:"|5a 00 00 22|"; startswith; fast_pattern; threshold' in rule(evict, "5a", form)
    companion = rule(evict, "5a", "stream")
    assert 'content:"|5a 00 00 22 57|"; fast_pattern' in companion
    assert 'content:"|11 11 07 00|"; distance:4; within:4' in companion
    assert "byte_jump" not in companion


def test_a_condition_without_a_command_is_unsupported() -> None:
    with pytest.raises(UnsupportedByBackend, match="no command of the definition"):
        texts(detection("remote-stop", when("fly-to-the-moon")))


def test_an_unnumbered_frame_is_refused() -> None:
    frame = replace(SLMP_FRAMES[0], id="6e-binary")
    with pytest.raises(UnsupportedByBackend, match="6e-binary has no number"):
        variant(frame, "packet")


ASCII_3E = replace(SLMP_FRAMES[0], id="3e-ascii", encoding="ascii")
ROUTE_ASCII = (
    "[0-9a-e][0-9a-f](?:[0-6][0-9a-f]|7[0-8d-e]|ff)0(?:[0-1][0-9a-f]{2}|3(?:[d-e][0-3]|ff))[0-1][0-9a-f]"
    "(?:0(?:0(?:0[c-f]|[1-9a-f][0-9a-f])|[1-9a-f][0-9a-f]{2})|1[0-9a-f]{3}|20(?:[0-9a-c][0-9a-f]|d0))[0-9a-f]{4}"
)


def ascii_definition(*detections: Detection) -> Definition:
    """SLMP with one frame, 3E in ASCII."""
    plain = definition(*detections)
    slmp = plain.protocols["slmp"]
    commands = tuple(replace(one, frames=("3e-ascii",)) for one in slmp.commands)
    return replace(plain, protocols={"slmp": replace(slmp, frames=(ASCII_3E,), commands=commands)})


def ascii_rule(one: Detection, form: str) -> str:
    return rules_by_detection(ascii_definition(one))[one.id][variant(ASCII_3E, form)].text()


def test_an_ascii_header_is_hexadecimal_digits_in_either_case() -> None:
    packet = ascii_rule(STOP, "packet")
    assert (
        'content:"5000"; startswith; content:"10020000"; offset:22; depth:8; fast_pattern; '
        f'pcre:"/^.{{4}}{ROUTE_ASCII}/si"; byte_jump:4,14,string,hex; threshold'
    ) in packet
    assert "byte_jump:4,14,string,hex; isdataat:!1,relative; threshold" in ascii_rule(STOP, "datagram")


def test_ascii_letters_are_found_in_either_case() -> None:
    known = replace(STOP, when=when("remote-stop"))
    plain = ascii_definition(known)
    slmp = plain.protocols["slmp"]
    commands = tuple(replace(one, code=0x1F2E) if one.code == 0x1002 else one for one in slmp.commands)
    changed = replace(plain, protocols={"slmp": replace(slmp, commands=commands)})
    packet = rules_by_detection(changed)["remote-stop"][variant(ASCII_3E, "packet")].text()
    assert 'content:"1F2E0000"; nocase; offset:22; depth:8; fast_pattern' in packet


def test_the_ascii_stream_companion_is_relative_throughout() -> None:
    companion = ascii_rule(STOP, "stream")
    assert (
        f'content:"5000"; pcre:"/^{ROUTE_ASCII}/Rsi"; content:"10020000"; distance:0; within:8; fast_pattern; '
        "byte_jump:4,-16,relative,string,hex"
    ) in companion
    assert not re.search(r"offset:|depth:|startswith", companion)


def test_several_ascii_commands_are_one_expression() -> None:
    packet = ascii_rule(detection("device-write", when(klass="write")), "packet")
    assert f'pcre:"/^.{{4}}{ROUTE_ASCII}(?:140100[08][0-3]|16130000)/si"' in packet
    assert "offset:22" not in packet


def test_unknown_ascii_subcommands_are_digits() -> None:
    packet = ascii_rule(detection("remote-pause", when("remote-pause")), "packet")
    assert 'content:"1003"; offset:22; depth:4; fast_pattern' in packet
    assert 'pcre:"/^.{26}[0-9a-f]{4}/si"' in packet


def test_ascii_framing_rules_read_the_length_as_text() -> None:
    rules = rules_by_detection(ascii_definition(STOP))[FRAMING]
    shared, cut, short = (rules[variant(ASCII_3E, form)].text() for form in FORMS)
    assert "MELSEC ANOMALY SLMP 3E ASCII PDU followed by more in its segment" in shared
    assert "byte_jump:4,14,string,hex; isdataat:1,relative; classtype" in shared
    assert "byte_math:bytes 4, offset 14, oper +, rvalue 17, result last, string hex; isdataat:!last; classtype" in cut
    # A PDU of 4E that is shorter than this header is no part of one of 3E.
    assert (
        r'content:"5"; startswith; fast_pattern; pcre:"/^5(?:0(?:0(?:0|\z)|\z)|\z)/si"; dsize:<18; classtype' in short
    )


def test_variants_are_distinct_and_fit_their_block() -> None:
    numbers = [slot * len(FORMS) + form for slot in FRAME_SLOTS.values() for form in range(len(FORMS))]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < BLOCK
    assert sorted(texts(STOP)) == list(range(12))


def framing(one: Detection = STOP, name: str = FRAMING) -> dict[int, str]:
    return {number: rule.text() for number, rule in rules_by_detection(definition(one))[name].items()}


def test_framing_rules_mark_flows_in_which_a_packet_is_not_one_pdu() -> None:
    rules = framing()
    head = 'content:"|50 00|"; startswith; fast_pattern; byte_test:2,>=,6,7,little; byte_test:2,<=,4200,7,little; '
    assert head + "byte_jump:2,7,little; isdataat:1,relative; classtype" in rules[0]
    assert (
        head + "byte_math:bytes 2, offset 7, oper +, rvalue 8, result last, endian little; isdataat:!last; classtype"
    ) in rules[1]
    assert 'content:"|50|"; startswith; fast_pattern; dsize:<9; classtype' in rules[2]
    for text in rules.values():
        assert text.startswith("alert tcp-pkt any any -> any any ")
        assert "flowbits:set,MELSEC.uneven; flowbits:noalert; content:" in text
        assert "melsec_id" not in text


def test_long_and_short_melsoft_share_their_framing_rules() -> None:
    rules = framing()
    assert 'content:"|57|"; startswith; content:"|11 11 07 00|"; offset:5; depth:4;' in rules[6]
    assert "byte_test:2,>=,18,19,little" in rules[6]
    assert not {9, 10, 11} & set(rules)
    assert r'content:"|5a 00 00|"; startswith; fast_pattern; pcre:"/^.{3}(?:\x22|\xff)./s"' in rules[12]
    assert 13 not in rules
    assert 'content:"|5a|"; startswith; fast_pattern; dsize:<4' in rules[14]


def test_framing_rules_look_at_the_direction_that_is_looked_for() -> None:
    answered = replace(STOP, when=when("remote-stop", direction="response", protocols=("melsoft",)))
    rules = framing(answered, "framing-response")
    assert 'content:"|d0 00|"; startswith' in rules[0]
    assert r'pcre:"/^.{3}(?:\x22.{10}|\xff.{24})./s"' in rules[12]
    assert r'pcre:"/^(?!.{3}(?:\x22.{10}|\xff.{24}))/s"' in rules[13]
    assert FRAMING not in rules_by_detection(definition(answered))


def test_every_bit_that_is_asked_for_is_set_by_some_rule() -> None:
    rules = rules_by_detection(definition(STOP, detection("device-write", when(klass="write"))))
    every = "\n".join(rule.text() for variants in rules.values() for rule in variants.values())
    asked = set(re.findall(r"flowbits:is(?:not)?set,([\w.-]+);", every))
    assert asked == {"MELSEC.uneven", "MELSEC.remote-stop", "MELSEC.device-write"}
    assert asked <= set(re.findall(r"flowbits:set,([\w.-]+);", every))


def test_the_lock_sees_a_changed_rule_and_nothing_else() -> None:
    run = detection("remote-run", when("remote-run"), title="Remote RUN")

    def rendered(*detections: Detection) -> dict[str, dict[int, str]]:
        rules = rules_by_detection(definition(*detections))
        return {name: {number: rule.text() for number, rule in variants.items()} for name, variants in rules.items()}

    first, _ = update({}, rendered(STOP, run))
    second, changes = update(first, rendered(replace(STOP, severity="low"), run))
    assert [(change.id, change.what, change.rev) for change in changes] == [("remote-stop", "changed", 2)]
    text = render(definition(replace(STOP, severity="low"), run), second)[RULES_PATH].decode()
    assert set(re.findall(r"; rev:(\d+); metadata:[^;]*melsec_id remote-stop,", text)) == {"2"}
    assert set(re.findall(r"; rev:(\d+); metadata:[^;]*melsec_id remote-run,", text)) == {"1"}
    sids = re.findall(r"; sid:(\d+);", text)
    assert len(sids) == len(set(sids)) == 12 + 6 + 11


def test_the_file_numbers_rules_by_the_lock() -> None:
    run = detection("remote-run", when("remote-run"), title="Remote RUN")
    ((path, content),) = render(definition(run, STOP), lock("remote-stop", "remote-run", rev=7)).items()
    assert path == RULES_PATH == "suricata/rules/melsec.rules"
    lines = content.decode("ascii").splitlines()
    assert lines[0].startswith("# Generated")
    rules = [line for line in lines if line and not line.startswith("#")]
    sids = [int(re.search(r"; sid:(\d+); rev:7; metadata:", line)[1]) for line in rules]  # type: ignore[index]
    framing = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 14]
    assert sids == [
        *(FIRST_SID + number for number in range(12)),
        *(FIRST_SID + BLOCK + number for number in range(6)),
        *(FIRST_SID + 2 * BLOCK + number for number in framing),
    ]
    titles = [line for line in lines if re.match(r"# [a-z-]+: ", line)]
    assert titles == [
        "# remote-stop: Remote STOP",
        "# remote-run: Remote RUN",
        "# framing-request: Segments that hold more or less than one PDU (no alerts)",
    ]
    assert content.endswith(b"\n")
    assert not content.endswith(b"\n\n")


def test_the_order_of_detections_does_not_change_the_file() -> None:
    run = detection("remote-run", when("remote-run"), title="Remote RUN")
    numbers = lock("remote-stop", "remote-run")
    assert render(definition(run, STOP), numbers) == render(definition(STOP, run), numbers)


def test_a_detection_without_numbers_is_refused() -> None:
    with pytest.raises(KeyError, match="remote-stop"):
        render(definition(STOP), {FRAMING: LockEntry(FRAMING, 0, 1, "", False)})


def test_an_unsupported_detection_stands_in_the_file_with_its_reason() -> None:
    sweep = replace(
        detection("discovery-sweep", when("remote-stop", direction="response")),
        unsupported={"suricata": "counts  controllers,\nwhich no keyword does"},
    )
    plain = definition(STOP, sweep)
    assert set(rules_by_detection(plain)) == {"remote-stop", FRAMING}
    text = render(plain, lock("remote-stop"))[RULES_PATH].decode()
    assert "\n# discovery-sweep: counts controllers, which no keyword does\n" in text
    assert "melsec_id discovery-sweep" not in text


def test_text_that_is_not_ascii_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match=r"melsec.rules:\d+: not ASCII"):
        render(definition(replace(STOP, title="Remote STOP \u2013 forced")), lock("remote-stop"))


def test_signs_of_the_rule_language_are_escaped_in_the_message() -> None:
    assert 'msg:"MELSEC CONTROL SLMP 3E binary a\\"b\\;c\\\\d"' in texts(replace(STOP, title='a"b;c\\d'))[0]


RANGES = [((6, 4200),), ((0, 0x1FF), (0x3D0, 0x3D3), (0x3E0, 0x3E3), (0x3FF, 0x3FF)), ((0x00FF, 0x0100),)]


def compiled(regex: str, writing: Writing) -> re.Pattern[bytes]:
    return re.compile(regex.encode(), re.DOTALL | (re.IGNORECASE if "i" in writing.flags else 0))


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("ranges", RANGES)
def test_range_expressions_match_exactly_their_numbers(ranges: tuple[tuple[int, int], ...], order: str) -> None:
    plain, doubled = (compiled(writing.among(ranges, 2, order), writing) for writing in (BINARY, STUFFED))
    digits = compiled(TEXT.among(ranges, 2, order), TEXT)
    for value in range(0x10000):
        wanted = any(low <= value <= high for low, high in ranges)
        octets = value.to_bytes(2, "little" if order == "little" else "big")
        assert bool(plain.fullmatch(octets)) == wanted, value
        assert bool(doubled.fullmatch(octets.replace(b"\x10", b"\x10\x10"))) == wanted, value
        # The order of the octets is one of binary frames only.
        assert bool(digits.fullmatch(b"%04X" % value)) == bool(digits.fullmatch(b"%04x" % value)) == wanted, value


def test_expressions_for_literals_and_gaps() -> None:
    assert [writing.literal(b"\x10\xab") for writing in (BINARY, TEXT, STUFFED)] == [
        r"\x10\xab",
        "10ab",
        r"\x10\x10\xab",
    ]
    assert [writing.skip(2) for writing in (BINARY, TEXT)] == [".{2}", "[0-9a-f]{2}"]
    assert compiled(STUFFED.skip(2), STUFFED).fullmatch(b"\x10\x10a")
    assert not compiled(STUFFED.skip(2), STUFFED).fullmatch(b"\x10a")


def test_the_numbers_of_published_rules_stay() -> None:
    assert (FORMS, FIRST_SID, BLOCK) == (("packet", "datagram", "stream"), 1880000, 100)
    published = {
        "3e-binary": 0,
        "4e-binary": 1,
        "57-long": 2,
        "57-short": 3,
        "5a": 4,
        "3e-ascii": 5,
        "4e-ascii": 6,
        "lmt-binary": 7,
        "emt-binary": 8,
        "emt-push": 9,
        "4c-format5": 10,
        "1e-binary": 11,
        "1e-ascii": 12,
        "1e-binary asked": 13,
        "1e-ascii asked": 14,
        "1e-binary others": 15,
        "1e-ascii others": 16,
        "1e-binary asked others": 17,
        "1e-ascii asked others": 18,
    }
    assert published.items() <= FRAME_SLOTS.items()


@pytest.fixture(scope="module")
def codec(definition: Definition) -> Codec:
    return Codec(definition)


@pytest.fixture(scope="module")
def shipped(definition: Definition) -> dict[str, dict[int, Rule]]:
    """The rules of the packaged definition."""
    return rules_by_detection(definition)


class TestShipped:
    """Rules of the packaged definition, held against PDUs of the codec."""

    def test_every_frame_and_transport_has_its_rules(
        self, definition: Definition, shipped: dict[str, dict[int, Rule]]
    ) -> None:
        for one in definition.detections.values():
            if "suricata" in one.unsupported:
                continue
            for known in definition.commands_for(one.when):
                for frame in map(definition.protocols[known.protocol].frame, known.frames):
                    forms = {"tcp": ("packet", "stream"), "udp": ("datagram",)}
                    wanted = {variant(frame, form) for transport in frame.transports for form in forms[transport]}
                    assert wanted <= shipped[one.id].keys(), (one.id, frame.id)

    @pytest.mark.parametrize("subcommand", [0x0000, 0x0010])
    def test_a_stuffed_pdu_is_read_octet_by_octet(self, codec: Codec, definition: Definition, subcommand: int) -> None:
        frame = definition.protocols["slmp"].frame("4c-format5")
        known = definition.protocols["slmp"].command(0x1002)
        assert known is not None
        wanted = (replace(known, subcommands=(subcommand,)),)
        command = of_commands(Header.of(definition.protocols["slmp"], frame, "request"), frame, wanted)
        sought = Sought(wanted, tuple(command))
        packet = StuffedPdu(definition.protocols["slmp"], frame, "request", sought).packet()
        assert packet[0] == 'content:"|10 02|"; startswith'
        octets = f"02 10 10 {'10 10' if subcommand else '00'} 00"
        assert packet[1] == f'content:"|{octets}|"; fast_pattern'
        pattern = expression(packet)
        half = codec.half("4c-format5", "request")
        for station in (0x01, 0x10):
            for data in (b"", b"\x01\x00", b"\x10", b"\x10\x03", b"\x10\x10\x10\x03"):
                header = {"command": 0x1002, "subcommand": subcommand, "station": station}
                pdu = half.encode(header, data)
                assert pattern.match(pdu), (station, data)
                assert not pattern.match(pdu[: pdu.rindex(b"\x10\x03") + 1])
                assert not pattern.match(half.encode(header | {"command": 0x1001}, data))
                assert not pattern.match(half.encode(header | {"station": 0x79}, data))

    def test_a_stuffed_pdu_may_have_a_sum_behind_it(self, codec: Codec) -> None:
        pdu = codec.half("4c-format5", "request").encode({"command": 0x1002, "subcommand": 0}, b"\x10")
        more, less = expression(shared(b"\x10\x02")), expression(cut(b"\x10\x02"))
        assert not more.match(pdu)
        assert not more.match(pdu[:-2])
        assert more.match(pdu + b"\x10")
        assert not less.match(pdu)
        assert all(less.match(pdu[:size]) for size in range(2, len(pdu) - 2))

    @pytest.mark.parametrize("frame_id", ["1e-binary", "1e-ascii"])
    def test_a_request_without_a_length_is_noted(self, codec: Codec, definition: Definition, frame_id: str) -> None:
        pdu = self.answered(definition, frame_id, "remote-stop")
        stop, poll, write = (request(codec, frame_id, code) for code in (0x14, 0x01, 0x03))
        for octets, alone, start, behind, anyhow in (
            (stop, True, True, False, True),
            (poll, False, False, False, False),
            (write, False, False, False, False),
            (stop + poll, False, True, False, True),
            (stop + write, False, True, False, True),
            (poll + stop, False, False, True, True),
            (poll + poll + stop + poll, False, False, True, True),
            (write + stop, False, False, False, False),
            (poll + stop[:-1], False, False, False, False),
            (stop + stop[:1], False, False, False, False),
        ):
            for case in (octets, octets.lower()) if frame_id == "1e-ascii" else (octets,):
                found = [
                    bool(expression(keywords).match(case))
                    for keywords in (pdu.asked_alone(), pdu.asked(), pdu.asked_behind_others(), pdu.asked_anyhow())
                ]
                assert found == [alone, start, behind, anyhow], case

    @pytest.mark.parametrize("frame_id", ["1e-binary", "1e-ascii"])
    def test_its_answer_is_of_the_same_command(self, codec: Codec, definition: Definition, frame_id: str) -> None:
        pdu = self.answered(definition, frame_id, "remote-stop")
        good, refused, abnormal = (response(codec, frame_id, 0x14, status) for status in (0, 0x56, 0x5B))
        read, run = response(codec, frame_id, 0x01), response(codec, frame_id, 0x13)
        half = len(good) // 2
        for octets, alone, start, anyhow in (
            (good, True, True, True),
            (refused, True, True, True),
            (abnormal, True, True, True),
            (abnormal[:-half], True, True, True),
            (run, False, False, False),
            (read, False, False, False),
            (good + read, False, True, True),
            (read + good, False, False, True),
            (read + good + run, False, False, True),
            (refused + good, False, True, True),
            (response(codec, frame_id, 0x14, 0x41), False, False, False),
            (good + good[:half], False, False, False),
        ):
            found = [
                bool(expression(keywords).match(octets))
                for keywords in (pdu.answered_alone(), pdu.answered(), pdu.answered_anyhow())
            ]
            assert found == [alone, start, anyhow], octets

    @pytest.mark.parametrize("frame_id", ["1e-binary", "1e-ascii"])
    def test_data_of_unknown_size_are_left_open(self, codec: Codec, definition: Definition, frame_id: str) -> None:
        assert not self.answered(definition, frame_id, "remote-stop").open
        pdu = self.answered(definition, frame_id, "write-devices", "write-devices-random")
        assert pdu.open
        for keywords in (pdu.asked_alone(), pdu.asked()):
            pattern = expression(keywords)
            for code in (0x02, 0x03, 0x04, 0x05):
                octets = request(codec, frame_id, code)
                assert pattern.match(octets), code
                # No device has the code 1234.
                device = b"1234" if frame_id == "1e-ascii" else b"\x34\x12"
                assert not pattern.match(octets.replace(b"4420" if frame_id == "1e-ascii" else b"\x20\x44", device))
            assert not pattern.match(request(codec, frame_id, 0x01))
        scale = len(response(codec, frame_id, 0x03)) // 2
        assert pdu.answered_alone()[:2] == [f"dsize:{2 * scale - 1}<>{4 * scale + 1}", "prefilter"]

    def test_a_request_raises_no_alert_and_its_answer_does(self, shipped: dict[str, dict[int, Rule]]) -> None:
        every = [rule.text() for rule in shipped["remote-stop"].values() if "xbits" in rule.text()]
        asked = [text for text in every if "xbits:set" in text]
        answers = [text for text in every if "xbits:isset" in text]
        assert (len(asked), len(answers), len(every)) == (8, 8, 16)
        assert all("asked for" in text and "; noalert; " in text and "; target:" not in text for text in asked)
        assert all("noalert" not in text and "; target:src_ip; " in text for text in answers)
        assert all("melsec_id remote-stop," in text for text in every)
        for word in ("isset", "unset"):
            names = set(re.findall(rf"xbits:{word},([\w.-]+),track ip_pair;", "".join(answers)))
            assert names == set(re.findall(r"xbits:set,([\w.-]+),track ip_pair,expire 10;", "".join(asked)))

    def test_a_response_without_a_request_is_unsupported(self, definition: Definition) -> None:
        refused = replace(STOP, when=when("remote-stop", direction="response", protocols=("mc1e",)))
        with pytest.raises(UnsupportedByBackend, match=r"1e-binary: a response is known by its request only"):
            rules_by_detection(replace(definition, detections={"remote-stop": refused}))

    def test_a_request_without_a_pc_number_is_unsupported(self, definition: Definition) -> None:
        sent = detection("buffer-send", when("send-fixed-buffer"))
        with pytest.raises(UnsupportedByBackend, match=r"1e-buffer-binary: a request without a PC number"):
            rules_by_detection(replace(definition, detections={sent.id: sent}))

    def test_a_frame_that_goes_one_way_has_no_rules_for_the_other(self, definition: Definition) -> None:
        pushed = definition.protocols["slmp"].frame("emt-push")
        slmp = definition.protocols["slmp"]
        frames = tuple(one for one in slmp.frames if one.id in ("emt-binary", "emt-push"))
        only = replace(definition, protocols={"slmp": replace(slmp, frames=frames)})
        answered = replace(STOP, when=when("remote-stop", direction="response"))
        found = rules_by_detection(replace(only, detections={answered.id: answered}))["remote-stop"]
        assert found
        assert not found.keys() & {variant(pushed, form) for form in FORMS}

    def answered(self, definition: Definition, frame_id: str, *operations: str) -> AnsweredPdu:
        protocol = definition.protocols["mc1e"]
        commands = [one for one in protocol.commands if one.operation in operations]
        return AnsweredPdu(definition, protocol, protocol.frame(frame_id), commands)


def expression(keywords: list[str]) -> re.Pattern[bytes]:
    """The expression among keywords, as far as Python knows its language: nothing here backtracks."""
    (found,) = (re.fullmatch(r'pcre:"/(.*)/(s|si)"', word) for word in keywords if word.startswith("pcre"))
    assert found
    text = found[1].replace(r"\z", r"\Z").replace("]++", "]+").replace(")*+", ")*")
    return re.compile(text.encode(), re.DOTALL | (re.IGNORECASE if "i" in found[2] else 0))


_POINTS: tuple[Mapping[str, ExchangeValue], ...] = ({"device": "D100", "value": 1}, {"device": "D7", "value": 2})
_FIELDS: dict[int, dict[str, ExchangeValue]] = {
    0x01: {"device": "D100", "points": 2},
    0x02: {"device": "D100", "values": (1, 0, 1)},
    0x03: {"device": "D100", "values": (1, 2, 3)},
    0x04: {"devices": _POINTS[:1]},
    0x05: {"devices": _POINTS},
}


def exchange(frame_id: str, code: int, status: int) -> Exchange:
    return Exchange("mc1e", frame_id, code, 0, _FIELDS.get(code, {}), None, status, {}, None, "both", 1)


def request(codec: Codec, frame_id: str, code: int) -> bytes:
    return compose.request(codec, exchange(frame_id, code, 0))


def response(codec: Codec, frame_id: str, code: int, status: int = 0) -> bytes:
    return compose.response(codec, exchange(frame_id, code, status))

"""The Suricata back-end: rules follow the definition and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from melsec_nsm.definitions.lock import update
from melsec_nsm.definitions.model import (
    Command,
    Condition,
    Definition,
    Detection,
    Field,
    Frame,
    Location,
    LockEntry,
    Protocol,
    Provenance,
    Reference,
)
from melsec_nsm.generate.suricata import RULES_PATH, UnsupportedByBackend, render, rules_by_detection
from melsec_nsm.generate.suricata.patterns import ranges_regex
from melsec_nsm.generate.suricata.rules import FORMS, FRAME_SLOTS, variant

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
    return Definition(protocols, (), {}, (), {one.id: one for one in detections}, {}, techniques, ())


def lock(*names: str, rev: int = 1) -> Mapping[str, LockEntry]:
    published = (*names, FRAMING)
    return {name: LockEntry(name, 50 * place, rev, "", False) for place, name in enumerate(published)}


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


def test_ascii_frames_are_refused() -> None:
    plain = definition(STOP)
    ascii_frame = replace(SLMP_FRAMES[0], encoding="ascii")
    slmp = replace(plain.protocols["slmp"], frames=(ascii_frame,))
    with pytest.raises(UnsupportedByBackend, match="ascii frames"):
        rules_by_detection(replace(plain, protocols={"slmp": slmp}))


def test_variants_are_distinct_and_fit_their_block() -> None:
    numbers = [slot * len(FORMS) + form for slot in FRAME_SLOTS.values() for form in range(len(FORMS))]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 50
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
    assert 'content:"|5a 00 00|"; startswith; fast_pattern; dsize:>4' in rules[12]
    assert 'content:"|5a|"; startswith; fast_pattern; dsize:<4' in rules[14]


def test_framing_rules_look_at_the_direction_that_is_looked_for() -> None:
    answered = replace(STOP, when=when("remote-stop", direction="response", protocols=("melsoft",)))
    rules = framing(answered, "framing-response")
    assert 'content:"|d0 00|"; startswith' in rules[0]
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
        *(1880000 + number for number in range(12)),
        *(1880050 + number for number in range(6)),
        *(1880100 + number for number in framing),
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


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    "ranges", [((6, 4200),), ((0, 0x1FF), (0x3D0, 0x3D3), (0x3E0, 0x3E3), (0x3FF, 0x3FF)), ((0x00FF, 0x0100),)]
)
def test_range_expressions_match_exactly_their_numbers(ranges: tuple[tuple[int, int], ...], order: str) -> None:
    pattern = re.compile(ranges_regex(ranges, 2, order).encode(), re.DOTALL)
    for value in range(0x10000):
        octets = value.to_bytes(2, "little" if order == "little" else "big")
        assert bool(pattern.fullmatch(octets)) == any(low <= value <= high for low, high in ranges), value

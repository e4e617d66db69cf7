"""The Zeek back-end: what the grammar is told of layouts, footers and what operations need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from melsec_nsm.codec.footer import zlib_start
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Condition, Definition, Field, Layout, Location, Provenance
from melsec_nsm.generate.zeek import layouts, scripts, tables
from melsec_nsm.generate.zeek.meanings import NotForZeekError, meaning
from melsec_nsm.generate.zeek.purposes import purposes

DEFINITION = load()
KIND = Field("kind", "u16")
MORE = ("kind", (5, 6))


def definition_with(*fields: Field) -> Definition:
    """The definition with these fields in the answer to MELSOFT's 0B2A."""
    protocol = DEFINITION.protocols["melsoft"]
    layout = Layout("state-words", fields, Provenance("test", "A"), Location("test.yaml", 1, 1))
    changed = replace(protocol, layouts={**protocol.layouts, layout.name: layout})
    return replace(DEFINITION, protocols={**DEFINITION.protocols, "melsoft": changed})


def function(definition: Definition, name: str) -> list[str]:
    """The statements of a layout's function, without their indentation."""
    lines = layouts.layouts(definition).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"function {name}("))
    return [line.strip() for line in lines[start + 1 : lines.index("}", start)] if line]


def made_of(*fields: Field) -> list[str]:
    return function(definition_with(*fields), "melsoft_state_words")


@pytest.mark.parametrize(
    ("field", "call"),
    [
        (Field("where", "ipv4be", role="target"), "add_target(r, pdu, MELSEC_Reader::ipv4be(r))"),
        (Field("where", "path", role="target"), "add_target(r, pdu, MELSEC_Reader::path(r))"),
        (
            Field("when", "clock", role="detail"),
            'add_detail(r, pdu, b"when", MELSEC_Reader::word(MELSEC_Reader::clock(r)))',
        ),
        (
            Field("who", "text", size=20, charset="utf-16-le", role="user"),
            "add_user(r, pdu, MELSEC_Reader::wide_text(r, 20))",
        ),
    ],
)
def test_fields_are_told_by_their_types(field: Field, call: str) -> None:
    assert made_of(field) == [f"MELSEC_Reader::{call};"]


@pytest.mark.parametrize(
    ("field", "call"),
    [
        (Field("where", "ipv4be"), "skip_octets(r, ( r.ascii ? 2 : 1 ) * 4)"),
        (Field("when", "clock"), "skip_octets(r, ( r.ascii ? 2 : 1 ) * 10)"),
        (Field("where", "path"), "path(r)"),
    ],
)
def test_fields_that_nobody_asks_for_are_passed_over(field: Field, call: str) -> None:
    assert made_of(field, Field("points", "u16", role="points"))[0] == f"MELSEC_Reader::{call};"


def test_fields_under_one_condition_share_it() -> None:
    first, second = Field("one", "u16", only=MORE), Field("two", "u16", role="detail", only=MORE)
    last = Field("three", "u16", role="detail")
    assert made_of(KIND, first, second, last) == [
        "local f_kind: uint64 = MELSEC_Reader::number(r, 2);",
        "if ( f_kind == 5 || f_kind == 6 ) {",
        "MELSEC_Reader::skip_octets(r, ( r.ascii ? 2 : 1 ) * 2);",
        "local f_two: uint64 = MELSEC_Reader::number(r, 2);",
        'MELSEC_Reader::add_detail(r, pdu, b"two", MELSEC_Reader::point(False, f_two));',
        "}",
        "local f_three: uint64 = MELSEC_Reader::number(r, 2);",
        'MELSEC_Reader::add_detail(r, pdu, b"three", MELSEC_Reader::point(False, f_three));',
    ]


def test_what_follows_an_optional_field_is_optional() -> None:
    lines = made_of(KIND, Field("one", "u16", role="detail", optional=True), Field("two", "u16", role="detail"))
    assert lines[1] == "if ( r.at != r.limit ) {"
    assert lines[-1] == "}"
    assert [line for line in lines if "add_detail" in line] == lines[3:6:2]


def test_values_are_those_of_the_device_before_them() -> None:
    fields = (
        Field("device", "device", role="target"),
        Field("points", "u16", role="points"),
        Field("values", "device_values", count_of="points", role="values"),
    )
    assert made_of(*fields)[-1] == "MELSEC_Reader::device_values(r, f_device, f_points);"


def test_lists_may_hold_lists() -> None:
    inner = Field("users", "list", count_of="members", fields=(Field("user", "text", size=4, role="user"),))
    lines = made_of(Field("groups", "list", count_of="rest", fields=(Field("members", "u8"), inner)))
    assert lines.index("while ( r.at < r.limit && ! r.short ) {") < lines.index(
        "while ( i_users < f_members && ! r.short ) {"
    )
    assert "MELSEC_Reader::add_user(r, pdu, MELSEC_Reader::text(r, 4));" in lines


def test_secrets_are_told_to_nobody_but_scripts() -> None:
    secret = [
        Field("number", "u16", role="detail", secret=True),
        Field("text", "text", size=4, role="target", secret=True),
        Field("octets", "bytes", size=4, secret=True, asset="serial"),
    ]
    assert all("skip_octets" in line for line in made_of(*secret, Field("points", "u16", role="points"))[:3])
    assert function(DEFINITION, "melsoft_login_password") == [
        "local f_user_token = MELSEC_Reader::content(r, 16);",
        "MELSEC_Reader::tell_user_token(r, f_user_token);",
    ]


def test_assets_are_learnt_as_logs_have_them() -> None:
    assert made_of(Field("version", "u16", base=16, asset="firmware")) == [
        "local f_version: uint64 = MELSEC_Reader::number(r, 2);",
        'MELSEC_Reader::learn(r, b"firmware", MELSEC_Reader::point(True, f_version));',
    ]


# What the engineering definition names


@pytest.mark.parametrize(
    ("protocol", "layout", "kept"),
    [
        (
            "melsoft",
            "file-open",
            {"mode": "keep_mode", "drive": "keep_drive", "new_size": "keep_size", "name": "keep_name"},
        ),
        ("melsoft", "file-pointer", {"pointer": "keep_pointer"}),
        ("melsoft", "file-write", {"pointer": "keep_pointer", "offset": "keep_offset", "content": "keep_content"}),
        ("melsoft", "file-content", {"content": "keep_content"}),
        (
            "slmp",
            "file-content-write",
            {
                "drive": "keep_drive",
                "name": "keep_name",
                "extension": "keep_extension",
                "offset": "keep_offset",
                "content": "keep_content",
            },
        ),
        ("melsoft", "login-user-answer", {"user_token": "tell_user_token"}),
        ("melsoft", "login-password-answer", {"session": "tell_session"}),
        ("melsoft", "safety-mode", {"safety_mode": "tell_about"}),
        ("melsoft", "owner", {"owner": "tell_about"}),
    ],
)
def test_fields_are_kept_for_what_the_definition_names_them_for(
    protocol: str, layout: str, kept: dict[str, str]
) -> None:
    found = purposes(DEFINITION)[protocol, layout]
    assert {name: one.function for name, (one,) in found.items()} == kept


def test_polling_keeps_nothing() -> None:
    assert not {("slmp", "device-block"), ("slmp", "device-values"), ("slmp", "random-read")} & set(
        purposes(DEFINITION)
    )


# Tables


def test_checksums_start_where_zlib_has_it() -> None:
    text = tables.tables(DEFINITION)
    assert "public const ChecksumStart_Data: uint64 = 0xffffffff;" in text
    facts = DEFINITION.protocols["melsoft"].footer
    assert facts is not None
    assert f"public const ChecksumStart_Request: uint64 = {zlib_start(facts, facts.starts['request']):#010x};" in text
    with pytest.raises(ValueError, match="not that of zlib"):
        zlib_start(replace(facts, polynomial=0x1EDC6F41), 0)


def test_control_frames_have_layouts_of_their_own() -> None:
    text = tables.tables(DEFINITION)
    numbers = layouts.layout_numbers(DEFINITION)
    answers = text[text.index("public function melsoft_control_response(") :].partition("}\n")[0]
    assert f"case 0xff0000: return {numbers['melsoft', 'cpu-identity']};" in answers
    assert f"return {numbers['melsoft', 'owner']};" in answers


# Detections


def test_devices_are_found_among_the_targets() -> None:
    when = Condition(("write-devices",), (), (), "request", devices=("SM", "SD"))
    assert meaning(DEFINITION, when, "made") == r"Meaning($devices=/(^|[,\\])(SM|SD)[0-9]/)"


def test_refusals_are_looked_at_only_where_there_is_one() -> None:
    lines = scripts.consts(DEFINITION).splitlines()
    read = next(line for line in lines if "[0x0401] = CommandInfo" in line)
    assert '$refused_detections=vector("error-burst")' in read
    assert "$response_detections" not in read


def test_unknown_commands_have_their_detections() -> None:
    text = scripts.detections(DEFINITION)
    assert 'redef unknown_request_detections = vector("request-flood", "unknown-command");' in text
    assert 'redef unknown_refused_detections = vector("error-burst");' in text
    unknown = DEFINITION.detections["unknown-command"]
    some = replace(unknown, when=replace(unknown.when, protocols=("slmp",)))
    with pytest.raises(NotForZeekError, match="of some protocols only"):
        scripts.detections(replace(DEFINITION, detections={"unknown-command": some}))


def test_events_and_what_comes_before_silence() -> None:
    text = scripts.detections(DEFINITION)
    assert '["silence"] = vector("controller-silent")' in text
    assert '"malformed-frame"' in next(line for line in text.splitlines() if "dangerous_detections" in line)

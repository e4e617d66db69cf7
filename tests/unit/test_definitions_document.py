"""YAML is read with positions, and without the surprises of YAML 1.1."""

from __future__ import annotations

import pytest

from melsec_nsm.definitions.document import Document, parse_document


def issues(text: str | bytes) -> list[str]:
    """What is wrong with a text."""
    octets = text.encode() if isinstance(text, str) else text
    return [str(issue) for issue in parse_document(octets, "f.yaml").issues]


def read(text: str) -> Document:
    """A document in which nothing is wrong."""
    document = parse_document(text.encode(), "f.yaml")
    assert document.issues == []
    return document


def test_plain_data() -> None:
    document = read(
        """
        numbers: [0, 12, -3, 0x1F, 0b11, 1_000]
        texts: ["0x10", 50 00, 12:30, 2026-11-20, 1E5, 'on', Y, <<]
        others: [true, False, null, ~, 1.5]
        {0x01: one, 2: two}: x
        """.replace("{0x01: one, 2: two}: x", "map: {0x01: one, 2: two}")
    )
    assert document.data == {
        "numbers": [0, 12, -3, 31, 3, 1000],
        "texts": ["0x10", "50 00", "12:30", "2026-11-20", "1E5", "on", "Y", "<<"],
        "others": [True, False, None, None, 1.5],
        "map": {"0x01": "one", "2": "two"},
    }


def test_positions_of_keys_and_values() -> None:
    document = read("a:\n  - b: 1\n    0x02: [x, y]\n")
    assert str(document.locate(("a", 0, "b"))) == "f.yaml:2:8"
    assert str(document.locate_key(("a", 0, "b"))) == "f.yaml:2:5"
    assert str(document.locate(("a", 0, "0x02", 1))) == "f.yaml:3:15"
    assert str(document.locate_key(("a", 0))) == "f.yaml:2:5"
    assert str(document.locate(("a", 0, "absent", "far"))) == "f.yaml:2:5"
    assert document.spelling(("a", 0, "b")) == "1"


def test_aliases_are_what_they_refer_to() -> None:
    document = read("a: &x {k: 1}\nb: *x\n")
    assert document.data == {"a": {"k": 1}, "b": {"k": 1}}
    assert str(document.locate(("b", "k"))) == "f.yaml:1:11"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 010", "f.yaml:1:4: '010' looks like an octal number (write 0x10 or quote it: \"010\")"),
        ("a: 0121", "f.yaml:1:4: '0121' looks like an octal number (write 0x121 or quote it: \"0121\")"),
        ("a: 0890", "f.yaml:1:4: '0890' looks like an octal number (write 0x890 or quote it: \"0890\")"),
        ("a: 0o17", "f.yaml:1:4: '0o17' looks like an octal number (write 0x17 or quote it: \"0o17\")"),
        ("x: {007: a}", "f.yaml:1:5: '007' looks like an octal number (write 0x7 or quote it: \"007\")"),
        ("a: on", "f.yaml:1:4: YAML reads 'on' as a truth value (quote it: \"on\")"),
        ("a: [x, No]", "f.yaml:1:8: YAML reads 'No' as a truth value (quote it: \"No\")"),
        ("off: 1", "f.yaml:1:1: YAML reads 'off' as a truth value (quote it: \"off\")"),
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: key 'a' stands twice (first on line 1)"),
        ("m: {1: a, 0x1: b}", "f.yaml:1:11: key '0x1' stands twice (first on line 1)"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: a second document begins here (one document a file; remove the '---')"),
        ("", "f.yaml:1:1: this file is empty"),
        ("# only a comment\n", "f.yaml:1:1: this file is empty"),
        ("a: !!python/object:os.system x", "f.yaml:1:4: tag 'tag:yaml.org,2002:python/object:os.system' is not"),
        ("a: !mine {b: 1}", "f.yaml:1:4: tag '!mine' is not supported (remove it)"),
        ("a: &x [*x]", "this alias stands inside what it refers to"),
        ("[a]: 1", "f.yaml:1:1: a list or mapping cannot be a key"),
        ("a: b: c", "f.yaml:1:5: no valid YAML"),
        ("a:\n\t- b", "(indent with blanks, never with tabs)"),
        ('a: "open\n', "that began on line 1"),
        ("a: *nothing", "f.yaml:1:4: no valid YAML"),
        ("ok: 1\nb: \x01", "f.yaml:2:4: control character U+0001"),
        (b"ok: 1\nb: \xff", "f.yaml:2:4: this is no UTF-8 text: octet 0xFF (save the file as UTF-8)"),
    ],
)
def test_mistakes(text: str | bytes, expected: str) -> None:
    found = issues(text)
    assert len(found) == 1
    assert expected in found[0]


def test_all_mistakes_at_once() -> None:
    found = issues("a: 010\nb: on\na: 1\nc: [01, yes]\n")
    assert [issue.split(": ")[0] for issue in found] == [
        "f.yaml:1:4",
        "f.yaml:2:4",
        "f.yaml:3:1",
        "f.yaml:4:5",
        "f.yaml:4:9",
    ]


def test_columns_count_characters() -> None:
    assert issues("ä: [ü, 010]")[0].startswith("f.yaml:1:8: ")


def test_byte_order_mark_is_no_content() -> None:
    assert parse_document(b"\xef\xbb\xbfa: 1", "f.yaml").data == {"a": 1}


def test_soundness_is_that_of_the_part() -> None:
    document = parse_document(b"a: {b: 010, c: 1}\nd: 2\n", "f.yaml")
    assert not document.sound()
    assert not document.sound(("a",))
    assert document.sound(("a", "c"))
    assert document.sound(("d",))

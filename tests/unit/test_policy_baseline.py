"""What is usual, and what is new."""

from __future__ import annotations

import pytest
from policies import policy

from melsec_nsm.definitions.model import Definition
from melsec_nsm.policy.baseline import CONVERSATION, OPERATION, Memory, Range, device_bases, ranges
from melsec_nsm.policy.compiled import CompiledPolicy

CLIENT, SERVER = "192.168.3.30", "192.168.3.250"
# 2026-12-01 00:00 in Berlin.
UNTIL = 1_796_079_600


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("D100-D109", [("D", 100, 109)]),
        ("X1F,SD10", [("X", 31, 31), ("SD", 10, 10)]),
        ("U3E0\\G10-G13", [("U3E0\\G", 10, 13)]),
        ("XA0-XAF", [("X", 0xA0, 0xAF)]),
        ("D1F", [("D1F", 0, 0)]),
        ("D1-W2", [("D1-W2", 0, 0)]),
        ("D,+5", [("D", 0, 0)]),
        ("$MELPRJ$\\MAIN.PRG", [("$MELPRJ$\\MAIN.PRG", 0, 0)]),
        ("", []),
    ],
)
def test_ranges(definition: Definition, text: str, found: list[tuple[str, int, int]]) -> None:
    assert list(ranges(text, device_bases(definition))) == [Range(*one) for one in found]


def memory(definition: Definition, baseline: str) -> Memory:
    text = f"baseline: {baseline}\nchanges:\n" if baseline else "changes:\n"
    return Memory(CompiledPolicy(policy(definition, ("changes:\n", text)), definition))


def new(kept: Memory, operation: str, targets: str = "", second: int = UNTIL, client: str = CLIENT) -> str:
    return kept.new(second * 1_000_000_000, client, SERVER, operation, targets)


def test_nothing_is_new_without_a_baseline(definition: Definition) -> None:
    assert new(memory(definition, ""), "read-devices") == ""


def test_what_was_seen_while_it_learned_is_usual(definition: Definition) -> None:
    kept = memory(definition, "{learn_until: 2026-11-30}")
    assert new(kept, "read-devices", "D100-D109", UNTIL - 2) == ""
    assert new(kept, "read-devices", "D120-D129", UNTIL - 1) == ""
    assert new(kept, "read-devices", "D100-D129") == ""
    assert new(kept, "read-devices", "D129-D130") == OPERATION
    assert new(kept, "read-devices", "D130") == "", "it was told of"
    assert new(kept, "read-devices", "W0") == OPERATION
    assert new(kept, "write-devices", "D100") == OPERATION
    assert new(kept, "", "") == "", "what was asked is not known"
    assert new(kept, "read-devices", "D100", client="192.168.3.31") == CONVERSATION
    assert new(kept, "read-devices", "D100", client="192.168.3.31") == ""


@pytest.mark.parametrize(
    ("known", "operation", "targets", "found"),
    [
        ("", "write-devices", "D5", ""),
        (", operation: read-devices", "read-devices", "D5", ""),
        (", operation: read-devices", "write-devices", "D5", OPERATION),
        (", operation: read-devices, targets: [D0-D9]", "read-devices", "D5", ""),
        (", operation: read-devices, targets: [D0-D9]", "read-devices", "D5-D10", OPERATION),
    ],
)
def test_what_is_named_is_usual(definition: Definition, known: str, operation: str, targets: str, found: str) -> None:
    kept = memory(definition, f"{{known: [{{client: {CLIENT}, controller: {SERVER}{known}}}]}}")
    assert new(kept, operation, targets) == found
    assert new(kept, operation, targets, client="192.168.3.31") == CONVERSATION

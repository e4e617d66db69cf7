"""The published rules: which are on, and that those do without the ones that are off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.suricata import RULES_PATH, all_enabled, rules_by_detection

_RULE = re.compile(r"^(?P<off># )?alert [^(]+\(.*; sid:(?P<sid>\d+); rev:\d+; metadata:(?P<metadata>[^;]*);\)$")
_BIT = re.compile(r"\b(?:flow|x)bits:(?P<what>\w+),(?P<name>[\w.-]+)")


@pytest.fixture(scope="module")
def rules(checkout: Path) -> list[re.Match[str]]:
    """The rules of the checkout, those that are off with ``off``."""
    lines = (checkout / RULES_PATH).read_text("ascii").splitlines()
    return [found for line in lines if (found := _RULE.match(line)) is not None]


def test_rules_of_informational_detections_are_off_and_no_others(
    definition: Definition, rules: list[re.Match[str]]
) -> None:
    for rule in rules:
        name = re.search(r"melsec_id ([a-z-]+)", rule["metadata"])
        quiet = name is not None and definition.detections[name[1]].severity == "informational"
        assert (rule["off"] is not None) == quiet, rule["sid"]
        assert ("signature_severity Informational" in rule["metadata"]) == quiet, rule["sid"]
    assert {rule["off"] for rule in rules} == {None, "# "}


def test_every_rule_is_in_the_file_once(definition: Definition, rules: list[re.Match[str]]) -> None:
    assert len(rules) == sum(map(len, rules_by_detection(definition).values()))
    assert len({rule["sid"] for rule in rules}) == len(rules)


def test_rules_that_are_on_need_none_that_are_off(rules: list[re.Match[str]]) -> None:
    asked: set[str] = set()
    set_by: dict[bool, set[str]] = {True: set(), False: set()}
    for rule in rules:
        for bit in _BIT.finditer(rule[0]):
            if bit["what"] == "set":
                set_by[rule["off"] is None].add(bit["name"])
            elif bit["what"] in ("isset", "isnotset") and rule["off"] is None:
                asked.add(bit["name"])
    assert "MELSEC.uneven" in asked
    assert asked <= set_by[True]
    assert not asked & set_by[False]


def test_engines_switch_all_rules_on_and_leave_the_prose(checkout: Path, rules: list[re.Match[str]]) -> None:
    shipped = (checkout / RULES_PATH).read_bytes()
    lines = all_enabled(shipped).decode("ascii").splitlines()
    assert sum(line.startswith("alert ") for line in lines) == len(rules)
    was = shipped.decode("ascii").splitlines()
    changed = [old for old, new in zip(was, lines, strict=True) if old != new]
    assert len(changed) == sum(rule["off"] is not None for rule in rules)
    assert all(_RULE.match(line) for line in changed)

"""The lock: sids are never reused, revisions move with the rules."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from melsec_nsm.definitions.lock import Change, dump, read, rules_hash, runs, sid, update
from melsec_nsm.definitions.model import DefinitionError, LockEntry

RULES = {"remote-stop": {0: "alert tcp a", 1: "alert udp a"}, "device-write": {0: "alert tcp b"}}


@pytest.fixture
def lock() -> dict[str, LockEntry]:
    """The lock after the first publication."""
    return update({}, RULES)[0]


def test_new_detections_get_blocks(lock: dict[str, LockEntry]) -> None:
    assert [(entry.id, entry.base, entry.rev, entry.retired) for entry in lock.values()] == [
        ("device-write", 0, 1, False),
        ("remote-stop", 100, 1, False),
    ]
    assert sid(lock["remote-stop"], 1) == 1880101


def test_unchanged_rules_change_nothing(lock: dict[str, LockEntry]) -> None:
    assert update(lock, RULES) == (lock, ())


def test_numbers_of_a_rule_are_no_content(lock: dict[str, LockEntry]) -> None:
    numbered = {**RULES, "device-write": {0: "alert tcp b sid:1880000; rev:7;"}}
    assert update(lock, numbered) == (lock, ())
    assert rules_hash({0: "(msg:1; sid:1; rev:2;)"}) == rules_hash({0: "(msg:1; sid:9; rev:3;)"})
    assert rules_hash({0: "(msg:1;)"}) != rules_hash({0: "(msg:2;)"})
    assert rules_hash({0: "a"}) != rules_hash({1: "a"})


def test_changed_rules_move_the_revision_by_one(lock: dict[str, LockEntry]) -> None:
    changed, changes = update(lock, {**RULES, "remote-stop": {0: "other", 1: "others"}})
    assert changes == (Change("remote-stop", "changed", 2),)
    assert (changed["remote-stop"].base, changed["remote-stop"].rev) == (100, 2)
    assert changed["device-write"] == lock["device-write"]


def test_a_further_variant_is_a_change(lock: dict[str, LockEntry]) -> None:
    changed, _ = update(lock, {**RULES, "device-write": {0: "alert tcp b", 1: "alert udp b"}})
    assert changed["device-write"].rev == 2


def test_the_lock_names_the_variants_that_are_published(lock: dict[str, LockEntry]) -> None:
    assert lock["remote-stop"].variants == (0, 1)
    fewer, changes = update(lock, {**RULES, "remote-stop": {1: "alert udp a", 7: "alert udp c"}})
    assert changes == (Change("remote-stop", "changed", 2),)
    assert fewer["remote-stop"].variants == (1, 7)
    gone, _ = update(fewer, {"device-write": RULES["device-write"]})
    assert gone["remote-stop"].variants == (1, 7)


def test_a_lock_without_variants_learns_them_without_a_change(lock: dict[str, LockEntry], tmp_path: Path) -> None:
    file = tmp_path / "lock.yaml"
    file.write_text(re.sub(r"\n *variants: .*", "", dump(lock).decode()), encoding="utf-8")
    older = read(file)
    assert older["remote-stop"].variants == ()
    assert update(older, RULES) == (lock, ())


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((), ""), ((4,), "4"), ((0, 1), "0-1"), ((9, 3, 4, 5, 0), "0 3-5 9"), (range(100), "0-99")],
)
def test_numbers_without_a_gap_are_written_as_one(
    numbers: tuple[int, ...], text: str, lock: dict[str, LockEntry], tmp_path: Path
) -> None:
    assert runs(numbers) == text
    file = tmp_path / "lock.yaml"
    entry = replace(lock["remote-stop"], variants=tuple(sorted(numbers)))
    file.write_bytes(dump({entry.id: entry}))
    assert read(file) == {entry.id: entry}


def test_vanished_detection_keeps_its_sids(lock: dict[str, LockEntry]) -> None:
    retired, changes = update(lock, {"device-write": RULES["device-write"]})
    assert changes == (Change("remote-stop", "retired", 1),)
    assert retired["remote-stop"].retired
    assert update(retired, {"device-write": RULES["device-write"]}) == (retired, ())
    later, _ = update(retired, {"device-write": RULES["device-write"], "another": {0: "x"}})
    assert later["another"].base == 200
    assert later["remote-stop"].base == 100


def test_detection_that_comes_back_gets_its_own_sids(lock: dict[str, LockEntry]) -> None:
    retired, _ = update(lock, {})
    back, changes = update(retired, {**RULES, "remote-stop": {0: "new"}})
    assert back["remote-stop"].base == 100
    assert changes == (Change("device-write", "revived", 1), Change("remote-stop", "revived", 2))


def test_update_leaves_the_old_lock_alone(lock: dict[str, LockEntry]) -> None:
    before = dict(lock)
    update(lock, {"x": {0: "y"}})
    assert lock == before


@pytest.mark.parametrize("variants", [range(101), [100], [-1]])
def test_variants_outside_the_block_are_refused(variants: list[int], lock: dict[str, LockEntry]) -> None:
    with pytest.raises(ValueError, match="wide: "):
        update(lock, {"wide": dict.fromkeys(variants, "x")})
    with pytest.raises(ValueError, match="outside its block"):
        sid(lock["remote-stop"], 100)


def test_a_hundred_variants_fit(lock: dict[str, LockEntry]) -> None:
    assert update(lock, {**RULES, "wide": dict.fromkeys(range(100), "x")})[0]["wide"].base == 200


def test_file_is_deterministic_and_read_back(lock: dict[str, LockEntry], tmp_path: Path) -> None:
    octets = dump(lock)
    assert octets == dump(dict(reversed(lock.items())))
    assert octets.startswith(b"# generated ")
    file = tmp_path / "lock.yaml"
    file.write_bytes(octets)
    assert read(file) == lock


def test_empty_and_absent_locks(tmp_path: Path) -> None:
    file = tmp_path / "lock.yaml"
    assert read(file) == {}
    file.write_bytes(dump({}))
    assert read(file) == {}


def test_damaged_lock_is_refused(lock: dict[str, LockEntry], tmp_path: Path) -> None:
    file = tmp_path / "lock.yaml"
    text = dump(lock).decode()
    file.write_text(text.replace("base: 100", "base: 0").replace("rev: 1", "rev: 0", 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read(file)
    assert [str(issue) for issue in caught.value.issues] == [
        "lock.yaml:5:10: rev must be at least 1, found 0",
        "lock.yaml:10:11: base 0 stands twice (first at lock.yaml:4:11)",
    ]
    file.write_text(text.replace("base: 100", "base: 150"), encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"lock\.yaml:10:11: base must be a multiple of 100, found 150"):
        read(file)

"""Files from blocks in any order, with blocks repeated and missing."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melsec_nsm.engines.reference import assembly
from melsec_nsm.engines.reference.assembly import Assembly

FILE = bytes(range(256)) * 20


def blocks(size: int) -> list[tuple[int, bytes]]:
    """The file in blocks."""
    return [(at, FILE[at : at + size]) for at in range(0, len(FILE), size)]


def test_blocks_in_order() -> None:
    made = Assembly()
    for at, data in blocks(960):
        made.add(at, data)
    assert (made.seen, made.end, made.missing(len(FILE))) == (len(FILE), len(FILE), 0)
    assert made.hashes(len(FILE)) == (hashlib.md5(FILE).hexdigest(), hashlib.sha256(FILE).hexdigest())


@given(st.integers(), st.integers(40, 700))
def test_any_order_and_any_repetition_give_the_file(seed: int, size: int) -> None:
    dice = random.Random(seed)
    sent = blocks(size)
    sent += dice.sample(sent, 3)
    # Pieces that lie across the blocks, as a tool reads them that looks at the head of a file first.
    for _ in range(3):
        at = dice.randrange(len(FILE))
        sent.append((at, FILE[at : at + dice.randrange(900)]))
    dice.shuffle(sent)
    made = Assembly()
    for at, data in sent:
        made.add(at, data)
    assert made.hashes(len(FILE)) == (hashlib.md5(FILE).hexdigest(), hashlib.sha256(FILE).hexdigest())
    assert (made.seen, made.missing(len(FILE))) == (len(FILE), 0)


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.integers())
def test_what_is_missing_is_counted(there: list[bool], seed: int) -> None:
    dice = random.Random(seed)
    parts = blocks(960)
    kept = [part for part, here in zip(parts, there, strict=True) if here]
    dice.shuffle(kept)
    made = Assembly()
    for at, data in kept:
        made.add(at, data)
    lost = sum(len(data) for (_, data), here in zip(parts, there, strict=True) if not here)
    assert (made.missing(len(FILE)), made.seen) == (lost, len(FILE) - lost)
    assert (made.hashes(len(FILE)) is None) == bool(lost)


def test_the_octets_seen_first_stay() -> None:
    made = Assembly()
    made.add(0, b"abcd")
    made.add(2, b"XXef")
    made.add(0, b"ZZZZZZ")
    assert made.hashes(6) == (hashlib.md5(b"abcdef").hexdigest(), hashlib.sha256(b"abcdef").hexdigest())


def test_a_file_smaller_than_it_should_be_has_no_hash() -> None:
    made = Assembly()
    made.add(0, b"abcd")
    assert made.hashes(5) is None
    assert made.missing(5) == 1
    assert made.missing(3) == 0, "what was seen is there, whatever was announced"


def test_of_nothing_there_is_no_digest() -> None:
    assert Assembly().hashes(0) is None


def test_what_waits_for_a_hole_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_HELD", 1000)
    made = Assembly()
    for at, data in blocks(100)[1:]:
        made.add(at, data)
    assert made._pieces.octets <= 1000
    assert made.missing(len(FILE)) == 100
    made.add(0, FILE[:100])
    assert (made.missing(len(FILE)), made.hashes(len(FILE))) == (0, None), "all was seen, but no longer kept"


def test_holes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_PIECES", 10)
    made = Assembly()
    for at in range(1, 1000, 2):
        made.add(at, b"x")
    assert made.seen == 10
    assert made.end == 1000

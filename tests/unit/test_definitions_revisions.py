"""The reasons of revisions: read as their authors wrote them, with the position of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from melsec_nsm.definitions import validate_files
from melsec_nsm.definitions.model import DefinitionError, Reasons
from melsec_nsm.definitions.revisions import read

REASONS = """\
revisions:
  - {id: device-write, rev: 4, why: "Writes by label
    are told too."}
  - {id: remote-stop, rev: 4, why: "Frames of 4C: all of them."}
retired:
  - {id: remote-run, why: Nothing but false alarms.}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "revisions.yaml"
    path.write_text(REASONS, "utf-8")
    return path


def test_reasons_are_read_by_detection_and_revision(file: Path) -> None:
    assert read(file) == Reasons(
        revisions={
            ("device-write", 4): "Writes by label are told too.",
            ("remote-stop", 4): "Frames of 4C: all of them.",
        },
        retired={"remote-run": "Nothing but false alarms."},
    )
    assert validate_files([file]) == []


def test_the_packaged_file_is_read() -> None:
    assert read() is not None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('rev: 4, why: "Fr', 'rev: 1, why: "Fr', "revisions.yaml:4:28: rev must be at least 2, found 1"),
        ("remote-stop", "device-write", "revisions.yaml:4:29: revision 4 stands twice (first at "),
        ("why: Nothing", "reason: Nothing", "revisions.yaml:6:22: unknown key 'reason'"),
    ],
)
def test_mistakes_have_their_position(file: Path, old: str, new: str, message: str) -> None:
    file.write_text(REASONS.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError) as caught:
        read(file)
    assert message in str(caught.value)


def test_a_reason_for_what_was_never_published_is_a_mistake(file: Path) -> None:
    file.write_text(REASONS.replace("remote-run", "remote-rum"), "utf-8")
    (issue,) = validate_files([file])
    assert str(issue) == f"{file}:6:10: the lock has no 'remote-rum' (did you mean 'remote-run'?)"

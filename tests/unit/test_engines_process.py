"""Running a program to its end, whatever that end is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from melsec_nsm.engines.base import EngineError
from melsec_nsm.engines.process import Outcome, run


def test_a_program_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    script = "(sleep 1; touch late) & wait"
    with pytest.raises(EngineError, match=r"^sh did not end within 0\.2 seconds$"):
        run(["/bin/sh", "-c", script], tmp_path, timeout=0.2)
    time.sleep(1.3)
    assert not (tmp_path / "late").exists()


def test_a_program_that_cannot_start_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"^gone cannot be run: No such file or directory$"):
        run([tmp_path / "gone"], tmp_path)


def test_output_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    outcome = run(["/bin/sh", "-c", "printf '\\377x'; exit 3"], tmp_path)
    assert (outcome.code, outcome.stdout[-1]) == (3, "x")


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome(1, "", "Error: first\nError: second\nbye\n"), "Error: second"),
        (Outcome(1, "last words\n", ""), "last words"),
        (Outcome(4, "", ""), "exit code 4"),
        (Outcome(-11, "", "error: noise"), "ended by SIGSEGV"),
    ],
)
def test_a_failure_is_told_in_one_line(outcome: Outcome, why: str) -> None:
    assert outcome.failure() == why

"""CPU time of programs: what the kernel accounts to the process, waiting left out."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """A command line, run in an empty folder that is removed afterwards.

    ``log`` names a file that it writes there, whose lines are counted: a run that saw nothing would be a fast one.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """User and system time in seconds, of all threads, and the lines of the log."""

    seconds: float
    lines: int


def cost(program: Program) -> Cost:
    """What one run takes. RuntimeError where it fails."""
    with tempfile.TemporaryDirectory(prefix="melsec-nsm-bench-") as folder:
        printed = Path(folder) / "printed"
        with printed.open("wb") as output:
            process = subprocess.Popen(
                program.command,
                cwd=folder,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            # Not `resource.getrusage`: that adds up all children there ever were.
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said = printed.read_text("utf-8", errors="replace").strip()
            raise RuntimeError(f"{program.name}: exit code {process.returncode}: {said[-2000:]}")
        return Cost(usage.ru_utime + usage.ru_stime, _lines(Path(folder) / program.log))


def medians(programs: Sequence[Program], runs: int) -> dict[str, Cost]:
    """Cost by name: the median of several runs, which take turns so that a busy moment hits all alike."""
    return _costs(programs, runs, statistics.median)


def lowest(programs: Sequence[Program], runs: int) -> dict[str, Cost]:
    """Cost by name: the lowest of several runs, for differences that are smaller than what disturbs a run."""
    return _costs(programs, runs, min)


def _costs(programs: Sequence[Program], runs: int, of: Callable[[Sequence[float]], float]) -> dict[str, Cost]:
    taken: dict[str, list[Cost]] = {program.name: [] for program in programs}
    for _ in range(runs):
        for program in programs:
            taken[program.name].append(cost(program))
    return {name: Cost(of([one.seconds for one in costs]), costs[-1].lines) for name, costs in taken.items()}


def _lines(path: Path) -> int:
    """Lines that are no comment; 0 where there is no such file."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(not line.startswith(b"#") for line in file)

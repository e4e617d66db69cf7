"""Runs a sensor's program to its end, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm.engines.base import EngineError

LONGEST = 3600
"""Seconds after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exit code and what was printed; negative codes are signals."""

    code: int
    stdout: str
    stderr: str

    def failure(self) -> str:
        """Why it failed, in the words that say most: the last line that speaks of an error, else the last line."""
        if self.code < 0:
            return f"ended by {signal.Signals(-self.code).name}"
        lines = [line.strip() for line in (self.stderr + "\n" + self.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        return (errors or lines or [f"exit code {self.code}"])[-1]


def run(
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = LONGEST,
) -> Outcome:
    """Runs a program in ``folder`` without input. EngineError where it cannot start or does not end in time."""
    program = Path(command[0]).name
    try:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # A group of its own, so that a wrapper's children end with it.
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"{program} cannot be run: {error.strerror or error}") from None
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{program} did not end within {timeout:g} seconds") from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Outcome(process.returncode, stdout, stderr)

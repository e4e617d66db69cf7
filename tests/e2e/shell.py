"""Commands of pages, run as somebody would who reads them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path


def shell(
    commands: str, folder: Path, environment: Mapping[str, str], top: Path, agrees: bool = False
) -> tuple[int, str]:
    """Runs commands in a folder; their exit code, and what they print.

    ``top`` takes the place of ``/`` in paths of a sensor: ``/etc``, ``/var/lib``, ``/srv``. Who ``agrees`` says yes to
    whatever is asked.
    """
    for place in ("/etc/", "/var/lib/", "/srv/"):
        commands = re.sub(rf"(?<![\w/]){place}", f"{top}{place}", commands)
    with subprocess.Popen(["yes" if agrees else "true"], stdout=subprocess.PIPE) as answers:
        done = subprocess.run(
            ["sh", "-e", "-c", commands],
            cwd=folder,
            env=environment,
            stdin=answers.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        answers.kill()
    return done.returncode, done.stdout

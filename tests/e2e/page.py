"""The commands of a page, run as somebody would who reads it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> dict[str, list[str]]:
    """The commands of a page by the heading that they stand below."""
    found: dict[str, list[str]] = {}
    heading = ""
    for part in re.split(r"^(#+ .+)$", page.read_text("utf-8"), flags=re.MULTILINE):
        if part.startswith("#"):
            heading = part.lstrip("# ")
        elif commands := _BLOCK.findall(part):
            found.setdefault(heading, []).extend(commands)
    return found


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

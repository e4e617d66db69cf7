"""What git knows of the checkout. Only reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

from melsec_nsm.release import ReleaseError


class Repository:
    """The repository that a checkout belongs to."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def is_there(self) -> bool:
        """Whether the checkout has its own history: an unpacked archive has none, even inside another repository."""
        top = self._run("rev-parse", "--show-toplevel", wrong=None)
        return top is not None and Path(top.strip()).resolve() == self.root.resolve()

    def uncommitted(self) -> list[str]:
        """Paths that differ from the last commit, or that it does not know."""
        out = self._run("status", "--porcelain", "--untracked-files=all", "-z") or ""
        entries, paths = iter(out.split("\0")), []
        for entry in entries:
            if entry:
                paths.append(entry[3:])
            if "R" in entry[:2] or "C" in entry[:2]:
                next(entries, None)  # where it was before
        return sorted(paths)

    def tags(self, *which: str) -> list[str]:
        """Names of tags: all, or those that ``git tag`` is asked for (``--points-at``, ``HEAD``)."""
        return (self._run("tag", "--list", *which) or "").split()

    def show(self, revision: str, path: str) -> bytes:
        """A file as it was. ReleaseError where there is no such revision or file."""
        text = self._run("show", f"{revision}:{path}", wrong=f"{revision} has no {path}")
        return (text or "").encode("utf-8")

    def knows(self, revision: str) -> bool:
        """Whether a name stands for a commit."""
        return self._run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", wrong=None) is not None

    def has(self, revision: str, path: str) -> bool:
        """Whether there was a file."""
        return self._run("cat-file", "-e", f"{revision}:{path}", wrong=None) is not None

    def _run(self, *arguments: str, wrong: str | None = "git does not answer") -> str | None:
        """What git prints. None where it fails, if ``wrong`` is None, else a ReleaseError with these words."""
        try:
            done = subprocess.run(
                ["git", "-C", self.root, *arguments], capture_output=True, text=True, encoding="utf-8", check=False
            )
        except OSError as error:
            raise ReleaseError(f"git: {error.strerror}; install git") from None
        if done.returncode == 0:
            return done.stdout
        if wrong is None:
            return None
        said = done.stderr.strip().splitlines()
        raise ReleaseError(f"{wrong}: {said[-1] if said else f'git {arguments[0]} failed'}")

"""What a checkout has to release, and what was released before."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm.definitions import lock as locks
from melsec_nsm.definitions import revisions
from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate import project
from melsec_nsm.release import ReleaseError, versions
from melsec_nsm.release.changes import Change, compare
from melsec_nsm.release.git import Repository


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout beside what its definition gives: ``generated`` files by path, the lock among them.

    ``before`` is the lock of the release that ``since`` names, empty with None where there was no release before.
    ``last`` is the tag of the last release, whatever it is compared with.
    """

    root: Path
    version: str
    generated: Mapping[str, bytes]
    before: locks.Lock
    now: locks.Lock
    changes: Sequence[Change]
    since: str | None
    last: str | None = None


def look(root: Path, version: str, definition: Definition, since: str | None = None) -> Checkout:
    """Looks at a checkout. ``since`` is a tag or a lock file to compare with; the last release unless given.

    Raises:
        ReleaseError: there is no such tag or file.
        DefinitionError: a lock or the file of reasons is damaged.
    """
    last = _last(root, version)
    since = since or last
    generated = project.render(definition)
    before, now = _lock_of(root, since) if since is not None else {}, _read(generated[project.LOCK_PATH])
    return Checkout(
        root=root,
        version=version,
        generated=generated,
        before=before,
        now=now,
        changes=compare(before, now, revisions.read()),
        since=since,
        last=last,
    )


def _last(root: Path, version: str) -> str | None:
    """The highest release that the present commit descends from, but this one."""
    repository = Repository(root)
    if not repository.is_there():
        return None
    return versions.highest(repository.tags("--merged", "HEAD"), but=versions.tag_of(version))


def _lock_of(root: Path, since: str) -> locks.Lock:
    if Path(since).is_file():
        return locks.read(Path(since))
    repository = Repository(root)
    if not repository.is_there() or not repository.knows(since):
        raise ReleaseError(f"--since {since}: no tag and no file of that name")
    return _read(repository.show(since, project.LOCK_PATH))


def _read(octets: bytes) -> locks.Lock:
    with tempfile.TemporaryDirectory(prefix="melsec-nsm-release-") as name:
        file = Path(name, locks.LOCK_FILE.name)
        file.write_bytes(octets)
        return locks.read(file)

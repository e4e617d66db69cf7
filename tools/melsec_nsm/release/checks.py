"""What stands against a release: each reason with the line that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from melsec_nsm.engines.share import SETTINGS_PATH
from melsec_nsm.generate import project
from melsec_nsm.release import versions
from melsec_nsm.release.changes import REMOVED, Change
from melsec_nsm.release.checkout import Checkout
from melsec_nsm.release.git import Repository

REVISIONS_PATH = "tools/melsec_nsm/definitions/revisions.yaml"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Objection:
    """Why not, and what to run or to write; ``blocks`` where not even a draft can be made."""

    why: str
    mend: str
    blocks: bool = False


def objections(checkout: Checkout, captures: Mapping[str, bytes]) -> list[Objection]:
    """Everything that stands against a release; ``captures`` are those that must not be stale. ReleaseError."""
    return [
        *_stale(checkout, captures),
        *_numbers(checkout),
        *_reasons(checkout.changes),
        *_settings(checkout),
        *_version(checkout),
        *_history(checkout),
    ]


def _stale(checkout: Checkout, captures: Mapping[str, bytes]) -> Iterator[Objection]:
    stale = project.stale(checkout.root, dict(checkout.generated))
    if project.LOCK_PATH in stale:
        yield Objection(f"the lock is out of date: {project.LOCK_PATH}", "melsec-nsm generate", blocks=True)
    if others := [path for path in stale if path != project.LOCK_PATH]:
        yield Objection(f"generated files are stale: {_some(others)}", "melsec-nsm generate", blocks=True)
    if others := project.stale(checkout.root, dict(captures)):
        yield Objection(f"captures are stale: {_some(others)}", "melsec-nsm pcap build")


def _numbers(checkout: Checkout) -> Iterator[Objection]:
    """A sid that was released is never another rule's, and a rule that changed has a higher revision."""
    restore = f"git checkout {checkout.since} -- {project.LOCK_PATH} && melsec-nsm generate"
    for name, old in checkout.before.items():
        new = checkout.now.get(name)
        if new is None or new.base != old.base:
            yield Objection(f"{name}: its sids of {checkout.since} are gone from the lock", restore)
        elif new.rev < old.rev or (new.rev == old.rev and new.hash != old.hash):
            yield Objection(f"{name}: changed since {checkout.since}, and still rev {new.rev}", restore)


def _reasons(changes: Sequence[Change]) -> Iterator[Objection]:
    for change in changes:
        entry = change.entry
        if change.reason is None and change.what == REMOVED:
            line = f"- {{id: {entry.id}, why: …}}"
            yield Objection(f"{entry.id}: gone without a reason", f"below `retired:` in {REVISIONS_PATH}: {line}")
        elif change.reason is None:
            line = f"- {{id: {entry.id}, rev: {entry.rev}, why: …}}"
            yield Objection(
                f"{entry.id}: rev {entry.rev} without a reason", f"below `revisions:` in {REVISIONS_PATH}: {line}"
            )


def _settings(checkout: Checkout) -> Iterator[Objection]:
    """zkg puts another settings file in the place of that of each site, or stops in the middle of an upgrade."""
    repository, last = Repository(checkout.root), checkout.last
    if last is None or not repository.has(last, SETTINGS_PATH):
        return
    now = checkout.root / SETTINGS_PATH
    if not now.is_file() or now.read_bytes() != repository.show(last, SETTINGS_PATH):
        yield Objection(
            f"{SETTINGS_PATH} is not that of {last}: sites would lose what they wrote into it",
            f"git checkout {last} -- {SETTINGS_PATH}",
        )


def _version(checkout: Checkout) -> Iterator[Objection]:
    version, heading = checkout.version, versions.newest(checkout.root)
    place = f"{versions.CHANGES}:{heading.line}"
    if versions.number_of(versions.tag_of(version)) is None:
        yield Objection(f"{version} is no version of three numbers", f"in {versions.VERSION_PATH}: __version__ = …")
    if heading.version != version:
        yield Objection(
            f"{place}: version {heading.version}, but {versions.VERSION_PATH} says {version}",
            f'in {versions.VERSION_PATH}: __version__ = "{heading.version}"',
        )
    if heading.day is None:
        today = datetime.now(timezone.utc).date()
        why = f"is {versions.UNRELEASED}" if heading.when == versions.UNRELEASED else "has no date"
        yield Objection(f"{place}: {heading.version} {why}", f"in {place}: ## {heading.version} ({today})")


def _history(checkout: Checkout) -> Iterator[Objection]:
    repository, own = Repository(checkout.root), versions.tag_of(checkout.version)
    if not repository.is_there():
        yield Objection("this is no git checkout, and zkg installs tags", "git clone … and release from there")
        return
    if changed := repository.uncommitted():
        yield Objection(
            f"not committed: {_some(changed)}", "git add --all && git commit, or git stash --include-untracked"
        )
    here, tags = repository.tags("--points-at", "HEAD"), repository.tags()
    for tag in here:
        if tag != own and versions.number_of(tag) is not None:
            yield Objection(f"this commit is {tag} already, and not {own}", f"git tag --delete {tag}, or commit first")
    if own in tags and own not in here:
        yield Objection(
            f"{own} is another commit: that version is released",
            f"in {versions.VERSION_PATH}: a higher __version__, and a heading for it in {versions.CHANGES}",
        )
    newest, number = versions.highest(tags, but=own), versions.number_of(own)
    if newest is not None and number is not None and (versions.number_of(newest) or number) > number:
        yield Objection(
            f"{newest} is higher than {own}, and zkg installs the highest",
            f"in {versions.VERSION_PATH}: a higher __version__",
        )


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more

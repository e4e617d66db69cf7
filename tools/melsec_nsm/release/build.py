"""All files of a release, made in memory and put in place together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from melsec_nsm.generate.suricata import RULES_PATH
from melsec_nsm.release import signing
from melsec_nsm.release.archive import pack
from melsec_nsm.release.index import index

NAME = "melsec-nsm-rules"
STABLE = f"{NAME}.tar.gz"
"""The archive under the name that stays, which sources of suricata-update point to: an address with a version in it
would have to be changed on every sensor."""

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Release:
    """What a release is made of. ``day`` is that of the release, None before it, ``changes`` the list of changes."""

    version: str
    day: date | None
    rules: bytes
    licence: bytes
    changes: bytes

    @property
    def archive(self) -> bytes:
        """The archive of rules."""
        version = f"{self.version}\n".encode()
        files = {"rules/melsec.rules": self.rules, "rules/LICENSE": self.licence, "rules/VERSION": version}
        return pack(files, seconds(self.day))


def seconds(day: date | None) -> int:
    """The time that the files of a release carry, in s since 1970; 0 before it."""
    return (day - _EPOCH).days * 86400 if day is not None else 0


def read(root: Path, version: str, day: date | None, changes: bytes) -> Release:
    """A release of the rules that stand in a checkout."""
    return Release(version, day, (root / RULES_PATH).read_bytes(), (root / "LICENSE").read_bytes(), changes)


def files(release: Release, base_url: str | None, key: Path | None) -> dict[str, bytes]:
    """The files by name, signed where there is a key. ReleaseError."""
    archive = release.archive
    digest = hashlib.md5(archive, usedforsecurity=False).hexdigest().encode()
    made: dict[str, bytes] = {}
    for name in (f"{NAME}-{release.version}.tar.gz", STABLE):
        made[name] = archive
        # suricata-update compares the whole content with the digest of what it has.
        made[f"{name}.md5"] = digest
    made["index.yaml"] = index(STABLE, base_url)
    made["VERSION"] = f"{release.version}\n".encode()
    made["CHANGES-rules.md"] = release.changes
    made[signing.SUMS] = signing.sums(made)
    if key is not None:
        made[signing.SIGNATURE] = signing.sign(made[signing.SUMS], key)
    return made

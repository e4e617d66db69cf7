"""The archive of rules: the same octets for the same content, whoever makes it, where and when."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping


def pack(files: Mapping[str, bytes], mtime: int) -> bytes:
    """A tar archive, compressed by gzip, of files by their path. ``mtime`` is what they all carry, in s since 1970."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, octets in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(octets), mtime, 0o644
            archive.addfile(member, io.BytesIO(octets))
    return gzip.compress(made.getvalue(), 9, mtime=0)

"""Checksums, and a signature of them that OpenSSH verifies."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from melsec_nsm.release import ReleaseError

NAMESPACE = "melsec-nsm"
"""What the signature is for, so that it cannot be taken for one of something else."""

SUMS = "SHA256SUMS"
SIGNATURE = f"{SUMS}.sig"


def sums(files: Mapping[str, bytes]) -> bytes:
    """The SHA-256 of files by their name, as ``sha256sum -c`` reads it."""
    return "".join(f"{hashlib.sha256(octets).hexdigest()}  {name}\n" for name, octets in sorted(files.items())).encode()


def sign(octets: bytes, key: Path) -> bytes:
    """The signature by a key of OpenSSH. ReleaseError where it cannot be made.

    The key may be a public one whose private half the agent has; a passphrase is asked for on the terminal.
    """
    if not key.is_file():
        raise ReleaseError(f"--key {key}: no such file")
    with tempfile.TemporaryDirectory(prefix="melsec-nsm-release-") as name:
        file = Path(name, SUMS)
        file.write_bytes(octets)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(file)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            raise ReleaseError(f"ssh-keygen: {error.strerror}; install the OpenSSH client, 8.1 or newer") from None
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise ReleaseError(f"--key {key}: {said[-1] if said else 'ssh-keygen does not sign'}")
        return Path(name, SIGNATURE).read_bytes()

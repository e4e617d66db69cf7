"""The compiled analyzers: built once for a grammar and a Zeek, kept in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path

from melsec_nsm.engines.base import EngineError
from melsec_nsm.engines.process import run

BUILT_FOR = "BUILT-FOR"
"""File beside compiled analyzers that came from another machine: lines that say what they were built from and for."""

_KEPT = 4
"""Compiled analyzers that stay in the cache: each is some ten megabytes."""


def cache_folder() -> Path:
    """Where compiled analyzers are kept."""
    base = os.environ.get("XDG_CACHE_HOME")
    # The specification of the variable says that a relative path is to be ignored.
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "melsec-nsm"


def digest(analyzer: Path, compiler: Path, version: str) -> str:
    """What a compiled analyzer depends on: the sources, and the very Zeek it was compiled for."""
    built = compiler.stat()
    state = hashlib.sha256(f"{version}\n{compiler}\n{built.st_size}\n{built.st_mtime_ns}\n".encode())
    for source in sources(analyzer):
        text = source.read_bytes()
        state.update(f"{source.name}\n{len(text)}\n".encode() + text)
    return state.hexdigest()[:20]


FLAGS = "-g0 -O1"
"""For the C++ compiler, as in zeek/compile.sh: a third less time than Spicy's own, and a twentieth of the size."""


def sources(analyzer: Path) -> list[Path]:
    """The grammar, with the interface to Zeek last."""
    return [*sorted(analyzer.glob("*.spicy")), analyzer / "melsec.evt"]


def compiled(analyzer: Path, compiler: Path, version: str) -> Path:
    """The compiled analyzers, from the cache or made now, which takes up to a minute and a half. EngineError."""
    cache = cache_folder()
    try:
        wanted = cache / f"melsec-{digest(analyzer, compiler, version)}.hlto"
        cache.mkdir(parents=True, exist_ok=True)
        # Who comes second waits, and then finds the work done.
        with (cache / "compile.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not wanted.is_file():
                _compile(analyzer, compiler, wanted)
            os.utime(wanted)
            _prune(cache)
    except OSError as error:
        raise EngineError(f"zeek: {error.filename or cache}: {error.strerror}") from None
    return wanted


def _compile(analyzer: Path, compiler: Path, wanted: Path) -> None:
    # Beside its place, so that the rename that publishes it stays within one file system.
    with tempfile.TemporaryDirectory(prefix="compile-", dir=wanted.parent) as name:
        folder = Path(name)
        made = folder / "melsec.hlto"
        environment = dict(os.environ) | {"TMPDIR": name, "HILTI_CXX_FLAGS": FLAGS}
        files = [source.absolute() for source in sources(analyzer)]
        outcome = run([compiler, "-o", made, *files], folder, environment)
        if outcome.code != 0 or not made.is_file():
            raise EngineError(f"zeek: spicyz: {outcome.failure()}")
        made.replace(wanted)


def _prune(cache: Path) -> None:
    """Removes all but the analyzers that were used last."""
    by_use = sorted(cache.glob("melsec-*.hlto"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for old in by_use[_KEPT:]:
        old.unlink(missing_ok=True)

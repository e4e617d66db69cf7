"""The cache of compiled analyzers, with a compiler that only pretends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from melsec_nsm.engines import hlto
from melsec_nsm.engines.base import EngineError
from melsec_nsm.engines.hlto import compiled

PRETEND = """\
#!/bin/sh
echo run >>"$(dirname "$0")/runs"
[ "$1" = -o ] || exit 2
sleep 0.2
shift 2
cat "$@" >melsec.hlto
"""


@pytest.fixture
def analyzer(tmp_path: Path) -> Path:
    folder = tmp_path / "analyzer"
    folder.mkdir()
    (folder / "melsec.spicy").write_text("module MELSEC;\n")
    (folder / "melsec.evt").write_text("import MELSEC;\n")
    return folder


@pytest.fixture
def spicyz(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "spicyz"
    path.write_text(PRETEND)
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "melsec-nsm"


@pytest.fixture
def runs(spicyz: Path) -> Callable[[], int]:
    def count() -> int:
        log = spicyz.parent / "runs"
        return len(log.read_text().splitlines()) if log.exists() else 0

    return count


def test_it_is_compiled_once(analyzer: Path, spicyz: Path, runs: Callable[[], int]) -> None:
    first = compiled(analyzer, spicyz, "8.0.9")
    assert compiled(analyzer, spicyz, "8.0.9") == first
    assert first.read_text() == "module MELSEC;\nimport MELSEC;\n"
    assert runs() == 1


@pytest.mark.parametrize("change", ["source", "new source", "version"])
def test_another_grammar_or_zeek_is_another_compilation(
    analyzer: Path, spicyz: Path, runs: Callable[[], int], change: str
) -> None:
    before = compiled(analyzer, spicyz, "8.0.9")
    if change == "source":
        (analyzer / "melsec.spicy").write_text("module MELSEC; # changed\n")
    elif change == "new source":
        (analyzer / "another.spicy").write_text("module Another;\n")
    assert compiled(analyzer, spicyz, "8.1.0" if change == "version" else "8.0.9") != before
    assert runs() == 2


def test_two_at_once_compile_once(analyzer: Path, spicyz: Path, runs: Callable[[], int]) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: compiled(analyzer, spicyz, "8.0.9"), range(4)))
    assert len(made) == 1
    assert runs() == 1


def test_a_failure_is_one_line_and_leaves_nothing(analyzer: Path, spicyz: Path, cache: Path) -> None:
    spicyz.write_text("#!/bin/sh\necho '[error] melsec.spicy:3: unexpected token' >&2\necho '[info] bye' >&2\nexit 1\n")
    with pytest.raises(EngineError, match=r"^zeek: spicyz: \[error\] melsec\.spicy:3: unexpected token$"):
        compiled(analyzer, spicyz, "8.0.9")
    assert [path.name for path in cache.iterdir()] == ["compile.lock"]


def test_the_cache_does_not_grow_for_ever(analyzer: Path, spicyz: Path, cache: Path) -> None:
    made = [compiled(analyzer, spicyz, f"8.0.{number}") for number in range(6)]
    assert sorted(cache.glob("*.hlto")) == sorted(made[-hlto._KEPT :])


def test_a_cache_that_cannot_be_made_is_one_line(
    analyzer: Path, spicyz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineError, match=r"^zeek: .*file.*: Not a directory$"):
        compiled(analyzer, spicyz, "8.0.9")

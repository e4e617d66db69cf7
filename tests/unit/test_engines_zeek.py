"""How Zeek is run, with stand-ins for its programs that note what they were asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from melsec_nsm.capture import Record
from melsec_nsm.engines.base import EngineError, TransactionCount
from melsec_nsm.engines.cleaned import write_pcap
from melsec_nsm.engines.zeek import ZeekEngine

LINE = json.dumps(
    {"ts": 1.5, "protocol": "slmp", "frame": "4E", "encoding": "binary", "command": "0401", "request_len": 25}
)
ZEEK = """\
#!/bin/sh
if [ "$1" = --version ]; then echo "zeek version 8.0.9"; exit; fi
{{ pwd; ls -A "$ZEEK_PLUGIN_PATH" | wc -l; printf '%s\\n' "$@"; }} >{notes}
{body}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-ins are, and a package that has what the engine looks for."""
    for name in ("bin", "analyzer", "scripts", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "analyzer/melsec.spicy").write_text("module MELSEC;\n")
    (tmp_path / "analyzer/melsec.evt").write_text("import MELSEC;\n")
    (tmp_path / "scripts/__load__.zeek").write_text("")
    monkeypatch.setenv("MELSEC_NSM_ZEEK", str(tmp_path / "bin/zeek"))
    monkeypatch.setenv("HILTI_CXX", "/bin/true")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    install(tmp_path, f"echo '{LINE}' >melsec.log")
    program(tmp_path / "bin/spicyz", "#!/bin/sh\necho >melsec.hlto\n")
    return tmp_path


@pytest.fixture
def capture(folder: Path) -> Path:
    path = folder / "x.pcap"
    write_pcap(path, [Record(n, 1, bytes(60), 60) for n in range(2)])
    return path


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def install(folder: Path, body: str) -> None:
    program(folder / "bin/zeek", ZEEK.format(notes=folder / "notes", body=body))


def engine(folder: Path) -> ZeekEngine:
    return ZeekEngine(folder / "analyzer", folder / "scripts")


def test_it_runs_in_a_folder_of_its_own_and_reads_the_logs(folder: Path, capture: Path) -> None:
    result = engine(folder).run(capture)
    assert result.transactions == (TransactionCount("slmp", "4E", "binary", "0401", 1),)
    assert (result.capture, result.truncated) == (str(capture), False)
    ran_in, plugins, *arguments = (folder / "notes").read_text().splitlines()
    assert Path(ran_in).is_relative_to(folder / "tmp")
    assert plugins == "0"
    assert arguments[:3] == ["-C", "-r", str(capture)]
    assert arguments[3].endswith(".hlto")
    assert arguments[4] == str(folder / "scripts")
    assert "LogAscii::use_json=T" in arguments
    assert list((folder / "tmp").iterdir()) == []


def test_a_cut_off_capture_is_cleaned_for_it(folder: Path, capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-1])
    result = engine(folder).run(capture)
    assert result.truncated
    assert len(result.warnings) == 1
    assert str(capture) not in (folder / "notes").read_text().splitlines()


def test_a_failure_is_one_line(folder: Path, capture: Path) -> None:
    install(folder, "echo 'error in main.zeek, line 3: unknown identifier' >&2; echo 'fatal' >&2; exit 1")
    with pytest.raises(EngineError, match=r"^zeek: error in main\.zeek, line 3: unknown identifier$"):
        engine(folder).run(capture)


def test_a_crash_names_the_signal(folder: Path, capture: Path) -> None:
    install(folder, "kill -SEGV $$")
    with pytest.raises(EngineError, match=r"^zeek: ended by SIGSEGV$"):
        engine(folder).run(capture)


@pytest.mark.parametrize(
    ("missing", "said"),
    [("bin/spicyz", "spicyz"), ("analyzer/melsec.evt", "files"), ("scripts/__load__.zeek", "files")],
)
def test_zeek_without_what_it_needs_counts_as_absent(folder: Path, capture: Path, missing: str, said: str) -> None:
    (folder / missing).unlink()
    here = engine(folder).availability()
    assert here.version is None
    assert said in here.reason
    assert here.remedy
    with pytest.raises(EngineError):
        engine(folder).run(capture)


def test_a_zeek_that_a_link_leads_to_keeps_its_compiler(
    folder: Path, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "links").mkdir()
    (folder / "links/zeek").symlink_to(folder / "bin/zeek")
    monkeypatch.setenv("MELSEC_NSM_ZEEK", str(folder / "links/zeek"))
    assert engine(folder).availability().version == "8.0.9"
    assert engine(folder).run(capture).transactions

"""What sensors load of a policy: the same for the same policy, put in place by rename, nothing of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from policies import POLICY, changed

from melsec_nsm.cli import main
from melsec_nsm.definitions import load
from melsec_nsm.generate import site
from melsec_nsm.generate.zeek import policy_table
from melsec_nsm.policy import parse
from melsec_nsm.policy.compiled import CompiledPolicy


def table(text: str = POLICY) -> list[list[str]]:
    """The lines of the table for Zeek, with their columns."""
    definition = load()
    compiled = CompiledPolicy(parse(text.encode(), "site.yaml", definition), definition)
    lines = policy_table.table(compiled).decode().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def of(rows: list[list[str]], kind: str) -> list[list[str]]:
    """The lines of a kind."""
    return [row[1:] for row in rows if row[0] == kind]


def compile_into(path: Path, out: Path) -> Result:
    return CliRunner().invoke(main, ["policy", "compile", str(path), "--out", str(out)])


def test_the_first_line_counts_all() -> None:
    rows = table()
    assert rows[0][0] == "policy"
    assert rows[0][-1] == f"{policy_table.FORMAT},{len(rows)}"
    assert all(len(row) == len(rows[0]) for row in rows)


def test_a_window_over_the_end_of_the_week_is_two_spans() -> None:
    sunday, night = of(table(), "window")
    assert sunday[-1] == f"0,{policy_table.ALWAYS},8760,9000"
    assert night[-1].split(",")[2:] == ["0", "240", "7080", "7440", "9960", "10080"]


def test_tunings_are_told() -> None:
    rows = {row[0]: row for row in of(table(), "tuning")}
    assert rows["program-upload"][2:] == ["eng-ws-1", "(empty)", "0,0,0"]
    assert rows["password-guessing"][-1] == "0,10,0"
    assert rows["remote-run"][-1] == "1,0,0"


def test_the_same_policy_gives_the_same_octets(tmp_path: Path) -> None:
    source = tmp_path / "site.yaml"
    source.write_text(POLICY, "utf-8")
    for name in ("one", "two"):
        assert compile_into(source, tmp_path / name).exit_code == 0
    assert (tmp_path / "one" / policy_table.FILE).read_bytes() == (tmp_path / "two" / policy_table.FILE).read_bytes()
    assert [path.name for path in (tmp_path / "one").iterdir()] == [policy_table.FILE]


def test_a_wrong_policy_changes_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "site.yaml", tmp_path / "out"
    source.write_text(POLICY, "utf-8")
    assert compile_into(source, out).exit_code == 0
    before = (out / policy_table.FILE).read_bytes()
    source.write_text(changed(("Europe/Berlin", "Berlin")), "utf-8")
    result = compile_into(source, out)
    assert result.exit_code == 2
    assert "site.yaml:2:11: " in result.stderr
    assert (out / policy_table.FILE).read_bytes() == before


def test_a_file_is_replaced_and_not_written_over(tmp_path: Path) -> None:
    (old,) = site.install({"table": b"old"}, tmp_path)
    with old.open("rb") as reader:
        (new,) = site.install({"table": b"new"}, tmp_path)
        assert (reader.read(), new.read_bytes()) == (b"old", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


@pytest.mark.parametrize("name", ["a,b", "a\tb", "a\\b", "a\nb"])
def test_what_separates_is_escaped(name: str) -> None:
    line = policy_table._Line("exception", words=(name,)).text()
    assert line.count("\t") == 5
    assert not set(line) & set(",\\n") - set("\\n")

"""The page of the logs: every column of the scripts, and none without words."""

from __future__ import annotations

from pathlib import Path

import pytest

from melsec_nsm.definitions.model import DefinitionError
from melsec_nsm.generate import log_page

SCRIPT = """\
\ttype Info: record {
\t\t## Number of it,
\t\t## such as ``1E``.
\t\tframe: string &log &optional;
\t\t## Not for the log.
\t\tlayout: count;
\t\tports: set[string] &log &default=set();
\t};
\ttype Other: record {
\t\tlater: count &log;
\t};
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script whose second column has no words."""
    path = tmp_path / "info.zeek"
    path.write_text(SCRIPT, "utf-8")
    return path


def test_columns_have_the_comments_above_them(script: Path) -> None:
    script.write_text(SCRIPT.replace("\t\tports", "\t\t## Ports.\n\t\tports"), "utf-8")
    assert log_page.columns(script, "type Info: record {") == (
        log_page.Column("frame", "string", True, "Number of it, such as `1E`."),
        log_page.Column("ports", "set[string]", False, "Ports."),
    )


def test_a_column_without_words_is_a_mistake_with_its_line(script: Path) -> None:
    with pytest.raises(DefinitionError, match=r"info\.zeek:7:1: the column ports has no description"):
        log_page.columns(script, "type Info: record {")


def test_a_record_that_is_gone_is_a_mistake(script: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no record with columns of a log"):
        log_page.columns(script, "type Gone: record {")


def test_the_page_has_every_column_of_the_scripts(checkout: Path) -> None:
    scripts = checkout / "zeek" / "scripts"
    text = log_page.render(scripts)[log_page.PATH].decode("utf-8")
    names = {column.name for log in log_page.LOGS for column in log_page.columns(scripts / log.script, log.record)}
    # Counted without the parser, so that a column in a form that it does not know is missed.
    marked = sum(path.read_text("utf-8").count("&log") for path in scripts.glob("*.zeek"))
    assert sum(len(log_page.columns(scripts / log.script, log.record)) for log in log_page.LOGS) == marked
    assert all(f"\n| `{name}` |" in text for name in names)

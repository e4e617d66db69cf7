"""What all generated files have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

NOTE = "Generated from the melsec-nsm definition by `melsec-nsm generate`. Do not edit."
"""First line of every generated file, behind the comment sign of its language."""


def comment(sign: str = "#") -> str:
    """The first line of a generated file."""
    return f"{sign} {NOTE}"


def identifier(name: str) -> str:
    """``3e-binary`` as a part of an identifier: ``3E_Binary``."""
    return "_".join(word.capitalize() if not word[0].isdigit() else word.upper() for word in name.split("-"))


def quoted(text: str) -> str:
    """A string literal as Zeek reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown, or a word where there are no rows."""
    rows = list(rows)
    if not rows:
        yield "None."
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"

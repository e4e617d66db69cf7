"""The pages by hand and README: what stands in them to be run, loaded, checked and followed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")
_HEADING = re.compile(r"^#+ (?P<text>.+)$")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, its language, and the paragraph before it."""

    page: str
    line: int
    heading: str
    language: str
    text: str
    before: str

    @property
    def first(self) -> str:
        """Its first line."""
        return self.text.partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages(checkout: Path) -> list[str]:
    """README and all pages, by their paths in the checkout."""
    found = sorted(path.relative_to(checkout).as_posix() for path in checkout.glob("tools/docs/**/*.md"))
    return ["README.md", *found]


def blocks(checkout: Path, page: str) -> list[Block]:
    """The fenced blocks of a page, from the top."""
    found: list[Block] = []
    heading, paragraph = "", ""
    inside: list[str] | None = None
    began, language, over = 0, "", True
    for number, line in enumerate((checkout / page).read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is not None:
            if fence is not None:
                text = textwrap.dedent("".join(f"{one}\n" for one in inside)) if fence["indent"] else "\n".join(inside)
                found.append(Block(page, began, heading, language, text.rstrip("\n") + "\n", paragraph.strip()))
                inside, paragraph, over = None, "", True
            else:
                inside.append(line)
        elif fence is not None:
            inside, began, language = [], number, fence["language"]
        elif (above := _HEADING.match(line)) is not None:
            heading, paragraph = above["text"], ""
        elif line.strip():
            paragraph = line.strip() if over else f"{paragraph} {line.strip()}"
            over = False
        else:
            over = True
    assert inside is None, f"{page}:{began}: a block that does not end"
    return found


def commands_of(checkout: Path, page: str) -> dict[str, list[str]]:
    """The commands of a page by the heading that they stand below."""
    found: dict[str, list[str]] = {}
    for block in blocks(checkout, page):
        if block.language == "sh":
            found.setdefault(block.heading, []).append(block.text)
    return found


def prose(checkout: Path, page: str) -> Iterator[tuple[int, str]]:
    """The lines of a page that are no blocks, with their numbers."""
    inside = False
    for number, line in enumerate((checkout / page).read_text("utf-8").splitlines(), 1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def links(checkout: Path, page: str) -> Iterator[tuple[int, str]]:
    """The targets of links within the checkout, with the lines that they stand in."""
    for number, line in prose(checkout, page):
        for found in _LINK.finditer(line):
            if not re.match(r"[a-z]+:", found["target"]):
                yield number, found["target"]


def anchors(checkout: Path, page: str) -> set[str]:
    """What links to headings of a page are called, as GitHub makes them."""
    found: set[str] = set()
    for _, line in prose(checkout, page):
        if (heading := _HEADING.match(line)) is not None:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"])
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            number = 0
            while (unique := f"{name}-{number}" if number else name) in found:
                number += 1
            found.add(unique)
    return found

"""YAML files read with the position of every key and value.

YAML 1.1, as PyYAML reads it, has traps for people who write protocol facts: ``010`` is eight,
``on`` is true, ``12:30`` is 750, a second key of the same name silently wins. A `Document` holds
plain JSON-like data without these surprises: it reports the first two and the last, and leaves
the third as the text that it is. Mapping keys keep the spelling of the file (``0x0002`` stays
``0x0002``), so that every value can be found again by its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from melsec_nsm.definitions.model import Issue, Location

DataPath = tuple[str | int, ...]
"""The way to a value: mapping keys as spelled in the file, list positions from 0."""

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_TEXT = f"{_TAG}str"
_TAGS = frozenset(
    _TAG + kind for kind in ("str", "null", "bool", "int", "float", "timestamp", "merge", "value", "seq", "map")
)
_INTEGER = re.compile(r"[-+]?(0x[0-9a-fA-F_]+|0b[01_]+|0|[1-9][0-9_]*)")
_LEADING_ZERO = re.compile(r"[-+]?0(o[0-7_]+|[0-9_]+)")
_TRUTH = {"true": True, "false": False}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Document:
    """One file: its ``data``, what is wrong with it so far, and where everything stands.

    ``readable`` is False where there is no data at all (a syntax error, an empty file);
    ``flaws`` are the paths of the values that an issue has been reported for.
    """

    name: str
    root: yaml.Node | None = None
    data: Any = None
    issues: list[Issue] = field(default_factory=list)
    flaws: list[DataPath] = field(default_factory=list)

    @property
    def readable(self) -> bool:
        """Whether the file could be read as YAML."""
        return self.root is not None

    def sound(self, path: DataPath = ()) -> bool:
        """Whether nothing is known to be wrong with the value at ``path`` or below it."""
        return not any(flaw[: len(path)] == path for flaw in self.flaws)

    def locate(self, path: DataPath = ()) -> Location:
        """Where a value stands; where there is none, the nearest value around it."""
        return self._location(self._find(path)[1])

    def locate_key(self, path: DataPath) -> Location:
        """Where the key of a mapping entry stands (of a list item: the item)."""
        key, value = self._find(path)
        return self._location(key if key is not None else value)

    def spelling(self, path: DataPath) -> str:
        """A scalar as the file spells it, empty for lists and mappings."""
        node = self._find(path)[1]
        return str(node.value) if isinstance(node, yaml.ScalarNode) else ""

    def report(self, path: DataPath, message: str, hint: str = "", *, key: bool = False) -> None:
        """Note an issue at a value, or at its key."""
        location = self.locate_key(path) if key else self.locate(path)
        self.issues.append(Issue(location, message, hint))
        self.flaws.append(path)

    def _location(self, node: yaml.Node | None) -> Location:
        if node is None:
            return Location(self.name, 1, 1)
        return Location(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def _find(self, path: DataPath) -> tuple[yaml.Node | None, yaml.Node | None]:
        key: yaml.Node | None = None
        node = self.root
        for step in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                key, node = None, node.value[step]
            elif isinstance(node, yaml.MappingNode):
                for entry_key, entry_value in node.value:
                    if entry_key.value == step:
                        key, node = entry_key, entry_value
                        break
                else:
                    return None, node
            else:
                return None, node
        return key, node


def read_document(file: Path, name: str) -> Document:
    """The document in a file; ``name`` is what its issues call it."""
    try:
        octets = file.read_bytes()
    except OSError as error:
        reason = error.strerror or "unknown reason"
        return Document(name, issues=[Issue(Location(name, 1, 1), f"cannot read this file: {reason}")])
    return parse_document(octets, name)


def parse_document(octets: bytes, name: str) -> Document:
    """The document in the octets of a YAML file. Never fails: what is wrong is in its issues."""
    document = Document(name)
    text = _decode(octets, document)
    if text is None:
        return document
    try:
        root = _compose(text)
    except yaml.MarkedYAMLError as error:
        document.issues.append(_syntax_issue(error, text, name))
        return document
    if root is None:
        document.issues.append(Issue(Location(name, 1, 1), "this file is empty"))
        return document
    document.root = root
    document.data = _Builder(document).build(root)
    return document


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        root: yaml.Node | None = loader.get_single_node()
        return root
    finally:
        loader.dispose()


def _decode(octets: bytes, document: Document) -> str | None:
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode("utf-8-sig", "replace")
        location = _at(before, len(before), document.name)
        issue = Issue(location, f"this is no UTF-8 text: octet 0x{octets[error.start]:02X}", "save the file as UTF-8")
        document.issues.append(issue)
        return None
    found = _UNPRINTABLE.search(text)
    if found:
        location = _at(text, found.start(), document.name)
        issue = Issue(location, f"control character U+{ord(found.group()):04X} in the text", "remove it")
        document.issues.append(issue)
        return None
    return text


def _at(text: str, offset: int, name: str) -> Location:
    before = text[:offset]
    return Location(name, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _syntax_issue(error: yaml.MarkedYAMLError, text: str, name: str) -> Issue:
    mark = error.problem_mark or error.context_mark
    location = Location(name, mark.line + 1, mark.column + 1) if mark else Location(name, 1, 1)
    problem = str(error.problem or "cannot be read")
    if "another document" in problem:
        return Issue(location, "a second document begins here", "one document a file; remove the '---'")
    hint = str(error.context or "")
    if "cannot start any token" in problem and _stands_at_tab(text, location):
        hint = "indent with blanks, never with tabs"
    elif "mapping values are not allowed" in problem:
        hint = "quote text that contains ': ', and check the indentation"
    elif "alias" in problem:
        hint = "quote text that begins with *"
    elif hint and error.context_mark is not None:
        hint = f"{hint} that began on line {error.context_mark.line + 1}"
    return Issue(location, f"no valid YAML: {problem}", hint)


def _stands_at_tab(text: str, location: Location) -> bool:
    lines = text.split("\n")
    return location.line <= len(lines) and lines[location.line - 1][location.column - 1 :].startswith("\t")


class _Builder:
    """Plain data from the nodes of a document, with an issue for each trap of YAML 1.1."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: set[int] = set()

    def build(self, node: yaml.Node, path: DataPath = ()) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._check_tag(node, path)
        if id(node) in self._open:
            self._report(node, path, "this alias stands inside what it refers to")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, position)) for position, item in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)
            return dict(self._entries(node, path))
        finally:
            self._open.discard(id(node))

    def _entries(self, node: yaml.MappingNode, path: DataPath) -> Iterator[tuple[str, Any]]:
        seen: dict[str | int, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._report(key, path, "a list or mapping cannot be a key", "quote it if it is meant as text")
                continue
            text = str(key.value)
            self._scalar(key, (*path, text))
            identity: str | int = int(text.replace("_", ""), 0) if _INTEGER.fullmatch(text) else text
            if identity in seen:
                first = seen[identity]
                self._report(key, (*path, text), f"key '{text}' stands twice", f"first on line {first}")
                continue
            seen[identity] = key.start_mark.line + 1
            yield text, self.build(value, (*path, text))

    def _scalar(self, node: yaml.ScalarNode, path: DataPath) -> Any:
        text = str(node.value)
        if node.style:
            # Quoted and block text is text whatever it looks like, unless a tag says otherwise.
            if node.tag == _TEXT:
                return text
        elif text[:1] in "0+-" and _LEADING_ZERO.fullmatch(text):
            digits = text.lstrip("+-0oO") or "0"
            self._report(node, path, f"'{text}' looks like an octal number", f'write 0x{digits} or quote it: "{text}"')
            return text
        if node.tag == _TEXT:
            return text
        if not self._check_tag(node, path):
            return text
        kind = node.tag[len(_TAG) :]
        if kind == "null":
            return None
        if kind == "bool":
            truth = _TRUTH.get(text.lower())
            if truth is None:
                self._report(node, path, f"YAML reads '{text}' as a truth value", f'quote it: "{text}"')
                return text
            return truth
        if kind == "int" and _INTEGER.fullmatch(text):
            return int(text.replace("_", ""), 0)
        if kind == "float":
            try:
                return float(text.replace("_", ""))
            except ValueError:
                return text
        # Dates and sexagesimal numbers: no value of a definition is one, so they are the text they look like.
        return text

    def _check_tag(self, node: yaml.Node, path: DataPath) -> bool:
        if node.tag in _TAGS:
            return True
        self._report(node, path, f"tag '{node.tag}' is not supported", "remove it")
        return False

    def _report(self, node: yaml.Node, path: DataPath, message: str, hint: str = "") -> None:
        location = Location(self._document.name, node.start_mark.line + 1, node.start_mark.column + 1)
        issue = Issue(location, message, hint)
        if issue not in self._document.issues:
            self._document.issues.append(issue)
        self._document.flaws.append(path)

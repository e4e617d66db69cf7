"""Files to definition: finding them, reading them, and naming everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from melsec_nsm.definitions.builder import build
from melsec_nsm.definitions.bundle import Bundle
from melsec_nsm.definitions.checks import check_meaning
from melsec_nsm.definitions.document import Document, read_document
from melsec_nsm.definitions.model import Definition, DefinitionError, Issue, Location
from melsec_nsm.definitions.schema import check_structure

PACKAGED = Path(__file__).parent

# The order decides in which of two files a name "stands twice".
_PLACES = (
    ("protocols/*.yaml", "protocol"),
    ("codes/*.yaml", None),
    ("attack.yaml", "attack"),
    ("engineering.yaml", "engineering"),
    ("captures/*.yaml", "captures"),
    ("detections/*.yaml", "detection"),
    ("lock.yaml", "lock"),
    ("revisions.yaml", "revisions"),
)
_TOP_KEYS = {
    "protocol": "protocol",
    "devices": "devices",
    "table": "statuses",
    "statuses": "statuses",
    "models": "models",
    "file_kinds": "engineering",
    "id": "detection",
    "captures": "captures",
    "techniques": "attack",
    "lock": "lock",
    "revisions": "revisions",
}
_IDENTITIES = {"protocol": "protocol", "statuses": "table", "detection": "id"}


def load(root: Path | None = None) -> Definition:
    """The definition below ``root``; the packaged one where no root is given.

    Raises:
        DefinitionError: something is wrong; carries every issue, with paths relative to ``root``.
    """
    base = root or PACKAGED
    documents = list(_read_all(base))
    bundle = _assemble(documents)
    issues = [*_issues(bundle, documents), *_overlooked(base)]
    if not documents:
        issues.append(Issue(Location(str(base), 1, 1), "no definition files here"))
    if issues:
        raise DefinitionError(issues)
    return build(bundle)


def validate_files(paths: Iterable[Path], root: Path | None = None) -> list[Issue]:
    """Everything wrong with the files, each taken as part of the packaged definition.

    A file replaces the packaged file that holds the same thing (the same protocol, detection id
    or table, or the same file name for captures) and is an addition to the definition otherwise.
    """
    base = root or PACKAGED
    given = [(path, *_read(path, str(path), _kind_by_folder(path))) for path in paths]
    resolved = {path.resolve() for path, _, _ in given}
    identities = {_identity(document, kind) for _, document, kind in given if kind is not None}
    documents = [
        (document, kind)
        for document, kind in _read_all(base)
        if (base / document.name).resolve() not in resolved and _identity(document, kind) not in identities
    ]
    documents += [(document, kind) for _, document, kind in given]
    return sorted(_issues(_assemble(documents), documents))


Read = tuple[Document, "str | None"]
"""A document and its kind, None where it cannot be told."""


def _read_all(root: Path) -> Iterator[Read]:
    for pattern, kind in _PLACES:
        for file in sorted(root.glob(pattern)):
            yield _read(file, file.relative_to(root).as_posix(), kind)


def _overlooked(root: Path) -> Iterator[Issue]:
    """Files that somebody expects to count, and that no place takes up."""
    for file in sorted([*root.glob("*.yml"), *root.glob("*/*.yml")]):
        name = file.relative_to(root).as_posix()
        yield Issue(Location(name, 1, 1), "this file is not read", "definition files end in .yaml")


def _read(file: Path, name: str, kind: str | None) -> Read:
    document = read_document(file, name)
    if not document.readable:
        return document, kind
    found = kind or _kind_by_key(document)
    if found is None:
        expected = ", ".join(sorted(set(_TOP_KEYS) - {"statuses"}))
        message = "cannot tell what kind of definition this is"
        document.report((), message, f"it should have one of the keys {expected}")
    else:
        check_structure(document, found)
    return document, found


def _kind_by_key(document: Document) -> str | None:
    keys = list(document.data) if isinstance(document.data, dict) else []
    # A detection has `captures` too, so its `id` is looked for first.
    for key, kind in sorted(_TOP_KEYS.items(), key=lambda item: item[0] == "captures"):
        if key in keys:
            return kind
    return None


def _kind_by_folder(path: Path) -> str | None:
    """The kind of a file that stands where such files stand, so that a lost top key can be named."""
    folder = path.resolve().parent.name
    folders = {pattern.split("/")[0]: kind for pattern, kind in _PLACES if "/" in pattern}
    return folders.get(folder)


def _identity(document: Document, kind: str | None) -> tuple[str | None, str]:
    """What a file replaces: one of the same identity."""
    if kind is None or kind == "captures":
        return kind, Path(document.name).name
    key = _IDENTITIES.get(kind)
    if key is None:
        return kind, ""
    name = document.data.get(key) if isinstance(document.data, dict) else None
    return kind, name if isinstance(name, str) else Path(document.name).stem


def _assemble(documents: list[Read]) -> Bundle:
    bundle = Bundle()
    for document, kind in documents:
        if kind is not None:
            bundle.add(kind, document)
    return bundle


def _issues(bundle: Bundle, documents: list[Read]) -> list[Issue]:
    found = [issue for document, _ in documents for issue in document.issues]
    return list(dict.fromkeys(found + check_meaning(bundle)))

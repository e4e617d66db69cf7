"""Why published rules changed or are gone, as their authors say it."""

from __future__ import annotations

from pathlib import Path

from melsec_nsm.definitions.bundle import Bundle
from melsec_nsm.definitions.checks.codes import revisions_unique
from melsec_nsm.definitions.document import read_document
from melsec_nsm.definitions.model import DefinitionError, Reasons
from melsec_nsm.definitions.schema import check_structure

REVISIONS_FILE = Path(__file__).parent / "revisions.yaml"


def read(file: Path = REVISIONS_FILE) -> Reasons:
    """The reasons in a file.

    Raises:
        DefinitionError: the file is damaged, or not there.
    """
    document = read_document(file, file.name)
    bundle = Bundle()
    if document.readable:
        check_structure(document, "revisions")
        bundle.add("revisions", document)
    issues = [*document.issues, *revisions_unique(bundle)]
    if issues:
        raise DefinitionError(issues)
    return Reasons(
        revisions={
            (entry.text("id"), entry.number("rev") or 0): " ".join(entry.text("why").split())
            for entry in bundle.entries("revisions", "revisions")
        },
        retired={
            entry.text("id"): " ".join(entry.text("why").split()) for entry in bundle.entries("revisions", "retired")
        },
    )

"""From a file to a policy, or to everything that is wrong with it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from melsec_nsm.definitions.bundle import Entry
from melsec_nsm.definitions.document import Document, parse_document, read_document
from melsec_nsm.definitions.model import Definition, DefinitionError, Issue
from melsec_nsm.definitions.schema import check_structure
from melsec_nsm.policy.builder import build
from melsec_nsm.policy.checks import CHECKS, advice
from melsec_nsm.policy.facts import Facts
from melsec_nsm.policy.model import Policy

KIND = "policy"
_TOP_KEY = "site"


class PolicyError(DefinitionError):
    """The policy cannot be used. Carries every issue found, in file order."""


def load(file: Path, definition: Definition) -> Policy:
    """The policy in a file.

    Raises:
        PolicyError: something is wrong; carries every issue, with the path as given.
    """
    with _no_collector():
        return _policy(read_document(file, str(file)), definition)


def parse(octets: bytes, name: str, definition: Definition) -> Policy:
    """The policy in the octets of a file; its issues call it ``name``. PolicyError as `load`."""
    with _no_collector():
        return _policy(parse_document(octets, name), definition)


def validate(file: Path, definition: Definition) -> list[Issue]:
    """Everything wrong with a policy file, in file order."""
    with _no_collector():
        issues, _ = _examine(read_document(file, str(file)), definition)
    return issues


def is_policy(file: Path) -> bool:
    """Whether a file is meant as a policy, however faulty: it names a site."""
    document = read_document(file, str(file))
    return isinstance(document.data, dict) and _TOP_KEY in document.data


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without the garbage collector, which takes half the time: nothing of the tree of a large policy can be freed."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _policy(document: Document, definition: Definition) -> Policy:
    issues, facts = _examine(document, definition)
    if issues or facts is None:
        raise PolicyError(issues)
    return build(facts, tuple(sorted(advice(facts))))


def _examine(document: Document, definition: Definition) -> tuple[list[Issue], Facts | None]:
    """What is wrong with a policy; its facts, where there are any."""
    if not document.readable:
        return sorted(document.issues), None
    check_structure(document, KIND)
    facts = Facts(Entry(document, (), document.data), definition) if isinstance(document.data, dict) else None
    found = [issue for check in CHECKS for issue in check(facts)] if facts is not None else []
    return sorted(dict.fromkeys([*document.issues, *found])), facts

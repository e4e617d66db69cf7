"""The JSON Schemas, and the packaged definition against them and against every check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from melsec_nsm.definitions import document, load
from melsec_nsm.definitions.document import parse_document
from melsec_nsm.definitions.loader import PACKAGED
from melsec_nsm.definitions.model import ANY, ENGINES, SEVERITIES
from melsec_nsm.definitions.schema import KINDS, SCHEMA_DIRECTORY, check_structure, classes, schema_of

DESIGN_CLASSES = [
    *("read", "write", "monitor", "control", "identify", "authenticate", "file"),
    *("memory", "diagnose", "configure", "cyclic", "session", "unknown"),
]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """All parts of a schema that describe a mapping with named keys."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_valid(kind: str) -> None:
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"]


def test_every_schema_file_is_used() -> None:
    names = {file.name for file in SCHEMA_DIRECTORY.iterdir()}
    assert names == {f"{kind}.schema.json" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_schema_explains_every_key_and_refuses_others(kind: str) -> None:
    found = list(objects(schema_of(kind)))
    for schema in found:
        assert schema["additionalProperties"] is False
        for key, value in schema["properties"].items():
            assert value.get("description") or "$ref" in value, key
    assert found


def test_vocabulary_is_that_of_the_model() -> None:
    detection = schema_of("detection")["properties"]
    assert classes() == tuple(DESIGN_CLASSES)
    assert detection["when"]["properties"]["class"]["items"]["enum"] == [*DESIGN_CLASSES, ANY]
    assert tuple(detection["severity"]["enum"]) == SEVERITIES
    assert tuple(detection["unsupported"]["properties"]) == ENGINES


def test_value_with_an_issue_is_not_reported_again() -> None:
    read = parse_document(b"table: toy\nstatuses: on\n", "f.yaml")
    check_structure(read, "statuses")
    assert [str(issue) for issue in read.issues] == ["f.yaml:2:11: YAML reads 'on' as a truth value (quote it: \"on\")"]


def test_packaged_definition_loads() -> None:
    definition = load()
    assert {"slmp", "melsoft"} <= set(definition.protocols)
    names = {str(file.relative_to(PACKAGED)) for file in PACKAGED.glob("detections/*.yaml")}
    assert {detection.location.path for detection in definition.detections.values()} == names
    for protocol in definition.protocols.values():
        for command in protocol.commands:
            assert command.frames
            assert set(command.request) <= set(command.subcommands)


def test_packaged_definition_loads_by_root_too() -> None:
    assert load(Path(PACKAGED)) == load()


def test_packaged_definition_needs_no_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    # The two parsers differ in a few places, such as "[really?]"; the data must keep clear of them.
    expected = load()
    monkeypatch.setattr(document, "_Loader", yaml.SafeLoader)
    assert load() == expected

"""The structure of the files: JSON Schema, with errors in plain words at their position.

The schemas in ``schema/`` are the only description of the structure; editors use the same files.
Two annotations of them serve the messages: ``patternErrorMessage`` (known to editors too) says in
words what a pattern asks for, ``errorMessage`` what a choice between alternatives asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from melsec_nsm.definitions.document import DataPath, Document
from melsec_nsm.definitions.hints import near, suggest

KINDS = (
    *("protocol", "devices", "statuses", "models", "engineering", "detection", "captures", "attack", "lock"),
    *("revisions", "policy"),
)
"""The kinds of files, each with a schema of that name."""

SCHEMA_DIRECTORY = Path(__file__).parent / "schema"

_TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "null": "nothing",
}


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a kind of file, as it stands in the package."""
    text = (SCHEMA_DIRECTORY / f"{kind}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def classes() -> tuple[str, ...]:
    """The classes of operations, in the schema's order."""
    command = schema_of("protocol")["$defs"]["command"]
    return tuple(command["properties"]["class"]["enum"])


def check_structure(document: Document, kind: str) -> None:
    """Report everything in a readable document that its schema does not allow.

    Values that already have an issue (an octal number, a duplicate key) are not reported again.
    """
    reader = _Reader(document)
    for error in _validator(kind).iter_errors(document.data):
        reader.read(error)
    reader.finish()


def _is_integer(_checker: Any, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# The draft takes 1.0 for an integer; here it is a slip of the pen.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
_EXTEND: Any = validators.extend
_Validator: Any = _EXTEND(Draft202012Validator, type_checker=_TYPES)


@cache
def _validator(kind: str) -> Any:
    return _Validator(schema_of(kind))


class _Reader:
    """Turns the validator's errors into issues of the document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._missing: dict[DataPath, list[str]] = {}
        self._guessed: set[tuple[DataPath, str]] = set()
        self._before = list(document.flaws)

    def read(self, error: ValidationError) -> None:
        """Report one error, unless its value has been reported before."""
        path: DataPath = tuple(error.absolute_path)
        keyword = str(error.validator)
        if keyword == "required":
            missing = self._missing.setdefault(path, [])
            instance: Any = error.instance
            assert isinstance(error.validator_value, list)
            missing += [key for key in error.validator_value if key not in instance and key not in missing]
            return
        if keyword == "additionalProperties":
            self._unknown_keys(error, path)
            return
        schema_path = list(error.absolute_schema_path)
        if len(schema_path) > 1 and schema_path[-2] == "propertyNames":
            key = str(error.instance)
            self._report((*path, key), f"key '{key}' {_asked(error)}", key=True)
            return
        if path in self._before:
            return
        explain = _EXPLANATIONS.get(keyword, _explain_other)
        message, hint = explain(error, path, self._document)
        self._report(path, message, hint)

    def finish(self) -> None:
        """Report the missing keys, without those that were only misspelled."""
        for path, keys in self._missing.items():
            for key in keys:
                if (path, key) not in self._guessed:
                    self._report(path, f"{_where(path)}lacks the key '{key}'")

    def _unknown_keys(self, error: ValidationError, path: DataPath) -> None:
        schema: Any = error.schema
        instance: Any = error.instance
        known = list(schema.get("properties", {}))
        patterns = list(schema.get("patternProperties", {}))
        for key in instance:
            if key in known or any(re.search(pattern, key) for pattern in patterns):
                continue
            custom = schema.get("unknownKeyMessage")
            message = f"key '{key}' {custom}" if custom else f"unknown key '{key}'"
            free = [name for name in known if name not in instance]
            guess = near(key, free)
            if guess is not None:
                self._guessed.add((path, guess))
            if guess is None and instance[key] is None:
                # In {note: this, that} the rest of the text after the comma is a key without a value.
                hint = "quote text that contains a comma"
            else:
                # A key that is there already may be meant too: it was written twice, once wrong.
                hint = suggest(key, known if guess is None and near(key, known) else free, "keys")
            self._report((*path, key), message, hint, key=True)

    def _report(self, path: DataPath, message: str, hint: str = "", *, key: bool = False) -> None:
        if path not in self._before:
            self._document.report(path, message, hint, key=key)


def _label(path: DataPath) -> str:
    """What a message calls a value: ``severity``, ``attack[1]``, or ``this file``."""
    label = ""
    for step in reversed(path):
        if isinstance(step, str):
            return step + label
        label = f"[{step}]{label}"
    return label or "this file"


def _where(path: DataPath) -> str:
    if not path:
        return "this file "
    return f"{_label(path)} " if isinstance(path[-1], str) else "this entry "


def _found(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        short = value.strip().replace("\n", " ")
        return f"'{short[:37]}...'" if len(short) > 40 else f"'{short}'"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    return f"the number {value}"


def _asked(error: ValidationError) -> str:
    assert isinstance(error.schema, Mapping)
    return str(error.schema.get("patternErrorMessage", f"must match {error.validator_value}"))


Explanation = tuple[str, str]


def _explain_type(error: ValidationError, path: DataPath, document: Document) -> Explanation:
    wanted = error.validator_value
    types = [wanted] if isinstance(wanted, str) else list(wanted) if isinstance(wanted, list) else []
    names = " or ".join(_TYPE_NAMES.get(name, name) for name in types)
    value = error.instance
    hint = ""
    if "string" in types and isinstance(value, (int, float)):
        hint = f'quote it: "{document.spelling(path)}"'
    elif "array" in types and isinstance(value, (str, int)):
        hint = f"write [{document.spelling(path)}]"
    elif types == ["integer"] and isinstance(value, str) and re.fullmatch(r"[0-9A-Fa-f]{1,8}", value):
        hint = f"write 0x{value} if it is hexadecimal"
    elif types == ["integer"] and isinstance(value, str) and re.fullmatch(r"0[xX][0-9A-Fa-f]+|[0-9]+", value):
        hint = f"write {value} without quotes"
    return f"{_label(path)} must be {names}, found {_found(value)}", hint


def _explain_enum(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    allowed = [str(value) for value in error.validator_value] if isinstance(error.validator_value, list) else []
    hint = suggest(str(error.instance), allowed, "one of")
    return f"{_label(path)} cannot be {_found(error.instance)}", hint or f"one of: {', '.join(allowed)}"


def _explain_pattern(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    return f"{_label(path)} {_asked(error)}, found {_found(error.instance)}", ""


def _explain_limit(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    limit = error.validator_value
    assert isinstance(limit, int)
    bound = {"minimum": "at least", "maximum": "at most", "multipleOf": "a multiple of"}[str(error.validator)]
    shown = f"0x{limit:X}" if limit > 9 and limit & (limit + 1) == 0 else str(limit)
    return f"{_label(path)} must be {bound} {shown}, found {error.instance}", ""


def _explain_empty(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    return f"{_label(path)} must not be empty", ""


def _explain_one_key(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    instance: Any = error.instance
    keys = ", ".join(str(key) for key in instance)
    return f"{_label(path)} must have one key, found {keys}", "write a list of mappings of one key each"


def _explain_unique(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    instance: Any = error.instance
    values = [str(value) for value in instance]
    twice = sorted({value for value in values if values.count(value) > 1})
    return f"{_label(path)} names {', '.join(twice)} twice", ""


def _explain_choice(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    assert isinstance(error.schema, Mapping)
    return f"{_where(path)}{error.schema.get('errorMessage', 'fits none of the alternatives')}", ""


def _explain_too_many(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    assert isinstance(error.schema, Mapping)
    asked = error.schema.get("maxItemsMessage", f"must have at most {error.validator_value} items")
    return f"{_label(path)} {asked}", ""


def _explain_other(error: ValidationError, path: DataPath, _document: Document) -> Explanation:
    return f"{_label(path)} is not allowed: {error.message}", ""


_EXPLANATIONS: dict[str, Callable[[ValidationError, DataPath, Document], Explanation]] = {
    "type": _explain_type,
    "enum": _explain_enum,
    "pattern": _explain_pattern,
    "minimum": _explain_limit,
    "maximum": _explain_limit,
    "multipleOf": _explain_limit,
    "minLength": _explain_empty,
    "minItems": _explain_empty,
    "minProperties": _explain_empty,
    "maxProperties": _explain_one_key,
    "uniqueItems": _explain_unique,
    "maxItems": _explain_too_many,
    "anyOf": _explain_choice,
    "oneOf": _explain_choice,
}

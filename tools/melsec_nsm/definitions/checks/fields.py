"""Rules for the fields of headers and payload layouts."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from melsec_nsm.definitions.bundle import Bundle, Entry
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import Issue
from melsec_nsm.definitions.values import OCTETS, fits, parse_octets, parse_range


@dataclass(frozen=True)
class FieldList:
    """The fields of one half of a frame, or of a layout."""

    owner: Entry
    key: str
    fields: tuple[Entry, ...]

    @property
    def header(self) -> bool:
        """Whether this is a header, not a payload."""
        return self.key != "fields"


def field_lists(bundle: Bundle) -> Iterator[FieldList]:
    """All lists of fields."""
    for file in bundle.of("protocol"):
        for frame in file.children("frames"):
            for half in ("request", "response"):
                if isinstance(frame.get(half), list):
                    yield FieldList(frame, half, tuple(frame.children(half)))
        for layout in file.children("layouts"):
            yield FieldList(layout, "fields", tuple(layout.children("fields")))


def _headers(bundle: Bundle) -> Iterator[FieldList]:
    return (fields for fields in field_lists(bundle) if fields.header and fields.fields)


def _sound_fields(bundle: Bundle) -> Iterator[Entry]:
    return (entry for fields in field_lists(bundle) for entry in fields.fields if entry.sound())


def _open_ended(entry: Entry) -> bool:
    """Whether a field takes all the octets that are left."""
    sized = any(key in entry.data for key in ("size", "size_of", "sizes", "const"))
    return entry.get("type") in {"bytes", "text"} and not sized


def names_unique(bundle: Bundle) -> Iterator[Issue]:
    """A field name stands once in a header or layout."""
    for fields in field_lists(bundle):
        yield from repeated(by_text(fields.fields, "field"), "field '{}'")


def keys_fit_type(bundle: Bundle) -> Iterator[Issue]:
    """A field has only keys that mean something for its type."""
    for entry in _sound_fields(bundle):
        kind = entry.text("type")
        allowed = set(_COMMON_KEYS)
        if kind in OCTETS:
            allowed |= {"const", "default", "allowed", "counts", "minimum", "maximum", "names"}
        elif kind == "device":
            allowed |= {"parts"}
            if "parts" not in entry.data:
                yield entry.issue("a device field needs 'parts'", hint="such as parts: {number: u24, code: u8}")
        else:
            allowed |= {"const", "default", "size", "size_of", "sizes"} | ({"charset"} if kind == "text" else set())
        for key in entry.data:
            if key not in allowed:
                yield entry.issue(f"'{key}' means nothing for a field of type {kind}", key, key=True)
        sizes = [key for key in ("size", "size_of", "sizes") if key in entry.data]
        if len(sizes) > 1:
            yield entry.issue(f"only one of {' and '.join(sizes)} can say how long a field is", sizes[1], key=True)


_COMMON_KEYS = ("field", "type", "role", "secret", "note")


def constants_fit(bundle: Bundle) -> Iterator[Issue]:
    """Constants and defaults have the type and the size of their field."""
    for entry in _sound_fields(bundle):
        kind = entry.text("type")
        for key in ("const", "default"):
            if key in entry.data and (kind in OCTETS or kind in {"bytes", "text"}):
                yield from _value_fits(entry, key, kind)


def _value_fits(entry: Entry, key: str, kind: str) -> Iterator[Issue]:
    value = entry.get(key)
    if kind in OCTETS:
        if not isinstance(value, int):
            yield entry.issue(f"{key} of a {kind} field must be a number", key, hint="such as 0x1C")
        elif not fits(value, kind):
            yield entry.issue(f"{key} {value} does not fit type {kind}", key)
        return
    if kind == "text":
        if not isinstance(value, str):
            spelling = entry.document.spelling((*entry.path, key))
            yield entry.issue(f"{key} of a text field must be text", key, hint=f'quote it: "{spelling}"')
        return
    octets = parse_octets(value) if isinstance(value, str) else None
    if octets is None:
        yield entry.issue(f"{key} of a bytes field must be octets in hex", key, hint='such as "50 00", in quotes')
        return
    size = entry.number("size")
    if size is not None and len(octets) != size:
        yield entry.issue(f"{key} has {len(octets)} octets, the field {size}", key)


def ranges_fit(bundle: Bundle) -> Iterator[Issue]:
    """Allowed ranges are ranges, fit the type, and hold the default."""
    for entry in _sound_fields(bundle):
        kind = entry.text("type")
        items = entry.get("allowed")
        if kind not in OCTETS or not isinstance(items, list):
            continue
        ranges: list[tuple[int, int]] = []
        for position, item in enumerate(items):
            bounds = parse_range(item)
            if bounds is None:
                yield entry.issue(f"'{item}' is no range", "allowed", position, hint='such as "0x00-0xEF"')
                continue
            ranges.append(bounds)
            if bounds[0] > bounds[1]:
                yield entry.issue(f"the range '{item}' ends before it begins", "allowed", position)
            elif not fits(bounds[1], kind):
                yield entry.issue(f"'{item}' does not fit type {kind}", "allowed", position)
        default = entry.get("default")
        if isinstance(default, int) and len(ranges) == len(items) and not any(a <= default <= b for a, b in ranges):
            yield entry.issue(f"default {default} is not among the allowed values", "default")


def length_bounded(bundle: Bundle) -> Iterator[Issue]:
    """A header has one length field, of two octets and with bounds, or the sizes of its data."""
    for fields in _headers(bundle):
        lengths = [entry for entry in fields.fields if "counts" in entry.data]
        for entry in lengths[1:]:
            yield entry.issue("a header has only one length field", "counts", key=True)
        if not lengths and not any("sizes" in entry.data for entry in fields.fields):
            message = "this header has no length field, and 'data' no 'sizes'"
            yield fields.owner.issue(message, fields.key, hint="add counts: rest to the length field", key=True)
        for entry in lengths:
            if entry.sound():
                yield from _bounds(entry)


def _bounds(entry: Entry) -> Iterator[Issue]:
    if entry.get("type") not in {"u16", "u16be"}:
        yield entry.issue("a length field is of type u16", "type")
    missing = [key for key in ("minimum", "maximum") if key not in entry.data]
    if missing:
        yield entry.issue(f"a length field needs bounds: {' and '.join(missing)} missing")
        return
    minimum, maximum = entry.get("minimum"), entry.get("maximum")
    if minimum > maximum:
        yield entry.issue(f"minimum {minimum} is above maximum {maximum}", "minimum")
    elif maximum > 0xFFFF:
        yield entry.issue(f"maximum {maximum} does not fit type u16", "maximum")


def bounds_only_on_lengths(bundle: Bundle) -> Iterator[Issue]:
    """Bounds stand on length fields only, and only headers have length fields that count the rest."""
    for fields in field_lists(bundle):
        for entry in fields.fields:
            if "counts" in entry.data:
                if not fields.header:
                    yield entry.issue("only a header has a field that counts the rest", "counts", key=True)
                continue
            for key in ("minimum", "maximum"):
                if key in entry.data:
                    yield entry.issue(f"'{key}' bounds a length field only", key, hint="allowed", key=True)


def header_shape(bundle: Bundle) -> Iterator[Issue]:
    """A header begins with a constant and ends with ``data``; between them everything has a size."""
    for fields in _headers(bundle):
        first, last = fields.fields[0], fields.fields[-1]
        if "const" not in first.data:
            yield first.issue("a header begins with a field that has a 'const'", hint="its sub-header")
        if last.text("field") != "data" or last.get("type") != "bytes":
            yield last.issue("the last field of a header is 'data' of type bytes")
        for entry in fields.fields[:-1]:
            kind = entry.get("type")
            if kind in {"u24", "text", "device"} or "size_of" in entry.data or "sizes" in entry.data:
                yield entry.issue("header fields before 'data' are u8, u16, u32, u16be, or bytes of a fixed size")


def open_end_last(bundle: Bundle) -> Iterator[Issue]:
    """A field without size takes all the rest, so it is the last."""
    for fields in field_lists(bundle):
        for entry in fields.fields[:-1]:
            if _open_ended(entry):
                yield entry.issue(f"'{entry.text('field')}' has no size, so it takes all the rest and must be the last")


def sizes_refer_back(bundle: Bundle) -> Iterator[Issue]:
    """``size_of`` names an earlier number field; ``sizes`` needs a command field before it."""
    for fields in field_lists(bundle):
        numbers: list[str] = []
        names = [entry.text("field") for entry in fields.fields]
        for entry in fields.fields:
            wanted = entry.text("size_of")
            if wanted and wanted not in numbers:
                if wanted in names:
                    message = f"size_of '{wanted}' is no number field that stands before this one"
                    yield entry.issue(message, "size_of")
                else:
                    hint = suggest(wanted, numbers)
                    yield entry.issue(f"size_of '{wanted}' is no field here", "size_of", hint=hint)
            if "sizes" in entry.data and "command" not in numbers:
                yield entry.issue("'sizes' needs a field 'command' before it", "sizes", key=True)
            if entry.get("type") in OCTETS:
                numbers.append(entry.text("field"))


def charset_known(bundle: Bundle) -> Iterator[Issue]:
    """Character sets are ones that Python knows."""
    for entry in _sound_fields(bundle):
        charset = entry.text("charset")
        if not charset:
            continue
        try:
            codecs.lookup(charset)
        except LookupError:
            known = ("ascii", "utf-8", "utf-16-le", "latin-1", "shift_jis")
            yield entry.issue(f"unknown character set '{charset}'", "charset", hint=suggest(charset, known))


CHECKS = (
    names_unique,
    keys_fit_type,
    constants_fit,
    ranges_fit,
    length_bounded,
    bounds_only_on_lengths,
    header_shape,
    open_end_last,
    sizes_refer_back,
    charset_known,
)

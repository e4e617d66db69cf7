"""Rules for the fields of headers and payload layouts."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from melsec_nsm.definitions.bundle import Bundle, Entry, field_name
from melsec_nsm.definitions.checks.unique import repeated
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import Issue
from melsec_nsm.definitions.values import EXAMPLES, OCTETS, TEXTS, fits, parse_octets, parse_range


@dataclass(frozen=True)
class FieldList:
    """The fields of one half of a frame, of a layout, or of a list in a layout.

    ``outer`` holds the fields that stand around and before a list: its counts may be among them.
    """

    owner: Entry
    key: str
    fields: tuple[Entry, ...]
    outer: tuple[Entry, ...] = ()

    @property
    def header(self) -> bool:
        """Whether this is a header, not a payload."""
        return self.key in ("request", "response")


def field_lists(bundle: Bundle) -> Iterator[FieldList]:
    """All lists of fields."""
    for file in bundle.of("protocol"):
        for frame in file.children("frames"):
            for half in ("request", "response"):
                if isinstance(frame.get(half), list):
                    yield FieldList(frame, half, tuple(frame.children(half)))
        for layout in file.children("layouts"):
            yield from _with_inner(FieldList(layout, "fields", tuple(layout.children("fields"))))


def _with_inner(fields: FieldList) -> Iterator[FieldList]:
    yield fields
    for position, entry in enumerate(fields.fields):
        if "list" in entry.data:
            outer = (*fields.outer, *fields.fields[:position])
            yield from _with_inner(FieldList(entry, "of", tuple(entry.children("of")), outer))


def _headers(bundle: Bundle) -> Iterator[FieldList]:
    return (fields for fields in field_lists(bundle) if fields.header and fields.fields)


def _sound_fields(bundle: Bundle) -> Iterator[Entry]:
    return (entry for fields in field_lists(bundle) for entry in fields.fields if entry.sound())


def _kind(entry: Entry) -> str:
    """The type of a field; ``list`` for a list of fields."""
    return "list" if "list" in entry.data else entry.text("type")


def _open_ended(entry: Entry) -> bool:
    """Whether a field takes all the octets that are left."""
    if "rest" in (entry.get("count"), entry.get("count_of")):
        return True
    sized = any(key in entry.data for key in ("size", "size_of", "sizes", "const"))
    return entry.get("type") in {"bytes", "text"} and not sized


def names_unique(bundle: Bundle) -> Iterator[Issue]:
    """A field name stands once in a header or layout; lists side by side may have the same names in them."""
    for fields in field_lists(bundle):
        outer = {field_name(entry): entry for entry in fields.outer}
        named = [(entry, field_name(entry), "list" if "list" in entry.data else "field") for entry in fields.fields]
        yield from repeated(((name, entry, (key,)) for entry, name, key in named if name), "field '{}'")
        for entry, name, key in named:
            if name in outer:
                first = outer[name].locate("list" if "list" in outer[name].data else "field")
                yield entry.issue(f"field '{name}' stands twice", key, hint=f"first at {first}")


def lists_only_in_layouts(bundle: Bundle) -> Iterator[Issue]:
    """Headers hold no lists."""
    for fields in _headers(bundle):
        for entry in fields.fields:
            if "list" in entry.data:
                yield entry.issue("a header holds no list of fields", "list", key=True)


def keys_fit_type(bundle: Bundle) -> Iterator[Issue]:
    """A field has only keys that mean something for its type."""
    for entry in _sound_fields(bundle):
        kind = _kind(entry)
        allowed = {"note", "role", "only", "optional"} | _KEYS.get(kind, set())
        allowed |= {"list", "count", "of"} if kind == "list" else {"field", "type", "secret", "asset"}
        if kind in OCTETS:
            allowed |= {"const", "default", "allowed", "counts", "minimum", "maximum", "names", "zero", "flag", "base"}
        if kind in _COUNTED and "count_of" not in entry.data:
            yield entry.issue(f"a field of type {kind} needs 'count_of'", hint="the name of a field, or rest")
        for key in entry.data:
            if key not in allowed:
                yield entry.issue(f"'{key}' means nothing for a field of type {kind}", key, key=True)
        sizes = [key for key in ("size", "size_of", "sizes") if key in entry.data]
        if len(sizes) > 1:
            yield entry.issue(f"only one of {' and '.join(sizes)} can say how long a field is", sizes[1], key=True)
        if "unit_of" in entry.data and "size_of" not in entry.data:
            yield entry.issue("'unit_of' says what 'size_of' counts, which is missing", "unit_of", key=True)


_COUNTED = {"values", "words", "dwords", "device_values"}
_KEYS = {
    "bytes": {"const", "default", "size", "size_of", "sizes", "unit_of"},
    "text": {"const", "default", "size", "size_of", "sizes", "charset", "padding"},
    **{key: {"count_of"} for key in _COUNTED},
    **{key: {"default"} for key in TEXTS},
    "bit_value": {"names"},
}

_ROLES = {
    "points": {*OCTETS, "list"},
    "values": {*OCTETS, *_COUNTED, "bit_value", "bytes", "text"},
    "extension": {"text"},
    "detail": {*OCTETS, "text", "file_name", "mac", "ipv4", "ipv4be", "clock", "path"},
    "user": {"text"},
    **{key: set(OCTETS) for key in ("module", "block", "model_code", "drive", "pointer", "offset")},
}


def roles_fit_type(bundle: Bundle) -> Iterator[Issue]:
    """A role is one that a field of its type can have; what is secret is no target."""
    for fields in field_lists(bundle):
        before: Entry | None = None
        for entry in fields.fields:
            role, kind = entry.text("role"), _kind(entry)
            if role and entry.sound():
                if kind not in _ROLES.get(role, {kind} - {"list"}):
                    yield entry.issue(f"a field of type {kind} cannot have the role {role}", "role")
                elif role == "extension" and (before is None or before.get("role") != "target"):
                    yield entry.issue("the field before an extension has the role target", "role")
                elif role in ("target", "detail", "values", "user") and entry.get("secret"):
                    yield entry.issue("a secret field must not reach a log", "role", "it has no such role")
                elif role in ("detail", "drive", "pointer", "offset") and fields.key == "of":
                    yield entry.issue(f"a field of a list cannot have the role {role}", "role")
            before = entry


def conditional_fields(bundle: Bundle) -> Iterator[Issue]:
    """What is there only sometimes stands in a layout, and depends on a number field before it."""
    for fields in field_lists(bundle):
        numbers: list[str] = []
        for entry in fields.fields:
            for key in ("only", "optional"):
                if key in entry.data and fields.header:
                    yield entry.issue("a header field is always there", key, key=True)
            only = entry.child("only")
            for name in only.data if only is not None and entry.sound("only") else ():
                if name not in numbers:
                    message = f"'{name}' is no number field that stands before this one"
                    yield entry.issue(message, "only", name, hint=suggest(name, numbers), key=True)
            if entry.get("optional") and fields.key == "of":
                yield entry.issue("a field of a list cannot be optional", "optional", key=True)
            if entry.get("type") in OCTETS:
                numbers.append(entry.text("field"))


def assets_tell(bundle: Bundle) -> Iterator[Issue]:
    """What a field tells of a controller is not secret, has a type that can tell it, and stands in no header."""
    for fields in field_lists(bundle):
        for entry in fields.fields:
            told, kind = entry.text("asset"), _kind(entry)
            if not told or not entry.sound():
                continue
            if fields.header:
                yield entry.issue("a header field tells nothing of a controller", "asset", key=True)
            elif entry.get("secret"):
                yield entry.issue("a secret field must not reach the inventory", "asset", key=True)
            elif kind not in _ASSETS[told]:
                yield entry.issue(f"a field of type {kind} cannot tell the {told} of a controller", "asset")


_ASSETS = {
    "host": {"ipv4", "ipv4be"},
    "mac": {"mac"},
    "firmware": {*OCTETS, "text"},
    "serial": {*OCTETS, "text"},
}


def device_values_follow(bundle: Bundle) -> Iterator[Issue]:
    """Values of devices stand behind the device."""
    for fields in field_lists(bundle):
        before = [entry.get("type") for entry in fields.outer]
        for entry in fields.fields:
            if entry.get("type") == "device_values" and "device" not in before:
                yield entry.issue("'device_values' stand behind a device", "type", hint="words are words of any device")
            before.append(entry.get("type"))


def constants_fit(bundle: Bundle) -> Iterator[Issue]:
    """Constants and defaults have the type and the size of their field."""
    for entry in _sound_fields(bundle):
        kind = entry.text("type")
        for key in ("const", "default"):
            if key in entry.data and (kind in OCTETS or kind in {"bytes", "text"}):
                yield from _value_fits(entry, key, kind)
            elif key in entry.data and kind in TEXTS and not TEXTS[kind](entry.get(key)):
                yield entry.issue(f"{key} is no value of type {kind}", key, hint=f"such as {EXAMPLES[kind]}")
        for key in ("zero", "flag"):
            number = entry.number(key)
            # 0 may stand for one more than the type can hold.
            if number is not None and kind in OCTETS and not fits(number - (key == "zero"), kind):
                yield entry.issue(f"{key} {number} does not fit type {kind}", key)


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
    """A header has what its kind says: a length field of two octets with bounds, sizes of its data, or neither."""
    for fields in _headers(bundle):
        kind = fields.owner.text("kind") or "length"
        lengths = [entry for entry in fields.fields if "counts" in entry.data]
        sizes = [entry for entry in fields.fields if "sizes" in entry.data]
        for entry in lengths[1:]:
            yield entry.issue("a header has only one length field", "counts", key=True)
        if kind in _WITH_LENGTH and not lengths:
            message = f"this header of kind {kind} has no length field"
            yield fields.owner.issue(message, fields.key, hint="add counts: rest to the length field", key=True)
        if kind == "sizes" and not sizes:
            yield fields.owner.issue("'data' of this header of kind sizes has no 'sizes'", fields.key, key=True)
        for entry in lengths if kind not in _WITH_LENGTH else ():
            yield entry.issue(f"a header of kind {kind} has no length field", "counts", key=True)
        for entry in sizes if kind != "sizes" else ():
            yield entry.issue("'sizes' stand in a header of kind sizes only", "sizes", key=True)
        for entry in lengths:
            if entry.sound():
                yield from _bounds(entry)


_WITH_LENGTH = ("length", "stuffed")


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
    """A header begins with a constant and ends with ``data``; between them everything has a size.

    Where the layout of the command says how long a PDU is, the command may be the first field.
    """
    for fields in _headers(bundle):
        first, last = fields.fields[0], fields.fields[-1]
        if "const" not in first.data and not (fields.owner.get("kind") == "layout" and field_name(first) == "command"):
            yield first.issue("a header begins with a field that has a 'const'", hint="its sub-header")
        if last.text("field") != "data" or last.get("type") != "bytes":
            yield last.issue("the last field of a header is 'data' of type bytes")
        for entry in fields.fields[:-1]:
            kind = entry.get("type")
            varies = "size_of" in entry.data or "sizes" in entry.data
            if "list" not in entry.data and (kind not in {*_HEADER_NUMBERS, "bytes"} or varies):
                yield entry.issue("header fields before 'data' are u8, u16, u32, u16be, or bytes of a fixed size")


_HEADER_NUMBERS = ("u8", "u16", "u32", "u16be")


def open_end_last(bundle: Bundle) -> Iterator[Issue]:
    """A field without size takes all the rest, so it is the last, and in no list."""
    for fields in field_lists(bundle):
        for entry in fields.fields if fields.key == "of" else fields.fields[:-1]:
            if _open_ended(entry):
                message = f"'{field_name(entry)}' has no size, so it takes all the rest and must be the last"
                yield entry.issue(message)


def sizes_refer_back(bundle: Bundle) -> Iterator[Issue]:
    """Counts and sizes name earlier number fields; ``sizes`` needs a command field before it."""
    for fields in field_lists(bundle):
        numbers = [entry.text("field") for entry in fields.outer if entry.get("type") in OCTETS]
        names = [field_name(entry) for entry in fields.fields]
        for entry in fields.fields:
            for key in ("size_of", "unit_of", "count_of", "count"):
                yield from _refers_back(fields, entry, key, numbers, names)
            if "sizes" in entry.data and "command" not in numbers:
                yield entry.issue("'sizes' needs a field 'command' before it", "sizes", key=True)
            if entry.get("type") in OCTETS:
                numbers.append(entry.text("field"))


def _refers_back(fields: FieldList, entry: Entry, key: str, numbers: list[str], names: list[str]) -> Iterator[Issue]:
    wanted = entry.text(key)
    if not wanted or wanted in numbers or not entry.sound(key):
        return
    if wanted == "rest" and key in ("count_of", "count"):
        return
    if wanted.startswith("request."):
        known = _numbers_of_layouts(fields.owner)
        if fields.header:
            yield entry.issue(f"{key} of a header field is a field of this header", key)
        elif wanted.removeprefix("request.") not in known:
            hint = suggest(wanted.removeprefix("request."), known)
            yield entry.issue(f"no layout has a number field '{wanted.removeprefix('request.')}'", key, hint=hint)
    elif wanted in names:
        yield entry.issue(f"{key} '{wanted}' is no number field that stands before this one", key)
    else:
        yield entry.issue(f"{key} '{wanted}' is no field here", key, hint=suggest(wanted, numbers))


def _numbers_of_layouts(owner: Entry) -> list[str]:
    """Names of the number fields of all layouts in the file of an entry."""
    layouts = Entry(owner.document, (), owner.document.data).children("layouts")
    fields = (entry for layout in layouts for entry in layout.children("fields") if entry.get("type") in OCTETS)
    return list(dict.fromkeys(entry.text("field") for entry in fields))


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
    lists_only_in_layouts,
    keys_fit_type,
    roles_fit_type,
    conditional_fields,
    assets_tell,
    device_values_follow,
    constants_fit,
    ranges_fit,
    length_bounded,
    bounds_only_on_lengths,
    header_shape,
    open_end_last,
    sizes_refer_back,
    charset_known,
)

"""Rules for frames, layouts and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from melsec_nsm.definitions.bundle import Bundle, Entry, ProtocolFacts, by_field_name, digits_of, subcommands_of
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import Issue

_SOURCE_KEY = re.compile(r"[A-Z][A-Z0-9]{2,}")


def protocols_unique(bundle: Bundle) -> Iterator[Issue]:
    """A protocol has one file."""
    yield from repeated(by_text(bundle.of("protocol"), "protocol"), "protocol '{}'")


def frames_unique(bundle: Bundle) -> Iterator[Issue]:
    """Frame ids are unique over all protocols."""
    yield from repeated(by_text(bundle.entries("protocol", "frames"), "id"), "frame '{}'")


def layouts_unique(bundle: Bundle) -> Iterator[Issue]:
    """Layout names are unique in a protocol."""
    for file in bundle.of("protocol"):
        yield from repeated(by_text(file.children("layouts"), "layout"), "layout '{}'")


def codes_unique(bundle: Bundle) -> Iterator[Issue]:
    """A command code stands once in a protocol."""
    for facts in bundle.protocols.values():
        codes = (
            (f"0x{code:0{digits_of(command)}X}", command, ("code",))
            for command in facts.commands
            if (code := command.number("code")) is not None
        )
        yield from repeated(codes, "command code {}")


def operations_unique(bundle: Bundle) -> Iterator[Issue]:
    """A title names one command of a protocol; an operation too, or one about bits and one about words."""
    for facts in bundle.protocols.values():
        named = by_text(facts.commands, "operation")
        operations = (((command.text("units"), name), command, below) for name, command, below in named)
        yield from repeated(operations, "operation '{}'")
        yield from repeated(by_text(facts.commands, "title"), "title '{}'")


def units_known(bundle: Bundle) -> Iterator[Issue]:
    """A command with values of devices says what a point is, unless a sub-command does."""
    for facts in bundle.protocols.values():
        if "bit_units" in facts.entry.data:
            continue
        for command in facts.commands:
            if "units" in command.data or not command.sound():
                continue
            used = [layout for name in _layouts_of(command) if (layout := facts.layouts.get(name)) is not None]
            if any(_holds(layout, "fields", "values") for layout in used):
                yield command.issue("a command with values of devices needs 'units' here", hint="bit or word")


def _layouts_of(command: Entry) -> Iterator[str]:
    for half in ("request", "response"):
        value = command.get(half)
        for name in value.values() if isinstance(value, dict) else (value,):
            if isinstance(name, str):
                yield name


def _holds(holder: Entry, key: str, kind: str) -> bool:
    """Whether a field of a type stands among the fields of a layout or a list."""
    return any(field.get("type") == kind or _holds(field, "of", kind) for field in holder.children(key))


def frames_alike(bundle: Bundle) -> Iterator[Issue]:
    """A frame that is like another names one with fields of its own, and has none itself."""
    for facts in bundle.protocols.values():
        for frame in facts.entry.children("frames"):
            name = frame.text("like")
            if not name or not frame.sound():
                continue
            other = facts.frames.get(name)
            if other is None:
                yield frame.issue(f"unknown frame '{name}'", "like", hint=suggest(name, facts.frames))
            elif "like" in other.data:
                hint = f"like: {other.text('like')}"
                yield frame.issue(f"frame '{name}' has no fields of its own", "like", hint=hint)
            elif other.get("encoding") == frame.get("encoding"):
                yield frame.issue(f"frame '{name}' has the same encoding", "like")
            for key in ("request", "response", "kind"):
                if key in frame.data:
                    yield frame.issue(f"'{key}' comes from frame '{name}'", key, key=True)


def device_forms_complete(bundle: Bundle) -> Iterator[Issue]:
    """Device points have the forms that sub-commands can ask for, in the encodings of the frames."""
    for facts in bundle.protocols.values():
        entry, forms = facts.entry, facts.entry.child("device_forms")
        if forms is None:
            layouts = (layout for layout in entry.children("layouts") if _holds(layout, "fields", "device"))
            for layout in layouts if "device_forms" not in entry.data else ():
                yield layout.issue("a layout with devices needs 'device_forms' of the protocol")
            continue
        if not forms.sound() or not entry.sound("form_bits"):
            continue
        wanted = _FORMS if "form_bits" in entry.data else tuple(forms.data)[:1]
        for name in forms.data:
            if name not in wanted:
                hint = suggest(name, wanted) if "form_bits" in entry.data else "form_bits say which one is meant"
                yield forms.issue(f"no sub-command asks for the form '{name}'", name, hint=hint, key=True)
        for name in wanted:
            if name not in forms.data:
                yield entry.issue(f"the form '{name}' is missing", "device_forms", key=True)
        has_ascii = any(frame.get("encoding") == "ascii" for frame in entry.children("frames"))
        for name in forms.data:
            form = forms.child(name)
            if form is not None:
                yield from _form_complete(form, has_ascii)


_FORMS = ("ql", "iqr", "ql-ext", "iqr-ext")


def _form_complete(form: Entry, has_ascii: bool) -> Iterator[Issue]:
    if has_ascii and "ascii" not in form.data:
        yield form.issue("this protocol has frames in ASCII, so the form needs 'ascii'")
    for key in ("binary", "ascii"):
        if key not in form.data:
            continue
        parts = [part for item in form.children(key) for part in item.data]
        for part in ("code", "number"):
            if part not in parts:
                yield form.issue(f"a device point has a '{part}'", key, key=True)
        for part in dict.fromkeys(parts):
            if part != "fixed" and parts.count(part) > 1:
                yield form.issue(f"'{part}' stands twice", key, key=True)


def code_fits(bundle: Bundle) -> Iterator[Issue]:
    """A command code has no more digits than it says."""
    for facts in bundle.protocols.values():
        for command in facts.commands:
            code = command.number("code")
            if code is not None and code >= 16 ** digits_of(command):
                yield command.issue(f"code 0x{code:X} does not fit {digits_of(command)} digits", "code")


def footer_complete(bundle: Bundle) -> Iterator[Issue]:
    """A footer counts by a header field, and its parameters and their uses stand once."""
    for file in bundle.of("protocol"):
        footer = file.child("footer")
        if footer is None or not footer.sound():
            continue
        size, headers = (
            footer.text("size"),
            [
                by_field_name(frame.children(half))
                for frame in file.children("frames")
                for half in ("request", "response")
            ],
        )
        counting = [header[size] for header in headers if size in header]
        if not counting:
            known = dict.fromkeys(name for header in headers for name in header)
            yield footer.issue(f"no header has a field '{size}'", "size", hint=suggest(size, known))
        elif any(field.get("type") != "u16" for field in counting):
            yield footer.issue(f"the size '{size}' is a field of type u16", "size")
        parameters = list(footer.children("parameters"))
        codes = ((f"0x{one.get('parameter'):02X}", one, ("parameter",)) for one in parameters)
        yield from repeated(codes, "parameter {}")
        yield from repeated(by_text(parameters, "name"), "parameter '{}'")
        yield from repeated(by_text(parameters, "use"), "the use '{}'")
        for one in parameters:
            if one.get("use") in ("token", "password") and not one.get("secret"):
                yield one.issue(f"a {one.get('use')} is secret", "use", hint="add secret: true")


def layouts_known(bundle: Bundle) -> Iterator[Issue]:
    """Commands and frames name layouts of their protocol."""
    for facts in bundle.protocols.values():
        for frame in facts.entry.children("frames"):
            name = frame.text("error")
            if name and name not in facts.layouts:
                yield frame.issue(f"unknown layout '{name}'", "error", hint=suggest(name, facts.layouts))
        for command in facts.commands:
            for half in ("request", "response"):
                yield from _layouts_known(facts, command, half)


def _layouts_known(facts: ProtocolFacts, command: Entry, half: str) -> Iterator[Issue]:
    if not command.sound(half):
        return
    value = command.get(half)
    named: list[tuple[tuple[str, ...], str]] = [((half,), value)] if isinstance(value, str) else []
    if isinstance(value, dict):
        named = [((half, key), name) for key, name in value.items() if isinstance(name, str)]
    for below, name in named:
        if name not in facts.layouts:
            yield command.issue(f"unknown layout '{name}'", *below, hint=suggest(name, facts.layouts))
    if isinstance(value, str) and not subcommands_of(command):
        message = f"layout '{value}' belongs to no sub-command, as none is known"
        yield command.issue(message, half, hint="list the sub-commands, or leave the layout out")


def subcommands_known(bundle: Bundle) -> Iterator[Issue]:
    """Layouts are given for sub-commands that the command has."""
    for facts in bundle.protocols.values():
        for command in facts.commands:
            known = subcommands_of(command)
            for half in ("request", "response"):
                layouts = command.get(half)
                if not isinstance(layouts, dict) or not command.sound():
                    continue
                for key in layouts:
                    if int(key, 0) not in known:
                        shown = [f"0x{number:04X}" for number in known]
                        hint = f"known: {', '.join(shown)}" if shown else "list it in 'subcommands'"
                        yield command.issue(f"{key} is no sub-command of this command", half, key, hint=hint, key=True)


def frames_known(bundle: Bundle) -> Iterator[Issue]:
    """Commands travel in frames of their protocol whose command field is as wide as their code."""
    for facts in bundle.protocols.values():
        for command in facts.commands:
            if not command.sound("frames") or not facts.entry.sound("frames"):
                continue
            digits = digits_of(command)
            for position, name in enumerate(command.texts("frames")):
                if name not in facts.frames:
                    hint = suggest(name, facts.frames)
                    yield command.issue(f"unknown frame '{name}'", "frames", position, hint=hint)
                elif facts.widths[name] != digits:
                    width = facts.widths[name]
                    has = f"a command field of {width} digits" if width else "no command field"
                    yield command.issue(f"frame '{name}' has {has}, this code has {digits}", "frames", position)
            if not facts.frames_of(command):
                yield command.issue(f"no frame of this protocol carries a code of {digits} digits", "code")


def tables_known(bundle: Bundle) -> Iterator[Issue]:
    """Protocols refer to numberings and tables of end codes that exist."""
    for file in bundle.of("protocol"):
        for key, known in (("device_table", bundle.device_tables), ("status_table", bundle.status_tables)):
            name = file.text(key)
            if name and name not in known and file.sound(key):
                yield file.issue(f"unknown {key.replace('_', ' ')} '{name}'", key, hint=suggest(name, sorted(known)))


def sources_known(bundle: Bundle) -> Iterator[Issue]:
    """Every source begins with a key of ``sources``."""
    lists = {
        "protocol": ("ports", "frames", "layouts", "commands"),
        "models": ("models", "mac_prefixes"),
        "engineering": ("file_kinds",),
    }
    for kind in ("protocol", "devices", "statuses", "models", "engineering"):
        for file in bundle.of(kind):
            footer = file.child("footer")
            for entry in [footer, *footer.children("parameters")] if footer is not None else ():
                yield from _source_known(entry, bundle.source_keys)
            for key in lists.get(kind, (kind,)):
                for entry in file.children(key):
                    yield from _source_known(entry, bundle.source_keys)


def _source_known(entry: Entry, known: set[str]) -> Iterator[Issue]:
    parts = [part.strip() for part in entry.text("source").split(",")]
    for position, part in enumerate(parts):
        key = part.split(" ")[0]
        # After the first one, text may follow the comma: "M008 p.323, table 2".
        if part and key not in known and (position == 0 or _SOURCE_KEY.fullmatch(part)):
            hint = suggest(key, sorted(known)) or "add it to 'sources'"
            yield entry.issue(f"unknown source '{key}'", "source", hint=hint)


CHECKS = (
    protocols_unique,
    frames_unique,
    layouts_unique,
    codes_unique,
    operations_unique,
    units_known,
    frames_alike,
    device_forms_complete,
    footer_complete,
    code_fits,
    layouts_known,
    subcommands_known,
    frames_known,
    tables_known,
    sources_known,
)

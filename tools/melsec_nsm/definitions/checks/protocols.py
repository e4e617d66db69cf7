"""Rules for frames, layouts and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from melsec_nsm.definitions.bundle import Bundle, Entry, ProtocolFacts, digits_of, subcommands_of
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
    """An operation and a title name one command of a protocol."""
    for facts in bundle.protocols.values():
        yield from repeated(by_text(facts.commands, "operation"), "operation '{}'")
        yield from repeated(by_text(facts.commands, "title"), "title '{}'")


def code_fits(bundle: Bundle) -> Iterator[Issue]:
    """A command code has no more digits than it says."""
    for facts in bundle.protocols.values():
        for command in facts.commands:
            code = command.number("code")
            if code is not None and code >= 16 ** digits_of(command):
                yield command.issue(f"code 0x{code:X} does not fit {digits_of(command)} digits", "code")


def layouts_known(bundle: Bundle) -> Iterator[Issue]:
    """Commands name layouts of their protocol."""
    for facts in bundle.protocols.values():
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
    lists = {"protocol": ("ports", "frames", "layouts", "commands")}
    for kind in ("protocol", "devices", "statuses", "models"):
        for file in bundle.of(kind):
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
    code_fits,
    layouts_known,
    subcommands_known,
    frames_known,
    tables_known,
    sources_known,
)

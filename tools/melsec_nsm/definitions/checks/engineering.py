"""Rules for engineering operations."""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.definitions.bundle import Bundle, Entry, ProtocolFacts, by_field_name, layout_name, subcommands_of
from melsec_nsm.definitions.checks.unique import by_text, repeated
from melsec_nsm.definitions.conditions import commands_meant
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import Issue


def one_file(bundle: Bundle) -> Iterator[Issue]:
    """There is one file of them."""
    for file in bundle.of("engineering")[1:]:
        first = bundle.of("engineering")[0].document.name
        yield file.issue("engineering operations stand in one file", hint=f"the other is {first}")


def kinds_unique(bundle: Bundle) -> Iterator[Issue]:
    """A kind stands once, an extension belongs to one kind, and one kind takes all other files."""
    kinds = list(bundle.entries("engineering", "file_kinds"))
    yield from repeated(by_text(kinds, "kind"), "kind '{}'")
    extensions = (
        (extension, kind, ("extensions", position))
        for kind in kinds
        for position, extension in enumerate(kind.texts("extensions"))
    )
    yield from repeated(extensions, "extension '{}'")
    others = [kind for kind in kinds if "extensions" not in kind.data]
    for kind in others[1:]:
        yield kind.issue("only one kind can take all other files", "kind", hint=f"first at {others[0].locate('kind')}")
    if kinds and not others and bundle.of("engineering"):
        file = bundle.of("engineering")[0]
        yield file.issue(
            "no kind takes the files of other extensions", "file_kinds", hint="one without 'extensions'", key=True
        )


def needs_agree(bundle: Bundle) -> Iterator[Issue]:
    """What writing a file is called says whether it needs a window and a change, whatever kind of file it is."""
    first: dict[str, Entry] = {}
    for kind in bundle.entries("engineering", "file_kinds"):
        earlier = first.setdefault(kind.text("download"), kind)
        for key in ("needs_window", "needs_change"):
            if kind.get(key, False) != earlier.get(key, False):
                message = f"'{kind.text('download')}' cannot have different '{key}'"
                yield kind.issue(message, "download", hint=f"first at {earlier.locate('download')}")


def actions_unique(bundle: Bundle) -> Iterator[Issue]:
    """A title stands once; a name too, but for what is the same on different conditions."""
    yield from repeated(by_text(bundle.entries("engineering", "actions"), "title"), "title '{}'")


def transfers_known(bundle: Bundle) -> Iterator[Issue]:
    """Transfers name operations, and fields of their layouts that can hold what is said of them."""
    for way in bundle.entries("engineering", "transfers"):
        if not way.sound():
            continue
        for key in ("open", "read", "write", "close"):
            name = way.text(key)
            if name and name not in bundle.operations:
                yield way.issue(f"no protocol has an operation '{name}'", key, hint=suggest(name, bundle.operations))
        if ("open" in way.data) != ("close" in way.data):
            yield way.issue("what is opened is closed", "open" if "open" in way.data else "close", key=True)
        for key in ("mode", "size") if "open" not in way.data else ():
            if key in way.data:
                yield way.issue(f"'{key}' is a field of the request that opens a file", key, key=True)
        for facts in bundle.protocols.values():
            yield from _transfer_complete(way, facts)


def _transfer_complete(way: Entry, facts: ProtocolFacts) -> Iterator[Issue]:
    """The layouts of a protocol that has the operations have the fields that the transfer needs."""
    blocks = ("offset", "points") if "open" not in way.data else ("pointer", "offset", "points")
    needed = (
        ("read", "response", way.text("content"), ()),
        ("write", "request", way.text("content"), ()),
        ("open", "request", way.text("mode"), ("target",)),
        ("open", "response", "", ("pointer",)),
        ("read", "request", "", blocks),
        ("write", "request", "", blocks),
        ("close", "request", "", ("pointer",)),
    )
    for key, half, name, roles in needed:
        for command in facts.named.get(way.text(key), ()):
            for subcommand in subcommands_of(command) or [0]:
                layout = facts.layouts.get(layout_name(command, half, subcommand) or "")
                if layout is None or not layout.sound():
                    continue
                fields = by_field_name(layout.children("fields"))
                here = {field.text("role") for field in fields.values()}
                if key == "write" and name and name not in fields:
                    continue  # a fill: no octets of a file
                if name and name not in fields:
                    yield layout.issue(f"'{way.text(key)}' needs a field '{name}' here", hint=f"for {way.locate()}")
                for role in roles:
                    if role not in here:
                        message = f"'{way.text(key)}' needs a field with the role {role} here"
                        yield layout.issue(message, hint=f"for {way.locate()}")


_KEYS = {
    "transaction": {"failed", "object"},
    "session": {"idle"},
    "run": {"idle", "within", "requests", "points", "devices"},
    "user": {"known", "failed"},
    "login": {"failed", "proof", "token", "session"},
    "address": set(),
}
_NEEDED = {
    "transaction": ("when",),
    "session": ("when", "idle"),
    "run": ("when", "idle"),
    "user": ("when", "known"),
    "login": ("when", "failed", "proof", "token"),
    "address": (),
}


def actions_complete(bundle: Bundle) -> Iterator[Issue]:
    """An action has the keys that its way to count needs, and no others."""
    for action in bundle.entries("engineering", "actions"):
        if not action.sound():
            continue
        each = action.get("each", "transaction")
        allowed = (
            {"action", "title", "each", "note", "needs_window"}
            | _KEYS[each]
            | ({"when"} if each != "address" else set())
        )
        for key in action.data:
            if key not in allowed:
                yield action.issue(f"'{key}' means nothing where each is a {each}", key, key=True)
        for key in _NEEDED[each]:
            if key not in action.data:
                yield action.issue(f"an action where each is a {each} needs '{key}'", "action")
        if any(key in action.data for key in ("requests", "points", "devices")) != ("within" in action.data):
            yield action.issue("'within' says in how many seconds a run has to reach its least", "action")


def objects_known(bundle: Bundle) -> Iterator[Issue]:
    """Fields that actions name are fields of the requests or answers meant."""
    for action in bundle.entries("engineering", "actions"):
        if not action.sound():
            continue
        for key, of, halves in (
            ("object", "when", ("request", "response")),
            ("token", "when", ("response",)),
            ("token", "proof", ("request",)),
            ("session", "proof", ("response",)),
        ):
            name, when = action.text(key), action.child(of)
            if not name or when is None:
                continue
            fields = _fields(bundle, when, halves)
            if name not in fields:
                where = " or ".join({"request": "request", "response": "answer"}[half] for half in halves)
                message = f"no {where} meant by '{of}' has a field '{name}'"
                yield action.issue(message, key, hint=suggest(name, fields))
            elif key == "object" and fields[name].get("secret"):
                yield action.issue(f"'{name}' is secret", key)


def _fields(bundle: Bundle, when: Entry, halves: tuple[str, ...]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for facts, command in commands_meant(bundle, when):
        for half in halves:
            for subcommand in subcommands_of(command) or [0]:
                layout = facts.layouts.get(layout_name(command, half, subcommand) or "")
                if layout is not None:
                    found |= by_field_name(layout.children("fields"))
    return found


CHECKS = (one_file, kinds_unique, needs_agree, actions_unique, transfers_known, actions_complete, objects_known)

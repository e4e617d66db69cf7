"""The generated Zeek script of the engineering operations."""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.definitions.model import Action, Command, Definition, Field, FileKind, Layout
from melsec_nsm.generate.text import comment, quoted
from melsec_nsm.generate.zeek.meanings import meaning

_WORD = 2


def actions(definition: Definition) -> str:
    """``actions.zeek``: the engineering operations that transactions make."""
    known = definition.engineering.actions
    moves = next((action.name for action in known if action.each == "address"), "")
    rows = [_action(definition, action) for action in known if action.when is not None]
    return "\n".join(
        [
            comment(),
            "##! Engineering operations that transactions make.",
            "",
            "@load ./types",
            "",
            "module MELSEC;",
            "",
            "export {",
            "\t## Operations by their names.",
            "\tconst actions: table[string] of Action = {",
            *(f"\t\t{row}," for row in rows),
            "\t};",
            "",
            "\t## Classes of the commands that an operation consists of, by its name.",
            "\tconst action_classes: table[string] of set[string] = {",
            *(
                f"\t\t[{quoted(name)}] = set({', '.join(map(quoted, classes))}),"
                for name, classes in definition.action_classes.items()
                if classes
            ),
            "\t};",
            "",
            "\t## The operation that a controller makes of which the address changes; empty where there is none.",
            f"\tconst address_change = {quoted(moves)};",
            "",
            "\t## The operations that the transfer of a file makes, by the extension of its name.",
            "\tconst file_kinds: table[string] of FileKind = {",
            *(f"\t\t{row}," for row in _file_kinds(definition)),
            "\t};",
            "",
            "\t## The same for all other files.",
            f"\tconst other_files = {_file_kind(definition.engineering.kind(''))};",
            "}",
            "",
        ]
    )


def _file_kinds(definition: Definition) -> Iterator[str]:
    for kind in definition.engineering.kinds:
        for extension in kind.extensions:
            yield f"[{quoted(extension)}] = {_file_kind(kind)}"


def _file_kind(kind: FileKind | None) -> str:
    assert kind is not None
    return f"FileKind($upload={quoted(kind.upload)}, $download={quoted(kind.download)})"


def _action(definition: Definition, action: Action) -> str:
    assert action.when is not None
    fields = [f"$name={quoted(action.name)}"]
    fields += [f"${name}={quoted(value)}" for name in ("failed", "known") if (value := getattr(action, name))]
    if action.each in ("session", "user"):
        fields.append(f"$each={action.each.upper()}")
    if action.object is not None:
        fields.append("$by_field=T")
    fields += [f"${name}={value}sec" for name in ("idle", "within") if (value := getattr(action, name))]
    fields += [f"${name}={value}" for name in ("requests", "points", "devices") if (value := getattr(action, name))]
    more = meaning(definition, action.when, f"action {action.name}")
    if more is not None:
        fields.append(f"$meaning={more}")
    return f"[{quoted(action.name)}] = Action({', '.join(fields)})"


def parts(definition: Definition, command: Command) -> Iterator[str]:
    """What the record of a command says of the operations that its transactions make."""
    found = list(_parts(definition, command))
    yield from found
    if found:
        yield "$audited=T"


def _parts(definition: Definition, command: Command) -> Iterator[str]:
    known = definition.engineering.actions
    mentioned = [action for action in known if action.when is not None and action.when.mentions(command)]
    names = [quoted(action.name) for action in mentioned if action.each in ("transaction", "session", "user")]
    if names:
        yield f"$actions=vector({', '.join(names)})"
    # Themselves and not their names: this runs for every transaction of polling.
    runs = [f"actions[{quoted(action.name)}]" for action in mentioned if action.each == "run"]
    if runs:
        yield f"$runs=vector({', '.join(runs)})"
    octets = _octets(definition, command)
    if octets and runs:
        yield f"$content={octets}"
    for action in known:
        if action.each == "login":
            if action.when is not None and action.when.mentions(command):
                yield f"$names={quoted(action.name)}"
            if action.proof is not None and action.proof.mentions(command):
                yield f"$proves={quoted(action.name)}"
    layouts = [
        definition.protocols[command.protocol].layouts[name]
        for name in (*command.request.values(), *command.response.values())
        if name
    ]
    if any(_has_role(layout.fields, "user") for layout in layouts):
        yield "$tells_users=T"


def _octets(definition: Definition, command: Command) -> int:
    """Octets of content that each of the points of a request stands for, 0 where it carries none."""
    layouts = [definition.protocols[command.protocol].layouts[name] for name in command.request.values() if name]
    return max((_content(layout) for layout in layouts), default=0)


def _content(layout: Layout) -> int:
    found = next((entry for entry in layout.fields if entry.name == "content"), None)
    if found is None:
        return 0
    counting = next((entry for entry in layout.fields if entry.name in (found.size_of, found.count_of)), None)
    if counting is None or counting.role != "points":
        return 0
    return 1 if found.type == "bytes" else _WORD


def _has_role(fields: tuple[Field, ...], role: str) -> bool:
    return any(entry.role == role or _has_role(entry.fields, role) for entry in fields)

"""Reference pages of the protocols: every frame, command and layout with its fields, source and confidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from melsec_nsm.definitions.model import (
    Action,
    Command,
    Definition,
    Field,
    Footer,
    Frame,
    Layout,
    Protocol,
    Provenance,
)
from melsec_nsm.generate.text import NOTE, table

FOLDER = "tools/docs/protocols"
ENGINEERING = "tools/docs/engineering.md"
_CONFIDENCE = {"A": "two independent sources agree", "B": "one source", "U": "unconfirmed or contradicted"}
_TYPES = {
    "device": "device point",
    "values": "bits or words, as the sub-command says",
    "words": "words",
    "dwords": "double words",
    "bit_value": "one bit in an octet (a word in iQ-R form)",
    "file_name": "counted file name (UTF-16 with sub-command 0040)",
    "file_password": "file password (4 or 32 characters, counted with sub-command 0040)",
    "mac": "MAC address, last octet first",
    "ipv4": "IPv4 address, last octet first",
    "ipv4be": "IPv4 address",
    "clock": "clock in BCD: year, month, day, hour, minute, second, weekday, century, milliseconds",
    "path": "counted path (octets, UTF-16 with a NUL)",
    "device_values": "what the device holds: words, double words, or bits packed 16 to a word",
}


def render(definition: Definition) -> dict[str, bytes]:
    """A page per protocol, and one on engineering operations, by its path in the checkout."""
    return {
        **{f"{FOLDER}/{protocol.name}.md": _written(_page(protocol)) for protocol in definition.protocols.values()},
        ENGINEERING: _written(_engineering(definition)),
    }


def _written(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines).rstrip("\n") + "\n").encode("utf-8")


_EACH = {
    "transaction": "a request with its answer",
    "session": "the first of a client and a controller after {idle} s without any",
    "run": "requests with no more than {idle} s between two of them",
    "user": "each user that a request names",
    "login": "a login in two steps",
    "address": "a controller, known by its MAC address, that answers from another address",
}


def _engineering(definition: Definition) -> Iterator[str]:
    facts = definition.engineering
    yield from (f"<!-- {NOTE} -->", "", "# Engineering operations", "")
    yield "What a person would call one thing that is done to a controller, in whatever protocol."
    yield from ("", "## Files", "")
    yield "A file is one operation, from its opening to its closing, however many blocks it has. Its extension decides."
    yield ""
    yield from table(
        ("kind", "extensions", "what", "read", "written", "source", "confidence"),
        (
            (
                kind.name,
                " ".join(kind.extensions) or "all others",
                kind.title,
                f"`{kind.upload}`",
                f"`{kind.download}`",
                kind.provenance.source,
                kind.provenance.confidence,
            )
            for kind in facts.kinds
        ),
    )
    yield from ("", "## Other operations", "")
    yield from table(("operation", "what", "one is", "of"), (_action(action) for action in facts.actions))
    yield from ("", "## Under a site policy", "")
    yield "Within a maintenance window only, accepted or refused: " + ", ".join(map(_code, facts.need_window)) + "."
    yield ""
    yield "With the content of an approved change only: " + ", ".join(map(_code, facts.need_change)) + "."


def _code(name: str) -> str:
    return f"`{name}`"


def _action(action: Action) -> Sequence[str]:
    names = [f"`{action.name}`"]
    names += [f"`{action.failed}` where it is refused"] if action.failed else []
    names += [f"`{action.known}` for one that it had before"] if action.known else []
    one = _EACH[action.each].format(idle=action.idle)
    least = [
        f"{number} {what}"
        for number, what in (
            (action.requests, "requests"),
            (action.points, "devices"),
            (action.devices, "kinds of devices"),
        )
        if number
    ]
    if least:
        one += f", with at least {' and '.join(least)} within {action.within} s"
    when = [one for one in (action.when, action.proof) if one is not None]
    meant = [*(f"`{name}`" for one in when for name in one.operations)]
    meant += [f"class {name}" for one in when for name in one.classes]
    meant += [f"`{name}` {value:04X}" for one in when for name, value in one.fields if isinstance(value, int)]
    return "; ".join(names), action.title, one, ", ".join(meant)


def _page(protocol: Protocol) -> Iterator[str]:
    yield from (f"<!-- {NOTE} -->", "", f"# {protocol.title}", "")
    yield "Confidence: " + "; ".join(f"**{mark}** {meaning}" for mark, meaning in _CONFIDENCE.items()) + "."
    yield "*unknown*: nobody has described the data; they stay octets."
    yield from ("", "## Commands", "")
    yield from table(
        ("command", "sub-commands", "operation", "class", "what", "request", "response", "source", "confidence"),
        (_command(protocol, command) for command in protocol.commands),
    )
    yield from ("", "## Layouts", "")
    yield "The data of requests and responses, field by field. *secret*: never logged."
    for layout in protocol.layouts.values():
        yield from ("", f"### {layout.name}", "", _provenance(layout.provenance), "")
        yield from _layout(layout)
    if protocol.footer is not None:
        yield from _footer(protocol.footer)
    yield from ("", "## Frames", "")
    for frame in protocol.frames:
        yield from _frame(protocol, frame)
    yield from ("", "## Ports", "")
    yield from table(
        ("port", "what", "source", "confidence"),
        (
            (f"{hint.port}/{hint.transport}", hint.note, hint.provenance.source, hint.provenance.confidence)
            for hint in protocol.ports
        ),
    )
    yield from ("", "## Sources", "")
    yield from table(("key", "source"), protocol.sources.items())


def _command(protocol: Protocol, command: Command) -> Sequence[str]:
    what = command.title
    if command.units:
        what += f"; points are {command.units}s"
    if command.most is not None:
        bits = f" ({command.most_bits} in bits)" if command.most_bits != command.most else ""
        what += f"; {command.most} points or octets at most{bits}"
    if command.pushed:
        what += "; the controller sends it unasked"
    elif command.unanswered:
        what += "; no answer is normal"
    if len(command.frames) < len(protocol.frames):
        what += f"; frames {', '.join(command.frames)}"
    return (
        f"`{command.text}`",
        _subcommands(protocol, command),
        f"`{command.operation}`",
        command.klass,
        what,
        _data(command, command.request),
        _data(command, command.response),
        command.provenance.source,
        command.provenance.confidence,
    )


def _subcommands(protocol: Protocol, command: Command) -> str:
    if not protocol.bit_units:
        return ""
    return " ".join(f"`{value:04X}`" for value in command.subcommands) or "any"


def _data(command: Command, table: Mapping[int, str]) -> str:
    """The layout of one half, by sub-command where they differ."""
    names = {value: _link(table.get(value)) for value in command.subcommands or (0,)}
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    by_name: dict[str, list[str]] = {}
    for value, name in names.items():
        by_name.setdefault(name, []).append(f"{value:04X}")
    return "<br>".join(f"{' '.join(values)}: {name}" for name, values in by_name.items())


def _link(name: str | None) -> str:
    if name is None:
        return "*unknown*"
    return f"[{name}](#{name})" if name else "none"


def _provenance(provenance: Provenance) -> str:
    return f"Source: {provenance.source}. Confidence: {provenance.confidence}."


def _layout(layout: Layout) -> Iterator[str]:
    yield from table(("field", "type", "meaning"), _fields(layout.fields, ""))


def _fields(fields: Iterable[Field], indent: str) -> Iterator[Sequence[str]]:
    for entry in fields:
        yield f"{indent}`{entry.name}`", _type(entry), _meaning(entry)
        if entry.fields:
            yield from _fields(entry.fields, f"{indent}&emsp;")


def _type(entry: Field) -> str:
    if entry.type == "list":
        return f"list, as many as {_counter(entry.count_of)}"
    text = _TYPES.get(entry.type, entry.type)
    if entry.charset:
        text += f" ({entry.charset})"
    if entry.count_of:
        text += f", as many as {_counter(entry.count_of)}"
    if entry.size_of:
        text += f", length in {_counter(entry.size_of)}"
    if entry.unit_of:
        text += f" (words where `{entry.unit_of}` is 0)"
    if entry.size is not None:
        text += f", {entry.size}"
    if entry.padding:
        text += f", filled up with {entry.padding}s"
    return text


def _counter(name: str | None) -> str:
    if name == "rest" or name is None:
        return "there are"
    return f"`{name.removeprefix('request.')}` of the request" if name.startswith("request.") else f"`{name}`"


def _meaning(entry: Field) -> str:
    parts = [entry.role] if entry.role else []
    if entry.secret:
        parts.append("*secret*")
    if entry.asset:
        parts.append(f"{entry.asset} of the controller")
    if entry.only:
        parts.append(f"only where `{entry.only[0]}` is {' or '.join(f'{value:X}' for value in entry.only[1])}")
    if entry.optional:
        parts.append("the data may end in front of it")
    if entry.names:
        parts.append(", ".join(f"{value:X} {name}" for value, name in entry.names.items()))
    if entry.const is not None:
        parts.append(f"always `{_octets(entry.const)}`")
    if entry.flag:
        parts.append(f"with `{entry.flag:X}` set")
    if entry.allowed:
        parts.append(", ".join(f"{low:X}" if low == high else f"{low:X} to {high:X}" for low, high in entry.allowed))
    if entry.zero:
        parts.append(f"0 is {entry.zero}")
    if entry.counts:
        parts.append(f"counts what follows, {entry.minimum or 0} to {entry.maximum or 0xFFFF}")
    if entry.sizes:
        parts.append(", ".join(f"{size} octets for `{code:02X}`" for code, size in entry.sizes.items()))
    return "; ".join(parts)


_USES = {
    "padding": "octets of padding between the data and the gap",
    "data_checksum": "checksum of the data with their padding",
    "checksum": "checksum of the whole, in the last four octets",
    "token": "session number and proof of a login",
    "password": "hash that opens a file; alone in its footer",
}


def _footer(footer: Footer) -> Iterator[str]:
    yield from ("", "## Footer", "", _provenance(footer.provenance), "")
    yield f"Where `{footer.size}` in the header is not 0, it counts the data, padding and the octets"
    yield f"`{_octets(footer.gap)}`. Then follow the length of the footer, the number of its parameters, code and size"
    yield "of each, and their values in the same order. An answer may repeat the size of its request and have no"
    yield "footer: there is one only where its length is exact."
    yield ""
    starts = " and ".join(f"`{start:08X}` in {direction}s" for direction, start in footer.starts.items())
    yield f"Checksums: CRC-32, polynomial `{footer.polynomial:08X}`, octets reflected, result not, lowest octet first."
    yield "That of the data starts at 0 and covers the command, two zeros, the size, data and padding; the other starts"
    yield f"at {starts}, there with the status and eight zeros first, and"
    yield "covers the command, two zeros, the size, everything up to the footer, and the footer up to its own last four"
    yield "octets."
    yield ""
    yield from table(
        ("parameter", "name", "octets", "meaning", "source", "confidence"),
        (
            (
                f"`{one.code:02X}`",
                f"`{one.name}`",
                " or ".join(map(str, one.sizes)),
                _USES[one.use] + ("; *secret*" if one.secret else ""),
                one.provenance.source,
                one.provenance.confidence,
            )
            for one in footer.parameters
        ),
    )


def _octets(value: int | bytes) -> str:
    return value.hex(" ").upper() if isinstance(value, bytes) else f"{value:X}"


def _frame(protocol: Protocol, frame: Frame) -> Iterator[str]:
    transports = " and ".join(transport.upper() for transport in frame.transports)
    yield from (f"### {frame.id}", "", f"{frame.frame}, {frame.encoding}, over {transports}.")
    yield _provenance(frame.provenance)
    if frame.error:
        yield f"A response that refuses carries {_link(frame.error)}."
    if frame.encoding == "ascii":
        yield "Every octet is two hexadecimal digits, numbers begin with the most significant one, lengths count"
        yield "characters; text stays as it is."
    for direction in ("request", "response"):
        fields = frame.half(direction)
        yield ""
        if not fields:
            yield f"No {direction}."
            continue
        yield from (f"{direction.capitalize()}:", "")
        yield from table(("field", "type", "meaning"), _fields(fields, ""))
    yield ""

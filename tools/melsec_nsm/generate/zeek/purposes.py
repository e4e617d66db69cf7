"""What fields are kept for besides the log: the transfer of files, and what scripts need of a PDU.

The engineering definition and the conditions of detections name the fields. What the grammar does with them is a
function of the hand-written reader for each purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from melsec_nsm.definitions.model import Action, Command, Definition, Layout, Transfer
from melsec_nsm.generate.zeek import compared


@dataclass(frozen=True, slots=True)
class Purpose:
    """A function of the reader that takes a field, under a ``name`` where it has several.

    ``worded``: it takes the word that a log has for the field, not the number.
    """

    function: str
    name: str | None = None
    worded: bool = False

    def call(self, value: str) -> str:
        """The call for an expression."""
        name = "" if self.name is None else f'b"{self.name}", '
        return f"{self.function}(r, {name}{value})"


Purposes = dict[tuple[str, str], dict[str, tuple[Purpose, ...]]]
"""Purposes of fields by name, of layouts by protocol and name."""


def purposes(definition: Definition) -> Purposes:
    """What the fields of the layouts are kept for."""
    found: Purposes = {}
    for key, field, purpose in _all(definition):
        fields = found.setdefault(key, {})
        if purpose not in fields.get(field, ()):
            fields[field] = (*fields.get(field, ()), purpose)
    return found


def _all(definition: Definition) -> Iterator[tuple[tuple[str, str], str, Purpose]]:
    engineering = definition.engineering
    for transfer in engineering.transfers:
        for command in definition.commands():
            if command.operation in (transfer.open, transfer.read, transfer.write, transfer.close):
                for layout in _layouts(definition, command, "request", "response"):
                    for field, purpose in _of_file(transfer, layout):
                        yield (command.protocol, layout.name), field, purpose
    for action in engineering.actions:
        for command, layout, field, purpose in _of_action(definition, action):
            if any(one.name == field for one in layout.fields):
                yield (command.protocol, layout.name), field, purpose
    yield from _compared(definition)


def _compared(definition: Definition) -> Iterator[tuple[tuple[str, str], str, Purpose]]:
    """Fields of requests that conditions compare."""
    for condition in compared.conditions(definition):
        names = {name for name, _ in condition.fields}
        for command in compared.commands(definition, condition):
            for layout in compared.request_layouts(definition, command):
                for entry in layout.fields:
                    if entry.name in names and compared.is_comparable(entry):
                        function = "tell_octets" if entry.type == "bytes" else "tell_field"
                        yield (command.protocol, layout.name), entry.name, Purpose(function, entry.name)


def _of_file(transfer: Transfer, layout: Layout) -> Iterator[tuple[str, Purpose]]:
    """The fields of a layout that tell of a file on its way; of several targets the first."""
    roles = {
        "pointer": Purpose("keep_pointer"),
        "offset": Purpose("keep_offset"),
        "drive": Purpose("keep_drive"),
        "target": Purpose("keep_name"),
        "extension": Purpose("keep_extension"),
    }
    names = {
        transfer.mode: Purpose("keep_mode", worded=True),
        transfer.size: Purpose("keep_size"),
        transfer.content: Purpose("keep_content"),
    }
    for field in layout.fields:
        if field.role in roles:
            yield field.name, roles.pop(field.role)
        if field.name in names:
            yield field.name, names[field.name]


def _of_action(definition: Definition, action: Action) -> Iterator[tuple[Command, Layout, str, Purpose]]:
    """Fields that an action names, with the layouts that may have them."""
    for condition, name, purpose, directions in (
        (action.when, action.object, Purpose("tell_about", worded=True), ("request", "response")),
        (action.when, action.token, Purpose("tell_user_token"), ("response",)),
        (action.proof, action.token, Purpose("tell_user_token"), ("request",)),
        (action.proof, action.session, Purpose("tell_session"), ("response",)),
    ):
        if condition is not None and name is not None:
            for command in compared.commands(definition, condition):
                for layout in _layouts(definition, command, *directions):
                    yield command, layout, name, purpose


def _layouts(definition: Definition, command: Command, *directions: str) -> Iterator[Layout]:
    layouts = definition.protocols[command.protocol].layouts
    for direction in directions:
        for name in getattr(command, direction).values():
            if name:
                yield layouts[name]

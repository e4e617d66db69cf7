"""The typed signature definition: what the YAML files say, checked and immutable.

Everything else in the package reads these objects and never the YAML. Lookups that several
readers need (a command by code, the commands of an operation) live here, so that no reader
builds its own index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where an entry stands: file (relative to the definitions), line and column, both from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Issue:
    """One thing wrong in a definition. Prints as ``path:line:column: message (hint)``."""

    location: Location
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class DefinitionError(Exception):
    """The definition cannot be used. Carries every issue found, in file order."""

    def __init__(self, issues: list[Issue]) -> None:
        self.issues = sorted(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fact comes from and how sure it is: A two sources, B one source, U unconfirmed."""

    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a frame or a payload layout.

    Numbers: ``u8 u16 u24 u32`` (byte order of the protocol) and ``u16be``; ``flag`` is or-ed to a number on the wire.
    ``bytes`` and ``text`` take ``size`` octets, or as many octets (``text``: characters) as the field named by
    ``size_of``, or all the rest; ``text`` is decoded with ``charset``. Where the field named by ``unit_of`` is 0,
    ``size_of`` counts words instead of octets. ``mac`` and ``ipv4`` are written backwards.

    ``device`` is a device point in the form that the protocol's sub-command asks for. ``values`` are bits or words,
    as the sub-command asks for, ``words`` and ``dwords`` are just that, ``bit_value`` one bit in an octet or a word;
    ``count_of`` names the field that counts them, ``rest`` takes them to the end of the data, and
    ``request.NAME`` is a field of the request that is answered. ``file_password`` and ``file_name`` take the form
    of the sub-command of the file commands. ``list`` repeats ``fields`` as often as ``count_of`` says.

    ``const`` and ``allowed`` say what recognition on an arbitrary port insists on; ``allowed``
    holds inclusive ranges. ``counts`` marks a length field: ``rest`` counts the octets that
    follow it. ``minimum`` and ``maximum`` bound a length. ``zero`` is what a count of 0 stands for.
    ``sizes`` gives the size of a ``bytes`` field by the value of the command code (MELSOFT
    control frames carry no length).

    ``role`` says what a field is to the reader of a log: ``target``, ``module`` and ``block`` (what the address or
    the device in the target belongs to), ``extension`` (of the file name in the target before it), ``points``,
    ``values``, ``model_code``, ``drive``, ``pointer``, ``offset``, ``detail`` (anything else worth a word).
    A log writes details in the radix ``base``. ``secret`` fields never reach a log.
    """

    name: str
    type: str
    size: int | None = None
    size_of: str | None = None
    unit_of: str | None = None
    count_of: str | None = None
    fields: tuple[Field, ...] = ()
    zero: int = 0
    flag: int = 0
    const: int | bytes | None = None
    allowed: tuple[tuple[int, int], ...] = ()
    counts: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    sizes: Mapping[int, int] = field(default_factory=dict)
    charset: str | None = None
    base: int = 10
    names: Mapping[int, str] = field(default_factory=dict)
    role: str | None = None
    secret: bool = False
    default: int | bytes | str | None = None


@dataclass(frozen=True, slots=True)
class DeviceForm:
    """How a device point is written: the parts in the order of the wire.

    ``binary`` pairs a part (``number``, ``code``, ``modification``, ``ext_modification``, ``specification``,
    ``direct``) with its number type. ``ascii`` pairs a part with its characters: a width, or ``hexN`` for a plain
    hexadecimal number; ``fixed`` stands for characters that mean nothing. Without ``hex`` the code is the device's
    symbol, padded with ``*``, and the number is written in the device's own base.
    """

    name: str
    binary: tuple[tuple[str, str], ...]
    ascii: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """One header layout in one encoding: the octets of a request and of a response.

    ``id`` names the layout (``3e-binary``, ``57-long``); ``frame`` is what logs call it
    (``3E``, ``57``). The last field of each half is ``data``.
    """

    id: str
    frame: str
    encoding: str
    transports: tuple[str, ...]
    request: tuple[Field, ...]
    response: tuple[Field, ...]
    provenance: Provenance
    location: Location
    weak: bool = False
    """Too short to prove the protocol over TCP: believed once its answer or another frame was seen."""
    kind: str = "length"
    """What says how long a PDU is: a ``length`` field, ``sizes`` by command, the command's ``layout`` (1E has no
    length: a request is as long as its layout, a response as its request makes it), or DLE framing (``stuffed``)."""
    error: str = ""
    """Layout of the data of a response that refuses; empty where nothing is known of them."""

    def half(self, direction: str) -> tuple[Field, ...]:
        """The fields of ``request`` or ``response``; none where a frame goes one way only."""
        return self.request if direction == "request" else self.response

    @property
    def digits(self) -> int:
        """Width of the command code in hex digits."""
        return next(2 if entry.type == "u8" else 4 for entry in self.request if entry.name == "command")


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a payload, shared by all commands that carry the same shape."""

    name: str
    fields: tuple[Field, ...]
    provenance: Provenance
    location: Location


@dataclass(frozen=True, slots=True)
class Command:
    """One command code of a protocol.

    ``digits`` is its width in hex digits, as logs print it. ``request`` and ``response`` map
    each sub-command to the name of a layout; an empty name means that there is no data, and a
    sub-command that is missing has data of unknown layout. Protocols without sub-commands use 0.
    ``unanswered`` says that no answer is normal.
    """

    protocol: str
    code: int
    digits: int
    operation: str
    title: str
    klass: str
    frames: tuple[str, ...]
    subcommands: tuple[int, ...]
    request: Mapping[int, str]
    response: Mapping[int, str]
    provenance: Provenance
    location: Location
    unanswered: bool = False
    units: str | None = None
    """``bit`` or ``word`` where the command itself says what a point is, and not its sub-command."""

    @property
    def text(self) -> str:
        """The code as logs print it, e.g. ``0401`` or ``FF``."""
        return f"{self.code:0{self.digits}X}"


@dataclass(frozen=True, slots=True)
class PortHint:
    """A port on which a protocol is expected even before its content has been seen."""

    port: int
    transport: str
    note: str
    provenance: Provenance


@dataclass(frozen=True)
class Protocol:
    """The facts of one protocol."""

    name: str
    title: str
    byte_order: str
    device_table: str
    status_table: str
    sources: Mapping[str, str]
    ports: tuple[PortHint, ...]
    frames: tuple[Frame, ...]
    layouts: Mapping[str, Layout]
    commands: tuple[Command, ...]
    bit_units: int = 0
    """The sub-command bit that asks for bit units; clear, a bit device is accessed 16 points a word."""
    device_forms: Mapping[str, DeviceForm] = field(default_factory=dict)
    form_bits: Mapping[str, int] = field(default_factory=dict)
    """Sub-command bits that choose the form: ``iqr`` and ``ext``. A protocol without them has one form."""

    def device_form(self, subcommand: int) -> DeviceForm:
        """The form in which a command with this sub-command writes device points; KeyError where there is none."""
        if not self.form_bits:
            return next(iter(self.device_forms.values()))
        name = "iqr" if subcommand & self.form_bits["iqr"] else "ql"
        return self.device_forms[f"{name}-ext" if subcommand & self.form_bits["ext"] else name]

    @cached_property
    def _by_code(self) -> dict[tuple[int, int], Command]:
        return {(command.code, command.digits): command for command in self.commands}

    def command(self, code: int, digits: int = 4) -> Command | None:
        """The command with this code, or None where the definition does not know it."""
        return self._by_code.get((code, digits))

    def frame(self, frame_id: str) -> Frame:
        """The frame with this id; KeyError where there is none."""
        for frame in self.frames:
            if frame.id == frame_id:
                return frame
        raise KeyError(frame_id)

    def commands_of(self, frame: Frame) -> Iterator[Command]:
        """The commands that travel in a frame."""
        return (command for command in self.commands if frame.id in command.frames)


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a controller: symbol, unit and its code in each protocol's numbering."""

    symbol: str
    title: str
    unit: str
    base: int
    codes: Mapping[str, int]
    provenance: Provenance
    location: Location
    ascii: Mapping[str, str] = field(default_factory=dict)
    """Its name in ASCII by device form, where that is not the symbol."""


@dataclass(frozen=True, slots=True)
class StatusCode:
    """An end code or status: name as logs print it, and what it means."""

    code: int
    name: str
    title: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Model:
    """A CPU or module model: type code, the name it answers with, its series."""

    code: int
    name: str
    series: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Reference:
    """An advisory, CVE or document a detection refers to."""

    text: str

    @property
    def kind(self) -> str:
        """``cve``, ``advisory`` (ICSA) or ``url``."""
        if self.text.startswith("CVE-"):
            return "cve"
        return "advisory" if self.text.startswith("ICSA-") else "url"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a detection looks for: names from the protocol facts, never offsets."""

    operations: tuple[str, ...]
    classes: tuple[str, ...]
    protocols: tuple[str, ...]
    direction: str

    def matches(self, command: Command) -> bool:
        """Whether the command is one of those meant."""
        if self.protocols and command.protocol not in self.protocols:
            return False
        return command.operation in self.operations or command.klass in self.classes


@dataclass(frozen=True, slots=True)
class Detection:
    """One detection: what it means, what it looks for, what proves it."""

    id: str
    title: str
    description: str
    category: str
    severity: str
    confidence: str
    attack: tuple[str, ...]
    references: tuple[Reference, ...]
    when: Condition
    suppress: int
    unsupported: Mapping[str, str]
    false_positives: tuple[str, ...]
    triage: tuple[str, ...]
    fires: tuple[str, ...]
    quiet: tuple[str, ...]
    location: Location

    def engines(self) -> tuple[str, ...]:
        """The engines that claim this detection."""
        return tuple(name for name in ENGINES if name not in self.unsupported)

    @property
    def notice(self) -> str:
        """The notice type in Zeek: each word capitalised, joined by underscores."""
        return "_".join(word.capitalize() for word in self.id.split("-"))


ExchangeValue: TypeAlias = "int | str | bytes | tuple[int, ...] | tuple[Mapping[str, ExchangeValue], ...]"
"""What a capture gives a field: a number, a text (devices and addresses too), octets, numbers for ``values``,
``words`` and ``dwords`` (bits are 0 and 1), for a ``list`` a mapping per item."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of a capture with its answer, or one half of it.

    ``values`` are the header and payload fields to set, by name; ``status`` is the end code of
    the response, None where nobody answers. ``data`` and ``response_data`` are raw octets for
    what has no layout. ``half`` is ``both``, ``request`` or ``response``. ``octets`` stands for
    something that is no PDU at all (another protocol, garbage); only ``half`` counts then. ``after`` are
    seconds that pass before it.
    """

    protocol: str
    frame: str
    command: int
    subcommand: int
    values: Mapping[str, ExchangeValue]
    data: bytes | None
    status: int | None
    response_values: Mapping[str, ExchangeValue]
    response_data: bytes | None
    half: str
    repeat: int
    sender: str = "client"
    octets: bytes | None = None
    after: int = 0


@dataclass(frozen=True, slots=True)
class Capture:
    """A generated capture: one conversation between a client and a controller."""

    name: str
    title: str
    transport: str
    port: int
    client: str
    server: str
    shape: str
    exchanges: tuple[Exchange, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class LockEntry:
    """What was once published for a detection: sids by variant, revision, hash of the rules."""

    id: str
    base: int
    rev: int
    hash: str
    retired: bool


ENGINES = ("reference", "zeek", "suricata")
SEVERITIES = ("informational", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class Definition:
    """The whole definition, ready for its readers."""

    protocols: Mapping[str, Protocol]
    devices: tuple[Device, ...]
    statuses: Mapping[str, tuple[StatusCode, ...]]
    models: tuple[Model, ...]
    detections: Mapping[str, Detection]
    captures: Mapping[str, Capture]
    techniques: Mapping[str, str]
    classes: tuple[str, ...]

    def commands(self) -> Iterator[Command]:
        """All commands of all protocols, in definition order."""
        for protocol in self.protocols.values():
            yield from protocol.commands

    def commands_for(self, condition: Condition) -> tuple[Command, ...]:
        """The commands a condition means."""
        return tuple(command for command in self.commands() if condition.matches(command))

    @cached_property
    def _devices(self) -> dict[tuple[str, int], Device]:
        return {(table, code): device for device in self.devices for table, code in device.codes.items()}

    def device(self, table: str, code: int) -> Device | None:
        """The device with this code in a numbering (``slmp``, ``melsoft``)."""
        return self._devices.get((table, code))

    @cached_property
    def _models(self) -> dict[int, Model]:
        return {model.code: model for model in self.models}

    def model(self, code: int) -> Model | None:
        """The model with this type code."""
        return self._models.get(code)

    @cached_property
    def _statuses(self) -> dict[tuple[str, int], StatusCode]:
        return {(table, status.code): status for table, rows in self.statuses.items() for status in rows}

    def status(self, table: str, code: int) -> StatusCode | None:
        """The end code or status with this number."""
        return self._statuses.get((table, code))

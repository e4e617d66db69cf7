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

    A text of fixed size is filled up with blanks, or with zeros where ``padding`` is ``zero``.
    ``ipv4be`` is an IPv4 address the right way round. ``clock`` is a controller's clock: year, month, day, hour,
    minute, second, weekday (0 is Sunday), century and milliseconds (two octets), all BCD. ``path`` is a counted
    path: its octets (``u16``), the last two of which are the NUL behind it, then UTF-16.

    ``device`` is a device point in the form that the protocol's sub-command asks for. ``values`` are bits or words,
    as the sub-command asks for, ``words`` and ``dwords`` are just that, ``bit_value`` one bit in an octet or a word;
    ``device_values`` are what the device before them holds: words, double words, or bits packed 16 to a word, the
    lowest device in the lowest bit;
    ``count_of`` names the field that counts them, ``rest`` takes them to the end of the data, and
    ``request.NAME`` is a field of the request that is answered. ``file_password`` and ``file_name`` take the form
    of the sub-command of the file commands. ``list`` repeats ``fields`` as often as ``count_of`` says; lists may hold
    lists.

    ``only`` names an earlier field and its values with which this field is there at all. Where the data end in front
    of an ``optional`` field, neither it nor what follows it is missing.

    ``const`` and ``allowed`` say what recognition on an arbitrary port insists on; ``allowed``
    holds inclusive ranges. ``counts`` marks a length field: ``rest`` counts the octets that
    follow it. ``minimum`` and ``maximum`` bound a length. ``zero`` is what a count of 0 stands for.
    ``sizes`` gives the size of a ``bytes`` field by the value of the command code (MELSOFT
    control frames carry no length).

    ``role`` says what a field is to the reader of a log: ``target``, ``module`` and ``block`` (what the address or
    the device in the target belongs to), ``extension`` (of the file name in the target before it), ``points``,
    ``values``, ``model_code``, ``drive``, ``pointer``, ``offset``, ``detail`` (anything else worth a word), ``user``
    (a target that is the name of a user). A log writes details in the radix ``base``. ``secret`` fields never reach
    any output. ``asset`` says what the field tells of the controller that answers: its ``host`` address, ``mac``,
    ``firmware`` or ``serial``.
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
    padding: str | None = None
    only: tuple[str, tuple[int, ...]] | None = None
    optional: bool = False
    asset: str | None = None


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
class Parameter:
    """A parameter of a footer: its code, its name, what it is good for, and how many octets it may have.

    ``use`` is ``padding`` (how many octets of it stand behind the data), ``data_checksum``, ``checksum``, ``token``
    (a session number and the proof of a login) or ``password`` (a hash that opens a file).
    """

    code: int
    name: str
    use: str
    sizes: tuple[int, ...]
    secret: bool
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Footer:
    """What may follow the data of a PDU: parameters, with the checksums and the credentials among them.

    The header field ``size`` counts the octets between the header and the footer, 0 where there is none: data,
    padding and the fixed octets ``gap``. The footer is a length (``u16``, of what follows it), a count, as many pairs
    of a code and a size, and then the values in the same order.

    Both checksums are CRC-32 with ``polynomial`` over reflected octets with an unreflected result. That of the data
    starts at 0 and covers the command, two zeros, ``size``, data and padding; the other starts at
    ``starts[direction]``, in responses with the status and eight zeros, and covers the command, two zeros, ``size``,
    everything up to the footer, and the footer up to its own last four octets.
    """

    size: str
    gap: bytes
    polynomial: int
    starts: Mapping[str, int]
    parameters: tuple[Parameter, ...]
    provenance: Provenance

    def parameter(self, use: str) -> Parameter | None:
        """The parameter with this use."""
        return next((one for one in self.parameters if one.use == use), None)


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a payload, shared by all commands that carry the same shape."""

    name: str
    fields: tuple[Field, ...]
    provenance: Provenance
    location: Location

    @property
    def asks(self) -> bool:
        """Whether only the request that is answered says how many or how long a field is."""
        return _asks(self.fields)


def _asks(fields: tuple[Field, ...]) -> bool:
    return any((one.count_of or one.size_of or "").startswith("request.") or _asks(one.fields) for one in fields)


@dataclass(frozen=True, slots=True)
class Command:
    """One command code of a protocol.

    ``digits`` is its width in hex digits, as logs print it. ``request`` and ``response`` map
    each sub-command to the name of a layout; an empty name means that there is no data, and a
    sub-command that is missing has data of unknown layout. Protocols without sub-commands use 0.
    ``unanswered`` says that no answer is normal, ``pushed`` that the controller sends it to its client unasked.
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
    pushed: bool = False
    units: str | None = None
    """``bit`` or ``word`` where the command itself says what a point is, and not its sub-command."""
    most: int | None = None
    """The most points (or octets) that a request may ask for on any controller, None where that is not known."""
    most_bits: int | None = None
    """The same in bit units."""

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
    footer: Footer | None = None
    """What may follow the data in frames whose header has the footer's ``size``."""

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
class MacPrefix:
    """The first octets of the MAC addresses of a maker of controllers."""

    prefix: str
    note: str
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
class Threshold:
    """How often something has to happen, within ``seconds``, to mean something.

    ``distinct`` names what has to differ from one time to the next (``user``, ``target``, ``client``, ``server``,
    ``command``); None counts every time. ``per`` says whose times are counted together: those of a ``client``, of a
    ``server``, or of a ``pair`` of them. There is a count of its own for each of these, and the first that is full
    speaks for all. ``fixed``: the interval begins with the first of those that are counted, and the next one with the
    first after it, so that what comes by the thousand is a number and no list.
    """

    count: int
    seconds: int
    distinct: str | None
    per: tuple[str, ...]
    fixed: bool = False


UNKNOWN = "unknown"
"""The class of commands of unknown meaning, and of those that the definition does not have."""

ANY = "any"
"""Stands for all classes."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a detection looks for: names from the protocol facts, never offsets.

    A PDU is meant when its operation is one of ``operations`` or its class one of ``classes``, and everything else
    holds that is said: ``protocols``, ``frames`` (ids), ``devices`` (symbols, one of which the request names),
    ``fields`` (of the header or the data of the request, with their values), ``statuses`` (names of end codes;
    ``failed`` is any but success), ``first`` (the first PDU of a client on a connection whose beginning was seen).
    ``direction`` is the half that is looked at. ``alternatives`` are conditions of which one is enough. With a
    ``threshold`` PDUs like that have to come in numbers.

    Instead of PDUs a condition may mean engineering operations by their ``actions``, or a ``credential`` that is
    ``replayed``: a token that another client has sent, or whose session another client was granted. Or it means an
    ``event`` that is no operation, on its own or, with ``after``, only shortly after one of these detections. Or it
    means what violates the ``policy`` of the site, in one of its ways.
    """

    operations: tuple[str, ...]
    classes: tuple[str, ...]
    protocols: tuple[str, ...]
    direction: str
    frames: tuple[str, ...] = ()
    fields: tuple[tuple[str, int | bytes | str], ...] = ()
    statuses: tuple[str, ...] = ()
    first: bool = False
    alternatives: tuple[Condition, ...] = ()
    threshold: Threshold | None = None
    actions: tuple[str, ...] = ()
    credential: str | None = None
    devices: tuple[str, ...] = ()
    event: str | None = None
    after: tuple[str, ...] = ()
    policy: str | None = None

    @property
    def half(self) -> str:
        """The half that is looked at; alternatives look at the same one."""
        return next((one.direction for one in self.alternatives), self.direction)

    @property
    def plain(self) -> bool:
        """Whether every PDU of the commands meant is meant, each by itself: what any engine can look for."""
        special = (self.frames, self.fields, self.statuses, self.alternatives, self.actions, self.devices)
        return not (self.first or self.threshold or self.credential or self.event or self.policy or any(special))

    @property
    def unknown(self) -> bool:
        """Whether commands are meant that the definition does not have."""
        return bool({UNKNOWN, ANY}.intersection(self.classes)) or any(one.unknown for one in self.alternatives)

    def mentions(self, command: Command) -> bool:
        """Whether PDUs of the command may be meant, as far as the command tells."""
        if any(one.mentions(command) for one in self.alternatives):
            return True
        if self.protocols and command.protocol not in self.protocols:
            return False
        return command.operation in self.operations or command.klass in self.classes or ANY in self.classes

    def matches(self, command: Command) -> bool:
        """Whether every PDU of the command is meant: never where the condition asks for more than the command.

        An engine that looks at nothing else finds no command for such a condition, and so refuses it.
        """
        return self.plain and self.mentions(command)


@dataclass(frozen=True, slots=True)
class Limit:
    """What an engine does not see of a detection that it claims; it stays silent in the captures that it ``misses``."""

    reason: str
    misses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """One detection: what it means, what it looks for, what proves it.

    ``fires`` names the captures in which it fires, ``counts`` how often where that is not once. ``suppress`` seconds
    pass before it is raised again for the same client and server, in operations for the same object. ``limits`` says
    what an engine that claims it does not see of it.
    """

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
    counts: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)

    def engines(self) -> tuple[str, ...]:
        """The engines that claim this detection."""
        return tuple(name for name in ENGINES if name not in self.unsupported)

    def misses(self, engine: str, capture: str) -> bool:
        """Whether an engine that claims this detection cannot see it in a capture."""
        return engine in self.limits and capture in self.limits[engine].misses

    @property
    def notice(self) -> str:
        """The notice type in Zeek: each word capitalised, joined by underscores."""
        return "_".join(word.capitalize() for word in self.id.split("-"))


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file of a controller is, by its extension, and what reading and writing it is called.

    The kind without extensions takes all files that no other kind has. Under a policy a file that ``needs_window`` is
    written within a maintenance window only, and one that ``needs_change`` with the content of an approved change.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    upload: str
    download: str
    provenance: Provenance
    needs_window: bool = False
    needs_change: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """How files go to and from a controller, in names of operations and of fields in their layouts.

    With ``open`` a file is named once and known by its pointer from then on, until ``close``; without, every request
    names it. The ``mode`` of the request that opens it, called ``write`` where it is written, is a named field;
    ``size`` is the field with the new size of a file that is written. ``content`` are the octets in the answer to
    ``read`` and in the request to ``write``.
    """

    open: str | None
    mode: str | None
    size: str | None
    read: str
    write: str
    close: str | None
    content: str


@dataclass(frozen=True, slots=True)
class Action:
    """An engineering operation: what a person would call one thing that is done to a controller.

    ``each`` says what one of them is: a ``transaction``; a ``session``, the first of a client with a server after
    ``idle`` seconds without any; a ``run`` of requests with no more than ``idle`` seconds between two of them, counted
    only if it has as many ``requests``, distinct device ``points`` or kinds of ``devices`` within ``within`` seconds; a
    ``user`` of a request that names several; a ``login`` in two steps; or the change of a controller's ``address``.

    ``failed`` is its name where the controller refuses it, ``known`` that of a user that the controller had before.
    ``object`` names the field that says what it was about; otherwise it is the target of the request or, if there is
    none, of the answer. A login names its ``user`` in a request to ``name``; a ``token`` field in the answer ties it
    to the request of ``proof``, whose answer holds the number of the ``session``. Under a policy an action that
    ``needs_window`` is done within a maintenance window only; that it was refused does not excuse it.
    """

    name: str
    title: str
    each: str
    when: Condition | None
    failed: str | None = None
    known: str | None = None
    object: str | None = None
    idle: int = 0
    within: int = 0
    requests: int = 0
    points: int = 0
    devices: int = 0
    proof: Condition | None = None
    token: str | None = None
    session: str | None = None
    needs_window: bool = False


@dataclass(frozen=True, slots=True)
class Engineering:
    """From transactions to operations: kinds of files, ways of transfer, actions."""

    kinds: tuple[FileKind, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that an operation can have."""
        files = (name for kind in self.kinds for name in (kind.upload, kind.download))
        others = (name for one in self.actions for name in (one.name, one.failed, one.known) if name)
        return tuple(dict.fromkeys((*files, *others)))

    @property
    def need_window(self) -> tuple[str, ...]:
        """The operations that a policy allows within a maintenance window only."""
        files = (kind.download for kind in self.kinds if kind.needs_window)
        others = (name for one in self.actions if one.needs_window for name in (one.name, one.known) if name)
        return tuple(dict.fromkeys((*files, *others)))

    @property
    def need_change(self) -> tuple[str, ...]:
        """The operations whose file has to be that of an approved change, under a policy."""
        return tuple(dict.fromkeys(kind.download for kind in self.kinds if kind.needs_change))

    def kind(self, file: str) -> FileKind | None:
        """The kind of a file by the extension of its name."""
        extension = file.rpartition(".")[2].upper() if "." in file else ""
        fallback = None
        for kind in self.kinds:
            if extension in kind.extensions:
                return kind
            if not kind.extensions:
                fallback = kind
        return fallback


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
    seconds that pass before it. A ``lost`` exchange went over the wire, and the capture misses it. ``footer`` and
    ``response_footer`` are values of the footer's parameters by their names (checksums are computed); None is no
    footer. ``client`` is who asks, where that is not the client of the capture, ``connection`` the number of the
    connection (over UDP: of the client's port) that it belongs to; ``fresh`` ones have one of their own, each time.
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
    lost: bool = False
    footer: Mapping[str, bytes] | None = None
    response_footer: Mapping[str, bytes] | None = None
    client: str = ""
    server: str = ""
    connection: int = 0
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Capture:
    """A generated capture: one conversation between a client and a controller, a packet every ``interval`` µs."""

    name: str
    title: str
    transport: str
    port: int
    client: str
    server: str
    shape: str
    exchanges: tuple[Exchange, ...]
    location: Location
    interval: int = 10_000


@dataclass(frozen=True, slots=True)
class Case:
    """A capture judged under a policy: one of ``policies/``, in which ``old`` text is replaced by ``new``.

    Detections name it among their captures as if it were one. What else the capture raises, it raises here too, but for
    the detections that name the case as a near miss.
    """

    name: str
    title: str
    capture: str
    policy: str
    old: str
    new: str
    location: Location


@dataclass(frozen=True, slots=True)
class LockEntry:
    """What was once published for a detection: sids by variant, revision, hash of the rules."""

    id: str
    base: int
    rev: int
    hash: str
    retired: bool
    variants: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why rules changed, by the id of their detection and the revision it came with, and why some are gone."""

    revisions: Mapping[tuple[str, int], str]
    retired: Mapping[str, str]


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
    attack_version: str
    """Of MITRE ATT&CK for ICS, whose techniques these are."""
    classes: tuple[str, ...]
    engineering: Engineering = field(default_factory=Engineering)
    mac_prefixes: tuple[MacPrefix, ...] = ()
    cases: Mapping[str, Case] = field(default_factory=dict)

    def ports(self, transport: str) -> tuple[int, ...]:
        """The ports on which some protocol is expected, sorted."""
        hints = (hint for protocol in self.protocols.values() for hint in protocol.ports)
        return tuple(sorted({hint.port for hint in hints if hint.transport == transport}))

    def commands(self) -> Iterator[Command]:
        """All commands of all protocols, in definition order."""
        for protocol in self.protocols.values():
            yield from protocol.commands

    def commands_for(self, condition: Condition) -> tuple[Command, ...]:
        """The commands of which a condition means every PDU."""
        return tuple(command for command in self.commands() if condition.matches(command))

    @cached_property
    def action_classes(self) -> dict[str, tuple[str, ...]]:
        """The classes of the commands that an engineering operation consists of, by its name; sorted, may be none."""
        found: dict[str, set[str]] = {name: set() for name in self.engineering.names}
        ways = self.engineering.transfers
        for kind in self.engineering.kinds:
            for name, operations in (
                (kind.upload, {way.read for way in ways}),
                (kind.download, {way.write for way in ways}),
            ):
                found[name].update(one.klass for one in self.commands() if one.operation in operations)
        for action in self.engineering.actions:
            conditions = [one for one in (action.when, action.proof) if one is not None]
            classes = {one.klass for one in self.commands() if any(when.mentions(one) for when in conditions)}
            for name in filter(None, (action.name, action.failed, action.known)):
                found[name] |= classes
        return {name: tuple(sorted(classes)) for name, classes in found.items()}

    @cached_property
    def _mentioned(self) -> dict[Condition, frozenset[tuple[str, int, int]]]:
        return {}

    def mentioned(self, condition: Condition) -> frozenset[tuple[str, int, int]]:
        """Protocol, digits and code of the commands of which a condition may mean PDUs, as `key` has them."""
        if condition not in self._mentioned:
            keys = {
                (command.protocol, command.digits, command.code)
                for command in self.commands()
                if condition.mentions(command)
            }
            if condition.unknown:
                keys |= {
                    _unknown(name) for name in self.protocols if name in condition.protocols or not condition.protocols
                }
            self._mentioned[condition] = frozenset(keys)
        return self._mentioned[condition]

    @cached_property
    def _known(self) -> frozenset[tuple[str, int, int]]:
        return frozenset((command.protocol, command.digits, command.code) for command in self.commands())

    def key(self, kind: tuple[str, int, int]) -> tuple[str, int, int]:
        """What conditions know a command by; those that the definition does not have are one in each protocol."""
        return kind if kind in self._known else _unknown(kind[0])

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


def _unknown(protocol: str) -> tuple[str, int, int]:
    return protocol, 0, -1

"""Everything wrong in a definition is reported, with its position, and nothing else is.

The toy definition below is sound; each test spoils one thing in it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from melsec_nsm.definitions import Definition, DefinitionError, load, validate_files
from melsec_nsm.definitions.model import Command

PROTOCOL = """\
protocol: toy
title: Toy protocol
byte_order: little
device_table: toy
status_table: toy
bit_units: 0x0001
form_bits: {iqr: 0x0002, ext: 0x0080}
device_forms:
  ql: {binary: [{number: u24}, {code: u8}], ascii: [{code: 2}, {number: 6}]}
  iqr: {binary: [{number: u32}, {code: u16}], ascii: [{code: hex4}, {number: hex8}]}
  ql-ext:
    binary: [{number: u24}, {code: u8}, {specification: u16}]
    ascii: [{fixed: 2}, {specification: 4}, {code: 2}, {number: 6}]
  iqr-ext:
    binary: [{number: u32}, {code: u16}, {specification: u16}]
    ascii: [{specification: 4}, {code: 4}, {number: 8}]
sources:
  BOOK: "The toy manual"
ports:
  - {port: 5007, transport: tcp, note: "the toy port", source: BOOK, confidence: A}
frames:
  - frame: "T"
    id: toy-binary
    encoding: binary
    transports: [tcp, udp]
    source: BOOK
    confidence: A
    request:
      - {field: subheader, type: bytes, const: "50 00"}
      - {field: network, type: u8, allowed: ["0x00-0xEF", 0xFF], default: 0}
      - {field: length, type: u16, counts: rest, minimum: 4, maximum: 4200}
      - {field: command, type: u16}
      - {field: subcommand, type: u16}
      - {field: data, type: bytes}
    response:
      - {field: subheader, type: bytes, const: "D0 00"}
      - {field: length, type: u16, counts: rest, minimum: 2, maximum: 4200}
      - {field: status, type: u16, default: 0}
      - {field: data, type: bytes}
  - frame: "S"
    id: toy-short
    kind: sizes
    encoding: binary
    transports: [udp]
    source: BOOK
    confidence: B
    request:
      - {field: lead, type: bytes, const: "5A"}
      - {field: command, type: u8}
      - {field: data, type: bytes, sizes: {0x01: 0, 0xFF: 2}}
    response:
      - {field: lead, type: bytes, const: "DA"}
      - {field: command, type: u8}
      - {field: data, type: bytes, sizes: {0x01: 10, 0xFF: 24}}
  - {frame: "T", id: toy-ascii, encoding: ascii, like: toy-binary, transports: [tcp], source: BOOK, confidence: A}
  - frame: "P"
    id: toy-push
    encoding: binary
    transports: [tcp]
    source: BOOK
    confidence: A
    request:
      - {field: subheader, type: bytes, const: "9D 00"}
      - {field: length, type: u16, counts: rest, minimum: 4, maximum: 4200}
      - {field: command, type: u16}
      - {field: data, type: bytes}
  - frame: "L"
    id: toy-layout
    kind: layout
    weak: true
    encoding: binary
    transports: [tcp]
    source: BOOK
    confidence: A
    request:
      - {field: command, type: u8}
      - {field: data, type: bytes}
    response:
      - {field: command, type: u8, flag: 0x80}
      - {field: data, type: bytes}
layouts:
  - layout: device-block
    source: BOOK
    confidence: A
    fields:
      - {field: device, type: device, role: target}
      - {field: points, type: u16, role: points}
      - {field: values, type: bytes}
  - layout: password
    source: BOOK
    confidence: A
    fields:
      - {field: size, type: u16}
      - {field: password, type: text, charset: ascii, size_of: size, secret: true}
  - layout: random
    source: BOOK
    confidence: A
    fields:
      - {field: words, type: u8, zero: 256, role: points}
      - list: word_devices
        count: words
        of:
          - {field: place, type: device, role: target}
          - {field: number, type: u16, role: values}
      - {list: names, count: rest, of: [{field: letters, type: u16},
         {field: name, type: text, charset: utf-16-le, size_of: letters}]}
  - layout: bits
    source: BOOK
    confidence: A
    fields:
      - {field: bits, type: values, count_of: request.words, role: values}
  - layout: node
    source: BOOK
    confidence: A
    fields:
      - {field: mac, type: mac, role: target}
      - {field: address, type: ipv4, default: 255.255.255.255}
      - {field: file, type: text, size: 8, role: target}
      - {field: ending, type: text, size: 3, role: extension}
      - {field: unit, type: u8}
      - {field: some, type: u8, role: points}
      - {field: content, type: bytes, size_of: some, unit_of: unit}
      - {field: many, type: dwords, count_of: rest, role: values}
commands:
  - {code: 0x0401, operation: read-devices, title: Read devices, class: read, subcommands: [0x0000, 0x0002],
     request: device-block, response: {0x0000: device-block, 0x0002: []}, source: BOOK 1.2, confidence: A}
  - {code: 0x1002, operation: remote-stop, title: Remote STOP, class: control, response: [], source: BOOK,
     confidence: A, unanswered: true}
  - {code: 0x1001, operation: remote-run, title: Remote RUN, class: control, source: BOOK, confidence: A}
  - {code: 0x9999, operation: mystery, title: A mystery, class: unknown, subcommands: [], source: BOOK, confidence: U}
  - {code: 0xFF, digits: 2, operation: hello, title: Hello, class: identify, frames: [toy-short], source: BOOK,
     confidence: A}
  - {code: 0x0403, operation: read-random, title: Read at random, class: read, subcommands: [0, 1, 2, 0x80],
     request: random, response: bits, source: BOOK, confidence: A}
  - {code: 0x0E30, operation: find, title: Find, class: identify, request: node, source: BOOK, confidence: A}
  - {code: 0x10, digits: 2, operation: poll, title: Poll bits, class: read, units: bit, frames: [toy-layout],
     source: BOOK, confidence: A}
  - {code: 0x11, digits: 2, operation: poll, title: Poll words, class: read, units: word, frames: [toy-layout],
     source: BOOK, confidence: A}
"""

DEVICES = """\
devices:
  - {symbol: D, title: data register, unit: word, base: 10, codes: {toy: 0xA8}, source: BOOK, confidence: A}
  - {symbol: W, title: link register, unit: word, base: 16, codes: {toy: 0xB4}, source: BOOK, confidence: A}
  - {symbol: STN, title: timer, unit: word, base: 10, codes: {toy: 0xC8}, ascii: {ql: SN}, source: BOOK, confidence: A}
"""

STATUSES = """\
table: toy
statuses:
  - {code: 0xC059, name: unsupported-command, title: The command is not supported, source: BOOK, confidence: A}
"""

MODELS = """\
models:
  - {code: 0x4891, name: R08SFCPU, series: iQ-R, source: BOOK, confidence: A}
"""

ATTACK = """\
version: "18.1"
techniques:
  T0858: Change Operating Mode
  T0816: Device Restart/Shutdown
"""

DETECTION = """\
id: remote-stop
title: Remote STOP of a controller
description: >
  A host asks a controller
  to stop.
category: control
severity: high
confidence: high
attack: [T0858]
references: [ICSA-20-175-01, CVE-2020-5594]
when: {operation: remote-stop, direction: request}
suppress: 60
unsupported: {suricata: "the toy has no rules"}
false_positives: [planned maintenance]
triage: [Look for a change ticket]
captures:
  fires: [toy-stop]
  quiet: [toy-read]
"""

CAPTURES = """\
captures:
  - capture: toy-stop
    title: A stop
    port: 5007
    exchanges:
      - {protocol: toy, frame: toy-binary, operation: remote-stop, data: "01 00"}
  - capture: toy-read
    title: A read
    transport: udp
    port: 5006
    client: 10.0.0.1
    shape: broadcast
    exchanges:
      - protocol: toy
        frame: toy-binary
        command: 0x0401
        values: {network: 1, device: W1F, points: 2, values: "12 34"}
        response: {values: {device: D100}, status: 0}
      - {protocol: toy, frame: toy-binary, command: 0x0401, response: {status: 0xC059, data: "00 ff"}, repeat: 3}
      - {protocol: toy, frame: toy-binary, command: 0x7777, response: {}, half: response}
  - capture: toy-lists
    title: Lists and several commands of an operation
    port: 5007
    exchanges:
      - protocol: toy
        frame: toy-ascii
        operation: read-random
        subcommand: 0x0080
        values: {words: 256, word_devices: [{place: U3E0\\W1F, number: 3}, {place: D7}], names: [{name: abc}]}
        response: {values: {bits: [0x1234, 2]}}
      - protocol: toy
        frame: toy-binary
        operation: find
        values: {mac: "1C:39:47:CD:D4:EB", file: MAIN, ending: PRG, many: [1, 0x12345678]}
      - {protocol: toy, frame: toy-layout, operation: poll, command: 0x11}
  - capture: toy-noise
    title: Noise
    port: 5007
    exchanges: [{from: client, octets: "de ad"}, {from: server, octets: "be ef", repeat: 2}]
"""

FILES = {
    "protocols/toy.yaml": PROTOCOL,
    "codes/devices.yaml": DEVICES,
    "codes/toy.yaml": STATUSES,
    "codes/models.yaml": MODELS,
    "attack.yaml": ATTACK,
    "detections/remote-stop.yaml": DETECTION,
    "captures/toy.yaml": CAPTURES,
}


def write_definition(root: Path, changes: dict[str, str | None] | None = None) -> Path:
    """Write the definition below ``root``, with other texts (None: no file) for some of its files."""
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return root


def changed(name: str, old: str, new: str) -> dict[str, str | None]:
    """One file of the definition with a text replaced; the text must stand in it."""
    text = FILES[name]
    assert old in text, old
    return {name: text.replace(old, new)}


def position(name: str, text: str, needle: str, occurrence: int = 1) -> str:
    """``name:line:column`` of a text in a file."""
    offset = -1
    for _ in range(occurrence):
        offset = text.index(needle, offset + 1)
    before = text[:offset]
    return f"{name}:{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}"


def issues_of(root: Path, changes: dict[str, str | None] | None = None) -> list[str]:
    """What is wrong with the definition, as printed."""
    with pytest.raises(DefinitionError) as caught:
        load(write_definition(root, changes))
    return [str(issue) for issue in caught.value.issues]


@pytest.fixture
def toy(tmp_path: Path) -> Definition:
    """The definition as it is, read."""
    return load(write_definition(tmp_path))


def command(definition: Definition, operation: str) -> Command:
    """A command of the toy protocol by operation."""
    return next(found for found in definition.commands() if found.operation == operation)


# --- what is read


def test_fields_take_their_types(toy: Definition) -> None:
    frame = toy.protocols["toy"].frame("toy-binary")
    subheader, network, length = frame.request[:3]
    assert subheader.const == b"\x50\x00"
    assert network.allowed == ((0, 0xEF), (0xFF, 0xFF))
    assert network.default == 0
    assert (length.counts, length.minimum, length.maximum) == ("rest", 4, 4200)
    assert toy.protocols["toy"].frame("toy-short").response[-1].sizes == {1: 10, 0xFF: 24}
    assert toy.protocols["toy"].layouts["device-block"].fields[0].role == "target"
    assert toy.protocols["toy"].layouts["password"].fields[1].secret


def test_lists_hold_fields(toy: Definition) -> None:
    words, devices, names = toy.protocols["toy"].layouts["random"].fields
    assert (words.zero, words.role) == (256, "points")
    assert (devices.name, devices.type, devices.count_of) == ("word_devices", "list", "words")
    assert [(field.name, field.type, field.role) for field in devices.fields] == [
        ("place", "device", "target"),
        ("number", "u16", "values"),
    ]
    assert (names.count_of, names.fields[1].size_of) == ("rest", "letters")
    assert toy.protocols["toy"].layouts["bits"].fields[0].count_of == "request.words"
    assert toy.protocols["toy"].layouts["node"].fields[6].unit_of == "unit"


def test_frame_like_another_has_its_fields(toy: Definition) -> None:
    protocol = toy.protocols["toy"]
    binary, ascii_frame = protocol.frame("toy-binary"), protocol.frame("toy-ascii")
    assert (ascii_frame.request, ascii_frame.response) == (binary.request, binary.response)
    assert (ascii_frame.encoding, ascii_frame.transports, ascii_frame.kind) == ("ascii", ("tcp",), "length")


def test_kinds_of_frames(toy: Definition) -> None:
    protocol = toy.protocols["toy"]
    assert protocol.frame("toy-push").half("response") == ()
    assert protocol.frame("toy-short").kind == "sizes"
    assert protocol.frame("toy-layout").kind == "layout"
    assert protocol.frame("toy-layout").response[0].flag == 0x80


def test_device_forms(toy: Definition) -> None:
    protocol = toy.protocols["toy"]
    assert [protocol.device_form(number).name for number in (0, 1, 2, 0x80, 0x83)] == [
        "ql",
        "ql",
        "iqr",
        "ql-ext",
        "iqr-ext",
    ]
    assert protocol.device_form(0).binary == (("number", "u24"), ("code", "u8"))
    assert protocol.device_form(0).ascii == (("code", "2"), ("number", "6"))
    assert protocol.device_form(2).ascii == (("code", "hex4"), ("number", "hex8"))
    assert [device.ascii for device in toy.devices] == [{}, {}, {"ql": "SN"}]


def test_commands_take_their_defaults(toy: Definition) -> None:
    read = command(toy, "read-devices")
    assert read.request == {0: "device-block", 2: "device-block"}
    assert read.response == {0: "device-block", 2: ""}
    stop = command(toy, "remote-stop")
    assert (stop.subcommands, stop.request, stop.response) == ((0,), {}, {0: ""})
    assert stop.unanswered
    assert command(toy, "mystery").subcommands == ()
    assert read.frames == ("toy-binary", "toy-ascii", "toy-push")
    assert [found.units for found in toy.commands() if found.operation == "poll"] == ["bit", "word"]
    assert command(toy, "hello").frames == ("toy-short",)
    assert command(toy, "hello").text == "FF"


def test_captures_take_their_defaults(toy: Definition) -> None:
    stop = toy.captures["toy-stop"]
    assert (stop.client, stop.server, stop.shape, stop.transport) == (
        "192.168.3.18",
        "192.168.3.250",
        "plain",
        "tcp",
    )
    exchange = stop.exchanges[0]
    assert (exchange.command, exchange.subcommand, exchange.data) == (0x1002, 0, b"\1\0")
    assert exchange.status is None
    read, refused, unknown = toy.captures["toy-read"].exchanges
    assert read.values == {"network": 1, "device": "W1F", "points": 2, "values": b"\x12\x34"}
    assert (read.status, read.response_values) == (0, {"device": "D100"})
    assert (refused.status, refused.response_data, refused.repeat) == (0xC059, b"\0\xff", 3)
    assert (unknown.command, unknown.half, unknown.status) == (0x7777, "response", 0)
    random, find, poll = toy.captures["toy-lists"].exchanges
    assert random.values == {
        "words": 256,
        "word_devices": ({"place": "U3E0\\W1F", "number": 3}, {"place": "D7"}),
        "names": ({"name": "abc"},),
    }
    assert random.response_values == {"bits": (0x1234, 2)}
    assert find.values["many"] == (1, 0x12345678)
    assert poll.command == 0x11
    noise = toy.captures["toy-noise"].exchanges
    assert [(item.sender, item.octets, item.repeat) for item in noise] == [
        ("client", b"\xde\xad", 1),
        ("server", b"\xbe\xef", 2),
    ]


def test_detections_and_codes(toy: Definition) -> None:
    stop = toy.detections["remote-stop"]
    assert stop.description == "A host asks a controller to stop."
    assert stop.engines() == ("reference", "zeek")
    assert [found.operation for found in toy.commands_for(stop.when)] == ["remote-stop"]
    assert stop.suppress == 60
    status, device, model = toy.status("toy", 0xC059), toy.device("toy", 0xB4), toy.model(0x4891)
    assert status is not None
    assert status.name == "unsupported-command"
    assert device is not None
    assert device.symbol == "W"
    assert model is not None
    assert model.series == "iQ-R"
    assert toy.techniques == {"T0858": "Change Operating Mode", "T0816": "Device Restart/Shutdown"}
    assert "control" in toy.classes


def test_locations_are_those_of_the_entries(toy: Definition) -> None:
    found = command(toy, "remote-stop").location
    assert str(found) == position("protocols/toy.yaml", PROTOCOL, "{code: 0x1002")


# --- positions


def test_five_mistakes_in_one_file_are_five_issues(tmp_path: Path) -> None:
    text = DETECTION.replace("severity: high", "severty: high").replace("confidence: high", "confidence: hihg")
    text = text.replace("remote-stop, direction", "remote-stopp, direction").replace("suppress: 60", "suppress: 0")
    text = text.replace("fires: [toy-stop]", "fires: [toy-stpo]")
    name = "detections/remote-stop.yaml"
    assert issues_of(tmp_path, {name: text}) == [
        f"{position(name, text, 'severty')}: unknown key 'severty' (did you mean 'severity'?)",
        f"{position(name, text, 'hihg')}: confidence cannot be 'hihg' (did you mean 'high'?)",
        f"{position(name, text, 'remote-stopp')}: no protocol has an operation 'remote-stopp'"
        " (did you mean 'remote-stop'?)",
        f"{position(name, text, '0' + chr(10) + 'unsupported')}: suppress must be at least 1, found 0",
        f"{position(name, text, 'toy-stpo')}: unknown capture 'toy-stpo' (did you mean 'toy-stop'?)",
    ]


def test_issues_of_all_files_come_together(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "codes/models.yaml": "models: [",
        "codes/toy.yaml": "",
        "attack.yaml": "techniques: {T0858: x}\n---\n{}\n",
        "detections/remote-stop.yaml": DETECTION.replace("category: control", "category: contrl"),
    }
    found = issues_of(tmp_path, changes)
    assert [issue.split(":")[0] for issue in found if "status_table" not in issue] == [
        "attack.yaml",
        "codes/models.yaml",
        "codes/toy.yaml",
        "detections/remote-stop.yaml",
        "detections/remote-stop.yaml",
        "protocols/toy.yaml",
    ]


# The file, the text spoiled, what replaces it, what the issue stands at (and which occurrence), what it says.
Case = tuple[str, str, str, str, int, str]

P, D, C = "protocols/toy.yaml", "detections/remote-stop.yaml", "captures/toy.yaml"

CASES: dict[str, Case] = {
    "unknown key": (
        P,
        "byte_order",
        "byteorder",
        "byteorder",
        1,
        "unknown key 'byteorder' (did you mean 'byte_order'?)",
    ),
    "missing key": (P, "    confidence: A\n    request", "    request", 'frame: "T"', 1, "lacks the key 'confidence'"),
    "wrong type": (
        P,
        'BOOK: "The toy manual"',
        "BOOK: 12",
        "12",
        1,
        "BOOK must be text, found the number 12 (quote it",
    ),
    "hex without 0x": (
        P,
        "code: 0x1001",
        "code: 1A01",
        "1A01",
        1,
        "must be a whole number, found '1A01' (write 0x1A01",
    ),
    "fraction": (P, "code: 0x1001", "code: 1.0", "1.0", 1, "must be a whole number"),
    "text for a list": (P, "[tcp, udp]", "tcp", "tcp", 2, "transports must be a list, found 'tcp' (write [tcp])"),
    "wrong value": (P, "class: control", "class: contrl", "contrl", 1, "cannot be 'contrl' (did you mean 'control'?)"),
    "wrong pattern": (P, "operation: mystery", "operation: My_Stery", "My_Stery", 1, "must be lower-case words"),
    "octal number": (P, "code: 0x0401", "code: 0401", "0401", 1, "looks like an octal number (write 0x401 or quote"),
    "octal key": (P, "{0x01: 10", "{010: 10", "010", 1, "'010' looks like an octal number"),
    "truth value": (P, "operation: hello", "operation: no", "no,", 1, "YAML reads 'no' as a truth value (quote it"),
    "duplicate key": (P, "title: Toy protocol", "protocol: toy", "protocol: toy", 2, "stands twice (first on line 1)"),
    "duplicate number": (P, "{0x01: 10, 0xFF", "{0x01: 10, 1", "1: 24", 1, "key '1' stands twice"),
    "duplicate code": (P, "code: 0x1001", "code: 0x1002", "0x1002", 2, "command code 0x1002 stands twice (first at"),
    "duplicate operation": (P, "operation: remote-run", "operation: mystery", "mystery", 2, "'mystery' stands twice"),
    "code too wide": (P, "0xFF, digits: 2", "0x100, digits: 2", "0x100,", 1, "code 0x100 does not fit 2 digits"),
    "unknown layout": (P, "request: device-block", "request: device-blok", "device-blok", 1, "(did you mean 'device-b"),
    "unknown sub-command": (P, "0x0002: []", "0x0003: []", "0x0003", 1, "is no sub-command of this command"),
    "layout without sub-command": (
        P,
        "subcommands: [], ",
        "subcommands: [], request: password, ",
        "password",
        3,
        "bel",
    ),
    "unknown frame": (P, "frames: [toy-short]", "frames: [toy-shrt]", "toy-shrt", 1, "(did you mean 'toy-short'?)"),
    "frame of other width": (P, "frames: [toy-short]", "frames: [toy-binary]", "toy-binary", 3, "of 4 digits, this"),
    "unknown source": (P, "source: BOOK 1.2", "source: BOKO 1.2", "BOKO", 1, "unknown source 'BOKO' (did you mean"),
    "unknown device table": (P, "device_table: toy", "device_table: tyo", "tyo", 1, "unknown device table 'tyo'"),
    "unknown status table": (P, "status_table: toy", "status_table: tyo", "tyo", 1, "unknown status table 'tyo'"),
    "constant too big": (
        P,
        "status, type: u16, default: 0",
        "status, type: u16, default: 0x10000",
        "0x10000",
        1,
        "fit",
    ),
    "constant no hex": (P, 'const: "5A"', 'const: "5"', '"5"', 1, "must be octets in hex"),
    "constant unquoted": (P, 'const: "5A"', "const: 90", "90", 1, "must be octets in hex"),
    "range too wide": (P, "0x00-0xEF", "0x00-0x1EF", '"0x00-0x1EF"', 1, "does not fit type u8"),
    "range backwards": (P, "0x00-0xEF", "0xEF-0x00", '"0xEF-0x00"', 1, "ends before it begins"),
    "range no range": (P, "0x00-0xEF", "0x00..0xEF", '"0x00..0xEF"', 1, "must be a number, or a range"),
    "default not allowed": (P, "0xFF], default: 0", "0xFF], default: 0xF0", "0xF0", 1, "not among the allowed values"),
    "length without bounds": (P, "minimum: 4, maximum: 4200", "minimum: 4", "{field: length", 1, "maximum missing"),
    "length bounds swapped": (P, "minimum: 4,", "minimum: 5000,", "5000", 1, "is above maximum 4200"),
    "two length fields": (P, "status, type: u16,", "status, type: u16, counts: rest,", "counts", 3, "only one length"),
    "no length field": (P, " counts: rest, minimum: 4, maximum: 4200", " default: 0", "request:", 1, "no length field"),
    "data not last": (
        P,
        "      - {field: data, type: bytes}\n    response",
        "    response",
        "{field: subcom",
        1,
        "last f",
    ),
    "no leading constant": (P, 'bytes, const: "5A"', "bytes, size: 1", "{field: lead", 1, "begins with a field"),
    "size of nothing": (P, "size_of: size", "size_of: siez", "siez", 1, "(did you mean 'size'?)"),
    "size of a later field": (
        P,
        "device, type: device",
        "x, type: bytes, size_of: points",
        "points",
        1,
        "stands before this one",
    ),
    "open field not last": (
        P,
        "{field: points, type: u16,",
        "{field: points, type: bytes,",
        "{field: points",
        1,
        "last",
    ),
    "field twice": (P, "field: points", "field: device", "device, type: u16", 1, "field 'device' stands twice"),
    "list without count": (
        P,
        "list: names, count: rest, of",
        "list: names, of",
        "{list: names",
        1,
        "lacks the key 'count'",
    ),
    "field without type": (P, "field: many, type: dwords,", "field: many,", "{field: many", 1, "lacks the key 'type'"),
    "list in a header": (
        P,
        "      - {field: command, type: u8, flag: 0x80}",
        "      - {list: command, count: rest, of: [{field: x, type: u8}]}",
        "list: command",
        1,
        "a header holds no list",
    ),
    "field as around the list": (P, "field: place", "field: words", "words, type: device", 1, "'words' stands twice"),
    "count of nothing": (P, "count: words", "count: wrods", "wrods", 1, "count 'wrods' is no field here (did you mean"),
    "count of a text": (P, "count: words", "count: names", "names\n", 1, "is no number field that stands before"),
    "count of the request": (P, "request.words", "request.wodrs", "request.wodrs", 1, "(did you mean 'words'?)"),
    "values without count": (P, "type: dwords, count_of: rest", "type: dwords", "{field: many", 1, "needs 'count_of'"),
    "open list not last": (P, "count: words", "count: rest", "list: word_devices", 1, "must be the last"),
    "rest inside a list": (P, ", size_of: letters", "", "{field: name,", 1, "takes all the rest"),
    "zero too big": (P, "zero: 256", "zero: 257", "257", 1, "zero 257 does not fit type u8"),
    "flag too big": (P, "flag: 0x80", "flag: 0x100", "0x100", 1, "does not fit type u8"),
    "default no address": (P, "default: 255.255.255.255", "default: 255.255.255", "255.255.255}", 1, "such as 192.168"),
    "role of another type": (
        P,
        "type: mac, role: target",
        "type: mac, role: points",
        "points}",
        3,
        "cannot have the role",
    ),
    "extension of nothing": (P, "size: 8, role: target", "size: 8", "extension", 1, "has the role target"),
    "secret target": (
        P,
        "type: mac, role: target",
        "type: mac, secret: true, role: target",
        "target}",
        3,
        "secret field",
    ),
    "unit of no size": (P, "size_of: some, unit_of", "size: 4, unit_of", "unit_of", 1, "which is missing"),
    "kind without length": (P, "    kind: layout\n", "", "request:\n      - {field: command", 1, "no length field"),
    "kind without sizes": (P, ", sizes: {0x01: 0, 0xFF: 2}", "", "request:\n      - {field: lead", 1, "no 'sizes'"),
    "sizes in another kind": (P, "    kind: sizes\n", "    kind: layout\n", "sizes: {0x01: 0", 1, "kind sizes only"),
    "length in another kind": (
        P,
        "id: toy-push\n",
        "id: toy-push\n    kind: layout\n",
        "counts",
        3,
        "has no length field",
    ),
    "like nothing": (P, "like: toy-binary", "like: toy-bin", "toy-bin,", 1, "(did you mean 'toy-binary'?)"),
    "like itself": (P, "like: toy-binary", "like: toy-ascii", "toy-ascii, tr", 1, "has no fields of its own"),
    "like one of the encoding": (
        P,
        "encoding: ascii",
        "encoding: binary",
        "toy-binary, tr",
        1,
        "has the same encoding",
    ),
    "like with a kind": (
        P,
        "like: toy-binary",
        "kind: layout, like: toy-binary",
        "kind: layout, like",
        1,
        "comes from",
    ),
    "form missing": (P, "  iqr: {binary", "  iqrr: {binary", "iqrr", 1, "(did you mean 'iqr'?)"),
    "form without code": (
        P,
        "[{number: u24}, {code: u8}], ascii",
        "[{number: u24}], ascii",
        "binary: [{n",
        1,
        "has a 'code'",
    ),
    "form without ASCII": (
        P,
        ", ascii: [{code: 2}, {number: 6}]",
        "",
        "{binary: [{number: u24}, {code: u8}]}",
        1,
        "needs 'ascii'",
    ),
    "part twice": (
        P,
        "{fixed: 2}, {specification: 4}",
        "{code: 2}, {specification: 4}",
        "ascii: [{code: 2}, {sp",
        1,
        "twice",
    ),
    "parts in one mapping": (P, "[{fixed: 2}, {sp", "[{fixed: 2, direct: 1}, {sp", "{fixed: 2", 1, "must have one key"),
    "no forms at all": (
        P,
        PROTOCOL[PROTOCOL.index("device_forms:") : PROTOCOL.index("sources:")],
        "",
        "layout: device-block",
        1,
        "needs 'device_forms'",
    ),
    "values in no units": (P, "bit_units: 0x0001\n", "", "{code: 0x0403", 1, "needs 'units'"),
    "operation of the same units": (P, "units: word", "units: bit", "poll, title: Poll w", 1, "'poll' stands twice"),
    "key for another type": (
        P,
        "role: points",
        "charset: ascii",
        "charset",
        1,
        "means nothing for a field of type u16",
    ),
    "unknown charset": (P, "charset: ascii", "charset: asci", "asci,", 1, "(did you mean 'ascii'?)"),
    "comma in text": (P, 'note: "the toy port"', "note: the toy, often", "often", 1, "quote text that contains"),
    "id not file name": (D, "id: remote-stop", "id: remote-halt", "remote-halt", 1, "name the file remote-halt.yaml"),
    "unknown technique": (D, "[T0858]", "[T0859]", "T0859", 1, "unknown technique 'T0859' (did you mean 'T0858'?)"),
    "unknown protocol": (D, "when: {", "when: {protocol: [tooy], ", "tooy", 1, "(did you mean 'toy'?)"),
    "unknown class": (D, "operation: remote-stop", "class: [contol]", "contol", 1, "(did you mean 'control'?)"),
    "no condition": (D, "operation: remote-stop, ", "", "{direction", 1, "when needs an 'operation' or a 'class'"),
    "wrong condition": (D, "operation: remote-stop", "operation: 5", "5,", 1, "must be text or a list"),
    "no triage": (D, "[Look for a change ticket]", "[]", "[]", 1, "a detection of severity high needs 'triage'"),
    "no false positives": (D, "false_positives: [planned maintenance]\n", "", "high", 1, "needs 'false_positives'"),
    "unknown engine": (D, "{suricata:", "{suricta:", "suricta", 1, "'suricta' is no engine (did you mean 'suricata'?)"),
    "fires and quiet": (D, "[toy-read]", "[toy-stop]", "toy-stop", 2, "stands in fires too"),
    "nothing quiet": (D, "[toy-read]", "[]", "[]", 1, "quiet must not be empty"),
    "fires on nothing": (D, "[toy-stop]", "[toy-stop, toy-noise]", "toy-noise", 1, "holds nothing that this detection"),
    "wrong reference": (D, "ICSA-20-175-01", "ICSA 20", "ICSA 20", 1, "must be a CVE id"),
    "capture twice": (C, "capture: toy-noise", "capture: toy-read", "toy-read", 2, "capture 'toy-read' stands twice"),
    "title twice": (C, "title: Noise", "title: A read", "A read", 2, "title 'A read' stands twice"),
    "no exchanges": (
        C,
        "    exchanges: [",
        "    note: x # [",
        "capture: toy-noise",
        1,
        "lacks the key 'exchanges'",
    ),
    "exchange that is nothing": (
        C,
        '{from: client, octets: "de ad"}',
        "{from: client}",
        "{from: client}",
        1,
        "or else 'octets'",
    ),
    "wrong address": (C, "10.0.0.1", "10.0.0.256", "10.0.0.256", 1, "is no IPv4 address"),
    "half an octet": (C, 'octets: "de ad"', 'octets: "de a"', '"de a"', 1, "must be whole octets in hex"),
    "exchange of unknown protocol": (C, "protocol: toy\n", "protocol: tooy\n", "tooy", 1, "(did you mean 'toy'?)"),
    "exchange in unknown frame": (C, "frame: toy-binary\n", "frame: toy-bin\n", "toy-bin\n", 1, "mean 'toy-binary'?)"),
    "wrong transport": (
        C,
        "toy-binary, operation: remote-stop",
        "toy-short, command: 0xFF",
        "toy-short",
        1,
        "over tcp",
    ),
    "unknown operation": (C, "operation: remote-stop", "command: remote-stp", "remote-stp", 1, "mean 'remote-stop'?)"),
    "exchange with unknown sub-command": (
        C,
        "command: 0x0401\n",
        "command: 0x0401\n        subcommand: 9\n",
        "9\n",
        1,
        "0x0009 is no sub-command of 'read-devices'",
    ),
    "unknown value": (C, "points: 2", "ponits: 2", "ponits", 1, "has no field 'ponits' (did you mean 'points'?)"),
    "value without layout": (C, 'data: "01 00"', "values: {mode: 1}", "mode", 1, "no layout is known; use 'data'"),
    "value too big": (C, "network: 1,", "network: 256,", "256", 1, "256 does not fit 'network' of type u8"),
    "value of wrong type": (C, "points: 2", "points: two", "two, values", 1, "'points' must be a number"),
    "value no octets": (C, '"12 34"', '"12 3"', '"12 3"', 1, "must be octets in hex"),
    "unknown device": (C, "W1F", "Q1", "Q1", 1, "'Q1' is no device of the toy numbering"),
    "device in wrong base": (C, "D100", "D1F", "D1F", 1, "'D1F' is no device"),
    "device too big": (C, "D100", "D16777216", "D16777216", 1, "does not fit type u24"),
    "device of another form": (C, "subcommand: 0x0080", "subcommand: 0", "U3E0", 1, "which this sub-command does not"),
    "number too wide in ASCII": (C, "place: D7", "place: D1000000", "D1000000", 1, "does not fit 6 characters"),
    "item is nothing": (C, "{place: D7}", "7", "[{place", 1, "must be a list of mappings"),
    "list is a number": (C, "names: [{name: abc}]", "names: 7", "7}\n", 1, "must be a list of mappings"),
    "unknown field of an item": (
        C,
        "{place: D7}",
        "{plaec: D7}",
        "plaec",
        1,
        "'word_devices' has no field 'plaec' (did",
    ),
    "value of an item too big": (C, "number: 3", "number: 65536", "65536", 1, "does not fit 'number'"),
    "values no list": (C, "bits: [0x1234, 2]", 'bits: "34 12"', '"34 12"', 1, "a list of numbers such as"),
    "values too big": (C, "bits: [0x1234, 2]", "bits: [0x12345, 2]", "0x12345", 1, "does not fit type u16"),
    "values no bits": (C, "subcommand: 0x0080", "subcommand: 1", "0x1234", 1, "4660 is no bit"),
    "wrong MAC": (C, "1C:39:47:CD:D4:EB", "1C:39:47:CD:D4", '"1C', 1, "is no value of type mac"),
    "operation of two commands": (C, "poll, command: 0x11", "poll", "poll", 1, "(add command: 0x10 or 0x11)"),
    "command of another operation": (C, "command: 0x11", "command: 0xFF", "0xFF", 1, "0xFF is no command of operation"),
    "operation named twice": (C, "command: 0x11", "command: poll", "poll}", 1, "names the command already"),
    "no answer to show": (C, "response: {}, half", "half", "response}", 1, "needs a 'response'"),
    "name in an unknown form": ("codes/devices.yaml", "ascii: {ql:", "ascii: {qll:", "qll", 1, "(did you mean 'ql'?)"),
    "name of another device": ("codes/devices.yaml", "ql: SN", "ql: W", "W}", 1, "name 'W' in form ql stands twice"),
    "device twice": ("codes/devices.yaml", "symbol: W", "symbol: D", "D,", 2, "device 'D' stands twice"),
    "device code twice": ("codes/devices.yaml", "0xB4", "0xA8", "0xA8", 2, "device code 0xA8 of toy stands twice"),
    "control character": (D, "planned", "plan\x07ned", "\x07", 1, "control character U+0007"),
    "tab": (D, "severity: high", "\tseverity: high", "\t", 1, "no valid YAML"),
}


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_reported_where_it_stands(case: str, tmp_path: Path) -> None:
    name, old, new, needle, occurrence, message = CASES[case]
    changes = changed(name, old, new)
    text = changes[name]
    assert text is not None
    found = issues_of(tmp_path, changes)
    where = position(name, text, needle, occurrence)
    at = [issue for issue in found if issue.startswith(f"{where}: ")]
    assert at, found
    assert message in at[0]


def test_one_mistake_draws_no_trail(tmp_path: Path) -> None:
    spoiled = PROTOCOL.replace("layout: device-block", "layout: device-blok")
    found = issues_of(tmp_path, {P: spoiled})
    assert {issue.split(": ", 1)[1] for issue in found} == {
        "unknown layout 'device-block' (did you mean 'device-blok'?)",
    }
    text = CAPTURES.replace("command: 0x0401\n", "command: 0x0401\n        subcommand: 9\n")
    assert len(issues_of(tmp_path, {P: PROTOCOL, C: text})) == 1


def test_names_of_faulty_entries_count_as_known(tmp_path: Path) -> None:
    faulty = PROTOCOL.replace("operation: remote-stop, title: Remote STOP", "operation: remote-stop, titel: x")
    assert [issue.split(": ", 1)[1] for issue in issues_of(tmp_path, {P: faulty})] == [
        "unknown key 'titel' (did you mean 'title'?)"
    ]


def test_exchange_that_a_detection_means_must_be_in_its_fires(tmp_path: Path) -> None:
    text = CAPTURES.replace("command: 0x7777", "command: 0x1002").replace(", half: response", "")
    found = issues_of(tmp_path, {C: text})
    assert found == [
        f"{position(D, DETECTION, 'toy-read')}: capture 'toy-read' holds what this detection looks for",
    ]
    more = CAPTURES + (
        "  - capture: another-stop\n    title: Another stop\n    port: 1\n    exchanges:\n"
        "      - {protocol: toy, frame: toy-binary, command: 0x1002}\n"
    )
    where = position(C, more, "{protocol: toy, frame: toy-binary, command: 0x1002}")
    assert issues_of(tmp_path, {C: more}) == [
        f"{where}: detection 'remote-stop' looks for this exchange (add 'another-stop' to its 'fires')"
    ]


def test_condition_that_nothing_fits(tmp_path: Path) -> None:
    text = DETECTION.replace("operation: remote-stop, direction: request", "class: memory")
    found = issues_of(tmp_path, {D: text})
    assert f"{position(D, text, 'when')}: no command fits this condition" in found


def test_no_definition_at_all(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no definition files here"):
        load(tmp_path)


def test_file_with_another_suffix_is_not_overlooked(tmp_path: Path) -> None:
    found = issues_of(tmp_path, {"detections/more.yml": DETECTION})
    assert found == ["detections/more.yml:1:1: this file is not read (definition files end in .yaml)"]


# --- files of an author


@pytest.fixture
def author(tmp_path: Path) -> Path:
    """A folder for an author's files, beside a sound definition in ``base``."""
    write_definition(tmp_path / "base")
    (tmp_path / "mine").mkdir()
    return tmp_path


def validated(author: Path, name: str, text: str) -> list[str]:
    """The issues of one file of the author's."""
    file = author / "mine" / name
    file.write_text(text, encoding="utf-8")
    return [str(issue) for issue in validate_files([file], author / "base")]


def test_sound_file_that_replaces_one_of_the_definition(author: Path) -> None:
    assert validated(author, "remote-stop.yaml", DETECTION.replace("suppress: 60", "suppress: 90")) == []
    assert validated(author, "my-toy.yaml", PROTOCOL) == []
    assert validated(author, "toy.yaml", CAPTURES) == []
    assert validated(author, "codes.yaml", DEVICES) == []
    assert validated(author, "techniques.yaml", ATTACK) == []


def test_file_that_adds_to_the_definition(author: Path) -> None:
    run = DETECTION.replace("remote-stop", "remote-run").replace("Remote STOP", "Remote RUN")
    captures = CAPTURES[: CAPTURES.index("  - capture: toy-read")].replace("toy-stop", "toy-run")
    captures = captures.replace("remote-stop", "remote-run").replace("A stop", "A run")
    (author / "mine" / "runs.yaml").write_text(captures, encoding="utf-8")
    file = author / "mine" / "remote-run.yaml"
    file.write_text(run.replace("toy-stop", "toy-run"), encoding="utf-8")
    assert validate_files([file, author / "mine" / "runs.yaml"], author / "base") == []
    found = [str(issue) for issue in validate_files([file], author / "base")]
    assert found == [
        f"{position(str(file), run.replace('toy-stop', 'toy-run'), 'toy-run')}: unknown capture 'toy-run'"
        " (did you mean 'toy-read'?)"
    ]


def test_issues_name_the_file_as_given(author: Path) -> None:
    text = MODELS.replace("0x4891", "-1")
    where = position(str(author / "mine" / "m.yaml"), text, "-1")
    assert validated(author, "m.yaml", text) == [f"{where}: code must be at least 0, found -1"]


def test_change_that_breaks_other_files_shows_there(author: Path) -> None:
    text = PROTOCOL.replace("operation: remote-stop", "operation: remote-halt")
    found = validated(author, "toy.yaml", text)
    assert any(issue.startswith(position(D, DETECTION, "remote-stop, direction")) for issue in found)


def test_file_of_the_definition_itself_is_not_taken_twice(author: Path) -> None:
    file = author / "base" / "detections" / "remote-stop.yaml"
    file.write_text(DETECTION.replace("id: remote-stop", "id: remote-halt"), encoding="utf-8")
    found = [str(issue).split(": ", 1)[1] for issue in validate_files([file], author / "base")]
    assert found == ["id 'remote-halt' is not the file's name (name the file remote-halt.yaml)"]


def test_detection_in_its_folder_is_known_without_its_id(author: Path) -> None:
    folder = author / "detections"
    folder.mkdir()
    file = folder / "x.yaml"
    file.write_text(DETECTION.replace("id: remote-stop\n", ""), encoding="utf-8")
    assert f"{file}:1:1: this file lacks the key 'id'" in [
        str(issue) for issue in validate_files([file], author / "base")
    ]


def test_files_that_are_no_definition(author: Path) -> None:
    assert "cannot tell what kind of definition this is" in validated(author, "x.yaml", "a: 1\n")[0]
    assert "cannot tell what kind of definition this is" in validated(author, "x.yaml", "- 1\n")[0]
    absent = validate_files([author / "absent.yaml"], author / "base")
    assert [issue.message for issue in absent] == ["cannot read this file: No such file or directory"]

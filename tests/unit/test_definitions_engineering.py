# ruff: noqa: E501 - a mistake a line
"""Engineering operations, conditions, footers and files in captures: what they become, and every mistake in them.

The toy definition is that of test_definitions_mistakes with a few things more; it is sound.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import test_definitions_mistakes as toys

from melsec_nsm.definitions import Definition, DefinitionError, load
from melsec_nsm.definitions.model import Condition, Threshold

PROTOCOL = (
    toys.PROTOCOL.replace(
        "layouts:\n",
        """\
  - frame: "M"
    id: toy-footed
    encoding: binary
    transports: [tcp, udp]
    source: BOOK
    confidence: A
    request:
      - {field: lead, type: bytes, const: "57"}
      - {field: length, type: u16, counts: rest, minimum: 8, maximum: 4200}
      - {field: command, type: u16}
      - {field: serial, type: u16, default: 1}
      - {field: size, type: u16, default: 0}
      - {field: data, type: bytes}
    response:
      - {field: lead, type: bytes, const: "D7"}
      - {field: length, type: u16, counts: rest, minimum: 8, maximum: 4200}
      - {field: status, type: u16, default: 0}
      - {field: command, type: u16}
      - {field: serial, type: u16, default: 1}
      - {field: size, type: u16, default: 0}
      - {field: data, type: bytes}
footer:
  size: size
  gap: "00 02"
  polynomial: 0x04C11DB7
  starts: {request: 1, response: 2}
  source: BOOK
  confidence: A
  parameters:
    - {parameter: 0x42, name: token, use: token, sizes: [18], secret: true, source: BOOK, confidence: A}
    - {parameter: 0x82, name: checksum, use: checksum, sizes: [5, 7], source: BOOK, confidence: A}
layouts:
  - layout: opening
    source: BOOK
    confidence: A
    fields:
      - {field: mode, type: u16, names: {0: read, 1: write}, role: detail, default: 0}
      - {field: new_size, type: u32, default: 0}
      - {field: name, type: path, role: target}
      - {field: title, type: text, charset: utf-16-le, size: 4, padding: zero, only: {mode: [1]}}
      - {field: clock, type: clock, optional: true, default: "2026-01-01T00:00:00.000"}
  - layout: pointing
    source: BOOK
    confidence: A
    fields: [{field: pointer, type: u16, role: pointer}]
  - layout: block
    source: BOOK
    confidence: A
    fields:
      - {field: pointer, type: u16, role: pointer}
      - {field: offset, type: u32, role: offset}
      - {field: points, type: u16, role: points}
      - {field: content, type: bytes, size_of: points}
  - layout: block-wanted
    source: BOOK
    confidence: A
    fields:
      - {field: pointer, type: u16, role: pointer}
      - {field: offset, type: u32, role: offset}
      - {field: points, type: u16, role: points}
  - layout: blocked
    source: BOOK
    confidence: A
    fields: [{field: content, type: bytes}]
  - layout: named
    source: BOOK
    confidence: A
    fields:
      - {field: user, type: text, charset: utf-16-le, size: 4, padding: zero, role: user}
      - {field: secret_token, type: bytes, size: 4, secret: true}
      - {field: address, type: ipv4be, asset: host}
""",
        1,
    )
    + """\
  - {code: 0x1827, operation: open-file, title: Open, class: file, frames: [toy-footed], request: opening, response: pointing,
     source: BOOK, confidence: A}
  - {code: 0x1828, operation: read-file, title: Read, class: file, frames: [toy-footed], request: block-wanted, response: blocked,
     source: BOOK, confidence: A}
  - {code: 0x1829, operation: write-file, title: Write, class: file, frames: [toy-footed], request: block, source: BOOK,
     confidence: A}
  - {code: 0x182A, operation: close-file, title: Close, class: file, frames: [toy-footed], request: pointing, source: BOOK,
     confidence: A}
  - {code: 0x0131, operation: name-user, title: Name, class: authenticate, frames: [toy-footed], request: named,
     response: named, source: BOOK, confidence: A}
  - {code: 0x0132, operation: prove-user, title: Prove, class: authenticate, frames: [toy-footed], request: named,
     response: pointing, source: BOOK, confidence: A}
"""
)

ENGINEERING = """\
file_kinds:
  - {kind: program, title: programs, extensions: [PRG, QPG], upload: program-upload, download: program-download, needs_window: true, needs_change: true, source: BOOK, confidence: A}
  - {kind: other, title: others, upload: file-read, download: file-write, source: BOOK, confidence: A}
transfers:
  - {open: open-file, mode: mode, size: new_size, read: read-file, write: write-file, close: close-file, content: content}
actions:
  - {action: remote-stop, title: A stop, when: {operation: remote-stop}}
  - {action: connect, title: A session, each: session, idle: 60, when: {class: identify, protocol: toy}}
  - {action: sweep, title: A sweep, each: run, idle: 10, within: 30, devices: 3, when: {operation: read-devices, fields: {network: 1}}}
  - {action: user-add, known: user-change, title: Users, needs_window: true, each: user, when: {operation: name-user}}
  - {action: login, failed: login-failed, title: A login, each: login, when: {operation: name-user}, proof: {operation: prove-user},
     token: secret_token, session: pointer}
  - {action: moved, title: Moved, each: address}
"""

DETECTION = (
    toys.DETECTION.replace("id: remote-stop", "id: guessing")
    .replace("title: Remote STOP of a controller", "title: Guessing")
    .replace(
        "when: {operation: remote-stop, direction: request}",
        """\
when:
  operation: name-user
  status: unsupported-command
  direction: response
  threshold: {count: 3, seconds: 60, distinct: user, per: [client, server]}""",
    )
    .replace("fires: [toy-stop]", "fires: [{toy-files: 2}]")
    .replace(
        'unsupported: {suricata: "the toy has no rules"}',
        ('unsupported: {suricata: "the toy has no rules", zeek: "nor scripts"}'),
    )
)

CAPTURES = """\
captures:
  - capture: toy-files
    title: Files
    port: 5007
    exchanges:
      - {protocol: toy, frame: toy-footed, footer: {token: "01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"}, response: {footer: {}},
         transfer: {file: "A.PRG", direction: download, size: 2000, pattern: "abc", pointer: 3, repeated: [0], lost: [1], serial: 7}}
      - {protocol: toy, frame: toy-footed, client: 10.0.0.2, connection: 2, values: {title: ab},
         transfer: {file: "B.PRG", direction: upload, size: 10, pattern: "abc", block: 4, parts: [open, 1, close]}}
      - {protocol: toy, frame: toy-footed, operation: name-user, values: {user: anna}, response: {}, lost: true}
"""

FILES = {
    "protocols/toy.yaml": PROTOCOL,
    "engineering.yaml": ENGINEERING,
    "detections/guessing.yaml": DETECTION,
    "captures/files.yaml": CAPTURES,
}
P, E, D, C = FILES


def issues(root: Path, name: str, old: str, new: str) -> list[str]:
    """What is wrong after one text was replaced, as printed."""
    text = FILES[name]
    assert old in text, old
    with pytest.raises(DefinitionError) as caught:
        load(toys.write_definition(root, {**FILES, name: text.replace(old, new, 1)}))
    return [str(issue) for issue in caught.value.issues]


@pytest.fixture
def toy(tmp_path: Path) -> Definition:
    return load(toys.write_definition(tmp_path, dict(FILES)))


def test_the_toy_is_sound(toy: Definition) -> None:
    assert toy.engineering.names == (
        *("program-upload", "program-download", "file-read", "file-write"),
        *("remote-stop", "connect", "sweep", "user-add", "user-change", "login", "login-failed", "moved"),
    )


def test_footers(toy: Definition) -> None:
    footer = toy.protocols["toy"].footer
    assert footer is not None
    assert (footer.size, footer.gap, footer.starts) == ("size", b"\0\2", {"request": 1, "response": 2})
    token = footer.parameter("token")
    assert token is not None
    assert (token.code, token.sizes, token.secret) == (0x42, (18,), True)
    assert footer.parameter("padding") is None


def test_fields(toy: Definition) -> None:
    mode, _, _, title, clock = toy.protocols["toy"].layouts["opening"].fields
    assert (title.only, title.padding, mode.only) == (("mode", (1,)), "zero", None)
    assert (clock.optional, title.optional) == (True, False)
    assert toy.protocols["toy"].layouts["named"].fields[2].asset == "host"


def test_kinds_of_files(toy: Definition) -> None:
    kinds = [toy.engineering.kind(name) for name in ("A.PRG", "a.qpg", "A.PRG.TXT", "PRG", "")]
    assert [kind.name if kind else None for kind in kinds] == ["program", "program", "other", "other", "other"]


def test_what_a_policy_asks_of_operations(toy: Definition) -> None:
    assert toy.engineering.need_window == ("program-download", "user-add", "user-change")
    assert toy.engineering.need_change == ("program-download",)
    assert toy.action_classes["program-download"] == ("file",)
    assert toy.action_classes["moved"] == ()


def test_actions(toy: Definition) -> None:
    stop, _, sweep, _, login, _ = toy.engineering.actions
    assert (stop.each, stop.when) == ("transaction", Condition(("remote-stop",), (), (), "request"))
    assert sweep.when is not None
    assert (sweep.when.fields, sweep.idle, sweep.within, sweep.devices) == ((("network", 1),), 10, 30, 3)
    assert (login.failed, login.token, login.session) == ("login-failed", "secret_token", "pointer")


def test_conditions(toy: Definition) -> None:
    detection = toy.detections["guessing"]
    assert detection.when.threshold == Threshold(3, 60, "user", ("client", "server"))
    assert detection.when.statuses == ("unsupported-command",)
    assert (detection.fires, detection.counts) == (("toy-files",), {"toy-files": 2})
    assert not detection.when.plain
    assert toy.detections["remote-stop"].when.plain


def test_files_in_captures(toy: Definition) -> None:
    made = toy.captures["toy-files"].exchanges
    opened, first, second, third, closed, *others, user = made
    assert [one.command for one in made[:5]] == [0x1827, 0x1829, 0x1829, 0x1829, 0x182A]
    assert opened.values == {"mode": 1, "new_size": 2000, "name": "A.PRG", "serial": 7}
    assert (opened.response_values, opened.status) == ({"pointer": 3}, 0)
    assert (first.repeat, first.lost, second.repeat, second.lost) == (2, False, 1, True)
    assert [one.values["serial"] for one in made[:5]] == [7, 8, 9, 10, 11]
    assert first.values["content"] == (b"abc" * 320)
    assert third.values["content"] == (b"abc" * 700)[1920:2000]
    assert (third.values["offset"], third.values["points"], closed.values["pointer"]) == (1920, 80, 3)
    assert closed.footer == {"token": b"\1" + bytes(17)}
    assert closed.response_footer == {}
    assert [one.command for one in others] == [0x1827, 0x1828, 0x182A]
    assert [(one.client, one.connection, one.footer) for one in others] == [("10.0.0.2", 2, None)] * 3
    assert others[1].values == {"pointer": 1, "offset": 4, "points": 4, "serial": 2}
    assert others[1].response_values == {"content": b"bcab"}
    assert user.lost


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        # footers
        (P, "  size: size\n", "  size: sice\n", "no header has a field 'sice' (did you mean 'size'?)"),
        (P, "{parameter: 0x82", "{parameter: 0x42", "parameter 0x42 stands twice"),
        (P, "use: checksum", "use: token", "the use 'token' stands twice"),
        (P, "sizes: [18], secret: true", "sizes: [18]", "a token is secret (add secret: true)"),
        (P, "sizes: [5, 7], source: BOOK", "sizes: [5, 7], source: BUCH", "unknown source 'BUCH'"),
        # fields
        (P, "only: {mode: [1]}", "only: {mood: [1]}", "'mood' is no number field that stands before this one"),
        (P, "only: {mode: [1]}", "only: {mode: 1}", "mode must be a list"),
        (P, "size: 4, padding: zero, only", "size: 4, padding: none, only", "padding cannot be 'none'"),
        (P, "{field: new_size, type: u32, default: 0}", "{field: new_size, type: u32, padding: zero}", "'padding' means nothing"),
        (P, "role: user}\n      - {field: secret_token", "role: user, secret: true}\n      - {field: secret_token", "a secret field must not reach a log"),
        (P, "type: ipv4be, asset: host", "type: ipv4be, asset: mac", "a field of type ipv4be cannot tell the mac"),
        (P, "size: 4, secret: true", "size: 4, secret: true, asset: serial", "a secret field must not reach the inventory"),
        (P, "default: \"2026-01-01T00:00:00.000\"", "default: noon", "default is no value of type clock"),
        (P, "{field: pointer, type: u16, role: pointer}]", "{field: pointer, type: device_values, count_of: rest}]", "'device_values' stand behind a device"),
        (P, "{field: serial, type: u16, default: 1}", "{field: serial, type: u16, default: 1, optional: true}", "a header field is always there"),
        # kinds and transfers
        (E, "extensions: [PRG, QPG]", "extensions: [PRG, PRG]", "names PRG twice"),
        (E, "extensions: [PRG, QPG]", "extensions: [prg]", "must be capitals and digits"),
        (E, "{kind: other, title: others,", "{kind: other, title: others, extensions: [QPG],", "extension 'QPG' stands twice"),
        (E, "{kind: other, title: others,", "{kind: other, title: others, extensions: [CSV],", "no kind takes the files of other extensions"),
        (E, "extensions: [PRG, QPG], ", "", "only one kind can take all other files"),
        (E, "upload: file-read, download: file-write,", "upload: file-read, download: program-download,", "'program-download' cannot have different 'needs_window'"),
        (E, "read: read-file", "read: reed-file", "no protocol has an operation 'reed-file' (did you mean 'read-file'?)"),
        (E, "content: content}", "content: contents}", "'read-file' needs a field 'contents' here"),
        (E, "open: open-file, mode: mode, size: new_size, ", "", "what is opened is closed"),
        (E, "mode: mode", "mode: mood", "'open-file' needs a field 'mood' here"),
        (P, "{field: offset, type: u32, role: offset}", "{field: offset, type: u32}", "needs a field with the role offset here"),
        # actions
        (E, "when: {operation: remote-stop}", "when: {operation: remote-stob}", "no protocol has an operation 'remote-stob'"),
        (E, "when: {operation: remote-stop}}", "when: {operation: remote-stop}, idle: 5}", "'idle' means nothing where each is a transaction"),
        (E, "each: session, idle: 60", "each: session", "an action where each is a session needs 'idle'"),
        (E, "known: user-change, ", "", "an action where each is a user needs 'known'"),
        (E, "within: 30, ", "", "'within' says in how many seconds a run has to reach its least"),
        (E, "fields: {network: 1}", "fields: {netwrk: 1}", "no request meant has a field 'netwrk' (did you mean 'network'?)"),
        (E, "fields: {network: 1}", "fields: {network: 300}", "300 does not fit 'network' of type u8"),
        (E, "token: secret_token", "token: sekret_token", "no answer meant by 'when' has a field 'sekret_token'"),
        (E, "session: pointer", "session: user", "no answer meant by 'proof' has a field 'user'"),
        (E, "when: {operation: remote-stop}}", "when: {operation: name-user}, object: secret_token}", "'secret_token' is secret"),
        (E, "title: A sweep", "title: A stop", "title 'A stop' stands twice"),
        # conditions
        (D, "status: unsupported-command", "status: unsuported-command", "no end code is called 'unsuported-command' (did you mean 'unsupported-command'?)"),
        (D, "  direction: response\n", "", "a request has no status (direction: response)"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n  threshold: {count: 3, seconds: 60, distinct: user, per: [client, server]}", "  policy: host-unknown", "policy cannot be 'host-unknown'"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n  threshold: {count: 3, seconds: 60, distinct: user, per: [client, server]}", "  policy: outside-path\n  action: remote-stop", "'action' and 'policy' mean different things"),
        (D, "count: 3,", "count: 1,", "count must be at least 2"),
        (D, "distinct: user", "distinct: usr", "distinct cannot be 'usr' (did you mean 'user'?)"),
        (D, "per: [client, server]", "per: [clients]", "cannot be 'clients'"),
        (D, ", per: [client, server]", "", "threshold lacks the key 'per'"),
        (D, "  operation: name-user\n", "  action: remote-stop\n  operation: name-user\n", "'operation' means nothing beside 'action'"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n", "  action: remote-stop\n", "'threshold' means nothing beside 'action'"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n  threshold: {count: 3, seconds: 60, distinct: user, per: [client, server]}", "  action: remote-stob", "there is no engineering operation 'remote-stob' (did you mean 'remote-stop'?)"),
        (D, "  direction: response\n", "  direction: response\n  first: true\n", "the first PDU of a client is a request"),
        (D, "  status: unsupported-command\n", "  frame: toy-footd\n  status: unsupported-command\n", "unknown frame 'toy-footd' (did you mean 'toy-footed'?)"),
        (D, "  operation: name-user\n", "  any: [{operation: name-user}, {operation: prove-user, direction: response}]\n", "alternatives look at the same half"),
        (D, "  status: unsupported-command\n", "  fields: {secret_token: \"00\"}\n  status: unsupported-command\n", "'secret_token' is secret"),
        (D, "  operation: name-user\n", "", "a 'credential', an 'event' or a 'policy'"),
        (D, "  operation: name-user\n", "  event: silence\n  operation: name-user\n", "'operation' means nothing beside 'event'"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n", "  event: silence\n", "many controllers are silent (say what came before it: 'after')"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n", "  event: malformed-frame\n", "'threshold' means nothing beside 'event'"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n", "  event: connection\n  after: [gessing]\n", "there is no detection 'gessing' (did you mean 'guessing'?)"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n", "  event: connection\n  after: [guessing]\n", "'after' means nothing but beside 'event: silence'"),
        (D, "  operation: name-user\n  status: unsupported-command\n  direction: response\n  threshold: {count: 3, seconds: 60, distinct: user, per: [client, server]}", "  event: connection", "a connection is nothing special (give it a 'threshold')"),
        (D, "distinct: user", "distinct: user, fixed: true", "'distinct' means nothing beside 'fixed'"),
        (D, "  operation: name-user\n", "  operation: name-user\n  device: Q\n", "there is no device 'Q'"),
        (D, "  operation: name-user\n", "  operation: name-user\n  device: D\n", "a response names no devices"),
        (D, "suppress:", "limits: {zeek: {reason: it is blind, misses: [toy-read]}}\nsuppress:", "capture 'toy-read' does not stand in 'fires'"),
        (D, "suppress:", "limits: {zeek: {reason: it is blind}}\nunsupported: {zeek: it is blind}\nsuppress:", "'zeek' stands in 'unsupported' too"),
        (D, "{toy-files: 2}", "{toy-fils: 2}", "unknown capture 'toy-fils' (did you mean 'toy-files'?)"),
        (D, "{toy-files: 2}", "{toy-files: 1}", "must be at least 2"),
        (D, "quiet: [toy-read]", "quiet: [toy-files]", "capture 'toy-files' stands in fires too"),
        # captures
        (C, "captures:\n", "cases:\n  - {case: toy-case, title: A case, capture: toy-fils, policy: none}\ncaptures:\n", "unknown capture 'toy-fils' (did you mean 'toy-files'?)"),
        (C, "captures:\n", "cases:\n  - {case: toy-files, title: A case, capture: toy-files, policy: none}\ncaptures:\n", "capture or case 'toy-files' stands twice"),
        (C, "lost: [1]", "lost: [3]", "the file has 3 blocks, the last is 2"),
        (C, "direction: download", "direction: down", "direction cannot be 'down'"),
        (C, "pattern: \"abc\", pointer", "pattern: \"äbc\", pointer", "the pattern is ASCII text"),
        (C, "frame: toy-footed, client", "frame: toy-footed, operation: open-file, client", "'operation' means nothing beside 'transfer'"),
        (C, "frame: toy-footed, client", "frame: toy-binary, client", "does not travel in frame 'toy-binary'"),
        (C, "footer: {token: \"01 00 00", "footer: {token: \"01 00", "'token' has 18 octets, not 17"),
        (C, "footer: {token:", "footer: {tokn:", "unknown parameter 'tokn' (did you mean 'token'?)"),
        (C, "response: {}, lost: true}", "response: {}, lost: true, footer: {}, data: \"00\"}", "'data' are all octets, the footer among them"),
        (C, "client: 10.0.0.2", "client: 10.0.0.256", "'10.0.0.256' is no IPv4 address"),
        (C, "    port: 5007\n", "    port: 5007\n    shape: split\n", "a capture of shape split has one client and one server"),
        (C, "values: {title: ab}", "values: {titel: ab}", "the request has no field 'titel' (did you mean 'title'?)"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, name: str, old: str, new: str, expected: str) -> None:
    found = issues(tmp_path, name, old, new)
    assert any(expected in line for line in found), found
    for line in found:
        path, row, column, *_ = line.split(":")
        assert (tmp_path / path).is_file()
        assert int(row) > 0
        assert int(column) > 0


def test_positions_are_those_of_the_mistake(tmp_path: Path) -> None:
    text = ENGINEERING.replace("operation: remote-stop}", "operation: remote-stob}", 1)
    found = issues(tmp_path, E, "operation: remote-stop}", "operation: remote-stob}")
    assert found == [
        f"{toys.position(E, text, 'remote-stob')}: no protocol has an operation 'remote-stob' (did you mean 'remote-stop'?)"
    ]


def test_a_second_file_of_operations_is_named(tmp_path: Path) -> None:
    # Only engineering.yaml is read from its place; a file given by name replaces it.
    root = toys.write_definition(tmp_path, dict(FILES))
    (root / "engineering.yml").write_text(ENGINEERING, "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load(root)
    assert [str(issue) for issue in caught.value.issues] == [
        "engineering.yml:1:1: this file is not read (definition files end in .yaml)"
    ]

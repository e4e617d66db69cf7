"""Transactions one by one: the built-in engine and Zeek write the same line for each, and what the truth says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import truth

from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine
from melsec_nsm.engines.base import Record
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.zeek import ZeekEngine
from melsec_nsm.generate.captures import all_captures
from melsec_nsm.generate.examples import SECRET

_TOP = Path(__file__).resolve().parents[2]
_GENERATED = sorted((_TOP / "pcaps").glob("*.pcap"))
_SHARED = _TOP.parent / "shared" / "captures"
_OTHERS = sorted(path for folder in ("clients", "real") for path in (_SHARED / folder).glob("*.pcap*"))
_SHORTEST_SECRET = 16
_CLIENTS = sorted((_SHARED / "clients").glob("*.json"))


UNREAD_BY_ZEEK = ("slmp-4e-node-search-broadcast",)
"""An SLMP response does not say what it answers: where it is a flow of its own, Zeek's grammar cannot read its data."""


def _lines(records: Iterable[Record], *, timed: bool = True) -> Counter[Record]:
    return Counter(one if timed else replace(one, ts=0, rtt=None) for one in records)


def _shown(found: Counter[Record], other: Counter[Record]) -> list[str]:
    return sorted(str(one) for one in found - other)[:3]


@pytest.mark.parametrize("capture", [*_GENERATED, *_OTHERS], ids=lambda one: one.stem)
def test_engines_write_the_same_lines(definition: Definition, zeek: ZeekEngine, capture: Path) -> None:
    # What lies behind a lost segment reaches Zeek's analyzers once the other side has acknowledged it.
    known = definition.captures.get(capture.stem)
    timed = known is None or not any(exchange.lost for exchange in known.exchanges)
    reference = _lines(ReferenceEngine(definition).records(capture), timed=timed)
    of_zeek = _lines(zeek.records(capture), timed=timed)
    if capture.stem in UNREAD_BY_ZEEK:
        assert [(one.ts, one.operation, one.response_len, one.status) for one in reference] == [
            (one.ts, one.operation, one.response_len, one.status) for one in of_zeek
        ]
        return
    assert _shown(reference, of_zeek) == _shown(of_zeek, reference) == []


@pytest.mark.parametrize("path", _CLIENTS, ids=lambda one: one.stem)
def test_clients_equal_their_ground_truth(transacting: Engine, path: Path) -> None:
    assert isinstance(transacting, (ReferenceEngine, ZeekEngine))
    wanted = truth.calls(path)
    found = truth.said(transacting.records(path.with_suffix(".pcap")), wanted)
    assert found == wanted


def test_every_command_is_in_a_capture(definition: Definition) -> None:
    seen = {
        (exchange.protocol, exchange.frame, exchange.command, exchange.subcommand)
        for capture in all_captures(definition)
        for exchange in capture.exchanges
    }
    for protocol in definition.protocols.values():
        for frame in protocol.frames:
            for command in protocol.commands_of(frame):
                for subcommand in command.subcommands or (0,):
                    assert (protocol.name, frame.id, command.code, subcommand) in seen


@pytest.mark.parametrize("name", ["commands-3e-binary-tcp", "commands-4e-ascii-tcp"])
def test_passwords_are_in_no_line(transacting: Engine, name: str) -> None:
    assert isinstance(transacting, (ReferenceEngine, ZeekEngine))
    capture = _TOP / "pcaps" / f"{name}.pcap"
    assert SECRET.encode() in capture.read_bytes()
    for line in transacting.records(capture):
        assert SECRET not in str(line)
        assert SECRET.encode().hex() not in str(line).lower()


def _octets(value: object) -> Iterator[bytes]:
    """The octets in what a capture gives its fields."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _octets(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from _octets(one)


@pytest.mark.parametrize("name", ["melsoft-user-registration", "melsoft-token-replay", "melsoft-password-guessing"])
def test_what_proves_who_somebody_is_is_in_no_line(transacting: Engine, definition: Definition, name: str) -> None:
    assert isinstance(transacting, (ReferenceEngine, ZeekEngine))
    secrets = {
        octets[2:]
        for exchange in definition.captures[name].exchanges
        for octets in _octets((exchange.values, exchange.response_values, exchange.footer or {}))
        if len(octets) >= _SHORTEST_SECRET
    }
    assert secrets
    for line in transacting.records(_TOP / "pcaps" / f"{name}.pcap"):
        for secret in secrets:
            assert secret.hex() not in str(line).lower()
            assert repr(secret)[2:-1] not in str(line)
            assert secret.decode("latin-1") not in str(line)

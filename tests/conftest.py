"""Fixtures of all tests, and what the summary says about the engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from melsec_nsm.codec import Codec
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Capture, Definition, Exchange, Location
from melsec_nsm.engines.base import Availability, Result
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.suricata import SuricataEngine
from melsec_nsm.engines.zeek import ZeekEngine
from melsec_nsm.generate.captures import build

# Every run tries the same examples, so that a red run is one that a change has made; `--hypothesis-profile=default`
# looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

_TOP = Path(__file__).resolve().parents[1]
_ENGINES = pytest.StashKey[tuple[Availability, ...]]()


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top of the checkout."""
    return _TOP


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real captures beside the checkout, which is no part of the project."""
    folder = _TOP.parent / "shared"
    if not (folder / "captures").is_dir():
        pytest.skip("no ../shared/captures beside this checkout")
    return folder


@pytest.fixture(scope="session")
def definition() -> Definition:
    """The packaged definition."""
    return load()


@pytest.fixture(scope="session")
def zeek() -> ZeekEngine:
    """Zeek with the analyzers of this checkout."""
    engine = ZeekEngine()
    _skip_without(engine.availability())
    return engine


@pytest.fixture(scope="session")
def suricata() -> SuricataEngine:
    """Suricata with the rules of this checkout."""
    engine = SuricataEngine()
    _skip_without(engine.availability())
    return engine


def _skip_without(here: Availability) -> None:
    if here.version is None:
        pytest.skip(f"{here.engine} is absent: {here.reason}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of what can be made more of."""
    parser.addoption("--mutated", type=int, default=6000, metavar="N", help="mutated PDUs for each transport")


def pytest_configure(config: pytest.Config) -> None:
    """Looks once which sensors are here."""
    config.stash[_ENGINES] = (ZeekEngine().availability(), SuricataEngine().availability())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says which engines judged, since tests of an absent one were skipped."""
    for here in config.stash[_ENGINES]:
        where = f"{here.version} ({here.path})" if here.version else f"absent, {here.reason}; {here.remedy}"
        terminalreporter.write_line(f"{here.engine}: {where}")


# Conversations that a test makes up


@pytest.fixture(scope="session")
def ask(definition: Definition) -> Callable[..., Exchange]:
    """Makes a request with its answer: ``ask("remote-stop", serial=1)``; ``answer`` holds values of the response.

    MELSOFT in the long form unless something else is said.
    """

    def asked(
        operation: str,
        *,
        protocol: str = "melsoft",
        frame: str = "57-long",
        status: int | None = 0,
        answer: dict[str, Any] | None = None,
        changes: dict[str, Any] | None = None,
        **values: Any,
    ) -> Exchange:
        facts = definition.protocols[protocol]
        command = next(one for one in facts.commands_of(facts.frame(frame)) if one.operation == operation)
        made = Exchange(
            protocol=protocol,
            frame=frame,
            command=command.code,
            subcommand=0,
            values=values,
            data=None,
            status=status,
            response_values=answer or {},
            response_data=None,
            half="both",
            repeat=1,
        )
        return replace(made, **(changes or {}))

    return asked


@pytest.fixture
def verdict(definition: Definition, tmp_path: Path) -> Callable[..., Result]:
    """Puts exchanges on a wire, and judges them."""
    engine, codec = ReferenceEngine(definition), Codec(definition)

    def judged(
        *exchanges: Exchange,
        transport: str = "tcp",
        port: int = 5007,
        shape: str = "plain",
        rules: Definition | None = None,
    ) -> Result:
        capture = Capture(
            name="made",
            title="Made up",
            transport=transport,
            port=port,
            client="192.168.3.18",
            server="192.168.3.250",
            shape=shape,
            exchanges=exchanges,
            location=Location("", 0, 0),
        )
        path = tmp_path / "made.pcap"
        path.write_bytes(build(codec, capture))
        return (engine if rules is None else ReferenceEngine(rules)).run(path)

    return judged

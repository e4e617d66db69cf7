"""What an engine is and what it says about a capture: the same shape for every engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol


class EngineError(Exception):
    """The engine could not judge the capture. The text is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@dataclass(frozen=True, slots=True, order=True)
class TransactionCount:
    """How many requests of one command were seen. ``command`` is hex, as wide as on the wire."""

    protocol: str
    frame: str
    encoding: str
    command: str
    count: int


@dataclass(frozen=True, slots=True, order=True)
class DetectionCount:
    """How often a detection alerted. ``first`` is in ns since the epoch; client and server are those of the first."""

    id: str
    count: int
    first: int
    client: str
    server: str


@dataclass(frozen=True, slots=True, order=True)
class Asset:
    """What was learnt of a controller; empty where unknown."""

    host: str
    model: str
    series: str
    advisories: tuple[str, ...]
    mac: str = ""
    firmware: str = ""
    serial: str = ""
    protocols: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    """Ports that it answers from, such as ``5007/tcp``."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line of ``melsec.log``: what an engine says of one transaction. Fields without a value are None.

    ``ts`` is in ns since the epoch, ``rtt`` in microseconds. Codes are in hex, as wide as on the wire. ``values``
    are hex words with a space between them, or bits.
    """

    ts: int
    client: str | None
    server: str | None
    protocol: str
    frame: str
    encoding: str
    serial: int | None
    network: int | None
    station: int | None
    module_io: str | None
    multidrop: int | None
    command: str | None
    subcommand: str | None
    operation: str | None
    klass: str | None
    target: str | None
    details: str | None
    points: int | None
    status: str | None
    status_name: str | None
    request_len: int | None
    response_len: int | None
    rtt: int | None
    values: str | None
    again: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """An engineering operation: a line of ``melsec_engineering.log``. ``ts`` is in ns since the epoch.

    ``user`` is who was logged in, as far as that was seen; ``object`` a file, a user, an address or devices.
    ``bytes`` were seen of a file, or written in an online change; ``missing_bytes`` and the hash are None where it is
    no file, the hash also where something is missing. ``status`` is the first end code that refused, else that of
    success in hex; empty where nobody answered. ``requests`` counts what it consisted of.

    Under a policy ``role`` is that of the client, ``window`` the name of the window that is open for it, ``change``
    the ticket that approves its file, and ``verdict`` says ``allowed`` or what is violated; empty without one.
    """

    ts: int
    protocol: str
    client: str
    server: str
    action: str
    user: str = ""
    object: str = ""
    details: str = ""
    bytes: int | None = None
    missing_bytes: int | None = None
    sha256: str | None = None
    status: str = ""
    status_name: str = ""
    requests: int = 1
    role: str = ""
    window: str = ""
    change: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class FileTransfer:
    """A file on its way from (``upload``) or to (``download``) a controller. ``ts`` is in ns since the epoch.

    ``path`` is as on the wire, ``name`` its last part; both are empty where the file was open before the capture
    began. ``size`` is what the file is said to have, else where the last block seen ends; ``bytes`` of it were seen.
    Hashes are None where something is missing. ``closed`` says that the end was seen.
    """

    ts: int
    protocol: str
    client: str
    server: str
    name: str
    path: str
    drive: int | None
    direction: str
    kind: str
    size: int
    bytes: int
    missing_bytes: int
    md5: str | None
    sha256: str | None
    closed: bool


@dataclass(frozen=True)
class Result:
    """The verdict of one engine on one capture.

    ``capture`` is the path as given; ``transactions``, ``operations`` and ``files`` are None where the engine cannot
    tell them.
    ``confirmed`` says whether the engine recognised a MELSEC protocol at all, None where it cannot say.
    ``truncated`` says that the capture is cut off and was judged as far as it goes. ``alerts`` are those that
    ``detections`` sums up, in the order in which the engine gave them.
    """

    engine: str
    capture: str
    transactions: tuple[TransactionCount, ...] | None
    detections: tuple[DetectionCount, ...]
    assets: tuple[Asset, ...]
    confirmed: bool | None
    warnings: tuple[str, ...]
    truncated: bool = False
    operations: tuple[Operation, ...] | None = None
    files: tuple[FileTransfer, ...] | None = None
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an engine can be used here. ``version`` is None where it cannot, and ``remedy`` mends that."""

    engine: str
    version: str | None
    path: str | None
    reason: str
    remedy: str


class Engine(Protocol):
    """Judges captures."""

    name: str

    def availability(self) -> Availability:
        """Whether and where the engine is. Only reads."""

    def run(self, capture: Path, policy: Path | None = None) -> Result:
        """The verdict, under the policy in a file.

        EngineError where there is none: no capture, no engine, or the engine failed.
        """


class Alert(NamedTuple):
    """One alert as a sensor gives it: detection, time in ns since the epoch, and the two parties."""

    id: str
    ts: int
    client: str
    server: str


def summed(alerts: Iterable[tuple[str, int, str, str]]) -> tuple[DetectionCount, ...]:
    """Alerts (id, ts, client, server) by detection, in the order of the ids."""
    counts: dict[str, int] = {}
    first: dict[str, tuple[int, str, str]] = {}
    for name, ts, client, server in alerts:
        counts[name] = counts.get(name, 0) + 1
        if name not in first or ts < first[name][0]:
            first[name] = (ts, client, server)
    return tuple(DetectionCount(name, counts[name], *first[name]) for name in sorted(counts))

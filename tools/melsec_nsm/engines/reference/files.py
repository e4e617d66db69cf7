"""Files on their way from and to controllers, put together from the blocks of many PDUs.

A file is known by the pointer that the controller gave it, or, in commands that name it every time, by its drive and
name. Blocks that are written are taken from requests as they come, since an answer may be lost; blocks that are read
from answers.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from melsec_nsm.codec.payload import Payload
from melsec_nsm.codec.text import printable
from melsec_nsm.codec.transactions import (
    MAX_OPEN_FILES,
    NAMED_FILE_TIMEOUT,
    OPEN_FILE_TIMEOUT,
    Half,
    Transaction,
    is_group,
)
from melsec_nsm.definitions.model import FileKind, Transfer
from melsec_nsm.engines.base import FileTransfer
from melsec_nsm.engines.reference.assembly import Assembly
from melsec_nsm.engines.reference.telling import Key, Telling

UPLOAD, DOWNLOAD = "upload", "download"

_LAST_PART = re.compile(r"[^\\/]*\Z")


@dataclass(slots=True)
class OpenFile:
    """A file on its way. ``refused`` is the first end code other than success, ``answered`` the last one at all."""

    ts: int
    protocol: str
    client: str
    server: str
    path: str
    drive: int | None
    direction: str
    size: int | None
    last: int
    request: Half | None = None
    refused: Transaction | None = None
    answered: Transaction | None = None
    requests: int = 0
    closed: bool = False
    content: Assembly = field(default_factory=Assembly)

    @property
    def name(self) -> str:
        """The last part of the path."""
        found = _LAST_PART.search(self.path)
        return found[0] if found else ""

    def transfer(self, kind: FileKind | None) -> FileTransfer:
        """What is known of the file by now."""
        size = self.content.end if self.size is None else max(self.size, self.content.end)
        hashes = self.content.hashes(size) or (None, None)
        return FileTransfer(
            ts=self.ts,
            protocol=self.protocol,
            client=self.client,
            server=self.server,
            name=self.name,
            path=self.path,
            drive=self.drive,
            direction=self.direction,
            kind=kind.name if kind is not None else "",
            size=size,
            bytes=self.content.seen,
            missing_bytes=self.content.missing(size),
            md5=hashes[0],
            sha256=hashes[1],
            closed=self.closed,
        )


@dataclass(frozen=True, slots=True)
class FileEvent:
    """A file appears, or it is finished."""

    file: OpenFile
    finished: bool


_Way = tuple[str, str, str, object]
"""Protocol, client, server, and the pointer or the drive and the path of a file."""


class Files:
    """All files that are on their way."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._open: OrderedDict[_Way, OpenFile] = OrderedDict()
        self._steps: dict[Key, tuple[Transfer, str]] = {}
        for transfer in telling.definition.engineering.transfers:
            names = {transfer.open: "open", transfer.read: "read", transfer.write: "write", transfer.close: "close"}
            for command in telling.definition.commands():
                if command.operation in names:
                    key = (command.protocol, command.digits, command.code)
                    self._steps[key] = transfer, names[command.operation]

    def half(self, half: Half) -> Iterator[FileEvent]:
        """What a request changes before it is answered: blocks that are written."""
        if not half.pdu.is_request or half.pdu.kind not in self._steps:
            return
        transfer, step = self._steps[half.pdu.kind]
        if step != "write":
            return
        yield from self._expire(half.ts)
        payload = self._telling.payload(half.pdu)
        server = None if is_group(half.destination.host) else half.destination.host
        found = self._find(transfer, half, server, payload)
        if found is None and server is not None:
            found = yield from self._begin(transfer, half, server, payload, DOWNLOAD)
        if found is not None:
            self._take(found, DOWNLOAD, payload.role("offset"), payload.values.get(transfer.content))

    def transaction(self, transaction: Transaction) -> Iterator[FileEvent]:
        """What a request with its answer changes: a file is opened, read or closed."""
        request = transaction.request
        if request is None or transaction.again or request.pdu.kind not in self._steps:
            return
        transfer, step = self._steps[request.pdu.kind]
        payload = self._telling.payload(request.pdu)
        server = transaction.server or request.destination.host
        yield from self._expire(request.ts)
        if step == "open":
            yield from self._opened(transfer, transaction, server, payload)
            return
        found = self._find(transfer, request, server, payload)
        # What is written to a controller that the request names was taken from the request.
        seen = step == "close" or (step == "write" and not is_group(request.destination.host))
        if found is None and not seen and transaction.response is not None:
            found = yield from self._begin(transfer, request, server, payload, UPLOAD if step == "read" else DOWNLOAD)
            self._take(found, DOWNLOAD, payload.role("offset"), payload.values.get(transfer.content))
        if found is None:
            return
        self._answered(found, transaction)
        answer = self._telling.answer(transaction)
        if step == "read" and answer is not None and not _refuses(transaction):
            self._take(found, UPLOAD, payload.role("offset"), answer.values.get(transfer.content))
        elif step == "close":
            found.closed = True
            yield from self._end(self._way(transfer, request, server, payload))

    def finish(self) -> Iterator[FileEvent]:
        """The files that were never closed."""
        for way in list(self._open):
            yield from self._end(way)

    def _opened(
        self, transfer: Transfer, transaction: Transaction, server: str, payload: Payload
    ) -> Iterator[FileEvent]:
        request = transaction.request
        assert request is not None
        mode = self._mode(transfer, payload)
        found = OpenFile(
            ts=request.ts,
            protocol=request.pdu.protocol,
            client=transaction.client,
            server=server,
            path=_path(payload),
            drive=_number(payload.role("drive")),
            direction=mode,
            size=_number(payload.values.get(transfer.size or "")) if mode == DOWNLOAD else None,
            last=request.ts,
            request=request,
        )
        self._answered(found, transaction)
        yield FileEvent(found, finished=False)
        answer = self._telling.answer(transaction)
        pointer = answer.role("pointer") if answer is not None else None
        if pointer is None or _refuses(transaction):
            yield FileEvent(found, finished=True)
            return
        way = (found.protocol, found.client, server, pointer)
        # A pointer that is given again was closed where nobody saw it.
        yield from self._end(way)
        yield from self._remember(way, found)

    def _mode(self, transfer: Transfer, payload: Payload) -> str:
        fields = payload.layout.fields if payload.layout is not None else ()
        named = next((entry.names for entry in fields if entry.name == transfer.mode), {})
        mode = payload.values.get(transfer.mode or "")
        return DOWNLOAD if isinstance(mode, int) and named.get(mode) == "write" else UPLOAD

    def _begin(
        self, transfer: Transfer, request: Half, server: str, payload: Payload, direction: str
    ) -> Generator[FileEvent, None, OpenFile]:
        """A file whose beginning was not seen, or one that is not opened at all."""
        found = OpenFile(
            ts=request.ts,
            protocol=request.pdu.protocol,
            client=request.source.host,
            server=server,
            path=_path(payload) if transfer.open is None else "",
            drive=_number(payload.role("drive")),
            direction=direction,
            size=None,
            last=request.ts,
            request=request,
        )
        yield FileEvent(found, finished=False)
        yield from self._remember(self._way(transfer, request, server, payload), found)
        return found

    def _remember(self, way: _Way, found: OpenFile) -> Iterator[FileEvent]:
        self._open[way] = found
        if len(self._open) > MAX_OPEN_FILES:
            yield from self._end(next(iter(self._open)))

    def _way(self, transfer: Transfer, request: Half, server: str, payload: Payload) -> _Way:
        if transfer.open is None:
            step = self._steps[request.pdu.kind][1]
            named: object = (step, payload.role("drive"), _path(payload))
        else:
            named = payload.role("pointer")
        return request.pdu.protocol, request.source.host, server, named

    def _find(self, transfer: Transfer, request: Half, server: str | None, payload: Payload) -> OpenFile | None:
        """The file that a request is about. A request to a group names no controller: the only one it can be."""
        way = self._way(transfer, request, server or "", payload)
        if server is None:
            fitting = [one for one in self._open if (one[0], one[1], one[3]) == (way[0], way[1], way[3])]
            if len(fitting) != 1:
                return None
            way = fitting[0]
        found = self._open.get(way)
        if found is not None:
            found.last = request.ts
            self._open.move_to_end(way)
        return found

    def _take(self, found: OpenFile | None, direction: str, offset: object, content: object) -> None:
        if (
            found is not None
            and found.direction == direction
            and isinstance(offset, int)
            and isinstance(content, bytes)
        ):
            found.content.add(offset, content)

    def _answered(self, found: OpenFile, transaction: Transaction) -> None:
        found.requests += 1
        if transaction.response is not None:
            found.answered = transaction
            if found.refused is None and _refuses(transaction):
                found.refused = transaction

    def _expire(self, now: int) -> Iterator[FileEvent]:
        """Ends the files of which nothing was heard for long."""
        for way, found in list(self._open.items()):
            idle = (now - found.last) / 1_000_000_000
            if idle < NAMED_FILE_TIMEOUT:
                return
            if isinstance(way[3], tuple) or idle >= OPEN_FILE_TIMEOUT:
                yield from self._end(way)

    def _end(self, way: _Way) -> Iterator[FileEvent]:
        found = self._open.pop(way, None)
        if found is not None:
            yield FileEvent(found, finished=True)


def _refuses(transaction: Transaction) -> bool:
    return transaction.response is not None and bool(transaction.response.pdu.status)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _path(payload: Payload) -> str:
    """The name in a request, with its extension where that is a field of its own."""
    name, extension = payload.role("target"), payload.role("extension")
    path = printable(str(name)) if name is not None else ""
    suffix = printable(str(extension)) if extension is not None else ""
    return f"{path}.{suffix}" if suffix else path

"""Engineering operations: the audit trail, from transactions by the rules of the definition.

An operation is told twice: when it is known that it takes place, since an alert must not wait for the end of a
download, and once more with everything that is known of it when it is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from melsec_nsm.codec.text import printable
from melsec_nsm.codec.transactions import Half, Transaction
from melsec_nsm.definitions.model import Action
from melsec_nsm.engines.base import FileTransfer, Operation
from melsec_nsm.engines.reference.assets import AddressChange
from melsec_nsm.engines.reference.files import DOWNLOAD, FileEvent, Files, OpenFile
from melsec_nsm.engines.reference.runs import Run, RunEvent, Runs
from melsec_nsm.engines.reference.sessions import Bounded, Sessions, Users, server_of
from melsec_nsm.engines.reference.telling import Key, Meaning, Telling, footed, with_role, word


class Begun(NamedTuple):
    """An operation takes place. ``object`` tells it from others of the same client and controller."""

    action: str
    ts: int
    client: str
    server: str
    object: str


Noted = Begun | Operation | FileTransfer


class Operations:
    """The operations of a capture."""

    def __init__(self, telling: Telling, sessions: Sessions) -> None:
        self._telling = telling
        self._sessions = sessions
        self._users = Users(telling)
        self._files = Files(telling)
        actions = telling.definition.engineering.actions
        self._simple: dict[Key, list[tuple[Action, Meaning]]] = {}
        for action in actions:
            if action.when is not None and action.each in ("transaction", "user", "session"):
                meaning = Meaning(telling, action.when)
                for key in meaning.commands:
                    self._simple.setdefault(key, []).append((action, meaning))
        self._runs = [Runs(telling, action) for action in actions if action.each == "run"]
        self._runs_of: dict[Key, list[Runs]] = {}
        for runs in self._runs:
            for key in runs.commands:
                self._runs_of.setdefault(key, []).append(runs)
        self._moves = next((action.name for action in actions if action.each == "address"), None)
        self._last: Bounded[tuple[str, str, str], int] = Bounded()

    def half(self, half: Half) -> Iterator[Noted]:
        """What a request tells before it is answered."""
        for event in self._files.half(half):
            yield from self._file(event)

    def transaction(self, transaction: Transaction) -> Iterator[Noted]:
        """What a transaction tells."""
        for event in self._files.transaction(transaction):
            yield from self._file(event)
        if transaction.request is None or transaction.again:
            return
        for runs in self._runs_of.get(transaction.request.pdu.kind, ()):
            for run_event in runs.transaction(transaction):
                yield from self._run(run_event)
        yield from self._login(transaction)
        for action, meaning in self._simple.get(transaction.request.pdu.kind, ()):
            if meaning.holds(transaction.request.pdu):
                for operation in self._each(action, transaction):
                    yield Begun(operation.action, operation.ts, operation.client, operation.server, operation.object)
                    yield operation
        self._users.learn(transaction)

    def moved(self, change: AddressChange) -> Iterator[Noted]:
        """What it means that a controller answers from another address."""
        if self._moves is not None:
            where = f"{change.before} > {change.host}"
            yield Begun(self._moves, change.ts, change.client, change.host, where)
            yield Operation(change.ts, change.protocol, change.client, change.host, self._moves, object=where)

    def finish(self) -> Iterator[Noted]:
        """What was still going on at the end."""
        for event in self._files.finish():
            yield from self._file(event)
        for runs in self._runs:
            for run_event in runs.finish():
                yield from self._run(run_event)

    # One transaction

    def _each(self, action: Action, transaction: Transaction) -> Iterator[Operation]:
        if action.each == "session":
            yield from self._session(action, transaction)
        elif action.each == "user":
            yield from self._registered(action, transaction)
        else:
            yield self._operation(action, transaction, self._object(action, transaction))

    def _operation(self, action: Action, transaction: Transaction, about: str, name: str = "") -> Operation:
        request = transaction.request
        assert request is not None
        asked, answered = self._telling.told(transaction)
        status, status_name = self._telling.status(transaction)
        refused = transaction.response is not None and bool(transaction.response.pdu.status)
        server = server_of(transaction)
        return Operation(
            ts=request.ts,
            protocol=request.pdu.protocol,
            client=transaction.client,
            server=server,
            action=action.failed if refused and action.failed else name or action.name,
            user=self._sessions.user(request, server),
            object=about,
            details=" ".join(
                filter(None, (asked.details, footed(request), answered.details, footed(transaction.response)))
            ),
            status=status,
            status_name=status_name,
        )

    def _object(self, action: Action, transaction: Transaction) -> str:
        if action.object is not None:
            assert transaction.request is not None
            asked, answer = self._telling.payload(transaction.request.pdu), self._telling.answer(transaction)
            return word(asked, action.object) or (word(answer, action.object) if answer is not None else "")
        asked_about, answered_about = self._telling.told(transaction)
        return asked_about.target or answered_about.target

    def _session(self, action: Action, transaction: Transaction) -> Iterator[Operation]:
        assert transaction.request is not None
        key = (action.name, transaction.client, server_of(transaction))
        ts, before = transaction.request.ts, self._last.get(key)
        self._last.put(key, ts)
        if before is None or ts - before > action.idle * 1_000_000_000:
            yield self._operation(action, transaction, self._object(action, transaction))

    def _registered(self, action: Action, transaction: Transaction) -> Iterator[Operation]:
        assert transaction.request is not None
        server = server_of(transaction)
        for user in with_role(self._telling.payload(transaction.request.pdu), "user"):
            known = self._users.known(server, printable(user))
            yield self._operation(action, transaction, printable(user), action.known or "" if known else action.name)

    def _login(self, transaction: Transaction) -> Iterator[Noted]:
        found = self._sessions.login(transaction)
        if found is None:
            return
        action, login = found
        request, server = transaction.request, server_of(transaction)
        assert request is not None
        status, status_name = self._telling.status(transaction)
        name = action.name if login.good else action.failed or action.name
        client, protocol = transaction.client, request.pdu.protocol
        yield Begun(name, login.ts, client, server, login.user)
        yield Operation(
            ts=login.ts,
            protocol=protocol,
            client=client,
            server=server,
            action=name,
            user=login.user,
            object=login.user,
            status=status,
            status_name=status_name,
        )

    # Files and runs

    def _file(self, event: FileEvent) -> Iterator[Noted]:
        found = event.file
        kind = self._telling.definition.engineering.kind(found.path)
        if kind is None:
            return
        action = kind.download if found.direction == DOWNLOAD else kind.upload
        if not event.finished:
            yield Begun(action, found.ts, found.client, found.server, found.name)
            return
        transfer = found.transfer(kind)
        status, status_name = self._outcome(found)
        yield Operation(
            ts=found.ts,
            protocol=found.protocol,
            client=found.client,
            server=found.server,
            action=action,
            user=self._sessions.user(found.request, found.server) if found.request is not None else "",
            object=found.name,
            details="" if found.drive is None else f"drive={found.drive}",
            bytes=transfer.bytes,
            missing_bytes=transfer.missing_bytes,
            sha256=transfer.sha256,
            status=status,
            status_name=status_name,
            requests=found.requests,
        )
        yield transfer

    def _run(self, event: RunEvent) -> Iterator[Noted]:
        run = event.run
        if not event.finished:
            yield Begun(run.action.name, run.ts, run.client, run.server, "")
            return
        status, status_name = self._outcome(run)
        yield Operation(
            ts=run.ts,
            protocol=run.first.pdu.protocol,
            client=run.client,
            server=run.server,
            action=run.action.name,
            user=self._sessions.user(run.first, run.server),
            object=run.object,
            bytes=run.octets,
            status=status,
            status_name=status_name,
            requests=run.requests,
        )

    def _outcome(self, of: OpenFile | Run) -> tuple[str, str]:
        """The first end code that refused, else that of success."""
        transaction = of.refused or of.answered
        return self._telling.status(transaction) if transaction is not None else ("", "")

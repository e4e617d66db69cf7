"""What the policy of the site makes of transactions and operations; without a policy only what needs none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from melsec_nsm.codec.frames import Codec
from melsec_nsm.codec.transactions import Transaction, is_group
from melsec_nsm.engines.base import Alert, Operation
from melsec_nsm.engines.reference.judgement import Judge
from melsec_nsm.engines.reference.operations import Begun
from melsec_nsm.engines.reference.records import Recorder
from melsec_nsm.engines.reference.sessions import Bounded
from melsec_nsm.policy.addresses import is_public
from melsec_nsm.policy.baseline import Memory
from melsec_nsm.policy.compiled import PROGRAM, PUBLIC, WINDOW, CompiledPolicy, Content, Request

_REMEMBERED = 65536
_UNKNOWN = "unknown"
"""The class of commands that the definition does not have."""


class Site:
    """Judges once it is known who took part.

    A transaction raises what concerns the parties and the way, an operation that it has no window when it begins, and
    a file that no change approves it when it is over.
    """

    def __init__(self, judge: Judge, policy: CompiledPolicy | None, codec: Codec) -> None:
        self._judge = judge
        self._policy = policy
        self._classes = codec.definition.action_classes
        self._recorder = Recorder(codec)
        self._memory: Memory | None = None
        if policy is not None and policy.policy.baseline is not None:
            self._memory = Memory(policy)
        self._ports: Bounded[tuple[str, str], str] = Bounded(_REMEMBERED)
        self._answering: Bounded[str, None] = Bounded(_REMEMBERED)
        # Who polls asks the same all day, and the hour does not matter for it.
        self._violations = lru_cache(_REMEMBERED)(self._judged)

    def transaction(self, transaction: Transaction) -> Iterator[Alert]:
        """What a transaction raises."""
        known, first = transaction.known, transaction.first
        client, server = _host(transaction.client), transaction.server
        if known is not None and known.pushed and transaction.request is not None:
            # It comes from the controller: who would be the server is its client.
            client, server = server, client
            port = transaction.request.source.port
        elif transaction.request is not None and not is_group(transaction.request.destination.host):
            port = transaction.request.destination.port
        else:
            port = transaction.response.source.port if transaction.response is not None else 0
        answered = transaction.response is not None or (known is not None and known.pushed)
        klass = known.klass if known is not None else _UNKNOWN if transaction.code is not None else ""
        place = f"{port}/{first.transport}" if port else ""
        shown = (client or transaction.client, server or first.destination.host)
        if place:
            self._ports.put(shown, place)
        if answered and server is not None:
            self._answering.put(server, None)
        violations = self._violations(client, server, place, klass, answered)
        if violations:
            yield from self._judge.violated(violations, first.ts, *shown)
        if self._memory is not None and client is not None and server is not None:
            record = self._recorder.record(transaction)
            new = self._memory.new(first.ts, client, server, record.operation or "", record.target or "")
            if new:
                yield from self._judge.violated((new,), first.ts, client, server)

    def _judged(self, client: str | None, server: str | None, port: str, klass: str, answered: bool) -> tuple[str, ...]:
        if self._policy is None:
            return (PUBLIC,) if any(one is not None and is_public(one) for one in (client, server)) else ()
        classes = (klass,) if klass else ()
        return self._policy.judge(Request(0, client, server, port, classes, answered)).violations

    def begun(self, begun: Begun) -> Iterator[Alert]:
        """What an operation raises that takes place."""
        if self._policy is None or begun.action not in self._policy.need_window:
            return
        request = Request(begun.ts, _host(begun.client), _host(begun.server), action=begun.action)
        if WINDOW in self._policy.judge(request).violations:
            about = (begun.action, begun.object)
            yield from self._judge.violated((WINDOW,), begun.ts, begun.client, begun.server, *about)

    def done(self, operation: Operation) -> tuple[Operation, list[Alert]]:
        """An operation with what the policy says of it, and what it raises now that it is over."""
        if self._policy is None:
            return operation, []
        client, server = operation.client, operation.server
        refused = operation.status.strip("0") != "" and not operation.bytes
        verdict = self._policy.judge(
            Request(
                operation.ts,
                _host(client),
                _host(server),
                self._ports.get((client, server)) or "",
                self._classes[operation.action],
                server in self._answering,
                operation.action,
                None if refused else Content(operation.object, operation.sha256),
            )
        )
        told = replace(operation, role=verdict.role, window=verdict.window, change=verdict.change, verdict=verdict.text)
        if PROGRAM not in verdict.violations:
            return told, []
        return told, list(self._judge.violated((PROGRAM,), operation.ts, client, server, operation.object))


def _host(name: str) -> str | None:
    """An address, unless it is that of a group or not known."""
    return None if not name or is_group(name) else name
